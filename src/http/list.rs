use super::request::Caller;
use super::{Refused, Service};
use crate::protocol::listing;
use crate::protocol::record::RecordPage;
use actix_web::{HttpRequest, HttpResponse, web};

/// `GET /api/uploads`: one page of the list.
pub async fn list(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
) -> Result<HttpResponse, Refused> {
    let listing = listing::parse(request.query_string())?;
    let page = service.uploads.list(&call, &listing).await?;
    Ok(HttpResponse::Ok().json(RecordPage::from(&page)))
}
