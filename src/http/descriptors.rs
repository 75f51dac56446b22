//! File descriptors: a process that spends its last one on a client's connection can neither open a file for it nor ask its
//! database.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For workers, databases and what else a process has open while nobody asks anything of it.
const KEPT_BACK: u64 = 128;
/// What one client's connection may come to: itself, both ends of the relay's where the backend is in the same process, and
/// two files.
const FOR_A_CONNECTION: u64 = 5;
/// actix's own limit for a worker.
const MOST: u64 = 25_600;

/// Allows this process as many descriptors as it may allow itself. Shells and init systems set a low limit for the sake of old
/// programs that use `select`.
pub(super) fn allow_all() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        log::warn!("the limit of file descriptors stays at {current:?}: {error}");
    }
}

/// How many connections each of `workers` may hold such that there are descriptors left to serve them. More wait in the
/// kernel's queue until one of these ends.
pub(super) fn connections_of_a_worker(workers: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = limit.saturating_sub(KEPT_BACK) / FOR_A_CONNECTION / workers.max(1) as u64;
    connections.clamp(4, MOST) as usize
}
