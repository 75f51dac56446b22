//! What was done to frontends, and when: the only excuses that a failed request has.

use crate::support::client::Answer;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Killed while the request was inside: the connection broke.
    Killed,
    /// The connections of its clients were reset.
    Reset,
    /// It was told to end, so a tus upload stops at a committed chunk, and is told to go on elsewhere. No excuse for
    /// anything else.
    Draining,
    /// It was told to end, and the request took longer than its grace: the connection broke, or the client was told to go
    /// elsewhere.
    GraceOver,
}

/// How a request failed.
#[derive(Clone, Copy, Debug)]
pub enum Failure<'a> {
    /// With another answer than it should.
    Answered(&'a Answer),
    /// The connection ended before the answer did.
    Broken(&'a io::Error),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    frontend: usize,
    trouble: Trouble,
    from: Instant,
    /// `None`: it goes on.
    until: Option<Instant>,
}

/// How long a frontend goes on asking backends.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Troubles(Mutex<Vec<Entry>>);

impl Troubles {
    /// To be called before the deed; what is returned ends it.
    pub fn begin(&self, frontend: usize, trouble: Trouble) -> usize {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { frontend, trouble, from: Instant::now(), until: None });
        entries.len() - 1
    }

    /// To be called when nothing of it can hit a request that begins now.
    pub fn end(&self, entry: usize) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries[entry].until = Some(Instant::now());
    }

    /// Whether `frontend` ended while it was at work on a request, or perhaps on what was to be done after its end.
    pub fn ended(&self, frontend: usize, begun: Instant, ended: Instant) -> bool {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().any(|entry| {
            entry.frontend == frontend
                && entry.trouble != Trouble::Reset
                && entry.until.is_none_or(|until| until >= begun)
                && entry.from <= ended + PATIENCE
        })
    }

    /// What hit a request that went through `frontend`, began then and has failed now. `None` for what no trouble explains.
    pub fn excuse(
        &self,
        frontend: usize,
        begun: Instant,
        can_go_on_elsewhere: bool,
        failure: Failure<'_>,
    ) -> Option<Trouble> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hit =
            |entry: &&Entry| entry.frontend == frontend && entry.until.is_none_or(|until| until >= begun);
        let mut found = entries.iter().filter(hit).map(|entry| entry.trouble);
        found.find(|trouble| match (trouble, failure) {
            (Trouble::Killed | Trouble::Reset, failure) => matches!(failure, Failure::Broken(_)),
            (Trouble::Draining, Failure::Answered(answer)) => can_go_on_elsewhere && sends_elsewhere(answer),
            (Trouble::Draining, Failure::Broken(_)) => false,
            (Trouble::GraceOver, Failure::Answered(answer)) => sends_elsewhere(answer),
            (Trouble::GraceOver, Failure::Broken(_)) => true,
        })
    }
}

/// What a replica that drains says.
fn sends_elsewhere(answer: &Answer) -> bool {
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    answer.status == 503 && problem["code"] == "not_ready" && answer.head.field("Retry-After").is_some()
}
