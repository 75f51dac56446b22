//! What is uploaded: noise, of which each page begins with the upload's id and its own number. So no two blocks are equal, of no
//! file system or database either, nothing compresses, and what comes back can be compared without keeping it.

use std::io::{self, ErrorKind, IoSlice, Write};
use std::sync::LazyLock;

pub const BLOCK: usize = 1 << 20;
const PAGE: usize = 4 << 10;
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
    fn stamp(self, page: u64) -> [u8; STAMP] {
        let mut stamp = [0; STAMP];
        stamp[..8].copy_from_slice(&self.id.to_le_bytes());
        stamp[8..].copy_from_slice(&page.to_le_bytes());
        stamp
    }

    /// Writes `length` bytes from `offset`, which is where a block begins.
    pub fn write(self, to: &mut impl Write, offset: u64, length: u64) -> io::Result<()> {
        let mut left = length;
        for block in offset / BLOCK as u64.. {
            if left == 0 {
                break;
            }
            let piece = left.min(BLOCK as u64) as usize;
            self.write_block(to, block, &NOISE[..piece])?;
            left -= piece as u64;
        }
        Ok(())
    }

    /// At once, as far as that goes: a stamp and what follows it are in one packet.
    fn write_block(self, to: &mut impl Write, block: u64, noise: &[u8]) -> io::Result<()> {
        let first = block * (BLOCK / PAGE) as u64;
        let stamps: Vec<_> =
            (first..).take(noise.len().div_ceil(PAGE)).map(|page| self.stamp(page)).collect();
        let pages = noise.chunks(PAGE).zip(&stamps).flat_map(|(page, stamp)| {
            let (before, after) = page.split_at(page.len().min(STAMP));
            [IoSlice::new(&stamp[..before.len()]), IoSlice::new(after)]
        });
        let mut slices: Vec<_> = pages.collect();
        let mut left = &mut slices[..];
        while !left.is_empty() {
            match to.write_vectored(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut left, written),
                Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(())
    }
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
            let (block, within) =
                ((self.offset % BLOCK as u64) as usize, (self.offset % PAGE as u64) as usize);
            let stamp = self.content.stamp(self.offset / PAGE as u64);
            let page_end = block - within + PAGE;
            let expected = if within < STAMP { &stamp[within..] } else { &NOISE[block..page_end] };
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
