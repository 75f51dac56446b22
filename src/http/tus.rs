//! tus 1.0.0: core, creation, creation-with-upload, creation-defer-length, checksum, expiration, termination, concatenation.
//!
//! `GET` on an upload's URL, of which tus says nothing, gives the content: [`download::content`](super::download::content).

use super::body::{self, limited, while_open};
use super::conditional;
use super::request::{Caller, Id, body_length, header, says_yes};
use super::whole::to_its_end;
use super::{Refused, Service};
use crate::domain::{Checksum, NewUpload, State, Upload, UploadId};
use crate::protocol::code::Code;
use crate::protocol::record::Record;
use crate::protocol::tus::{self, Metadata};
use crate::protocol::{BadHeader, internal, media_type};
use crate::telemetry::metrics::UPLOADS_COMPLETED;
use crate::uploads::{Append, Body, Call, First, UploadError, Writer};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use futures_util::TryStreamExt;

/// What all tus resources have in common, as a middleware around each: the version is checked before anything is done,
/// every answer carries `Tus-Resumable`, and `X-HTTP-Method-Override` is "interpreted as the request's method".
pub async fn speak(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let mut answer: ServiceResponse<BoxBody> = match admit(&mut request) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(refused) => request.into_response(refused.error_response()),
    };
    let (name, version) = (HeaderName::from_static("tus-resumable"), HeaderValue::from_static(tus::VERSION));
    answer.headers_mut().insert(name, version);
    if *answer.request().method() == Method::HEAD {
        // "The Server MUST prevent the client and/or proxies from caching the response", also a 404 or a 410.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(answer)
}

fn admit(request: &mut ServiceRequest) -> Result<(), Refused> {
    if let Some(method) = header(request.headers(), tus::METHOD_OVERRIDE)? {
        let bad = BadHeader { header: tus::METHOD_OVERRIDE, expected: "a method" };
        request.head_mut().method = Method::from_bytes(method.as_bytes()).map_err(|_| bad)?;
    }
    match *request.method() {
        // A browser that follows a link to the content does not speak tus.
        Method::OPTIONS | Method::GET => Ok(()),
        _ => Ok(tus::check_version(header(request.headers(), tus::TUS_RESUMABLE)?)?),
    }
}

/// `OPTIONS`: what this server can do.
pub async fn options(service: web::Data<Service>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((tus::TUS_VERSION, tus::VERSION))
        .insert_header((tus::TUS_EXTENSION, tus::EXTENSIONS.join(",")))
        .insert_header((tus::TUS_CHECKSUM_ALGORITHM, tus::CHECKSUM_ALGORITHMS))
        .insert_header((tus::TUS_MAX_SIZE, service.max_upload_size.to_string()))
        .finish()
}

/// `POST /files/`: creates an upload, with its first bytes if the request brings some.
pub async fn create(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let new = new_upload(&request)?;
    let limit = service.max_upload_size;
    let count = body_length(&request);
    if new.length.is_some_and(|length| length > limit) {
        return Err(UploadError::TooLarge { limit }.into());
    }
    if let (Some(length), Some(count)) = (new.length, count)
        && count > length
    {
        return Err(UploadError::PastTheEnd { length }.into());
    }
    let body = limited(body::of(payload), limit, limit);
    let checksum = checksum(&request)?;
    let first = match count {
        _ if !new.parts.is_empty() => {
            refuse_bytes(while_open(&service.replica, body), count).await?;
            First::Nothing
        }
        Some(0) => First::Nothing,
        Some(_) | None => {
            check_body_type(&request)?;
            match count {
                Some(count) if service.is_relayed(&call) => {
                    First::Chunk { body, count, more: says_yes(&request, internal::UPLOAD_MORE)? }
                }
                Some(_) | None => First::Part(while_open(&service.replica, body)),
            }
        }
    };
    if let (Some(checksum), First::Nothing) = (checksum, &first) {
        check_nothing(checksum)?;
    }
    let work = async move {
        let upload = match (checksum, first) {
            (Some(checksum), First::Part(body)) => {
                create_checked(&service, &call, new, checksum, body).await?
            }
            (_, first) => service.uploads.create(&call, new, first).await?,
        };
        count_if_complete(&service, &upload);
        let location = format!("/files/{}", upload.id);
        let mut answer = HttpResponse::Created();
        answer.insert_header((LOCATION, location));
        if let Some(concat) = &upload.concat {
            answer.insert_header((tus::UPLOAD_CONCAT, concat.to_string()));
        }
        Ok(stands_at(answer, &service, &call, &upload))
    };
    to_its_end(work).await
}

async fn refuse_bytes(mut body: Body, count: Option<u64>) -> Result<(), Refused> {
    let bytes = match count {
        Some(count) => count > 0,
        None => body.try_next().await?.is_some(),
    };
    match bytes {
        false => Ok(()),
        true => {
            Err(Refused::new(Code::BadBody, "a final upload takes no body: its bytes are those of its parts"))
        }
    }
}

/// No bytes have a checksum too.
fn check_nothing(checksum: Checksum) -> Result<(), UploadError> {
    match checksum.summing().finish() == checksum {
        true => Ok(()),
        false => Err(UploadError::WrongChecksum),
    }
}

/// Of bytes that come with a creation tus does not say that they may have a checksum; a client that sends one wants it checked.
/// Where that fails no upload is left, since the client was not told of any; where the service is unavailable it expires.
async fn create_checked(
    service: &Service,
    call: &Call,
    new: NewUpload,
    checksum: Checksum,
    body: Body,
) -> Result<Upload, UploadError> {
    let id = new.id;
    if new.length == Some(0) {
        // Complete as soon as it is created, so this is known before.
        check_nothing(checksum)?;
        return service.uploads.create(call, new, First::Part(body)).await;
    }
    service.uploads.create(call, new, First::Nothing).await?;
    let append = Append {
        offset: 0,
        writer: Writer::Claims,
        length: None,
        count: None,
        pending: false,
        more: false,
        checksum: Some(checksum),
    };
    let appended = service.uploads.append(call, id, append, body).await;
    if !matches!(appended, Ok(_) | Err(UploadError::Unavailable { .. }))
        && let Err(error) = service.uploads.terminate(call, id).await
    {
        log::warn!("upload {id} is left to expire: {error} request_id={}", call.request_id);
    }
    appended
}

fn new_upload(request: &HttpRequest) -> Result<NewUpload, Refused> {
    let headers = request.headers();
    let raw = header(headers, tus::UPLOAD_METADATA)?.unwrap_or_default();
    let metadata = Metadata::parse(raw)?;
    let (concat, parts) = match header(headers, tus::UPLOAD_CONCAT)?.map(tus::parse_concat).transpose()? {
        Some((concat, parts)) => (Some(concat), parts),
        None => (None, Vec::new()),
    };
    let (length, defer) = (header(headers, tus::UPLOAD_LENGTH)?, header(headers, tus::UPLOAD_DEFER_LENGTH)?);
    let length = match parts.is_empty() {
        true => tus::parse_declared_length(length, defer)?,
        false => tus::check_undeclared(length, defer).map(|()| None)?,
    };
    let given = header(headers, internal::UPLOAD_ID)?.map(internal::parse_upload_id).transpose()?;
    Ok(NewUpload {
        id: given.unwrap_or_else(UploadId::mint),
        filename: metadata.filename(),
        content_type: metadata.content_type(),
        metadata: raw.to_owned(),
        length,
        concat,
        parts,
    })
}

/// `HEAD /files/{id}`: where the upload stands, and its client goes on.
pub async fn head(
    service: web::Data<Service>,
    Caller(call): Caller,
    Id(id): Id,
) -> Result<HttpResponse, Refused> {
    let upload = service.uploads.settled(&call, id).await?;
    let mut answer = HttpResponse::Ok();
    tell_offset(&mut answer, &upload);
    if let Some(concat) = &upload.concat {
        answer.insert_header((tus::UPLOAD_CONCAT, concat.to_string()));
    }
    match upload.length {
        Some(length) => answer.insert_header((tus::UPLOAD_LENGTH, length.to_string())),
        None => answer.insert_header((tus::UPLOAD_DEFER_LENGTH, "1")),
    };
    if !upload.metadata.is_empty() {
        answer.insert_header((tus::UPLOAD_METADATA, upload.metadata.as_str()));
    }
    if let Some(at) = upload.expires_at {
        answer.insert_header((tus::UPLOAD_EXPIRES, tus::print_expires(at.into())));
    }
    Ok(answer.finish())
}

/// `PATCH /files/{id}`: appends the body at `Upload-Offset`. What arrives before a connection breaks is kept.
pub async fn patch(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    Id(id): Id,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    check_body_type(&request)?;
    let append = append(&request)?;
    let limit = service.max_upload_size;
    let room = limit.saturating_sub(append.offset);
    // An offset past the limit is a wrong one, whatever comes with it, and whoever sends it should be told the right one.
    let too_large = append.offset <= limit && append.count.is_some_and(|count| count > room);
    if too_large || append.length.is_some_and(|length| length > limit) {
        return Err(UploadError::TooLarge { limit }.into());
    }
    let body = limited(body::of(payload), room, limit);
    let body = match append.writer {
        Writer::Claims | Writer::ClaimsAfter(_) => while_open(&service.replica, body),
        Writer::Holds(_) => body,
    };
    let work = async move {
        let upload = match service.uploads.append(&call, id, append, body).await {
            // A client that appends nothing at the end of a complete upload asks for what is so already. tus only says that
            // offsets must match, and they do.
            Err(UploadError::Complete { offset, .. }) if nothing_to_add(&append, offset) => {
                service.uploads.stat(&call, id).await?
            }
            Err(error) => return Err(error.into()),
            Ok(upload) => {
                count_if_complete(&service, &upload);
                upload
            }
        };
        Ok(stands_at(HttpResponse::NoContent(), &service, &call, &upload))
    };
    to_its_end(work).await
}

/// A relay that holds an epoch is told of the conflict all the same: it wants to know what became of its chunk.
fn nothing_to_add(append: &Append, offset: u64) -> bool {
    offset == append.offset && append.count == Some(0) && append.writer == Writer::Claims
}

fn append(request: &HttpRequest) -> Result<Append, Refused> {
    let headers = request.headers();
    let missing = BadHeader { header: tus::UPLOAD_OFFSET, expected: "it is required" };
    let offset = header(headers, tus::UPLOAD_OFFSET)?.ok_or(missing)?;
    let epoch = |name| -> Result<_, BadHeader> {
        header(headers, name)?.map(|value| internal::parse_epoch(name, value)).transpose()
    };
    let writer = match (epoch(internal::UPLOAD_EPOCH)?, epoch(internal::UPLOAD_CLAIM)?) {
        (Some(epoch), _) => Writer::Holds(epoch),
        (None, Some(epoch)) => Writer::ClaimsAfter(epoch),
        (None, None) => Writer::Claims,
    };
    Ok(Append {
        offset: tus::parse_offset(offset)?,
        writer,
        length: header(headers, tus::UPLOAD_LENGTH)?.map(tus::parse_length).transpose()?,
        count: body_length(request),
        pending: says_yes(request, internal::UPLOAD_PENDING)?,
        more: says_yes(request, internal::UPLOAD_MORE)?,
        checksum: checksum(request)?,
    })
}

fn checksum(request: &HttpRequest) -> Result<Option<Checksum>, BadHeader> {
    header(request.headers(), tus::UPLOAD_CHECKSUM)?.map(tus::parse_checksum).transpose()
}

/// `DELETE /files/{id}` (termination), and `DELETE /api/uploads/{id}`.
///
/// With a precondition (RFC 9110, section 13.1) only while it holds.
pub async fn terminate(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    Id(id): Id,
) -> Result<HttpResponse, Refused> {
    if conditional::guards(request.headers()) {
        let upload = service.uploads.stat(&call, id).await?;
        conditional::check(request.headers(), &upload)?;
    }
    service.uploads.terminate(&call, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// "All PATCH requests MUST use `Content-Type: application/offset+octet-stream`, otherwise the server SHOULD return a 415
/// Unsupported Media Type status"; a creation with bytes too.
fn check_body_type(request: &HttpRequest) -> Result<(), Refused> {
    let wanted = media_type::OFFSET_OCTET_STREAM;
    match media_type::is(header(request.headers(), "Content-Type")?, wanted) {
        true => Ok(()),
        false => Err(Refused::new(Code::UnsupportedMediaType, format!("the content type must be {wanted}"))),
    }
}

/// The answer to a write. A relay is given the whole record, so that it need not ask again; 200 then, as 204 has no body.
fn stands_at(
    mut answer: HttpResponseBuilder,
    service: &Service,
    call: &Call,
    upload: &Upload,
) -> HttpResponse {
    tell_offset(&mut answer, upload);
    if let Some(at) = upload.expires_at {
        answer.insert_header((tus::UPLOAD_EXPIRES, tus::print_expires(at.into())));
    }
    if !service.is_relayed(call) {
        return answer.finish();
    }
    let mut answer = answer.json(Record::from(upload));
    if answer.status() == StatusCode::NO_CONTENT {
        *answer.status_mut() = StatusCode::OK;
    }
    answer
}

/// A final upload "SHOULD NOT contain the `Upload-Offset` header unless the concatenation has been successfully finished".
fn tell_offset(answer: &mut HttpResponseBuilder, upload: &Upload) {
    answer.insert_header((internal::UPLOAD_EPOCH, upload.epoch.to_string()));
    if !upload.waits_for_parts() {
        answer.insert_header((tus::UPLOAD_OFFSET, upload.offset.to_string()));
    }
}

fn count_if_complete(service: &Service, upload: &Upload) {
    match upload.state() {
        State::Complete => {
            metrics::counter!(UPLOADS_COMPLETED, "role" => service.role(), "way" => "tus").increment(1);
        }
        State::Receiving => {}
    }
}
