//! The conditions of a request and what an upload is now, for [`protocol::conditional`](crate::protocol::conditional).

use super::Refused;
use super::request::hint;
use crate::domain::Upload;
use crate::protocol::code::Code;
use crate::protocol::conditional::{Conditions, Validators, Verdict};
use actix_web::http::header::HeaderMap;
use std::borrow::Cow;

/// What conditions are evaluated against. Content never changes, so the upload's id is its strong entity tag.
pub(super) struct Version {
    pub etag: String,
    pub last_modified: std::time::SystemTime,
}

impl Version {
    pub(super) fn of(upload: &Upload) -> Self {
        let last_modified = upload.completed_at.unwrap_or(upload.created_at).into();
        Self { etag: upload.id.to_string(), last_modified }
    }

    pub(super) fn validators(&self) -> Validators<'_> {
        Validators { etag: &self.etag, last_modified: self.last_modified }
    }
}

/// The lists of a request's conditions, each of which may stand on several lines.
pub(super) struct Lists<'a> {
    if_match: Option<Cow<'a, str>>,
    if_none_match: Option<Cow<'a, str>>,
}

impl<'a> Lists<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        Self { if_match: list(headers, "If-Match"), if_none_match: list(headers, "If-None-Match") }
    }

    pub(super) fn conditions(&'a self, headers: &'a HeaderMap) -> Conditions<'a> {
        Conditions {
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
            if_modified_since: hint(headers, "If-Modified-Since"),
            if_unmodified_since: hint(headers, "If-Unmodified-Since"),
            if_range: hint(headers, "If-Range"),
        }
    }
}

/// The lines joined (RFC 9110, section 5.3). What cannot be read names no tag, so that nothing matches it.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut lines = headers.get_all(name).map(|line| line.to_str().unwrap_or_default());
    let first = lines.next()?;
    Some(lines.fold(first.into(), |joined: Cow<'_, str>, line| format!("{joined}, {line}").into()))
}

/// Whether a request that changes something has a condition for it.
pub(super) fn guards(headers: &HeaderMap) -> bool {
    ["If-Match", "If-None-Match", "If-Unmodified-Since"].iter().any(|name| headers.contains_key(*name))
}

/// Whether the answer to a reader may depend on more than whether the upload is there.
pub(super) fn has_conditions(headers: &HeaderMap) -> bool {
    guards(headers) || headers.contains_key("If-Modified-Since")
}

/// A request that changes something goes ahead only if its conditions hold; what is 304 to a reader is 412 to it (RFC 9110,
/// section 13.1.2).
pub(super) fn check(headers: &HeaderMap, upload: &Upload) -> Result<(), Refused> {
    let (lists, version) = (Lists::of(headers), Version::of(upload));
    let conditions = Conditions { if_modified_since: None, ..lists.conditions(headers) };
    match conditions.evaluate(version.validators()) {
        Verdict::Proceed => Ok(()),
        Verdict::NotModified | Verdict::PreconditionFailed => Err(Refused::plain(Code::PreconditionFailed)),
    }
}
