use super::channels::Subscription;
use super::hub::EVERY;
use super::uploads::{news_event, reload_event};
use crate::domain::{InvalidMoment, Moment};
use crate::http::Service;
use crate::http::request::Caller;
use crate::protocol::events::{ALIVE, LAST_EVENT_ID, MEDIA_TYPE, RETRY, SINCE, parse_last_id};
use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use url::form_urlencoded;

/// After so long without an event comes a comment.
const ALIVE_EACH: Duration = Duration::from_secs(15);

/// `GET /api/events`
pub async fn listen(request: HttpRequest, service: web::Data<Service>, Caller(call): Caller) -> HttpResponse {
    let events = match *request.method() {
        // Nobody would hear them.
        Method::HEAD => stream::empty().boxed_local(),
        _ => events(service, call.request_id.clone(), last_id(&request)).boxed_local(),
    };
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((CACHE_CONTROL, "no-store"))
        // So that nginx passes each event on as it comes.
        .insert_header(("X-Accel-Buffering", "no"))
        .body(BodyStream::new(events.map(Ok::<_, Infallible>)).boxed())
}

/// Up to when the client knows what happened; none if it is new.
type Known = Option<Result<Moment, InvalidMoment>>;

/// A script that connects anew by itself has no way to set the header.
fn last_id(request: &HttpRequest) -> Known {
    if let Some(value) = request.headers().get(LAST_EVENT_ID) {
        return Some(value.to_str().map_err(|_| InvalidMoment).and_then(parse_last_id));
    }
    let mut parameters = form_urlencoded::parse(request.query_string().as_bytes());
    let (_, value) = parameters.find(|(name, value)| name == SINCE && !value.is_empty())?;
    Some(parse_last_id(&value))
}

fn events(service: web::Data<Service>, request_id: String, known: Known) -> impl Stream<Item = Bytes> {
    // First: what happens while it is asked what has happened is not missed.
    let Subscription { uploads, replicas, traffic, presence } = service.events.subscribe();
    let closes = service.replica.closes();
    let present = async move {
        let _presence = presence;
        closes.await;
    };
    let uploads = stream::once(caught_up(service, request_id, known)).chain(heard(uploads)).boxed_local();
    let all = stream::select(uploads, stream::select(latest(replicas), latest(traffic)));
    let first = stream::once(async { Bytes::from_static(RETRY.as_bytes()) });
    first.chain(kept_alive(all, ALIVE_EACH)).take_until(present)
}

/// What has happened since the client was cut off. While nobody can be asked it is asked again.
async fn caught_up(service: web::Data<Service>, request_id: String, known: Known) -> Bytes {
    let since = known.and_then(Result::ok);
    let changed = loop {
        match service.changes.since(&request_id, since).await {
            Ok(changed) => break changed,
            Err(_) => tokio::time::sleep(EVERY).await,
        }
    };
    let event = match changed.news {
        Some(news) if !matches!(known, Some(Err(_))) => news_event(changed.upto, &news),
        _ => reload_event(Some(changed.upto)),
    };
    event.into()
}

/// Each event. Who lags too far behind is told that some are missing, and goes on with those that are not.
fn heard(receiver: broadcast::Receiver<Bytes>) -> impl Stream<Item = Bytes> {
    stream::unfold(receiver, |mut receiver| async {
        match receiver.recv().await {
            Ok(event) => Some((event, receiver)),
            Err(RecvError::Lagged(_)) => Some((reload_event(None).into(), receiver)),
            Err(RecvError::Closed) => None,
        }
    })
}

/// The latest event at once, then each as it comes, but for those that come while nobody reads.
fn latest(mut receiver: watch::Receiver<Option<Bytes>>) -> impl Stream<Item = Bytes> {
    receiver.mark_changed();
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.changed().await.ok()?;
        let event = receiver.borrow_and_update().clone();
        Some((event, receiver))
    });
    events.filter_map(|event| async { event }).boxed_local()
}

fn kept_alive(events: impl Stream<Item = Bytes> + Unpin, each: Duration) -> impl Stream<Item = Bytes> {
    stream::unfold(events, move |mut events| async move {
        match tokio::time::timeout(each, events.next()).await {
            Ok(event) => Some((event?, events)),
            Err(_) => Some((Bytes::from_static(ALIVE.as_bytes()), events)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    #[actix_web::test]
    async fn a_stream_without_events_says_that_it_is_alive() {
        let each = Duration::from_millis(1);
        let mut silent = pin!(kept_alive(stream::pending(), each));
        assert_eq!(silent.next().await.unwrap(), ALIVE);
        assert_eq!(silent.next().await.unwrap(), ALIVE);
        let mut over = pin!(kept_alive(stream::empty(), each));
        assert_eq!(over.next().await, None);
    }
}
