//! What the use-cases hold, over real stores: a SQLite catalog with a folder, and PostgreSQL for both.
//!
//! A rule is a function over a [`Rig`]; `on_both_stores!` makes a test of it on each. After every rule the budget has to be
//! free again, and no chunk under way.

mod appending;
mod checksum;
mod creation;
mod failures;
mod fencing;
mod following;
mod joining;
mod leftovers;
mod memory;
mod model;
mod racing;
mod reading;
mod removal;
mod settling;
mod sharing;
mod sweeping;

use super::LocalUploads;
use crate::blobs::BlobStore;
use crate::blobs::faulty::FaultyBlobs;
use crate::blobs::local::LocalBlobs;
use crate::blobs::postgres::PostgresBlobs;
use crate::catalog::Catalog;
use crate::catalog::postgres::PostgresCatalog;
use crate::catalog::sqlite::SqliteCatalog;
use crate::db::testing::TestDatabase;
use crate::domain::{
    ContainerId, Digest, FileName, Listing, NewUpload, Sha256Sum, SortKey, Upload, UploadId,
};
use crate::uploads::{
    Append, Body, BodyError, Budget, Call, First, SweepError, Sweeper, Swept, UploadError, Uploads, Writer,
    pair,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use leftovers::Leftovers;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const MIB: usize = 1 << 20;
const BUDGET: u32 = 64 << 20;
/// How many bytes the parts of a final upload may have together.
const LIMIT: u64 = 100 << 20;
const TTL: Duration = Duration::from_secs(3600);

/// Makes a test of each rule on SQLite with a folder, and one on PostgreSQL.
macro_rules! on_both_stores {
    ($($rule:ident),* $(,)?) => {
        mod on_sqlite_and_a_folder {
            $(#[tokio::test]
            async fn $rule() {
                let rig = super::Rig::on_sqlite_and_a_folder().await;
                super::$rule(&rig).await;
                rig.check_budget();
            })*
        }

        mod on_postgres {
            $(#[tokio::test]
            async fn $rule() {
                let rig = super::Rig::on_postgres().await;
                super::$rule(&rig).await;
                rig.check_budget();
            })*
        }
    };
}
use on_both_stores;

/// The use-cases over stores of their own.
struct Rig {
    uploads: LocalUploads,
    catalog: Arc<dyn Catalog>,
    /// Fails when told to; what the use-cases write to and read from.
    blobs: FaultyBlobs,
    budget: Budget,
    call: Call,
    folder: TempDir,
    database: Option<TestDatabase>,
}

impl Rig {
    async fn on_sqlite_and_a_folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, blobs) = open_stores(folder.path()).await;
        Self::over(catalog, blobs, folder, None)
    }

    async fn on_postgres() -> Self {
        let (database, pool) = TestDatabase::migrated().await;
        let catalog = Arc::new(PostgresCatalog::new(pool.clone()));
        let blobs = Arc::new(PostgresBlobs::new(pool));
        Self::over(catalog, blobs, tempfile::tempdir().unwrap(), Some(database))
    }

    async fn on_postgres_and_a_folder() -> Self {
        let (database, pool) = TestDatabase::migrated().await;
        let folder = tempfile::tempdir().unwrap();
        let (catalog, blobs) =
            (PostgresCatalog::new(pool), LocalBlobs::open(&folder.path().join("blobs")).await.unwrap());
        assert!(pair(&catalog, &blobs).await.unwrap());
        Self::over(Arc::new(catalog), Arc::new(blobs), folder, Some(database))
    }

    fn over(
        catalog: Arc<dyn Catalog>,
        blobs: Arc<dyn BlobStore>,
        folder: TempDir,
        database: Option<TestDatabase>,
    ) -> Self {
        let (blobs, budget) = (FaultyBlobs::new(blobs), Budget::new(BUDGET));
        let uploads = backend(1, catalog.clone(), Arc::new(blobs.clone()), budget.clone());
        Self { uploads, catalog, blobs, budget, call: Call::default(), folder, database }
    }

    /// Another backend over the same catalog and store.
    fn another_backend(&self) -> LocalUploads {
        backend(2, self.catalog.clone(), Arc::new(self.blobs.clone()), self.budget.clone())
    }

    /// A backend over another catalog and the same store.
    fn backend_over(&self, catalog: Arc<dyn Catalog>) -> LocalUploads {
        backend(1, catalog, Arc::new(self.blobs.clone()), self.budget.clone())
    }

    /// A backend whose uploads expire at once.
    fn impatient_backend(&self) -> LocalUploads {
        let (catalog, blobs) = (self.catalog.clone(), Arc::new(self.blobs.clone()));
        let id = ContainerId::from_bits(3);
        LocalUploads::new(catalog, blobs, self.budget.clone(), id, Duration::ZERO, LIMIT)
    }

    fn sweeper(&self) -> Sweeper {
        Sweeper::new(self.catalog.clone(), Arc::new(self.blobs.clone()), Duration::ZERO)
    }

    async fn leftovers(&self) -> Leftovers {
        Leftovers::of(self.folder.path(), self.database.as_ref()).await
    }

    /// Whether the store is a folder.
    fn keeps_files(&self) -> bool {
        self.folder.path().join("blobs").exists()
    }

    /// Asks the database, beside the catalog.
    async fn numbers<const N: usize>(&self, sql: &str) -> [i64; N] {
        leftovers::numbers(self.folder.path(), self.database.as_ref(), sql).await
    }

    /// The writer of the only upload was last heard of ten seconds ago.
    async fn let_its_writer_be_silent(&self, upload: &Upload) {
        let ago = match self.database {
            Some(_) => "interval '10 seconds'",
            None => "10000000",
        };
        let aged = format!("UPDATE uploads SET writer_seen_at = writer_seen_at - {ago} RETURNING epoch");
        assert_eq!(self.numbers(&aged).await, [upload.epoch.0]);
    }

    async fn create(&self, length: Option<u64>, first: First) -> Result<Upload, UploadError> {
        self.uploads.create(&self.call, described(length), first).await
    }

    /// An upload of unknown length that begins with `bytes`.
    async fn begun(&self, bytes: &[u8]) -> Upload {
        self.create(None, First::Part(body(bytes))).await.unwrap()
    }

    /// A client's request.
    async fn append(&self, upload: &Upload, bytes: &[u8]) -> Result<Upload, UploadError> {
        self.uploads.append(&self.call, upload.id, claims(upload.offset), body(bytes)).await
    }

    /// A relay's chunk, by a relay that knows the upload as `upload`.
    async fn relayed(&self, upload: &Upload, bytes: &[u8]) -> Result<Upload, UploadError> {
        self.uploads.append(&self.call, upload.id, holds(upload, bytes.len()), body(bytes)).await
    }

    /// Declares that the upload ends where it stands.
    async fn finish(&self, upload: &Upload) -> Result<Upload, UploadError> {
        let append = Append { length: Some(upload.offset), ..claims(upload.offset) };
        self.uploads.append(&self.call, upload.id, append, body(b"")).await
    }

    async fn terminate(&self, id: UploadId) -> Result<(), UploadError> {
        self.uploads.terminate(&self.call, id).await
    }

    async fn stat(&self, id: UploadId) -> Result<Upload, UploadError> {
        self.uploads.stat(&self.call, id).await
    }

    async fn read(&self, upload: &Upload, range: Range<u64>) -> Result<Vec<u8>, UploadError> {
        let content = self.uploads.open(&self.call, &upload.clone().into(), range).await?;
        Ok(content.try_collect::<Vec<Bytes>>().await?.concat())
    }

    /// The upload is complete, and `bytes` are its content, its length and its digest.
    async fn check_content(&self, upload: &Upload, bytes: &[u8]) {
        assert_eq!((upload.offset, upload.length), (bytes.len() as u64, Some(bytes.len() as u64)));
        assert_eq!(upload.sha256, Some(sum(bytes)));
        assert_eq!(&self.stat(upload.id).await.unwrap(), upload);
        assert!(self.read(upload, 0..upload.offset).await.unwrap() == bytes);
    }

    /// Nothing counts but `bytes`, and the upload can go on from there: it is ended, to see its digest and content.
    async fn check_holds_just(&self, id: UploadId, bytes: &[u8]) {
        let upload = self.stat(id).await.unwrap();
        assert_eq!((upload.offset, upload.sha256), (bytes.len() as u64, None));
        let complete = self.finish(&upload).await.unwrap();
        self.check_content(&complete, bytes).await;
    }

    async fn listed(&self) -> Vec<UploadId> {
        let listing = Listing {
            limit: 100,
            after: None,
            search: String::new(),
            sort: SortKey::Created,
            descending: false,
            incomplete_too: true,
        };
        let page = self.uploads.list(&self.call, &listing).await.unwrap();
        page.uploads.into_iter().map(|upload| upload.id).collect()
    }

    fn check_budget(&self) {
        assert_eq!(self.budget.free(), BUDGET as usize);
        assert!(self.uploads.under_way.is_empty());
    }
}

/// The stores that a program with a data folder has.
async fn open_stores(folder: &Path) -> (Arc<dyn Catalog>, Arc<dyn BlobStore>) {
    let catalog = SqliteCatalog::open(&folder.join("catalog.db")).await.unwrap();
    let blobs = LocalBlobs::open(&folder.join("blobs")).await.unwrap();
    assert!(pair(&catalog, &blobs).await.unwrap());
    (Arc::new(catalog), Arc::new(blobs))
}

fn backend(
    number: u64,
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn BlobStore>,
    budget: Budget,
) -> LocalUploads {
    LocalUploads::new(catalog, blobs, budget, ContainerId::from_bits(number), TTL, LIMIT)
}

fn described(length: Option<u64>) -> NewUpload {
    NewUpload {
        id: UploadId::mint(),
        filename: FileName::clean("a file.bin"),
        content_type: None,
        metadata: String::new(),
        length,
        concat: None,
        parts: Vec::new(),
    }
}

fn claims(offset: u64) -> Append {
    Append {
        offset,
        writer: Writer::Claims,
        length: None,
        count: None,
        pending: false,
        more: false,
        checksum: None,
    }
}

fn holds(upload: &Upload, count: usize) -> Append {
    let (offset, writer) = (upload.offset, Writer::Holds(upload.epoch));
    Append {
        offset,
        writer,
        length: None,
        count: Some(count as u64),
        pending: false,
        more: false,
        checksum: None,
    }
}

/// A body as it comes from the network, in pieces.
fn body(bytes: &[u8]) -> Body {
    let pieces: Vec<_> = bytes.chunks(64 << 10).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed_local()
}

/// A body whose sender goes away after `bytes`.
fn cut_short(bytes: &[u8]) -> Body {
    body(bytes).chain(stream::once(async { Err(BodyError::CutShort) })).boxed_local()
}

/// A relay's first chunk.
fn first_chunk(bytes: &[u8]) -> First {
    First::Chunk { body: body(bytes), count: bytes.len() as u64, more: false }
}

/// Bytes of which no two neighbourhoods are the same, others for each seed.
fn sample(seed: u64, length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

fn sum(bytes: &[u8]) -> Sha256Sum {
    let mut digest = Digest::default();
    digest.update(bytes);
    digest.finish()
}
