//! What a sweep asks and changes, each inside of a transaction that the caller ends, or in one statement.

use super::{joining, queries, rows, write};
use crate::catalog::Strays;
use crate::catalog::stored::{GONE_FOR, HEARD_LATELY};
use crate::db::Error;
use crate::domain::{BlobEpoch, BlobId, UploadId};
use deadpool_postgres::{ClientWrapper, Transaction};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Error>;

pub(super) async fn expire(transaction: &Transaction<'_>, limit: u32) -> Result<Vec<UploadId>> {
    let statement = transaction.prepare_cached(queries::EXPIRED).await?;
    let mut expired = Vec::new();
    for row in transaction.query(&statement, &[&i64::from(limit), &HEARD_LATELY.as_secs_f64()]).await? {
        expired.push(UploadId::from_stored(row.try_get(0)?));
    }
    let needed = joining::needed(transaction, &expired).await?;
    expired.retain(|id| !needed.contains(id));
    let hold_blobs = transaction.prepare_cached(queries::HOLD_BLOBS).await?;
    let all: Vec<Uuid> = expired.iter().map(|id| id.as_uuid()).collect();
    transaction.execute(&hold_blobs, &[&all]).await?;
    for id in &expired {
        write::remove(transaction, *id).await?;
    }
    Ok(expired)
}

pub(super) async fn strays(client: &ClientWrapper, stored: &[BlobEpoch]) -> Result<Strays> {
    let blobs: Vec<Uuid> = stored.iter().map(|bytes| bytes.blob.0).collect();
    let epochs: Vec<i64> = stored.iter().map(|bytes| bytes.epoch.0).collect();
    let statement = client.prepare_cached(queries::STRAYS).await?;
    let mut strays = Strays::default();
    for row in client.query(&statement, &[&blobs, &epochs]).await? {
        let bytes = rows::blob_epoch(&row)?;
        match row.try_get(2)? {
            true => strays.unknown.push(bytes.blob),
            false => strays.lost.push(bytes),
        }
    }
    Ok(strays)
}

pub(super) async fn condemn(client: &ClientWrapper, blobs: &[BlobId]) -> Result<Vec<BlobId>> {
    let blobs: Vec<Uuid> = blobs.iter().map(|blob| blob.0).collect();
    let statement = client.prepare_cached(queries::CONDEMN).await?;
    let condemned = client.query(&statement, &[&blobs]).await?;
    condemned.iter().map(|row| Ok(BlobId(row.try_get(0)?))).collect()
}

pub(super) async fn tidy(client: &ClientWrapper) -> Result<()> {
    let long = GONE_FOR.as_secs_f64();
    for sql in [queries::FORGET_TOMBSTONES, queries::FORGET_REPLICAS] {
        let statement = client.prepare_cached(sql).await?;
        client.execute(&statement, &[&long]).await?;
    }
    for sql in [queries::FORGET_SEGMENTS, queries::FORGET_PENDING] {
        let statement = client.prepare_cached(sql).await?;
        client.execute(&statement, &[]).await?;
    }
    Ok(())
}
