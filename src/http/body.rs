//! Request bodies on their way to the use-cases.

use super::Service;
use crate::uploads::{Body, BodyError, UploadError};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use std::future::Future;
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

/// Does `work` to its end even if the client goes away and actix drops the handler: then the body ends with an error, what
/// came before it is still stored or undone in good order, and nobody hears the answer.
pub async fn to_the_end<W, F, T>(body: Body, work: W) -> Result<T, UploadError>
where
    W: FnOnce(Body) -> F,
    F: Future<Output = Result<T, UploadError>> + 'static,
    T: 'static,
{
    let (_still_here, gone) = oneshot::channel::<()>();
    let cut = stream::once(async { Err(BodyError::CutShort) });
    // `take_until` ends the stream at once; only the true end of the body may come before the error.
    let ended = std::rc::Rc::new(std::cell::Cell::new(false));
    let seen = ended.clone();
    let body = body.chain(stream::poll_fn(move |_| {
        seen.set(true);
        std::task::Poll::Ready(None)
    }));
    let body = body.take_until(gone).chain(cut.filter(move |_| {
        let cut_short = !ended.get();
        async move { cut_short }
    }));
    actix_web::rt::spawn(work(body.boxed_local())).await.map_err(|_| UploadError::Internal)?
}
