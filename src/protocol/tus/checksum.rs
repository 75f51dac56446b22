use super::UPLOAD_CHECKSUM;
use crate::domain::{Algorithm, Checksum};
use crate::protocol::BadHeader;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// `Tus-Checksum-Algorithm`: "a comma-separated list of the checksum algorithms supported by the server." The order is that of
/// [`Algorithm::ALL`].
pub const CHECKSUM_ALGORITHMS: &str = "sha1,sha256,md5,crc32";

/// `Upload-Checksum`: "The header MUST consist of the name of the used checksum algorithm and the Base64 encoded checksum
/// separated by a space."
pub fn parse_checksum(value: &str) -> Result<Checksum, BadHeader> {
    let bad = |expected| BadHeader { header: UPLOAD_CHECKSUM, expected };
    let (name, sum) =
        value.split_once(' ').ok_or(bad("an algorithm, a space, and the checksum in Base64"))?;
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
    let algorithm = algorithm.ok_or(bad("the algorithms are sha1, sha256, md5 and crc32"))?;
    let bytes = STANDARD.decode(sum).map_err(|_| bad("the checksum must be Base64"))?;
    algorithm.checksum(&bytes).ok_or(bad("the checksum is not as long as its algorithm gives"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of the specification, section "Checksum": the sum of "hello world".
    #[test]
    fn a_checksum_is_an_algorithm_and_base64() {
        let Ok(Checksum::Sha1(sum)) = parse_checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=") else { panic!() };
        assert_eq!(sum[..4], [0x2a, 0xae, 0x6c, 0x35]);
        assert_eq!(parse_checksum("crc32 y/Q5Jg=="), Ok(Checksum::Crc32([0xcb, 0xf4, 0x39, 0x26])));
    }

    #[test]
    fn a_malformed_checksum_is_refused() {
        for bad in [
            "",
            "sha1",
            "sha1 ",
            "sha1 Kq5s",
            "sha512 y/Q5Jg==",
            "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            "crc32 %%%",
        ] {
            assert!(parse_checksum(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_algorithms_are_advertised() {
        let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
        assert_eq!(CHECKSUM_ALGORITHMS, names.join(","));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in any::<String>()) {
            let _ = parse_checksum(&text);
        }
    }
}
