use super::LocalUploads;
use super::under_way::Tail;
use crate::blobs::Place;
use crate::catalog::{Advance, CatalogError, Record};
use crate::db::Staged;
use crate::domain::{BlobId, Digest, Epoch, NewUpload, Upload, UploadId};
use crate::uploads::{Append, Call, Chunk, UploadError, Writer};

/// A chunk, and what it is appended to.
pub(super) struct Fitting {
    id: UploadId,
    epoch: Epoch,
    /// The upload's, before the chunk and what is pending.
    offset: u64,
    /// Of all bytes before the chunk.
    pub digest: Digest,
    append: Append,
}

impl Fitting {
    /// Of a new upload: its first chunk, which may be without bytes.
    pub fn first(id: UploadId, append: Append) -> Result<Self, UploadError> {
        match append.length {
            Some(length) if append.count > Some(length) => Err(UploadError::PastTheEnd { length }),
            _ => Ok(Self { id, epoch: Epoch::FIRST, offset: 0, digest: Digest::default(), append }),
        }
    }

    /// Right after a chunk that is not counted yet.
    pub fn following(id: UploadId, epoch: Epoch, append: Append, tail: Tail) -> Self {
        let append = Append { length: tail.length, ..append };
        Self { id, epoch, offset: append.offset, digest: tail.digest, append }
    }

    /// What follows the chunk, where `digest` is that of all bytes up to its end.
    pub fn tail(&self, digest: Digest) -> Tail {
        Tail { digest, length: self.append.length }
    }

    pub fn place(&self) -> Place {
        Place { blob: BlobId(self.id.as_uuid()), epoch: self.epoch, start: self.append.offset }
    }
}

impl LocalUploads {
    /// Records a new upload together with its first chunk, in one transaction.
    pub(super) async fn create_with(
        &self,
        call: &Call,
        new: &NewUpload,
        chunk: Chunk,
        length: Option<u64>,
    ) -> Result<Upload, UploadError> {
        let first = Append { more: chunk.more, ..Append::first(chunk.len, length) };
        let fitting = Fitting::first(new.id, first)?;
        let (digest, staged) = self.stage(&fitting, &chunk).await?;
        self.record(call, new, fitting, digest, staged).await
    }

    /// Records a new upload, the first chunk of which is staged. Asked again after an unclear failure, it answers what it
    /// answered before.
    pub(super) async fn record(
        &self,
        call: &Call,
        new: &NewUpload,
        fitting: Fitting,
        digest: Digest,
        staged: Staged,
    ) -> Result<Upload, UploadError> {
        let end = fitting.append.count.unwrap_or(0);
        let created = match (end, fitting.append.length) {
            (0, None | Some(1..)) => self.catalog.create(new, None, staged, self.ttl).await,
            _ => {
                self.catalog.create(new, Some(&self.advance(call, &fitting, digest)), staged, self.ttl).await
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

    /// Stores one chunk, then moves the offset over it if the record is still where the writer thinks it is.
    pub(super) async fn append_chunk(
        &self,
        call: &Call,
        id: UploadId,
        append: Append,
        chunk: Chunk,
    ) -> Result<Upload, UploadError> {
        let fitting = self.fitting(id, append, chunk.len).await?;
        let (digest, staged) = self.stage(&fitting, &chunk).await?;
        self.count(call, fitting, digest, staged).await
    }

    /// Where a chunk of `count` bytes goes, if it fits there.
    pub(super) async fn fitting(
        &self,
        id: UploadId,
        append: Append,
        count: u64,
    ) -> Result<Fitting, UploadError> {
        let Record { upload, digest, .. } = self.catalog.find(id).await?;
        let epoch = match append.writer {
            Writer::Holds(epoch) => epoch,
            Writer::Claims | Writer::ClaimsAfter(_) => upload.epoch,
        };
        let length = upload.admit(append.offset, epoch, count, append.length)?;
        let append = Append { length, count: Some(count), ..append };
        Ok(Fitting { id, epoch, offset: upload.offset, digest, append })
    }

    /// Moves the offset over a chunk that is staged, if the record is still where the writer thinks it is.
    pub(super) async fn count(
        &self,
        call: &Call,
        mut fitting: Fitting,
        digest: Digest,
        staged: Staged,
    ) -> Result<Upload, UploadError> {
        // What was pending before the chunk may count since we looked: so it fits all the same. That happens once.
        for _ in 0..2 {
            let advance = self.advance(call, &fitting, digest.clone());
            match self.catalog.append(fitting.id, &advance, staged.clone(), self.ttl).await {
                Err(CatalogError::Conflict(now)) => {
                    let length = now.admit(advance.from, advance.epoch, advance.count, advance.length)?;
                    (fitting.offset, fitting.append.length) = (now.offset, length);
                }
                moved => {
                    let upload = moved?;
                    self.join_finals_of(&upload).await;
                    return Ok(upload);
                }
            }
        }
        log::error!("a chunk of upload {} at {} fits and is refused", fitting.id, fitting.append.offset);
        Err(UploadError::Internal)
    }

    /// Writes and hashes a chunk.
    async fn stage(&self, fitting: &Fitting, chunk: &Chunk) -> Result<(Digest, Staged), UploadError> {
        let digest = fitting.digest.clone();
        if chunk.len == 0 {
            return Ok((digest, Staged::Durable));
        }
        let mut stage = self.blobs.stage(fitting.place(), chunk.len).await?;
        let digest = stage.write(&chunk.parts, digest).await?;
        Ok((digest, stage.finish().await?))
    }

    fn advance(&self, call: &Call, fitting: &Fitting, digest: Digest) -> Advance {
        let append = &fitting.append;
        let (length, count) = (append.length, append.count.unwrap_or(0));
        let complete = !append.pending && length == Some(append.offset + count);
        Advance {
            epoch: fitting.epoch,
            offset: fitting.offset,
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
