use super::Append;
use crate::domain::{Epoch, Upload};

/// Where the next chunk of a request goes, once all before it are stored.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// The request's own.
    pub epoch: Epoch,
    pub offset: u64,
    pub length: Option<u64>,
    /// Bytes before it do not count yet.
    pub pending: bool,
}

impl Position {
    /// Behind a chunk that was sent from here.
    pub fn after(self, append: &Append) -> Self {
        let offset = append.offset.saturating_add(append.count.unwrap_or(0));
        Self { offset, length: self.length.or(append.length), pending: append.pending, ..self }
    }
}

impl From<&Upload> for Position {
    fn from(upload: &Upload) -> Self {
        let (epoch, offset, pending) = (upload.epoch, upload.end(), upload.pending.is_some());
        Self { epoch, offset, length: upload.length, pending }
    }
}
