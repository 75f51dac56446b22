//! tus 1.0.0 at `/files/`: the requests of the protocol's core and of its extensions creation, creation-with-upload,
//! creation-defer-length, expiration and termination.

use super::body::{check_size, declared_length, incoming, to_the_end, while_open};
use super::{Asked, Problem, Service, record};
use crate::domain::{FileName, NewUpload, State, Upload, UploadId};
use crate::protocol::internal;
use crate::protocol::problem::Code;
use crate::protocol::tus::{self as protocol, InvalidMetadata, Metadata};
use crate::uploads::{Append, First, UploadError, Writer};
use actix_web::dev::{HttpServiceFactory, Payload};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::DefaultHeaders;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, Resource, guard, web};
use std::future::{Ready, ready};

/// Adds the methods of `/files/`.
pub fn collection(resource: Resource) -> impl HttpServiceFactory {
    resource.route(web::method(Method::OPTIONS).to(options)).post(create).wrap(speaks())
}

/// Adds the methods of `/files/{id}`. A client that can only GET and POST names the method in a header:
/// "The server MUST interpret the value of `X-HTTP-Method-Override` as the request's method".
pub fn upload(resource: Resource) -> impl HttpServiceFactory {
    let meant = |method: &'static str| web::post().guard(guard::Header("x-http-method-override", method));
    resource
        .route(web::method(Method::OPTIONS).to(options))
        .get(super::download::get)
        .head(head)
        .route(meant("PATCH").to(patch))
        .route(meant("DELETE").to(terminate))
        .route(meant("HEAD").to(head))
        .patch(patch)
        .delete(terminate)
        .wrap(speaks())
}

/// The request speaks the version of the protocol that we do. "If the version specified by the Client is not supported by
/// the Server, it MUST respond with the 412 Precondition Failed status and MUST include the Tus-Version header".
pub struct Resumable;

impl FromRequest for Resumable {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let version = request.headers().get(protocol::RESUMABLE).map(HeaderValue::as_bytes);
        ready(match version == Some(protocol::VERSION.as_bytes()) {
            true => Ok(Self),
            false => Err(Problem::new(Code::UnsupportedTusVersion)
                .with(name(protocol::TUS_VERSION), HeaderValue::from_static(protocol::VERSION))),
        })
    }
}

/// `OPTIONS /files/`: what the server can do.
pub async fn options(service: web::Data<Service>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((protocol::TUS_VERSION, protocol::VERSION))
        .insert_header((protocol::EXTENSION, protocol::EXTENSIONS))
        .insert_header((protocol::MAX_SIZE, service.max_upload_size))
        .finish()
}

/// `POST /files/`: a new upload, with its first bytes if the body has any.
pub async fn create(
    service: web::Data<Service>,
    asked: Asked,
    _version: Resumable,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    let new = new_upload(&service, headers)?;
    check_size(new.length, service.max_upload_size)?;
    let count = declared_length(headers);
    let first = match (count, is_chunk(headers)) {
        (None | Some(0), _) if !headers.contains_key(header::TRANSFER_ENCODING) => First::Nothing,
        (_, false) => return Err(wrong_kind()),
        (Some(count), true) if is_relayed(&service, headers) => {
            First::Chunk { body: incoming(&service, payload), count }
        }
        (_, true) => First::Part(incoming(&service, payload)),
    };
    let with_upload = !matches!(first, First::Nothing);
    let upload = match first {
        First::Part(body) => {
            let uploads = service.uploads.clone();
            to_the_end(body, |body| async move { uploads.create(&asked, new, First::Part(body)).await })
                .await?
        }
        first => service.uploads.create(&asked, new, first).await?,
    };
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/files/{}", upload.id)));
    if with_upload {
        response.insert_header((protocol::UPLOAD_OFFSET, upload.offset));
    }
    Ok(finish(&mut response, &service, headers, &upload))
}

/// `HEAD /files/{id}`: how far it is.
pub async fn head(
    service: web::Data<Service>,
    asked: Asked,
    _version: Resumable,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let upload = service.uploads.stat(&asked, record::parse_id(&id)?).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((protocol::UPLOAD_OFFSET, upload.offset));
    match upload.length {
        Some(length) => response.insert_header((protocol::UPLOAD_LENGTH, length)),
        None => response.insert_header((protocol::UPLOAD_DEFER_LENGTH, 1)),
    };
    if !upload.metadata.is_empty() {
        response.insert_header((protocol::UPLOAD_METADATA, upload.metadata.as_str()));
    }
    internal_headers(&mut response, &service, &upload);
    Ok(expiring(&mut response, &upload).finish())
}

/// `PATCH /files/{id}`: more bytes, at the offset where it is.
pub async fn patch(
    service: web::Data<Service>,
    asked: Asked,
    _version: Resumable,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let (id, headers) = (record::parse_id(&id)?, request.headers());
    if !is_chunk(headers) {
        return Err(wrong_kind());
    }
    let append = append(&service, headers)?;
    check_size(append.length, service.max_upload_size)?;
    let (uploads, body) = (service.uploads.clone(), incoming(&service, payload));
    let appended = match append.writer {
        Writer::Holds(_) => uploads.append(&asked, id, append, body).await,
        Writer::Claims => {
            let (asked, body) = (asked.clone(), while_open(&service, body));
            to_the_end(body, |body| async move { uploads.append(&asked, id, append, body).await }).await
        }
    };
    let upload = match appended {
        // Nothing to add to what is complete: the client missed our last answer.
        Err(UploadError::Complete { offset, .. })
            if offset == append.offset && append.count == Some(0) && append.writer == Writer::Claims =>
        {
            service.uploads.stat(&asked, id).await?
        }
        appended => appended?,
    };
    let mut response = HttpResponse::NoContent();
    response.insert_header((protocol::UPLOAD_OFFSET, upload.offset));
    Ok(finish(&mut response, &service, headers, &upload))
}

/// `DELETE /files/{id}`: terminates it, complete or not.
pub async fn terminate(
    service: web::Data<Service>,
    asked: Asked,
    _version: Resumable,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service.uploads.terminate(&asked, record::parse_id(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// "The Tus-Resumable header MUST be included in every request and response except for OPTIONS requests."
fn speaks() -> DefaultHeaders {
    DefaultHeaders::new().add((protocol::RESUMABLE, protocol::VERSION))
}

fn new_upload(service: &Service, headers: &HeaderMap) -> Result<NewUpload, Problem> {
    let (text, metadata) = metadata(headers)?;
    let minted = match is_relayed(service, headers) {
        true => headers.get(internal::UPLOAD_ID).and_then(|id| id.to_str().ok()?.parse().ok()),
        false => None,
    };
    Ok(NewUpload {
        id: minted.unwrap_or_else(UploadId::mint),
        filename: metadata.filename.unwrap_or_else(|| FileName::clean("")),
        content_type: metadata.content_type,
        metadata: text,
        length: new_length(headers)?,
    })
}

/// "The Client MUST send the Upload-Length header in any of the following requests" or defer it, with the value 1.
fn new_length(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let deferred = headers.get(protocol::UPLOAD_DEFER_LENGTH).map(HeaderValue::as_bytes);
    match (count(headers, protocol::UPLOAD_LENGTH)?, deferred) {
        (Some(length), None) => Ok(Some(length)),
        (None, Some(b"1")) => Ok(None),
        (None, Some(_)) => Err(Problem::header("Upload-Defer-Length", "1")),
        (None, None) => {
            Err(Problem::header("Upload-Length", "the file's size in bytes, or Upload-Defer-Length 1"))
        }
        (Some(_), Some(_)) => {
            Err(Problem::header("Upload-Defer-Length", "left out where Upload-Length is sent"))
        }
    }
}

fn metadata(headers: &HeaderMap) -> Result<(String, Metadata), Problem> {
    let Some(value) = headers.get(protocol::UPLOAD_METADATA) else { return Ok(Default::default()) };
    let text = value.to_str().map_err(|_| Problem::because(Code::BadMetadata, InvalidMetadata::Key))?;
    let parsed = protocol::parse_metadata(text).map_err(|why| Problem::because(Code::BadMetadata, why))?;
    Ok((text.to_owned(), parsed))
}

fn append(service: &Service, headers: &HeaderMap) -> Result<Append, Problem> {
    let offset = count(headers, protocol::UPLOAD_OFFSET)?;
    let held = headers.get(internal::UPLOAD_EPOCH).filter(|_| service.trusts_internal_headers);
    let writer = match held.map(|value| internal::epoch(value.as_bytes())) {
        None => Writer::Claims,
        Some(Some(epoch)) => Writer::Holds(epoch),
        Some(None) => return Err(Problem::header(internal::UPLOAD_EPOCH, "a number")),
    };
    Ok(Append {
        offset: offset.ok_or_else(|| Problem::header("Upload-Offset", "the offset that HEAD tells"))?,
        writer,
        length: count(headers, protocol::UPLOAD_LENGTH)?,
        count: declared_length(headers),
    })
}

fn count(headers: &HeaderMap, name: &'static str) -> Result<Option<u64>, Problem> {
    match headers.get(name).map(|value| protocol::parse_count(value.as_bytes())) {
        None => Ok(None),
        Some(Some(count)) => Ok(Some(count)),
        Some(None) => Err(Problem::header(name, "a non-negative integer")),
    }
}

fn is_chunk(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes() == protocol::OFFSET_OCTET_STREAM.as_bytes())
}

fn is_relayed(service: &Service, headers: &HeaderMap) -> bool {
    service.trusts_internal_headers && headers.contains_key(internal::UPLOAD_ID)
}

fn wrong_kind() -> Problem {
    let detail = format!("The Content-Type of a tus upload's bytes is {}.", protocol::OFFSET_OCTET_STREAM);
    Problem::because(Code::UnsupportedMediaType, detail)
}

/// The record in the body where the request prefers that (RFC 7240, section 4.2), else no body.
fn finish(
    response: &mut HttpResponseBuilder,
    service: &Service,
    headers: &HeaderMap,
    upload: &Upload,
) -> HttpResponse {
    let preferred = headers.get("prefer").is_some_and(|value| value.as_bytes() == b"return=representation");
    let response = expiring(response, upload);
    if !preferred {
        return response.finish();
    }
    internal_headers(response, service, upload);
    response.insert_header(("preference-applied", "return=representation"));
    let mut response = response.json(crate::protocol::record::Record::new(upload, None));
    if response.status() == StatusCode::NO_CONTENT {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

fn internal_headers(response: &mut HttpResponseBuilder, service: &Service, upload: &Upload) {
    if service.trusts_internal_headers {
        response.insert_header((internal::UPLOAD_EPOCH, upload.epoch.0));
    }
}

/// "The Upload-Expires response header indicates the time after which the unfinished upload expires."
fn expiring<'a>(response: &'a mut HttpResponseBuilder, upload: &Upload) -> &'a mut HttpResponseBuilder {
    match (upload.state(), upload.expires_at) {
        (State::Receiving, Some(expires)) => {
            response.insert_header((protocol::UPLOAD_EXPIRES, httpdate::fmt_http_date(expires.into())))
        }
        (State::Complete, _) | (State::Receiving, None) => response,
    }
}

fn name(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}
