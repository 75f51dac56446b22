use super::UPLOAD_METADATA;
use crate::domain::FileName;
use crate::protocol::{BadHeader, media_type};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

/// More metadata is refused: it is kept with each record and sent back with each `HEAD`.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;

/// `Upload-Metadata`: "one or more comma-separated key-value pairs. The key and value MUST be separated by a space. The key
/// MUST NOT contain spaces and commas and MUST NOT be empty. The key SHOULD be ASCII encoded and the value MUST be Base64
/// encoded. All keys MUST be unique."
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(String, Vec<u8>)>);

/// Under which keys clients give the file's name and its type: `filename` and `filetype` are customary, Uppy says `name`
/// and `type`, some say `contentType`. The first that is there counts.
const NAME_KEYS: [&str; 2] = ["filename", "name"];
const TYPE_KEYS: [&str; 3] = ["filetype", "type", "contentType"];

/// Some clients leave the padding off; there is no doubt what they mean.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Metadata {
    /// An empty header is no metadata.
    pub fn parse(value: &str) -> Result<Self, BadHeader> {
        let bad = |expected| Err(BadHeader { header: UPLOAD_METADATA, expected });
        if value.len() > MAX_METADATA_BYTES {
            return bad("at most 16 KiB");
        }
        let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
        if value.trim().is_empty() {
            return Ok(Self(pairs));
        }
        for pair in value.split(',') {
            let (key, encoded) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
            if key.is_empty() || !key.is_ascii() {
                return bad("each pair begins with a key in ASCII");
            }
            if pairs.iter().any(|(known, _)| known == key) {
                return bad("all keys must be unique");
            }
            match LENIENT.decode(encoded) {
                Ok(decoded) => pairs.push((key.to_owned(), decoded)),
                Err(_) => return bad("values must be Base64"),
            }
        }
        Ok(Self(pairs))
    }

    /// The metadata of a file that came by another way than tus, so that a record says the same either way and a relay
    /// needs to carry nothing but this header.
    pub fn describing(name: &FileName, content_type: Option<&str>) -> Self {
        let mut pairs = vec![(NAME_KEYS[0].to_owned(), name.as_str().as_bytes().to_vec())];
        pairs.extend(content_type.map(|kind| (TYPE_KEYS[0].to_owned(), kind.as_bytes().to_vec())));
        Self(pairs)
    }

    pub fn print(&self) -> String {
        let pairs: Vec<_> = self
            .0
            .iter()
            .map(|(key, value)| match value.is_empty() {
                true => key.clone(),
                false => format!("{key} {}", STANDARD.encode(value)),
            })
            .collect();
        pairs.join(",")
    }

    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_slice())
    }

    pub fn filename(&self) -> FileName {
        let raw = NAME_KEYS.iter().find_map(|key| self.get(key)).unwrap_or_default();
        FileName::clean_bytes(raw)
    }

    pub fn content_type(&self) -> Option<String> {
        let raw = TYPE_KEYS.iter().find_map(|key| self.get(key))?;
        media_type::declared(std::str::from_utf8(raw).ok()?).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of the specification, section "Upload-Metadata".
    #[test]
    fn metadata_gives_the_file_its_name() {
        let value = "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential";
        let metadata = Metadata::parse(value).unwrap();
        assert_eq!(metadata.filename().as_str(), "world_domination_plan.pdf");
        assert_eq!(metadata.get("is_confidential"), Some(&[][..]));
        assert_eq!(metadata.get("unheard"), None);
        assert_eq!(metadata.print(), value);
    }

    #[test]
    fn the_name_and_type_are_found_under_the_keys_that_clients_use() {
        let uppy = Metadata::parse("name YS5wbmc=,type aW1hZ2UvcG5n").unwrap();
        assert_eq!(uppy.filename().as_str(), "a.png");
        assert_eq!(uppy.content_type().unwrap(), "image/png");
        let lenient = Metadata::parse("filename YS5wbmc, filetype bm9uc2Vuc2U").unwrap();
        assert_eq!(lenient.filename().as_str(), "a.png");
        assert_eq!(lenient.content_type(), None);
        assert_eq!(Metadata::parse("").unwrap().filename().as_str(), "unnamed");
    }

    #[test]
    fn malformed_metadata_is_refused() {
        let long = format!("a {}", "QUFB".repeat(MAX_METADATA_BYTES));
        for bad in [",", "a YQ==,", "a YQ==,a YQ==", "a  YQ==", "a %%%", "a YQ== b", "é YQ==", long.as_str()]
        {
            assert!(Metadata::parse(bad).is_err(), "{:?}", &bad[..bad.len().min(20)]);
        }
    }

    #[test]
    fn a_description_gives_back_the_name_and_type_it_was_made_of() {
        let metadata = Metadata::describing(&FileName::clean("文件.bin"), Some("text/plain; charset=utf-8"));
        let parsed = Metadata::parse(&metadata.print()).unwrap();
        assert_eq!(parsed.filename().as_str(), "文件.bin");
        assert_eq!(parsed.content_type().as_deref(), Some("text/plain; charset=utf-8"));
    }

    proptest! {
        #[test]
        fn what_is_parsed_prints_to_what_parses_the_same(text in any::<String>()) {
            if let Ok(metadata) = Metadata::parse(&text) {
                prop_assert_eq!(Metadata::parse(&metadata.print()), Ok(metadata));
            }
        }

        #[test]
        fn every_pair_that_is_printed_is_parsed_back(
            pairs in proptest::collection::btree_map("[!-+\\--~]{1,12}", any::<Vec<u8>>(), 0..6)
        ) {
            let metadata = Metadata(pairs.into_iter().collect());
            prop_assert_eq!(Metadata::parse(&metadata.print()), Ok(metadata));
        }
    }
}
