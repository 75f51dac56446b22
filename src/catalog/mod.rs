//! The catalog: records of uploads, their offsets, epochs, extents and segments, and the replicas that are alive.
//!
//! The offset in the catalog is the truth. Every change of a record is one transaction that is conditional on the epoch and
//! the offset; a store that keeps bytes in the same database joins that transaction ([`crate::db::Staged`]).
//!
//! The rest of the program knows the trait [`Catalog`] only. `postgres/` and `sqlite/` implement it; `conformance` is the
//! one suite that both pass. This room knows nothing of HTTP and nothing of where bytes are.

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub mod faulty;
mod finals;
pub mod postgres;
pub mod sqlite;
mod stored;

pub use finals::{Finals, Progress, Undigested};

use crate::db::{self, Staged, seat::Seat};
use crate::domain::{
    BlobEpoch, BlobId, CatalogId, Changed, ContainerId, Digest, Epoch, Extent, Listing, Moment, NewUpload,
    Page, PartFault, Segment, Sha256Sum, Upload, UploadId,
};
use crate::replica::{Census, Report};
use async_trait::async_trait;
use std::ops::Range;
use std::time::Duration;
use time::OffsetDateTime;

/// A record with what only a writer needs: the digest of all bytes, those that are pending too.
#[derive(Clone, Debug)]
pub struct Record {
    pub upload: Upload,
    pub digest: Digest,
    /// The request that has its epoch was heard of lately, and has not said that it brings no more.
    pub written: bool,
}

/// What one chunk does to a record.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The epoch that the writer holds.
    pub epoch: Epoch,
    /// The upload's offset. Bytes between it and `from` are pending in this epoch.
    pub offset: u64,
    /// Where the chunk begins.
    pub from: u64,
    /// Bytes; 0 only to declare a length, or that pending bytes count.
    pub count: u64,
    /// The chunk does not count yet. One in the same epoch that does makes all before it count.
    pub pending: bool,
    /// The writer's request may bring more.
    pub more: bool,
    /// The upload's length, when the chunk declares it (or it was known).
    pub length: Option<u64>,
    /// Over all bytes before `from + count`.
    pub digest: Digest,
    /// Given exactly when the chunk completes the upload.
    pub sha256: Option<Sha256Sum>,
    pub backend: ContainerId,
    pub frontend: Option<ContainerId>,
}

/// Stored bytes that count nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strays {
    /// Of known blobs: nothing refers to them, and their own upload has gone on without them or is gone. They never will
    /// count.
    pub lost: Vec<BlobEpoch>,
    /// Blobs that nobody knows: being created just now, what a creation left that never came to its end, or what came late to
    /// an upload that has given its blob up. Each as often as it was asked for.
    pub unknown: Vec<BlobId>,
}

/// A blob whose bytes nothing refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doomed {
    pub blob: BlobId,
    pub since: OffsetDateTime,
}

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("no such upload")]
    NotFound,
    #[error("the upload was removed")]
    Gone,
    /// The record is not as the caller thought; here is how it is. Nothing was changed.
    #[error("the upload is at offset {} in epoch {}", .0.offset, .0.epoch)]
    Conflict(Box<Upload>),
    /// An upload cannot be part of the final one that was to be created.
    #[error("the upload {part} cannot be a part")]
    BadPart { part: UploadId, fault: PartFault },
    #[error("the parts have more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the parts lie in more than {limit} pieces together")]
    TooManyPieces { limit: u64 },
    /// The database does not answer, or not in time, or told us to try again. Nothing is known of what was asked.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the database has no room left")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A defect: a statement that does not fit the schema, a value that cannot be.
    #[error("the catalog is broken: {0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<db::Error> for CatalogError {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Unavailable(cause) => Self::Unavailable(cause),
            db::Error::Full(cause) => Self::Full(cause),
            // Where a row may exist already, that is handled before it becomes an error of the catalog.
            db::Error::Duplicate(cause) | db::Error::Broken(cause) => Self::Broken(cause),
        }
    }
}

impl From<rusqlite::Error> for CatalogError {
    fn from(error: rusqlite::Error) -> Self {
        db::Error::from(error).into()
    }
}

impl From<tokio_postgres::Error> for CatalogError {
    fn from(error: tokio_postgres::Error) -> Self {
        db::Error::from(error).into()
    }
}

/// Records of uploads, shared by all backends. Each method is one transaction, or one statement.
///
/// Equal content is stored once. An upload that becomes complete with the digest and the length of one that is complete takes
/// over that one's extents, in the same transaction, and its own blob is doomed. From then on its extents never change.
#[async_trait]
pub trait Catalog: Finals {
    /// Records a new upload in [`Epoch::FIRST`], together with its first chunk if there is one. It expires after `ttl`
    /// unless it is completed.
    ///
    /// Idempotent: if the id exists already, nothing is changed and the answer is [`CatalogError::Conflict`] with the
    /// record as it is; [`CatalogError::Gone`] if it was removed. The caller decides whether that is what it wanted.
    async fn create(
        &self,
        new: &NewUpload,
        first: Option<&Advance>,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError>;

    /// The record. [`CatalogError::Gone`] for seven days after its removal, then [`CatalogError::NotFound`].
    async fn find(&self, id: UploadId) -> Result<Record, CatalogError>;

    /// Takes the next epoch for a writer that is about to append at `offset`. Every writer before it is fenced from then on.
    /// The record is [written](Record::written) until the writer says that there is no more to come ([`Advance::more`]).
    /// [`CatalogError::Conflict`] if the upload is at another offset or complete, or no longer in the epoch `after`.
    async fn claim(&self, id: UploadId, offset: u64, after: Option<Epoch>) -> Result<Upload, CatalogError>;

    /// Moves the offset by one chunk and what is pending before it, if the record is in `advance.epoch`, its bytes end at
    /// `advance.from`, and it is not complete: compare-and-set, at the end of the transaction that `staged` joins.
    /// Otherwise [`CatalogError::Conflict`], and nothing staged counts. Puts the expiry off to `ttl` from now.
    ///
    /// A chunk that is pending leaves the offset where it is. It is of no more use once the next epoch is taken.
    async fn append(
        &self,
        id: UploadId,
        advance: &Advance,
        staged: Staged,
        ttl: Duration,
    ) -> Result<Upload, CatalogError>;

    /// Which stored bytes make up `range`, in order, cut to it.
    async fn extents(&self, id: UploadId, range: Range<u64>) -> Result<Vec<Extent>, CatalogError>;

    /// What [`Catalog::find`] and then [`Catalog::extents`] would say, asked at once; but the extents are whole.
    async fn find_with_extents(
        &self,
        id: UploadId,
        range: Range<u64>,
    ) -> Result<(Record, Vec<Extent>), CatalogError>;

    /// Who stored which range, in order, merged. Where there are more than 20,000 such ranges, the first of them.
    async fn segments(&self, id: UploadId) -> Result<Vec<Segment>, CatalogError>;

    /// Removes the record and leaves a tombstone. Returns the blobs that nothing refers to any more: their bytes are the
    /// caller's to delete, then it says so with [`Catalog::forget`]. [`CatalogError::Gone`] if it was removed before.
    async fn terminate(&self, id: UploadId) -> Result<Vec<BlobId>, CatalogError>;

    /// Blobs whose bytes nothing refers to and which were not yet forgotten, at most `limit`, those first that were doomed
    /// first, from `after` on.
    async fn doomed(&self, after: Option<&Doomed>, limit: u32) -> Result<Vec<Doomed>, CatalogError>;

    /// Says that the bytes of these doomed blobs are deleted.
    async fn forget(&self, blobs: &[BlobId]) -> Result<(), CatalogError>;

    /// Removes uploads that have expired by the catalog's clock, at most `limit`, as [`Catalog::terminate`] does: their blobs
    /// are doomed. One that is appended to at this moment, or was claimed or written lately by who may bring more, is left
    /// out: it expires later then.
    ///
    /// A part that is complete is kept for a final upload that waits for others. Such a one is kept itself while it may still
    /// be joined: while all its parts are there.
    async fn expire(&self, limit: u32) -> Result<Vec<UploadId>, CatalogError>;

    /// Which of these stored bytes count nowhere.
    async fn strays(&self, stored: &[BlobEpoch]) -> Result<Strays, CatalogError>;

    /// Dooms those of these blobs that still nobody knows, and buries the uploads that would have had them, if there are no
    /// such records: who comes late with their creation finds [`CatalogError::Gone`]. Returns them.
    async fn condemn(&self, blobs: &[BlobId]) -> Result<Vec<BlobId>, CatalogError>;

    /// Forgets some of the tombstones and replicas that nobody asks for any more.
    async fn tidy(&self) -> Result<(), CatalogError>;

    /// Which catalog this is.
    async fn identity(&self) -> Result<CatalogId, CatalogError>;

    /// The seat of the one replica that sweeps, unless another one has it.
    async fn elect(&self) -> Result<Option<Box<dyn Seat>>, CatalogError>;

    /// One page of the list.
    async fn list(&self, listing: &Listing) -> Result<Page, CatalogError>;

    /// What was completed and what was removed since a moment, at most `limit` of each, by the time at which it was. Uploads
    /// that are only parts are left out, as they are of the list. Since `None` there is nothing to tell but the moment to ask
    /// from the next time.
    ///
    /// Nothing is missed by who asks from one answer's [`Changed::upto`] to the next. For that it looks back further than it
    /// is asked to, so what was told before may be told again.
    async fn changes(&self, since: Option<Moment>, limit: u32) -> Result<Changed, CatalogError>;

    /// Records what a replica says of itself, and the time.
    async fn report(&self, report: &Report) -> Result<(), CatalogError>;

    /// What the replicas last said that were heard of in the last `within`, frontends first, then by `started_at` and id.
    async fn replicas(&self, within: Duration) -> Result<Census, CatalogError>;

    /// Takes a replica that ends in good order out of the list.
    async fn retire(&self, replica: ContainerId) -> Result<(), CatalogError>;

    /// The database answers, and its schema is at or past what this program needs.
    async fn check(&self) -> Result<(), CatalogError>;
}
