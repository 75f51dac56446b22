//! To which backend chunks are sent ahead, and how many.

use super::client::Whereabouts;
use crate::balance::{Health, Target};
use std::cell::Cell;
use std::sync::Arc;

/// How many chunks go to one backend, one after the other. Then whoever is least busy gets the next one, which waits until all
/// before it are stored: the backends share what a large upload costs.
const RUN: u32 = 8;

/// The chunks of one request that go to one backend.
#[derive(Default)]
pub(super) struct Run {
    /// Which one that is.
    pub at: Whereabouts,
    /// How many chunks may still be sent ahead.
    ahead: Cell<u32>,
    /// How many chunks are not to be followed, before it is tried again.
    resting: Cell<u32>,
    /// How many runs were begun.
    number: Cell<u64>,
    /// Of which of them something was refused, and nothing sent ahead stored since.
    refused: Cell<Option<u64>>,
    /// In which of them nobody knew last what became of something.
    failed: Cell<Option<u64>>,
}

impl Run {
    /// A chunk is sent to whichever backend is least busy.
    pub fn begin(&self) {
        self.number.set(self.number.get() + 1);
        match self.resting.get() {
            0 => self.ahead.set(RUN - 1),
            left => self.resting.set(left - 1),
        }
    }

    /// One is sent ahead.
    pub fn spend(&self) {
        self.ahead.set(self.ahead.get().saturating_sub(1));
    }

    /// A backend that drains, or has lost its database, is sent nothing ahead.
    pub fn may_follow(&self) -> bool {
        let is_ready = |target: &Arc<Target>| target.health() == Health::Ready;
        self.ahead.get() > 0 && self.at.borrow().as_ref().is_some_and(is_ready)
    }

    /// What was sent ahead is stored.
    pub fn succeeded(&self) {
        self.refused.set(None);
    }

    /// Nobody knows what became of it: a connection was closed just then, or the backend is dying.
    pub fn failed(&self) {
        self.ahead.set(0);
        self.failed.set(Some(self.number.get()));
    }

    /// It was not taken. In one run that may be since it overtook the one before it, and then whatever follows it is not taken
    /// either; a backend of an earlier release takes none.
    pub fn refused(&self) {
        self.ahead.set(0);
        let now = self.number.get();
        // What followed something that is lost.
        if self.failed.get() == Some(now) {
            return;
        }
        if self.refused.replace(Some(now)).is_some_and(|before| before != now) {
            self.resting.set(RUN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::Probe;
    use std::time::Instant;

    fn at_a_ready_backend() -> Run {
        let target = Arc::new(Target::new(([127, 0, 0, 1], 1).into()));
        target.probed(Probe::Ready, Instant::now());
        let run = Run::default();
        run.at.replace(Some(target));
        run
    }

    /// How many chunks follow the next one.
    fn followers(run: &Run) -> usize {
        run.begin();
        let follow = || {
            run.may_follow().then(|| {
                run.spend();
                run.succeeded();
            })
        };
        std::iter::from_fn(follow).count()
    }

    #[test]
    fn eight_chunks_go_to_one_backend() {
        let run = at_a_ready_backend();
        assert_eq!([followers(&run), followers(&run)], [7, 7]);
    }

    #[test]
    fn nothing_is_sent_ahead_to_a_backend_that_is_not_ready_or_not_known() {
        let run = at_a_ready_backend();
        run.at.borrow().as_ref().unwrap().probed(Probe::Unready, Instant::now());
        assert_eq!(followers(&run), 0);
        run.at.replace(None);
        assert_eq!(followers(&run), 0);
    }

    #[test]
    fn who_refuses_in_one_run_is_tried_again_with_the_next_and_who_does_so_in_two_after_eight_chunks() {
        let run = at_a_ready_backend();
        run.begin();
        run.refused();
        // What followed that one.
        run.refused();
        assert!(!run.may_follow());
        assert_eq!(followers(&run), 7);
        for _ in 0..2 {
            run.begin();
            run.refused();
        }
        assert_eq!([0; 8].map(|_| followers(&run)), [0; 8]);
        assert_eq!(followers(&run), 7);
    }

    #[test]
    fn whose_answer_is_lost_is_sent_nothing_ahead_before_the_next_run() {
        let run = at_a_ready_backend();
        run.begin();
        for _ in 0..2 {
            run.failed();
            // What followed that one.
            run.refused();
            assert!(!run.may_follow());
            run.begin();
        }
        assert_eq!(followers(&run), 7);
    }
}
