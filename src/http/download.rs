use super::conditional::{Lists, Version, has_conditions};
use super::request::{Caller, Id, hint};
use super::{Refused, Service};
use crate::domain::{State, Upload};
use crate::protocol::byteranges::Frame;
use crate::protocol::code::Code;
use crate::protocol::conditional::{Conditions, Validators, Verdict, print_date};
use crate::protocol::range::{self, Selection};
use crate::protocol::{disposition, repr_digest};
use crate::uploads::{Call, Content, Sought, UploadError};
use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::ops::Range;
use std::rc::Rc;
use uuid::Uuid;

/// `GET` and `HEAD /api/uploads/{id}/content`: the bytes, whole or in ranges. 409 while the upload is incomplete.
///
/// Content never changes, so the upload's id is its strong entity tag. It may be deleted, though, so caches are to ask.
pub async fn content(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    Id(id): Id,
) -> Result<HttpResponse, Refused> {
    let sought = match expected(&request) {
        Some(range) => service.uploads.seek(&call, id, range).await?,
        None => service.uploads.stat(&call, id).await?.into(),
    };
    let upload = &sought.upload;
    match upload.state() {
        State::Complete => {}
        State::Receiving => return Err(UploadError::Incomplete { offset: upload.offset }.into()),
    }
    let (version, lists) = (Version::of(upload), Lists::of(request.headers()));
    let (now, conditions) = (version.validators(), lists.conditions(request.headers()));
    let parts = match conditions.evaluate(now) {
        Verdict::PreconditionFailed => return Err(Refused::plain(Code::PreconditionFailed)),
        Verdict::NotModified => return Ok(describe(StatusCode::NOT_MODIFIED, now, upload).finish()),
        Verdict::Proceed => match selection(&request, &conditions, now, upload.offset) {
            Selection::Unsatisfiable => {
                let there = service.uploads.stat(&call, id).await?;
                return Err(Refused::unsatisfiable(there.offset));
            }
            Selection::Parts(parts) => Some(parts),
            Selection::Whole => None,
        },
    };
    let status = if parts.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut answer = describe(status, now, upload);
    answer
        .insert_header((header::CONTENT_DISPOSITION, disposition::attachment(&upload.filename)))
        // Should a browser show it nevertheless, it runs nothing and reaches nothing.
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"));
    if *request.method() == Method::HEAD {
        answer.insert_header((header::CONTENT_TYPE, content_type(upload)));
        let nothing = stream::empty::<Result<Bytes, UploadError>>();
        return Ok(answer.body(SizedStream::new(upload.offset, nothing)));
    }
    let length = upload.offset;
    let source = Source { service, call, sought };
    match parts.as_deref() {
        None => source.send_one(answer, 0..length).await,
        Some([part]) => {
            answer.insert_header((header::CONTENT_RANGE, range::print_content_range(part, length)));
            source.send_one(answer, part.clone()).await
        }
        Some(parts) => source.send_several(answer, parts.to_vec()).await,
    }
}

/// The bytes that are asked for, as far as that can be said before anything is known of the upload. `None` where the answer may
/// need none of them: then nothing would tell that what is remembered of the upload was removed.
fn expected(request: &HttpRequest) -> Option<Range<u64>> {
    if *request.method() != Method::GET || has_conditions(request.headers()) {
        return None;
    }
    let asked = hint(request.headers(), "Range").and_then(range::parse);
    Some(asked.map_or(0..range::END, |specs| range::expected(&specs)))
}

/// Ranges are defined for `GET` alone (RFC 9110, section 14.2).
fn selection(request: &HttpRequest, conditions: &Conditions, now: Validators, length: u64) -> Selection {
    let asked = hint(request.headers(), "Range").and_then(range::parse);
    match asked {
        Some(specs) if *request.method() == Method::GET && conditions.range_applies(now) => {
            range::select(&specs, length)
        }
        Some(_) | None => Selection::Whole,
    }
}

/// What 200, 206 and 304 have in common.
fn describe(status: StatusCode, now: Validators, upload: &Upload) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::ETAG, format!("\"{}\"", now.etag)))
        .insert_header((header::LAST_MODIFIED, print_date(now.last_modified)))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if let Some(sum) = &upload.sha256 {
        answer.insert_header((repr_digest::REPR_DIGEST, repr_digest::print(sum)));
    }
    answer
}

/// As the client declared it, or else by the name.
fn content_type(upload: &Upload) -> String {
    let guess = || mime_guess::from_path(upload.filename.as_str()).first_or_octet_stream().to_string();
    upload.content_type.clone().unwrap_or_else(guess)
}

/// The content of one upload, for one request.
struct Source {
    service: web::Data<Service>,
    call: Rc<Call>,
    sought: Sought,
}

impl Source {
    /// Opens before the answer begins: whatever fails then can still be said with a status.
    async fn open(&self, range: Range<u64>) -> Result<Content, UploadError> {
        match range.is_empty() {
            true => Ok(stream::empty().boxed_local()),
            false => self.service.uploads.open(&self.call, &self.sought, range).await,
        }
    }

    async fn send_one(
        &self,
        mut answer: HttpResponseBuilder,
        range: Range<u64>,
    ) -> Result<HttpResponse, Refused> {
        let length = range.end - range.start;
        let content = self.open(range).await?;
        answer.insert_header((header::CONTENT_TYPE, content_type(&self.sought.upload)));
        Ok(answer.body(SizedStream::new(length, content)))
    }

    /// Each part is opened when its turn comes, the first before the answer begins.
    async fn send_several(
        self,
        mut answer: HttpResponseBuilder,
        parts: Vec<Range<u64>>,
    ) -> Result<HttpResponse, Refused> {
        let frame = Frame {
            boundary: Uuid::now_v7().simple().to_string(),
            content_type: content_type(&self.sought.upload),
            length: self.sought.upload.offset,
        };
        let mut opened = match parts.first() {
            Some(first) => Some(self.open(first.clone()).await?),
            None => None,
        };
        answer.insert_header((header::CONTENT_TYPE, frame.media_type()));
        let length = frame.size_bytes(&parts);
        let tail = text(frame.tail());
        let source = Rc::new(self);
        let framed = stream::iter(parts).then(move |part| {
            let (head, opened, source) = (text(frame.head(&part)), opened.take(), source.clone());
            async move {
                let content = match opened {
                    Some(content) => content,
                    None => source.open(part).await?,
                };
                Ok::<_, UploadError>(head.chain(content))
            }
        });
        Ok(answer.body(SizedStream::new(length, framed.try_flatten().chain(tail))))
    }
}

fn text(text: String) -> Content {
    stream::once(std::future::ready(Ok(Bytes::from(text)))).boxed_local()
}
