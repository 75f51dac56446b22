//! What handlers take out of a request, as types rather than text.

use super::Refused;
use crate::domain::UploadId;
use crate::protocol::code::Code;
use crate::protocol::{BadHeader, internal};
use crate::uploads::{Call, UploadError};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};
use std::rc::Rc;

/// Who asks. Put into the request by [`edge`](super::edge).
#[derive(Clone)]
pub struct Caller(pub Rc<Call>);

impl FromRequest for Caller {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        // Missing only if a role forgot to wrap its app in the edge.
        ready(caller.ok_or_else(|| Refused::plain(Code::Internal)))
    }
}

/// The `{id}` of the path. What is no id names no upload.
pub struct Id(pub UploadId);

impl FromRequest for Id {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().query("id").parse();
        ready(id.map(Self).map_err(|_| UploadError::NotFound.into()))
    }
}

/// A header's value as text. One that comes twice, or is not printable ASCII, is refused rather than guessed.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, BadHeader> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadHeader { header: name, expected: "it once" });
    }
    let text = value.to_str().map_err(|_| BadHeader { header: name, expected: "printable ASCII" })?;
    Ok(Some(text.trim()))
}

/// Whether another replica says so by this header.
pub(super) fn says_yes(request: &HttpRequest, name: &'static str) -> Result<bool, BadHeader> {
    let value = header(request.headers(), name)?;
    Ok(value.map(|value| internal::parse_yes(name, value)).transpose()?.unwrap_or(false))
}

/// A header that is only a hint: if it is malformed it is as if it were not there.
pub(super) fn hint<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    header(headers, name).ok().flatten()
}

/// How many bytes the body will have, as far as the request's head says it. A request with neither a length nor chunks has
/// no body (RFC 9112, section 6.3).
pub(super) fn body_length(request: &HttpRequest) -> Option<u64> {
    if request.chunked().unwrap_or(true) {
        return None;
    }
    match request.headers().get(CONTENT_LENGTH) {
        None => Some(0),
        Some(length) => length.to_str().ok()?.parse().ok(),
    }
}
