//! Files that come in one request: `curl -T` and forms. Who sends them so cannot go on with them.

use super::sending::{Outcome, send};
use super::{Attempt, Client, summary};
use crate::support::client::Answer;
use crate::support::content::Content;
use crate::support::multipart::form;
use crate::tally::{Goal, Kind};
use crate::troubles::Failure;

const LARGEST_IN_FORM: u64 = 2 << 20;

impl Client<'_> {
    pub fn put(&mut self) {
        let content = self.new_content(u64::MAX);
        let name = self.announce(content);
        let pace = self.pace(content.length, 16);
        let Some((attempt, request)) = self.attempt("PUT", &format!("/api/uploads/{name}")) else { return };
        let (outcome, _) = send(request, content.length, content.reader(0..content.length), pace);
        self.settle(Kind::Put, &attempt, outcome, &[(name, content)]);
    }

    pub fn form(&mut self) {
        let files: Vec<_> = (0..self.rng.usize(1..4))
            .map(|_| {
                let content = self.new_content(LARGEST_IN_FORM);
                (self.announce(content), content)
            })
            .collect();
        let bytes: Vec<_> = files.iter().map(|(_, content)| content.all()).collect();
        let parts: Vec<_> =
            files.iter().zip(&bytes).map(|((name, _), bytes)| (name.as_str(), bytes.as_slice())).collect();
        let (content_type, body) = form(&parts);
        let pace = self.pace(body.len() as u64, 16);
        let Some((attempt, request)) = self.attempt("POST", "/api/uploads") else { return };
        let request = request.header("Content-Type", content_type);
        let (outcome, _) = send(request, body.len() as u64, body.as_slice(), pace);
        self.settle(Kind::Form, &attempt, outcome, &files);
    }

    fn settle(&self, kind: Kind, attempt: &Attempt, outcome: Outcome, files: &[(String, Content)]) {
        for (name, _) in files {
            self.run.ledger.give_up(name, attempt.frontend, attempt.begun);
        }
        match outcome {
            Outcome::Answered(answer) if answer.status == 201 => {
                self.note_down(kind, attempt, &answer, files)
            }
            Outcome::Answered(answer) => self.judge(kind, attempt, &files[0].0, Failure::Answered(&answer)),
            Outcome::NotThere => self.run.tally.sent_elsewhere(),
            Outcome::Broken(error) => self.judge(kind, attempt, &files[0].0, Failure::Broken(&error)),
            Outcome::Cut => self.run.tally.cut(kind),
        }
        for (name, _) in files {
            self.run.ledger.give_up(name, attempt.frontend, attempt.begun);
        }
    }

    fn note_down(&self, kind: Kind, attempt: &Attempt, answer: &Answer, files: &[(String, Content)]) {
        let records = answer.json()["uploads"].take();
        let records = records.as_array().map(Vec::as_slice).unwrap_or_default();
        if records.len() != files.len() {
            return self.violated(Goal::Kept, format!("{} files: {}", files.len(), summary(answer)));
        }
        for (record, (name, content)) in records.iter().zip(files) {
            let id = record["id"].as_str().unwrap_or_default();
            if record["filename"] != name.as_str() {
                self.violated(Goal::Kept, format!("{id} should be {name}: {record}"));
            }
            self.check(record, id, *content);
            self.stored(id, *content, attempt.begun);
        }
        self.run.tally.done(kind, files.iter().map(|(_, content)| content.length).sum());
    }
}
