use std::time::{Duration, Instant};

/// What is known of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Not asked yet.
    Unknown,
    Ready,
    /// It answers, and says that it is not ready: its database is away, or it drains. Not a reason to eject it.
    Unready,
    /// It does not answer, or answers wrongly. It gets nothing while there is another.
    Ejected,
}

/// How a replica took a probe of its readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    Ready,
    Unready,
    /// No connection: the process is gone, or accepts nothing more and finishes what it has begun.
    Refused,
    /// No answer in time, or no sense in it.
    Silent,
}

/// What a request asks of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// To store or to send bytes of an upload.
    Bytes,
    /// To answer a question.
    Question,
}

/// The health of a replica, as probes and requests tell it.
#[derive(Debug)]
pub struct Condition {
    health: Health,
    /// Requests that failed since the last one that did not.
    failures: u32,
    /// One of these failures was of a request with bytes of an upload.
    failed_with_bytes: bool,
    /// Ejections for failed requests since the last request that did not fail.
    ejections: u32,
    /// Until then a good probe does not bring it back.
    barred_until: Option<Instant>,
}

/// A replica that answers its probes but fails this many requests one after the other is ejected all the same.
const FAILURES_TO_EJECT: u32 = 3;
const FIRST_BAR: Duration = Duration::from_secs(1);
const LONGEST_BAR: Duration = Duration::from_secs(30);

impl Default for Condition {
    fn default() -> Self {
        Self {
            health: Health::Unknown,
            failures: 0,
            failed_with_bytes: false,
            ejections: 0,
            barred_until: None,
        }
    }
}

impl Condition {
    pub fn health(&self) -> Health {
        self.health
    }

    /// A probe ended.
    pub fn probed(&mut self, probe: Probe, now: Instant) {
        let barred = self.barred_until.is_some_and(|until| now < until);
        self.health = match probe {
            Probe::Refused | Probe::Silent => Health::Ejected,
            _ if barred => Health::Ejected,
            Probe::Ready => Health::Ready,
            Probe::Unready => Health::Unready,
        };
    }

    /// A request was answered. One without bytes of an upload says nothing of a replica that failed with them: its disk may
    /// hang while it answers questions.
    pub fn succeeded(&mut self, load: Load) {
        if load == Load::Bytes || !self.failed_with_bytes {
            *self = Self { health: self.health, ..Self::default() };
        }
    }

    /// No connection could be made: nobody is there. The next good probe brings it back.
    pub fn refused(&mut self) {
        self.health = Health::Ejected;
    }

    /// A request was sent and not answered, or with rubbish. One such may be an old connection that was closed; several in a
    /// row are a fault that probes do not see, and each further ejection lasts twice as long. All that was in flight when it
    /// was ejected fails with it, and that counts once.
    pub fn failed(&mut self, load: Load, now: Instant) {
        if self.barred_until.is_some_and(|until| now < until) {
            return;
        }
        self.failures += 1;
        self.failed_with_bytes |= load == Load::Bytes;
        if self.failures >= FAILURES_TO_EJECT {
            let bar = FIRST_BAR * 2u32.saturating_pow(self.ejections.min(8));
            self.barred_until = Some(now + bar.min(LONGEST_BAR));
            self.ejections += 1;
            self.failures = 0;
            self.health = Health::Ejected;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> Condition {
        let mut condition = Condition::default();
        condition.probed(Probe::Ready, Instant::now());
        condition
    }

    #[test]
    fn an_unready_replica_is_not_ejected() {
        let mut condition = ready();
        condition.probed(Probe::Unready, Instant::now());
        assert_eq!(condition.health(), Health::Unready);
    }

    #[test]
    fn a_refused_connection_ejects_until_the_next_good_probe() {
        let mut condition = ready();
        condition.refused();
        assert_eq!(condition.health(), Health::Ejected);
        condition.probed(Probe::Ready, Instant::now());
        assert_eq!(condition.health(), Health::Ready);
    }

    #[test]
    fn one_broken_connection_does_not_eject() {
        let now = Instant::now();
        let mut condition = ready();
        for _ in 0..10 {
            condition.failed(Load::Question, now);
            condition.failed(Load::Question, now);
            condition.succeeded(Load::Question);
        }
        assert_eq!(condition.health(), Health::Ready);
    }

    #[test]
    fn failing_again_and_again_ejects_for_twice_as_long_each_time() {
        let mut now = Instant::now();
        let mut condition = ready();
        let mut bar = FIRST_BAR;
        for _ in 0..3 {
            (0..FAILURES_TO_EJECT).for_each(|_| condition.failed(Load::Question, now));
            condition.probed(Probe::Ready, now + bar - Duration::from_millis(1));
            assert_eq!(condition.health(), Health::Ejected);
            now += bar;
            condition.probed(Probe::Ready, now);
            assert_eq!(condition.health(), Health::Ready);
            bar *= 2;
        }
    }

    #[test]
    fn answers_to_questions_do_not_make_up_for_bytes_that_failed() {
        let now = Instant::now();
        let mut condition = ready();
        for _ in 0..FAILURES_TO_EJECT {
            assert_eq!(condition.health(), Health::Ready);
            condition.failed(Load::Bytes, now);
            condition.succeeded(Load::Question);
        }
        assert_eq!(condition.health(), Health::Ejected);
        condition.succeeded(Load::Bytes);
        condition.probed(Probe::Ready, now);
        assert_eq!(condition.health(), Health::Ready);
    }

    #[test]
    fn what_fails_together_ejects_once() {
        let now = Instant::now();
        let mut condition = ready();
        (0..10 * FAILURES_TO_EJECT).for_each(|_| condition.failed(Load::Question, now));
        condition.probed(Probe::Ready, now + FIRST_BAR);
        assert_eq!(condition.health(), Health::Ready);
    }
}
