use crate::domain::ContainerId;
use crate::replica::{InFlight, Replica, Traffic};
use crate::telemetry::metrics::{
    HTTP_RECEIVED_BYTES, HTTP_REQUEST_SECONDS, HTTP_REQUESTS, HTTP_REQUESTS_IN_FLIGHT, HTTP_SENT_BYTES,
};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;
use futures_util::Stream;
use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

/// One request, from its head to the last byte of its answer. When it is dropped, it is counted and logged: also if the
/// client went away before there was an answer.
pub(super) struct Served {
    pub role: &'static str,
    pub container_id: ContainerId,
    pub method: Method,
    pub path: String,
    pub request_id: String,
    /// The pattern that the path matched, once it is known: metrics must not grow with the ids in paths.
    pub route: Option<String>,
    pub status: Option<StatusCode>,
    traffic: Traffic,
    sent: u64,
    begun: Instant,
    _in_flight: InFlight,
}

impl Served {
    pub(super) fn begin(
        replica: &Replica,
        role: &'static str,
        method: Method,
        path: String,
        request_id: String,
    ) -> Self {
        metrics::gauge!(HTTP_REQUESTS_IN_FLIGHT, "role" => role).increment(1);
        Self {
            role,
            container_id: replica.identity.container_id,
            method,
            path,
            request_id,
            route: None,
            status: None,
            traffic: replica.traffic.clone(),
            sent: 0,
            begun: Instant::now(),
            _in_flight: replica.traffic.begin(),
        }
    }

    fn sends(&mut self, bytes: u64) {
        self.sent += bytes;
        self.traffic.sent(bytes);
        metrics::counter!(HTTP_SENT_BYTES, "role" => self.role).increment(bytes);
    }
}

/// Counts bytes of a request's body as they arrive.
pub(super) fn received(traffic: &Traffic, role: &'static str, bytes: u64) {
    traffic.received(bytes);
    metrics::counter!(HTTP_RECEIVED_BYTES, "role" => role).increment(bytes);
}

impl Drop for Served {
    fn drop(&mut self) {
        let elapsed = self.begun.elapsed();
        let status = self.status.map_or("-".to_owned(), |status| status.as_u16().to_string());
        let route = self.route.take().unwrap_or_else(|| "-".to_owned());
        let method = method_label(&self.method);
        log::info!(
            target: "access",
            "{} {} {} {} {status} {}ms sent={} request_id={}",
            self.role, self.container_id,
            self.method, self.path, elapsed.as_millis(), self.sent, self.request_id
        );
        metrics::gauge!(HTTP_REQUESTS_IN_FLIGHT, "role" => self.role).decrement(1);
        metrics::histogram!(HTTP_REQUEST_SECONDS, "role" => self.role, "route" => route.clone())
            .record(elapsed.as_secs_f64());
        metrics::counter!(
            HTTP_REQUESTS, "role" => self.role, "method" => method, "route" => route, "status" => status
        )
        .increment(1);
    }
}

/// Strangers may invent methods; metrics must not grow with them.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The body of a request, for the handler to read and for the answer to hold.
///
/// While it is held the server knows, once the answer is out, that the client is still sending: it lingers for a while, drops
/// what comes, then closes. Were it given up with a body in chunks unread, the server would wait for its end, for ever.
#[derive(Clone)]
pub(super) struct Held(Rc<RefCell<Payload>>);

impl Held {
    pub(super) fn new(payload: Payload) -> Self {
        Self(Rc::new(RefCell::new(payload)))
    }
}

impl Stream for Held {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

/// An answer's body that counts what is sent of it and keeps the request open to its end.
pub(super) struct Counted {
    pub body: BoxBody,
    pub served: Option<Served>,
    pub _request: Held,
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
            log::warn!("an answer was cut short: {error} request_id={}", served.request_id);
        }
        polled
    }
}
