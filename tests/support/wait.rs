use std::fmt::Display;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen. Far more than it takes: only a failing test ever waits so long.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Asks again and again until there is an answer.
pub fn until<T>(what: impl Display, ask: impl FnMut() -> Option<T>) -> T {
    within(DEADLINE, ask).unwrap_or_else(|| panic!("waited {DEADLINE:?} in vain: {what}"))
}

/// Asks again and again until there is an answer or the time is over.
pub fn within<T>(time: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || begin.elapsed() >= time {
            return answer;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A value that threads change and a test waits on.
#[derive(Default)]
pub struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.lock())
    }

    pub fn wait_until(&self, what: impl Display, reached: impl Fn(&T) -> bool) {
        let waited = self.changed.wait_timeout_while(self.lock(), DEADLINE, |value| !reached(value));
        let timed_out = waited.map(|(_, outcome)| outcome.timed_out()).unwrap_or(true);
        assert!(!timed_out, "waited {DEADLINE:?} in vain: {what}");
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        // A test that panicked has left nothing half-changed.
        self.value.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
