//! The use-cases over a catalog and a blob store: what a backend serves.

mod content;
mod errors;
mod finishing;
mod joining;
mod recent;
mod relayed;
#[cfg(test)]
mod tests;
mod under_way;
mod writer;

pub use finishing::Finisher;

use super::{
    Append, Body, Budget, Call, Chunk, Chunker, Content, First, Incoming, Sought, UploadError, Uploads,
    Writer,
};
use crate::blobs::BlobStore;
use crate::catalog::{Catalog, CatalogError};
use crate::domain::{BlobId, ContainerId, Listing, NewUpload, Page, Segment, Upload, UploadId};
use async_trait::async_trait;
use recent::Recent;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use under_way::UnderWay;

/// How long who asks where to go on waits for a writer that stores nothing, and may be dead.
const SETTLING: Duration = Duration::from_millis(500);
/// How many times as long it waits for one that goes on storing.
const PATIENCES: u32 = 4;
/// How soon it looks again, and how seldom at last: of a frontend that dies all clients come to ask at once.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const LOOK_SELDOM: Duration = Duration::from_millis(40);

/// Uploads kept in a catalog and a blob store. Cheap to clone: one for each worker.
#[derive(Clone)]
pub struct LocalUploads {
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn BlobStore>,
    budget: Budget,
    /// Who stores, for the segments.
    backend: ContainerId,
    /// How long an incomplete upload is kept after its last append.
    ttl: Duration,
    /// How many bytes the parts of a final upload may have together.
    limit: u64,
    recent: Recent,
    under_way: UnderWay,
}

impl LocalUploads {
    pub fn new(
        catalog: Arc<dyn Catalog>,
        blobs: Arc<dyn BlobStore>,
        budget: Budget,
        backend: ContainerId,
        ttl: Duration,
        limit: u64,
    ) -> Self {
        let (recent, under_way) = (Recent::default(), UnderWay::default());
        Self { catalog, blobs, budget, backend, ttl, limit, recent, under_way }
    }

    /// For tests that remove uploads by the thousand.
    #[cfg(test)]
    fn hurried(self) -> Self {
        Self { recent: Recent::holding(Duration::from_millis(4)), ..self }
    }

    /// The record, once its writer brings no more or is another. One that stores nothing for as long as `patience` may be dead;
    /// one that goes on is waited for [`PATIENCES`] times as long.
    async fn settled_within(&self, id: UploadId, patience: Duration) -> Result<Upload, UploadError> {
        let asked = Instant::now();
        let (mut record, mut moved) = (self.catalog.find(id).await?, asked);
        let (epoch, mut pause) = (record.upload.epoch, LOOK_AGAIN);
        while record.written
            && record.upload.epoch == epoch
            && moved.elapsed() < patience
            && asked.elapsed() < patience * PATIENCES
        {
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LOOK_SELDOM);
            let end = record.upload.end();
            record = self.catalog.find(id).await?;
            if record.upload.end() != end {
                moved = Instant::now();
            }
        }
        self.joined(record.upload).await
    }

    /// Appends every chunk of a client's body, in an epoch that the caller took for it.
    async fn append_all(
        &self,
        call: &Call,
        mut upload: Upload,
        mut incoming: Incoming,
    ) -> Result<Upload, UploadError> {
        while let Some(chunk) = incoming.next().await? {
            if let Some(append) = incoming.append((&upload).into(), &chunk) {
                let (bytes, begun) = (chunk.len, Instant::now());
                let appended = self.append_chunk(call, upload.id, append, chunk).await;
                incoming.tried(bytes, begun.elapsed(), &appended);
                upload = appended?;
            }
        }
        incoming.ended(upload)
    }

    /// Those of an upload that is gone, which is what was asked for; what stays behind remains on the list of the doomed.
    async fn delete_bytes(&self, id: UploadId, doomed: &[BlobId]) {
        for blob in doomed {
            if let Err(error) = self.blobs.delete(*blob).await {
                log::warn!("the bytes of {id} are not deleted yet: {error}");
                return;
            }
        }
        if let Err(error) = self.catalog.forget(doomed).await {
            log::warn!("the deleted bytes of {id} are not forgotten yet: {error}");
        }
    }
}

#[async_trait(?Send)]
impl Uploads for LocalUploads {
    async fn create(&self, call: &Call, new: NewUpload, first: First) -> Result<Upload, UploadError> {
        if !new.parts.is_empty() {
            return self.create_final(&new).await;
        }
        let (body, whole) = match first {
            First::Nothing => return self.create_with(call, &new, Chunk::default(), new.length).await,
            First::Chunk { body, count, more } => {
                let first = Append { more, ..Append::first(count, new.length) };
                return self.create_relayed(call, &new, first, body).await;
            }
            First::Part(body) => (body, false),
            First::Whole(body) => (body, true),
        };
        let announced = new.length.filter(|_| whole);
        let mut chunker = Chunker::new(body, self.budget.clone()).announced(announced);
        let chunk = chunker.next().await?.unwrap_or_default();
        let (last, bytes, begun) = (chunk.last, chunk.len, Instant::now());
        let length = new.length.or((whole && last).then_some(bytes));
        let mut incoming = Incoming::new(chunker, whole);
        let created = self.create_with(call, &new, chunk, length).await;
        incoming.tried(bytes, begun.elapsed(), &created);
        let upload = created?;
        match last {
            true => incoming.ended(upload),
            false => self.append_all(call, upload, incoming).await,
        }
    }

    async fn append(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        body: Body,
    ) -> Result<Upload, UploadError> {
        let after = match append.writer {
            Writer::Holds(epoch) => return self.append_relayed(call, id, epoch, append, body).await,
            Writer::ClaimsAfter(epoch) => Some(epoch),
            Writer::Claims => None,
        };
        let mut upload = self.claim(id, append, after).await?;
        // What cannot fit is refused before its first byte is read.
        upload.admit(append.offset, upload.epoch, append.count.unwrap_or(0), append.length)?;
        let chunker = Chunker::new(body, self.budget.clone()).announced(append.count);
        if let Some(checksum) = append.checksum {
            let incoming = Incoming::checked(chunker, checksum, append.length);
            return self.append_all(call, upload, incoming).await;
        }
        if append.length.is_some() {
            let declares =
                Append { writer: Writer::Holds(upload.epoch), count: Some(0), more: true, ..append };
            upload = self.append_chunk(call, id, declares, Chunk::default()).await?;
        }
        self.append_all(call, upload, Incoming::new(chunker, false)).await
    }

    async fn stat(&self, _call: &Call, id: UploadId) -> Result<Upload, UploadError> {
        self.joined(self.catalog.find(id).await?.upload).await
    }

    async fn settled(&self, _call: &Call, id: UploadId) -> Result<Upload, UploadError> {
        self.settled_within(id, SETTLING).await
    }

    async fn inspect(&self, call: &Call, id: UploadId) -> Result<(Upload, Vec<Segment>), UploadError> {
        // The segments second: a final upload may get them by being looked at.
        let upload = self.stat(call, id).await?;
        let segments = self.catalog.segments(id).await?;
        Ok((upload, segments))
    }

    async fn list(&self, _call: &Call, listing: &Listing) -> Result<Page, UploadError> {
        Ok(self.catalog.list(listing).await?)
    }

    async fn seek(&self, _call: &Call, id: UploadId, range: Range<u64>) -> Result<Sought, UploadError> {
        let asked = Instant::now();
        if let Some(sought) = self.recent.get(id, &range, asked) {
            return Ok(sought);
        }
        let (record, extents) = self.catalog.find_with_extents(id, range).await?;
        let found = Sought { upload: record.upload, extents };
        self.recent.remember(&found, asked);
        // One that is joined only now has others than were found.
        Ok(Sought { upload: self.joined(found.upload).await?, ..found })
    }

    async fn open(&self, _call: &Call, sought: &Sought, range: Range<u64>) -> Result<Content, UploadError> {
        content::open(self.catalog.clone(), self.blobs.clone(), sought, range).await
    }

    async fn terminate(&self, _call: &Call, id: UploadId) -> Result<(), UploadError> {
        let removed = self.catalog.terminate(id).await;
        let silence = tokio::time::sleep(self.recent.silence());
        if let Ok(doomed) = &removed {
            self.delete_bytes(id, doomed).await;
        }
        // Gone it may be only since a moment ago, by a request whose answer was lost.
        if matches!(removed, Ok(_) | Err(CatalogError::Gone)) {
            silence.await;
        }
        Ok(removed.map(drop)?)
    }
}
