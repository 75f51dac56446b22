//! Requests without a body, which are repeated until they are answered.

use super::sending::{Outcome, Pace};
use super::{Client, sending, summary};
use crate::ledger::{Entry, State};
use crate::support::client::{Answer, Request};
use crate::tally::{Goal, Kind};
use crate::troubles::Failure;
use std::thread;
use std::time::Duration;

impl Client<'_> {
    /// A clear answer, one below 500, and whether it was asked for more than once. `None`: there was none, and it is too
    /// late.
    pub fn ask(
        &mut self,
        kind: Kind,
        method: &str,
        path: &str,
        shape: impl Fn(Request) -> Request,
    ) -> Option<(Answer, bool)> {
        let mut again = false;
        loop {
            let (attempt, request) = self.attempt(method, path)?;
            match sending::send(shape(request), 0, &b""[..], Pace::PLAIN).0 {
                Outcome::Answered(answer) if answer.status < 500 => {
                    if kind == Kind::Question {
                        self.run.tally.done(kind, 0);
                    }
                    return Some((answer, again));
                }
                Outcome::Answered(answer) => {
                    self.judge(kind, &attempt, &format!("{method} {path}"), Failure::Answered(&answer))
                }
                Outcome::NotThere => self.run.tally.sent_elsewhere(),
                Outcome::Broken(error) => {
                    self.judge(kind, &attempt, &format!("{method} {path}"), Failure::Broken(&error))
                }
                Outcome::Cut => {}
            }
            again = true;
            if self.run.clock.is_too_late() {
                self.violated(Goal::NoneStuck, format!("{}: {method} {path} is not answered", self.name));
                return None;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Deletes an upload that is `Removing` in the ledger.
    pub fn remove(&mut self, id: &str, path: &str) {
        let tus = |request: Request| request.header("Tus-Resumable", "1.0.0");
        let Some((answer, again)) = self.ask(Kind::Delete, "DELETE", path, tus) else { return };
        match answer.status {
            204 => self.run.tally.done(Kind::Delete, 0),
            // The first time did it.
            404 | 410 if again => self.run.tally.done(Kind::Delete, 0),
            _ => self.violated(Goal::Kept, format!("DELETE of {id}: {}", summary(&answer))),
        }
        self.run.ledger.set(id, State::Removed);
    }

    /// The upload's record, checked against what was sent.
    pub fn check_record(&mut self, id: &str) {
        let Some(entry) = self.run.ledger.get(id) else { return };
        let path = format!("/api/uploads/{id}");
        let Some((answer, _)) = self.ask(Kind::Question, "GET", &path, |request| request) else { return };
        // Another client may have deleted it by now: it was there to be read as soon as it was complete.
        let deleted = |entry: &Entry| matches!(entry.state, State::Removing | State::Removed);
        if answer.status == 410 && self.run.ledger.get(id).as_ref().is_some_and(deleted) {
            return;
        }
        if answer.status != 200 {
            return self.violated(Goal::Kept, format!("record of {id}: {}", summary(&answer)));
        }
        self.check(&answer.json(), id, entry.content);
    }

    /// A record says of an upload that it is complete, and what it should be.
    pub fn check(&self, record: &serde_json::Value, id: &str, content: crate::support::content::Content) {
        let told = (record["state"].as_str(), record["size_bytes"].as_u64(), record["sha256"].as_str());
        let sum = content.sha256();
        if told != (Some("complete"), Some(content.length), Some(&sum)) {
            self.violated(
                Goal::Kept,
                format!("{id} should have {} bytes, sha256 {sum}: {record}", content.length),
            );
        }
    }
}
