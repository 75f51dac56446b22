use super::{UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_LENGTH};
use crate::domain::{Concat, UploadId};
use crate::protocol::BadHeader;

/// Bytes. The head of a request, or of an answer that repeats it, may have twice as many here and between replicas.
const LONGEST: usize = 64 << 10;

/// `Upload-Concat`: "the value MUST either be `partial` […] or `final;` followed by a space-separated list of partial upload
/// URLs that will be concatenated", which may leave out the scheme and the host. Returns which uploads these are, in order.
pub fn parse_concat(value: &str) -> Result<(Concat, Vec<UploadId>), BadHeader> {
    let bad = |expected| BadHeader { header: UPLOAD_CONCAT, expected };
    if value.len() > LONGEST {
        return Err(bad("at most 64 KiB: join fewer parts"));
    }
    let concat = Concat::parse(value).ok_or(bad("partial, or final; and the URLs of its parts"))?;
    let parts = match &concat {
        Concat::Partial => Vec::new(),
        Concat::Final { urls } => urls
            .split_ascii_whitespace()
            .map(part)
            .collect::<Option<Vec<_>>>()
            .filter(|parts| !parts.is_empty())
            .ok_or(bad("after final; URLs of uploads here, with a space between two"))?,
    };
    Ok((concat, parts))
}

/// That the creation of a final upload declares no length, and none to be declared: "The Client MUST NOT include the
/// `Upload-Length` header in the final upload creation."
pub fn check_undeclared(length: Option<&str>, defer: Option<&str>) -> Result<(), BadHeader> {
    let header = match (length, defer) {
        (None, None) => return Ok(()),
        (Some(_), _) => UPLOAD_LENGTH,
        (None, Some(_)) => UPLOAD_DEFER_LENGTH,
    };
    Err(BadHeader { header, expected: "none for a final upload, whose length is that of its parts" })
}

/// The upload that a URL names. Whatever stands before `/files/` was put there by who is between a client and us.
fn part(url: &str) -> Option<UploadId> {
    let (before, id) = url.rsplit_once("/files/")?;
    // A list with commas would lose all but its last.
    if before.contains(',') { None } else { id.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_final_upload_names_its_parts_in_order_and_keeps_their_urls_as_they_came() {
        let (a, b) = (UploadId::mint(), UploadId::mint());
        let value = format!("final;/files/{a} https://example.org/some/files/{b} /files/{a}");
        let (concat, parts) = parse_concat(&value).unwrap();
        assert_eq!(parts, [a, b, a]);
        assert_eq!(concat.to_string(), value);
        assert_eq!(parse_concat("partial"), Ok((Concat::Partial, vec![])));
    }

    #[test]
    fn what_names_no_upload_is_refused() {
        let id = UploadId::mint();
        for bad in ["", "final", "final;", "final; ", "final;/files/", "final;/files/a", "Partial"] {
            assert!(parse_concat(bad).is_err(), "{bad}");
        }
        assert!(parse_concat(&format!("final;/uploads/{id}")).is_err());
        assert!(parse_concat(&format!("final;/files/{id},/files/{id}")).is_err());
    }

    #[test]
    fn more_than_64_kib_are_refused() {
        let url = format!("/files/{}", UploadId::mint());
        let of_length =
            |length: usize| format!("final;{}{url}", "/".repeat(length - "final;".len() - url.len()));
        assert!(parse_concat(&of_length(65_536)).is_ok());
        assert!(parse_concat(&of_length(65_537)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in any::<String>()) {
            let _ = parse_concat(&text);
        }
    }
}
