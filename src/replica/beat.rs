use super::{Registry, Replica};
use std::pin::pin;
use std::time::Duration;
use tokio::time::Instant;

/// How often a replica says how it is.
const EVERY: Duration = Duration::from_millis(500);

/// Tells the registry how the replica is, every so often, and at once when it becomes ready or begins to drain. Goes on until
/// `end`, for who has closed and still finishes what it has begun lives, too. A report that is on its way then is waited for,
/// so that it does not come after the replica has taken its leave.
pub async fn beat(replica: &Replica, registry: &dyn Registry, end: impl Future) {
    let mut phases = replica.phases();
    let mut end = pin!(end);
    loop {
        let begun = Instant::now();
        phases.mark_unchanged();
        // One that was not heard is not repeated: the next one says more.
        if let Err(error) = registry.heard(replica.report()).await {
            log::debug!("the replica could not report itself: {error}");
        }
        tokio::select! {
            _ = &mut end => return,
            // The sender is the replica's, which outlives this.
            _ = phases.changed() => {}
            () = tokio::time::sleep_until(begun + EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ContainerId;
    use crate::replica::{Identity, Live, Phase, RegistryError, Report, Role};
    use async_trait::async_trait;
    use std::cell::RefCell;
    use std::future::{pending, ready};
    use tokio::sync::Notify;

    /// Hears everything, and after a phase makes the replica's next one begin. The last report it keeps until it is told.
    struct Ear<'a> {
        replica: &'a Replica,
        heard: RefCell<Vec<Phase>>,
        told: Notify,
    }

    impl<'a> Ear<'a> {
        fn of(replica: &'a Replica) -> Self {
            Self { replica, heard: RefCell::default(), told: Notify::new() }
        }
    }

    #[async_trait(?Send)]
    impl Registry for Ear<'_> {
        async fn heard(&self, report: Report) -> Result<(), RegistryError> {
            self.heard.borrow_mut().push(report.state);
            match report.state {
                Phase::Starting => drop(self.replica.became_ready()),
                Phase::Ready => self.replica.drain(),
                Phase::Draining => self.told.notified().await,
            }
            Err(RegistryError)
        }

        async fn left(&self, _: ContainerId) -> Result<(), RegistryError> {
            Ok(())
        }

        async fn live(&self, _: &str) -> Result<Live, RegistryError> {
            Err(RegistryError)
        }
    }

    #[tokio::test]
    async fn a_new_phase_is_told_at_once() {
        let replica = Replica::new(Role::Backend, Identity::invented());
        let ear = Ear::of(&replica);
        let mut beating = pin!(beat(&replica, &ear, pending::<()>()));
        // Polled once and never woken by a timer.
        assert!(futures_util::poll!(beating.as_mut()).is_pending());
        assert_eq!(*ear.heard.borrow(), [Phase::Starting, Phase::Ready, Phase::Draining]);
    }

    #[tokio::test]
    async fn the_last_report_does_not_come_after_the_end() {
        let replica = Replica::new(Role::Backend, Identity::invented());
        replica.drain();
        let ear = Ear::of(&replica);
        let mut beating = pin!(beat(&replica, &ear, ready(())));
        assert!(futures_util::poll!(beating.as_mut()).is_pending());
        ear.told.notify_one();
        assert!(futures_util::poll!(beating.as_mut()).is_ready());
        assert_eq!(ear.heard.borrow().len(), 1);
    }
}
