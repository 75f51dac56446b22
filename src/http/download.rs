//! `GET` and `HEAD /api/uploads/{id}/content`: the bytes, whole, in a range, or in several.

use super::{Asked, Problem, Service, record};
use crate::domain::{State, Upload};
use crate::protocol::content::{disposition, etag, is_known, range_applies, repr_digest, still_is};
use crate::protocol::problem::Code;
use crate::protocol::range::{self, Wanted};
use crate::uploads::{Content, UploadError};
use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::ops::Range;
use std::time::SystemTime;

const OCTETS: &str = "application/octet-stream";

pub async fn get(
    service: web::Data<Service>,
    asked: Asked,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let upload = service.uploads.stat(&asked, record::parse_id(&id)?).await?;
    if upload.state() == State::Receiving {
        return Err(UploadError::Incomplete { offset: upload.offset }.into());
    }
    let (tag, modified) = (etag(upload.id), modified(&upload));
    let sent = |name: HeaderName| text(request.headers(), name);
    if !still_is(&tag, sent(header::IF_MATCH)) {
        return Err(Problem::new(Code::PreconditionFailed));
    }
    if is_known(&tag, modified, sent(header::IF_NONE_MATCH), sent(header::IF_MODIFIED_SINCE)) {
        return Ok(validators(&mut HttpResponse::NotModified(), &tag, modified).finish());
    }
    let length = upload.offset;
    let wanted = match request.headers().get(header::RANGE) {
        // "A server MUST ignore a Range header field received with a request method that is unrecognized or for which range
        // handling is not defined": only GET has one.
        Some(range)
            if request.method() == Method::GET && range_applies(&tag, modified, sent(header::IF_RANGE)) =>
        {
            range::resolve(range.as_bytes(), length)
        }
        _ => Wanted::Whole,
    };
    let mut answer = Answer { service: &service, asked: &asked, upload, tag, modified };
    match wanted {
        Wanted::NotSatisfiable => {
            Err(Problem::because(Code::RangeNotSatisfiable, format!("The content has {length} bytes."))
                .with(header::CONTENT_RANGE, value(format!("bytes */{length}"))?))
        }
        _ if request.method() == Method::HEAD => answer.head(),
        Wanted::Whole => answer.whole().await,
        Wanted::Ranges(ranges) => match <[_; 1]>::try_from(ranges) {
            Ok([range]) => answer.part(range).await,
            Err(ranges) => answer.parts(ranges),
        },
    }
}

struct Answer<'a> {
    service: &'a Service,
    asked: &'a Asked,
    upload: Upload,
    tag: String,
    modified: SystemTime,
}

impl Answer<'_> {
    fn head(&mut self) -> Result<HttpResponse, Problem> {
        let mut response = HttpResponse::Ok();
        self.describe(&mut response);
        response.content_type(self.kind());
        // Only its size is told: nothing of it is opened.
        Ok(response
            .no_chunking(self.upload.offset)
            .body(SizedStream::new(self.upload.offset, stream::empty::<Result<Bytes, UploadError>>())))
    }

    async fn whole(&mut self) -> Result<HttpResponse, Problem> {
        let length = self.upload.offset;
        let content = self.open(0..length).await?;
        let mut response = HttpResponse::Ok();
        self.describe(&mut response);
        Ok(response.content_type(self.kind()).body(SizedStream::new(length, content)))
    }

    async fn part(&mut self, range: Range<u64>) -> Result<HttpResponse, Problem> {
        let length = range.end - range.start;
        let content_range = content_range(&range, self.upload.offset);
        let content = self.open(range).await?;
        let mut response = HttpResponse::PartialContent();
        self.describe(&mut response);
        response.insert_header((header::CONTENT_RANGE, content_range));
        Ok(response.content_type(self.kind()).body(SizedStream::new(length, content)))
    }

    /// `multipart/byteranges` (RFC 9110, section 14.6). A part is opened when the one before it was sent, so each can go on
    /// from another backend.
    fn parts(&mut self, ranges: Vec<Range<u64>>) -> Result<HttpResponse, Problem> {
        let boundary = format!("swarm-upload-{:016x}", fastrand::u64(..));
        let heads: Vec<_> = ranges.iter().map(|range| self.part_head(&boundary, range)).collect();
        let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let size = bytes + heads.iter().map(|head| head.len() as u64).sum::<u64>() + end.len() as u64;
        let (uploads, asked, upload) =
            (self.service.uploads.clone(), self.asked.clone(), self.upload.clone());
        let parts = stream::iter(heads.into_iter().zip(ranges)).then(move |(head, range)| {
            let (uploads, asked, upload) = (uploads.clone(), asked.clone(), upload.clone());
            async move {
                let content = uploads.open(&asked, &upload, range).await?;
                Ok::<_, UploadError>(stream::once(async { Ok(head) }).chain(content))
            }
        });
        let body = parts.try_flatten().chain(stream::once(async { Ok(end) }));
        let mut response = HttpResponse::build(StatusCode::PARTIAL_CONTENT);
        self.describe(&mut response);
        response.content_type(format!("multipart/byteranges; boundary={boundary}"));
        Ok(response.body(SizedStream::new(size, body)))
    }

    fn part_head(&self, boundary: &str, range: &Range<u64>) -> Bytes {
        let content_range = content_range(range, self.upload.offset);
        let kind = self.kind();
        format!("\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {content_range}\r\n\r\n").into()
    }

    async fn open(&self, range: Range<u64>) -> Result<Content, UploadError> {
        self.service.uploads.open(self.asked, &self.upload, range).await
    }

    fn kind(&self) -> String {
        self.upload.content_type.clone().unwrap_or_else(|| OCTETS.into())
    }

    fn describe(&self, response: &mut HttpResponseBuilder) {
        validators(response, &self.tag, self.modified);
        response.insert_header((header::ACCEPT_RANGES, "bytes"));
        response.insert_header((header::CONTENT_DISPOSITION, disposition(&self.upload.filename)));
        // A stranger's file must not run as a page of ours.
        response.insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
        if let Some(sum) = &self.upload.sha256 {
            response.insert_header(("repr-digest", repr_digest(sum)));
        }
    }
}

fn validators<'a>(
    response: &'a mut HttpResponseBuilder,
    tag: &str,
    modified: SystemTime,
) -> &'a mut HttpResponseBuilder {
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::LAST_MODIFIED, httpdate::fmt_http_date(modified)))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
}

fn modified(upload: &Upload) -> SystemTime {
    upload.completed_at.unwrap_or(upload.created_at).into()
}

fn content_range(range: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", range.start, range.end - 1)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn value(text: String) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&text).map_err(|_| Problem::new(Code::Internal))
}
