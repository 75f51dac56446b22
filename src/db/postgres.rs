//! Connections to PostgreSQL, all of which give up in time.

use super::{Error, PATIENCE, hosts, tls, within_patience};
use async_trait::async_trait;
use deadpool_postgres::{Client, ClientWrapper, Connect, Manager, ManagerConfig, RecyclingMethod, Runtime};
use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

/// What each session of the pool is told. No transaction of ours needs longer; a hung one must not keep its locks.
/// What the URL says in its own `options` comes later and wins.
const SESSION: &str = "-c statement_timeout=3s -c lock_timeout=2s -c idle_in_transaction_session_timeout=5s";
const CONNECT: Duration = Duration::from_secs(1);
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Where the database is.
#[derive(Clone)]
pub struct PgConfig {
    /// `postgres://user@host/db?sslmode=disable|prefer|require`, with any number of hosts, `target_session_attrs` and
    /// whatever else `tokio_postgres::Config` knows. See [`Pool`] for what `require` does not do.
    pub url: String,
    /// Goes before one in the URL.
    pub password: Option<String>,
    /// Connections at most.
    pub pool_size: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    #[error(
        "invalid value '…' for '--database-url': {}; allowed is postgres://user@host/db?sslmode=disable|prefer|require",
        super::Chain(.0)
    )]
    Url(#[source] tokio_postgres::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
    #[error("the connection pool cannot be set up: {0}")]
    Pool(#[source] deadpool_postgres::BuildError),
}

/// A pool of connections. Making one does not connect, so a database that is down does not keep anybody from starting.
///
/// TLS encrypts and does not verify the server's certificate, as libpq does for `sslmode=prefer` and `require`.
#[derive(Clone)]
pub struct Pool {
    connections: deadpool_postgres::Pool,
    connector: Connector,
    config: Config,
}

/// A connection, taken for one piece of work.
///
/// It goes back into the pool only through [`Lease::release`]. Dropped otherwise (the work failed, took too long, or nobody
/// waits for it any more) it is closed, since nobody knows what it is still doing. The server then rolls back, unless it has been sent the end of the
/// transaction, or a statement that is one by itself, already.
pub struct Lease(Option<Client>);

/// A session apart from the pool, under no time limits. It ends when this is dropped.
pub struct Session(ClientWrapper);

/// Statements that another room adds to a transaction: they take effect with it or not at all.
#[async_trait]
pub trait TransactionPart: Send + Sync {
    async fn run(
        &self,
        transaction: &deadpool_postgres::Transaction<'_>,
    ) -> Result<(), tokio_postgres::Error>;
}

impl Pool {
    /// The connections live on the runtime that this is awaited on, whichever thread asks for them later: one thread's end
    /// must not cut those of others.
    pub async fn open(config: &PgConfig) -> Result<Self, InvalidConfig> {
        let mut parsed: Config = config.url.parse().map_err(InvalidConfig::Url)?;
        if let Some(password) = &config.password {
            parsed.password(password);
        }
        parsed.connect_timeout(CONNECT).tcp_user_timeout(PATIENCE).keepalives_idle(KEEPALIVE);
        let connector =
            Connector { tls: tls::connector().map_err(InvalidConfig::Tls)?, home: Handle::current() };

        let mut limited = parsed.clone();
        let options = parsed.get_options().unwrap_or_default();
        limited.options(format!("{SESSION} {options}").trim_end());
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(limited, connector.clone(), recycling);
        let connections = deadpool_postgres::Pool::builder(manager)
            .runtime(Runtime::Tokio1)
            .max_size(config.pool_size)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(InvalidConfig::Pool)?;
        Ok(Self { connections, connector, config: parsed })
    }

    /// A connection, as soon as one is free. Use it inside of [`super::within_patience`].
    pub async fn lease(&self) -> Result<Lease, Error> {
        Ok(Lease(Some(self.connections.get().await?)))
    }

    /// A session for what may take long.
    pub async fn dedicated(&self) -> Result<Session, Error> {
        within_patience(async {
            let (client, connection) = self.connector.connect(&self.config).await?;
            Ok(Session(ClientWrapper::new(client, connection)))
        })
        .await
    }

    /// Closes the connections that wait for work. Where one of them leads to a server that has vanished or hangs, so do the
    /// others, and each would take somebody's whole patience to be found out.
    pub fn forget_idle(&self) {
        self.connections.retain(|_, _| false);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("connections", &self.connections.status()).finish_non_exhaustive()
    }
}

/// Connects on the pool's own runtime.
#[derive(Clone)]
struct Connector {
    tls: MakeRustlsConnect,
    home: Handle,
}

type Connected = Result<(tokio_postgres::Client, JoinHandle<()>), tokio_postgres::Error>;
type Connecting<'a> = Pin<Box<dyn Future<Output = Connected> + Send + 'a>>;

impl Connect for Connector {
    /// Tries one host after the other. Each has a share of the patience; what is left is the last one's.
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let mut hosts = hosts::each(config);
        Box::pin(async move {
            let share = PATIENCE / u32::try_from(hosts.len()).unwrap_or(u32::MAX);
            let last = hosts.pop();
            for host in hosts {
                if let Ok(Ok(connected)) = tokio::time::timeout(share, self.connect_to(&host)).await {
                    return Ok(connected);
                }
            }
            self.connect_to(&last.unwrap_or_default()).await
        })
    }
}

impl Connector {
    async fn connect_to(&self, host: &Config) -> Connected {
        let mut connecting = pin!(host.connect(self.tls.clone()));
        let (client, connection) = poll_fn(|context| {
            // A socket belongs to the runtime that is entered while it is made.
            let _home = self.home.enter();
            connecting.as_mut().poll(context)
        })
        .await?;
        let connection = self.home.spawn(async move {
            if let Err(error) = connection.await {
                log::warn!("a connection to PostgreSQL ended: {error}");
            }
        });
        Ok((client, connection))
    }
}

impl Lease {
    /// The work ended well and left nothing open: the connection serves the next.
    pub fn release(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Client::take(client));
        }
    }
}

/// [`Lease::release`] and the end of a lease take the connection out; nobody has the lease after that.
const HELD: &str = "a lease holds its connection to its end";

impl Deref for Lease {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        self.0.as_ref().expect(HELD)
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        self.0.as_mut().expect(HELD)
    }
}

impl Deref for Session {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &tokio_postgres::Client {
        &self.0
    }
}

impl Session {
    /// Sets a parameter for this session, if the server knows it: older ones lack some.
    pub async fn set_if_known(&self, parameter: &str, value: &str) -> Result<(), Error> {
        let set = "SELECT set_config(name, $2, false) FROM pg_settings WHERE name = $1";
        self.query_opt(set, &[&parameter, &value]).await?;
        Ok(())
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut tokio_postgres::Client {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDatabase;
    use std::time::Instant;
    use tokio::net::TcpListener;

    async fn pool(url: &str) -> Pool {
        Pool::open(&PgConfig { url: url.into(), password: None, pool_size: 2 }).await.unwrap()
    }

    async fn backend_pid(lease: &Lease) -> i32 {
        lease.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn sessions_give_up_on_locks_and_statements_but_the_urls_own_options_win() {
        let database = TestDatabase::empty().await;
        let pool = pool(&database.url_with("options=-c%20statement_timeout%3D9s")).await;
        let lease = pool.lease().await.unwrap();
        for (setting, value) in [
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "5s"),
            ("statement_timeout", "9s"),
        ] {
            let row = lease.query_one("SELECT current_setting($1)", &[&setting]).await.unwrap();
            assert_eq!(row.get::<_, &str>(0), value, "{setting}");
        }
    }

    #[tokio::test]
    async fn a_released_connection_serves_again_and_a_dropped_one_is_closed() {
        let database = TestDatabase::empty().await;
        let pool = pool(&database.url).await;
        let lease = pool.lease().await.unwrap();
        let first = backend_pid(&lease).await;
        lease.release();
        let lease = pool.lease().await.unwrap();
        assert_eq!(backend_pid(&lease).await, first);
        drop(lease);
        let lease = pool.lease().await.unwrap();
        assert_ne!(backend_pid(&lease).await, first);
    }

    /// The work is cut off in the middle of a transaction, as when a client goes away.
    #[tokio::test]
    async fn work_that_is_abandoned_keeps_no_lock() {
        let database = TestDatabase::empty().await;
        database.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)").await;
        let pool = pool(&database.url).await;
        let mut lease = pool.lease().await.unwrap();
        let transaction = lease.transaction().await.unwrap();
        transaction.execute("UPDATE t SET n = 2", &[]).await.unwrap();
        drop(transaction);
        drop(lease);
        let lease = pool.lease().await.unwrap();
        lease.execute("UPDATE t SET n = 3", &[]).await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_accepts_and_never_answers_is_unavailable_in_time() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = pool(&format!("postgres://u@{}/db", silent.local_addr().unwrap())).await;
        let asked = Instant::now();
        let outcome = within_patience(pool.lease()).await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))));
        assert!(asked.elapsed() < PATIENCE * 2);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let outcome = pool(&format!("postgres://u@{address}/db")).await.lease().await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))));
    }

    #[tokio::test]
    async fn the_next_host_is_asked_when_one_is_not_there() {
        let database = TestDatabase::empty().await;
        let url = database.url_with("target_session_attrs=read-write");
        let (user, rest) = url.split_once('@').unwrap();
        let pool = pool(&format!("{user}@%2Fnowhere,{rest}")).await;
        assert!(backend_pid(&pool.lease().await.unwrap()).await > 0);
    }

    #[tokio::test]
    async fn the_next_host_is_asked_when_one_accepts_and_never_answers() {
        let database = TestDatabase::empty().await;
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (user, rest) = database.url.split_once('@').unwrap();
        let pool = pool(&format!("{user}@{},{rest}", silent.local_addr().unwrap())).await;
        let lease = within_patience(pool.lease()).await.unwrap();
        assert!(backend_pid(&lease).await > 0);
        within_patience(pool.dedicated()).await.unwrap();
    }

    #[tokio::test]
    async fn a_session_is_not_waited_for_longer_than_the_patience() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = pool(&format!("postgres://u@{}/db", silent.local_addr().unwrap())).await;
        assert!(matches!(pool.dedicated().await, Err(Error::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_parameter_that_the_server_does_not_know_is_not_set() {
        let database = TestDatabase::empty().await;
        let session = pool(&database.url).await.dedicated().await.unwrap();
        session.set_if_known("lock_timeout", "7s").await.unwrap();
        session.set_if_known("timeout_of_a_later_release", "7s").await.unwrap();
        let set = session.query_one("SHOW lock_timeout", &[]).await.unwrap();
        assert_eq!(set.get::<_, String>(0), "7s");
    }

    #[tokio::test]
    async fn connections_that_wait_for_work_can_be_forgotten() {
        let database = TestDatabase::empty().await;
        let pool = pool(&database.url).await;
        let (idle, busy) = (pool.lease().await.unwrap(), pool.lease().await.unwrap());
        let (was_idle, was_busy) = (backend_pid(&idle).await, backend_pid(&busy).await);
        idle.release();
        pool.forget_idle();
        busy.release();
        let (first, second) = (pool.lease().await.unwrap(), pool.lease().await.unwrap());
        let now = [backend_pid(&first).await, backend_pid(&second).await];
        assert!(now.contains(&was_busy) && !now.contains(&was_idle));
    }

    #[tokio::test]
    async fn a_bad_url_is_refused() {
        let config = PgConfig { url: "postgres://u@h/db?sslmode=maybe".into(), password: None, pool_size: 1 };
        assert!(matches!(Pool::open(&config).await, Err(InvalidConfig::Url(_))));
    }
}
