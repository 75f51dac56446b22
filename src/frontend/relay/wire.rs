//! In what words backends are asked, and what their answers mean. A backend answers with the record as JSON where the request
//! prefers that (RFC 7240, section 4.2), so that one question tells all.

use super::client::{Answer, Coming, Question};
use crate::domain::{Epoch, Listing, NewUpload, Page, Segment, SortKey, Upload, UploadId};
use crate::protocol::problem::{Code, ProblemBody};
use crate::protocol::record::{self, Record, Records};
use crate::protocol::{internal, tus};
use crate::uploads::{Append, BodyError, Chunk, UploadError, Writer};
use actix_web::http::Method;
use actix_web::http::header::{
    CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE, RETRY_AFTER,
};
use bytes::Bytes;
use std::ops::Range;
use std::time::Duration;

type Headers = Vec<(HeaderName, HeaderValue)>;

/// A new upload in the epoch that its creator holds, with its first chunk if that has bytes.
pub fn create<'a>(new: &NewUpload, chunk: &'a Chunk) -> Question<'a> {
    let mut headers = tus_headers();
    push(&mut headers, internal::UPLOAD_ID, new.id);
    match new.length {
        Some(length) => push(&mut headers, tus::UPLOAD_LENGTH, length),
        None => push(&mut headers, tus::UPLOAD_DEFER_LENGTH, 1),
    }
    match new.metadata.as_str() {
        "" => {
            let metadata = tus::print_metadata(&new.filename, new.content_type.as_deref());
            push(&mut headers, tus::UPLOAD_METADATA, metadata);
        }
        metadata => push(&mut headers, tus::UPLOAD_METADATA, metadata),
    }
    with_chunk(Method::POST, "/files/".into(), headers, chunk)
}

/// One chunk in the epoch that the writer holds; without bytes and epoch, the claim of the next one.
pub fn append<'a>(id: UploadId, append: &Append, chunk: &'a Chunk) -> Question<'a> {
    let mut headers = tus_headers();
    push(&mut headers, tus::UPLOAD_OFFSET, append.offset);
    if let Writer::Holds(epoch) = append.writer {
        push(&mut headers, internal::UPLOAD_EPOCH, epoch);
    }
    if let Some(length) = append.length {
        push(&mut headers, tus::UPLOAD_LENGTH, length);
    }
    with_chunk(Method::PATCH, format!("/files/{id}"), headers, chunk)
}

pub fn record(id: UploadId) -> Question<'static> {
    Question::get(record::record_url(id))
}

pub fn terminate(id: UploadId) -> Question<'static> {
    Question { method: Method::DELETE, ..record(id) }
}

pub fn list(listing: &Listing) -> Question<'static> {
    let sort = match listing.sort {
        SortKey::Created => "created",
        SortKey::Name => "name",
        SortKey::Size => "size",
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &listing.limit.to_string());
    query.append_pair("sort", &format!("{}{sort}", if listing.descending { "-" } else { "" }));
    query.append_pair("q", &listing.search);
    if let Some(cursor) = &listing.after {
        query.append_pair("cursor", &record::print_cursor(cursor));
    }
    if listing.incomplete_too {
        query.append_pair("state", "all");
    }
    Question::get(format!("/api/uploads?{}", query.finish()))
}

pub fn content(id: UploadId, range: &Range<u64>) -> Question<'static> {
    let mut headers = Vec::new();
    push(&mut headers, RANGE.as_str(), format!("bytes={}-{}", range.start, range.end - 1));
    Question { headers, ..Question::get(record::content_url(id)) }
}

/// Whether an answer brings exactly `range`.
pub fn is_range(headers: &HeaderMap, range: &Range<u64>) -> bool {
    let wanted = format!("bytes {}-{}/", range.start, range.end - 1);
    headers.get(CONTENT_RANGE).is_some_and(|value| value.as_bytes().starts_with(wanted.as_bytes()))
}

/// The record that an answer brings.
pub fn upload(answer: &Answer<Bytes>) -> Result<Upload, UploadError> {
    Ok(inspection(answer)?.0)
}

/// The record that an answer brings, with its segments.
pub fn inspection(answer: &Answer<Bytes>) -> Result<(Upload, Vec<Segment>), UploadError> {
    done(answer)?;
    let epoch = epoch(&answer.headers).ok_or_else(|| nonsense("no epoch"))?;
    let mut record: Record = serde_json::from_slice(&answer.body).map_err(nonsense)?;
    let segments = record.segments.take().unwrap_or_default();
    Ok((record.into_upload(epoch).map_err(nonsense)?, segments))
}

pub fn page(answer: &Answer<Bytes>) -> Result<Page, UploadError> {
    done(answer)?;
    let records: Records = serde_json::from_slice(&answer.body).map_err(nonsense)?;
    records.into_page().map_err(nonsense)
}

/// That it was done, or why not.
pub fn done(answer: &Answer<Bytes>) -> Result<(), UploadError> {
    match answer.status.is_success() {
        true => Ok(()),
        false => Err(problem(&answer.headers, &answer.body)),
    }
}

/// Why content was refused.
pub async fn refusal(mut coming: Coming) -> UploadError {
    match coming.response.body().limit(64 << 10).await {
        Ok(body) => problem(coming.response.headers(), &body),
        Err(error) => nonsense(error),
    }
}

fn problem(headers: &HeaderMap, body: &[u8]) -> UploadError {
    let body: ProblemBody = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => return nonsense(error),
    };
    let count = |name: &str| headers.get(name).and_then(|value| tus::parse_count(value.as_bytes()));
    let offset = count(tus::UPLOAD_OFFSET).unwrap_or_default();
    let epoch = epoch(headers).unwrap_or(Epoch(0));
    let limit = body.limit_bytes.unwrap_or_default();
    match body.code {
        Code::NotFound => UploadError::NotFound,
        Code::Gone => UploadError::Gone,
        Code::WrongOffset => UploadError::WrongOffset { offset, epoch },
        Code::Superseded => UploadError::Superseded { offset, epoch },
        Code::UploadComplete => UploadError::Complete { offset, epoch },
        Code::UploadIncomplete => UploadError::Incomplete { offset },
        Code::LengthKnown => UploadError::LengthIsKnown { length: limit },
        Code::PastTheEnd => UploadError::PastTheEnd { length: limit },
        Code::TooLarge => UploadError::TooLarge { limit },
        Code::BodyCutShort => UploadError::Body(BodyError::CutShort),
        Code::StorageFull => UploadError::Full,
        Code::Unavailable => {
            let seconds = count(RETRY_AFTER.as_str()).unwrap_or(1);
            UploadError::Unavailable { retry_after: Duration::from_secs(seconds) }
        }
        // We sent what no backend of ours should refuse so.
        Code::BadHeader
        | Code::BadMetadata
        | Code::BadQuery
        | Code::BadMultipart
        | Code::BadRequest
        | Code::ShortOfLength
        | Code::ContentRangeUnsupported
        | Code::CrossSite
        | Code::MethodNotAllowed
        | Code::UnsupportedTusVersion
        | Code::PreconditionFailed
        | Code::UnsupportedMediaType
        | Code::RangeNotSatisfiable
        | Code::Internal => nonsense(format!("{} {:?}", body.code.as_str(), body.detail)),
    }
}

fn nonsense(why: impl std::fmt::Display) -> UploadError {
    log::error!("a backend's answer makes no sense: {why}");
    UploadError::Internal
}

fn epoch(headers: &HeaderMap) -> Option<Epoch> {
    internal::epoch(headers.get(internal::UPLOAD_EPOCH)?.as_bytes())
}

fn tus_headers() -> Headers {
    let mut headers = Vec::new();
    push(&mut headers, tus::RESUMABLE, tus::VERSION);
    push(&mut headers, "prefer", "return=representation");
    headers
}

fn with_chunk(method: Method, path: String, mut headers: Headers, chunk: &Chunk) -> Question<'_> {
    push(&mut headers, CONTENT_TYPE.as_str(), tus::OFFSET_OCTET_STREAM);
    Question { method, path, headers, body: &chunk.parts, len: chunk.len }
}

/// Adds a header. Everything that is sent was checked when it came in; what could not be a header's value is left out.
fn push(headers: &mut Headers, name: &'static str, value: impl std::fmt::Display) {
    match HeaderValue::from_str(&value.to_string()) {
        Ok(value) => headers.push((HeaderName::from_static(name), value)),
        Err(_) => log::error!("{name} cannot be sent"),
    }
}
