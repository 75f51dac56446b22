use super::shown;
use super::visit::Visit;
use crate::http::Refused;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{Accept, Quality};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};

/// Wrap what a browser asks for by itself in it: what is refused is then said on the page, above the list. Any other client
/// gets the problem.
pub async fn on_the_page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = next.call(request).await?.map_into_boxed_body();
    let refused = answer.response().extensions().get::<Refused>().cloned();
    match refused {
        Some(refused) if is_browser(answer.request()) => {
            let page = page(answer.request(), &refused).await;
            let page = page.unwrap_or_else(|broken| broken.error_response());
            Ok(answer.into_response(page))
        }
        _ => Ok(answer),
    }
}

/// Browsers name what they can show; programs say nothing, or that they take anything.
fn is_browser(request: &HttpRequest) -> bool {
    let accept = request.get_header::<Accept>();
    accept.is_some_and(|Accept(ranges)| {
        ranges.iter().any(|range| range.item.essence_str() == "text/html" && range.quality > Quality::ZERO)
    })
}

async fn page(request: &HttpRequest, refused: &Refused) -> Result<HttpResponse, Refused> {
    let (visit, listing) = (Visit::of(request)?, shown("")?);
    let page = match refused.status_code() {
        // To ask for the list, too, would take its time and end in the same way.
        StatusCode::SERVICE_UNAVAILABLE => None,
        _ => visit.list(&listing).await.ok(),
    };
    visit.show(&listing, page.as_ref(), Some(refused))
}
