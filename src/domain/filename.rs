use std::fmt;

/// A file's name as it is shown to people: never a path, never a control character, at most 255 bytes of UTF-8.
///
/// It is a label only. Nothing is ever stored or looked up under it, so no name can do harm; what would mislead a reader
/// (folders, bidirectional overrides) is taken out rather than refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

/// What most file systems allow, in bytes, so that a download can be saved under the name.
const MAX_BYTES: usize = 255;
const UNNAMED: &str = "unnamed";

impl FileName {
    /// Makes a harmless name out of whatever a client sent. Never fails: what is left of an empty or hostile name is
    /// `unnamed`.
    pub fn clean(raw: &str) -> Self {
        // Some browsers send the whole path; both kinds of separator may come from either system.
        let base = raw.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown: String = base.chars().filter(|c| !is_misleading(*c)).collect();
        let mut name = shown.trim().to_owned();
        truncate_keeping_extension(&mut name);
        match name.as_str() {
            "" | "." | ".." => Self(UNNAMED.into()),
            _ => Self(name),
        }
    }

    /// As [`FileName::clean`], for bytes that may not be UTF-8: what is not becomes U+FFFD.
    pub fn clean_bytes(raw: &[u8]) -> Self {
        Self::clean(&String::from_utf8_lossy(raw))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters and those that reorder or hide their neighbours (Unicode TR 36, section 2.7 bidirectional text).
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{061c}' | '\u{180e}')
}

fn truncate_keeping_extension(name: &mut String) {
    if name.len() <= MAX_BYTES {
        return;
    }
    let extension = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 16 => name.split_off(dot),
        _ => String::new(),
    };
    let mut end = MAX_BYTES - extension.len();
    end = end.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.push_str(&extension);
    // A name that is clean stays as it is when it is cleaned again: the cut may have bared a space.
    name.truncate(name.trim_end().len());
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hostile_name_becomes_a_harmless_one() {
        for (raw, shown) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\me\photo.jpg", "photo.jpg"),
            ("", "unnamed"),
            ("..", "unnamed"),
            ("a/", "unnamed"),
            ("nul\0byte\r\nX-Header: 1", "nulbyteX-Header: 1"),
            ("txt.\u{202e}exe", "txt.exe"),
            ("CON", "CON"),
            ("  spaced name.txt  ", "spaced name.txt"),
            ("Ünïcödé 文件.bin", "Ünïcödé 文件.bin"),
        ] {
            assert_eq!(FileName::clean(raw).as_str(), shown, "{raw:?}");
        }
        assert_eq!(FileName::clean_bytes(b"a\xffb").as_str(), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn a_clean_name_stays_as_it_is(raw in "[a-z ./\\\\\u{e9}\u{202e}]{0,400}") {
            let clean = FileName::clean(&raw);
            prop_assert_eq!(&FileName::clean(clean.as_str()), &clean);
        }
    }

    #[test]
    fn a_long_name_is_cut_at_a_character_and_keeps_its_extension() {
        let name = FileName::clean(&format!("{}.tar.gz", "é".repeat(4096)));
        assert!(name.as_str().len() <= 255);
        assert!(name.as_str().ends_with(".gz"), "{name}");
        assert_eq!(FileName::clean(&"x".repeat(4096)).as_str().len(), 255);
    }
}
