use super::LocalUploads;
use crate::blobs::Place;
use crate::catalog::{Advance, CatalogError};
use crate::db::Staged;
use crate::domain::{BlobId, Digest, Epoch, NewUpload, Refusal, Upload, UploadId};
use crate::uploads::{Append, Body, Call, Chunk, UploadError, Writer};
use bytes::Bytes;

/// Smaller chunks are hashed where they are: handing them to another thread would cost more than it saves.
const HASH_INLINE: u64 = 64 << 10;

impl LocalUploads {
    /// Records a new upload together with its first chunk, in one transaction. Asked again after an unclear failure, it
    /// answers what it answered before.
    pub(super) async fn create_with(
        &self,
        call: &Call,
        new: &NewUpload,
        chunk: Chunk,
        length: Option<u64>,
    ) -> Result<Upload, UploadError> {
        let end = chunk.len;
        if let Some(length) = length.filter(|length| end > *length) {
            return Err(UploadError::PastTheEnd { length });
        }
        let created = match (end, length) {
            (0, None | Some(1..)) => self.catalog.create(new, None, Staged::Durable, self.ttl).await,
            _ => {
                let at = Append { offset: 0, writer: Writer::Holds(Epoch::FIRST), length, count: Some(end) };
                let place = Place { blob: BlobId(new.id.as_uuid()), epoch: Epoch::FIRST, start: 0 };
                let (digest, staged) = self.stage(place, Digest::default(), &chunk).await?;
                let advance = self.advance(call, Epoch::FIRST, &at, end, length, digest);
                self.catalog.create(new, Some(&advance), staged, self.ttl).await
            }
        };
        match created {
            // The same creation, replayed: one id is minted for one body, so what is there is what was sent.
            Err(CatalogError::Conflict(now)) if now.epoch == Epoch::FIRST && now.offset == end => Ok(*now),
            created => Ok(created?),
        }
    }

    /// Takes the next epoch; with `after`, only if it is the one after that.
    pub(super) async fn claim(
        &self,
        id: UploadId,
        append: Append,
        after: Option<Epoch>,
    ) -> Result<Upload, UploadError> {
        match (self.catalog.claim(id, append.offset, after).await, after) {
            (Err(CatalogError::Conflict(now)), Some(epoch)) => Err(refusal(&now, epoch, &append, 0)),
            (claimed, _) => Ok(claimed?),
        }
    }

    /// A relay's chunk: stored whole or not at all, in the epoch that the relay holds.
    pub(super) async fn append_relayed(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        body: Body,
    ) -> Result<Upload, UploadError> {
        let chunk = Chunk::whole(body, append.count.unwrap_or(0), &self.budget).await?;
        self.append_chunk(call, id, append, chunk).await
    }

    /// Stores one chunk, then moves the offset over it if the record is still where the writer thinks it is.
    pub(super) async fn append_chunk(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        chunk: Chunk,
    ) -> Result<Upload, UploadError> {
        let record = self.catalog.find(id).await?;
        let epoch = match append.writer {
            Writer::Holds(epoch) => epoch,
            Writer::Claims | Writer::ClaimsAfter(_) => record.upload.epoch,
        };
        let length = record.upload.admit(append.offset, epoch, chunk.len, append.length)?;
        let place = Place { blob: BlobId(id.as_uuid()), epoch, start: append.offset };
        let (digest, staged) = self.stage(place, record.digest, &chunk).await?;
        let advance = self.advance(call, epoch, &append, chunk.len, length, digest);
        match self.catalog.append(id, &advance, staged, self.ttl).await {
            Err(CatalogError::Conflict(now)) => Err(refusal(&now, epoch, &append, chunk.len)),
            moved => {
                let upload = moved?;
                self.join_finals_of(&upload).await;
                Ok(upload)
            }
        }
    }

    /// Writes and hashes a chunk at the same time.
    async fn stage(
        &self,
        place: Place,
        digest: Digest,
        chunk: &Chunk,
    ) -> Result<(Digest, Staged), UploadError> {
        if chunk.len == 0 {
            return Ok((digest, Staged::Durable));
        }
        let mut stage = self.blobs.stage(place).await?;
        let (digest, written) =
            tokio::join!(hash(digest, &chunk.parts, chunk.len), stage.write(&chunk.parts));
        written?;
        Ok((digest?, stage.finish().await?))
    }

    fn advance(
        &self,
        call: &Call,
        epoch: Epoch,
        append: &Append,
        count: u64,
        length: Option<u64>,
        digest: Digest,
    ) -> Advance {
        let complete = length == Some(append.offset + count);
        Advance {
            epoch,
            from: append.offset,
            count,
            length,
            sha256: complete.then(|| digest.clone().finish()),
            digest,
            backend: self.backend,
            frontend: call.frontend,
        }
    }
}

/// Why the compare-and-set failed, told from the record as it was then.
fn refusal(now: &Upload, epoch: Epoch, append: &Append, count: u64) -> UploadError {
    match now.admit(append.offset, epoch, count, append.length) {
        Err(refusal) => refusal.into(),
        // It moved back and forth between the two looks: cannot be, since an offset never goes back.
        Ok(_) => Refusal::WrongOffset { offset: now.offset, epoch: now.epoch }.into(),
    }
}

/// Hashes off the reactor, which has other requests to serve meanwhile.
async fn hash(mut digest: Digest, parts: &[Bytes], len: u64) -> Result<Digest, UploadError> {
    let parts = parts.to_vec();
    let work = move || {
        parts.iter().for_each(|part| digest.update(part));
        digest
    };
    match len <= HASH_INLINE {
        true => Ok(work()),
        false => tokio::task::spawn_blocking(work).await.map_err(|_| UploadError::Internal),
    }
}
