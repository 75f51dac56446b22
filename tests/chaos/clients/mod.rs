//! Twenty clients, each of which does the same kind of thing again and again until the faults end, and then finishes what it
//! has begun.

mod asking;
mod auditing;
mod reader;
mod sending;
mod tus;
mod whole;

use crate::Run;
use crate::ledger::State;
use crate::support::client::{Answer, Request, Url};
use crate::support::content::Content;
use crate::tally::{Goal, Kind};
use crate::troubles::Failure;
use fastrand::Rng;
use std::thread::Scope;
use std::time::{Duration, Instant};

/// What a client does again and again, and how many do so.
type Habit = (&'static str, fn(&mut Client<'_>), usize);

const CLIENTS: [Habit; 5] = [
    ("put", |client| client.put(), 4),
    ("form", |client| client.form(), 3),
    ("tus", |client| client.tus(), 7),
    ("join", |client| client.join(), 2),
    ("reader", |client| client.read(), 4),
];

pub struct Client<'a> {
    run: &'a Run,
    name: String,
    rng: Rng,
    /// Requests and files made so far.
    made: u32,
}

/// One request, for which a frontend has to answer.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub frontend: usize,
    pub begun: Instant,
    /// As the replicas log it.
    pub request_id: String,
}

pub fn begin<'scope>(scope: &'scope Scope<'scope, '_>, run: &'scope Run) {
    for (kind, act, count) in CLIENTS {
        for number in 0..count {
            let name = format!("{kind}-{number}");
            let mut client = Client { run, rng: run.rng(&name), name, made: 0 };
            scope.spawn(move || {
                while run.clock.faults_go_on() {
                    act(&mut client);
                    client.make_room();
                    let pause = Duration::from_millis(client.rng.u64(0..150));
                    run.clock.pause(pause);
                }
            });
        }
    }
}

impl<'a> Client<'a> {
    /// For what is asked once the faults are over.
    pub fn auditor(run: &'a Run) -> Self {
        Self { run, name: "audit".into(), rng: run.rng("audit"), made: 0 }
    }

    fn next_name(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.name, self.made)
    }

    /// Contents of every size, small ones more often. Each sixth is one that somebody has sent, or is sending now.
    fn new_content(&mut self, largest: u64) -> Content {
        if self.rng.u32(0..6) == 0
            && let Some(content) = self.run.ledger.any_content(&mut self.rng, largest)
        {
            self.run.tally.repeated();
            return content;
        }
        let length = match self.rng.u32(0..20) {
            0..2 => self.rng.u64(0..2),
            2..10 => self.rng.u64(1..256 << 10),
            10..17 => self.rng.u64(256 << 10..4 << 20),
            _ => self.rng.u64(4 << 20..24 << 20),
        };
        Content::new(self.rng.u64(..), length.min(largest))
    }

    /// A name that nobody else uses, noted down together with what is sent under it.
    fn announce(&mut self, content: Content) -> String {
        let name = format!("{}.bin", self.next_name());
        self.run.ledger.announce(&name, content);
        name
    }

    /// A frontend to be asked, and the request with what tells it apart. `None`: there is no frontend, and too late to wait.
    fn attempt(&mut self, method: &str, path: &str) -> Option<(Attempt, Request)> {
        loop {
            if let Some(frontend) = self.run.site.pick_frontend(&mut self.rng) {
                return Some(self.attempt_at(frontend, method, path));
            }
            if self.run.clock.is_too_late() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn attempt_at(&mut self, frontend: usize, method: &str, path: &str) -> (Attempt, Request) {
        let url: &Url = &self.run.site.frontends[frontend].proxy.url;
        let request_id = self.next_name();
        let request = url.request(method, path).header("X-Request-Id", &request_id);
        (Attempt { frontend, begun: Instant::now(), request_id }, request)
    }

    /// A request for `what` did not end as it should.
    fn judge(&self, kind: Kind, attempt: &Attempt, what: &str, failure: Failure<'_>) {
        match self.run.site.troubles.excuse(attempt.frontend, attempt.begun, kind == Kind::Tus, failure) {
            Some(trouble) => self.run.tally.excused(kind, trouble),
            None => {
                let (took, frontend) = (attempt.begun.elapsed(), attempt.frontend);
                let failure = match failure {
                    Failure::Answered(answer) => summary(answer),
                    Failure::Broken(error) => error.to_string(),
                };
                let id = &attempt.request_id;
                let what = format!("{id} at frontend-{frontend} after {took:?}: {what}: {failure}");
                self.run.note(format_args!("FAILED {kind:?} {what}"));
                self.run.tally.failed(kind, what);
            }
        }
    }

    fn violated(&self, goal: Goal, what: String) {
        self.run.note(format_args!("VIOLATED {what}"));
        self.run.tally.violated(goal, what);
    }

    /// What was stored is the content.
    fn stored(&self, id: &str, content: Content, begun: Instant) {
        let ledger = &self.run.ledger;
        if let Err(back) = ledger.acknowledge(id, content, content.length, begun) {
            self.violated(Goal::Kept, format!("{id}: {back}"));
        }
        ledger.set(id, State::Complete);
    }

    /// Deletes old uploads where there are more than enough.
    fn make_room(&mut self) {
        while let Some(id) = self.run.ledger.take_surplus() {
            self.remove(&id, &format!("/api/uploads/{id}"));
        }
    }
}

/// An answer in few words.
fn summary(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    format!("{} {body:.300}", answer.head.first_line)
}
