use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;

const BLOCK: u64 = 64 * 1024;

/// A file's bytes, made up from a seed: the same each time, at any offset, without keeping them.
#[derive(Clone, Copy, Debug)]
pub struct Content {
    pub seed: u64,
    pub length: u64,
    /// Where it begins in what the seed makes.
    start: u64,
}

impl Content {
    pub const fn new(seed: u64, length: u64) -> Self {
        Self { seed, length, start: 0 }
    }

    /// Some of it as a file of its own.
    #[allow(dead_code, reason = "not every program of tests sends parts")]
    pub fn part(self, range: Range<u64>) -> Self {
        assert!(range.end <= self.length, "{range:?} of {self:?}");
        Self { seed: self.seed, length: range.end - range.start, start: self.start + range.start }
    }

    pub fn all(self) -> Vec<u8> {
        self.bytes(0..self.length)
    }

    pub fn bytes(self, range: Range<u64>) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.reader(range).read_to_end(&mut bytes).unwrap();
        bytes
    }

    pub fn reader(self, range: Range<u64>) -> Reader {
        assert!(range.end <= self.length, "{range:?} of {self:?}");
        let range = self.start + range.start..self.start + range.end;
        Reader { seed: self.seed, range, block: u64::MAX, bytes: vec![0; BLOCK as usize] }
    }

    /// In hexadecimal.
    pub fn sha256(self) -> String {
        let mut sum = Sum::default();
        io::copy(&mut self.reader(0..self.length), &mut sum).unwrap();
        sum.hex()
    }

    pub fn write_to(self, path: &Path) {
        let mut file = std::fs::File::create(path).unwrap();
        io::copy(&mut self.reader(0..self.length), &mut file).unwrap();
    }
}

pub struct Reader {
    seed: u64,
    range: Range<u64>,
    /// Which block `bytes` holds.
    block: u64,
    bytes: Vec<u8>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let block = self.range.start / BLOCK;
        if block != self.block {
            self.block = block;
            let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ block;
            fastrand::Rng::with_seed(seed).fill(&mut self.bytes);
        }
        let within = (self.range.start % BLOCK) as usize;
        let left = (self.range.end - self.range.start).min(BLOCK - within as u64) as usize;
        let count = left.min(buffer.len());
        buffer[..count].copy_from_slice(&self.bytes[within..within + count]);
        self.range.start += count as u64;
        Ok(count)
    }
}

/// SHA-256 of what is written to it.
#[derive(Default)]
pub struct Sum(Sha256);

impl Sum {
    pub fn hex(self) -> String {
        self.0.finalize().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    }

    pub fn of(bytes: &[u8]) -> String {
        let mut sum = Self::default();
        sum.0.update(bytes);
        sum.hex()
    }
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
