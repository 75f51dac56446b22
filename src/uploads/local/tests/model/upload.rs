use super::worlds::{Outcome, World};
use crate::domain::{Epoch, Upload};
use crate::uploads::UploadError;

/// What an upload is, to whoever asks from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    /// Who took each epoch; nobody while the upload is not created.
    pub owners: Vec<u64>,
    pub content: Vec<u8>,
    /// Behind it, of the last epoch, and not counting yet.
    pub pending: Vec<u8>,
    pub length: Option<u64>,
    /// Its last writer has not said that it brings no more.
    pub written: bool,
    pub expired: bool,
    pub removed: bool,
}

/// What a request does to an upload, at once or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Create {
        owner: u64,
        count: u64,
        length: Option<u64>,
        expires: bool,
    },
    Claim {
        owner: u64,
        at: u64,
        count: u64,
        length: Option<u64>,
    },
    Append {
        owner: u64,
        at: u64,
        count: u64,
        length: Option<u64>,
        expires: bool,
        pending: bool,
        more: bool,
    },
    /// A body's checksum turns out to be wrong.
    Mismatch,
    Terminate,
    /// Of a sweep: what has expired and is not being written is removed.
    Expire,
    /// Of a sweep: what has stored bytes and was not created never will be.
    Condemn,
}

impl World for Model {
    type Op = Op;

    fn outcomes(&self, op: &Op) -> Vec<(Self, Outcome<Op>)> {
        let mut after = self.clone();
        let outcome = after.apply(*op);
        vec![(after, outcome.map(|()| Vec::new()))]
    }
}

impl Model {
    pub(super) fn apply(&mut self, op: Op) -> Result<(), UploadError> {
        let (counted, epoch) = (self.content.len() as u64, Epoch(self.owners.len() as i64));
        let offset = counted + self.pending.len() as u64;
        let created = !self.owners.is_empty();
        match op {
            Op::Create { count, length: Some(length), .. } if count > length => {
                return Err(UploadError::PastTheEnd { length });
            }
            Op::Expire => self.removed |= self.expired && !self.written && !self.is_complete(),
            Op::Condemn => self.removed |= !created,
            _ if self.removed => return Err(UploadError::Gone),
            Op::Create { owner, count, length, expires } if !created => {
                self.owners.push(owner);
                self.length = length;
                self.extend(owner, count, expires);
            }
            _ if !created => return Err(UploadError::NotFound),
            // A replay.
            Op::Create { count, .. } if epoch == Epoch::FIRST && count == counted => {}
            Op::Mismatch => return Err(UploadError::WrongChecksum),
            Op::Terminate => self.removed = true,
            Op::Append { owner, .. } if self.owners.last() != Some(&owner) => {
                return Err(UploadError::Superseded { offset: counted, epoch });
            }
            _ if self.is_complete() => return Err(UploadError::Complete { offset, epoch }),
            Op::Claim { at, owner, count, length } if at == counted => {
                self.owners.push(owner);
                self.pending.clear();
                self.written = true;
                self.fit(count, length)?;
            }
            Op::Create { .. } | Op::Claim { .. } => {
                return Err(UploadError::WrongOffset { offset: counted, epoch });
            }
            Op::Append { at, owner, count, length, expires, pending, more } if at == offset => {
                let length = self.fit(count, length)?;
                self.pending.extend(bytes(owner, at, count));
                (self.expired, self.written) = (expires, more);
                if !pending {
                    self.length = length;
                    self.content.append(&mut self.pending);
                }
            }
            _ => return Err(UploadError::WrongOffset { offset, epoch }),
        }
        Ok(())
    }

    /// Where the bytes end that count, or (`pending`) all.
    pub(super) fn end(&self, pending: bool) -> u64 {
        (self.content.len() + if pending { self.pending.len() } else { 0 }) as u64
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.owners.is_empty() && self.length == Some(self.end(false))
    }

    pub(super) fn looks_like(&self, seen: &Result<Upload, UploadError>) -> bool {
        match seen {
            Err(UploadError::Gone) => self.removed,
            _ if self.removed => false,
            Err(UploadError::NotFound) => self.owners.is_empty(),
            Err(error) => panic!("{error:?}"),
            Ok(upload) => {
                let complete = self.is_complete();
                let sum = complete.then(|| super::sum(&self.content));
                let position = (upload.offset, upload.epoch.0, upload.length);
                position == (self.end(false), self.owners.len() as i64, self.length)
                    && (upload.completed_at.is_some(), upload.sha256) == (complete, sum)
            }
        }
    }

    /// A writer that said that it brings no more is not taken for one that may.
    pub(super) fn is_written_as(&self, written: bool) -> bool {
        !written || self.written && !self.is_complete()
    }

    fn extend(&mut self, owner: u64, count: u64, expires: bool) {
        self.content.extend(bytes(owner, self.end(false), count));
        self.expired = expires;
    }

    /// The length, if it is known, once `count` bytes more have come with `declared`.
    fn fit(&self, count: u64, declared: Option<u64>) -> Result<Option<u64>, UploadError> {
        match (self.length, declared) {
            (Some(length), Some(other)) if other != length => Err(UploadError::LengthIsKnown { length }),
            (known, declared) => match known.or(declared) {
                Some(length) if self.end(true) + count > length => Err(UploadError::PastTheEnd { length }),
                length => Ok(length),
            },
        }
    }
}

impl Op {
    /// What a client's append does that gives no checksum.
    pub(super) fn of_client(
        owner: u64,
        at: u64,
        count: u64,
        length: Option<u64>,
        expires: bool,
    ) -> Vec<Self> {
        let chunk = |count, length, more| {
            let pending = false;
            Self::Append { owner, at, count, length, expires, pending, more }
        };
        let ops = [
            Some(Self::Claim { owner, at, count, length }),
            length.is_some().then(|| chunk(0, length, true)),
            (count > 0).then(|| chunk(count, None, false)),
        ];
        ops.into_iter().flatten().collect()
    }
}

/// What an owner brings for these offsets: within an epoch the bytes at an offset are always the same. The lower half of the
/// owner's number decides.
pub(super) fn bytes(owner: u64, from: u64, count: u64) -> Vec<u8> {
    let byte = |at: u64| ((owner << 32 | at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
    (from..from + count).map(byte).collect()
}
