//! Content types: those that clients declare for their files, and the few that we ask for.

/// What a tus `PATCH` carries.
pub const OFFSET_OCTET_STREAM: &str = "application/offset+octet-stream";

/// A longer declaration is not taken: nobody needs one, and it is sent back in a header.
const MAX_BYTES: usize = 255;

/// A declared content type that may safely be sent back in a header, or `None` (RFC 9110, section 8.3.1:
/// `type "/" subtype *( OWS ";" OWS parameter )`). A bad one is a label that is left off, not an error.
pub fn declared(text: &str) -> Option<&str> {
    let text = text.trim_matches([' ', '\t']);
    let essence = essence(text);
    let (kind, subtype) = essence.split_once('/')?;
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    (text.len() <= MAX_BYTES && is_token(kind) && is_token(subtype) && printable).then_some(text)
}

/// The type without its parameters, as it was written.
pub fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim_matches([' ', '\t'])
}

/// Whether a `Content-Type` header names `wanted`, whatever its case and parameters.
pub fn is(header: Option<&str>, wanted: &str) -> bool {
    header.is_some_and(|header| essence(header).eq_ignore_ascii_case(wanted))
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_well_formed_type_is_kept_with_its_parameters() {
        for good in
            ["text/plain", "text/plain; charset=utf-8", "image/svg+xml", "application/x-7z-compressed"]
        {
            assert_eq!(declared(good), Some(good));
        }
    }

    #[test]
    fn what_could_break_a_header_is_left_off() {
        for bad in [
            "",
            "text",
            "/",
            "text/",
            "te xt/plain",
            "text/plain\r\nX: 1",
            "text/plain; é",
            &"x/".repeat(200),
        ] {
            assert_eq!(declared(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn types_are_compared_without_case_and_parameters() {
        assert!(is(Some("Application/Offset+Octet-Stream; x=1"), OFFSET_OCTET_STREAM));
        assert!(!is(Some("application/octet-stream"), OFFSET_OCTET_STREAM));
        assert!(!is(None, OFFSET_OCTET_STREAM));
    }

    proptest! {
        #[test]
        fn a_kept_type_is_printable_whatever_was_sent(text in any::<String>()) {
            if let Some(kept) = declared(&text) {
                prop_assert!(kept.bytes().all(|b| (b' '..=b'~').contains(&b)));
                prop_assert_eq!(declared(kept), Some(kept));
            }
        }
    }
}
