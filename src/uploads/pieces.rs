use bytes::{Bytes, BytesMut};

/// How long the pieces are that are handed on, but for the last.
const BLOCK: usize = 32 << 10;

/// Bytes collected in order, and copied together.
///
/// A piece as it comes from a connection is a part of the buffer that it was read into, and keeps all of it alive. A sender of
/// small pieces would so pin many times the memory that was granted for its bytes; copied together they take what they count. And
/// the connection has its buffer back, to read into it again: to make a new one each time costs more than the copy.
#[derive(Debug, Default)]
pub struct Pieces {
    full: Vec<Bytes>,
    /// What comes after the last of `full`.
    open: BytesMut,
}

impl Pieces {
    pub fn push(&mut self, piece: Bytes) {
        let mut left = &piece[..];
        while !left.is_empty() {
            if self.open.len() == BLOCK {
                self.seal();
                self.open.reserve(BLOCK);
            }
            let (fits, rest) = left.split_at(left.len().min(BLOCK - self.open.len()));
            self.open.extend_from_slice(fits);
            left = rest;
        }
    }

    pub fn into_parts(mut self) -> Vec<Bytes> {
        self.seal();
        self.full
    }

    fn seal(&mut self) {
        if !self.open.is_empty() {
            self.full.push(std::mem::take(&mut self.open).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(sizes: &[usize]) -> Vec<Bytes> {
        let mut pieces = Pieces::default();
        let mut next = 0u8;
        for size in sizes {
            let bytes: Vec<u8> = (0..*size)
                .map(|_| {
                    next = next.wrapping_add(1);
                    next
                })
                .collect();
            pieces.push(bytes.into());
        }
        pieces.into_parts()
    }

    #[test]
    fn order_is_kept_whatever_the_sizes() {
        let sizes = [1, 2, BLOCK, 3, BLOCK + 1, BLOCK - 7, 3 * BLOCK, 5];
        let mut expected = 0u8;
        for byte in collect(&sizes).concat() {
            expected = expected.wrapping_add(1);
            assert_eq!(byte, expected);
        }
        assert_eq!(collect(&sizes).concat().len(), sizes.iter().sum::<usize>());
    }

    #[test]
    fn pieces_of_any_size_become_few_large_ones() {
        for sizes in [vec![1; 200_000], vec![200_000], vec![BLOCK; 3]] {
            let parts = collect(&sizes);
            assert_eq!(parts.len(), sizes.iter().sum::<usize>().div_ceil(BLOCK));
            assert!(parts.iter().rev().skip(1).all(|part| part.len() == BLOCK));
        }
    }

    #[test]
    fn no_buffer_is_kept_that_a_piece_was_read_into() {
        let buffer = Bytes::from(vec![7; 2 * BLOCK]);
        let mut pieces = Pieces::default();
        pieces.push(buffer.slice(BLOCK / 2..2 * BLOCK));
        assert!(buffer.is_unique());
    }
}
