use super::BlobError;
use bytes::Bytes;

/// Fewer bytes are summed up where they are: handing them to another thread would cost more than it saves.
const INLINE: usize = 64 << 10;

/// Takes `parts` into a sum, off the reactor, which has other requests to serve meanwhile. Fails only as the process ends.
pub async fn absorb<S: Send + 'static>(
    mut sum: S,
    parts: &[Bytes],
    update: fn(&mut S, &[u8]),
) -> Result<S, BlobError> {
    let (parts, length) = (parts.to_vec(), parts.iter().map(Bytes::len).sum::<usize>());
    let work = move || {
        parts.iter().for_each(|part| update(&mut sum, part));
        sum
    };
    match length <= INLINE {
        true => Ok(work()),
        false => {
            tokio::task::spawn_blocking(work).await.map_err(|error| BlobError::Unavailable(error.into()))
        }
    }
}
