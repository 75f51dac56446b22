//! The middleware around everything a replica serves: who asks, what is stripped, counted and stamped, how errors look.

use super::paced::Reader;
use super::request::Caller;
use super::served::{Counted, Held, Served, received};
use super::{Refused, Service, names, request_id};
use crate::protocol::code::Code;
use crate::protocol::internal::{FRONTEND_CONTAINER, INTERNAL, parse_frontend};
use crate::replica::{Phase, Role};
use crate::uploads::Call;
use actix_cors::CorsError;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use std::rc::Rc;

/// Wrap each role's app in it last: whatever else answers is stamped, and its errors are problems too.
pub(super) async fn edge(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<Counted>, Error> {
    let Some(service) = request.app_data::<web::Data<Service>>().cloned() else {
        return Err(Refused::plain(Code::Internal).into());
    };
    let call = Rc::new(admit(&service, &mut request));
    request.extensions_mut().insert(Caller(call.clone()));
    let body = hold_body(&mut request);
    let mut served = is_traffic(request.path()).then(|| begin(&service, &call, &mut request, body.as_ref()));

    let answer = next.call(request).await?.map_into_boxed_body();
    let mut answer = with_problem(answer, &call.request_id);
    stamp(&service, &call, answer.headers_mut());
    if service.replica.phase() == Phase::Draining {
        answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    if let Some(served) = &mut served {
        served.status = Some(answer.status());
        served.route = answer.request().match_pattern();
    }
    Ok(answer.map_body(|_, sent| Counted { body: sent, served, _request: body }))
}

/// Refuses what would make another protocol of a connection. The framework reads the body of such a request to the end of the
/// connection, whatever length it declares.
pub(super) async fn no_upgrade(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if is_upgrade(request.headers()) {
        let refused = Refused::new(Code::BadRequest, "WebSocket is not spoken here");
        return Ok(request.into_response(refused.error_response()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(header::UPGRADE).map(|value| value.as_bytes().to_ascii_lowercase());
    protocols.any(|line| line.windows(9).any(|word| word == b"websocket"))
}

/// Who asks. What only a frontend may say is believed by backends, and taken off at the edge by frontends.
fn admit(service: &Service, request: &mut ServiceRequest) -> Call {
    let frontend = match service.replica.role {
        Role::Backend => {
            let named = super::request::hint(request.headers(), FRONTEND_CONTAINER);
            named.and_then(|text| parse_frontend(text).ok())
        }
        Role::Frontend => {
            for name in &names::STRIPPED_FROM_REQUESTS {
                request.headers_mut().remove(name);
            }
            Some(service.replica.identity.container_id)
        }
    };
    Call { request_id: request_id::of(request.headers()), frontend, ..Call::default() }
}

/// Probes, heartbeats and those who watch come again and again and say nothing about how busy a replica is. What is watched must
/// not change by being watched.
fn is_traffic(path: &str) -> bool {
    let unasked = matches!(path, "/healthz" | "/startupz" | "/readyz" | "/metrics" | "/api/events");
    !unasked && !path.starts_with(INTERNAL)
}

/// Keeps the body of a request, if it has one, for the answer to hold; what is put in its place reads it.
fn hold_body(request: &mut ServiceRequest) -> Option<Held> {
    let held = match request.take_payload() {
        Payload::None => return None,
        payload => Held::new(payload, Reader::of(request.conn_data())),
    };
    request.set_payload(stream(held.clone()));
    Some(held)
}

/// Begins to count the request, and the bytes of its body as they are read.
fn begin(
    service: &web::Data<Service>,
    call: &Rc<Call>,
    request: &mut ServiceRequest,
    body: Option<&Held>,
) -> Served {
    if let Some(body) = body {
        let service = service.clone();
        request.set_payload(stream(body.clone().inspect(move |piece| {
            if let Ok(piece) = piece {
                received(&service, piece.len() as u64);
            }
        })));
    }
    Served::begin(service.clone(), call.clone(), request.method().clone(), request.uri().path().to_owned())
}

fn stream(body: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Payload {
    Payload::Stream { payload: body.boxed_local() }
}

/// Every error is a problem that names its request, also those that the router or an extractor of actix answered with.
fn with_problem(mut answer: ServiceResponse, request_id: &str) -> ServiceResponse {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let own = answer.response_mut().extensions_mut().remove::<Refused>();
    let foreign = || {
        if let Some(error) = answer.response().error().and_then(|error| error.as_error::<CorsError>()) {
            return Some(Refused::from(error));
        }
        let bare = matches!(answer.response().body().size(), BodySize::None | BodySize::Sized(0));
        let failed = bare || answer.response().error().is_some();
        failed.then(|| Refused::plain(Code::for_status(status.as_u16())))
    };
    match own.or_else(foreign) {
        Some(refused) => replace(answer, &refused.of_request(request_id)),
        // A page that a role made on purpose.
        None => answer,
    }
}

/// Keeps what the first answer said in its head, such as `Allow`.
fn replace(answer: ServiceResponse, refused: &Refused) -> ServiceResponse {
    let mut printed: HttpResponse = refused.error_response();
    printed.extensions_mut().clear();
    for (name, value) in answer.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            printed.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer.into_response(printed)
}

fn stamp(service: &Service, call: &Call, headers: &mut HeaderMap) {
    let mut put = |name: &HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name.clone(), value);
        }
    };
    put(&names::REQUEST_ID, &call.request_id);
    let own = service.replica.identity.container_id;
    match service.replica.role {
        Role::Backend => put(&names::BACKEND_CONTAINER, own.as_str()),
        Role::Frontend => {
            put(&names::FRONTEND_CONTAINER, own.as_str());
            if let Some(backend) = call.backend.get() {
                put(&names::BACKEND_CONTAINER, backend.as_str());
            }
            for name in &names::STRIPPED_FROM_ANSWERS {
                headers.remove(name);
            }
        }
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
