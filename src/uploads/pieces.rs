use bytes::{Bytes, BytesMut};

/// A smaller piece is copied together with its neighbours.
const SMALL: usize = 16 << 10;
/// How much of what is copied makes one piece.
const TOGETHER: usize = 64 << 10;

/// Bytes collected piece by piece, in order.
///
/// A piece as it comes from a connection is a part of the buffer that it was read into, and keeps all of it alive. A sender of
/// tiny pieces would so pin many times the memory that was granted for its bytes; copied together they take what they count.
#[derive(Debug, Default)]
pub struct Pieces {
    whole: Vec<Bytes>,
    /// Small pieces after the last of `whole`.
    small: BytesMut,
}

impl Pieces {
    pub fn push(&mut self, piece: Bytes) {
        if piece.len() >= SMALL {
            self.seal();
            self.whole.push(piece);
            return;
        }
        if self.small.len() + piece.len() > TOGETHER {
            self.seal();
        }
        self.small.extend_from_slice(&piece);
    }

    pub fn into_parts(mut self) -> Vec<Bytes> {
        self.seal();
        self.whole
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.whole.push(self.small.split().freeze());
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
        let sizes = [1, 2, SMALL, 3, SMALL + 1, SMALL - 1, TOGETHER, 5];
        let mut expected = 0u8;
        for byte in collect(&sizes).concat() {
            expected = expected.wrapping_add(1);
            assert_eq!(byte, expected);
        }
        assert_eq!(collect(&sizes).concat().len(), sizes.iter().sum::<usize>());
    }

    #[test]
    fn tiny_pieces_become_few_large_ones() {
        let parts = collect(&[1; 200_000]);
        assert_eq!(parts.len(), 200_000usize.div_ceil(TOGETHER));
    }

    #[test]
    fn a_large_piece_is_not_copied() {
        let piece = Bytes::from(vec![7; SMALL]);
        let mut pieces = Pieces::default();
        pieces.push(piece.clone());
        assert_eq!(pieces.into_parts()[0].as_ptr(), piece.as_ptr());
    }
}
