//! What is uploaded: noise, of which each MiB begins with the upload's id and its own number. So no two blocks are equal, nothing
//! compresses, and what comes back can be compared without keeping it.

use std::io::{self, IoSlice, Write};
use std::sync::LazyLock;

pub const BLOCK: usize = 1 << 20;
const STAMP: usize = 16;

/// The same for all: a thousand clients do not need a thousand of it.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let words = (0..BLOCK / 8).flat_map(|_| {
        state = next(state);
        state.to_le_bytes()
    });
    words.collect()
});

/// The content of one upload.
#[derive(Clone, Copy)]
pub struct Content {
    pub id: u64,
}

impl Content {
    fn stamp(self, block: u64) -> [u8; STAMP] {
        let mut stamp = [0; STAMP];
        stamp[..8].copy_from_slice(&self.id.to_le_bytes());
        stamp[8..].copy_from_slice(&block.to_le_bytes());
        stamp
    }

    /// Writes `length` bytes from `offset`, which is where a block begins.
    pub fn write(self, to: &mut impl Write, offset: u64, length: u64) -> io::Result<()> {
        let mut left = length;
        for number in offset / BLOCK as u64.. {
            if left == 0 {
                break;
            }
            let piece = left.min(BLOCK as u64) as usize;
            let stamp = self.stamp(number);
            write_both(to, &stamp[..piece.min(STAMP)], &NOISE[piece.min(STAMP)..piece])?;
            left -= piece as u64;
        }
        Ok(())
    }
}

/// At once, as far as that goes: the second follows the first in the same packet.
fn write_both(to: &mut impl Write, first: &[u8], second: &[u8]) -> io::Result<()> {
    let written = to.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])?;
    if written < first.len() {
        to.write_all(&first[written..])?;
    }
    to.write_all(&second[written.saturating_sub(first.len())..])
}

/// Compares bytes with the content that they should be, from its beginning on.
pub struct Comparison {
    content: Content,
    offset: u64,
    pub same: bool,
}

impl Comparison {
    pub fn new(id: u64) -> Self {
        Self { content: Content { id }, offset: 0, same: true }
    }

    pub fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let within = (self.offset % BLOCK as u64) as usize;
            let stamp = self.content.stamp(self.offset / BLOCK as u64);
            let expected = if within < STAMP { &stamp[within..] } else { &NOISE[within..] };
            let piece = bytes.len().min(expected.len());
            self.same &= expected[..piece] == bytes[..piece];
            self.offset += piece as u64;
            bytes = &bytes[piece..];
        }
    }
}

/// Chance that is the same in each run.
pub fn next(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ (state << 17)
}
