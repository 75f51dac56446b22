//! `GET` and `DELETE /api/uploads/{id}`: one record.

use super::{Asked, Problem, Service};
use crate::domain::UploadId;
use crate::protocol::internal;
use crate::protocol::record::Record;
use crate::uploads::UploadError;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};

pub async fn get(
    service: web::Data<Service>,
    asked: Asked,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (upload, segments) = service.uploads.inspect(&asked, parse_id(&id)?).await?;
    let mut response = HttpResponse::Ok();
    if service.trusts_internal_headers {
        response.insert_header((internal::UPLOAD_EPOCH, upload.epoch.0));
    }
    response.insert_header((CACHE_CONTROL, "no-cache"));
    Ok(response.json(Record::new(&upload, Some(segments))))
}

pub async fn delete(
    service: web::Data<Service>,
    asked: Asked,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    service.uploads.terminate(&asked, parse_id(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is not an id names no upload.
pub fn parse_id(text: &str) -> Result<UploadId, Problem> {
    text.parse().map_err(|_| UploadError::NotFound.into())
}
