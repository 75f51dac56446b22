//! The web page, rendered here so that it works without JavaScript: a form, the list, download and delete.
//!
//! A handler answers a [`visit`], which [`render`] puts into HTML in the visitor's [`language`]; what is refused is said on the
//! page, too ([`refusal`]). What it is made of stands in `ui/`: templates and texts, which are read here, and the [`assets`]
//! that browsers fetch.

pub mod assets;
pub mod language;

mod files;
mod human;
mod refusal;
mod render;
mod strings;
mod visit;

#[cfg(test)]
mod tests;

pub use files::Pages;
pub use refusal::on_the_page;

use crate::domain::Listing;
use crate::http::request::{Caller, Id};
use crate::http::{Refused, Service, form};
use crate::protocol::listing::{self, BadQuery};
use crate::uploads::UploadError;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use visit::Visit;

const ON_A_PAGE: u32 = 50;

/// The page: the newest files, or those that were searched for.
pub async fn index(request: HttpRequest, visit: Visit) -> Result<HttpResponse, Refused> {
    let listing = shown(request.query_string())?;
    let page = visit.list(&listing).await?;
    visit.show(&listing, Some(&page), None)
}

/// The form: stores every file, then shows the list.
pub async fn send(
    request: HttpRequest,
    service: web::Data<Service>,
    caller: Caller,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    form::receive(&request, service, caller, payload).await?;
    Ok(back_to_the_list())
}

/// What the list's delete buttons do: a form can only POST.
pub async fn delete(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    Id(id): Id,
) -> Result<HttpResponse, Refused> {
    form::check_site(&request, &service.origins)?;
    match service.uploads.terminate(&call, id).await {
        // Somebody was faster, which is what was wanted.
        Ok(()) | Err(UploadError::NotFound | UploadError::Gone) => Ok(back_to_the_list()),
        Err(error) => Err(error.into()),
    }
}

/// What the page shows of all uploads.
fn shown(query: &str) -> Result<Listing, BadQuery> {
    Ok(Listing { limit: ON_A_PAGE, incomplete_too: false, ..listing::parse(query)? })
}

fn back_to_the_list() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/")).finish()
}
