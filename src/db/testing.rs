//! A real PostgreSQL for the tests, started once for each test process and ended with it, however it ends. Every test gets
//! a database of its own.
//!
//! `SWARM_UPLOAD_TEST_DATABASE_URL` names a server to use instead (a superuser's URL). With neither that nor PostgreSQL's
//! programs (in `PG_BIN`, under `/usr/lib/postgresql/*/bin` or in `PATH`) the tests fail: they are never skipped.

use super::migrate;
use super::postgres::{PgConfig, Pool};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tokio_postgres::NoTls;
use url::Url;

const VARIABLE: &str = "SWARM_UPLOAD_TEST_DATABASE_URL";

/// A database of one test. Dropped with it.
pub struct TestDatabase {
    name: String,
    pub url: String,
}

impl TestDatabase {
    pub async fn empty() -> Self {
        let name = format!("test_{:016x}", fastrand::u64(..));
        admin(&format!("CREATE DATABASE {name}")).await;
        let mut url = server().clone();
        url.set_path(&name);
        Self { name, url: url.into() }
    }

    /// A database with the schema of this program.
    pub async fn migrated() -> (Self, Pool) {
        let database = Self::empty().await;
        let pool = database.pool().await;
        migrate::postgres(&pool).await.unwrap();
        (database, pool)
    }

    pub async fn pool(&self) -> Pool {
        Pool::open(&PgConfig { url: self.url.clone(), password: None, pool_size: 8 }).await.unwrap()
    }

    /// The URL with one more parameter, which is to be percent-encoded.
    pub fn url_with(&self, parameter: &str) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}{parameter}", self.url)
    }

    /// Runs SQL in this database, beside any pool.
    pub async fn execute(&self, sql: &str) {
        execute(&self.url, sql).await;
    }

    /// Asks this database, beside any pool, for numbers: the first row's columns.
    pub async fn numbers<const N: usize>(&self, sql: &str) -> [i64; N] {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let row = client.query_one(sql, &[]).await.unwrap();
        drop(client);
        connection.await.unwrap().ok();
        std::array::from_fn(|column| row.get(column))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // Of its own, because this one's runtime does not wait in a destructor.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(admin(&sql));
        });
        dropping.join().ok();
    }
}

async fn admin(sql: &str) {
    execute(server().as_str(), sql).await;
}

async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().ok();
}

/// The server's URL, with its database for administration.
fn server() -> &'static Url {
    static SERVER: OnceLock<(Url, Option<Child>)> = OnceLock::new();
    let (url, _keeper) = SERVER.get_or_init(|| match std::env::var(VARIABLE) {
        Ok(url) => (url.parse().unwrap(), None),
        Err(_) => {
            let (url, keeper) = start();
            (url, Some(keeper))
        }
    });
    url
}

/// Starts a server and a keeper, a shell that ends it and removes its files as soon as this process is gone: then the pipe
/// that is the keeper's standard input closes.
fn start() -> (Url, Child) {
    let bin = programs();
    let folder = tempfile::Builder::new().prefix("pg-").tempdir().unwrap().keep();
    let user = unprivileged();
    if let Some((uid, gid)) = user {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    let initdb = run_as(user, &bin.join("initdb"))
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(folder.join("data"))
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));

    const KEEPER: &str = r#"trap '' HUP INT TERM
        "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=300 &
        read -r never
        kill -QUIT $!
        wait
        rm -rf "$2""#;
    let mut keeper = run_as(user, Path::new("sh"))
        .args(["-c", KEEPER, "keeper"])
        .args([&bin, &folder])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_ready(&mut keeper);
    let host = folder.to_str().unwrap().replace('/', "%2F");
    (format!("postgres://postgres@{host}/postgres").parse().unwrap(), keeper)
}

fn wait_until_ready(keeper: &mut Child) {
    let mut log = BufReader::new(keeper.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut seen = Vec::new();
    let ready = log.by_ref().any(|line| {
        let ready = line.contains("database system is ready to accept connections");
        seen.push(line);
        ready
    });
    assert!(ready, "PostgreSQL did not start:\n{}", seen.join("\n"));
    // Read on, or the server would wait for room in the pipe.
    std::thread::spawn(move || log.for_each(drop));
}

/// In the folder that `PG_BIN` names, in Debian's of the newest version, or in one of `PATH`.
fn programs() -> PathBuf {
    let has_them = |bin: &PathBuf| bin.join("initdb").exists();
    let named = env::var_os("PG_BIN").filter(|named| !named.is_empty()).map(PathBuf::from);
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).filter(has_them).max();
    let on_path = || env::split_paths(&env::var_os("PATH")?).find(has_them);
    named.or(newest).or_else(on_path).unwrap_or_else(|| {
        panic!("these tests need PostgreSQL: install it, name its folder in PG_BIN, or name a server in {VARIABLE}")
    })
}

/// PostgreSQL refuses to run as root: then it runs as `nobody`.
fn unprivileged() -> Option<(u32, u32)> {
    const NOBODY: (u32, u32) = (65534, 65534);
    rustix::process::getuid().is_root().then_some(NOBODY)
}

fn run_as(user: Option<(u32, u32)>, program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}
