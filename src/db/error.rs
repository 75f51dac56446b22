use std::fmt;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// How long anybody here waits for a database, all in all: for a connection, for locks, for the answer.
pub const PATIENCE: Duration = Duration::from_secs(3);

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong in a database, by what it means to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not answer, not in time, or told us to try again. Whether something was committed is not known.
    #[error("the database is unavailable")]
    Unavailable(#[source] Source),
    #[error("the database has no room left")]
    Full(#[source] Source),
    /// A row with the same key is committed already. The transaction is void.
    #[error("the row exists already")]
    Duplicate(#[source] Source),
    /// A defect in this program or its configuration; trying again does not help. Logged where it was seen.
    #[error("the database refuses: {0}")]
    Broken(#[source] Source),
}

#[derive(Debug, thiserror::Error)]
#[error("no answer within {PATIENCE:?}")]
struct NotInTime;

/// Gives up on `work` after [`PATIENCE`]. Dropping `work` must leave nothing half done: see [`super::postgres::Lease`].
pub async fn within_patience<T, E: From<Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(Error::unavailable(NotInTime).into()),
    }
}

impl Error {
    pub fn unavailable(cause: impl Into<Source>) -> Self {
        Self::Unavailable(cause.into())
    }

    pub fn broken(cause: impl Into<Source>) -> Self {
        let cause = cause.into();
        log::error!("the database refuses: {}", Chain(cause.as_ref()));
        Self::Broken(cause)
    }
}

/// An error with all of its causes on one line, for the log: tokio-postgres says what the server said in the cause only. A
/// cause that was said already is not said again.
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = error.source();
        }
        f.write_str(&text)
    }
}

/// The kinds of [`Error`].
enum Meaning {
    Unavailable,
    Full,
    Duplicate,
    Broken,
}

impl Meaning {
    fn of_postgres(error: &tokio_postgres::Error) -> Self {
        match error.code() {
            Some(code) if *code == SqlState::DISK_FULL => Self::Full,
            Some(code) if *code == SqlState::UNIQUE_VIOLATION => Self::Duplicate,
            Some(code) if is_passing(code) => Self::Unavailable,
            None if is_of_the_connection(error) => Self::Unavailable,
            Some(_) | None => Self::Broken,
        }
    }

    fn of_sqlite(error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted,
            ) => Self::Unavailable,
            Some(_) | None => Self::Broken,
        }
    }

    fn with(self, cause: impl Into<Source>) -> Error {
        match self {
            Self::Unavailable => Error::unavailable(cause),
            Self::Full => Error::Full(cause.into()),
            Self::Duplicate => Error::Duplicate(cause.into()),
            Self::Broken => Error::broken(cause),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Meaning::of_postgres(&error).with(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Meaning::of_sqlite(&error).with(error)
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        use deadpool_postgres::PoolError;
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) | PoolError::Closed => Self::unavailable(error),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Self::broken(error),
        }
    }
}

impl From<refinery::Error> for Error {
    fn from(error: refinery::Error) -> Self {
        use std::error::Error as _;
        let cause = error.source();
        let meaning = match cause.and_then(|cause| cause.downcast_ref()) {
            Some(error) => Meaning::of_postgres(error),
            None => match cause.and_then(|cause| cause.downcast_ref()) {
                Some(error) => Meaning::of_sqlite(error),
                None => Meaning::Broken,
            },
        };
        meaning.with(error)
    }
}

/// PostgreSQL, appendix A: what a later attempt, or one on another server, may well get past.
fn is_passing(code: &SqlState) -> bool {
    const PASSING: &[SqlState] = &[
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
        // To one who stood still while he held a transaction, or a seat.
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::IDLE_SESSION_TIMEOUT,
        SqlState::TOO_MANY_CONNECTIONS,
        // The server's own, or its machine's: memory, file descriptors, a disk that fails.
        SqlState::OUT_OF_MEMORY,
        SqlState::INSUFFICIENT_RESOURCES,
        SqlState::IO_ERROR,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        // The server was demoted to a standby under us; the next connection finds the primary.
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    // Class 08: connection exceptions.
    PASSING.contains(code) || code.code().starts_with("08")
}

/// Without a word from the server, all but our own mistakes (a value that does not fit its column) is the connection's.
fn is_of_the_connection(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDatabase;

    fn name(error: &Error) -> &'static str {
        match error {
            Error::Unavailable(_) => "unavailable",
            Error::Full(_) => "full",
            Error::Duplicate(_) => "duplicate",
            Error::Broken(_) => "broken",
        }
    }

    #[tokio::test]
    async fn what_postgresql_says_is_told_by_its_meaning() {
        let database = TestDatabase::empty().await;
        let lease = database.pool().await.lease().await.unwrap();
        for (state, meaning) in [
            ("53100", "full"),
            ("23505", "duplicate"),
            ("40001", "unavailable"),
            ("40P01", "unavailable"),
            ("55P03", "unavailable"),
            ("57014", "unavailable"),
            ("57P01", "unavailable"),
            ("57P03", "unavailable"),
            ("57P05", "unavailable"),
            ("53300", "unavailable"),
            ("53000", "unavailable"),
            ("58030", "unavailable"),
            ("25006", "unavailable"),
            ("08006", "unavailable"),
            ("42601", "broken"),
            ("23514", "broken"),
        ] {
            let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{state}'; END $$");
            let error = lease.batch_execute(&raise).await.unwrap_err();
            assert_eq!(name(&error.into()), meaning, "{state}");
        }
        let misfit = lease.query("SELECT $1::int", &[&"text"]).await.unwrap_err();
        assert_eq!(name(&misfit.into()), "broken");
    }

    #[tokio::test]
    async fn a_connection_that_was_cut_is_unavailable_and_the_next_one_works() {
        let database = TestDatabase::empty().await;
        let pool = database.pool().await;
        let lease = pool.lease().await.unwrap();
        database
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
        let cut = lease.query_one("SELECT 1", &[]).await.unwrap_err();
        assert_eq!(name(&cut.into()), "unavailable");
        drop(lease);
        pool.lease().await.unwrap().query_one("SELECT 1", &[]).await.unwrap();
    }

    #[test]
    fn what_sqlite_says_is_told_by_its_meaning() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (b BLOB); PRAGMA max_page_count = 3").unwrap();
        let full = connection.execute("INSERT INTO t VALUES (zeroblob(100000))", []).unwrap_err();
        assert_eq!(name(&full.into()), "full");
        let wrong = connection.execute("no SQL", []).unwrap_err();
        assert_eq!(name(&wrong.into()), "broken");
    }
}
