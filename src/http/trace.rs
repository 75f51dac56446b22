//! What happens to every request and response: ids, counts, one line in the log, and one form for every error.

use super::{Asked, Problem};
use crate::protocol::internal::{self, BACKEND_CONTAINER, FRONTEND_CONTAINER, REQUEST_ID};
use crate::protocol::problem::Code;
use crate::replica::{InFlight, Phase, Replica, Role};
use crate::uploads::Call;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use bytes::Bytes;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// Paths that machines ask all the time: neither counted nor logged.
const PROBES: [&str; 5] = ["/healthz", "/startupz", "/readyz", "/metrics", "/internal/heartbeat"];

/// What the log says of a request whose client went away before it was answered, as nginx does.
const CLIENT_GONE: u16 = 499;

/// A middleware, for [`actix_web::middleware::from_fn`].
pub async fn trace(
    replica: Arc<Replica>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<Traced>, Error> {
    let call = Rc::new(call(&replica, request.headers()));
    request.extensions_mut().insert(Asked(call.clone()));
    let mut line = Line::new(&replica, &request, &call);
    let head_only = request.method() == Method::HEAD;
    let mut response = next.call(request).await?;
    if let Some(problem) = problem(response.response()) {
        let allowed = response.headers().get(header::ALLOW).cloned();
        let mut told = problem.response(Some(&call.request_id));
        if let Some(allowed) = allowed {
            told.headers_mut().insert(header::ALLOW, allowed);
        }
        let (request, plain) = response.into_parts();
        // What a scope adds to every response, such as Tus-Resumable, is added to errors too.
        for (name, value) in plain.headers() {
            if !told.headers().contains_key(name) {
                told.headers_mut().insert(name.clone(), value.clone());
            }
        }
        response =
            ServiceResponse::new(request, if head_only { told.set_body(BoxBody::new(())) } else { told });
    }
    identify(response.headers_mut(), &replica, &call);
    line.status = response.status().as_u16();
    Ok(response.map_body(|_, body| Traced { body, line }))
}

/// What a response that is an error tells, whoever made it: a handler of ours, or actix itself.
fn problem(response: &HttpResponse) -> Option<Problem> {
    let status = response.status();
    if let Some(problem) = response.error().and_then(|error| error.as_error::<Problem>()) {
        return Some(problem.clone());
    }
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    };
    match response.error() {
        Some(error) if status.is_client_error() => Some(Problem::because(code, error)),
        _ => Some(Problem::new(code)),
    }
}

fn call(replica: &Replica, headers: &HeaderMap) -> Call {
    let sent = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_sane(id));
    let relayed_by = headers.get(FRONTEND_CONTAINER).and_then(|value| internal::container(value.as_bytes()));
    Call {
        request_id: sent.map_or_else(|| format!("{:016x}", fastrand::u64(..)), Into::into),
        frontend: match replica.role {
            Role::Frontend => Some(replica.identity.container_id),
            Role::Backend => relayed_by,
        },
        backend: None.into(),
    }
}

/// Another service's id is taken over if it is fit for a log line.
fn is_sane(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Says on every response who answered.
fn identify(headers: &mut HeaderMap, replica: &Replica, call: &Call) {
    let own = Some(replica.identity.container_id);
    let (frontend, backend) = match replica.role {
        Role::Frontend => (own, call.backend.get()),
        Role::Backend => (call.frontend, own),
    };
    for (name, container) in [(FRONTEND_CONTAINER, frontend), (BACKEND_CONTAINER, backend)] {
        if let Some(value) = container.and_then(|id| HeaderValue::from_str(id.as_str()).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if replica.phase() == Phase::Draining {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// One request's line in the log, written when its response has been sent, or given up.
struct Line {
    /// Method and path; `None` for a probe.
    what: Option<String>,
    call: Rc<Call>,
    status: u16,
    began: Instant,
    sent: u64,
    replica: Arc<Replica>,
    _in_flight: Option<InFlight>,
}

impl Line {
    fn new(replica: &Arc<Replica>, request: &ServiceRequest, call: &Rc<Call>) -> Self {
        let probe = PROBES.contains(&request.path());
        Self {
            what: (!probe).then(|| format!("{} {}", request.method(), request.path())),
            call: call.clone(),
            status: CLIENT_GONE,
            began: Instant::now(),
            sent: 0,
            replica: replica.clone(),
            _in_flight: (!probe).then(|| replica.traffic.begin()),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(what) = &self.what else { return };
        self.replica.traffic.sent(self.sent);
        let milliseconds = self.began.elapsed().as_millis();
        let backend = self.call.backend.get().map(|id| format!(" backend={id}")).unwrap_or_default();
        log::info!(
            target: "swarm_upload::access",
            "{what} {} {} bytes {milliseconds} ms id={} replica={}{backend}",
            self.status, self.sent, self.call.request_id, self.replica.identity.container_id,
        );
    }
}

/// A response's body, counted as it is sent.
pub struct Traced {
    body: BoxBody,
    line: Line,
}

impl MessageBody for Traced {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.line.sent += bytes.len() as u64;
        }
        next
    }
}
