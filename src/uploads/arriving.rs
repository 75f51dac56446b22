use super::budget::busy;
use super::chunker::LARGEST;
use super::pieces::Pieces;
use super::{Body, BodyError, UploadError};
use crate::blobs::PIECE;
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::time::Duration;
use tokio::time::Instant;

/// A relay's chunk that takes longer to arrive, or to be written as it does, is not waited for by its relay any more.
const ARRIVAL: Duration = Duration::from_secs(10);
/// A relay's chunk may be longer than the largest by the piece that filled it; what is much longer is not a relay's.
const LIMIT: u64 = 2 * LARGEST as u64;

/// A relay's chunk on its way in: a body of just so many bytes, and not one more of it is held.
pub(super) struct Arriving {
    body: Body,
    missing: u64,
    /// A relay that stands still in the middle of its chunk must not keep from others what is held for it.
    deadline: Instant,
}

impl Arriving {
    /// A chunk of `count` bytes, all of which are to come soon.
    pub fn new(body: Body, count: u64) -> Result<Self, UploadError> {
        match count > LIMIT {
            true => Err(UploadError::TooLarge { limit: LIMIT }),
            false => Ok(Self { body, missing: count, deadline: Instant::now() + ARRIVAL }),
        }
    }

    /// The next bytes, or nothing after the last: then the body has ended where it should.
    pub async fn next(&mut self) -> Result<Vec<Bytes>, UploadError> {
        let arrived = tokio::time::timeout_at(self.deadline, self.piece()).await;
        arrived.map_err(|_| busy())?.map_err(UploadError::Body)
    }

    /// Reads on to the end of a chunk that was refused, and keeps nothing of it. A relay looks for the answer when it has sent
    /// all; were the connection closed before that, it might never know why.
    pub async fn skip(mut self) {
        let deadline = self.deadline;
        let rest = async { while self.missing > 0 && self.part().await.is_ok_and(|part| part.is_some()) {} };
        tokio::time::timeout_at(deadline, rest).await.ok();
    }

    async fn piece(&mut self) -> Result<Vec<Bytes>, BodyError> {
        let (mut pieces, mut len) = (Pieces::default(), 0);
        while len < PIECE
            && let Some(bytes) = self.part().await?
        {
            len += bytes.len();
            pieces.push(bytes);
        }
        Ok(pieces.into_parts())
    }

    /// The next part of the body, as it was read from the connection.
    async fn part(&mut self) -> Result<Option<Bytes>, BodyError> {
        let counted = self.body.try_next().await.and_then(|part| match part {
            Some(bytes) => {
                self.missing = self.missing.checked_sub(bytes.len() as u64).ok_or(BodyError::CutShort)?;
                Ok(Some(bytes))
            }
            None if self.missing > 0 => Err(BodyError::CutShort),
            None => Ok(None),
        });
        // Nothing comes after an error, and some bodies never say so.
        counted.inspect_err(|_| self.missing = 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};

    async fn arrived(count: u64, pieces: &[usize]) -> Result<Vec<usize>, UploadError> {
        let pieces: Vec<_> = pieces.iter().map(|len| Ok(Bytes::from(vec![7; *len]))).collect();
        let (mut arriving, mut lengths) =
            (Arriving::new(stream::iter(pieces).boxed_local(), count)?, Vec::new());
        loop {
            match arriving.next().await?.iter().map(Bytes::len).sum() {
                0 => return Ok(lengths),
                length => lengths.push(length),
            }
        }
    }

    #[actix_web::test]
    async fn a_chunk_is_exactly_as_long_as_was_said() {
        assert_eq!(arrived(10, &[5, 5]).await.unwrap(), [10]);
        for (said, pieces) in [(9, &[5, 5][..]), (11, &[5, 5]), (1, &[]), (0, &[1]), (300_000, &[300_000, 1])]
        {
            let arrived = arrived(said, pieces).await;
            assert!(matches!(arrived, Err(UploadError::Body(BodyError::CutShort))), "{said} {arrived:?}");
        }
    }

    #[actix_web::test]
    async fn a_chunk_comes_in_pieces_that_are_large_and_not_larger_than_they_must() {
        let piece = PIECE;
        let lengths = arrived(4 * PIECE as u64, &[piece / 2, piece, piece / 2, piece / 2, piece, piece / 2])
            .await
            .unwrap();
        assert_eq!(lengths, [piece * 3 / 2, piece, piece, piece / 2]);
    }

    #[actix_web::test]
    async fn more_than_any_relay_sends_is_refused_before_it_is_read() {
        let refused = Arriving::new(stream::pending().boxed_local(), LIMIT + 1);
        assert!(matches!(refused.err(), Some(UploadError::TooLarge { limit: LIMIT })));
    }
}
