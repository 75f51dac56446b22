//! The names of our own headers as the framework holds them. What is put into each answer, or taken off, is parsed
//! once only.

use actix_web::http::header::HeaderName;

pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub static FRONTEND_CONTAINER: HeaderName = HeaderName::from_static("x-frontend-container");
pub static BACKEND_CONTAINER: HeaderName = HeaderName::from_static("x-backend-container");
pub(super) static STRIPPED_FROM_REQUESTS: [HeaderName; 7] = [
    HeaderName::from_static("x-upload-id"),
    HeaderName::from_static("x-upload-epoch"),
    HeaderName::from_static("x-upload-claim"),
    HeaderName::from_static("x-upload-pending"),
    HeaderName::from_static("x-upload-more"),
    HeaderName::from_static("x-upload-settled"),
    HeaderName::from_static("x-frontend-container"),
];
pub(super) static STRIPPED_FROM_ANSWERS: [HeaderName; 1] = [HeaderName::from_static("x-upload-epoch")];

#[cfg(test)]
mod tests {
    use crate::protocol::internal;

    fn assert_same(parsed: &[super::HeaderName], names: &[&str]) {
        assert!(
            parsed.iter().map(super::HeaderName::as_str).eq(names.iter().map(|name| name.to_lowercase()))
        );
    }

    #[test]
    fn they_are_those_of_the_protocol() {
        assert_same(
            &[super::REQUEST_ID.clone(), super::FRONTEND_CONTAINER.clone(), super::BACKEND_CONTAINER.clone()],
            &[internal::REQUEST_ID, internal::FRONTEND_CONTAINER, internal::BACKEND_CONTAINER],
        );
        assert_same(&super::STRIPPED_FROM_REQUESTS, &internal::STRIPPED_FROM_REQUESTS);
        assert_same(&super::STRIPPED_FROM_ANSWERS, &internal::STRIPPED_FROM_ANSWERS);
    }
}
