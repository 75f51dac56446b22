//! Where bytes are: staged appends, range reads, deletion.
//!
//! A store knows nothing of offsets that count, of lengths or of names. It writes bytes under a key that carries the epoch
//! ([`Place`]); which of them are an upload's content is for the catalog to say. So a writer that was fenced can do no harm:
//! it writes where nobody reads.
//!
//! `local` keeps a file for each (blob, epoch), `postgres` rows. `conformance` is the one suite that both pass, `faulty`
//! a wrapper for tests that fails and delays on purpose.

mod absorb;
#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
pub mod faulty;
pub mod local;
pub mod postgres;

pub use absorb::absorb;

use crate::db::Staged;
use crate::domain::{BlobEpoch, BlobId, CatalogId, Digest, Epoch};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

/// The key of stored bytes: whose they are, in which epoch they were written, and from which position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub blob: BlobId,
    pub epoch: Epoch,
    pub start: u64,
}

/// How much of a chunk is best written at once: enough to be worth the way to another thread, and little enough to be in the
/// processor's caches still when it gets there.
pub const PIECE: usize = 256 << 10;

/// Which catalog may say of a store's bytes that they count nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The one that was asked about.
    Same,
    Another,
    /// It was never said.
    Nobody,
}

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The bytes that an extent promises are not there: they were deleted while being read, or lost.
    #[error("stored bytes are missing")]
    Missing,
    #[error("the store has no room left")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A store of bytes that all backends share.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins to write one chunk of `length` bytes at `place`. Writing the same bytes at the same place again is harmless, also
    /// at the same time from two replicas.
    async fn stage(&self, place: Place, length: u64) -> Result<Box<dyn Stage>, BlobError>;

    /// How many bytes of a chunk of `length` are in memory at once at most, when it is written in pieces of about [`PIECE`] bytes,
    /// as they come.
    fn holds(&self, length: u64) -> u64;

    /// The `length` bytes at `place`, in pieces of at most 1 MiB. Yields exactly `length` bytes or ends with an error.
    async fn read(
        &self,
        place: Place,
        length: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError>;

    /// Deletes all bytes of a blob, of every epoch. Deleting what is not there is success.
    async fn delete(&self, blob: BlobId) -> Result<(), BlobError>;

    /// Deletes what one epoch brought to a blob. Deleting what is not there is success.
    async fn delete_epoch(&self, bytes: BlobEpoch) -> Result<(), BlobError>;

    /// All stored bytes that may count nowhere, in pages and in no order; others may be among them. What comes or goes
    /// meanwhile may be missed.
    fn inventory(&self) -> BoxStream<'static, Result<Vec<BlobEpoch>, BlobError>>;

    /// Whether the bytes are those of this catalog.
    async fn owner(&self, catalog: CatalogId) -> Result<Owner, BlobError>;

    /// Says for good that the bytes, which were nobody's, are those of this catalog. Of two at once one wins.
    async fn adopt(&self, catalog: CatalogId) -> Result<(), BlobError>;
}

/// One chunk being written. Dropped before [`Stage::finish`], nothing of it counts.
#[async_trait]
pub trait Stage: Send {
    /// The next bytes of the chunk, in order. They are taken into `digest`, too: where another thread writes them it does both,
    /// so that they go there once, and are in its processor's caches.
    async fn write(&mut self, parts: &[Bytes], digest: Digest) -> Result<Digest, BlobError>;

    /// On return the bytes are durable ([`Staged::Durable`]), or become so with the transaction that they are part of.
    async fn finish(self: Box<Self>) -> Result<Staged, BlobError>;
}
