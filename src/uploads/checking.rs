use super::{Chunk, UploadError};
use crate::blobs::absorb;
use crate::domain::{Checksum, Summing};

/// Compares a body, chunk by chunk, with what its sender says it sums up to.
pub struct Checking {
    expected: Checksum,
    summing: Summing,
}

impl Checking {
    pub fn new(expected: Checksum) -> Self {
        Self { expected, summing: expected.summing() }
    }

    /// The next chunk; with the last one the sum is known.
    pub async fn take(&mut self, chunk: &Chunk) -> Result<(), UploadError> {
        self.summing = absorb(self.summing.clone(), &chunk.parts, Summing::update).await?;
        match chunk.last && self.summing.clone().finish() != self.expected {
            true => Err(UploadError::WrongChecksum),
            false => Ok(()),
        }
    }
}
