//! What is asked of the service when everything is over.

use super::tus::speaking_tus;
use super::{Client, summary};
use crate::ledger::State;
use crate::support::content::Content;
use crate::tally::{Goal, Kind};
use serde_json::Value;
use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

impl Client<'_> {
    pub fn check_content(&mut self, id: &str, content: Content) {
        let path = format!("/api/uploads/{id}/content");
        let Some((answer, _)) = self.ask(Kind::Download, "GET", &path, |request| request) else { return };
        if answer.status != 200 || answer.body != content.all() {
            let what = format!("{id} has not the {} bytes that were sent: {:?}", content.length, answer.head);
            self.violated(Goal::Kept, what);
        }
        self.run.tally.done(Kind::Download, content.length);
    }

    /// It stands where its client was told or further on, or has expired.
    pub fn check_abandoned(&mut self, id: &str) {
        let Some((answer, _)) = self.ask(Kind::Question, "HEAD", &format!("/files/{id}"), speaking_tus)
        else {
            return;
        };
        let Some(entry) = self.run.ledger.get(id) else { return };
        // What waits for a part stands nowhere.
        let offset = answer.head.field("Upload-Offset").map_or(Ok(0), str::parse::<u64>);
        let stands = answer.status == 200 && offset.is_ok_and(|offset| offset >= entry.acknowledged);
        let expired = answer.status == 410 && entry.may_have_expired();
        if !stands && !expired {
            let what = format!("{id} was acknowledged up to {}: {}", entry.acknowledged, summary(&answer));
            self.violated(Goal::Kept, what);
        }
    }

    /// A complete part outlives the run unless it is removed: it expires much later than what is incomplete.
    pub fn remove_part(&mut self, id: &str) {
        let Some((answer, _)) = self.ask(Kind::Question, "HEAD", &format!("/files/{id}"), speaking_tus)
        else {
            return;
        };
        let (length, offset) = (answer.head.field("Upload-Length"), answer.head.field("Upload-Offset"));
        if answer.head.field("Upload-Concat") == Some("partial") && offset.is_some() && offset == length {
            self.run.ledger.set(id, State::Removing);
            self.remove(id, &format!("/files/{id}"));
            self.run.tally.did("removed a part that nobody needed any more");
        }
    }

    /// It was left so long ago that it is gone.
    pub fn check_expired(&mut self, id: &str) {
        let Some((answer, _)) = self.ask(Kind::Question, "HEAD", &format!("/files/{id}"), speaking_tus)
        else {
            return;
        };
        match answer.status {
            410 => self.run.tally.did("let an upload expire"),
            _ => self.violated(Goal::NoOrphan, format!("{id} has not expired: {}", summary(&answer))),
        }
    }

    /// Every upload that there is was sent by somebody; if it is complete, its bytes are those that were sent, also where
    /// nobody was told so. None is missing that should be there, and none is there that was deleted.
    pub fn check_list(&mut self) {
        let Some(records) = self.list() else { return };
        for record in &records {
            self.check_listed(record);
        }
        let is_complete = |record: &&Value| record["state"] == "complete";
        let listed = records.iter().filter(is_complete).filter_map(|record| record["id"].as_str());
        let listed: HashSet<_> = listed.collect();
        for (id, entry) in self.run.ledger.all() {
            if entry.state == State::Complete && !listed.contains(id.as_str()) {
                self.violated(Goal::Kept, format!("{id} is complete and not in the list"));
            }
        }
    }

    /// All records, complete or not.
    fn list(&mut self) -> Option<Vec<Value>> {
        let (mut records, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/uploads?state=all&limit=500{cursor}");
            let (answer, _) = self.ask(Kind::Question, "GET", &path, |request| request)?;
            let mut page: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            match page["uploads"].take() {
                Value::Array(uploads) if answer.status == 200 => records.extend(uploads),
                _ => {
                    self.violated(Goal::Kept, format!("{path}: {}", summary(&answer)));
                    return None;
                }
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Some(records),
            }
        }
    }

    fn check_listed(&mut self, record: &Value) {
        let (name, id) =
            (record["filename"].as_str().unwrap_or_default(), record["id"].as_str().unwrap_or_default());
        let Some(content) = self.run.ledger.announced(name) else {
            return self.violated(Goal::Kept, format!("nobody sent this: {record}"));
        };
        let state = self.run.ledger.get(id).map(|entry| entry.state);
        match (record["state"].as_str(), state) {
            // A client that went away may have had its last bytes on their way.
            (Some("complete"), None) if record["concat"] == "partial" => {
                // Nobody knows it, so nobody needs it.
                self.check(record, id, content);
                self.run.tally.untold();
                self.stored(id, content, Instant::now());
                self.run.ledger.set(id, State::Left);
            }
            (Some("complete"), None | Some(State::Abandoned)) => {
                let Some(record) = self.wait_for_digest(id) else { return };
                self.check(&record, id, content);
                self.check_content(id, content);
                self.run.tally.untold();
            }
            (Some("receiving"), None) => self.check_left_over(name, id),
            // What is stuck is told elsewhere.
            (Some("complete"), Some(State::Complete | State::Left | State::Receiving | State::Removing))
            | (
                Some("receiving"),
                Some(State::Abandoned | State::Left | State::Expired | State::Receiving | State::Removing),
            ) => {}
            (_, Some(State::Removed)) => self.violated(Goal::Removed, format!("{id} is listed: {record}")),
            _ => self.violated(Goal::Kept, format!("{id} is {state:?} and listed so: {record}")),
        }
    }

    /// What is left of a file that came in one request is taken back by its frontend, unless that ended before it could. (An
    /// upload by tus whose creation was not answered stays until it expires.)
    fn check_left_over(&mut self, name: &str, id: &str) {
        let Some((frontend, begun, ended)) = self.run.ledger.given_up(name) else { return };
        if self.run.site.troubles.ended(frontend, begun, ended) {
            return;
        }
        let path = format!("/api/uploads/{id}");
        let deadline = ended + Duration::from_secs(90);
        loop {
            let Some((answer, _)) = self.ask(Kind::Question, "GET", &path, |request| request) else { return };
            if matches!(answer.status, 404 | 410) {
                return;
            }
            if Instant::now() > deadline {
                let what =
                    format!("{id} ({name} by frontend-{frontend}) was not taken back: {}", summary(&answer));
                return self.violated(Goal::NoOrphan, what);
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}
