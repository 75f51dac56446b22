use super::body::{self, limited};
use super::request::{Caller, body_length, hint};
use super::{Refused, Service, whole};
use crate::domain::FileName;
use crate::protocol::code::Code;
use crate::protocol::media_type;
use crate::protocol::record::Records;
use crate::uploads::UploadError;
use actix_web::http::header::{CONTENT_RANGE, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};

/// `PUT /api/uploads/{filename}`: the body is the file. 201 with the record.
///
/// `PUT` on a name makes a new upload each time; names are labels, and two files may bear the same.
pub async fn put(
    request: HttpRequest,
    service: web::Data<Service>,
    Caller(call): Caller,
    name: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Refused> {
    // RFC 9110, section 14.5: a part that is stored as if it were the whole would be the wrong file.
    if request.headers().contains_key(CONTENT_RANGE) {
        return Err(Refused::plain(Code::ContentRangeUnsupported));
    }
    let limit = service.max_upload_size;
    let length = body_length(&request);
    if length.is_some_and(|length| length > limit) {
        return Err(UploadError::TooLarge { limit }.into());
    }
    let content_type = hint(request.headers(), "Content-Type").and_then(media_type::declared);
    let new = whole::described(FileName::clean(&name), content_type, length);
    let body = limited(body::of(payload), limit, limit);
    let work = async move { whole::store(&service, &call, new, body, "put").await };
    let upload = whole::to_its_end(work).await?;
    let location = format!("/api/uploads/{}", upload.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, location)).json(Records::from([upload].as_slice())))
}

/// `PUT /api/uploads/`, for the clearest of answers: the name is missing.
pub async fn put_nameless() -> Result<HttpResponse, Refused> {
    Err(Refused::plain(Code::FilenameMissing))
}
