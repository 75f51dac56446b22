//! Headers of content on its way out: validators and conditions, digests, and the name to save it under.

use crate::domain::{FileName, Sha256Sum, UploadId};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::{Duration, SystemTime};

/// The strong validator of an upload's content: its id, since content never changes (RFC 9110, section 8.8.3).
pub fn etag(id: UploadId) -> String {
    format!("\"{id}\"")
}

/// `Repr-Digest` of the whole content (RFC 9530, section 3), also on a part of it.
pub fn repr_digest(sum: &Sha256Sum) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(sum.0))
}

/// Whether the client has the content already: `If-None-Match` decides if it is there, else `If-Modified-Since`
/// (RFC 9110, section 13.2.2).
pub fn is_known(
    etag: &str,
    modified: SystemTime,
    if_none_match: Option<&str>,
    if_modified_since: Option<&str>,
) -> bool {
    match (if_none_match, if_modified_since.and_then(|date| httpdate::parse_http_date(date).ok())) {
        (Some(tags), _) => matches(tags, etag),
        (None, Some(date)) => whole_seconds(modified) <= date,
        (None, None) => false,
    }
}

/// Whether `If-Match`, if it is there, holds.
pub fn still_is(etag: &str, if_match: Option<&str>) -> bool {
    if_match.is_none_or(|tags| tags.trim() == "*" || tags.split(',').any(|tag| tag.trim() == etag))
}

/// Whether a range may be served: without `If-Range`, or if it names this very content (RFC 9110, section 13.1.5).
pub fn range_applies(etag: &str, modified: SystemTime, if_range: Option<&str>) -> bool {
    match if_range.map(str::trim) {
        None => true,
        Some(tag) if tag.starts_with('"') || tag.starts_with("W/") => tag == etag,
        Some(date) => httpdate::parse_http_date(date).is_ok_and(|date| whole_seconds(modified) == date),
    }
}

/// Weak comparison, as `If-None-Match` wants it.
fn matches(tags: &str, etag: &str) -> bool {
    tags.trim() == "*" || tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

/// HTTP dates have no fractions.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// What RFC 8187 allows unescaped in a parameter's value.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `Content-Disposition: attachment` with the name in both forms (RFC 6266, section 4.3): an ASCII one for old clients, and
/// the exact one.
pub fn disposition(name: &FileName) -> String {
    let plain: String = name
        .as_str()
        .chars()
        .map(|c| match c {
            // A percent sign is taken for an escape by some clients.
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let exact = utf8_percent_encode(name.as_str(), ATTR_CHAR);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAG: &str = "\"a\"";
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn modified() -> SystemTime {
        httpdate::parse_http_date(DATE).unwrap() + Duration::from_millis(700)
    }

    #[test]
    fn content_is_known_by_its_tag_or_else_by_its_date() {
        for (tags, date, known) in [
            (None, None, false),
            (Some("\"a\""), None, true),
            (Some("\"b\", W/\"a\""), None, true),
            (Some("*"), None, true),
            (Some("\"b\""), Some(DATE), false),
            (None, Some(DATE), true),
            (None, Some("Sun, 06 Nov 1994 08:49:36 GMT"), false),
            (None, Some("yesterday"), false),
        ] {
            assert_eq!(is_known(TAG, modified(), tags, date), known, "{tags:?} {date:?}");
        }
    }

    #[test]
    fn a_range_applies_to_the_very_content_it_was_asked_of() {
        for (if_range, applies) in [
            (None, true),
            (Some("\"a\""), true),
            (Some("W/\"a\""), false),
            (Some("\"b\""), false),
            (Some(DATE), true),
            (Some("Sun, 06 Nov 1994 08:49:38 GMT"), false),
        ] {
            assert_eq!(range_applies(TAG, modified(), if_range), applies, "{if_range:?}");
        }
    }

    #[test]
    fn a_precondition_holds_for_its_own_tag_only() {
        assert!(still_is(TAG, None) && still_is(TAG, Some("*")) && still_is(TAG, Some("\"b\",\"a\"")));
        assert!(!still_is(TAG, Some("\"b\"")) && !still_is(TAG, Some("W/\"a\"")));
    }

    #[test]
    fn a_name_is_told_to_old_clients_and_exactly() {
        let told = disposition(&FileName::clean("naïve \"plan\" 100%.txt"));
        assert_eq!(
            told,
            "attachment; filename=\"na_ve _plan_ 100_.txt\"; filename*=UTF-8''na%C3%AFve%20%22plan%22%20100%25.txt"
        );
    }

    proptest! {
        #[test]
        fn no_name_breaks_the_header(name: String) {
            let told = disposition(&FileName::clean(&name));
            prop_assert!(told.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
            prop_assert_eq!(told.matches('"').count(), 2);
        }
    }
}
