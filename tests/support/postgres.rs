use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};
use url::Url;

/// An empty database of its own for one test, on a real server. Dropped with it.
pub struct Database {
    pub url: String,
    name: String,
}

impl Database {
    pub fn create() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&format!("CREATE DATABASE {name}")).unwrap();
        let mut url = server().clone();
        url.set_path(&name);
        Self { url: url.into(), name }
    }

    /// Asks for a number.
    pub fn number(&self, question: &str) -> i64 {
        let asked = run(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
            let connection = tokio::spawn(connection);
            let row = client.query_one(question, &[]).await?;
            drop(client);
            drop(connection.await);
            row.try_get(0)
        });
        asked.unwrap()
    }
}

/// A transaction that has done something and does not end before this is dropped.
pub struct Held {
    _client: Client,
    _runtime: Runtime,
}

impl Database {
    /// Begins a transaction with this statement and leaves it open.
    #[allow(dead_code, reason = "not every program of tests has to hold something")]
    pub fn hold(&self, statement: &str) -> Held {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&format!("BEGIN; {statement}")).await.unwrap();
            client
        });
        Held { _client: client, _runtime: runtime }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)));
    }
}

/// The server of this test run: `SWARM_UPLOAD_TEST_DATABASE_URL`, or one that ends with this process.
fn server() -> &'static Url {
    static SERVER: OnceLock<(Url, Option<Child>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| match std::env::var("SWARM_UPLOAD_TEST_DATABASE_URL") {
        Ok(url) => (url.parse().unwrap(), None),
        Err(_) => start(),
    });
    url
}

fn start() -> (Url, Option<Child>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/test-postgres.sh");
    // It ends when its input does, and that is when this process ends.
    let mut child = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let url = url.trim().parse().expect("scripts/test-postgres.sh says where the server is");
    (url, Some(child))
}

fn execute(statement: &str) -> Result<(), tokio_postgres::Error> {
    run(async {
        let (client, connection) = tokio_postgres::connect(server().as_str(), NoTls).await?;
        let connection = tokio::spawn(connection);
        client.batch_execute(statement).await?;
        drop(client);
        drop(connection.await);
        Ok(())
    })
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
