//! Who this replica is, what it has served, whether it is starting, ready or draining, and who else is alive.
//!
//! A [`Replica`] is made once in a process (standalone: once for each role it plays) and shared by all of its workers. What
//! it says of itself, a [`Report`], goes to the registry twice a second ([`beat`]). This room knows nothing of HTTP or of
//! databases.

mod beat;
mod census;
mod identity;
mod info;
mod rates;
mod report;
mod traffic;
mod unfinished;

pub use beat::beat;
pub use census::{Census, HEARD_WITHIN, SILENT_AFTER};
pub use identity::Identity;
pub use info::{BackendInfo, Info};
pub use rates::{LinkRate, Meter, Rates, ReplicaRate};
pub use report::{Asked, Live, Registry, RegistryError, Report, Role};
pub use traffic::{InFlight, Traffic};
pub use unfinished::Unfinished;

use time::OffsetDateTime;
use tokio::sync::watch;

/// One running replica of one role.
#[derive(Debug)]
pub struct Replica {
    pub role: Role,
    pub identity: Identity,
    pub started_at: OffsetDateTime,
    pub traffic: Traffic,
    pub unfinished: Unfinished,
    phase: watch::Sender<Phase>,
    closing: watch::Sender<bool>,
}

/// Where a replica is in its life. It only goes forward, but for a ready one that may lose its database and find it again:
/// that is readiness, asked anew each time, and not a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Starting,
    Ready,
    Draining,
}

impl Replica {
    pub fn new(role: Role, identity: Identity) -> Self {
        Self {
            role,
            identity,
            started_at: OffsetDateTime::now_utc(),
            traffic: Traffic::default(),
            unfinished: Unfinished::default(),
            phase: watch::Sender::new(Phase::Starting),
            closing: watch::Sender::new(false),
        }
    }

    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// The replica was ready once. Says whether this was the first time.
    pub fn became_ready(&self) -> bool {
        self.phase.send_if_modified(|phase| {
            let first = *phase == Phase::Starting;
            if first {
                *phase = Phase::Ready;
            }
            first
        })
    }

    /// From now on the replica finishes what it has begun and wants nothing new.
    pub fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// Tells when the phase changes.
    pub fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// The draining replica accepts nothing more: what could go on elsewhere should do so now.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns once [`Replica::close`] was called.
    pub fn closes(&self) -> impl Future<Output = ()> + use<> {
        let mut closing = self.closing.subscribe();
        async move {
            // Without a sender there is no replica any more, which is as good as closed.
            let _closed = closing.wait_for(|closing| *closing).await;
        }
    }

    /// What the replica says of itself now.
    pub fn report(&self) -> Report {
        Report {
            role: self.role,
            identity: self.identity.clone(),
            state: self.phase(),
            started_at: self.started_at,
            last_seen: OffsetDateTime::now_utc(),
            silent: false,
            requests_served: self.traffic.requests_served(),
            in_flight: self.traffic.in_flight(),
            bytes_in: self.traffic.bytes_in(),
            bytes_out: self.traffic.bytes_out(),
            backends: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_goes_from_starting_to_ready_to_draining_and_never_back() {
        let replica = Replica::new(Role::Backend, Identity::invented());
        assert_eq!(replica.phase(), Phase::Starting);
        assert!(replica.became_ready());
        assert!(!replica.became_ready());
        replica.drain();
        assert!(!replica.became_ready());
        assert_eq!(replica.phase(), Phase::Draining);
    }
}
