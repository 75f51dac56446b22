use super::{Concat, Epoch, FileName, Sha256Sum, UploadId};
use time::OffsetDateTime;

/// One upload, as the catalog records it: the truth about how much of it is stored.
///
/// Its states: *receiving* until `offset` reaches a known `length`, then *complete* for ever. Termination and expiry take
/// the record away; there is no state for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    pub filename: FileName,
    /// As the client declared it; `None` when it said nothing.
    pub content_type: Option<String>,
    /// tus `Upload-Metadata`, word for word, so that clients get back what they sent. Empty when there was none.
    pub metadata: String,
    /// The whole upload in bytes; `None` while its length is deferred.
    pub length: Option<u64>,
    /// Bytes durably stored, without a gap, from the start.
    pub offset: u64,
    /// Where the bytes end that came in this epoch and do not count yet, since their checksum is not known to be right: from
    /// `offset` on. Of interest to who writes in this epoch, and told to nobody else.
    pub pending: Option<u64>,
    pub epoch: Epoch,
    /// What it is to others; `None` for an upload that stands for itself.
    pub concat: Option<Concat>,
    /// Known once complete; for a final upload, which is complete as soon as its parts are, some time later.
    pub sha256: Option<Sha256Sum>,
    pub created_at: OffsetDateTime,
    pub completed_at: Option<OffsetDateTime>,
    /// When the upload will be removed; moves on with each append, `None` once complete. One that is only a part of others
    /// does not stay for ever, complete or not.
    pub expires_at: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Receiving,
    Complete,
}

/// Why an append does not fit the record. The record is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the upload is at offset {offset}")]
    WrongOffset { offset: u64, epoch: Epoch },
    #[error("another request has taken the upload over")]
    Superseded { offset: u64, epoch: Epoch },
    #[error("the upload is complete")]
    Complete { offset: u64, epoch: Epoch },
    #[error("the bytes go past the upload's length of {length}")]
    PastTheEnd { length: u64 },
    #[error("the upload's length is already known to be {length}")]
    LengthIsKnown { length: u64 },
    #[error("the upload is made of others")]
    Final,
}

/// Bytes of what a client may make as long as it likes.
const LARGEST_REMEMBERED: usize = 1 << 10;

impl Upload {
    pub fn state(&self) -> State {
        match self.completed_at {
            Some(_) => State::Complete,
            None => State::Receiving,
        }
    }

    /// Where the bytes end that came in this epoch, whether they count yet or not.
    pub fn end(&self) -> u64 {
        self.pending.unwrap_or(self.offset)
    }

    /// Its bytes are those of its parts.
    pub fn is_final(&self) -> bool {
        matches!(self.concat, Some(Concat::Final { .. }))
    }

    /// What those who read its content may remember of it: `None` while anything but its removal can become of it, and where
    /// a client has made it large. What it was made of may be long, and is nothing that its readers ask for.
    pub fn lasting(&self) -> Option<Self> {
        let text = self.metadata.len() + self.content_type.as_ref().map_or(0, String::len);
        let lasts = self.state() == State::Complete && self.sha256.is_some() && text <= LARGEST_REMEMBERED;
        lasts.then(|| Self { concat: None, ..self.clone() })
    }

    /// It is final and was not joined yet.
    pub fn waits_for_parts(&self) -> bool {
        self.is_final() && self.state() == State::Receiving
    }

    /// Checks that `count` bytes may be appended at `offset` in `epoch`, with `length` declared along with them.
    ///
    /// Returns the upload's length if it is known then. The check saves work early; what binds is the same condition in the
    /// catalog's compare-and-set.
    pub fn admit(
        &self,
        offset: u64,
        epoch: Epoch,
        count: u64,
        length: Option<u64>,
    ) -> Result<Option<u64>, Refusal> {
        if self.is_final() {
            return Err(Refusal::Final);
        }
        if self.epoch != epoch {
            return Err(Refusal::Superseded { offset: self.offset, epoch: self.epoch });
        }
        if self.state() == State::Complete {
            return Err(Refusal::Complete { offset: self.offset, epoch: self.epoch });
        }
        if self.end() != offset {
            return Err(Refusal::WrongOffset { offset: self.end(), epoch: self.epoch });
        }
        let length = match (self.length, length) {
            (Some(known), Some(declared)) if known != declared => {
                return Err(Refusal::LengthIsKnown { length: known });
            }
            (known, declared) => known.or(declared),
        };
        match length {
            Some(length) if offset.saturating_add(count) > length => Err(Refusal::PastTheEnd { length }),
            length => Ok(length),
        }
    }
}

/// What is known of an upload before its first byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    pub id: UploadId,
    pub filename: FileName,
    pub content_type: Option<String>,
    pub metadata: String,
    pub length: Option<u64>,
    pub concat: Option<Concat>,
    /// Of what a final upload is made, in order; empty for all others.
    pub parts: Vec<UploadId>,
}

/// Which page of the list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Records on the page, 1 to 1000.
    pub limit: u32,
    /// The last record of the page before, or `None` for the first page.
    pub after: Option<Cursor>,
    /// Only names that contain this text, in any case. Empty: all.
    pub search: String,
    pub sort: SortKey,
    pub descending: bool,
    /// Incomplete uploads too.
    pub incomplete_too: bool,
}

/// By what a list is sorted; the id breaks ties, so that a page has one successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// The time of creation, which is the id itself.
    Created,
    Name,
    Size,
}

/// A place in a sorted list: the sort key's value and the id of the record there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub name: String,
    pub size: u64,
    pub id: UploadId,
}

/// One page of the list, and where the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub uploads: Vec<Upload>,
    pub next: Option<Cursor>,
}

#[cfg(test)]
impl Upload {
    /// A complete one of so many bytes.
    pub(crate) fn of_length(length: u64) -> Self {
        let now = OffsetDateTime::UNIX_EPOCH;
        Self {
            id: UploadId::mint(),
            filename: FileName::clean("a file"),
            content_type: None,
            metadata: String::new(),
            length: Some(length),
            offset: length,
            pending: None,
            epoch: Epoch::FIRST,
            concat: None,
            sha256: Some(Sha256Sum([7; 32])),
            created_at: now,
            completed_at: Some(now),
            expires_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_or_is_large_does_not_last() {
        let complete = Upload::of_length(3);
        assert_eq!(complete.lasting(), Some(complete.clone()));
        for upload in [
            Upload { completed_at: None, length: Some(4), ..complete.clone() },
            Upload { sha256: None, ..complete.clone() },
            Upload { metadata: "x".repeat(LARGEST_REMEMBERED + 1), ..complete.clone() },
            Upload { content_type: Some("x".repeat(LARGEST_REMEMBERED + 1)), ..complete.clone() },
        ] {
            assert_eq!(upload.lasting(), None, "{upload:?}");
        }
    }

    #[test]
    fn what_an_upload_was_made_of_does_not_last() {
        let urls = "/files/a ".repeat(10_000);
        let made = Upload { concat: Some(Concat::Final { urls }), ..Upload::of_length(3) };
        assert_eq!(made.lasting(), Some(Upload { concat: None, ..made }));
    }

    fn receiving(offset: u64, length: Option<u64>) -> Upload {
        Upload {
            id: UploadId::mint(),
            filename: FileName::clean("a"),
            content_type: None,
            metadata: String::new(),
            length,
            offset,
            pending: None,
            epoch: Epoch(3),
            concat: None,
            sha256: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
            completed_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn an_append_fits_at_the_offset_in_the_epoch_and_within_the_length() {
        let upload = receiving(10, Some(20));
        assert_eq!(upload.admit(10, Epoch(3), 10, None), Ok(Some(20)));
        assert_eq!(upload.admit(10, Epoch(3), 11, None), Err(Refusal::PastTheEnd { length: 20 }));
        let wrong = Refusal::WrongOffset { offset: 10, epoch: Epoch(3) };
        assert_eq!(upload.admit(9, Epoch(3), 1, None), Err(wrong));
        let superseded = Refusal::Superseded { offset: 10, epoch: Epoch(3) };
        assert_eq!(upload.admit(10, Epoch(2), 1, None), Err(superseded));
    }

    #[test]
    fn in_its_epoch_an_append_goes_on_behind_what_is_pending() {
        let upload = Upload { pending: Some(15), ..receiving(10, Some(20)) };
        assert_eq!(upload.admit(15, Epoch(3), 5, None), Ok(Some(20)));
        assert_eq!(
            upload.admit(10, Epoch(3), 5, None),
            Err(Refusal::WrongOffset { offset: 15, epoch: Epoch(3) })
        );
    }

    #[test]
    fn a_deferred_length_is_declared_once() {
        assert_eq!(receiving(0, None).admit(0, Epoch(3), 5, None), Ok(None));
        assert_eq!(receiving(0, None).admit(0, Epoch(3), 5, Some(5)), Ok(Some(5)));
        assert_eq!(receiving(0, Some(5)).admit(0, Epoch(3), 5, Some(5)), Ok(Some(5)));
        let known = Refusal::LengthIsKnown { length: 6 };
        assert_eq!(receiving(0, Some(6)).admit(0, Epoch(3), 5, Some(5)), Err(known));
        let past = Refusal::PastTheEnd { length: 4 };
        assert_eq!(receiving(0, None).admit(0, Epoch(3), 5, Some(4)), Err(past));
    }

    #[test]
    fn a_final_upload_takes_nothing_whatever_else_is_wrong() {
        let concat = Some(Concat::Final { urls: "/files/a".into() });
        let upload = Upload { concat, ..receiving(0, None) };
        assert_eq!(upload.admit(0, Epoch(3), 5, None), Err(Refusal::Final));
        assert_eq!(upload.admit(7, Epoch(2), 5, Some(1)), Err(Refusal::Final));
    }

    #[test]
    fn a_complete_upload_takes_nothing_more() {
        let upload = Upload { completed_at: Some(OffsetDateTime::UNIX_EPOCH), ..receiving(5, Some(5)) };
        assert_eq!(upload.state(), State::Complete);
        assert_eq!(upload.admit(5, Epoch(3), 0, None), Err(Refusal::Complete { offset: 5, epoch: Epoch(3) }));
    }
}
