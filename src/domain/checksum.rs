use super::Digest;
use md5::Md5;
use sha1::Sha1;
use sha1::digest::Digest as _;

/// By what a request's body is checked (tus, "Checksum").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Sha1,
    Sha256,
    Md5,
    /// CRC-32 as in zip and gzip (ISO-HDLC), its four bytes the most significant first.
    Crc32,
}

/// What a request says of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
    Md5([u8; 16]),
    Crc32([u8; 4]),
}

/// A checksum over the bytes received so far.
#[derive(Clone)]
pub enum Summing {
    Sha1(Sha1),
    Sha256(Digest),
    Md5(Md5),
    Crc32(crc32fast::Hasher),
}

impl Algorithm {
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Md5, Self::Crc32];

    /// As `Tus-Checksum-Algorithm` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Md5 => "md5",
            Self::Crc32 => "crc32",
        }
    }

    /// The checksum of this kind that `bytes` are; `None` if there are too many or too few.
    pub fn checksum(self, bytes: &[u8]) -> Option<Checksum> {
        Some(match self {
            Self::Sha1 => Checksum::Sha1(bytes.try_into().ok()?),
            Self::Sha256 => Checksum::Sha256(bytes.try_into().ok()?),
            Self::Md5 => Checksum::Md5(bytes.try_into().ok()?),
            Self::Crc32 => Checksum::Crc32(bytes.try_into().ok()?),
        })
    }
}

impl Checksum {
    /// Begins to sum up by the same algorithm.
    pub fn summing(self) -> Summing {
        match self {
            Self::Sha1(_) => Summing::Sha1(Sha1::new()),
            Self::Sha256(_) => Summing::Sha256(Digest::default()),
            Self::Md5(_) => Summing::Md5(Md5::new()),
            Self::Crc32(_) => Summing::Crc32(crc32fast::Hasher::new()),
        }
    }
}

impl Summing {
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(sum) => sum.update(bytes),
            Self::Sha256(sum) => sum.update(bytes),
            Self::Md5(sum) => sum.update(bytes),
            Self::Crc32(sum) => sum.update(bytes),
        }
    }

    pub fn finish(self) -> Checksum {
        match self {
            Self::Sha1(sum) => Checksum::Sha1(sum.finalize().into()),
            Self::Sha256(sum) => Checksum::Sha256(sum.finish().0),
            Self::Md5(sum) => Checksum::Md5(sum.finalize().into()),
            Self::Crc32(sum) => Checksum::Crc32(sum.finalize().to_be_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// FIPS 180-4 and RFC 1321 ("abc"), and the check value of CRC-32/ISO-HDLC ("123456789").
    #[test]
    fn each_algorithm_sums_as_its_definition_says() {
        for (algorithm, text, sum) in [
            (Algorithm::Sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Algorithm::Md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Crc32, "123456789", "cbf43926"),
        ] {
            let expected = algorithm.checksum(&hex(sum)).unwrap();
            let mut summing = expected.summing();
            text.bytes().for_each(|byte| summing.update(&[byte]));
            assert_eq!(summing.finish(), expected, "{}", algorithm.name());
        }
    }

    #[test]
    fn a_checksum_has_as_many_bytes_as_its_algorithm_gives() {
        for (algorithm, bytes) in Algorithm::ALL.into_iter().zip([20, 32, 16, 4]) {
            assert!(algorithm.checksum(&vec![0; bytes]).is_some());
            assert!(algorithm.checksum(&vec![0; bytes - 1]).is_none());
            assert!(algorithm.checksum(&vec![0; bytes + 1]).is_none());
        }
    }
}
