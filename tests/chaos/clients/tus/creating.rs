use super::super::sending::Outcome;
use super::super::{Attempt, Client};
use super::sums::Told;
use super::{Upload, base64, offset_of};
use crate::support::client::{Answer, Request};
use crate::support::content::Content;
use crate::tally::Goal;

impl Client<'_> {
    /// Again until an answer comes; an upload that was created without one is nobody's, and expires. `concat`: what it is to
    /// others.
    pub fn create(&mut self, content: Content, concat: Option<&str>) -> Option<Upload> {
        let name = self.announce(content);
        let deferred = self.rng.u32(0..6) == 0;
        let first = if self.rng.u32(0..3) == 0 { self.rng.u64(0..=content.length) } else { 0 };
        let metadata = format!("filename {}", base64(name.as_bytes()));
        loop {
            let (body, pace) = (self.body(content, 0..first), self.pace(first, 24));
            let (attempt, request) = self.attempt("POST", "/files/")?;
            let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Metadata", &metadata);
            let request = request.header("Content-Type", "application/offset+octet-stream");
            let request = of_length(request, deferred, content);
            let request = match concat {
                Some(concat) => request.header("Upload-Concat", concat),
                None => request,
            };
            let told = body.told;
            match body.send(request, pace).0 {
                Outcome::Answered(answer) if answer.status == 201 => {
                    self.took(told, &name);
                    return self.created(content, deferred, first, &attempt, &answer);
                }
                Outcome::Answered(answer) if answer.status == 460 && told == Told::Lie => {
                    self.run.tally.did("refused a wrong checksum with a creation");
                }
                outcome => self.unsettled(&attempt, &name, outcome),
            }
            if self.run.clock.is_too_late() {
                self.violated(Goal::NoneStuck, format!("{name} is not created"));
                return None;
            }
        }
    }

    fn created(
        &self,
        content: Content,
        deferred: bool,
        first: u64,
        attempt: &Attempt,
        answer: &Answer,
    ) -> Option<Upload> {
        let location = answer.head.field("Location").unwrap_or_default();
        let (id, offset) = (location.trim_start_matches("/files/").to_owned(), offset_of(answer));
        if id.is_empty() || offset != Some(first) {
            self.violated(Goal::Kept, format!("created with {first} bytes: {:?}", answer.head));
            return None;
        }
        let sent_at = attempt.begun;
        let upload = Upload {
            id,
            content,
            offset: first,
            deferred,
            perhaps_told: false,
            furthest: first,
            disturbed: false,
            sent_at,
        };
        self.acknowledged(&upload);
        Some(upload)
    }

    /// The body of a request was taken for good.
    pub fn took(&self, told: Told, what: &str) {
        match told {
            Told::Nothing => {}
            Told::Truth => self.run.tally.did("took bytes with their checksum"),
            Told::Lie => self.violated(Goal::Kept, format!("{what}: bytes with a wrong checksum were taken")),
        }
    }
}

fn of_length(request: Request, deferred: bool, content: Content) -> Request {
    match deferred {
        true => request.header("Upload-Defer-Length", 1),
        false => request.header("Upload-Length", content.length),
    }
}
