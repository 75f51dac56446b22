use super::Service;
use super::paced::Reader;
use crate::replica::InFlight;
use crate::uploads::Call;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use bytes::Bytes;
use futures_util::Stream;
use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

/// One request, from its head to the last byte of its answer. When it is dropped, it is counted and logged: also if the
/// client went away before there was an answer.
pub(super) struct Served {
    pub method: Method,
    pub path: String,
    /// The pattern that the path matched, once it is known.
    pub route: Option<String>,
    pub status: Option<StatusCode>,
    service: Data<Service>,
    call: Rc<Call>,
    sent: u64,
    begun: Instant,
    _in_flight: InFlight,
}

impl Served {
    pub(super) fn begin(service: Data<Service>, call: Rc<Call>, method: Method, path: String) -> Self {
        service.meters.in_flight.increment(1);
        let in_flight = service.replica.traffic.begin();
        Self {
            method,
            path,
            route: None,
            status: None,
            service,
            call,
            sent: 0,
            begun: Instant::now(),
            _in_flight: in_flight,
        }
    }

    fn sends(&mut self, bytes: u64) {
        self.sent += bytes;
        self.service.replica.traffic.sent(bytes);
        self.service.meters.sent_bytes.increment(bytes);
    }
}

/// Counts bytes of a request's body as they arrive.
pub(super) fn received(service: &Service, bytes: u64) {
    service.replica.traffic.received(bytes);
    service.meters.received_bytes.increment(bytes);
}

impl Drop for Served {
    fn drop(&mut self) {
        let elapsed = self.begun.elapsed();
        let (service, call) = (&self.service, &self.call);
        log::info!(
            target: "access",
            "{} {} {} {} {} {}ms sent={} request_id={}",
            service.role(), service.replica.identity.container_id,
            self.method, self.path, Known(self.status), elapsed.as_millis(), self.sent, call.request_id
        );
        service.meters.in_flight.decrement(1);
        service.meters.answered(&self.method, self.route.take(), self.status, elapsed);
    }
}

/// A status as it is logged.
struct Known(Option<StatusCode>);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(status) => f.write_str(status.as_str()),
            None => f.write_str("-"),
        }
    }
}

/// The body of a request, for the handler to read and for the answer to hold.
///
/// While it is held the server knows, once the answer is out, that the client is still sending: it lingers for a while, drops
/// what comes, then closes. Were it given up with a body in chunks unread, the server would wait for its end, for ever.
#[derive(Clone)]
pub(super) struct Held(Rc<RefCell<Coming>>);

struct Coming {
    payload: Payload,
    /// Until all has come. Also where nobody reads the body: then nothing of it is waited for.
    reader: Option<Reader>,
}

impl Held {
    pub(super) fn new(payload: Payload, reader: Reader) -> Self {
        Self(Rc::new(RefCell::new(Coming { payload, reader: Some(reader) })))
    }
}

impl Stream for Held {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Coming { payload, reader } = &mut *self.0.borrow_mut();
        if let Some(reader) = reader {
            reader.waits();
        }
        let piece = Pin::new(payload).poll_next(cx);
        match (&piece, &reader) {
            (Poll::Ready(Some(Ok(_))), Some(reader)) => reader.has_enough(),
            (Poll::Ready(_), _) => *reader = None,
            (Poll::Pending, _) => {}
        }
        piece
    }
}

/// An answer's body that counts what is sent of it and keeps the request open to its end.
pub(super) struct Counted {
    pub body: BoxBody,
    pub served: Option<Served>,
    pub _request: Option<Held>,
}

impl MessageBody for Counted {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_next(cx);
        if let (Poll::Ready(Some(Ok(bytes))), Some(served)) = (&polled, &mut self.served) {
            served.sends(bytes.len() as u64);
        }
        if let (Poll::Ready(Some(Err(error))), Some(served)) = (&polled, &self.served) {
            log::warn!("an answer was cut short: {error} request_id={}", served.call.request_id);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::paced::Demand;
    use futures_util::StreamExt;
    use futures_util::{poll, stream};
    use tokio::sync::oneshot;

    #[actix_web::test]
    async fn of_a_body_nothing_is_waited_for_before_it_is_read_nor_after_it_has_ended() {
        let demand = Demand::default();
        let (end, ends) = oneshot::channel::<()>();
        let body = stream::once(async { Ok(Bytes::from_static(b"123")) }).chain(stream::once(async {
            ends.await.ok();
            Ok(Bytes::from_static(b"45"))
        }));
        let mut held =
            Held::new(Payload::Stream { payload: body.boxed_local() }, Reader::on(demand.clone(), true));
        assert!(demand.holds_back());
        assert!(held.next().await.is_some() && demand.holds_back());
        assert!(poll!(held.next()).is_pending() && !demand.holds_back());
        end.send(()).unwrap();
        assert!(held.next().await.is_some() && demand.holds_back());
        assert!(held.next().await.is_none() && !demand.has_readers());
    }
}
