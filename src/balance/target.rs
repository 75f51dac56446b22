use super::{Condition, Health, Load, Probe};
use crate::domain::ContainerId;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;

/// One backend replica, as all workers of a frontend see it.
#[derive(Debug)]
pub struct Target {
    pub address: SocketAddr,
    in_flight: AtomicUsize,
    condition: Mutex<Condition>,
    asked: Mutex<Asked>,
    /// True while probes find nobody: who waits for an answer need not wait longer.
    silent: watch::Sender<bool>,
}

/// Who answers at an address, and how many requests that replica was sent.
#[derive(Debug, Default)]
struct Asked {
    replica: Option<ContainerId>,
    requests: u64,
}

/// One request on its way to a replica; it counts as in flight until dropped.
#[derive(Debug)]
pub struct Lease(Arc<Target>);

impl Target {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            in_flight: AtomicUsize::new(0),
            condition: Mutex::default(),
            asked: Mutex::default(),
            silent: watch::Sender::new(false),
        }
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    pub fn health(&self) -> Health {
        self.condition().health()
    }

    /// A request is sent to it that counts as traffic.
    pub fn ask(&self) {
        self.lock_asked().requests += 1;
    }

    /// Which replica answers there. Another one than before was asked nothing yet.
    pub fn is(&self, replica: ContainerId) {
        let mut asked = self.lock_asked();
        if asked.replica.is_some_and(|before| before != replica) {
            asked.requests = 0;
        }
        asked.replica = Some(replica);
    }

    /// Which replica it is, once that is known, and how many requests it was sent.
    pub fn asked(&self) -> Option<(ContainerId, u64)> {
        let asked = self.lock_asked();
        Some((asked.replica?, asked.requests))
    }

    pub fn probed(&self, probe: Probe, now: Instant) {
        self.condition().probed(probe, now);
        // Where connections are refused those that are open say themselves what becomes of them: the kernel resets them with
        // the process, and one that drains answers them.
        self.silent.send_replace(probe == Probe::Silent);
    }

    pub fn succeeded(&self, load: Load) {
        self.condition().succeeded(load);
    }

    pub fn refused(&self) {
        self.condition().refused();
    }

    pub fn failed(&self, load: Load, now: Instant) {
        self.condition().failed(load, now);
    }

    /// Returns when a probe from now on finds nobody there. A replica that was silent already is given its chance.
    pub async fn falls_silent(&self) {
        let mut silent = self.silent.subscribe();
        loop {
            // The sender lives as long as `self`, so this cannot fail while somebody waits.
            if silent.changed().await.is_err() || *silent.borrow_and_update() {
                return;
            }
        }
    }

    fn lock_asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic while the lock was held leaves the health as it was: still usable.
    fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    pub fn new(target: Arc<Target>) -> Self {
        target.in_flight.fetch_add(1, Relaxed);
        Self(target)
    }

    pub fn target(&self) -> &Arc<Target> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Arc<Target> {
        Arc::new(Target::new("127.0.0.1:1".parse().unwrap()))
    }

    #[test]
    fn a_request_is_in_flight_until_its_lease_is_dropped() {
        let target = target();
        let leases = [Lease::new(target.clone()), Lease::new(target.clone())];
        assert_eq!(target.in_flight(), 2);
        drop(leases);
        assert_eq!(target.in_flight(), 0);
    }

    #[test]
    fn requests_are_counted_for_the_replica_that_answers_at_the_address() {
        let (target, first, second) = (target(), ContainerId::from_bits(1), ContainerId::from_bits(2));
        target.ask();
        assert_eq!(target.asked(), None, "nobody knows whom");
        target.is(first);
        target.ask();
        target.is(first);
        assert_eq!(target.asked(), Some((first, 2)));
        target.is(second);
        assert_eq!(target.asked(), Some((second, 0)));
    }

    #[actix_web::test]
    async fn who_waits_for_an_answer_is_told_when_a_probe_finds_nobody() {
        let target = target();
        target.probed(Probe::Ready, Instant::now());
        let waiting = target.clone();
        let told = actix_web::rt::spawn(async move { waiting.falls_silent().await });
        actix_web::rt::task::yield_now().await;
        for probe in [Probe::Unready, Probe::Refused] {
            target.probed(probe, Instant::now());
            actix_web::rt::task::yield_now().await;
            assert!(!told.is_finished());
        }
        target.probed(Probe::Silent, Instant::now());
        told.await.unwrap();
    }
}
