use crate::domain::{Epoch, PartFault};
use crate::protocol::code::Code;
use crate::protocol::listing::BadQuery;
use crate::protocol::problem::{MEDIA_TYPE, Problem};
use crate::protocol::tus::{TUS_VERSION, UPLOAD_OFFSET, UnsupportedVersion, VERSION};
use crate::protocol::{BadHeader, internal, range};
use crate::uploads::{BodyError, UploadError};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use std::fmt;
use std::time::Duration;

/// Why a request is not answered as asked: the one error of all handlers. It prints as `application/problem+json`; the
/// middleware [`edge`](super::edge) adds the request's id.
#[derive(Clone, Debug)]
pub struct Refused(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    problem: Problem,
    /// What the problem says beyond its status, for clients that do not read bodies.
    headers: Vec<(&'static str, String)>,
}

impl Refused {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self::from(Problem::new(code, detail))
    }

    /// Where the code's title says all there is to say.
    pub fn plain(code: Code) -> Self {
        Self::new(code, code.row().title)
    }

    /// The client may ask again after `delay`.
    pub fn later(code: Code, delay: Duration) -> Self {
        let seconds = delay.as_secs_f64().ceil().max(1.0);
        Self::plain(code).with_header("Retry-After", seconds.to_string())
    }

    pub fn unsatisfiable(length: u64) -> Self {
        let problem = Problem {
            length: Some(length),
            ..Problem::new(Code::RangeNotSatisfiable, format!("the content has {length} bytes"))
        };
        Self::from(problem).with_header("Content-Range", range::print_unsatisfied(length))
    }

    /// Says which file of a form failed.
    pub fn of_file(mut self, name: &str) -> Self {
        self.0.problem.file = Some(name.to_owned());
        self
    }

    /// Says which request it was.
    pub fn of_request(mut self, request_id: &str) -> Self {
        self.0.problem.request_id = Some(request_id.to_owned());
        self
    }

    pub fn problem(&self) -> &Problem {
        &self.0.problem
    }

    fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.0.headers.push((name, value));
        self
    }

    fn at(mut self, offset: u64, epoch: Option<Epoch>) -> Self {
        self.0.problem.offset = Some(offset);
        self = self.with_header(UPLOAD_OFFSET, offset.to_string());
        match epoch {
            Some(epoch) => self.with_header(internal::UPLOAD_EPOCH, epoch.to_string()),
            None => self,
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(Box::new(Parts { problem, headers: Vec::new() }))
    }
}

impl From<UploadError> for Refused {
    fn from(error: UploadError) -> Self {
        let says = |code| Problem::new(code, error.to_string());
        match &error {
            UploadError::NotFound => says(Code::NotFound).into(),
            UploadError::Gone => says(Code::Gone).into(),
            UploadError::WrongOffset { offset, epoch } => {
                Self::from(says(Code::WrongOffset)).at(*offset, Some(*epoch))
            }
            UploadError::Superseded { offset, epoch } => {
                Self::from(says(Code::Superseded)).at(*offset, Some(*epoch))
            }
            UploadError::Complete { offset, epoch } => {
                Self::from(says(Code::Complete)).at(*offset, Some(*epoch))
            }
            UploadError::Incomplete { offset } => Self::from(says(Code::Incomplete)).at(*offset, None),
            UploadError::PastTheEnd { length } => {
                Problem { length: Some(*length), ..says(Code::PastTheEnd) }.into()
            }
            UploadError::LengthIsKnown { length } => {
                Problem { length: Some(*length), ..says(Code::LengthKnown) }.into()
            }
            UploadError::WrongChecksum => says(Code::WrongChecksum).into(),
            UploadError::FinalUpload => says(Code::FinalUpload).into(),
            UploadError::BadPart { part, fault } => {
                let code = match fault {
                    PartFault::Missing => Code::PartMissing,
                    PartFault::NotPartial => Code::NotAPart,
                };
                Problem { part: Some(part.to_string()), ..says(code) }.into()
            }
            UploadError::ShortOfLength { received, length } => {
                let problem = says(Code::ShortOfLength);
                Problem { received: Some(*received), length: Some(*length), ..problem }.into()
            }
            UploadError::TooManyPieces { limit } => {
                Problem { limit: Some(*limit), ..says(Code::TooManyPieces) }.into()
            }
            UploadError::TooLarge { limit } => Problem { limit: Some(*limit), ..says(Code::TooLarge) }.into(),
            UploadError::Body(BodyError::CutShort) => says(Code::BodyCutShort).into(),
            UploadError::Body(BodyError::Draining) => Self::later(Code::NotReady, Duration::from_secs(1)),
            UploadError::Body(BodyError::Malformed(_)) => says(Code::BadBody).into(),
            UploadError::Body(BodyError::TooLarge { limit }) => {
                UploadError::TooLarge { limit: *limit }.into()
            }
            UploadError::Unavailable { retry_after } => Self::later(Code::Unavailable, *retry_after),
            UploadError::Full => says(Code::StorageFull).into(),
            UploadError::Internal => says(Code::Internal).into(),
        }
    }
}

/// What another replica's refusal means: the way back from [`Refused`], for a frontend's relay. `epoch` and `retry_after`
/// stood in its headers. Codes of requests that a relay does not make are defects.
pub fn read_back(problem: &Problem, epoch: Option<Epoch>, retry_after: Option<Duration>) -> UploadError {
    let error = match problem.code() {
        Code::NotFound => Some(UploadError::NotFound),
        Code::Gone => Some(UploadError::Gone),
        Code::WrongOffset => {
            problem.offset.zip(epoch).map(|(offset, epoch)| UploadError::WrongOffset { offset, epoch })
        }
        Code::Superseded => {
            problem.offset.zip(epoch).map(|(offset, epoch)| UploadError::Superseded { offset, epoch })
        }
        Code::Complete => {
            problem.offset.zip(epoch).map(|(offset, epoch)| UploadError::Complete { offset, epoch })
        }
        Code::Incomplete => problem.offset.map(|offset| UploadError::Incomplete { offset }),
        Code::PastTheEnd => problem.length.map(|length| UploadError::PastTheEnd { length }),
        Code::LengthKnown => problem.length.map(|length| UploadError::LengthIsKnown { length }),
        Code::FinalUpload => Some(UploadError::FinalUpload),
        Code::PartMissing => part(problem, PartFault::Missing),
        Code::NotAPart => part(problem, PartFault::NotPartial),
        Code::ShortOfLength => problem
            .received
            .zip(problem.length)
            .map(|(received, length)| UploadError::ShortOfLength { received, length }),
        Code::TooManyPieces => problem.limit.map(|limit| UploadError::TooManyPieces { limit }),
        Code::TooLarge => problem.limit.map(|limit| UploadError::TooLarge { limit }),
        Code::BodyCutShort => Some(UploadError::Body(BodyError::CutShort)),
        Code::BadBody => Some(UploadError::Body(BodyError::Malformed(problem.detail.clone()))),
        Code::Unavailable | Code::NotReady => {
            Some(UploadError::Unavailable { retry_after: retry_after.unwrap_or(Duration::from_secs(1)) })
        }
        Code::StorageFull => Some(UploadError::Full),
        Code::BadRequest
        | Code::BadHeader
        | Code::BadQuery
        | Code::NoFile
        | Code::FilenameMissing
        | Code::ContentRangeUnsupported
        | Code::MethodNotAllowed
        | Code::PreconditionFailed
        | Code::UnsupportedTusVersion
        | Code::UnsupportedMediaType
        | Code::RangeNotSatisfiable
        | Code::WrongChecksum
        | Code::CrossSite
        | Code::Internal => None,
    };
    error.unwrap_or(UploadError::Internal)
}

fn part(problem: &Problem, fault: PartFault) -> Option<UploadError> {
    let part = problem.part.as_ref()?.parse().ok()?;
    Some(UploadError::BadPart { part, fault })
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        UploadError::Body(error).into()
    }
}

impl From<BadHeader> for Refused {
    fn from(error: BadHeader) -> Self {
        Self::new(Code::BadHeader, error.to_string())
    }
}

impl From<BadQuery> for Refused {
    fn from(error: BadQuery) -> Self {
        Self::new(Code::BadQuery, error.to_string())
    }
}

impl From<UnsupportedVersion> for Refused {
    fn from(error: UnsupportedVersion) -> Self {
        Self::new(Code::UnsupportedTusVersion, error.to_string()).with_header(TUS_VERSION, VERSION.into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.problem.code, self.0.problem.detail)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        if self.0.problem.code() == Code::WrongChecksum {
            // tus made this status; HTTP has no words for it.
            answer.reason("Checksum Mismatch");
        }
        for (name, value) in &self.0.headers {
            answer.insert_header((*name, value.as_str()));
        }
        let mut answer = answer.content_type(MEDIA_TYPE).body(self.0.problem.to_json());
        // The middleware finds it here and prints it again, with the request's id.
        answer.extensions_mut().insert(self.clone());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UploadId;

    fn every_error() -> Vec<UploadError> {
        let (offset, epoch, length, limit) = (7, Epoch(3), 9, 11);
        vec![
            UploadError::NotFound,
            UploadError::Gone,
            UploadError::WrongOffset { offset, epoch },
            UploadError::Superseded { offset, epoch },
            UploadError::Complete { offset, epoch },
            UploadError::Incomplete { offset },
            UploadError::PastTheEnd { length },
            UploadError::LengthIsKnown { length },
            UploadError::FinalUpload,
            UploadError::BadPart { part: UploadId::mint(), fault: PartFault::Missing },
            UploadError::BadPart { part: UploadId::mint(), fault: PartFault::NotPartial },
            UploadError::ShortOfLength { received: 2, length },
            UploadError::TooLarge { limit },
            UploadError::TooManyPieces { limit },
            UploadError::Body(BodyError::CutShort),
            UploadError::Unavailable { retry_after: Duration::from_secs(2) },
            UploadError::Full,
            UploadError::Internal,
        ]
    }

    #[test]
    fn what_a_backend_refuses_a_frontend_understands() {
        for error in every_error() {
            let said = format!("{error:?}");
            let refused = Refused::from(error);
            let header = |name| refused.0.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
            let epoch = header(internal::UPLOAD_EPOCH)
                .map(|value| internal::parse_epoch(internal::UPLOAD_EPOCH, value).unwrap());
            let delay = header("Retry-After").map(|value| Duration::from_secs(value.parse().unwrap()));
            let problem = Problem::parse(refused.0.problem.status, refused.0.problem.to_json().as_bytes());
            assert_eq!(format!("{:?}", read_back(&problem, epoch, delay)), said);
        }
    }

    #[test]
    fn a_refusal_that_lacks_what_it_should_say_is_a_defect() {
        let bare = Problem::new(Code::WrongOffset, "x");
        assert!(matches!(read_back(&bare, None, None), UploadError::Internal));
    }

    #[test]
    fn retry_after_is_whole_seconds_and_never_zero() {
        for (delay, seconds) in [(0, "1"), (1500, "2"), (3000, "3")] {
            let refused = Refused::later(Code::Unavailable, Duration::from_millis(delay));
            assert_eq!(refused.0.headers, [("Retry-After", seconds.to_owned())]);
        }
    }
}
