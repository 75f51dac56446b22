//! In what words backends are asked, and what their answers mean. A backend tells a relay the whole record where a client gets
//! an empty answer, so one question tells all.

use super::client::{ANSWER, Answer, Coming, Question};
use crate::domain::{Changed, Epoch, Listing, NewUpload, Page, Segment, Upload, UploadId};
use crate::http::problem::read_back;
use crate::protocol::changes::ChangedRecords;
use crate::protocol::problem::Problem;
use crate::protocol::record::{Record, RecordPage};
use crate::protocol::{internal, listing, media_type, tus};
use crate::uploads::{Append, Chunk, UploadError, Writer};
use actix_web::http::header::{
    CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RANGE, RETRY_AFTER,
};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;
use std::ops::Range;
use std::time::Duration;

type Headers = Vec<(HeaderName, HeaderValue)>;

/// A new upload in the epoch that its creator holds, with its first chunk if that has bytes.
pub fn create<'a>(new: &NewUpload, chunk: &'a Chunk) -> Question<'a> {
    let mut headers = tus_headers();
    push(&mut headers, internal::UPLOAD_ID, new.id);
    match new.length {
        // Those of its parts.
        None if !new.parts.is_empty() => {}
        Some(length) => push(&mut headers, tus::UPLOAD_LENGTH, length),
        None => push(&mut headers, tus::UPLOAD_DEFER_LENGTH, 1),
    }
    if !new.metadata.is_empty() {
        push(&mut headers, tus::UPLOAD_METADATA, &new.metadata);
    }
    if let Some(concat) = &new.concat {
        push(&mut headers, tus::UPLOAD_CONCAT, concat);
    }
    if chunk.more {
        push(&mut headers, internal::UPLOAD_MORE, internal::YES);
    }
    with_chunk(Method::POST, "/files/".into(), headers, chunk)
}

/// One chunk in the epoch that the writer holds, or without bytes the claim of the next one.
pub fn append<'a>(id: UploadId, append: &Append, chunk: &'a Chunk) -> Question<'a> {
    let mut headers = tus_headers();
    push(&mut headers, tus::UPLOAD_OFFSET, append.offset);
    match append.writer {
        Writer::Holds(epoch) => push(&mut headers, internal::UPLOAD_EPOCH, epoch),
        Writer::ClaimsAfter(epoch) => push(&mut headers, internal::UPLOAD_CLAIM, epoch),
        Writer::Claims => {}
    }
    if let Some(length) = append.length {
        push(&mut headers, tus::UPLOAD_LENGTH, length);
    }
    if append.pending {
        push(&mut headers, internal::UPLOAD_PENDING, internal::YES);
    }
    if append.more {
        push(&mut headers, internal::UPLOAD_MORE, internal::YES);
    }
    with_chunk(Method::PATCH, format!("/files/{id}"), headers, chunk)
}

/// The record with its segments, of which there may be very many.
pub fn record(id: UploadId) -> Question<'static> {
    Question::get(format!("/api/uploads/{id}"))
}

/// The record alone.
pub fn stat(id: UploadId) -> Question<'static> {
    Question::get(format!("/api/uploads/{id}?segments=false"))
}

/// The record alone, once its offset does not move any more.
pub fn settled(id: UploadId) -> Question<'static> {
    let mut headers = Vec::new();
    push(&mut headers, internal::UPLOAD_SETTLED, internal::YES);
    Question { headers, ..stat(id) }
}

pub fn terminate(id: UploadId) -> Question<'static> {
    Question { method: Method::DELETE, ..record(id) }
}

pub fn list(listing: &Listing) -> Question<'static> {
    Question::get(format!("/api/uploads?{}", listing::print(listing)))
}

pub fn content(id: UploadId, range: &Range<u64>) -> Question<'static> {
    let mut headers = Vec::new();
    push(&mut headers, RANGE.as_str(), format!("bytes={}-{}", range.start, range.end - 1));
    Question { headers, ..Question::get(format!("/api/uploads/{id}/content")) }
}

/// Whether an answer brings exactly `range` of `length` bytes.
pub fn is_range(headers: &HeaderMap, range: &Range<u64>, length: u64) -> bool {
    let wanted = format!("bytes {}-{}/{length}", range.start, range.end - 1);
    headers.get(CONTENT_RANGE).is_some_and(|value| value.as_bytes() == wanted.as_bytes())
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
    let records: RecordPage = serde_json::from_slice(&answer.body).map_err(nonsense)?;
    records.into_page().map_err(nonsense)
}

pub fn changed(answer: &Answer<Bytes>) -> Result<Changed, UploadError> {
    done(answer)?;
    let records: ChangedRecords = serde_json::from_slice(&answer.body).map_err(nonsense)?;
    records.into_changed().map_err(nonsense)
}

/// That it was done, or why not.
pub fn done(answer: &Answer<Bytes>) -> Result<(), UploadError> {
    match answer.status.is_success() {
        true => Ok(()),
        false => Err(problem(answer.status, &answer.headers, &answer.body)),
    }
}

/// Why content was refused.
pub async fn refusal(mut coming: Coming) -> UploadError {
    let body = coming.response.body().limit(64 << 10);
    match tokio::time::timeout(ANSWER, body).await {
        Ok(Ok(body)) => problem(coming.response.status(), coming.response.headers(), &body),
        Ok(Err(error)) => nonsense(error),
        Err(_) => nonsense("a refusal does not end"),
    }
}

fn problem(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UploadError {
    let problem = Problem::parse(status.as_u16(), body);
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match read_back(&problem, epoch(headers), seconds.map(Duration::from_secs)) {
        UploadError::Internal => nonsense(format!("{} {}", problem.code, problem.detail)),
        error => error,
    }
}

fn nonsense(why: impl std::fmt::Display) -> UploadError {
    log::error!("a backend's answer makes no sense: {why}");
    UploadError::Internal
}

fn epoch(headers: &HeaderMap) -> Option<Epoch> {
    internal::parse_epoch(internal::UPLOAD_EPOCH, headers.get(internal::UPLOAD_EPOCH)?.to_str().ok()?).ok()
}

fn tus_headers() -> Headers {
    let mut headers = Vec::new();
    push(&mut headers, tus::TUS_RESUMABLE, tus::VERSION);
    headers
}

fn with_chunk(method: Method, path: String, mut headers: Headers, chunk: &Chunk) -> Question<'_> {
    push(&mut headers, CONTENT_TYPE.as_str(), media_type::OFFSET_OCTET_STREAM);
    Question { method, path, headers, body: &chunk.parts, len: chunk.len }
}

/// Adds a header. Everything that is sent was checked when it came in; what could not be a header's value is left out.
fn push(headers: &mut Headers, name: &'static str, value: impl std::fmt::Display) {
    match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value.to_string())) {
        (Ok(name), Ok(value)) => headers.push((name, value)),
        _ => log::error!("{name} cannot be sent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_the_one_that_was_asked_for_of_as_many_bytes_as_are_known() {
        let told = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_RANGE, HeaderValue::from_static(value));
            is_range(&headers, &(10..20), 100)
        };
        assert!(told("bytes 10-19/100"));
        for other in ["bytes 10-19/1000", "bytes 10-19/10", "bytes 10-19/*", "bytes 10-29/100", "bytes */100"]
        {
            assert!(!told(other), "{other}");
        }
        assert!(!is_range(&HeaderMap::new(), &(10..20), 100));
    }
}
