use std::fmt;

/// The fencing token of an upload: it grows by one with each client request that begins to write.
///
/// Whoever writes says in which epoch it does so; a write from an earlier epoch than the record's is refused, and its
/// bytes lie where nobody reads them. The creator of an upload holds [`Epoch::FIRST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Epoch(pub i64);

impl Epoch {
    pub const FIRST: Epoch = Epoch(1);

    pub fn next(self) -> Epoch {
        Epoch(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
