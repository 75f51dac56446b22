//! Downloads: whole files and ranges, one and several. Through a frontend that lives none may fail or end early.

use super::{Attempt, Client};
use crate::ledger::Lent;
use crate::support::client::{Answer, Request};
use crate::support::content::Content;
use crate::support::multipart::parts;
use crate::tally::{Goal, Kind};
use crate::troubles::Failure;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::thread;
use std::time::Duration;

impl Client<'_> {
    pub fn read(&mut self) {
        if self.rng.u32(0..10) == 0 {
            return self.look_for_removed();
        }
        let ledger = &self.run.ledger;
        let Some(lent) = ledger.lend(&mut self.rng) else { return };
        match self.rng.u32(0..3) {
            0 => self.download(&lent),
            1 => self.range(&lent),
            _ => self.ranges(&lent),
        }
    }

    /// What was deleted stays deleted.
    fn look_for_removed(&mut self) {
        let Some(id) = self.run.ledger.any_removed(&mut self.rng) else { return };
        self.check_removed(&id);
    }

    pub fn check_removed(&mut self, id: &str) {
        let path = format!("/api/uploads/{id}/content");
        let Some((answer, _)) = self.ask(Kind::Download, "GET", &path, |request| request) else { return };
        if !matches!(answer.status, 404 | 410) {
            self.violated(Goal::Removed, format!("{id} was deleted: {}", answer.head.first_line));
        }
    }

    /// The whole content, at any speed; some readers stop in the middle.
    pub fn download(&mut self, lent: &Lent<'_>) {
        let Some((attempt, request)) = self.attempt("GET", &format!("/api/uploads/{}/content", lent.id))
        else {
            return;
        };
        let slow = self.rng.u32(0..4) == 0;
        let pause = Duration::from_millis(if slow { self.rng.u64(0..20) } else { 0 });
        let stop = (self.rng.u32(0..16) == 0).then(|| self.rng.u64(0..=lent.content.length));
        let wanted = 0..stop.unwrap_or(lent.content.length);
        match compare(request, lent.content, wanted, pause) {
            Ok(()) if stop.is_some() => self.run.tally.cut(Kind::Download),
            Ok(()) => self.run.tally.done(Kind::Download, lent.content.length),
            Err(ended) => self.failed(Kind::Download, &attempt, &lent.id, ended),
        }
    }

    fn range(&mut self, lent: &Lent<'_>) {
        let Some(range) = self.some_range(0..lent.content.length) else { return };
        let field = format!("bytes={}-{}", range.start, range.end - 1);
        let Some((attempt, request)) = self.attempt("GET", &format!("/api/uploads/{}/content", lent.id))
        else {
            return;
        };
        let length = range.end - range.start;
        match compare(request.header("Range", field), lent.content, range, Duration::ZERO) {
            Ok(()) => self.run.tally.done(Kind::Range, length),
            Err(ended) => self.failed(Kind::Range, &attempt, &lent.id, ended),
        }
    }

    /// Two ranges with a gap between them.
    fn ranges(&mut self, lent: &Lent<'_>) {
        let half = lent.content.length / 2;
        let (Some(first), Some(second)) =
            (self.some_range(0..half.saturating_sub(1)), self.some_range(half..lent.content.length))
        else {
            return;
        };
        let field = format!("bytes={}-{},{}-{}", first.start, first.end - 1, second.start, second.end - 1);
        let Some((attempt, request)) = self.attempt("GET", &format!("/api/uploads/{}/content", lent.id))
        else {
            return;
        };
        match request.header("Range", field).try_send() {
            Ok(answer) if answer.status == 206 => {
                let total = lent.content.length;
                let wanted = [first, second].map(|range| {
                    let field = format!("bytes {}-{}/{total}", range.start, range.end - 1);
                    (field, lent.content.bytes(range))
                });
                if parts(answer.field("Content-Type"), &answer.body) != wanted {
                    self.violated(Goal::Kept, format!("{}: wrong parts, {:?}", lent.id, answer.head));
                }
                self.run.tally.done(Kind::Range, answer.body.len() as u64);
            }
            Ok(answer) => self.failed(Kind::Range, &attempt, &lent.id, Ended::Refused(answer)),
            Err(error) => self.failed(Kind::Range, &attempt, &lent.id, error.into()),
        }
    }

    fn some_range(&mut self, within: Range<u64>) -> Option<Range<u64>> {
        let start = (within.start < within.end).then(|| self.rng.u64(within.clone()))?;
        Some(start..self.rng.u64(start..within.end) + 1)
    }

    fn failed(&self, kind: Kind, attempt: &Attempt, id: &str, ended: Ended) {
        match ended {
            Ended::NotThere => self.run.tally.sent_elsewhere(),
            Ended::Wrong(what) => self.violated(Goal::Kept, format!("{id} ({}): {what}", attempt.request_id)),
            Ended::Refused(answer) => self.judge(kind, attempt, id, Failure::Answered(&answer)),
            Ended::Early(error) => self.judge(kind, attempt, id, Failure::Broken(&error)),
        }
    }
}

/// Why bytes did not come to their end.
enum Ended {
    NotThere,
    Refused(Answer),
    Early(io::Error),
    /// They were not those that were stored.
    Wrong(String),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::NotThere,
            _ => Self::Early(error),
        }
    }
}

/// Reads the answer, which must be `range` of the content, byte by byte.
fn compare(request: Request, content: Content, range: Range<u64>, pause: Duration) -> Result<(), Ended> {
    let (head, mut body) = request.begin()?.open()?;
    let status = head.status()?;
    if !matches!(status, 200 | 206) {
        let mut text = Vec::new();
        body.read_to_end(&mut text)?;
        return Err(Ended::Refused(Answer { status, head, body: text }));
    }
    let mut expected = content.reader(range.clone());
    let (mut piece, mut wanted) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut at = range.start;
    while at < range.end {
        let most = piece.len().min((range.end - at) as usize);
        let count = body.read(&mut piece[..most])?;
        if count == 0 {
            return Err(Ended::Wrong(format!("the answer ends at {at}, {head:?}")));
        }
        expected.read_exact(&mut wanted[..count])?;
        if piece[..count] != wanted[..count] {
            return Err(Ended::Wrong(format!("other bytes within {count} from {at} on")));
        }
        at += count as u64;
        thread::sleep(pause);
    }
    Ok(())
}
