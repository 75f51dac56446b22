use sha2::Sha256;
use sha2::digest::Digest as _;
use sha2::digest::common::hazmat::SerializableState;
use std::fmt;

/// A finished SHA-256: 32 bytes, printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256Sum(pub [u8; 32]);

/// SHA-256 over the bytes received so far. Its mid-state is saved with each committed offset, so any replica goes on
/// hashing where another stopped and completion never reads the file again.
#[derive(Clone, Default)]
pub struct Digest(Sha256);

#[derive(Debug, thiserror::Error)]
#[error("the saved digest state is not one that this program wrote")]
pub struct InvalidDigest;

/// First byte of a saved state: says how the rest is to be read. Version 1 is `sha2`'s serialized `Sha256`.
const STATE_VERSION: u8 = 1;

impl Digest {
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> Sha256Sum {
        Sha256Sum(self.0.finalize().into())
    }

    /// The mid-state as it is stored: a version byte, then 104 bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut saved = vec![STATE_VERSION];
        saved.extend_from_slice(&self.0.serialize());
        saved
    }

    /// Goes on from a stored mid-state. An unknown version or a wrong length is an error, never a wrong digest.
    pub fn resume(saved: &[u8]) -> Result<Self, InvalidDigest> {
        let Some((&STATE_VERSION, state)) = saved.split_first() else { return Err(InvalidDigest) };
        let state = state.try_into().map_err(|_| InvalidDigest)?;
        Ok(Self(Sha256::deserialize(&state).map_err(|_| InvalidDigest)?))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl Sha256Sum {
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut sum = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (byte, pair) in sum.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(sum))
    }
}

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Sum({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(bytes: &[u8]) -> String {
        let mut digest = Digest::default();
        digest.update(bytes);
        digest.finish().to_string()
    }

    #[test]
    fn the_digest_is_sha_256() {
        // FIPS 180-4, the example "abc".
        assert_eq!(sum(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sum(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_resumed_digest_goes_on_where_it_was_saved_at_every_length() {
        let bytes: Vec<u8> = (0..200u8).collect();
        for cut in 0..=bytes.len() {
            let mut first = Digest::default();
            first.update(&bytes[..cut]);
            let mut second = Digest::resume(&first.save()).unwrap();
            second.update(&bytes[cut..]);
            assert_eq!(second.finish().to_string(), sum(&bytes), "cut at {cut}");
        }
    }

    /// What an earlier release stored must be readable by every later one: rolling updates mix them.
    #[test]
    fn the_saved_form_is_the_golden_one() {
        let mut digest = Digest::default();
        digest.update(b"swarm-upload");
        let hex: String = digest.save().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, include_str!("digest_state.golden").trim_end());
    }

    #[test]
    fn a_foreign_state_is_refused() {
        let mut other_version = Digest::default().save();
        other_version[0] = 2;
        for bad in [&[][..], &[1], &[1; 50], &other_version] {
            assert!(Digest::resume(bad).is_err());
        }
    }

    #[test]
    fn a_sum_is_read_back_from_its_hex_form_only() {
        let text = sum(b"abc");
        assert_eq!(Sha256Sum::from_hex(&text).unwrap().to_string(), text);
        assert!(Sha256Sum::from_hex(&text.to_uppercase()).is_none());
        assert!(Sha256Sum::from_hex("é").is_none());
    }
}
