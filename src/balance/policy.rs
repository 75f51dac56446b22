use super::Target;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Chooses one of several replicas that are equally fit.
pub trait Policy: Send + Sync {
    /// `candidates` are in the order of their addresses. `None` only if there are none.
    fn pick(&self, candidates: &[Arc<Target>]) -> Option<Arc<Target>>;
}

/// The replica with the fewest requests in flight; among equals the next in turn, so that requests one after the other walk
/// through all replicas.
#[derive(Debug, Default)]
pub struct LeastRequests {
    turn: Turn,
}

/// The next in turn, however busy.
#[derive(Debug, Default)]
pub struct RoundRobin {
    turn: Turn,
}

/// Whose turn it was last. An address, not a number: the turn holds while replicas come and go.
#[derive(Debug, Default)]
struct Turn(Mutex<Option<SocketAddr>>);

impl Policy for LeastRequests {
    fn pick(&self, candidates: &[Arc<Target>]) -> Option<Arc<Target>> {
        let fewest = candidates.iter().map(|target| target.in_flight()).min()?;
        self.turn
            .next(candidates.iter().filter(|target| target.in_flight() <= fewest))
            // One of them may have got a request since the minimum was taken.
            .or_else(|| self.turn.next(candidates.iter()))
    }
}

impl Policy for RoundRobin {
    fn pick(&self, candidates: &[Arc<Target>]) -> Option<Arc<Target>> {
        self.turn.next(candidates.iter())
    }
}

impl Turn {
    fn next<'a>(&self, mut equals: impl Iterator<Item = &'a Arc<Target>>) -> Option<Arc<Target>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = equals.next()?;
        let past = |target: &&Arc<Target>| last.is_none_or(|last| target.address > last);
        let chosen = std::iter::once(first).chain(equals).find(past).unwrap_or(first).clone();
        *last = Some(chosen.address);
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lease;
    use super::*;

    fn targets(count: u16) -> Vec<Arc<Target>> {
        (1..=count).map(|port| Arc::new(Target::new(([127, 0, 0, 1], port).into()))).collect()
    }

    fn ports(policy: &dyn Policy, targets: &[Arc<Target>], picks: usize) -> Vec<u16> {
        (0..picks).map(|_| policy.pick(targets).unwrap().address.port()).collect()
    }

    #[test]
    fn requests_one_after_the_other_walk_through_all_replicas() {
        for policy in [&LeastRequests::default() as &dyn Policy, &RoundRobin::default()] {
            assert_eq!(ports(policy, &targets(3), 7), [1, 2, 3, 1, 2, 3, 1]);
        }
    }

    #[test]
    fn the_least_busy_replica_gets_the_request() {
        let (policy, targets) = (LeastRequests::default(), targets(3));
        let _busy = [Lease::new(targets[0].clone()), Lease::new(targets[2].clone())];
        assert_eq!(ports(&policy, &targets, 3), [2, 2, 2]);
        assert_eq!(ports(&RoundRobin::default(), &targets, 3), [1, 2, 3]);
    }

    #[test]
    fn the_turn_holds_while_replicas_come_and_go() {
        let (policy, all) = (RoundRobin::default(), targets(5));
        assert_eq!(ports(&policy, &all, 2), [1, 2]);
        assert_eq!(ports(&policy, &all[2..4], 1), [3]);
        assert_eq!(ports(&policy, &all, 3), [4, 5, 1]);
    }

    #[test]
    fn of_none_none_is_picked() {
        assert!(LeastRequests::default().pick(&[]).is_none());
        assert!(RoundRobin::default().pick(&[]).is_none());
    }
}
