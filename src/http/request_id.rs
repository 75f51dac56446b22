use super::names::REQUEST_ID;
use crate::protocol::internal::sane_request_id;
use actix_web::http::header::HeaderMap;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Builder;

/// The id under which a request is found in the logs of every replica it passes: the caller's if it is sane, or a new one.
pub(super) fn of(headers: &HeaderMap) -> String {
    let given = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    given.and_then(sane_request_id).map_or_else(mint, str::to_owned)
}

/// It need not be hard to guess, only another one each time, so it asks the kernel for no random bytes.
fn mint() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    Builder::from_unix_timestamp_millis(now.as_millis() as u64, &random).into_uuid().to_string()
}
