use super::{Append, Checking, Chunk, Chunker, Position, Took, UploadError, Writer};
use crate::domain::{Checksum, Upload};
use std::time::Duration;

/// A request's body on its way into an upload, and what is said of each chunk.
pub struct Incoming {
    chunker: Chunker,
    /// The upload ends where the body ends.
    whole: bool,
    /// The upload's length, where it is not to be known before the checksum is.
    length: Option<u64>,
    checking: Option<Checking>,
}

impl Incoming {
    /// Whatever comes counts. With `whole` the upload ends where the body ends.
    pub fn new(chunker: Chunker, whole: bool) -> Self {
        Self { chunker, whole, length: None, checking: None }
    }

    /// All of it counts or nothing: also `length`, if this request declares one.
    pub fn checked(chunker: Chunker, checksum: Checksum, length: Option<u64>) -> Self {
        Self { chunker, whole: false, length, checking: Some(Checking::new(checksum)) }
    }

    /// The next chunk; `None` after the last one. The last one of a body whose checksum is wrong is an error.
    pub async fn next(&mut self) -> Result<Option<Chunk>, UploadError> {
        let chunk = self.chunker.next().await?;
        if let (Some(checking), Some(chunk)) = (&mut self.checking, &chunk) {
            checking.take(chunk).await?;
        }
        Ok(chunk)
    }

    /// How to append a chunk at a position of our own; `None` if it has nothing to say: no bytes, no length that was not known
    /// before, no word that what is pending counts.
    pub fn append(&self, position: Position, chunk: &Chunk) -> Option<Append> {
        let length = match chunk.last {
            true if self.whole && position.length.is_none() => Some(position.offset + chunk.len),
            true => self.length,
            false => None,
        };
        let pending = self.checking.is_some() && !chunk.last;
        let confirms = position.pending && !pending;
        (chunk.len > 0 || length.is_some() || confirms).then_some(Append {
            offset: position.offset,
            writer: Writer::Holds(position.epoch),
            length,
            count: Some(chunk.len),
            pending,
            more: chunk.more,
            checksum: None,
        })
    }

    /// As [`Chunker::stored`].
    pub fn stored(&mut self, bytes: u64, took: impl Into<Took>) {
        self.chunker.stored(bytes, took);
    }

    /// Told what came of a chunk of so many bytes, and after which time.
    pub fn tried<T>(&mut self, bytes: u64, took: Duration, outcome: &Result<T, UploadError>) {
        match outcome {
            Ok(_) => self.chunker.stored(bytes, took),
            Err(UploadError::Unavailable { .. }) => self.chunker.not_stored(bytes, took),
            Err(_) => {}
        }
    }

    /// The upload that all of the body came to.
    pub fn ended(&self, upload: Upload) -> Result<Upload, UploadError> {
        match upload.length {
            Some(length) if self.whole && upload.offset < length => {
                Err(UploadError::ShortOfLength { received: upload.offset, length })
            }
            _ => Ok(upload),
        }
    }
}
