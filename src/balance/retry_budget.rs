use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many requests may be repeated at once, in proportion to those that were made: a fifth, and ten each second besides.
///
/// A backend's death costs each request in flight there one repetition; a general failure must not double the load on what
/// is left. Without budget a request is still repeated, only after a pause.
#[derive(Debug)]
pub struct RetryBudget(Mutex<Tokens>);

#[derive(Debug)]
struct Tokens {
    count: f64,
    filled_at: Instant,
}

const PER_REQUEST: f64 = 0.2;
const PER_SECOND: f64 = 10.0;
const MOST: f64 = 100.0;

impl RetryBudget {
    pub fn new(now: Instant) -> Self {
        Self(Mutex::new(Tokens { count: PER_SECOND, filled_at: now }))
    }

    /// A request was made.
    pub fn deposit(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.count = (tokens.count + PER_REQUEST).min(MOST);
    }

    /// Asks to repeat a request at once.
    pub fn withdraw(&self, now: Instant) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = now.saturating_duration_since(tokens.filled_at).as_secs_f64() * PER_SECOND;
        tokens.count = (tokens.count + filled).min(MOST);
        tokens.filled_at = now;
        let granted = tokens.count >= 1.0;
        if granted {
            tokens.count -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn withdrawn(budget: &RetryBudget, now: Instant) -> usize {
        (0..1000).take_while(|_| budget.withdraw(now)).count()
    }

    #[test]
    fn a_fifth_of_the_requests_may_be_repeated() {
        let now = Instant::now();
        let budget = RetryBudget::new(now);
        withdrawn(&budget, now);
        (0..100).for_each(|_| budget.deposit());
        assert!((19..=20).contains(&withdrawn(&budget, now)));
    }

    #[test]
    fn the_budget_fills_with_time_up_to_a_bound() {
        let now = Instant::now();
        let budget = RetryBudget::new(now);
        assert_eq!(withdrawn(&budget, now), 10);
        assert_eq!(withdrawn(&budget, now + Duration::from_secs(2)), 20);
        assert_eq!(withdrawn(&budget, now + Duration::from_secs(3600)), 100);
    }
}
