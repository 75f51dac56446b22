use super::request::Caller;
use super::{Refused, Service};
use crate::protocol::changes::{ChangedRecords, parse_since};
use actix_web::{HttpRequest, HttpResponse, web};

/// `GET /internal/changes?since=`: what became of the list. On backends only, for frontends.
pub async fn since(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
) -> Result<HttpResponse, Refused> {
    let since = parse_since(request.query_string())?;
    let changed = service.changes.since(&call.request_id, since).await?;
    Ok(HttpResponse::Ok().json(ChangedRecords::from(&changed)))
}
