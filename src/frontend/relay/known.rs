//! Records of complete uploads, remembered for those who read their content.
//!
//! A complete upload that has its digest changes no more: all that can become of it is to be removed. So who reads its content
//! need not ask for the record first each time; the backend that is asked for the bytes says whether it is still there. Whatever
//! can be answered without bytes has to ask.

use crate::domain::{Upload, UploadId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A few, since one that is not remembered costs a question.
const MOST: usize = 256;

/// What one worker remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Rc<RefCell<HashMap<UploadId, Upload>>>);

impl Known {
    pub(super) fn get(&self, id: UploadId) -> Option<Upload> {
        self.0.borrow().get(&id).cloned()
    }

    pub(super) fn remember(&self, upload: &Upload) {
        // An empty file is answered without a backend that would miss it.
        let Some(upload) = upload.lasting().filter(|upload| upload.offset > 0) else { return };
        let mut known = self.0.borrow_mut();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(upload.id, upload);
    }

    pub(super) fn forget(&self, id: UploadId) {
        self.0.borrow_mut().remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_complete_is_remembered_until_it_is_forgotten() {
        let (known, upload) = (Known::default(), Upload::of_length(3));
        known.remember(&upload);
        assert_eq!(known.get(upload.id), Some(upload.clone()));
        known.forget(upload.id);
        assert_eq!(known.get(upload.id), None);
    }

    #[test]
    fn what_may_change_or_has_no_bytes_is_not_remembered() {
        let known = Known::default();
        for upload in [Upload { sha256: None, ..Upload::of_length(3) }, Upload::of_length(0)] {
            known.remember(&upload);
            assert_eq!(known.get(upload.id), None, "{upload:?}");
        }
    }

    #[test]
    fn no_more_than_a_few_are_remembered_and_always_the_last() {
        let known = Known::default();
        for _ in 0..3 * MOST {
            let upload = Upload::of_length(3);
            known.remember(&upload);
            assert_eq!(known.get(upload.id), Some(upload));
            assert!(known.0.borrow().len() <= MOST);
        }
    }
}
