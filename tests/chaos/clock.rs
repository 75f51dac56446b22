use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// In which part of the run we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Faults,
    /// Faults are mended, clients finish what they have begun.
    Recovery,
    /// Everything is judged; processes may end.
    Over,
}

pub struct Clock {
    pub begun: Instant,
    phase: Mutex<(Phase, Instant)>,
    changed: Condvar,
}

/// Ends the run when dropped, so that whoever waits for that does so also when the audit panics.
pub struct UntilOver<'a>(&'a Clock);

/// How long clients have to finish after the last fault. Longer than the longest of the service's own timeouts.
const FINISH: Duration = Duration::from_secs(120);

impl Clock {
    pub fn start() -> Self {
        let begun = Instant::now();
        Self { begun, phase: Mutex::new((Phase::Faults, begun)), changed: Condvar::new() }
    }

    /// Waits, but not past the end of the faults. Says whether they still go on.
    pub fn pause(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |(phase, _)| *phase == Phase::Faults);
        waited.unwrap_or_else(PoisonError::into_inner).0.0 == Phase::Faults
    }

    pub fn faults_go_on(&self) -> bool {
        self.lock().0 == Phase::Faults
    }

    /// Whoever has not finished by now is stuck.
    pub fn is_too_late(&self) -> bool {
        let (phase, since) = *self.lock();
        phase > Phase::Faults && since.elapsed() > FINISH
    }

    pub fn end_faults(&self) {
        self.enter(Phase::Recovery);
    }

    pub fn until_over(&self) -> UntilOver<'_> {
        UntilOver(self)
    }

    pub fn wait_until_over(&self) {
        let waited = self.changed.wait_while(self.lock(), |(phase, _)| *phase < Phase::Over);
        drop(waited);
    }

    fn enter(&self, phase: Phase) {
        *self.lock() = (phase, Instant::now());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UntilOver<'_> {
    fn drop(&mut self) {
        self.0.enter(Phase::Over);
    }
}
