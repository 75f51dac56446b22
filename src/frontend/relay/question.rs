//! What backends are asked, and what they say.

use crate::balance::{Lease, Load};
use crate::protocol::internal;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use awc::ClientResponse;
use bytes::Bytes;

/// A request that may be sent more than once.
pub struct Question<'a> {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: &'a [Bytes],
    /// Bytes of `body`.
    pub len: u64,
}

impl Question<'_> {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: Vec::new(), body: &[], len: 0 }
    }

    pub(super) fn is_traffic(&self) -> bool {
        !self.path.starts_with(internal::INTERNAL)
    }

    pub(super) fn load(&self) -> Load {
        match self.method {
            // What replicas tell each other has a body, too.
            Method::PATCH | Method::POST if self.len > 0 && self.path.starts_with("/files/") => Load::Bytes,
            _ => Load::Question,
        }
    }
}

/// What a backend said.
pub struct Answer<B> {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: B,
    /// The question was sent before and may have been carried out then.
    pub doubtful: bool,
}

/// An answer whose body is still coming; its backend is busy with it until it is dropped.
pub struct Coming {
    pub response: ClientResponse,
    pub lease: Lease,
}
