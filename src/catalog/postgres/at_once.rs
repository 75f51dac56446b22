//! Changes in one round trip: where the bytes are durable already, nothing has to be waited for between the beginning of a
//! transaction and its end, and all of it is sent together. Where one statement fails the database refuses those behind it, and
//! the end of the transaction undoes those before it.
//!
//! Each is done whole or not at all. `None`, and [`Error::Duplicate`], where something stands in the way: the record is not as
//! the caller thought, or there is a twin ([`super::sharing`]). Which, [`super::write`] finds out.
//!
//! The turn is taken first here, so that the statement after it sees the twin that was committed until then.

use super::changes::{Chunk, Creation};
use super::sharing::Content;
use super::{queries, rows};
use crate::catalog::stored::GONE_FOR;
use crate::db::Error;
use crate::domain::Upload;
use deadpool_postgres::ClientWrapper;
use futures_util::future::{join4, join5};
use tokio_postgres::Statement;

type Result<T> = std::result::Result<T, Error>;

pub(super) async fn create(client: &ClientWrapper, creation: &Creation<'_>) -> Result<Option<Upload>> {
    let take_turn = client.prepare_cached(queries::TAKE_TURN).await?;
    let create = client.prepare_cached(queries::CREATE).await?;
    let refuse_removed = client.prepare_cached(queries::REFUSE_REMOVED).await?;
    let content = creation.content();
    // A removal that the creation had to wait for has left a tombstone by the time that one is looked for.
    let (begun, in_turn, created, refused, committed) = join5(
        client.batch_execute("BEGIN"),
        wait_for_turn(client, &take_turn, content.as_ref()),
        client.query_opt(&create, &creation.values(&content.is_some())),
        client.execute(&refuse_removed, &[&creation.id, &GONE_FOR.as_secs_f64()]),
        client.batch_execute("COMMIT"),
    )
    .await;
    begun?;
    in_turn?;
    let created = created?;
    refused?;
    committed?;
    created.as_ref().map(rows::upload).transpose()
}

/// Of a chunk before which nothing is pending.
pub(super) async fn append(client: &ClientWrapper, chunk: &Chunk) -> Result<Option<Upload>> {
    let take_turn = client.prepare_cached(queries::TAKE_TURN).await?;
    let advance = client.prepare_cached(queries::ADVANCE).await?;
    let content = chunk.content();
    let advanced = match &content {
        // One statement is a transaction of its own.
        None => client.query_opt(&advance, &chunk.values(&false)).await?,
        Some(_) => {
            let (begun, in_turn, advanced, committed) = join4(
                client.batch_execute("BEGIN"),
                wait_for_turn(client, &take_turn, content.as_ref()),
                client.query_opt(&advance, &chunk.values(&true)),
                client.batch_execute("COMMIT"),
            )
            .await;
            begun?;
            in_turn?;
            let advanced = advanced?;
            committed?;
            advanced
        }
    };
    advanced.as_ref().map(rows::upload).transpose()
}

async fn wait_for_turn(
    client: &ClientWrapper,
    take_turn: &Statement,
    content: Option<&Content>,
) -> std::result::Result<(), tokio_postgres::Error> {
    if let Some(content) = content {
        client.execute(take_turn, &[&content.turn()]).await?;
    }
    Ok(())
}
