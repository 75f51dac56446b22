use super::request::{Caller, Id};
use super::{Refused, Service};
use crate::protocol::internal::UPLOAD_EPOCH;
use crate::protocol::record::Record;
use actix_web::{HttpResponse, web};

/// `GET /api/uploads/{id}`: one record, and who stored which range of it.
///
/// `DELETE` on the same address is [`tus::terminate`](super::tus::terminate).
pub async fn get(
    service: web::Data<Service>,
    Caller(call): Caller,
    Id(id): Id,
) -> Result<HttpResponse, Refused> {
    let (upload, segments) = service.uploads.inspect(&call, id).await?;
    let record = Record::with_segments(&upload, segments);
    Ok(HttpResponse::Ok().insert_header((UPLOAD_EPOCH, upload.epoch.to_string())).json(record))
}
