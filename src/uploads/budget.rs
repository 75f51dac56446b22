use super::UploadError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many bytes of uploads this process may hold in memory: bounded by configuration, not by traffic.
///
/// Bytes are granted when the first of them arrive and given back when what they belong to is dropped. Whoever holds granted
/// bytes that are not yet sent must not wait for more ([`Budget::try_take`] only), or slow senders could lock the budget up
/// among themselves.
#[derive(Clone, Debug)]
pub struct Budget {
    free: Arc<Semaphore>,
    total: u32,
    patience: Duration,
    worth_trying: Arc<AtomicUsize>,
}

/// How long a backend lets a request wait for room: with what its database may take after that, it still says no before the
/// relay gives up on it.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is said where there is no room, or no time: it may be otherwise soon.
pub(super) fn busy() -> UploadError {
    UploadError::Unavailable { retry_after: Duration::from_secs(2) }
}

/// Bytes granted. They are free again when it is dropped.
#[derive(Debug)]
pub struct Grant(OwnedSemaphorePermit);

impl Budget {
    pub fn new(bytes: u32) -> Self {
        let (free, worth_trying) =
            (Arc::new(Semaphore::new(bytes as usize)), Arc::new(AtomicUsize::new(usize::MAX)));
        Self { free, total: bytes, patience: PATIENCE, worth_trying }
    }

    /// A relay has more patience: while it asks again and again for one chunk, the next one waits for room, and must not fail
    /// an upload that would go on.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The bytes if they are free now.
    pub fn try_take(&self, bytes: usize) -> Option<Grant> {
        self.free.clone().try_acquire_many_owned(self.clamp(bytes)).ok().map(Grant)
    }

    /// The bytes as soon as they are free, in the order of asking; `None` if they are not within the patience.
    pub async fn take(&self, bytes: usize) -> Option<Grant> {
        let granted = self.free.clone().acquire_many_owned(self.clamp(bytes));
        tokio::time::timeout(self.patience, granted).await.ok()?.ok().map(Grant)
    }

    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    pub fn total(&self) -> usize {
        self.total as usize
    }

    /// The largest chunk that is worth trying, as far as those know who share the budget: twice what was stored quickly.
    pub fn worth_trying(&self) -> usize {
        self.worth_trying.load(Relaxed)
    }

    pub fn tell_quick_up_to(&self, bytes: usize) {
        self.worth_trying.fetch_max(bytes, Relaxed);
    }

    pub fn tell_slow_beyond(&self, bytes: usize) {
        self.worth_trying.fetch_min(bytes, Relaxed);
    }

    /// One request larger than the whole budget waits for all of it, rather than for ever.
    fn clamp(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.total)
    }
}

impl Grant {
    pub fn bytes(&self) -> usize {
        self.0.num_permits()
    }

    pub fn join(&mut self, other: Grant) {
        self.0.merge(other.0);
    }

    /// Gives back what it has beyond `bytes`.
    pub fn keep(&mut self, bytes: usize) {
        drop(self.0.split(self.bytes().saturating_sub(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn bytes_are_free_again_when_their_grant_is_dropped() {
        let budget = Budget::new(100).with_patience(Duration::from_millis(1));
        let mut grant = budget.try_take(60).unwrap();
        assert!(budget.try_take(60).is_none());
        grant.join(budget.try_take(40).unwrap());
        assert!(budget.take(1).await.is_none());
        drop(grant);
        assert_eq!(budget.free(), 100);
    }

    #[actix_web::test]
    async fn what_was_granted_and_is_not_needed_can_be_given_back() {
        let budget = Budget::new(100);
        let mut grant = budget.try_take(60).unwrap();
        grant.keep(80);
        assert_eq!((grant.bytes(), budget.free()), (60, 40));
        grant.keep(10);
        assert_eq!((grant.bytes(), budget.free()), (10, 90));
    }

    #[actix_web::test]
    async fn more_than_the_whole_budget_waits_for_all_of_it() {
        let budget = Budget::new(100);
        assert!(budget.take(1000).await.is_some());
    }
}
