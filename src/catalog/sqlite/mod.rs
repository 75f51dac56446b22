//! The catalog in a SQLite file, for a standalone program. Time is this process's clock.
//!
//! Here the trait is bound to threads: every change goes to the one writer, every question to a reader. What is done there
//! stands in `write` and `read`, the SQL in `queries`.

mod joining;
mod queries;
mod read;
mod rows;
mod sharing;
mod sweep;
mod write;

use super::stored::{GONE_FOR, write_report};
use super::{Advance, Catalog, CatalogError, Doomed, Record, Strays};
use crate::db::seat::{self, Seat};
use crate::db::sqlite::{Database, Durability};
use crate::db::{self, Staged, migrate};
use crate::domain::{
    BlobEpoch, BlobId, CatalogId, Changed, ContainerId, Epoch, Extent, Listing, Moment, NewUpload, Page,
    Segment, Upload, UploadId,
};
use crate::replica::{Census, Report};
use async_trait::async_trait;
use rusqlite::{Connection, params};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// See the module. Clones share one writer, and so do all backends of a process.
#[derive(Clone)]
pub struct SqliteCatalog {
    database: Database,
}

impl SqliteCatalog {
    /// Opens the file, or makes it, and migrates it. Its folder has to exist.
    pub async fn open(path: &Path) -> Result<Self, CatalogError> {
        let database = Database::open(path).await?;
        migrate::sqlite(&database).await?;
        Ok(Self { database })
    }
}

/// SQLite holds no blobs, so nothing can ask to join its transactions.
fn must_be_durable(staged: Staged) -> Result<(), CatalogError> {
    match staged {
        Staged::Durable => Ok(()),
        Staged::InTransaction(_) => Err(db::Error::broken(
            "bytes that belong to a PostgreSQL transaction cannot be counted in SQLite",
        )
        .into()),
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn create(
        &self,
        new: &NewUpload,
        first: Option<&Advance>,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError> {
        must_be_durable(staged)?;
        let (new, first) = (new.clone(), first.cloned());
        self.database
            .write(Durability::Full, move |transaction| write::create(transaction, &new, first.as_ref(), ttl))
            .await
    }

    async fn find(&self, id: UploadId) -> Result<Record, CatalogError> {
        self.database.read(move |connection| read::find(connection, id)).await
    }

    async fn claim(&self, id: UploadId, offset: u64, after: Option<Epoch>) -> Result<Upload, CatalogError> {
        self.database
            .write(Durability::Full, move |transaction| write::claim(transaction, id, offset, after))
            .await
    }

    async fn append(
        &self,
        id: UploadId,
        advance: &Advance,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError> {
        must_be_durable(staged)?;
        let advance = advance.clone();
        self.database
            .write(Durability::Full, move |transaction| write::append(transaction, id, &advance, ttl))
            .await
    }

    async fn extents(&self, id: UploadId, range: Range<u64>) -> Result<Vec<Extent>, CatalogError> {
        let cut = move |connection: &Connection| {
            let extents = read::extents(connection, id, &range)?;
            Ok(extents.iter().filter_map(|extent| extent.within(&range)).collect())
        };
        self.database.read(cut).await
    }

    async fn find_with_extents(
        &self,
        id: UploadId,
        range: Range<u64>,
    ) -> Result<(Record, Vec<Extent>), CatalogError> {
        let both = move |connection: &Connection| {
            Ok((read::find(connection, id)?, read::extents(connection, id, &range)?))
        };
        self.database.read(both).await
    }

    async fn segments(&self, id: UploadId) -> Result<Vec<Segment>, CatalogError> {
        self.database.read(move |connection| read::segments(connection, id)).await
    }

    async fn terminate(&self, id: UploadId) -> Result<Vec<BlobId>, CatalogError> {
        self.database.write(Durability::Full, move |transaction| write::terminate(transaction, id)).await
    }

    async fn doomed(&self, after: Option<&Doomed>, limit: u32) -> Result<Vec<Doomed>, CatalogError> {
        let after = after.copied();
        self.database.read(move |connection| read::doomed(connection, after.as_ref(), limit)).await
    }

    async fn forget(&self, blobs: &[BlobId]) -> Result<(), CatalogError> {
        let blobs = blobs.to_vec();
        self.database
            .write(Durability::Full, move |transaction| {
                let mut statement = transaction.prepare_cached(queries::FORGET)?;
                for blob in blobs {
                    statement.execute([blob.0.into_bytes()])?;
                }
                Ok(())
            })
            .await
    }

    async fn expire(&self, limit: u32) -> Result<Vec<UploadId>, CatalogError> {
        self.database.write(Durability::Full, move |transaction| sweep::expire(transaction, limit)).await
    }

    async fn strays(&self, stored: &[BlobEpoch]) -> Result<Strays, CatalogError> {
        let stored = stored.to_vec();
        self.database.read(move |connection| sweep::strays(connection, &stored)).await
    }

    async fn condemn(&self, blobs: &[BlobId]) -> Result<Vec<BlobId>, CatalogError> {
        let blobs = blobs.to_vec();
        self.database.write(Durability::Full, move |transaction| sweep::condemn(transaction, &blobs)).await
    }

    async fn tidy(&self) -> Result<(), CatalogError> {
        self.database.write(Durability::Relaxed, sweep::tidy).await
    }

    async fn identity(&self) -> Result<CatalogId, CatalogError> {
        self.database.read(read::identity).await
    }

    async fn elect(&self) -> Result<Option<Box<dyn Seat>>, CatalogError> {
        Ok(seat::take_sqlite(&self.database, "sweeper").await?)
    }

    async fn list(&self, listing: &Listing) -> Result<Page, CatalogError> {
        let listing = listing.clone();
        self.database.read(move |connection| read::list(connection, &listing)).await
    }

    async fn changes(&self, since: Option<Moment>, limit: u32) -> Result<Changed, CatalogError> {
        self.database.read(move |connection| read::changes(connection, since, limit)).await
    }

    async fn report(&self, report: &Report) -> Result<(), CatalogError> {
        let (id, report) = (report.identity.container_id, write_report(report)?);
        self.database
            .write(Durability::Relaxed, move |transaction| {
                let values = params![id.as_str(), rows::now(), report];
                transaction.prepare_cached(queries::REPORT)?.execute(values)?;
                Ok(())
            })
            .await
    }

    async fn replicas(&self, within: Duration) -> Result<Census, CatalogError> {
        self.database.read(move |connection| read::replicas(connection, within)).await
    }

    async fn retire(&self, replica: ContainerId) -> Result<(), CatalogError> {
        self.database
            .write(Durability::Relaxed, move |transaction| {
                let values = params![replica.as_str(), read::micros_ago(GONE_FOR)];
                transaction.prepare_cached(queries::RETIRE)?.execute(values)?;
                Ok(())
            })
            .await
    }

    async fn check(&self) -> Result<(), CatalogError> {
        Ok(migrate::check_sqlite(&self.database).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::conformance;
    use std::sync::Arc;

    async fn catalog() -> (tempfile::TempDir, SqliteCatalog) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = SqliteCatalog::open(&folder.path().join("catalog.db")).await.unwrap();
        (folder, catalog)
    }

    #[tokio::test]
    async fn conforms() {
        let (_folder, catalog) = catalog().await;
        conformance::all(Arc::new(catalog)).await;
    }

    #[tokio::test]
    async fn a_tombstone_says_gone_for_seven_days() {
        let (_folder, catalog) = catalog().await;
        let id = UploadId::mint();
        for (age, gone) in
            [(GONE_FOR - Duration::from_secs(60), true), (GONE_FOR + Duration::from_secs(1), false)]
        {
            let buried = catalog.database.write(Durability::Full, move |transaction| {
                let values = params![id.as_uuid().into_bytes(), read::micros_ago(age)];
                Ok::<_, CatalogError>(transaction.execute(queries::INSERT_TOMBSTONE, values)?)
            });
            buried.await.unwrap();
            let found = catalog.find(id).await;
            assert_eq!(matches!(found, Err(CatalogError::Gone)), gone, "{found:?}");
        }
    }

    #[tokio::test]
    async fn of_more_than_20_000_segments_the_first_are_told() {
        let (_folder, catalog) = catalog().await;
        let id = conformance::create(&catalog, &conformance::new_upload(None)).await.id;
        let inserted = catalog.database.write(Durability::Full, move |transaction| {
            let sql = "WITH RECURSIVE numbers (n) AS (VALUES (40001) UNION ALL SELECT n - 1 FROM numbers WHERE n > 0) \
                       INSERT INTO segments SELECT ?1, 1, n, 1, printf('%012d', n / 2 % 2), NULL, 0 FROM numbers";
            Ok::<_, CatalogError>(transaction.execute(sql, params![id.as_uuid().into_bytes()])?)
        });
        assert_eq!(inserted.await.unwrap(), 40_002);
        conformance::the_first_20_000_are_told(&catalog.segments(id).await.unwrap());
    }

    #[tokio::test]
    async fn what_nobody_asks_for_any_more_is_tidied_away() {
        let (_folder, catalog) = catalog().await;
        let (recent, old) = (
            read::micros_ago(GONE_FOR - Duration::from_secs(60)),
            read::micros_ago(GONE_FOR + Duration::from_secs(1)),
        );
        let prepared = catalog.database.write(Durability::Full, move |transaction| {
            for (id, removed_at) in [([1u8; 16], recent), ([2; 16], old), ([3; 16], old)] {
                transaction.execute(queries::INSERT_TOMBSTONE, params![id, removed_at])?;
            }
            for (id, last_seen) in [("recent", recent), ("old", old)] {
                transaction.execute(queries::REPORT, params![id, last_seen, "{}"])?;
            }
            Ok::<_, CatalogError>(())
        });
        prepared.await.unwrap();
        catalog.tidy().await.unwrap();
        let left = catalog.database.read(|connection| {
            let ask = |sql| connection.query_row(sql, [], |row| row.get::<_, String>(0));
            Ok::<_, CatalogError>((
                ask(
                    "SELECT group_concat(substr(hex(id), 1, 2)) FROM (SELECT id FROM tombstones ORDER BY id)",
                )?,
                ask("SELECT group_concat(container_id) FROM replicas")?,
            ))
        });
        assert_eq!(left.await.unwrap(), ("01".to_owned(), "recent".to_owned()));
    }

    #[tokio::test]
    async fn several_programs_may_open_one_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        let opened = futures_util::future::join_all((0..4).map(|_| SqliteCatalog::open(&path))).await;
        for catalog in opened {
            catalog.unwrap().check().await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_older_program_works_on_a_newer_schema() {
        let (folder, catalog) = catalog().await;
        let next = catalog.database.write(Durability::Full, |transaction| {
            transaction.execute_batch(
                "ALTER TABLE uploads ADD COLUMN from_the_future TEXT;
                 CREATE TABLE future (id INTEGER);
                 INSERT INTO refinery_schema_history
                 SELECT max(version) + 1, 'future', max(applied_on), '1' FROM refinery_schema_history;",
            )?;
            Ok::<_, CatalogError>(())
        });
        next.await.unwrap();
        conformance::smoke(&catalog).await;
        let path = folder.path().join("catalog.db");
        SqliteCatalog::open(&path).await.unwrap().check().await.unwrap();
    }
}
