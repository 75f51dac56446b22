//! Request bodies on their way to the use-cases.

use super::Service;
use crate::uploads::{Body, BodyError, UploadError};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::future::Future;
use std::task::{Poll, ready};
use tokio::sync::oneshot;

/// What the request says of its body's length; `None` where it is chunked.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A request's body, counted.
pub fn incoming(service: &Service, payload: web::Payload) -> Body {
    counted(service, payload.map_err(|_| BodyError::CutShort))
}

pub fn counted(service: &Service, bytes: impl Stream<Item = Result<Bytes, BodyError>> + 'static) -> Body {
    let replica = service.replica.clone();
    bytes.inspect_ok(move |bytes| replica.traffic.received(bytes.len() as u64)).boxed_local()
}

/// Ends a body with an error as soon as it is longer than `limit` bytes.
pub fn limited(body: Body, limit: u64) -> Body {
    let mut received = 0;
    body.map(move |bytes| {
        let bytes = bytes?;
        received += bytes.len() as u64;
        match received > limit {
            true => Err(BodyError::TooLarge { limit }),
            false => Ok(bytes),
        }
    })
    .boxed_local()
}

/// Refuses what is declared too large before a byte of it is read.
pub fn check_size(length: Option<u64>, limit: u64) -> Result<(), UploadError> {
    match length {
        Some(length) if length > limit => Err(UploadError::TooLarge { limit }),
        _ => Ok(()),
    }
}

/// Ends a body with `error` as soon as `signal` comes, unless it has ended by itself.
fn until(body: Body, signal: impl Future<Output = ()> + 'static, error: fn() -> BodyError) -> Body {
    let mut signal = Box::pin(signal);
    let mut body = Some(body);
    stream::poll_fn(move |cx| {
        let Some(running) = &mut body else { return Poll::Ready(None) };
        if signal.as_mut().poll(cx).is_ready() {
            body = None;
            return Poll::Ready(Some(Err(error())));
        }
        let next = ready!(running.poll_next_unpin(cx));
        if next.is_none() {
            body = None;
        }
        Poll::Ready(next)
    })
    .boxed_local()
}

/// A body that can be sent on to another replica: it ends when this one closes.
pub fn while_open(service: &Service, body: Body) -> Body {
    until(body, service.replica.closes(), || BodyError::Draining)
}

/// Does `work` to its end even if the client goes away and actix drops the handler: then the body ends with an error, what
/// came before it is still stored or undone in good order, and nobody hears the answer.
pub async fn to_the_end<W, F, T>(body: Body, work: W) -> Result<T, UploadError>
where
    W: FnOnce(Body) -> F,
    F: Future<Output = Result<T, UploadError>> + 'static,
    T: 'static,
{
    let (_still_here, gone) = oneshot::channel::<()>();
    let gone = async move {
        // Nothing is ever sent: this returns when the other end is dropped.
        let _dropped = gone.await;
    };
    let body = until(body, gone, || BodyError::CutShort);
    actix_web::rt::spawn(work(body)).await.map_err(|_| UploadError::Internal)?
}
