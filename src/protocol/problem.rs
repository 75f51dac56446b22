use serde::{Deserialize, Serialize};

/// Everything that can go wrong for a client, by its stable name. [`Code::row`] is the one table of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    BadRequest,
    BadHeader,
    BadQuery,
    BadBody,
    BodyCutShort,
    NoFile,
    FilenameMissing,
    ContentRangeUnsupported,
    LengthKnown,
    ShortOfLength,
    NotFound,
    MethodNotAllowed,
    WrongOffset,
    Superseded,
    Complete,
    Incomplete,
    Gone,
    PreconditionFailed,
    UnsupportedTusVersion,
    TooLarge,
    PastTheEnd,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    Internal,
    Unavailable,
    NoBackend,
    NotReady,
    StorageFull,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub status: u16,
    /// The name that programs compare; it never changes its meaning.
    pub code: &'static str,
    pub title: &'static str,
    /// What the client can do about it.
    pub advice: &'static str,
}

impl Code {
    /// In the order of their status.
    pub const ALL: [Code; 28] = [
        Code::BadRequest,
        Code::BadHeader,
        Code::BadQuery,
        Code::BadBody,
        Code::BodyCutShort,
        Code::NoFile,
        Code::FilenameMissing,
        Code::ContentRangeUnsupported,
        Code::LengthKnown,
        Code::ShortOfLength,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::WrongOffset,
        Code::Superseded,
        Code::Complete,
        Code::Incomplete,
        Code::Gone,
        Code::PreconditionFailed,
        Code::UnsupportedTusVersion,
        Code::TooLarge,
        Code::PastTheEnd,
        Code::UnsupportedMediaType,
        Code::RangeNotSatisfiable,
        Code::Internal,
        Code::Unavailable,
        Code::NoBackend,
        Code::NotReady,
        Code::StorageFull,
    ];

    /// The table. A 409 always means: ask where the upload stands (`HEAD`), then go on from there; tus clients do so by
    /// themselves. What no repetition can mend is therefore never a 409.
    pub const fn row(self) -> Row {
        match self {
            Code::BadRequest => row(
                400,
                "bad_request",
                "The request is malformed",
                "Compare the request with the API's description.",
            ),
            Code::BadHeader => row(
                400,
                "bad_header",
                "A header is missing or malformed",
                "Correct the header that the detail names.",
            ),
            Code::BadQuery => row(
                400,
                "bad_query",
                "The query is malformed",
                "Correct the parameter that the detail names.",
            ),
            Code::BadBody => row(
                400,
                "bad_body",
                "The body is malformed",
                "Send the body in the format of its content type.",
            ),
            Code::BodyCutShort => row(
                400,
                "body_cut_short",
                "The body ended early",
                "Send it again; a tus upload can be resumed at its offset.",
            ),
            Code::NoFile => row(
                400,
                "no_file",
                "The form holds no file",
                "Send at least one part with a filename; with curl: -F file=@name.",
            ),
            Code::FilenameMissing => row(
                400,
                "filename_missing",
                "The address lacks a file name",
                "Append the file's name to the address; curl -T does so if the address ends in a slash.",
            ),
            Code::ContentRangeUnsupported => row(
                400,
                "content_range_unsupported",
                "A part of a file cannot be put",
                "Send the whole file, or use the resumable uploads at /files/.",
            ),
            Code::LengthKnown => row(
                400,
                "length_known",
                "The upload's length is already known",
                "Leave Upload-Length out, or send the same length again.",
            ),
            Code::ShortOfLength => row(
                400,
                "short_of_length",
                "The body is shorter than the declared length",
                "Send the file again with its true length.",
            ),
            Code::NotFound => row(
                404,
                "not_found",
                "There is nothing here",
                "Check the address; what was removed long ago is forgotten.",
            ),
            Code::MethodNotAllowed => row(
                405,
                "method_not_allowed",
                "The method does not apply here",
                "Use one of the methods that the Allow header lists.",
            ),
            Code::WrongOffset => row(
                409,
                "wrong_offset",
                "The upload is at another offset",
                "Ask for the offset with HEAD and go on from there.",
            ),
            Code::Superseded => row(
                409,
                "superseded",
                "Another request has taken the upload over",
                "Ask for the offset with HEAD if this client is to go on instead.",
            ),
            Code::Complete => row(
                409,
                "complete",
                "The upload is complete",
                "Nothing is left to be sent; HEAD says how much is stored.",
            ),
            Code::Incomplete => row(
                409,
                "incomplete",
                "The upload is not complete yet",
                "Read it once its state is complete.",
            ),
            Code::Gone => row(
                410,
                "gone",
                "The upload was removed",
                "It was deleted, or it expired before it was complete. Begin a new upload.",
            ),
            Code::PreconditionFailed => row(
                412,
                "precondition_failed",
                "A condition of the request does not hold",
                "Fetch the current state and decide anew.",
            ),
            Code::UnsupportedTusVersion => row(
                412,
                "unsupported_tus_version",
                "This version of tus is not spoken here",
                "Send Tus-Resumable with a version that the Tus-Version header lists.",
            ),
            Code::TooLarge => row(
                413,
                "too_large",
                "The file is too large",
                "Send a file of at most the size that limit says, or ask the operator to raise --max-upload-size.",
            ),
            Code::PastTheEnd => row(
                413,
                "past_the_end",
                "The bytes go past the upload's length",
                "Send no more than the declared length.",
            ),
            Code::UnsupportedMediaType => row(
                415,
                "unsupported_media_type",
                "The content type does not apply here",
                "Send the content type that the detail names.",
            ),
            Code::RangeNotSatisfiable => row(
                416,
                "range_not_satisfiable",
                "The range lies outside of the content",
                "Ask for bytes below the length that Content-Range says.",
            ),
            Code::Internal => row(
                500,
                "internal",
                "Something is broken on our side",
                "Try again; if it stays, give the operator the request id.",
            ),
            Code::Unavailable => row(
                503,
                "unavailable",
                "The service cannot do this now",
                "Try again after Retry-After; nothing that was acknowledged is lost.",
            ),
            Code::NoBackend => row(
                503,
                "no_backend",
                "No backend answers",
                "Try again after Retry-After; nothing that was acknowledged is lost.",
            ),
            Code::NotReady => row(
                503,
                "not_ready",
                "This replica is not ready",
                "Send requests to another replica until this one is.",
            ),
            Code::StorageFull => row(
                507,
                "storage_full",
                "There is no room left",
                "Delete uploads, or ask the operator for more room.",
            ),
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.row().code == text)
    }

    /// The most general code for a status that some other part of the server (its router, its parser) answered with.
    pub fn for_status(status: u16) -> Self {
        match status {
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            410 => Code::Gone,
            412 => Code::PreconditionFailed,
            413 => Code::TooLarge,
            415 => Code::UnsupportedMediaType,
            416 => Code::RangeNotSatisfiable,
            503 => Code::Unavailable,
            507 => Code::StorageFull,
            400..=499 => Code::BadRequest,
            _ => Code::Internal,
        }
    }
}

const fn row(status: u16, code: &'static str, title: &'static str, advice: &'static str) -> Row {
    Row { status, code, title, advice }
}

/// The body of every error: `application/problem+json` (RFC 9457), with `code` and what a program may want to know as
/// extension members (section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub code: String,
    /// What is wrong with this very request. Never anything internal.
    pub detail: String,
    pub advice: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where the upload stands, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The upload's length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// The largest file taken, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How many bytes arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Which file of a form failed. Those before it are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

pub const MEDIA_TYPE: &str = "application/problem+json";

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let Row { status, code, title, advice } = code.row();
        Self {
            kind: format!("urn:problem-type:swarm-upload:{code}"),
            title: title.into(),
            status,
            code: code.into(),
            detail: detail.into(),
            advice: advice.into(),
            request_id: None,
            offset: None,
            length: None,
            limit: None,
            received: None,
            file: None,
        }
    }

    /// The code, or the most general one of the status where a newer release speaks of one that this release does not
    /// know: during a rolling update they talk to each other.
    pub fn code(&self) -> Code {
        Code::parse(&self.code).unwrap_or_else(|| Code::for_status(self.status))
    }

    /// Reads what another replica answered. A body that is no problem (of a proxy between) says only its status.
    pub fn parse(status: u16, body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_else(|_| {
            let code = Code::for_status(status);
            Self::new(code, code.row().title)
        })
    }

    pub fn to_json(&self) -> String {
        // A struct of strings and numbers has no way to fail; an empty body would still carry its status.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_has_a_name_of_its_own_in_snake_case() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.row().code).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    #[test]
    fn the_table_is_sorted_by_status_and_holds_errors_only() {
        let statuses: Vec<_> = Code::ALL.iter().map(|code| code.row().status).collect();
        assert!(statuses.is_sorted());
        assert!(statuses.iter().all(|status| (400..600).contains(status)));
    }

    #[test]
    fn a_code_is_read_back_from_its_name() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.row().code), Some(code));
        }
        assert_eq!(Code::parse("unheard_of"), None);
    }

    #[test]
    fn a_problem_is_read_back_as_it_was_printed() {
        let problem =
            Problem { offset: Some(7), ..Problem::new(Code::WrongOffset, "the upload is at offset 7") };
        assert_eq!(Problem::parse(409, problem.to_json().as_bytes()), problem);
    }

    #[test]
    fn an_unknown_code_or_body_is_understood_by_its_status() {
        let newer = Problem { code: "moved_on".into(), ..Problem::new(Code::Gone, "x") };
        assert_eq!(Problem::parse(410, newer.to_json().as_bytes()).code(), Code::Gone);
        assert_eq!(Problem::parse(503, b"<html>upstream</html>").code(), Code::Unavailable);
        assert_eq!(Problem::parse(418, b"").code(), Code::BadRequest);
        assert_eq!(Problem::parse(502, b"\xff").code(), Code::Internal);
    }
}
