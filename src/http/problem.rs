//! From what went wrong in a use-case to what a client is told: one exhaustive match.

use crate::protocol::problem::{CONTENT_TYPE, Code, ProblemBody};
use crate::protocol::record::Malformed;
use crate::protocol::{internal, tus};
use crate::uploads::{BodyError, UploadError};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use std::fmt;

/// An error on its way to the client: problem+json (RFC 9457) and the headers that go with it.
#[derive(Clone, Debug)]
pub struct Problem {
    pub body: Box<ProblemBody>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(code: Code) -> Self {
        Self { body: Box::new(ProblemBody::new(code)), headers: Vec::new() }
    }

    pub fn because(code: Code, detail: impl fmt::Display) -> Self {
        let mut problem = Self::new(code);
        problem.body.detail = Some(detail.to_string());
        problem
    }

    /// A header is missing or not as it must be.
    pub fn header(name: &str, allowed: &str) -> Self {
        Self::because(Code::BadHeader, format!("{name} must be {allowed}."))
    }

    pub fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn limit(mut self, bytes: u64) -> Self {
        self.body.limit_bytes = Some(bytes);
        self
    }

    fn at(self, offset: u64, epoch: Option<crate::domain::Epoch>) -> Self {
        let problem = self.with(HeaderName::from_static(tus::UPLOAD_OFFSET), offset);
        match epoch {
            Some(epoch) => problem.with(HeaderName::from_static(internal::UPLOAD_EPOCH), epoch.0),
            None => problem,
        }
    }

    /// The response, with the request's id in it.
    pub fn response(&self, request_id: Option<&str>) -> HttpResponse {
        let body = ProblemBody { request_id: request_id.map(Into::into), ..(*self.body).clone() };
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        let json = serde_json::to_vec(&body).unwrap_or_default();
        response.insert_header((header::CONTENT_TYPE, CONTENT_TYPE)).body(json)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.body.title)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.response(None)
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::NotFound => Self::new(Code::NotFound),
            UploadError::Gone => Self::new(Code::Gone),
            UploadError::WrongOffset { offset, epoch } => {
                Self::because(Code::WrongOffset, format!("It is at offset {offset}.")).at(offset, Some(epoch))
            }
            UploadError::Superseded { offset, epoch } => Self::new(Code::Superseded).at(offset, Some(epoch)),
            UploadError::Complete { offset, epoch } => {
                Self::new(Code::UploadComplete).at(offset, Some(epoch))
            }
            UploadError::Incomplete { offset } => {
                let detail = format!("{offset} bytes of it have been received.");
                Self::because(Code::UploadIncomplete, detail).at(offset, None)
            }
            UploadError::PastTheEnd { length } => {
                let detail = format!("The upload's length is {length} bytes.");
                Self::because(Code::PastTheEnd, detail).limit(length)
            }
            UploadError::LengthIsKnown { length } => {
                Self::because(Code::LengthKnown, format!("It is {length} bytes.")).limit(length)
            }
            UploadError::ShortOfLength { received, length } => Self::because(
                Code::ShortOfLength,
                format!("{received} bytes were received of the {length} that were declared."),
            ),
            UploadError::TooLarge { limit } | UploadError::Body(BodyError::TooLarge { limit }) => {
                Self::because(Code::TooLarge, format!("The limit is {limit} bytes for each file."))
                    .limit(limit)
            }
            UploadError::Body(BodyError::CutShort) => Self::new(Code::BodyCutShort),
            UploadError::Body(BodyError::Malformed(why)) => Self::because(Code::BadMultipart, why),
            UploadError::Body(BodyError::Draining) => {
                Self::new(Code::Unavailable).with(header::RETRY_AFTER, 1)
            }
            UploadError::Unavailable { retry_after } => {
                Self::new(Code::Unavailable).with(header::RETRY_AFTER, retry_after.as_secs().max(1))
            }
            UploadError::Full => Self::new(Code::StorageFull),
            UploadError::Internal => Self::new(Code::Internal),
        }
    }
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self::because(Code::BadQuery, malformed)
    }
}
