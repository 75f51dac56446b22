//! The one table of errors: for each a stable code, a status and what to do. Bodies are RFC 9457 problem details.

use serde::{Deserialize, Serialize};

/// `Content-Type` of every error.
pub const CONTENT_TYPE: &str = "application/problem+json";

macro_rules! codes {
    ($($name:ident $status:literal $code:literal $title:literal $advice:literal)*) => {
        /// What went wrong, as a client's program can tell it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $(#[serde(rename = $code)] $name),* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status),* }
            }

            /// The stable name, in `code`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code),* }
            }

            /// The same short sentence each time, in `title`.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }

            /// What to do about it.
            pub fn advice(self) -> &'static str {
                match self { $(Code::$name => $advice),* }
            }
        }
    };
}

codes! {
    BadHeader 400 "bad_header" "A header is missing or malformed." "Send the header as the detail says."
    BadMetadata 400 "bad_metadata" "Upload-Metadata is malformed." "Send comma-separated pairs of a key and a Base64 value."
    BadQuery 400 "bad_query" "A query parameter is malformed." "Use the values that the detail names."
    BadMultipart 400 "bad_multipart" "The form's body is not well-formed multipart/form-data." "Send each file as a part with a file name, and end the body with the closing boundary."
    BadRequest 400 "bad_request" "The request is malformed." "Send it as the documentation describes it."
    BodyCutShort 400 "body_cut_short" "The request's body ended early." "Send it again; a tus upload goes on from the offset that HEAD tells."
    ShortOfLength 400 "short_of_length" "The body is shorter than the length that was declared." "Declare the length of what is sent."
    ContentRangeUnsupported 400 "content_range_unsupported" "PUT takes whole files only." "Leave Content-Range out, or use tus at /files/ to send a part."
    CrossSite 403 "cross_site" "The form was sent from another site." "Use the form on this service's own page."
    NotFound 404 "not_found" "There is nothing here." "Check the address."
    MethodNotAllowed 405 "method_not_allowed" "This address does not take this method." "Use one of the methods in the Allow header."
    WrongOffset 409 "wrong_offset" "The upload is at another offset." "Go on from the offset in Upload-Offset."
    Superseded 409 "superseded" "A newer request has taken the upload over." "Ask with HEAD how far it is, and go on from there if it is still yours."
    UploadComplete 409 "upload_complete" "The upload is complete and takes no more bytes." "Nothing is left to send."
    UploadIncomplete 409 "upload_incomplete" "The upload is not complete yet." "Read it when its state is complete."
    LengthKnown 409 "length_known" "The upload's length is known and cannot be changed." "Leave Upload-Length out, or repeat the known one."
    Gone 410 "gone" "The upload was deleted or has expired." "Send the file again as a new upload."
    UnsupportedTusVersion 412 "unsupported_tus_version" "Tus-Resumable is missing or names another version." "Send the version in Tus-Version."
    PreconditionFailed 412 "precondition_failed" "A condition of the request does not hold." "Read the resource again and repeat the request without the condition."
    TooLarge 413 "too_large" "The file is larger than this service takes." "Send a smaller file; the detail tells the limit."
    PastTheEnd 413 "past_the_end" "The bytes go past the upload's length." "Send no more than the length that was declared."
    UnsupportedMediaType 415 "unsupported_media_type" "The body is of another kind than this address takes." "Send the Content-Type that the detail names."
    RangeNotSatisfiable 416 "range_not_satisfiable" "No byte of the content lies in the range asked for." "Ask for a range inside the length in Content-Range."
    Internal 500 "internal" "Something is wrong with this service." "Tell its operator the request id."
    Unavailable 503 "unavailable" "The service cannot do this at the moment; nothing is lost." "Try again after the time in Retry-After."
    StorageFull 507 "storage_full" "There is no room left to store this." "Delete files, or ask the operator for more room."
}

/// A problem detail (RFC 9457, section 3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemBody {
    /// Always `about:blank`: the code says more than a page would.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub code: Code,
    /// What is wrong with this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    pub advice: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The file of a form that failed; those before it are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Bytes; with `too_large` and `past_the_end` what is allowed, with `length_known` the length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

impl ProblemBody {
    pub fn new(code: Code) -> Self {
        Self {
            kind: "about:blank".into(),
            title: code.title().into(),
            status: code.status(),
            code,
            detail: None,
            advice: code.advice().into(),
            request_id: None,
            filename: None,
            limit_bytes: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_distinct_and_an_error() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| (400..600).contains(&code.status())));
    }

    #[test]
    fn a_code_is_written_as_its_stable_name() {
        for code in Code::ALL {
            let json = serde_json::to_string(&ProblemBody::new(*code)).unwrap();
            assert!(json.contains(&format!(r#""code":"{}""#, code.as_str())), "{json}");
            let read: ProblemBody = serde_json::from_str(&json).unwrap();
            assert_eq!(read.code, *code);
        }
    }
}
