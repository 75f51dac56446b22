//! Headers of the tus resumable upload protocol, version 1.0.0 (https://tus.io/protocols/resumable-upload).

use crate::domain::FileName;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

pub const VERSION: &str = "1.0.0";
/// What `OPTIONS` advertises: what is there, and no more.
pub const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,expiration,termination";
/// `Content-Type` of every body of bytes.
pub const OFFSET_OCTET_STREAM: &str = "application/offset+octet-stream";

pub const RESUMABLE: &str = "tus-resumable";
pub const TUS_VERSION: &str = "tus-version";
pub const EXTENSION: &str = "tus-extension";
pub const MAX_SIZE: &str = "tus-max-size";
pub const UPLOAD_OFFSET: &str = "upload-offset";
pub const UPLOAD_LENGTH: &str = "upload-length";
pub const UPLOAD_DEFER_LENGTH: &str = "upload-defer-length";
pub const UPLOAD_METADATA: &str = "upload-metadata";
pub const UPLOAD_EXPIRES: &str = "upload-expires";

/// Longer metadata is refused: it is kept with the record and repeated with each `HEAD`.
const LONGEST_METADATA: usize = 8 << 10;

/// A non-negative integer as tus wants it: digits only, within what can be stored.
pub fn parse_count(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|count| digits && *count <= i64::MAX as u64)
}

/// What `Upload-Metadata` says of a file. The text itself is kept too, and echoed word for word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub filename: Option<FileName>,
    pub content_type: Option<String>,
}

/// `Upload-Metadata` is not as the protocol's section on creation wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    #[error("it is longer than 8192 bytes")]
    TooLong,
    #[error("a key is empty or not ASCII, or has a space or a comma")]
    Key,
    #[error("a key comes twice")]
    Twice,
    #[error("a value is not Base64")]
    Value,
}

/// Reads comma-separated pairs of a key and a Base64 value, which may be left out.
pub fn parse_metadata(text: &str) -> Result<Metadata, InvalidMetadata> {
    if text.len() > LONGEST_METADATA {
        return Err(InvalidMetadata::TooLong);
    }
    let (mut metadata, mut keys) = (Metadata::default(), Vec::new());
    // Some clients send the header with nothing in it.
    for pair in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidMetadata::Key);
        }
        if keys.contains(&key) {
            return Err(InvalidMetadata::Twice);
        }
        keys.push(key);
        let value = BASE64_STANDARD.decode(value.trim()).map_err(|_| InvalidMetadata::Value)?;
        match key {
            "filename" | "name" if metadata.filename.is_none() => {
                metadata.filename = Some(FileName::clean_bytes(&value));
            }
            "filetype" | "type" | "contentType" if metadata.content_type.is_none() => {
                metadata.content_type = String::from_utf8(value).ok().filter(|kind| is_media_type(kind));
            }
            _ => {}
        }
    }
    Ok(metadata)
}

/// Metadata for an upload that came another way.
pub fn print_metadata(filename: &FileName, content_type: Option<&str>) -> String {
    let name = BASE64_STANDARD.encode(filename.as_str());
    match content_type {
        Some(kind) => format!("filename {name},filetype {}", BASE64_STANDARD.encode(kind)),
        None => format!("filename {name}"),
    }
}

/// Whether text may be sent back as a `Content-Type`: a type and a subtype, visible ASCII, of a sane length.
pub fn is_media_type(text: &str) -> bool {
    let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    text.len() <= 255
        && text.bytes().all(visible)
        && text.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_is_digits_only() {
        assert_eq!(parse_count(b"0"), Some(0));
        assert_eq!(parse_count(b"9223372036854775807"), Some(i64::MAX as u64));
        for bad in ["", "-1", "+1", "1.0", " 1", "9223372036854775808", "1e3", "\u{661}"] {
            assert_eq!(parse_count(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn metadata_names_the_file_and_its_kind() {
        let metadata = parse_metadata("filename d29ybGQ=,filetype dGV4dC9wbGFpbg==,is_confidential").unwrap();
        assert_eq!(metadata.filename.unwrap().as_str(), "world");
        assert_eq!(metadata.content_type.as_deref(), Some("text/plain"));
        assert_eq!(parse_metadata("").unwrap(), Metadata::default());
    }

    #[test]
    fn broken_metadata_is_refused() {
        assert_eq!(parse_metadata("a YQ==,a YQ=="), Err(InvalidMetadata::Twice));
        assert_eq!(parse_metadata("a ?"), Err(InvalidMetadata::Value));
        assert_eq!(parse_metadata("a YQ==,,b YQ=="), Err(InvalidMetadata::Key));
        assert_eq!(parse_metadata(&"a".repeat(9000)), Err(InvalidMetadata::TooLong));
    }

    #[test]
    fn a_content_type_that_could_split_a_header_is_not_kept() {
        let hostile = BASE64_STANDARD.encode("text/html\r\nX: y");
        assert_eq!(parse_metadata(&format!("filetype {hostile}")).unwrap().content_type, None);
    }

    proptest! {
        #[test]
        fn printed_metadata_is_parsed_back(name in "\\PC{1,80}") {
            let name = FileName::clean(&name);
            let read = parse_metadata(&print_metadata(&name, Some("a/b"))).unwrap();
            prop_assert_eq!(read, Metadata { filename: Some(name), content_type: Some("a/b".into()) });
        }

        #[test]
        fn no_metadata_panics(text: String) {
            let _ = parse_metadata(&text);
        }
    }
}
