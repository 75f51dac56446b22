//! Elections: of all processes that share a database, one at a time holds a seat.
//!
//! Nothing may depend on there being one holder only: one that was stopped and wakes up still thinks that it is. A seat
//! spares the others the work, no more.

use super::postgres::{Pool, Session};
use super::sqlite::Database;
use super::{Error, within_patience};
use async_trait::async_trait;
use std::fs::{File, TryLockError};

/// How long PostgreSQL lets the holder be silent, for instance because it is stopped while its kernel keeps the connection
/// up. Longer than anybody who asks [`Seat::is_held`] should wait until asking again.
const SILENCE: &str = "10s";

/// Held until it is dropped, or its holder dies.
#[async_trait]
pub trait Seat: Send + Sync {
    /// Whether it is still ours. Who cannot tell has lost it.
    async fn is_held(&self) -> bool;
}

/// Takes the seat of this number, unless another replica holds it: a lock that ends with a session of its own.
pub async fn take_postgres(pool: &Pool, number: i64) -> Result<Option<Box<dyn Seat>>, Error> {
    within_patience(async {
        let session = pool.dedicated().await?;
        // PostgreSQL before 14 does not know it; there a stopped holder keeps its seat.
        session.set_if_known("idle_session_timeout", SILENCE).await?;
        let taken = session.query_one("SELECT pg_try_advisory_lock($1)", &[&number]).await?;
        Ok(taken.try_get::<_, bool>(0)?.then(|| Box::new(PostgresSeat(session)) as Box<dyn Seat>))
    })
    .await
}

struct PostgresSeat(Session);

#[async_trait]
impl Seat for PostgresSeat {
    /// As long as the session answers it has its lock.
    async fn is_held(&self) -> bool {
        let asked = within_patience(async { Ok::<_, Error>(self.0.simple_query("").await?) });
        asked.await.is_ok()
    }
}

/// Takes the seat of this name beside the database file, unless it is taken: also by another part of this process.
pub async fn take_sqlite(database: &Database, name: &str) -> Result<Option<Box<dyn Seat>>, Error> {
    let mut path = database.path().as_os_str().to_owned();
    path.push(format!(".{name}"));
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(path).map_err(Error::unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::unavailable(error)),
        }
    });
    let file = locked.await.map_err(Error::broken)??;
    Ok(file.map(|file| Box::new(SqliteSeat { _file: file }) as Box<dyn Seat>))
}

/// The kernel's lock ends with the file, and the file with the process.
struct SqliteSeat {
    _file: File,
}

#[async_trait]
impl Seat for SqliteSeat {
    async fn is_held(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDatabase;

    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

    #[tokio::test]
    async fn a_seat_whose_session_was_cut_is_lost_and_free() {
        let database = TestDatabase::empty().await;
        let (here, there) = (database.pool().await, database.pool().await);
        let seat = take_postgres(&here, 7).await.unwrap().unwrap();
        assert!(seat.is_held().await);
        assert!(take_postgres(&there, 7).await.unwrap().is_none());
        assert!(take_postgres(&there, 8).await.unwrap().is_some());
        database.execute(CUT).await;
        assert!(!seat.is_held().await);
        let next = take_postgres(&there, 7).await.unwrap().unwrap();
        assert!(next.is_held().await);
        assert!(!seat.is_held().await);
    }
}
