//! The catalog in PostgreSQL, which all backends share. Time is the database's clock.
//!
//! Here each operation gets a connection, a transaction if it needs one, and an end within
//! [`PATIENCE`](crate::db::PATIENCE). What is done there stands in `write` and `read`, the SQL in `queries`.
//!
//! A connection is released only where all went well; see [`Lease`](crate::db::postgres::Lease).

mod at_once;
mod changes;
pub mod indexing;
mod joining;
mod listing;
mod pending;
mod queries;
mod read;
mod rows;
mod sharing;
mod sweep;
mod write;

use super::stored::{GONE_FOR, signed, write_report};
use super::{Advance, Catalog, CatalogError, Doomed, Record, Strays};
use crate::db::postgres::Pool;
use crate::db::seat::{self, Seat};
use crate::db::{Error, Staged, migrate, within_patience};
use crate::domain::{
    BlobEpoch, BlobId, CatalogId, Changed, ContainerId, Epoch, Extent, Listing, Moment, NewUpload, Page,
    Segment, State, Upload, UploadId,
};
use crate::replica::{Census, Report};
use async_trait::async_trait;
use changes::{Chunk, Creation};
use deadpool_postgres::Transaction;
use read::Found;
use std::ops::Range;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The number of the seat of the replica that sweeps. Any will do, as long as every release takes the same.
const SWEEPER: i64 = 0x7377_6565_7065_7221;

/// See the module.
#[derive(Clone, Debug)]
pub struct PostgresCatalog {
    pool: Pool,
}

impl PostgresCatalog {
    /// The database behind `pool` has to be migrated, sooner or later: [`Catalog::check`] tells.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }
}

/// Commits what was done. If the record is not as the caller thought, rolls back and says so: `None`.
async fn settle<T>(
    transaction: Transaction<'_>,
    outcome: Result<Option<T>, Error>,
) -> Result<Option<T>, Error> {
    match outcome {
        Ok(Some(done)) => {
            transaction.commit().await?;
            Ok(Some(done))
        }
        Ok(None) | Err(Error::Duplicate(_)) => {
            transaction.rollback().await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A row in the way says no more than that something is.
fn unless_in_the_way<T>(outcome: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Err(Error::Duplicate(_)) => Ok(None),
        outcome => outcome,
    }
}

fn can_be_claimed(upload: &Upload, offset: u64, after: Option<Epoch>) -> bool {
    let epoch = after.is_none_or(|after| upload.epoch == after);
    epoch && upload.offset == offset && upload.state() == State::Receiving && !upload.is_final()
}

#[async_trait]
impl Catalog for PostgresCatalog {
    async fn create(
        &self,
        new: &NewUpload,
        first: Option<&Advance>,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError> {
        within_patience(async {
            let mut lease = self.pool.lease().await?;
            let creation = Creation::of(new, first, ttl)?;
            let created = match staged {
                Staged::Durable => unless_in_the_way(at_once::create(&lease, &creation).await)?,
                Staged::InTransaction(_) => None,
            };
            let created = match created {
                Some(upload) => Some(upload),
                None => {
                    let transaction = lease.transaction().await?;
                    let outcome = write::create(&transaction, &creation, &staged).await;
                    settle(transaction, outcome).await?
                }
            };
            let outcome = match created {
                Some(upload) => Ok(upload),
                None => Err(read::find(&lease, new.id).await?.conflict()),
            };
            lease.release();
            outcome
        })
        .await
    }

    async fn find(&self, id: UploadId) -> Result<Record, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let found = read::find(&lease, id).await?;
            lease.release();
            found.record()
        })
        .await
    }

    async fn claim(&self, id: UploadId, offset: u64, after: Option<Epoch>) -> Result<Upload, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(queries::CLAIM).await?;
            let values: [&(dyn ToSql + Sync); 3] =
                [&id.as_uuid(), &signed(offset)?, &after.map(|epoch| epoch.0)];
            let outcome = loop {
                if let Some(row) = lease.query_opt(&statement, &values).await? {
                    break Ok(rows::upload(&row)?);
                }
                match read::find(&lease, id).await? {
                    // Created, or moved there, between the two looks: now it can be had.
                    Found::Record(record) if can_be_claimed(&record.upload, offset, after) => {}
                    found => break Err(found.conflict()),
                }
            };
            lease.release();
            outcome
        })
        .await
    }

    async fn append(
        &self,
        id: UploadId,
        advance: &Advance,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError> {
        within_patience(async {
            let mut lease = self.pool.lease().await?;
            let chunk = Chunk::of(id, advance, ttl)?;
            let alone = !advance.pending && advance.offset == advance.from;
            let advanced = match staged {
                Staged::Durable if alone => unless_in_the_way(at_once::append(&lease, &chunk).await)?,
                Staged::Durable | Staged::InTransaction(_) => None,
            };
            let advanced = match advanced {
                Some(upload) => Some(upload),
                None => {
                    let transaction = lease.transaction().await?;
                    let outcome = match advance.pending {
                        true => pending::append(&transaction, &chunk, &staged).await,
                        false => write::append(&transaction, &chunk, &staged).await,
                    };
                    settle(transaction, outcome).await?
                }
            };
            let outcome = match advanced {
                Some(upload) => Ok(upload),
                None => Err(read::find(&lease, id).await?.conflict()),
            };
            lease.release();
            outcome
        })
        .await
    }

    async fn extents(&self, id: UploadId, range: Range<u64>) -> Result<Vec<Extent>, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let extents = read::extents(&lease, id, &range).await?;
            lease.release();
            Ok(extents.iter().filter_map(|extent| extent.within(&range)).collect())
        })
        .await
    }

    async fn find_with_extents(
        &self,
        id: UploadId,
        range: Range<u64>,
    ) -> Result<(Record, Vec<Extent>), CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let (found, extents) = read::find_with_extents(&lease, id, &range).await?;
            lease.release();
            Ok((found.record()?, extents))
        })
        .await
    }

    async fn segments(&self, id: UploadId) -> Result<Vec<Segment>, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let segments = read::segments(&lease, id).await?;
            lease.release();
            Ok(segments)
        })
        .await
    }

    async fn terminate(&self, id: UploadId) -> Result<Vec<BlobId>, CatalogError> {
        within_patience(async {
            let mut lease = self.pool.lease().await?;
            let transaction = lease.transaction().await?;
            let outcome = write::terminate(&transaction, id).await;
            let outcome = match settle(transaction, outcome).await? {
                Some(doomed) => Ok(doomed),
                None => Err(match read::find(&lease, id).await? {
                    Found::Gone => CatalogError::Gone,
                    // One that is there was created since.
                    Found::Nothing | Found::Record(_) => CatalogError::NotFound,
                }),
            };
            lease.release();
            outcome
        })
        .await
    }

    async fn doomed(&self, after: Option<&Doomed>, limit: u32) -> Result<Vec<Doomed>, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let doomed = read::doomed(&lease, after, limit).await?;
            lease.release();
            Ok(doomed)
        })
        .await
    }

    async fn forget(&self, blobs: &[BlobId]) -> Result<(), CatalogError> {
        let blobs: Vec<Uuid> = blobs.iter().map(|blob| blob.0).collect();
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(queries::FORGET).await?;
            lease.execute(&statement, &[&blobs]).await?;
            lease.release();
            Ok(())
        })
        .await
    }

    async fn expire(&self, limit: u32) -> Result<Vec<UploadId>, CatalogError> {
        within_patience(async {
            let mut lease = self.pool.lease().await?;
            let transaction = lease.transaction().await?;
            let expired = sweep::expire(&transaction, limit).await?;
            transaction.commit().await?;
            lease.release();
            Ok(expired)
        })
        .await
    }

    async fn strays(&self, stored: &[BlobEpoch]) -> Result<Strays, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let strays = sweep::strays(&lease, stored).await?;
            lease.release();
            Ok(strays)
        })
        .await
    }

    async fn condemn(&self, blobs: &[BlobId]) -> Result<Vec<BlobId>, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let condemned = sweep::condemn(&lease, blobs).await?;
            lease.release();
            Ok(condemned)
        })
        .await
    }

    async fn tidy(&self) -> Result<(), CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            sweep::tidy(&lease).await?;
            lease.release();
            Ok(())
        })
        .await
    }

    async fn identity(&self) -> Result<CatalogId, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let id = lease.query_one(queries::IDENTITY, &[]).await?.try_get(0)?;
            lease.release();
            Ok(CatalogId(id))
        })
        .await
    }

    async fn elect(&self) -> Result<Option<Box<dyn Seat>>, CatalogError> {
        Ok(seat::take_postgres(&self.pool, SWEEPER).await?)
    }

    async fn list(&self, wanted: &Listing) -> Result<Page, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let page = listing::page(&lease, wanted).await?;
            lease.release();
            Ok(page)
        })
        .await
    }

    async fn changes(&self, since: Option<Moment>, limit: u32) -> Result<Changed, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let changed = read::changes(&lease, since, limit).await?;
            lease.release();
            Ok(changed)
        })
        .await
    }

    async fn report(&self, report: &Report) -> Result<(), CatalogError> {
        let (id, report) = (report.identity.container_id, write_report(report)?);
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(queries::REPORT).await?;
            lease.execute(&statement, &[&id.as_str(), &report]).await?;
            lease.release();
            Ok(())
        })
        .await
    }

    async fn replicas(&self, within: Duration) -> Result<Census, CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let replicas = read::replicas(&lease, within).await?;
            lease.release();
            Ok(replicas)
        })
        .await
    }

    async fn retire(&self, replica: ContainerId) -> Result<(), CatalogError> {
        within_patience(async {
            let lease = self.pool.lease().await?;
            let statement = lease.prepare_cached(queries::RETIRE).await?;
            lease.execute(&statement, &[&replica.as_str(), &GONE_FOR.as_secs_f64()]).await?;
            lease.release();
            Ok(())
        })
        .await
    }

    async fn check(&self) -> Result<(), CatalogError> {
        let checked = within_patience(migrate::check_postgres(&self.pool)).await;
        // Asked each second: so the next try, everybody's, begins with new connections, to another server perhaps.
        checked.inspect_err(|_| self.pool.forget_idle()).map_err(CatalogError::from)
    }
}

#[cfg(test)]
mod tests;
