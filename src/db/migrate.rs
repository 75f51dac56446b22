//! Brings a database to the schema of this program, once, whichever of several replicas comes first.
//!
//! The schema only ever grows while two programs share it (`migrations/README.md`), so a database that is past what this
//! program knows is as good as one that is exactly there. So it is during a rolling update, and after a rollback.

use super::postgres::{Pool, Session};
use super::sqlite::{self, Database};
use super::{Error, PATIENCE, within_patience};
use rusqlite::Connection;
use std::time::Duration;
use tokio_postgres::error::SqlState;

mod embedded {
    pub(super) mod postgres {
        refinery::embed_migrations!("migrations/postgres");
    }
    pub(super) mod sqlite {
        refinery::embed_migrations!("migrations/sqlite");
    }
}

/// The last migration of both. Stated, because to ask refinery is to compile a regular expression and to hash all migrations,
/// and a backend compares each second.
const NEEDED: i32 = 5;

/// No limit for statements; but who waits for a table's lock makes all others wait behind: rather fail and try again. And who
/// takes the lock and then stands still loses it.
const UNHURRIED: &str = "SET statement_timeout = 0; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '10s'";
/// Not before PostgreSQL 14, where one who stands still between two transactions keeps the lock.
const UNHURRIED_BUT_AWAKE: (&str, &str) = ("idle_session_timeout", "10s");
/// Any number will do, as long as every release takes the same.
const LOCK: i64 = 0x7377_6172_6d2d_7570;
/// How often one asks whether another replica has let go of it.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// Where refinery notes what it has applied.
const HISTORY: &str = "refinery_schema_history";
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";

/// Migrates a PostgreSQL database. While another replica does it this one waits, however long that takes, and finds it done.
/// It gives up when the server does not answer any more.
pub async fn postgres(pool: &Pool) -> Result<(), Error> {
    // A session of its own: the pool's give up on locks and statements after seconds. The lock ends with the session, and the
    // server ends the session of one who took the lock and then stands still.
    let mut session = pool.dedicated().await?;
    // Where there is nothing to do, nobody waits for one who may be at it.
    if suffices(within_patience(postgres_version(&session)).await?).is_ok() {
        return Ok(());
    }
    within_patience(unhurried(&session)).await?;
    while !within_patience(lock(&session)).await? {
        tokio::time::sleep(ASK_AGAIN).await;
    }
    if suffices(within_patience(postgres_version(&session)).await?).is_ok() {
        return Ok(());
    }
    let runner = embedded::postgres::migrations::runner().set_abort_missing(false);
    tokio::select! {
        migrated = runner.run_async(&mut *session) => Ok(migrated.map(|_| ())?),
        error = hangs(pool) => Err(error),
    }
}

async fn unhurried(session: &Session) -> Result<(), Error> {
    session.batch_execute(UNHURRIED).await?;
    let (parameter, value) = UNHURRIED_BUT_AWAKE;
    session.set_if_known(parameter, value).await
}

/// Takes the lock if it is free. Asked for again and again rather than waited for: a wait cannot be told from a server that
/// hangs.
async fn lock(session: &Session) -> Result<bool, Error> {
    Ok(session.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.try_get(0)?)
}

/// Returns when the server has not answered other sessions several times in a row. A statement that may take long has no
/// limit of its own.
async fn hangs(pool: &Pool) -> Error {
    let mut failures = 0;
    loop {
        tokio::time::sleep(PATIENCE).await;
        match within_patience(async { Ok(pool.dedicated().await?.simple_query("").await?) }).await {
            Ok(_) => failures = 0,
            Err(error) if failures == 2 => return error,
            Err(_) => failures += 1,
        }
    }
}

/// Migrates a SQLite file. Other processes that open it at the same time wait, and find it done.
pub async fn sqlite(database: &Database) -> Result<(), Error> {
    let path = database.path();
    database
        .on_writer(move |connection| {
            let _alone = sqlite::lock(&path)?;
            if suffices(sqlite_version(connection)?).is_err() {
                embedded::sqlite::migrations::runner().set_abort_missing(false).run(connection)?;
            }
            Ok(())
        })
        .await
}

/// The schema is at or past what this program needs.
pub async fn check_postgres(pool: &Pool) -> Result<(), Error> {
    let lease = pool.lease().await?;
    let version = postgres_version(&lease).await?;
    lease.release();
    suffices(version)
}

/// As [`check_postgres`].
pub async fn check_sqlite(database: &Database) -> Result<(), Error> {
    let version = database.read(sqlite_version).await?;
    suffices(version)
}

/// The number of the last migration applied; 0 if there was none yet.
async fn postgres_version(client: &tokio_postgres::Client) -> Result<i32, Error> {
    match client.query_one(VERSION, &[]).await {
        Ok(row) => Ok(row.try_get(0)?),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn sqlite_version(connection: &Connection) -> Result<i32, Error> {
    match connection.table_exists(None, HISTORY)? {
        true => Ok(connection.query_row(VERSION, [], |row| row.get(0))?),
        false => Ok(0),
    }
}

fn suffices(version: i32) -> Result<(), Error> {
    match version >= NEEDED {
        true => Ok(()),
        false => Err(Error::unavailable(format!("the schema is at version {version}, not yet at {NEEDED}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::TestDatabase;
    use futures_util::future::join_all;
    use refinery::{Runner, Target};

    #[tokio::test]
    async fn eight_replicas_at_once_migrate_an_empty_database_once() {
        let database = TestDatabase::empty().await;
        let mut pools = Vec::new();
        for _ in 0..8 {
            pools.push(database.pool().await);
        }
        for migrated in join_all(pools.iter().map(postgres)).await {
            migrated.unwrap();
        }
        for pool in &pools {
            check_postgres(pool).await.unwrap();
        }
        let lease = pools[0].lease().await.unwrap();
        let applied = lease.query_one("SELECT count(*) FROM refinery_schema_history", &[]).await.unwrap();
        let files = embedded::postgres::migrations::runner().get_migrations().len();
        assert_eq!(applied.get::<_, i64>(0), files as i64);
    }

    #[tokio::test]
    async fn another_replicas_migration_is_waited_for_longer_than_any_lock() {
        let database = TestDatabase::empty().await;
        let pool = database.pool().await;
        let holder = pool.dedicated().await.unwrap();
        holder.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.unwrap();
        let mut migrating = std::pin::pin!(postgres(&pool));
        let still_waiting = within_patience::<_, Error>(async { Ok(migrating.as_mut().await) }).await;
        assert!(matches!(still_waiting, Err(Error::Unavailable(_))), "{still_waiting:?}");
        drop(holder);
        migrating.await.unwrap();
    }

    #[tokio::test]
    async fn a_database_that_is_not_migrated_does_not_suffice() {
        let database = TestDatabase::empty().await;
        let pool = database.pool().await;
        assert!(matches!(check_postgres(&pool).await, Err(Error::Unavailable(_))));
        postgres(&pool).await.unwrap();
        check_postgres(&pool).await.unwrap();
        database.execute("UPDATE refinery_schema_history SET version = version - 1").await;
        assert!(matches!(check_postgres(&pool).await, Err(Error::Unavailable(_))));
    }

    /// As they are after somebody's `CREATE INDEX CONCURRENTLY` was killed: there, kept up, and never read.
    #[tokio::test]
    async fn an_index_that_came_to_no_end_is_not_taken_for_a_good_one() {
        let database = TestDatabase::empty().await;
        let pool = database.pool().await;
        let mut session = pool.dedicated().await.unwrap();
        let runner = embedded::postgres::migrations::runner().set_target(Target::Version(3));
        runner.run_async(&mut *session).await.unwrap();
        database
            .execute(
                "CREATE INDEX uploads_by_completion ON uploads (completed_at) WHERE completed_at IS NOT NULL;
                 CREATE INDEX of_somebody_else ON uploads (completed_at);
                 UPDATE pg_index SET indisvalid = false WHERE indexrelid IN
                 ('uploads_by_completion'::regclass, 'uploads_by_content'::regclass, 'of_somebody_else'::regclass)",
            )
            .await;
        postgres(&pool).await.unwrap();
        let indexes =
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_index JOIN pg_class ON oid = indexrelid
                       WHERE indrelid IN ('uploads'::regclass, 'tombstones'::regclass) AND indisvalid = $1";
        let valid: String = session.query_one(indexes, &[&true]).await.unwrap().get(0);
        for index in
            ["uploads_by_completion", "uploads_by_content", "uploads_undigested", "tombstones_by_removal"]
        {
            assert!(valid.contains(index), "{index} is not among {valid}");
        }
        let invalid: String = session.query_one(indexes, &[&false]).await.unwrap().get(0);
        assert_eq!(invalid, "of_somebody_else", "what is not ours is left alone");
    }

    /// The two schemas are one, as far as both have it.
    #[test]
    fn both_databases_have_the_same_migrations_up_to_the_one_that_is_needed() {
        let names = |runner: Runner| -> Vec<_> {
            runner.get_migrations().iter().map(|m| (m.version(), m.name().to_owned())).collect()
        };
        let postgres = names(embedded::postgres::migrations::runner());
        assert_eq!(postgres, names(embedded::sqlite::migrations::runner()));
        assert_eq!(postgres.iter().map(|(version, _)| *version).max(), Some(NEEDED));
    }

    /// A database that has applied another one would refuse the program: a rolling update would find no backend ready.
    #[test]
    fn a_migration_that_was_once_applied_never_changes() {
        let sums = |runner: Runner| -> Vec<_> {
            runner
                .get_migrations()
                .iter()
                .map(|migration| (migration.version(), migration.checksum()))
                .collect()
        };
        let postgres = [
            (1, 3_443_254_632_241_336_748),
            (2, 4_041_526_706_265_512_924),
            (3, 8_469_875_907_486_709_542),
            (4, 13_991_682_218_440_436_798),
            (5, 13_070_096_114_849_453_385),
        ];
        assert_eq!(sums(embedded::postgres::migrations::runner()), postgres);
        let sqlite = [
            (1, 2_865_040_131_541_367_541),
            (2, 2_676_779_359_105_607_674),
            (3, 17_346_989_090_665_287_029),
            (4, 9_301_802_078_378_956_516),
            (5, 1_078_208_711_022_069_559),
        ];
        assert_eq!(sums(embedded::sqlite::migrations::runner()), sqlite);
    }
}
