//! Files whose names are durable already.

use crate::domain::BlobEpoch;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// A relay sends several chunks in a row to the same file; one that was forgotten is made durable once more.
const REMEMBERED: usize = 1024;

/// The files whose names this process has made durable, those that were written last. That lasts, since none whose bytes may
/// count is deleted; one that is gone all the same is told of when it is made again. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Named(Arc<Mutex<VecDeque<BlobEpoch>>>);

impl Named {
    /// Does `make_durable` unless that was done before.
    pub fn once<E>(&self, bytes: BlobEpoch, make_durable: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if !self.with(|named| named.contains(&bytes)) {
            make_durable()?;
        }
        self.with(|named| {
            named.retain(|one| *one != bytes);
            named.truncate(REMEMBERED - 1);
            named.push_front(bytes);
        });
        Ok(())
    }

    /// The file was not there.
    pub fn forget(&self, bytes: BlobEpoch) {
        self.with(|named| named.retain(|one| *one != bytes));
    }

    /// Nothing is done under the lock that could panic half-way.
    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<BlobEpoch>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BlobId, Epoch};
    use uuid::Uuid;

    #[test]
    fn what_failed_is_done_again_and_what_is_done_is_remembered_among_the_latest() {
        let named = Named::default();
        let [first, another] =
            [1, 2].map(|epoch| BlobEpoch { blob: BlobId(Uuid::now_v7()), epoch: Epoch(epoch) });
        assert_eq!(named.once(first, || Err("no")), Err("no"));
        let asked = |bytes| {
            let mut asked = false;
            named
                .once::<()>(bytes, || {
                    asked = true;
                    Ok(())
                })
                .unwrap();
            asked
        };
        assert!(asked(first) && !asked(first));
        assert!(asked(another) && !asked(another) && !asked(first));
        for epoch in 3..=REMEMBERED as i64 + 1 {
            assert!(asked(BlobEpoch { epoch: Epoch(epoch), ..another }));
        }
        assert!(!asked(first) && asked(another), "of two the one that was written last stays");
        named.forget(first);
        assert!(asked(first) && !asked(first));
    }
}
