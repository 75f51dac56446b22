//! Final uploads. Whoever locks several things locks them in one order: the final upload, its parts by their ids, their blobs
//! by theirs.

use super::queries::{self, joining as sql};
use super::{PostgresCatalog, read, rows};
use crate::catalog::CatalogError;
use crate::catalog::finals::{Finals, Joined, PIECES_JOINED, Part, Parts, Plan, Progress, Undigested};
use crate::catalog::stored::{GONE_FOR, fold, signed, unsigned};
use crate::db::within_patience;
use crate::domain::{Concat, Digest, Epoch, NewUpload, Upload, UploadId};
use async_trait::async_trait;
use deadpool_postgres::Transaction;
use futures_util::future::{join, join5};
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

type Result<T> = std::result::Result<T, CatalogError>;

/// No more are counted.
const ENOUGH: i64 = PIECES_JOINED as i64 + 1;

#[async_trait]
impl Finals for PostgresCatalog {
    async fn create_final(&self, new: &NewUpload, limit: u64, ttl: Duration) -> Result<Upload> {
        within_patience(async {
            let mut lease = self.pool.lease().await?;
            let transaction = lease.transaction().await?;
            let created = create(&transaction, new, limit, ttl).await;
            let outcome = match settle(transaction, created).await? {
                Ok(Some(upload)) => Ok(upload),
                Ok(None) => Err(read::find(&lease, new.id).await?.conflict()),
                Err(refused) => Err(refused),
            };
            lease.release();
            outcome
        })
        .await
    }

    async fn join(&self, id: UploadId, limit: u64) -> Result<Upload> {
        within_patience(async {
            let mut lease = self.pool.lease().await?;
            let transaction = lease.transaction().await?;
            let joined = join_if_due(&transaction, id, limit).await;
            let outcome = match settle(transaction, joined).await? {
                Ok(Some(upload)) => Ok(upload),
                Ok(None) => Err(read::find(&lease, id).await?.conflict()),
                Err(refused) => Err(refused),
            };
            lease.release();
            outcome
        })
        .await
    }

    async fn finals_of(&self, part: UploadId, limit: u32) -> Result<Vec<UploadId>> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(sql::FINALS_OF).await?;
            let finals = ids(&lease.query(&statement, &[&part.as_uuid(), &i64::from(limit)]).await?)?;
            lease.release();
            Ok(finals)
        })
        .await
    }

    async fn joinable(&self, after: Option<UploadId>, limit: u32) -> Result<Vec<UploadId>> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(sql::JOINABLE).await?;
            let values: [&(dyn ToSql + Sync); 2] = [&i64::from(limit), &after.map(|id| id.as_uuid())];
            let finals = ids(&lease.query(&statement, &values).await?)?;
            lease.release();
            Ok(finals)
        })
        .await
    }

    async fn undigested(&self, after: Option<&Undigested>, limit: u32) -> Result<Vec<Undigested>> {
        let (since, id) = after.map(|after| (after.since, after.id.as_uuid())).unzip();
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(sql::UNDIGESTED).await?;
            let found = lease.query(&statement, &[&i64::from(limit), &since, &id]).await?;
            let found = found.iter().map(undigested).collect::<Result<_>>()?;
            lease.release();
            Ok(found)
        })
        .await
    }

    async fn digested(&self, id: UploadId, from: u64, now: &Progress) -> Result<()> {
        let (state, end, sha256) = now.parts();
        let (end, sha256) = (end.map(signed).transpose()?, sha256.map(|sum| sum.to_vec()));
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(sql::RECORD_PROGRESS).await?;
            lease.execute(&statement, &[&id.as_uuid(), &signed(from)?, &state, &end, &sha256]).await?;
            lease.release();
            Ok(())
        })
        .await
    }
}

/// Of these uploads those that are complete and that a final upload waits for. Asked while they are locked: no final upload
/// comes to need one after that.
pub(super) async fn needed(
    transaction: &Transaction<'_>,
    uploads: &[UploadId],
) -> std::result::Result<Vec<UploadId>, crate::db::Error> {
    let uploads: Vec<Uuid> = uploads.iter().map(|id| id.as_uuid()).collect();
    let statement = transaction.prepare_cached(sql::NEEDED).await?;
    ids(&transaction.query(&statement, &[&uploads]).await?)
}

/// Commits what was done. Rolls back what was refused, or where the record is not as the caller thought: `None`.
async fn settle(
    transaction: Transaction<'_>,
    outcome: Result<Option<Upload>>,
) -> Result<Result<Option<Upload>>> {
    match outcome {
        Ok(Some(_)) => transaction.commit().await?,
        Ok(None)
        | Err(
            CatalogError::BadPart { .. } | CatalogError::TooLarge { .. } | CatalogError::TooManyPieces { .. },
        ) => {
            transaction.rollback().await?;
        }
        Err(error) => return Err(error),
    }
    Ok(outcome)
}

async fn create(
    transaction: &Transaction<'_>,
    new: &NewUpload,
    limit: u64,
    ttl: Duration,
) -> Result<Option<Upload>> {
    let insert_final = transaction.prepare_cached(sql::INSERT_FINAL).await?;
    let tombstone = transaction.prepare_cached(queries::TOMBSTONE).await?;
    let insert_parts = transaction.prepare_cached(sql::INSERT_PARTS).await?;
    let (id, digest) = (new.id.as_uuid(), Digest::default().save());
    let (filename, filename_key) = (new.filename.as_str(), fold(new.filename.as_str()));
    let concat = new.concat.as_ref().map(Concat::to_string);
    let values: [&(dyn ToSql + Sync); 9] = [
        &id,
        &filename,
        &filename_key,
        &new.content_type,
        &new.metadata,
        &Epoch::FIRST.0,
        &digest,
        &ttl.as_secs_f64(),
        &concat,
    ];
    let Some(created) = transaction.query_opt(&insert_final, &values).await? else { return Ok(None) };
    if transaction.query_opt(&tombstone, &[&id, &GONE_FOR.as_secs_f64()]).await?.is_some() {
        return Ok(None);
    }
    let named: Vec<Uuid> = new.parts.iter().map(|part| part.as_uuid()).collect();
    transaction.execute(&insert_parts, &[&id, &named]).await?;
    let parts = lock_parts(transaction, id).await?;
    parts.check()?;
    carry_out(transaction, rows::upload(&created)?, parts.plan(limit)?).await.map(Some)
}

async fn join_if_due(transaction: &Transaction<'_>, id: UploadId, limit: u64) -> Result<Option<Upload>> {
    let statement = transaction.prepare_cached(sql::LOCK_FINAL).await?;
    let Some(row) = transaction.query_opt(&statement, &[&id.as_uuid()]).await? else { return Ok(None) };
    let upload = rows::upload(&row)?;
    if !upload.waits_for_parts() {
        return Ok(Some(upload));
    }
    let parts = lock_parts(transaction, id.as_uuid()).await?;
    carry_out(transaction, upload, parts.plan(limit)?).await.map(Some)
}

async fn lock_parts(transaction: &Transaction<'_>, id: Uuid) -> Result<Parts> {
    let parts = transaction.prepare_cached(sql::PARTS).await?;
    let lock_parts = transaction.prepare_cached(sql::LOCK_PARTS).await?;
    let (named, there) =
        join(transaction.query(&parts, &[&id]), transaction.query(&lock_parts, &[&id, &ENOUGH])).await;
    let there = there?.iter().map(part).collect::<Result<_>>()?;
    Ok(Parts { ids: ids(&named?)?, there })
}

/// The final upload and its parts are locked.
async fn carry_out(transaction: &Transaction<'_>, upload: Upload, plan: Plan) -> Result<Upload> {
    match plan {
        Plan::Join(joined) => take_over(transaction, upload.id.as_uuid(), &joined).await,
        Plan::Wait(length) if length == upload.length || length.is_none() => Ok(upload),
        Plan::Wait(length) => {
            let statement = transaction.prepare_cached(sql::RECORD_LENGTH).await?;
            let length = length.map(signed).transpose()?;
            Ok(rows::upload(&transaction.query_one(&statement, &[&upload.id.as_uuid(), &length]).await?)?)
        }
    }
}

/// Refers to what the parts refer to. From here on they may go.
async fn take_over(transaction: &Transaction<'_>, id: Uuid, joined: &Joined) -> Result<Upload> {
    let lock_blobs = transaction.prepare_cached(sql::LOCK_BLOBS).await?;
    let refer = transaction.prepare_cached(sql::REFER_TO_PART_BLOBS).await?;
    let copy_extents = transaction.prepare_cached(sql::COPY_PART_EXTENTS).await?;
    let copy_segments = transaction.prepare_cached(sql::COPY_PART_SEGMENTS).await?;
    let complete = transaction.prepare_cached(sql::COMPLETE_FINAL).await?;
    let delete_parts = transaction.prepare_cached(sql::DELETE_PARTS).await?;
    let (length, digested) = (signed(joined.length)?, joined.digested.map(signed).transpose()?);
    let sha256 = joined.sha256.map(|sum| sum.to_vec());
    let values: [&(dyn ToSql + Sync); 5] = [&id, &length, &joined.state, &digested, &sha256];

    transaction.execute(&lock_blobs, &[&id]).await?;
    let (referred, extents, segments, completed, deleted) = join5(
        transaction.execute(&refer, &[&id]),
        transaction.execute(&copy_extents, &[&id]),
        async {
            match joined.traced {
                true => transaction.execute(&copy_segments, &[&id]).await,
                false => Ok(0),
            }
        },
        transaction.query_one(&complete, &values),
        transaction.execute(&delete_parts, &[&id]),
    )
    .await;
    referred?;
    extents?;
    segments?;
    let completed = completed?;
    deleted?;
    Ok(rows::upload(&completed)?)
}

fn part(row: &Row) -> Result<(UploadId, Part)> {
    let sha256: Option<&[u8]> = row.try_get(5)?;
    let part = Part {
        partial: row.try_get(1)?,
        complete: row.try_get(2)?,
        length: row.try_get::<_, Option<i64>>(3)?.map(unsigned),
        state: row.try_get(4)?,
        sha256: sha256.and_then(|sum| sum.try_into().ok()),
        extents: unsigned(row.try_get(6)?),
        segments: unsigned(row.try_get(7)?),
    };
    Ok((UploadId::from_stored(row.try_get(0)?), part))
}

fn undigested(row: &Row) -> Result<Undigested> {
    Ok(Undigested {
        id: UploadId::from_stored(row.try_get(0)?),
        since: row.try_get(1)?,
        length: unsigned(row.try_get(2)?),
        digested: unsigned(row.try_get(3)?),
        state: row.try_get(4)?,
    })
}

fn ids(rows: &[Row]) -> std::result::Result<Vec<UploadId>, crate::db::Error> {
    rows.iter().map(|row| Ok(UploadId::from_stored(row.try_get(0)?))).collect()
}
