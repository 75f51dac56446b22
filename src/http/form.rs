use super::body::{PATIENCE, cause, limited, patient};
use super::request::{Caller, hint};
use super::{Refused, Service, whole};
use crate::domain::{FileName, Upload};
use crate::protocol::code::Code;
use crate::protocol::media_type;
use crate::protocol::record::Records;
use crate::uploads::{BodyError, Call};
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::header::ContentDisposition;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

/// `POST /api/uploads`: `multipart/form-data` with one or many files. 201 with their records.
pub async fn post(
    request: HttpRequest,
    service: web::Data<Service>,
    caller: Caller,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    let uploads = receive(&request, service, caller, payload).await?;
    Ok(HttpResponse::Created().json(Records::from(uploads.as_slice())))
}

/// Stores each file of a form as it streams in, one after the other. On a failure those before it stay, and the problem
/// names the one that failed; the failed one leaves nothing.
pub async fn receive(
    request: &HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    payload: web::Payload,
) -> Result<Vec<Upload>, Refused> {
    check_site(request)?;
    let content_type = hint(request.headers(), "Content-Type");
    if !media_type::is(content_type, "multipart/form-data") {
        return Err(Refused::new(Code::UnsupportedMediaType, "the content type must be multipart/form-data"));
    }
    let form = Multipart::new(request.headers(), patient(payload, PATIENCE));
    let uploads = whole::to_its_end(async move { store_files(&service, &call, form).await }).await?;
    match uploads.is_empty() {
        true => Err(Refused::plain(Code::NoFile)),
        false => Ok(uploads),
    }
}

/// A form on somebody else's page must not upload or delete in a visitor's name: a browser sends it without asking. It says
/// where it comes from, over plain HTTP in `Origin` only. Other clients say neither.
pub fn check_site(request: &HttpRequest) -> Result<(), Refused> {
    let (headers, host) = (request.headers(), hint(request.headers(), "Host"));
    let own = match (hint(headers, "Sec-Fetch-Site"), hint(headers, "Origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin.split_once("://").map(|(_, authority)| authority) == host,
        (None, None) => true,
    };
    match own {
        true => Ok(()),
        false => Err(Refused::plain(Code::CrossSite)),
    }
}

async fn store_files(service: &Service, call: &Call, mut form: Multipart) -> Result<Vec<Upload>, Refused> {
    let limit = service.max_upload_size;
    let mut uploads = Vec::new();
    while let Some(field) = form.next().await {
        let field = field.map_err(broken)?;
        let Some(name) = field.content_disposition().and_then(declared_name) else {
            // A text field; the next turn of the loop reads past it.
            continue;
        };
        let content_type = field.content_type().map(ToString::to_string);
        let content_type = content_type.as_deref().and_then(media_type::declared);
        let Some(bytes) = unless_nothing_was_chosen(&name, field).await? else { continue };
        let filename = FileName::clean(&name);
        let label = filename.to_string();
        let new = whole::described(filename, content_type, None);
        let stored = whole::store(service, call, new, limited(bytes, limit, limit), "form").await;
        uploads.push(stored.map_err(|refused| refused.of_file(&label))?);
    }
    Ok(uploads)
}

/// The file's name; `None` for a part that is no file. `filename*` should not be here (RFC 7578, section 4.2), but some
/// clients send it, with the better name.
fn declared_name(disposition: &ContentDisposition) -> Option<String> {
    if let Some(extended) = disposition.get_filename_ext() {
        return Some(String::from_utf8_lossy(&extended.value).into_owned());
    }
    // Browsers and curl write a quote so (the HTML standard's "multipart/form-data encoding algorithm"). Line breaks, the only
    // other characters they encode, have no place in a name anyway.
    disposition.get_filename().map(|name| name.replace("%22", "\""))
}

/// The part's bytes; `None` for the nameless empty part that a browser sends where no file was chosen.
async fn unless_nothing_was_chosen(
    name: &str,
    field: Field,
) -> Result<Option<impl Stream<Item = Result<Bytes, BodyError>> + 'static>, Refused> {
    let mut field = field.map_err(misread);
    let first = match name.is_empty() {
        false => None,
        true => match field.try_next().await? {
            None => return Ok(None),
            first => first.map(Ok),
        },
    };
    Ok(Some(stream::iter(first).chain(field)))
}

fn misread(error: MultipartError) -> BodyError {
    match error {
        MultipartError::Payload(error) => cause(error),
        MultipartError::Incomplete => BodyError::CutShort,
        // Not our enum, and it may grow: whatever else it finds is wrong with the form.
        other => BodyError::Malformed(other.to_string()),
    }
}

fn broken(error: MultipartError) -> Refused {
    misread(error).into()
}
