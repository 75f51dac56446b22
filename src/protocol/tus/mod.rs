//! The headers of tus 1.0.0, the open protocol for resumable uploads (<https://tus.io/protocols/resumable-upload>).

mod checksum;
mod concat;
mod metadata;

pub use checksum::{CHECKSUM_ALGORITHMS, parse_checksum};
pub use concat::{check_undeclared, parse_concat};
pub use metadata::{MAX_METADATA_BYTES, Metadata};

use super::{BadHeader, number};
use std::time::SystemTime;

pub const TUS_RESUMABLE: &str = "Tus-Resumable";
pub const TUS_VERSION: &str = "Tus-Version";
pub const TUS_EXTENSION: &str = "Tus-Extension";
pub const TUS_MAX_SIZE: &str = "Tus-Max-Size";
pub const UPLOAD_OFFSET: &str = "Upload-Offset";
pub const UPLOAD_LENGTH: &str = "Upload-Length";
pub const UPLOAD_DEFER_LENGTH: &str = "Upload-Defer-Length";
pub const UPLOAD_METADATA: &str = "Upload-Metadata";
pub const UPLOAD_EXPIRES: &str = "Upload-Expires";
pub const UPLOAD_CONCAT: &str = "Upload-Concat";
pub const UPLOAD_CHECKSUM: &str = "Upload-Checksum";
pub const TUS_CHECKSUM_ALGORITHM: &str = "Tus-Checksum-Algorithm";
pub const METHOD_OVERRIDE: &str = "X-HTTP-Method-Override";

pub const VERSION: &str = "1.0.0";

/// Only what is there is advertised.
pub const EXTENSIONS: &[&str] = &[
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "checksum",
    "expiration",
    "termination",
    "concatenation",
    "concatenation-unfinished",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Tus-Resumable must be {VERSION}")]
pub struct UnsupportedVersion;

/// "The `Tus-Resumable` header MUST be included in every request and response except for `OPTIONS` requests."
pub fn check_version(header: Option<&str>) -> Result<(), UnsupportedVersion> {
    match header {
        Some(VERSION) => Ok(()),
        Some(_) | None => Err(UnsupportedVersion),
    }
}

/// `Upload-Offset`: "The value MUST be a non-negative integer."
pub fn parse_offset(value: &str) -> Result<u64, BadHeader> {
    number::parse(value).ok_or(BadHeader { header: UPLOAD_OFFSET, expected: "a count of bytes in digits" })
}

/// `Upload-Length`: "The value MUST be a non-negative integer."
pub fn parse_length(value: &str) -> Result<u64, BadHeader> {
    number::parse(value).ok_or(BadHeader { header: UPLOAD_LENGTH, expected: "a count of bytes in digits" })
}

/// The length that a creation declares; `None` if it is deferred. "The request MUST include one of the following headers:
/// a) `Upload-Length` […] b) `Upload-Defer-Length: 1` if upload size is not known at the time."
pub fn parse_declared_length(length: Option<&str>, defer: Option<&str>) -> Result<Option<u64>, BadHeader> {
    match (length, defer) {
        (Some(length), None) => parse_length(length).map(Some),
        (None, Some("1")) => Ok(None),
        (None, Some(_)) => Err(BadHeader { header: UPLOAD_DEFER_LENGTH, expected: "1 is the only value" }),
        (Some(_), Some(_)) | (None, None) => {
            Err(BadHeader { header: UPLOAD_LENGTH, expected: "either it or Upload-Defer-Length: 1" })
        }
    }
}

/// `Upload-Expires`: "The value of the header MUST be in RFC 9110 datetime format." Fractions of a second are cut off.
pub fn print_expires(at: SystemTime) -> String {
    httpdate::fmt_http_date(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_version_1_0_0_is_spoken() {
        assert!(check_version(Some("1.0.0")).is_ok());
        for bad in [None, Some(""), Some("0.2.2"), Some("1.0.0 "), Some("2.0.0")] {
            assert!(check_version(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_creation_declares_a_length_or_defers_it_and_never_both() {
        assert_eq!(parse_declared_length(Some("100"), None), Ok(Some(100)));
        assert_eq!(parse_declared_length(None, Some("1")), Ok(None));
        for (length, defer) in
            [(None, None), (Some("1"), Some("1")), (None, Some("0")), (Some("-1"), None), (Some("1e3"), None)]
        {
            assert!(parse_declared_length(length, defer).is_err(), "{length:?} {defer:?}");
        }
    }

    /// The example of RFC 9110, section 5.6.7.
    #[test]
    fn an_expiry_is_printed_as_a_date_of_http() {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(784_111_777_900);
        assert_eq!(print_expires(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    proptest! {
        #[test]
        fn numbers_never_panic(text in any::<String>()) {
            let _ = (parse_offset(&text), parse_length(&text), parse_declared_length(Some(&text), Some(&text)));
        }
    }
}
