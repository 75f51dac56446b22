//! The files of the page, under paths that name their version.
//!
//! During a rolling update the page of one version asks frontends of the other one for its files, too. They do not have them
//! and say so: scripts of two versions in one page would be worse than none. What a page needs to get over that they do give.

use super::files::{DEV, Pages, embedded, is_template};
use crate::http::Refused;
use crate::protocol::code::Code;
use actix_files::Files;
use actix_web::dev::HttpServiceFactory;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::middleware::DefaultHeaders;
use actix_web::{HttpResponse, web};
use std::borrow::Cow;
use std::path::Path;

/// A version's files never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// To be kept, and asked for each time before it is used.
const UNSURE: &str = "no-cache";
const NOT_KEPT: &str = "no-store";

/// Loads the page again when one of its files could not be loaded.
const BOOT: &str = "boot.js";
/// A page whose style is a little newer is better than one without style.
const STYLE: &str = ".css";

/// A file of a page of any version: if it is the one in this binary, or if that is of no importance.
pub async fn versioned(
    path: web::Path<(String, String)>,
    pages: web::Data<Pages>,
) -> Result<HttpResponse, Refused> {
    let (version, name) = path.into_inner();
    let own = pages.dir.is_none() && version == pages.version();
    match &*name {
        _ if own && !is_template(&name) => give(&name, embedded(&name), FOR_EVER),
        // Of those that are in the binary: any other name is a stranger's.
        _ if name.ends_with(STYLE) && embedded(&name).is_some() => give(&name, pages.read(&name), NOT_KEPT),
        _ => Err(missing()),
    }
}

/// What loads the page again is that of whoever is asked.
pub async fn boot(pages: web::Data<Pages>) -> Result<HttpResponse, Refused> {
    give(BOOT, pages.read(BOOT), UNSURE)
}

/// The files of a folder that somebody works in.
pub fn folder(dir: &Path) -> impl HttpServiceFactory + use<> {
    let files = Files::new("", dir).path_filter(|path, _| !path.to_str().is_none_or(is_template));
    web::scope(DEV).service(files).wrap(DefaultHeaders::new().add((CACHE_CONTROL, UNSURE)))
}

/// What is not there may be there the next time, at another frontend: nobody may keep that answer.
pub fn not_kept() -> DefaultHeaders {
    DefaultHeaders::new().add((CACHE_CONTROL, NOT_KEPT))
}

fn give(name: &str, content: Option<Cow<'static, [u8]>>, kept: &str) -> Result<HttpResponse, Refused> {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let mut answer = HttpResponse::Ok();
    answer.content_type(kind).insert_header((CACHE_CONTROL, kept));
    Ok(answer.body(content.ok_or_else(missing)?))
}

fn missing() -> Refused {
    Refused::new(Code::NotFound, "this version of the page has no such file")
}
