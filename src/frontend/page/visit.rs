use super::files::Pages;
use super::language::Language;
use super::render::{View, render};
use crate::domain::{Listing, Page};
use crate::http::request::Caller;
use crate::http::{Refused, Service};
use crate::protocol::code::Code;
use crate::uploads::{Call, UploadError};
use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use std::future::{Ready, ready};
use std::rc::Rc;

/// Everything from here, nothing inline; no other page may frame this one. What visitors have uploaded is from here, too, so
/// what could run it without being a script is left out.
const POLICY: &str =
    "default-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Somebody who looks at the page.
pub struct Visit {
    service: web::Data<Service>,
    pages: web::Data<Pages>,
    call: Rc<Call>,
    language: Language,
}

impl Visit {
    pub fn of(request: &HttpRequest) -> Result<Self, Refused> {
        let Caller(call) = Caller::from_request(request, &mut Payload::None).into_inner()?;
        let service = request.app_data::<web::Data<Service>>().cloned();
        let pages = request.app_data::<web::Data<Pages>>().cloned();
        let (Some(service), Some(pages)) = (service, pages) else {
            return Err(Refused::plain(Code::Internal));
        };
        Ok(Self { service, pages, call, language: Language::of(request) })
    }

    pub async fn list(&self, listing: &Listing) -> Result<Page, UploadError> {
        self.service.uploads.list(&self.call, listing).await
    }

    /// The page, with `refused` on it if that is why it is shown.
    pub fn show(
        &self,
        listing: &Listing,
        page: Option<&Page>,
        refused: Option<&Refused>,
    ) -> Result<HttpResponse, Refused> {
        let view = View { language: self.language, listing, page, error: refused.map(Refused::problem) };
        let html = render(&self.service, &self.pages, &self.call, &view).map_err(|why| {
            log::error!("the page cannot be rendered: {why}");
            Refused::plain(Code::Internal)
        })?;
        let mut answer = refused.map_or_else(|| HttpResponse::Ok().finish(), Refused::error_response);
        // Or the edge would print the problem in the page's place.
        answer.extensions_mut().clear();
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_LANGUAGE, self.language.tag()),
            (CONTENT_SECURITY_POLICY, POLICY),
            // Not no-referrer: browsers would then say of our own form that it comes from nowhere.
            (REFERRER_POLICY, "same-origin"),
            (CACHE_CONTROL, "no-store"),
        ];
        for (name, value) in headers {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Ok(answer.set_body(html).map_into_boxed_body())
    }
}

impl FromRequest for Visit {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}
