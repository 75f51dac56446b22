use super::super::sending::{Outcome, Pace, send};
use super::super::{Attempt, Client, summary};
use super::sums::{Body, Told};
use super::{Step, Upload, at_offset, offset_of, speaking_tus};
use crate::ledger::State;
use crate::support::client::Answer;
use crate::tally::{Goal, Kind};
use crate::troubles::Failure;
use std::thread;
use std::time::Duration;

impl Client<'_> {
    /// Sends some of what is left, or all.
    pub fn patch(&mut self, upload: &mut Upload) -> Step {
        let body = self.next_body(upload);
        let pace = self.pace(body.count, 16);
        let (before, end) = (upload.offset, upload.offset + body.count);
        let tells_length = self.is_to_tell_length(upload, end);
        let Some((attempt, request)) = self.attempt("PATCH", &upload.path()) else { return Step::Over };
        let mut request = at_offset(request, before);
        if tells_length {
            request = request.header("Upload-Length", upload.content.length);
        }
        let told = body.told;
        let (outcome, sent) = body.send(request, pace);
        let reach = told.reach(before..end, sent);
        upload.furthest = upload.furthest.max(reach);
        if reach > before {
            upload.sent_at = attempt.begun;
        }
        let undisturbed = !upload.disturbed;
        let settled = matches!(&outcome, Outcome::Answered(answer) if answer.status == 204);
        upload.perhaps_told |= tells_length && !settled;
        match outcome {
            Outcome::Answered(answer) if answer.status == 204 => {
                self.took(told, &upload.id);
                upload.deferred &= !tells_length;
                self.appended(upload, end, &answer);
                return Step::GoOn;
            }
            Outcome::Answered(answer) if answer.status == 460 && told == Told::Lie => {
                self.run.tally.did("refused a wrong checksum");
            }
            Outcome::Answered(answer) if answer.status == 409 && upload.disturbed => {
                self.run.tally.conflict();
            }
            Outcome::NotThere => {
                self.run.tally.sent_elsewhere();
                return Step::GoOn;
            }
            outcome => {
                self.unsettled(&attempt, &upload.id, outcome);
                upload.disturbed = true;
            }
        }
        let step = self.locate(upload);
        if let Step::GoOn = step {
            match told {
                Told::Nothing => {
                    self.run.tally.resumed(&upload.id, (before + sent).saturating_sub(upload.offset))
                }
                Told::Truth | Told::Lie if undisturbed => self.all_or_nothing(upload, before, reach),
                Told::Truth | Told::Lie => {}
            }
        }
        step
    }

    fn next_body(&mut self, upload: &Upload) -> Body {
        let left = upload.content.length - upload.offset;
        let count = if self.rng.u32(0..3) == 0 { left } else { self.rng.u64(0..=left) };
        self.body(upload.content, upload.offset..upload.offset + count)
    }

    /// Whether a request that brings an upload to `end` says that this is all, as the last one must; one after it may say so
    /// too.
    fn is_to_tell_length(&mut self, upload: &Upload, end: u64) -> bool {
        let nothing_left = upload.offset == upload.content.length;
        upload.deferred && end == upload.content.length && (nothing_left || self.rng.bool())
    }

    /// All that was sent is stored.
    fn appended(&self, upload: &mut Upload, end: u64, answer: &Answer) {
        if offset_of(answer) != Some(end) {
            return self.violated(Goal::Kept, format!("{} to {end}: {:?}", upload.id, answer.head));
        }
        upload.offset = end;
        let complete = end == upload.content.length && (!upload.deferred || upload.perhaps_told);
        if !complete && answer.head.field("Upload-Expires").is_none() {
            self.violated(
                Goal::Kept,
                format!("{} does not say when it expires: {:?}", upload.id, answer.head),
            );
        }
        self.acknowledged(upload);
    }

    /// What came with a checksum counts as a whole or not at all.
    fn all_or_nothing(&self, upload: &Upload, before: u64, reach: u64) {
        if upload.offset != before && upload.offset != reach {
            let what = format!("{} went from {before} to {}, with a checksum", upload.id, upload.offset);
            self.violated(Goal::Kept, format!("{what}; only {reach} can have been confirmed"));
        }
    }

    /// A request ended without the answer that was wanted.
    pub fn unsettled(&self, attempt: &Attempt, what: &str, outcome: Outcome) {
        match outcome {
            Outcome::Answered(answer) => self.judge(Kind::Tus, attempt, what, Failure::Answered(&answer)),
            Outcome::NotThere => self.run.tally.sent_elsewhere(),
            Outcome::Broken(error) => self.judge(Kind::Tus, attempt, what, Failure::Broken(&error)),
            Outcome::Cut => self.run.tally.cut(Kind::Tus),
        }
    }

    /// Asks where the upload stands. It must not stand before what was acknowledged, nor past what was sent.
    pub fn locate(&mut self, upload: &mut Upload) -> Step {
        let pause = Duration::from_millis(self.rng.u64(0..500));
        thread::sleep(pause);
        let Some((answer, _)) = self.ask(Kind::Question, "HEAD", &upload.path(), speaking_tus) else {
            return Step::Over;
        };
        let expired = self.run.ledger.get(&upload.id).is_some_and(|entry| entry.may_have_expired());
        match offset_of(&answer) {
            Some(offset) if answer.status == 200 => {
                if offset > upload.furthest {
                    let what =
                        format!("{} is at {offset}, {} were sent or confirmed", upload.id, upload.furthest);
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
    pub fn miss_the_offset(&mut self, upload: &mut Upload) -> Step {
        let Some((attempt, request)) = self.attempt("PATCH", &upload.path()) else { return Step::Over };
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
}
