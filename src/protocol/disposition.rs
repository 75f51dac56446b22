//! `Content-Disposition` of a download (RFC 6266): under which name a file is saved.

use crate::domain::FileName;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in `filename*`: `attr-char` of RFC 8187, section 3.2.1.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
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

/// Always `attachment`: what a stranger uploaded is never shown by the browser in our origin. The plain `filename` is for old
/// clients; RFC 6266, appendix D advises against quotes, backslashes and percent signs in it.
pub fn attachment(name: &FileName) -> String {
    let plain: String = name
        .as_str()
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let extended = utf8_percent_encode(name.as_str(), NOT_ATTR_CHAR);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_given_plainly_and_in_full() {
        assert_eq!(
            attachment(&FileName::clean("€ rates \"1\".txt")),
            "attachment; filename=\"_ rates _1_.txt\"; filename*=UTF-8''%E2%82%AC%20rates%20%221%22.txt"
        );
    }

    proptest! {
        #[test]
        fn any_name_is_a_printable_header_that_gives_the_name_back(raw in any::<String>()) {
            let name = FileName::clean(&raw);
            let header = attachment(&name);
            prop_assert!(header.bytes().all(|b| (b' '..=b'~').contains(&b)));
            let (_, extended) = header.rsplit_once("''").unwrap();
            let decoded = percent_encoding::percent_decode_str(extended).decode_utf8().unwrap();
            prop_assert_eq!(decoded, name.as_str());
        }
    }
}
