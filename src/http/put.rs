//! `PUT /api/uploads/{filename}`: a file as it is, `curl -T file http://host:8080/api/uploads/`.

use super::body::{check_size, declared_length, incoming, limited, to_the_end};
use super::{Asked, Problem, Service};
use crate::domain::{FileName, NewUpload, Upload, UploadId};
use crate::protocol::problem::Code;
use crate::protocol::record::{Records, record_url};
use crate::protocol::tus::is_media_type;
use crate::uploads::{Body, First, UploadError};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

pub async fn put(
    service: web::Data<Service>,
    asked: Asked,
    request: HttpRequest,
    filename: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    // "An origin server SHOULD respond with a 400 (Bad Request) to a PUT with Content-Range": RFC 9110, section 14.5.
    if headers.contains_key(header::CONTENT_RANGE) {
        return Err(Problem::new(Code::ContentRangeUnsupported));
    }
    let length = declared_length(headers);
    check_size(length, service.max_upload_size)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let new = new_upload(FileName::clean(&filename), kind, length);
    let upload = store_whole(&service, &asked, new, incoming(&service, payload)).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, record_url(upload.id)))
        .json(Records::of(&[upload])))
}

/// A new upload of a file that comes in one piece.
pub fn new_upload(filename: FileName, content_type: Option<&str>, length: Option<u64>) -> NewUpload {
    NewUpload {
        id: UploadId::mint(),
        filename,
        content_type: content_type.filter(|kind| is_media_type(kind)).map(Into::into),
        metadata: String::new(),
        length,
    }
}

/// Stores a whole body as one upload. If that fails, and be it that the client went away, nothing of it stays.
pub async fn store_whole(
    service: &Service,
    asked: &Asked,
    new: NewUpload,
    body: Body,
) -> Result<Upload, UploadError> {
    let (uploads, asked, limit) = (service.uploads.clone(), asked.clone(), service.max_upload_size);
    to_the_end(body, move |body| async move {
        let id = new.id;
        let stored = uploads.create(&asked, new, First::Whole(limited(body, limit))).await;
        if stored.is_err()
            && let Err(error) = uploads.terminate(&asked, id).await
            && !matches!(error, UploadError::NotFound | UploadError::Gone)
        {
            log::warn!("what came of the interrupted upload {id} stays until it expires: {error}");
        }
        stored
    })
    .await
}
