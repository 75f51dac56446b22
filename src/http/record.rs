use super::request::{Caller, Id, says_yes};
use super::{Refused, Service};
use crate::protocol::internal::{UPLOAD_EPOCH, UPLOAD_SETTLED};
use crate::protocol::listing::without_segments;
use crate::protocol::record::Record;
use actix_web::{HttpRequest, HttpResponse, web};

/// `GET /api/uploads/{id}`: one record, and who stored which range of it, unless `segments=false`.
///
/// `DELETE` on the same address is [`tus::terminate`](super::tus::terminate).
pub async fn get(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    Id(id): Id,
) -> Result<HttpResponse, Refused> {
    let (epoch, record) = match without_segments(request.query_string())? {
        true => {
            let upload = match says_yes(&request, UPLOAD_SETTLED)? {
                true => service.uploads.settled(&call, id).await?,
                false => service.uploads.stat(&call, id).await?,
            };
            (upload.epoch, Record::from(&upload))
        }
        false => {
            let (upload, segments) = service.uploads.inspect(&call, id).await?;
            (upload.epoch, Record::with_segments(&upload, segments))
        }
    };
    Ok(HttpResponse::Ok().insert_header((UPLOAD_EPOCH, epoch.to_string())).json(record))
}
