use super::Refused;
use crate::domain::Origins;
use crate::protocol::code::Code;
use crate::protocol::{internal, tus};
use actix_cors::{Cors, CorsError};
use actix_web::http::Method;
use actix_web::middleware::Condition;

/// For how many seconds a browser need not ask again whether it may: the most that any browser remembers.
const MAX_AGE: usize = 2 * 60 * 60;

/// What the routes have. The web page's own form needs nothing of it.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// What a page may read of an answer, besides the few headers that it always may.
const EXPOSED: [&str; 21] = [
    tus::TUS_RESUMABLE,
    tus::TUS_VERSION,
    tus::TUS_EXTENSION,
    tus::TUS_MAX_SIZE,
    tus::TUS_CHECKSUM_ALGORITHM,
    tus::UPLOAD_OFFSET,
    tus::UPLOAD_LENGTH,
    tus::UPLOAD_DEFER_LENGTH,
    tus::UPLOAD_METADATA,
    tus::UPLOAD_EXPIRES,
    tus::UPLOAD_CONCAT,
    internal::REQUEST_ID,
    internal::FRONTEND_CONTAINER,
    internal::BACKEND_CONTAINER,
    "Location",
    "Retry-After",
    "ETag",
    "Repr-Digest",
    "Content-Disposition",
    "Content-Range",
    "Accept-Ranges",
];

/// Lets browsers use the service on pages of other origins (the Fetch standard's CORS protocol). Without any, nothing is said
/// of it at all. No cookie gives a right (the only one names the page's language), so a page could not do more than its visitor
/// could; any header may therefore be sent.
pub fn cors(origins: &Origins) -> Condition<Cors> {
    let cors =
        Cors::default().allowed_methods(METHODS).allow_any_header().expose_headers(EXPOSED).max_age(MAX_AGE);
    let cors = match origins {
        Origins::Any => cors.allow_any_origin().send_wildcard(),
        Origins::These(origins) => origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)),
    };
    Condition::new(!origins.is_none(), cors)
}

impl From<&CorsError> for Refused {
    fn from(error: &CorsError) -> Self {
        match error {
            CorsError::OriginNotAllowed => Self::plain(Code::CrossSite),
            _ => Self::new(Code::BadRequest, error.to_string()),
        }
    }
}
