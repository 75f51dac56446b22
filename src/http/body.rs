use crate::replica::Replica;
use crate::uploads::{Body, BodyError};
use actix_web::error::PayloadError;
use actix_web::web;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::future::Future;
use std::task::Poll;
use std::time::Duration;

/// A client that sends nothing for this long, while it is being waited for, is gone, though its connection may never say
/// so. Longer than nginx waits, so that behind it this never comes first.
const PATIENCE: Duration = Duration::from_secs(240);

/// The body of a request, while its client sends.
pub(super) fn of(payload: web::Payload) -> impl Stream<Item = Result<Bytes, BodyError>> {
    patient(payload, PATIENCE).map_err(cause)
}

/// The same stream, cut short where nothing comes for `patience`.
fn patient<S>(bytes: S, patience: Duration) -> impl Stream<Item = Result<Bytes, PayloadError>>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + 'static,
{
    let pieces = stream::unfold(Box::pin(bytes), move |mut bytes| async move {
        let piece = match tokio::time::timeout(patience, bytes.next()).await {
            Ok(piece) => piece?,
            Err(_) => Err(PayloadError::Incomplete(None)),
        };
        Some((piece, bytes))
    });
    // Whoever reads may ask again after the end.
    pieces.fuse()
}

/// A request's body as the use-cases take it. Where it holds more than `room` bytes it ends with
/// [`BodyError::TooLarge`], which names `limit`, the largest file taken.
pub(super) fn limited<S>(bytes: S, room: u64, limit: u64) -> Body
where
    S: Stream<Item = Result<Bytes, BodyError>> + 'static,
{
    let bytes = bytes.scan(room, move |room, piece| {
        let piece = piece.and_then(|piece| match room.checked_sub(piece.len() as u64) {
            Some(left) => {
                *room = left;
                Ok(piece)
            }
            None => Err(BodyError::TooLarge { limit }),
        });
        std::future::ready(Some(piece))
    });
    bytes.boxed_local()
}

/// A body of which the rest can be sent to another replica: it ends when this one closes.
pub(super) fn while_open(replica: &Replica, mut body: Body) -> Body {
    let mut closes = Box::pin(replica.closes());
    let mut ended = false;
    stream::poll_fn(move |cx| {
        if ended {
            return Poll::Ready(None);
        }
        if closes.as_mut().poll(cx).is_ready() {
            ended = true;
            return Poll::Ready(Some(Err(BodyError::Draining)));
        }
        body.poll_next_unpin(cx)
    })
    .boxed_local()
}

fn cause(error: PayloadError) -> BodyError {
    match error {
        PayloadError::EncodingCorrupted => BodyError::Malformed("its transfer encoding is broken".into()),
        // Not our enum, and it may grow: whatever else happens to a connection cuts the body short.
        _ => BodyError::CutShort,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn through(room: u64, pieces: &[&'static str]) -> Vec<Result<Bytes, BodyError>> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        limited(stream::iter(pieces), room, 99).collect().await
    }

    #[actix_web::test]
    async fn a_body_of_exactly_the_room_passes() {
        assert!(through(5, &["abc", "", "de"]).await.iter().all(Result::is_ok));
    }

    #[actix_web::test]
    async fn one_byte_more_is_too_large_and_what_came_before_passes() {
        let pieces = through(5, &["abc", "def"]).await;
        assert_eq!(pieces[0].as_ref().unwrap(), "abc");
        assert!(matches!(pieces[1], Err(BodyError::TooLarge { limit: 99 })));
    }

    #[actix_web::test]
    async fn a_client_that_sends_nothing_more_is_taken_for_gone() {
        let sent = stream::iter([Ok(Bytes::from_static(b"abc"))]).chain(stream::pending());
        let pieces: Vec<_> = patient(sent, Duration::from_millis(1)).take(2).collect().await;
        assert_eq!(pieces[0].as_ref().unwrap(), "abc");
        assert!(matches!(pieces[1], Err(PayloadError::Incomplete(_))));
    }
}
