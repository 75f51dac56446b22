//! The indexes that searches are fast with.
//!
//! Nothing but speed depends on them (one serves the list by size too), so they are no part of the schema and hold nobody up: they are made beside the work of
//! everybody, the older program included, not in a transaction and not by a migration. Of a million records that takes half a
//! minute. One that came to no end, because the database died, is there and is never read: it is made anew.

use crate::db::postgres::{Pool, Session};
use crate::db::{Chain, Error, within_patience};
use tokio_postgres::error::SqlState;

/// Any number will do, as long as every release takes the same.
const LOCK: i64 = 0x7377_696e_6465_7821;
/// No limit for statements, but one for those whose transactions have to be waited for: what is half made costs, and is tried
/// again.
const UNHURRIED: &str =
    "SET statement_timeout = 0; SET lock_timeout = '60s'; SET client_min_messages = warning";
/// The name stands in them, so that names are looked at in the order of the list without their records.
const ORDERED: [(&str, &str); 2] = [
    ("uploads_named_by_id", "(id) INCLUDE (filename_key)"),
    ("uploads_named_by_size", "(coalesce(length_bytes, 0), id) INCLUDE (length_bytes, filename_key)"),
];
/// What the last of these replaces, once it is there.
const REPLACED: &str = "DROP INDEX CONCURRENTLY IF EXISTS uploads_by_size";
const BY_TRIGRAMS: &str = "uploads_named_by_trigrams";
/// New names wait in a list that each search looks through, until this many KiB of them are sorted in at once: the fewer wait, the
/// more each costs who writes it.
const WAITING: u32 = 1024;

const IS_VALID: &str = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1::text)";
const CREATE_EXTENSION: &str = "CREATE EXTENSION IF NOT EXISTS pg_trgm";
const SCHEMA_OF_EXTENSION: &str = "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace \
                                   WHERE extname = 'pg_trgm'";

/// Makes those that are missing. `false` if another replica is at it.
pub async fn make(pool: &Pool) -> Result<bool, Error> {
    let session = pool.dedicated().await?;
    if !within_patience(begin(&session)).await? {
        return Ok(false);
    }
    let mut ordered = true;
    for (name, definition) in ORDERED {
        ordered &= is_made(&session, name, definition).await?;
    }
    if let Some(schema) = extension(&session).await? {
        let definition = format!(
            "USING gin (filename_key {schema}.gin_trgm_ops) WITH (gin_pending_list_limit = {WAITING})"
        );
        is_made(&session, BY_TRIGRAMS, &definition).await?;
    }
    if ordered {
        done(session.batch_execute(REPLACED).await)?;
    }
    // Not only once the database has seen that the session has ended: whoever comes next would take another to be at it.
    session.query_one("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(true)
}

/// Whether nobody else is at it. That ends with the session, and the session with one who stands still.
async fn begin(session: &Session) -> Result<bool, Error> {
    session.batch_execute(UNHURRIED).await?;
    session.set_if_known("idle_session_timeout", "10s").await?;
    Ok(session.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await?.try_get(0)?)
}

async fn is_made(session: &Session, name: &str, definition: &str) -> Result<bool, Error> {
    if let Some(row) = session.query_opt(IS_VALID, &[&name]).await?
        && row.try_get(0)?
    {
        return Ok(true);
    }
    log::info!("the index {name} is being made");
    let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
    let create = format!("CREATE INDEX CONCURRENTLY {name} ON uploads {definition}");
    let made = match session.batch_execute(&drop).await {
        Ok(()) => session.batch_execute(&create).await,
        Err(error) => Err(error),
    };
    if made.is_err() {
        // What is half made costs all who write, and has room that may be what they lack. Where it cannot be dropped now it is
        // the next time.
        let _ = session.batch_execute(&drop).await;
    }
    let made = done(made)?;
    if made {
        log::info!("the index {name} is made");
    }
    Ok(made)
}

/// Whether it was. What cannot be had now is not tried again before another replica is elected: searches stay slow, and find the
/// same.
fn done(outcome: Result<(), tokio_postgres::Error>) -> Result<bool, Error> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.code().is_some_and(is_not_to_be_had) => {
            log::warn!("searches of many records stay slow: {}", Chain(&error));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// The schema that has what an index of trigrams needs. A database's owner may create it.
async fn extension(session: &Session) -> Result<Option<String>, Error> {
    if !done(session.batch_execute(CREATE_EXTENSION).await)? {
        return Ok(None);
    }
    let found = session.query_opt(SCHEMA_OF_EXTENSION, &[]).await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}

/// It takes a privilege, a package of the server's, or room.
fn is_not_to_be_had(code: &SqlState) -> bool {
    [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::UNDEFINED_FILE,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::DISK_FULL,
    ]
    .contains(code)
}
