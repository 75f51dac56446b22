//! Records of complete uploads, remembered for those who read their content.
//!
//! A complete upload that has its digest changes no more: all that can become of it is to be removed. So who reads its content
//! need not ask for the record first each time; the backend that is asked for the bytes says whether it is still there. Whatever
//! can be answered without bytes has to ask.

use crate::domain::{State, Upload, UploadId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A few, since one that is not remembered costs a question.
const MOST: usize = 256;
/// Of what a client may make as long as it likes.
const LARGEST_BYTES: usize = 1 << 10;

/// What one worker remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Rc<RefCell<HashMap<UploadId, Upload>>>);

impl Known {
    pub(super) fn get(&self, id: UploadId) -> Option<Upload> {
        self.0.borrow().get(&id).cloned()
    }

    pub(super) fn remember(&self, upload: &Upload) {
        let text = upload.metadata.len() + upload.content_type.as_ref().map_or(0, String::len);
        let settled = upload.state() == State::Complete && upload.sha256.is_some();
        // An empty file is answered without a backend that would miss it.
        if !settled || upload.offset == 0 || text > LARGEST_BYTES {
            return;
        }
        let mut known = self.0.borrow_mut();
        if known.len() >= MOST {
            known.clear();
        }
        // What it was made of may be long, and is nothing that its readers ask for.
        known.insert(upload.id, Upload { concat: None, ..upload.clone() });
    }

    pub(super) fn forget(&self, id: UploadId) {
        self.0.borrow_mut().remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Concat, Epoch, FileName, Sha256Sum};
    use time::OffsetDateTime;

    fn complete() -> Upload {
        let now = OffsetDateTime::UNIX_EPOCH;
        Upload {
            id: UploadId::mint(),
            filename: FileName::clean("a file"),
            content_type: None,
            metadata: String::new(),
            length: Some(3),
            offset: 3,
            pending: None,
            epoch: Epoch::FIRST,
            concat: None,
            sha256: Some(Sha256Sum([7; 32])),
            created_at: now,
            completed_at: Some(now),
            expires_at: None,
        }
    }

    #[test]
    fn what_is_complete_is_remembered_until_it_is_forgotten() {
        let (known, upload) = (Known::default(), complete());
        known.remember(&upload);
        assert_eq!(known.get(upload.id), Some(upload.clone()));
        known.forget(upload.id);
        assert_eq!(known.get(upload.id), None);
    }

    #[test]
    fn what_an_upload_was_made_of_takes_no_memory() {
        let (known, urls) = (Known::default(), "/files/a ".repeat(10_000));
        let made = Upload { concat: Some(Concat::Final { urls }), ..complete() };
        known.remember(&made);
        assert_eq!(known.get(made.id), Some(Upload { concat: None, ..made }));
    }

    #[test]
    fn what_may_change_or_has_no_bytes_or_is_large_is_not_remembered() {
        let known = Known::default();
        for upload in [
            Upload { completed_at: None, length: Some(4), ..complete() },
            Upload { sha256: None, ..complete() },
            Upload { length: Some(0), offset: 0, ..complete() },
            Upload { metadata: "x".repeat(LARGEST_BYTES + 1), ..complete() },
        ] {
            known.remember(&upload);
            assert_eq!(known.get(upload.id), None, "{upload:?}");
        }
    }

    #[test]
    fn no_more_than_a_few_are_remembered_and_always_the_last() {
        let known = Known::default();
        for _ in 0..3 * MOST {
            let upload = complete();
            known.remember(&upload);
            assert_eq!(known.get(upload.id), Some(upload));
            assert!(known.0.borrow().len() <= MOST);
        }
    }
}
