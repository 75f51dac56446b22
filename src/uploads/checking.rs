use super::{Chunk, UploadError};
use crate::domain::{Checksum, Summing};
use bytes::Bytes;

/// Smaller chunks are summed up where they are: handing them to another thread would cost more than it saves.
const INLINE: u64 = 64 << 10;

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
        self.summing = absorb(self.summing.clone(), &chunk.parts, chunk.len, Summing::update).await?;
        match chunk.last && self.summing.clone().finish() != self.expected {
            true => Err(UploadError::WrongChecksum),
            false => Ok(()),
        }
    }
}

/// Sums up `len` bytes off the reactor, which has other requests to serve meanwhile.
pub(super) async fn absorb<S: Send + 'static>(
    mut sum: S,
    parts: &[Bytes],
    len: u64,
    update: fn(&mut S, &[u8]),
) -> Result<S, UploadError> {
    let parts = parts.to_vec();
    let work = move || {
        parts.iter().for_each(|part| update(&mut sum, part));
        sum
    };
    match len <= INLINE {
        true => Ok(work()),
        false => tokio::task::spawn_blocking(work).await.map_err(|_| UploadError::Internal),
    }
}
