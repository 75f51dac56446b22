use super::{Registry, Replica};
use std::time::Duration;
use tokio::time::Instant;

/// How often a replica says how it is.
const EVERY: Duration = Duration::from_millis(500);

/// Tells the registry how the replica is, every so often, and at once when it becomes ready or begins to drain. Goes on until
/// it is dropped: who has closed and still finishes what it has begun lives, too.
pub async fn beat(replica: &Replica, registry: &dyn Registry) {
    let mut phases = replica.phases();
    loop {
        let begun = Instant::now();
        phases.mark_unchanged();
        // One that was not heard is not repeated: the next one says more.
        if let Err(error) = registry.heard(replica.report()).await {
            log::debug!("the replica could not report itself: {error}");
        }
        tokio::select! {
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
    use std::pin::pin;

    /// Hears everything, and after a phase makes the replica's next one begin.
    struct Ear<'a> {
        replica: &'a Replica,
        heard: RefCell<Vec<Phase>>,
    }

    #[async_trait(?Send)]
    impl Registry for Ear<'_> {
        async fn heard(&self, report: Report) -> Result<(), RegistryError> {
            self.heard.borrow_mut().push(report.state);
            match report.state {
                Phase::Starting => drop(self.replica.became_ready()),
                Phase::Ready => self.replica.drain(),
                Phase::Draining => {}
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
        let ear = Ear { replica: &replica, heard: RefCell::default() };
        let mut beating = pin!(beat(&replica, &ear));
        // Polled once and never woken by a timer.
        assert!(futures_util::poll!(beating.as_mut()).is_pending());
        assert_eq!(*ear.heard.borrow(), [Phase::Starting, Phase::Ready, Phase::Draining]);
    }
}
