//! A database of its own on the PostgreSQL that the environment names, dropped at the end.

use swarm_upload::config::Database;
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;
use url::Url;

pub const VARIABLE: &str = "SWARM_UPLOAD_TEST_DATABASE_URL";

pub struct TestDatabase<'a> {
    server: Url,
    name: String,
    runtime: &'a Runtime,
}

impl<'a> TestDatabase<'a> {
    pub fn named_by_the_environment(runtime: &'a Runtime) -> Option<Self> {
        let url = std::env::var(VARIABLE).ok()?;
        let server = url.parse().expect("a URL of a PostgreSQL server");
        let database = Self { server, name: format!("bench_{:016x}", fastrand::u64(..)), runtime };
        database.administer(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    pub fn config(&self) -> Database {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        Database::Postgres { url: url.into(), password: None }
    }

    fn administer(&self, sql: &str) {
        self.runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(self.server.as_str(), NoTls).await.expect("the server answers");
            tokio::spawn(connection);
            client.batch_execute(sql).await.expect("the server obeys");
        });
    }
}

impl Drop for TestDatabase<'_> {
    fn drop(&mut self) {
        self.administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
