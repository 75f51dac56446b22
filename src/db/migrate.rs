//! Brings a database to the schema of this program, once, whichever of several replicas comes first.
//!
//! The schema only ever grows while two programs share it (`migrations/README.md`), so a database that is past what this
//! program knows is as good as one that is exactly there.

use super::Error;
use super::postgres::Pool;
use super::sqlite::Database;
use refinery::Runner;
use std::fs::File;

mod embedded {
    pub(super) mod postgres {
        refinery::embed_migrations!("migrations/postgres");
    }
    pub(super) mod sqlite {
        refinery::embed_migrations!("migrations/sqlite");
    }
}

/// Any number will do, as long as every release takes the same.
const LOCK: i64 = 0x7377_6172_6d2d_7570;
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";

/// Migrates a PostgreSQL database. While another replica does it this one waits, however long that takes, and finds it done.
pub async fn postgres(pool: &Pool) -> Result<(), Error> {
    let runner = older_program_on_newer_schema(embedded::postgres::migrations::runner());
    // A session of its own: the pool's give up on locks and statements after seconds. The lock ends with the session.
    let mut session = pool.dedicated().await?;
    session.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    // From here on, who waits for a table's lock makes all others wait behind: rather fail and try again.
    session.batch_execute("SET lock_timeout = '10s'").await?;
    runner.run_async(&mut *session).await?;
    Ok(())
}

/// Migrates a SQLite file. Other processes that open it at the same time wait, and find it done.
pub async fn sqlite(database: &Database) -> Result<(), Error> {
    let lock = database.beside(".migrating");
    database
        .on_writer(move |connection| {
            let lock = File::create(lock).map_err(Error::unavailable)?;
            lock.lock().map_err(Error::unavailable)?;
            let runner = older_program_on_newer_schema(embedded::sqlite::migrations::runner());
            runner.run(connection)?;
            Ok(())
        })
        .await
}

/// The schema is at or past what this program needs.
pub async fn check_postgres(pool: &Pool) -> Result<(), Error> {
    let lease = pool.lease().await?;
    let statement = lease.prepare_cached(VERSION).await?;
    let version = lease.query_one(&statement, &[]).await?.try_get(0)?;
    lease.release();
    suffices(version, &embedded::postgres::migrations::runner())
}

/// As [`check_postgres`].
pub async fn check_sqlite(database: &Database) -> Result<(), Error> {
    let version = database
        .read(|connection| Ok::<_, Error>(connection.query_row(VERSION, [], |row| row.get(0))?))
        .await?;
    suffices(version, &embedded::sqlite::migrations::runner())
}

fn suffices(version: i32, runner: &Runner) -> Result<(), Error> {
    let needed = runner.get_migrations().iter().map(|migration| migration.version()).max().unwrap_or(0);
    match version >= needed {
        true => Ok(()),
        false => Err(Error::unavailable(format!("the schema is at version {version}, not yet at {needed}"))),
    }
}

/// During a rolling update, and after a rollback, the newer program has migrated already.
fn older_program_on_newer_schema(runner: Runner) -> Runner {
    runner.set_abort_missing(false)
}
