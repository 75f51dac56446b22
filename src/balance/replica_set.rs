use super::{Health, Policy, Target};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

/// The backend replicas that there are now.
///
/// One snapshot at a time: whoever picks sees the set as it was at one moment, never half of an update.
#[derive(Debug, Default)]
pub struct ReplicaSet {
    snapshot: RwLock<Arc<[Arc<Target>]>>,
}

impl ReplicaSet {
    /// The replicas, in the order of their addresses.
    pub fn snapshot(&self) -> Arc<[Arc<Target>]> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over what discovery found. A replica that stays keeps its health and its count; returns those that are new.
    pub fn update(&self, mut addresses: Vec<SocketAddr>) -> Vec<Arc<Target>> {
        addresses.sort_unstable();
        addresses.dedup();
        let before = self.snapshot();
        if before.iter().map(|target| target.address).eq(addresses.iter().copied()) {
            return Vec::new();
        }
        let mut new = Vec::new();
        let after: Arc<[_]> = addresses
            .into_iter()
            .map(|address| match before.iter().find(|target| target.address == address) {
                Some(known) => known.clone(),
                None => {
                    let target = Arc::new(Target::new(address));
                    new.push(target.clone());
                    target
                }
            })
            .collect();
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = after;
        new
    }

    /// A replica for a request, other than those `tried` already: a ready one, or else one that lives. Only when all are
    /// ejected is an ejected one picked: perhaps it is the frontend that was cut off. `None`: none is left to try.
    pub fn pick(&self, policy: &dyn Policy, tried: &[SocketAddr]) -> Option<Arc<Target>> {
        self.pick_in(&[&[Health::Ready], &[Health::Unready, Health::Unknown]], policy, tried)
    }

    /// As [`ReplicaSet::pick`], but a live replica is as good as a ready one.
    pub fn pick_live(&self, policy: &dyn Policy, tried: &[SocketAddr]) -> Option<Arc<Target>> {
        self.pick_in(&[&[Health::Ready, Health::Unready, Health::Unknown]], policy, tried)
    }

    fn pick_in(&self, tiers: &[&[Health]], policy: &dyn Policy, tried: &[SocketAddr]) -> Option<Arc<Target>> {
        let snapshot = self.snapshot();
        let untried = |target: &&Arc<Target>| !tried.contains(&target.address);
        for tier in tiers {
            let fit = snapshot.iter().filter(|target| tier.contains(&target.health()));
            let candidates: Vec<_> = fit.filter(untried).cloned().collect();
            if let Some(target) = policy.pick(&candidates) {
                return Some(target);
            }
        }
        match snapshot.iter().all(|target| target.health() == Health::Ejected) {
            true => policy.pick(&snapshot.iter().filter(untried).cloned().collect::<Vec<_>>()),
            false => None,
        }
    }

    pub fn any_ready(&self) -> bool {
        self.snapshot().iter().any(|target| target.health() == Health::Ready)
    }

    /// There are replicas, and each of them is ready.
    pub fn all_ready(&self) -> bool {
        let snapshot = self.snapshot();
        !snapshot.is_empty() && snapshot.iter().all(|target| target.health() == Health::Ready)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Probe, RoundRobin};
    use super::*;
    use std::time::Instant;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn set(probes: &[Probe]) -> ReplicaSet {
        let set = ReplicaSet::default();
        set.update((1..=probes.len() as u16).map(address).collect());
        for (target, probe) in set.snapshot().iter().zip(probes) {
            target.probed(*probe, Instant::now());
        }
        set
    }

    fn picked(set: &ReplicaSet, tried: &[SocketAddr]) -> Option<u16> {
        Some(set.pick(&RoundRobin::default(), tried)?.address.port())
    }

    #[test]
    fn a_ready_replica_comes_before_a_live_one_and_that_before_an_ejected_one() {
        let set = set(&[Probe::Silent, Probe::Unready, Probe::Ready]);
        assert_eq!(picked(&set, &[]), Some(3));
        assert_eq!(picked(&set, &[address(3)]), Some(2));
        assert_eq!(picked(&set, &[address(3), address(2)]), None);
    }

    #[test]
    fn with_all_ejected_an_ejected_one_is_tried() {
        let set = set(&[Probe::Silent, Probe::Silent]);
        assert_eq!(picked(&set, &[]), Some(1));
        assert_eq!(picked(&set, &[address(1)]), Some(2));
        assert!(!set.any_ready());
    }

    #[test]
    fn a_replica_that_stays_keeps_its_health() {
        let set = set(&[Probe::Ready, Probe::Ready]);
        let new = set.update(vec![address(2), address(3), address(3)]);
        assert_eq!(new.iter().map(|target| target.address.port()).collect::<Vec<_>>(), [3]);
        let health: Vec<_> = set.snapshot().iter().map(|target| target.health()).collect();
        assert_eq!(health, [Health::Ready, Health::Unknown]);
        assert!(set.update(vec![address(3), address(2)]).is_empty());
    }

    #[test]
    fn a_live_replica_is_as_good_as_a_ready_one_where_only_life_counts() {
        let set = set(&[Probe::Unready, Probe::Ready, Probe::Silent]);
        let policy = RoundRobin::default();
        let ports: Vec<_> = (0..3).map(|_| set.pick_live(&policy, &[]).unwrap().address.port()).collect();
        assert_eq!(ports, [1, 2, 1]);
    }
}
