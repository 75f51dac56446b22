//! A tus client that never gives up: after whatever goes wrong it asks any frontend for the offset, and goes on from there.

use super::sending::{Outcome, Pace, send};
use super::{Attempt, Client, summary};
use crate::ledger::State;
use crate::support::client::{Answer, Request};
use crate::support::content::Content;
use crate::tally::{Goal, Kind};
use crate::troubles::Failure;
use std::thread;
use std::time::{Duration, Instant};

/// An upload, as its client knows it.
struct Upload {
    id: String,
    content: Content,
    offset: u64,
    /// The service does not know the length yet.
    deferred: bool,
    /// No byte past this one was sent ever.
    furthest: u64,
    /// A request has ended early; it may still be at work.
    disturbed: bool,
    /// When the last request that brought bytes was begun.
    sent_at: Instant,
}

/// What one request for more bytes comes to.
enum Step {
    GoOn,
    /// Removed, or it is too late.
    Over,
}

impl Client<'_> {
    pub fn tus(&mut self) {
        let Some(mut upload) = self.create() else { return };
        while upload.offset < upload.content.length || upload.deferred {
            let step = match self.rng.u32(0..60) {
                0 => return self.terminate(&upload),
                1 => return self.run.ledger.set(&upload.id, State::Abandoned),
                2 => self.miss_the_offset(&mut upload),
                _ => self.patch(&mut upload),
            };
            if let Step::Over = step {
                return;
            }
        }
        self.stored(&upload.id, upload.content, upload.sent_at);
        self.check_record(&upload.id);
        self.run.tally.done(Kind::Tus, upload.content.length);
    }

    /// Some so large that to begin again would send more than a frontend ever holds.
    fn new_tus_content(&mut self) -> Content {
        match self.rng.u32(0..15) {
            0 => Content::new(self.rng.u64(..), self.rng.u64(64 << 20..96 << 20)),
            _ => self.new_content(u64::MAX),
        }
    }

    /// Again until an answer comes; an upload that was created without one is nobody's, and expires.
    fn create(&mut self) -> Option<Upload> {
        let content = self.new_tus_content();
        let name = self.announce(content);
        let deferred = self.rng.u32(0..6) == 0;
        let first = if self.rng.u32(0..3) == 0 { self.rng.u64(0..=content.length) } else { 0 };
        let metadata = format!("filename {}", base64(name.as_bytes()));
        loop {
            let pace = self.pace(first, 24);
            let (attempt, request) = self.attempt("POST", "/files/")?;
            let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Metadata", &metadata);
            let request = request.header("Content-Type", "application/offset+octet-stream");
            let request = match deferred {
                true => request.header("Upload-Defer-Length", 1),
                false => request.header("Upload-Length", content.length),
            };
            let (outcome, _) = send(request, first, content.reader(0..first), pace);
            match outcome {
                Outcome::Answered(answer) if answer.status == 201 => {
                    return self.created(content, deferred, first, &attempt, &answer);
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
        let upload =
            Upload { id, content, offset: first, deferred, furthest: first, disturbed: false, sent_at };
        self.acknowledged(&upload);
        Some(upload)
    }

    fn patch(&mut self, upload: &mut Upload) -> Step {
        let left = upload.content.length - upload.offset;
        let count = if self.rng.u32(0..3) == 0 { left } else { self.rng.u64(0..=left) };
        let pace = self.pace(count, 16);
        let Some((attempt, request)) = self.attempt("PATCH", &format!("/files/{}", upload.id)) else {
            return Step::Over;
        };
        let mut request = at_offset(request, upload.offset);
        if upload.deferred && count == left {
            request = request.header("Upload-Length", upload.content.length);
        }
        let end = upload.offset + count;
        let (outcome, sent) = send(request, count, upload.content.reader(upload.offset..end), pace);
        let before = upload.offset;
        upload.furthest = upload.furthest.max(before + sent);
        if sent > 0 {
            upload.sent_at = attempt.begun;
        }
        match outcome {
            Outcome::Answered(answer) if answer.status == 204 => {
                upload.deferred &= count != left;
                match offset_of(&answer) {
                    Some(offset) if offset == end => upload.offset = end,
                    _ => self.violated(Goal::Kept, format!("{} to {end}: {:?}", upload.id, answer.head)),
                }
                self.acknowledged(upload);
                return Step::GoOn;
            }
            Outcome::Answered(answer) if answer.status == 409 && upload.disturbed => {
                self.run.tally.conflict();
            }
            Outcome::NotThere => {
                self.run.tally.sent_elsewhere();
                return Step::GoOn;
            }
            outcome => self.unsettled(&attempt, &upload.id, outcome),
        }
        upload.disturbed = true;
        let step = self.locate(upload);
        if let Step::GoOn = step {
            self.run.tally.resumed(&upload.id, (before + sent).saturating_sub(upload.offset));
        }
        step
    }

    /// A request ended without the answer that was wanted.
    fn unsettled(&self, attempt: &Attempt, what: &str, outcome: Outcome) {
        match outcome {
            Outcome::Answered(answer) => self.judge(Kind::Tus, attempt, what, Failure::Answered(&answer)),
            Outcome::NotThere => self.run.tally.sent_elsewhere(),
            Outcome::Broken(error) => self.judge(Kind::Tus, attempt, what, Failure::Broken(&error)),
            Outcome::Cut => self.run.tally.cut(Kind::Tus),
        }
    }

    /// Asks where the upload stands. It must not stand before what was acknowledged, nor past what was sent.
    fn locate(&mut self, upload: &mut Upload) -> Step {
        let pause = Duration::from_millis(self.rng.u64(0..500));
        thread::sleep(pause);
        let path = format!("/files/{}", upload.id);
        let tus = |request: Request| request.header("Tus-Resumable", "1.0.0");
        let Some((answer, _)) = self.ask(Kind::Question, "HEAD", &path, tus) else { return Step::Over };
        let expired = self.run.ledger.get(&upload.id).is_some_and(|entry| entry.may_have_expired());
        match offset_of(&answer) {
            Some(offset) if answer.status == 200 => {
                if offset > upload.furthest {
                    let what = format!("{} is at {offset}, {} were sent", upload.id, upload.furthest);
                    self.violated(Goal::Kept, what);
                }
                upload.offset = offset;
                upload.deferred &= answer.head.field("Upload-Length").is_none();
                self.acknowledged(upload);
                Step::GoOn
            }
            _ if answer.status == 410 && expired => {
                self.violated(
                    Goal::NoneStuck,
                    format!("{} expired before its client could go on", upload.id),
                );
                self.run.ledger.set(&upload.id, State::Expired);
                Step::Over
            }
            _ => {
                self.violated(Goal::Kept, format!("{} is lost: {}", upload.id, summary(&answer)));
                Step::Over
            }
        }
    }

    /// Appends where the upload is not: it is told where it is, and nothing changes.
    fn miss_the_offset(&mut self, upload: &mut Upload) -> Step {
        let Some((attempt, request)) = self.attempt("PATCH", &format!("/files/{}", upload.id)) else {
            return Step::Over;
        };
        let request = at_offset(request, upload.offset + 1);
        match send(request, 0, &b""[..], Pace::PLAIN).0 {
            Outcome::Answered(answer) if answer.status == 409 => {
                if offset_of(&answer) != Some(upload.offset) && !upload.disturbed {
                    let what = format!("{} is at {}: {}", upload.id, upload.offset, summary(&answer));
                    self.violated(Goal::Kept, what);
                }
            }
            Outcome::Answered(answer) if answer.status < 500 => {
                self.violated(Goal::Kept, format!("wrong offset of {}: {}", upload.id, summary(&answer)));
            }
            outcome => self.unsettled(&attempt, &upload.id, outcome),
        }
        match upload.disturbed {
            true => self.locate(upload),
            false => Step::GoOn,
        }
    }

    fn terminate(&mut self, upload: &Upload) {
        self.run.ledger.set(&upload.id, State::Removing);
        self.remove(&upload.id, &format!("/files/{}", upload.id));
    }

    fn acknowledged(&self, upload: &Upload) {
        let Upload { id, content, offset, sent_at, .. } = upload;
        if let Err(back) = self.run.ledger.acknowledge(id, *content, *offset, *sent_at) {
            self.violated(Goal::Kept, format!("{id}: {back}"));
        }
    }

    /// Goes on with an upload that was abandoned. `None`: it has expired by now.
    pub fn take_up(&mut self, id: &str, content: Content) -> Option<()> {
        let (offset, furthest) = (0, content.length);
        let (id, sent_at) = (id.to_owned(), Instant::now());
        let mut upload = Upload { id, content, offset, deferred: true, furthest, disturbed: true, sent_at };
        let path = format!("/files/{}", upload.id);
        let tus = |request: Request| request.header("Tus-Resumable", "1.0.0");
        let (answer, _) = self.ask(Kind::Question, "HEAD", &path, tus)?;
        if answer.status == 410 && self.run.ledger.get(&upload.id)?.may_have_expired() {
            self.run.ledger.set(&upload.id, State::Expired);
            return None;
        }
        let mut step = self.locate(&mut upload);
        while upload.offset < content.length || upload.deferred {
            if let Step::Over = step {
                return None;
            }
            step = self.patch(&mut upload);
        }
        self.stored(&upload.id, content, upload.sent_at);
        Some(())
    }
}

fn at_offset(request: Request, offset: u64) -> Request {
    let request = request.header("Tus-Resumable", "1.0.0").header("Upload-Offset", offset);
    request.header("Content-Type", "application/offset+octet-stream")
}

fn offset_of(answer: &Answer) -> Option<u64> {
    answer.head.field("Upload-Offset")?.parse().ok()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
