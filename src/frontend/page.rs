//! The web page, rendered here so that it works without JavaScript: a form, the list, download and delete.

use crate::domain::{ContainerId, Listing, Page, Upload};
use crate::http::request::{Caller, Id};
use crate::http::{Refused, Service, form};
use crate::protocol::code::Code;
use crate::protocol::listing;
use crate::uploads::{Call, UploadError};
use actix_web::http::header::{self, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use bytesize::ByteSize;
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use rust_embed::RustEmbed;
use serde::Serialize;
use std::borrow::Cow;
use std::path::PathBuf;
use time::format_description::well_known::Rfc3339;

const ON_A_PAGE: u32 = 50;
const TEMPLATE: &str = "index.html";
/// Everything from here, nothing inline, no other page may frame this one.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

#[derive(RustEmbed)]
#[folder = "src/frontend/ui"]
struct Embedded;

/// Where the page's files come from: the binary, or a folder while one works on them.
#[derive(Clone)]
pub struct Pages {
    pub dir: Option<PathBuf>,
}

/// What the template shows.
#[derive(Serialize)]
struct Shown<'a> {
    uploads: Vec<Row>,
    /// Where the list goes on.
    next: Option<String>,
    search: &'a str,
    /// No backend answers, so the list is not known.
    unavailable: bool,
    max_upload_size: String,
    frontend: ContainerId,
    backend: Option<ContainerId>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    filename: String,
    size: String,
    created: String,
    created_at: String,
    url: String,
    content_url: String,
}

impl Pages {
    fn file(&self, name: &str) -> Option<Cow<'static, [u8]>> {
        match &self.dir {
            Some(dir) => std::fs::read(dir.join(name)).ok().map(Cow::Owned),
            None => Embedded::get(name).map(|file| file.data),
        }
    }
}

/// The page: the newest files, or those that were searched for.
pub async fn index(
    service: web::Data<Service>,
    pages: web::Data<Pages>,
    Caller(call): Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Refused> {
    let asked = listing::parse(request.query_string())?;
    let listing = Listing { limit: ON_A_PAGE, incomplete_too: false, ..asked };
    let page = match service.uploads.list(&call, &listing).await {
        Ok(page) => Some(page),
        Err(UploadError::Unavailable { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    render(&service, &pages, &call, &listing, page.as_ref())
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

/// A file of the page, out of the binary.
pub async fn embedded(name: web::Path<String>) -> Result<HttpResponse, Refused> {
    // The template is for this program alone.
    let file = Embedded::get(&name).filter(|_| *name != TEMPLATE).ok_or(UploadError::NotFound)?;
    let kind = mime_guess::from_path(&*name).first_or_octet_stream();
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(file.data.into_owned()))
}

fn back_to_the_list() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/")).finish()
}

fn render(
    service: &Service,
    pages: &Pages,
    call: &Call,
    listing: &Listing,
    page: Option<&Page>,
) -> Result<HttpResponse, Refused> {
    let uploads: Vec<Row> = page.map(|page| page.uploads.iter().map(Row::new).collect()).unwrap_or_default();
    let next = page.and_then(|page| page.next.clone()).map(|cursor| {
        let next = Listing { after: Some(cursor), ..listing.clone() };
        format!("/?{}", listing::print(&next))
    });
    let context = Value::from(Serde(&Shown {
        uploads,
        next,
        search: &listing.search,
        unavailable: page.is_none(),
        max_upload_size: human(service.max_upload_size),
        frontend: service.replica.identity.container_id,
        backend: call.backend.get(),
    }));
    let template = pages.file(TEMPLATE).ok_or_else(|| broken("its template is missing"))?;
    let template = std::str::from_utf8(&template).map_err(broken)?;
    let html = Environment::new().render_named_str(TEMPLATE, template, context).map_err(broken)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        // Not no-referrer: browsers would then say of our own form that it comes from nowhere.
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html))
}

fn broken(why: impl std::fmt::Display) -> Refused {
    log::error!("the page cannot be rendered: {why}");
    Refused::plain(Code::Internal)
}

impl Row {
    fn new(upload: &Upload) -> Self {
        let created = upload.created_at;
        Self {
            id: upload.id.to_string(),
            filename: upload.filename.to_string(),
            size: human(upload.offset),
            created: format!("{} {:02}:{:02} UTC", created.date(), created.hour(), created.minute()),
            created_at: created.format(&Rfc3339).unwrap_or_default(),
            url: format!("/api/uploads/{}", upload.id),
            content_url: format!("/api/uploads/{}/content", upload.id),
        }
    }
}

fn human(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}
