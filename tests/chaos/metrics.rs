//! How often frontends asked again, summed over the lives of their processes.

use crate::site::{Member, Site};
use crate::support::client::Url;
use std::sync::Mutex;

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Questions that a backend did not answer, so they were asked again.
    pub retries: u64,
    /// Downloads that went on from another backend.
    pub downloads_resumed: u64,
    /// Lives that could not be asked before their end.
    pub unknown: u64,
}

/// Of lives that are over. A counter ends with its process, so what happens between the last look and the end is lost.
#[derive(Default)]
pub struct Replays(Mutex<Counts>);

impl Replays {
    /// To be called right before a process ends.
    pub fn keep(&self, frontend: &Member) {
        self.add(read(&frontend.url()));
    }

    /// Adds what a process has counted that has ended meanwhile.
    pub fn add(&self, counted: Option<Counts>) {
        let mut sum = self.0.lock().unwrap();
        sum.add(counted.unwrap_or(Counts { unknown: 1, ..Counts::default() }));
    }

    /// Of all lives, those that go on included.
    pub fn total(&self, site: &Site) -> Counts {
        let mut sum = *self.0.lock().unwrap();
        let last = site.frontends.iter().map(|frontend| read(&frontend.url()));
        last.for_each(|counted| sum.add(counted.unwrap_or(Counts { unknown: 1, ..Counts::default() })));
        sum
    }
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.retries += other.retries;
        self.downloads_resumed += other.downloads_resumed;
        self.unknown += other.unknown;
    }
}

pub fn read(frontend: &Url) -> Option<Counts> {
    let answer = frontend.get("/metrics").try_send().ok().filter(|answer| answer.status == 200)?;
    let value = |name: &str| {
        let line = answer.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    Some(Counts {
        retries: value("swarm_upload_relay_retries_total"),
        downloads_resumed: value("swarm_upload_relay_downloads_resumed_total"),
        unknown: 0,
    })
}
