//! What was found of complete uploads a moment ago, for those who read their content.
//!
//! A complete upload changes no more: all that can become of it is to be removed, through any backend. So what the catalog
//! said of one holds for a moment from when it was asked; and whoever removes an upload says so only when that moment is over
//! for all who asked before. Who comes after that is told the truth. So a file that many read at once costs a question now
//! and then, and no backend has to tell another of a removal.

use super::content::check_gapless;
use crate::domain::UploadId;
use crate::uploads::Sought;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long what the catalog said holds.
const HOLDS: Duration = Duration::from_millis(40);
/// A few, since one that is not remembered costs a question.
const MOST: usize = 256;
const MOST_EXTENTS: usize = 64;

/// What one backend has found.
#[derive(Clone)]
pub(super) struct Recent {
    found: Arc<Mutex<HashMap<UploadId, Found>>>,
    holds: Duration,
}

struct Found {
    sought: Sought,
    asked: Instant,
}

impl Found {
    fn holds(&self, now: Instant, holds: Duration) -> bool {
        now.saturating_duration_since(self.asked) < holds
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::holding(HOLDS)
    }
}

impl Recent {
    pub(super) fn holding(holds: Duration) -> Self {
        Self { found: Arc::default(), holds }
    }

    /// How long nothing is said of a removal. Longer, for no two clocks run at quite the same speed.
    pub(super) fn silence(&self) -> Duration {
        self.holds * 5 / 4
    }

    /// The upload and where the bytes of `range` are, as far as it has them.
    pub(super) fn get(&self, id: UploadId, range: &Range<u64>, now: Instant) -> Option<Sought> {
        let recent = self.lock();
        let found = recent.get(&id).filter(|found| found.holds(now, self.holds))?;
        let upload = &found.sought.upload;
        let range = range.start..range.end.min(upload.offset);
        let extents: Vec<_> =
            found.sought.extents.iter().filter_map(|extent| extent.within(&range)).collect();
        check_gapless(&extents, &range).ok()?;
        Some(Sought { upload: upload.clone(), extents })
    }

    /// Keeps what was found when the catalog was `asked`, together with what else is known of the upload and still holds.
    pub(super) fn remember(&self, sought: &Sought, asked: Instant) {
        let Some(upload) = sought.upload.lasting().filter(|_| sought.extents.len() <= MOST_EXTENTS) else {
            return;
        };
        let mut extents = sought.extents.clone();
        let mut recent = self.lock();
        if let Some(before) = recent.remove(&upload.id).filter(|before| before.holds(asked, self.holds)) {
            extents.extend(before.sought.extents);
            extents.sort_by_key(|extent| extent.offset);
            extents.dedup();
        }
        if extents.len() > MOST_EXTENTS {
            extents.clone_from(&sought.extents);
        }
        if recent.len() >= MOST {
            recent.clear();
        }
        recent.insert(upload.id, Found { sought: Sought { upload, extents }, asked });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UploadId, Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{BlobId, Epoch, Extent, Upload};
    use uuid::Uuid;

    const LENGTH: u64 = 100;

    fn complete() -> Upload {
        Upload::of_length(LENGTH)
    }

    fn extent(range: Range<u64>) -> Extent {
        let (offset, length) = (range.start, range.end - range.start);
        Extent { offset, length, blob: BlobId(Uuid::nil()), epoch: Epoch::FIRST, start: offset }
    }

    fn found(upload: &Upload, extents: &[(u64, u64)]) -> Sought {
        let extents = extents.iter().map(|&(start, end)| extent(start..end)).collect();
        Sought { upload: upload.clone(), extents }
    }

    #[test]
    fn what_was_found_holds_for_a_moment_from_when_it_was_asked_and_no_removal_is_told_of_within_it() {
        let (recent, upload, asked) = (Recent::default(), complete(), Instant::now());
        recent.remember(&found(&upload, &[(0, LENGTH)]), asked);
        let known = recent.get(upload.id, &(10..20), asked + HOLDS - Duration::from_nanos(1)).unwrap();
        assert_eq!((known.upload, known.extents), (upload.clone(), vec![extent(10..20)]));
        assert!(recent.get(upload.id, &(10..20), asked + HOLDS).is_none());
        assert!(recent.get(UploadId::mint(), &(10..20), asked).is_none());
        assert!(HOLDS < recent.silence());
    }

    #[test]
    fn a_range_is_known_where_all_its_bytes_are() {
        let (recent, upload, now) = (Recent::default(), complete(), Instant::now());
        recent.remember(&found(&upload, &[(0, 30)]), now);
        assert!(recent.get(upload.id, &(20..40), now).is_none());
        recent.remember(&found(&upload, &[(30, 60)]), now);
        assert_eq!(recent.get(upload.id, &(20..40), now).unwrap().extents, [extent(20..30), extent(30..40)]);
        assert!(recent.get(upload.id, &(50..LENGTH), now).is_none());
        recent.remember(&found(&upload, &[(60, LENGTH)]), now);
        assert_eq!(recent.get(upload.id, &(90..u64::MAX), now).unwrap().extents, [extent(90..LENGTH)]);
    }

    #[test]
    fn what_no_longer_holds_is_not_made_to_hold_by_what_is_found_later() {
        let (recent, upload, asked) = (Recent::default(), complete(), Instant::now());
        recent.remember(&found(&upload, &[(0, 30)]), asked);
        recent.remember(&found(&upload, &[(30, 60)]), asked + HOLDS);
        assert!(recent.get(upload.id, &(0..30), asked + HOLDS).is_none());
        assert!(recent.get(upload.id, &(30..60), asked + HOLDS).is_some());
    }

    #[test]
    fn what_may_change_or_lies_in_many_pieces_is_not_remembered() {
        let (recent, now) = (Recent::default(), Instant::now());
        let upload = Upload { sha256: None, ..complete() };
        recent.remember(&found(&upload, &[(0, LENGTH)]), now);
        assert!(recent.get(upload.id, &(0..1), now).is_none());
        let (pieces, whole) = (complete(), complete());
        let many: Vec<_> = (0..=MOST_EXTENTS as u64).map(|at| (at, at + 1)).collect();
        recent.remember(&found(&pieces, &many), now);
        assert!(recent.get(pieces.id, &(0..1), now).is_none());
        recent.remember(&found(&whole, &many[1..]), now);
        recent.remember(&found(&whole, &many[..1]), now);
        assert_eq!(recent.get(whole.id, &(0..1), now).unwrap().extents, [extent(0..1)]);
        assert!(recent.get(whole.id, &(1..2), now).is_none());
    }

    #[test]
    fn no_more_than_a_few_are_remembered_and_always_the_last() {
        let (recent, now) = (Recent::default(), Instant::now());
        for _ in 0..3 * MOST {
            let upload = complete();
            recent.remember(&found(&upload, &[(0, LENGTH)]), now);
            assert!(recent.get(upload.id, &(0..1), now).is_some());
            assert!(recent.lock().len() <= MOST);
        }
    }
}
