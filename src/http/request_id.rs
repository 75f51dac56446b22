use crate::protocol::internal::{REQUEST_ID, sane_request_id};
use actix_web::http::header::HeaderMap;
use uuid::Uuid;

/// The id under which a request is found in the logs of every replica it passes: the caller's if it is sane, or a new one.
pub(super) fn of(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    given.and_then(sane_request_id).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
