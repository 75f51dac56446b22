//! What clients say their bytes sum up to (tus, "Checksum"): now and then, and not always the truth.

use super::super::Client;
use super::super::sending::{Outcome, Pace, send};
use super::base64;
use crate::support::client::Request;
use crate::support::content::Content;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::io::{Cursor, Read};
use std::ops::Range;

/// Whoever says what a body sums up to has to send all of it again if it does not come to its end.
const LARGEST_SUMMED: u64 = 16 << 20;

type Algorithm = (&'static str, fn(&[u8]) -> Vec<u8>);

const ALGORITHMS: [Algorithm; 4] = [
    ("sha1", |bytes| Sha1::digest(bytes).to_vec()),
    ("sha256", |bytes| Sha256::digest(bytes).to_vec()),
    ("md5", |bytes| Md5::digest(bytes).to_vec()),
    ("crc32", |bytes| crc32fast::hash(bytes).to_be_bytes().to_vec()),
];

/// What was said of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    Truth,
    /// That it is what it should be; a bit of it is not.
    Lie,
}

/// The body of one request.
pub struct Body {
    pub told: Told,
    pub count: u64,
    checksum: Option<String>,
    bytes: Box<dyn Read>,
}

impl Client<'_> {
    /// Part of a content. A third of all say their sum, and of these one of three is spoilt.
    pub fn body(&mut self, content: Content, range: Range<u64>) -> Body {
        let count = range.end - range.start;
        if count > LARGEST_SUMMED || self.rng.u32(0..3) != 0 {
            return Body::silent(count, content.reader(range));
        }
        let mut bytes = content.bytes(range);
        let (name, sum) = ALGORITHMS[self.rng.usize(0..ALGORITHMS.len())];
        let checksum = Some(format!("{name} {}", base64(&sum(&bytes))));
        let told = if count > 0 && self.rng.u32(0..3) == 0 { Told::Lie } else { Told::Truth };
        if told == Told::Lie {
            bytes[self.rng.usize(0..count as usize)] ^= 1;
        }
        Body { told, count, checksum, bytes: Box::new(Cursor::new(bytes)) }
    }
}

impl Body {
    fn silent(count: u64, bytes: impl Read + 'static) -> Self {
        Self { told: Told::Nothing, count, checksum: None, bytes: Box::new(bytes) }
    }

    /// Says also how many bytes went out.
    pub fn send(self, request: Request, pace: Pace) -> (Outcome, u64) {
        let request = match &self.checksum {
            Some(checksum) => request.header("Upload-Checksum", checksum),
            None => request,
        };
        send(request, self.count, self.bytes, pace)
    }
}

impl Told {
    /// How far an upload may have come by a body for `range` of which so many bytes went out: what is not confirmed does not
    /// count.
    pub fn reach(self, range: Range<u64>, sent: u64) -> u64 {
        match self {
            Self::Nothing => range.start + sent,
            Self::Truth if range.start + sent == range.end => range.end,
            Self::Truth | Self::Lie => range.start,
        }
    }
}
