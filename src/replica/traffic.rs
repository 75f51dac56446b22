use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a replica has served: four counters that all of its workers share.
#[derive(Clone, Debug, Default)]
pub struct Traffic(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests_served: AtomicU64,
    in_flight: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// One request being answered. Counts as served when it is dropped.
#[derive(Debug)]
pub struct InFlight(Arc<Counters>);

impl Traffic {
    pub fn begin(&self) -> InFlight {
        self.0.in_flight.fetch_add(1, Relaxed);
        InFlight(self.0.clone())
    }

    pub fn received(&self, bytes: u64) {
        self.0.bytes_in.fetch_add(bytes, Relaxed);
    }

    pub fn sent(&self, bytes: u64) {
        self.0.bytes_out.fetch_add(bytes, Relaxed);
    }

    pub fn requests_served(&self) -> u64 {
        self.0.requests_served.load(Relaxed)
    }

    pub fn in_flight(&self) -> u64 {
        self.0.in_flight.load(Relaxed)
    }

    pub fn bytes_in(&self) -> u64 {
        self.0.bytes_in.load(Relaxed)
    }

    pub fn bytes_out(&self) -> u64 {
        self.0.bytes_out.load(Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.requests_served.fetch_add(1, Relaxed);
    }
}
