use super::LocalUploads;
use crate::blobs::Place;
use crate::catalog::{Advance, CatalogError};
use crate::db::Staged;
use crate::domain::{BlobId, Digest, Epoch, NewUpload, Upload, UploadId};
use crate::uploads::checking::absorb;
use crate::uploads::{Append, Body, Call, Chunk, UploadError, Writer};

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
                let at = Append { more: chunk.more, ..Append::first(end, length) };
                let place = Place { blob: BlobId(new.id.as_uuid()), epoch: Epoch::FIRST, start: 0 };
                let (digest, staged) = self.stage(place, Digest::default(), &chunk).await?;
                let advance = self.advance(call, Epoch::FIRST, 0, &at, digest);
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
            (Err(CatalogError::Conflict(now)), Some(epoch)) => Err(not_claimed(&now, epoch, &append)),
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
        let mut looked_again = false;
        loop {
            let record = self.catalog.find(id).await?;
            let epoch = match append.writer {
                Writer::Holds(epoch) => epoch,
                Writer::Claims | Writer::ClaimsAfter(_) => record.upload.epoch,
            };
            let length = record.upload.admit(append.offset, epoch, chunk.len, append.length)?;
            let admitted = Append { length, count: Some(chunk.len), ..append };
            let place = Place { blob: BlobId(id.as_uuid()), epoch, start: append.offset };
            let (digest, staged) = self.stage(place, record.digest, &chunk).await?;
            let advance = self.advance(call, epoch, record.upload.offset, &admitted, digest);
            match self.catalog.append(id, &advance, staged, self.ttl).await {
                Err(CatalogError::Conflict(now)) => {
                    now.admit(append.offset, epoch, chunk.len, append.length)?;
                    // What was pending before the chunk counts since we looked: so it fits all the same. That happens once.
                    if std::mem::replace(&mut looked_again, true) {
                        log::error!("a chunk of upload {id} at {} fits and is refused", append.offset);
                        return Err(UploadError::Internal);
                    }
                }
                moved => {
                    let upload = moved?;
                    self.join_finals_of(&upload).await;
                    return Ok(upload);
                }
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
            tokio::join!(absorb(digest, &chunk.parts, chunk.len, Digest::update), stage.write(&chunk.parts));
        written?;
        Ok((digest?, stage.finish().await?))
    }

    fn advance(&self, call: &Call, epoch: Epoch, offset: u64, append: &Append, digest: Digest) -> Advance {
        let (length, count) = (append.length, append.count.unwrap_or(0));
        let complete = !append.pending && length == Some(append.offset + count);
        Advance {
            epoch,
            offset,
            from: append.offset,
            count,
            pending: append.pending,
            more: append.more,
            length,
            sha256: complete.then(|| digest.clone().finish()),
            digest,
            backend: self.backend,
            frontend: call.frontend,
        }
    }
}

/// Why a claim failed, told from the record as it was then.
fn not_claimed(now: &Upload, after: Epoch, append: &Append) -> UploadError {
    let counted = Upload { pending: None, ..now.clone() };
    match counted.admit(append.offset, after, 0, append.length) {
        Err(refusal) => refusal.into(),
        // It was created, or moved there, between the two looks.
        Ok(_) => UploadError::Superseded { offset: now.offset, epoch: now.epoch },
    }
}
