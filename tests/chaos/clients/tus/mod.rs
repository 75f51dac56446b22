//! A tus client that never gives up: after whatever goes wrong it asks any frontend for the offset, and goes on from there.

mod appending;
mod creating;
mod joining;
mod sums;

use super::Client;
use crate::ledger::State;
use crate::support::client::{Answer, Request};
use crate::support::content::Content;
use crate::tally::{Goal, Kind};
use std::time::Instant;

/// An upload, as its client knows it.
pub struct Upload {
    id: String,
    content: Content,
    offset: u64,
    /// The service does not know the length yet.
    deferred: bool,
    /// A request that told the length went wrong: it may have been heard all the same, also later than the last look.
    perhaps_told: bool,
    /// No byte past this one was ever sent, and confirmed where a checksum came with it.
    furthest: u64,
    /// A request has ended early; it may still be at work.
    disturbed: bool,
    /// When the last request that brought bytes was begun.
    sent_at: Instant,
}

/// What one request for more bytes comes to.
pub enum Step {
    GoOn,
    /// Removed, or it is too late.
    Over,
}

impl Client<'_> {
    pub fn tus(&mut self) {
        let content = self.new_tus_content();
        let Some(mut upload) = self.create(content, None) else { return };
        let deferred = upload.deferred;
        while !upload.is_sent() {
            let step = match self.rng.u32(0..60) {
                0 => return self.terminate(&upload),
                1..4 => return self.leave(&upload, State::Abandoned),
                4 => self.miss_the_offset(&mut upload),
                _ => self.patch(&mut upload),
            };
            if let Step::Over = step {
                return;
            }
        }
        if deferred {
            self.run.tally.did("completed an upload of deferred length");
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

    fn terminate(&mut self, upload: &Upload) {
        self.run.ledger.set(&upload.id, State::Removing);
        self.remove(&upload.id, &upload.path());
    }

    /// Goes away for good.
    fn leave(&self, upload: &Upload, state: State) {
        self.run.tally.did("was left an upload to expire");
        self.run.ledger.set(&upload.id, state);
    }

    fn acknowledged(&self, upload: &Upload) {
        let Upload { id, content, offset, sent_at, .. } = upload;
        if let Err(back) = self.run.ledger.acknowledge(id, *content, *offset, *sent_at) {
            self.violated(Goal::Kept, format!("{id}: {back}"));
        }
    }

    /// Goes on with an upload that was abandoned.
    pub fn take_up(&mut self, id: &str, content: Content) {
        let (offset, furthest) = (0, content.length);
        let (id, sent_at) = (id.to_owned(), Instant::now());
        let mut upload = Upload {
            id,
            content,
            offset,
            deferred: true,
            perhaps_told: true,
            furthest,
            disturbed: true,
            sent_at,
        };
        let mut step = self.locate(&mut upload);
        while !upload.is_sent() {
            if let Step::Over = step {
                return;
            }
            step = self.patch(&mut upload);
        }
        self.stored(&upload.id, content, upload.sent_at);
        self.run.tally.did("went on with an upload that was abandoned");
    }
}

impl Upload {
    fn path(&self) -> String {
        format!("/files/{}", self.id)
    }

    fn is_sent(&self) -> bool {
        self.offset >= self.content.length && !self.deferred
    }
}

pub fn speaking_tus(request: Request) -> Request {
    request.header("Tus-Resumable", "1.0.0")
}

fn at_offset(request: Request, offset: u64) -> Request {
    let request = speaking_tus(request).header("Upload-Offset", offset);
    request.header("Content-Type", "application/offset+octet-stream")
}

fn offset_of(answer: &Answer) -> Option<u64> {
    answer.head.field("Upload-Offset")?.parse().ok()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
