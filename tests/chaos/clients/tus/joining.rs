//! A file that is sent as several uploads, its parts, at once and through any frontends, and joined of them (tus,
//! "Concatenation"): after they are sent, or before, and then it waits for them.

use super::super::{Client, summary};
use super::{Step, Upload, base64, offset_of, speaking_tus};
use crate::ledger::State;
use crate::support::client::Request;
use crate::support::content::Content;
use crate::tally::{Goal, Kind};
use serde_json::Value;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

/// Who sends one part.
struct Sender<'a> {
    client: Client<'a>,
    part: Upload,
}

/// What was, or will be, joined of parts.
struct Joined {
    id: String,
    content: Content,
    concat: String,
}

impl<'a> Client<'a> {
    pub fn join(&mut self) {
        let content = self.new_content(u64::MAX);
        let name = self.announce(content);
        self.run.ledger.joining(content);
        let Some(mut senders) = self.create_parts(content) else { return };
        let concat = self.concat_of(&senders);
        let early = self.rng.bool();
        let (all_sent, mut joined) = thread::scope(|scope| {
            let sending: Vec<_> =
                senders.iter_mut().map(|sender| scope.spawn(move || sender.send())).collect();
            let joined = if early { self.create_final(&name, content, &concat, &[]) } else { None };
            let sent = sending.into_iter().map(|sending| sending.join().unwrap());
            (sent.fold(true, |all, sent| all & sent), joined)
        });
        if all_sent && !early {
            joined = self.create_final(&name, content, &concat, &senders);
        }
        match (joined, all_sent) {
            (Some(joined), true) => {
                self.run.tally.did(if early {
                    "joined a file that waited for its parts"
                } else {
                    "joined a file of parts that were there"
                });
                self.see_joined(&joined, &senders);
            }
            (Some(joined), false) => {
                self.run.tally.did("was left a file to expire that lacks a part");
                self.run.ledger.set(&joined.id, State::Left);
            }
            (None, _) => {}
        }
        senders.iter().for_each(Sender::let_expire);
    }

    /// Cut at the same places whenever the same content is sent, so that parts have equals too.
    fn create_parts(&mut self, content: Content) -> Option<Vec<Sender<'a>>> {
        let mut senders = Vec::new();
        for range in cut(content) {
            let name = format!("{}-part", self.next_name());
            let mut client = Client { run: self.run, rng: self.run.rng(&name), name, made: 0 };
            match client.create(content.part(range), Some("partial")) {
                Some(part) => senders.push(Sender { client, part }),
                None => {
                    senders.iter().for_each(Sender::let_expire);
                    return None;
                }
            }
        }
        Some(senders)
    }

    /// Names them by a path, or by a whole URL as somebody knows it who came by a frontend.
    fn concat_of(&mut self, senders: &[Sender<'_>]) -> String {
        let host = match self.rng.bool() {
            true => self.run.site.frontends[0].proxy.url.0.as_str(),
            false => "",
        };
        let urls: Vec<_> = senders.iter().map(|sender| format!("{host}{}", sender.part.path())).collect();
        format!("final;{}", urls.join(" "))
    }

    /// `sent`: the parts that nobody goes on with, so they may expire before they are joined.
    fn create_final(
        &mut self,
        name: &str,
        content: Content,
        concat: &str,
        sent: &[Sender<'_>],
    ) -> Option<Joined> {
        let metadata = format!("filename {}", base64(name.as_bytes()));
        let shape = |request: Request| {
            speaking_tus(request).header("Upload-Metadata", &metadata).header("Upload-Concat", concat)
        };
        let begun = Instant::now();
        let (answer, _) = self.ask(Kind::Joined, "POST", "/files/", shape)?;
        let location = answer.head.field("Location").unwrap_or_default();
        match (answer.status, location.strip_prefix("/files/")) {
            (201, Some(id)) => {
                let stored = self.run.ledger.acknowledge(id, content, 0, begun);
                stored.unwrap_or_else(|back| self.violated(Goal::Kept, format!("{id}: {back}")));
                Some(Joined { id: id.to_owned(), content, concat: concat.to_owned() })
            }
            _ if sent.iter().any(Sender::may_have_expired) => {
                self.run.tally.did("refused a file of parts that had expired");
                None
            }
            _ => {
                self.violated(Goal::Kept, format!("{name} of {concat}: {}", summary(&answer)));
                None
            }
        }
    }

    /// It can be read at once. Then it, or a part, is removed, or what it sums up to is waited for.
    fn see_joined(&mut self, joined: &Joined, senders: &[Sender<'_>]) {
        let Joined { id, content, .. } = joined;
        let begun = Instant::now();
        if !self.check_joined(joined) {
            return;
        }
        self.check_content(id, *content);
        match self.rng.u32(0..6) {
            0 => {
                self.run.ledger.set(id, State::Removing);
                self.remove(id, &format!("/files/{id}"));
                self.run.tally.did("removed a file before its parts");
                return senders.iter().for_each(|sender| self.check_part(&sender.part));
            }
            1 => self.remove_parts(senders),
            _ => {}
        }
        if self.wait_for_digest(id).is_some() {
            self.stored(id, *content, begun);
            self.check_record(id);
            self.run.tally.done(Kind::Joined, content.length);
        }
    }

    /// Whoever asks for it joins it, if a death has kept the one from it who stored the last byte.
    fn check_joined(&mut self, joined: &Joined) -> bool {
        let path = format!("/files/{}", joined.id);
        let Some((answer, _)) = self.ask(Kind::Question, "HEAD", &path, speaking_tus) else { return false };
        let concat = answer.head.field("Upload-Concat");
        let right = answer.status == 200
            && offset_of(&answer) == Some(joined.content.length)
            && concat == Some(joined.concat.as_str());
        if !right {
            let what = format!("{} should be joined: {:?}", joined.id, answer.head);
            self.violated(Goal::Kept, what);
        }
        right
    }

    /// Those that cannot have expired meanwhile.
    fn remove_parts(&mut self, senders: &[Sender<'_>]) {
        for Sender { part, .. } in senders.iter().filter(|sender| !sender.may_have_expired()) {
            self.terminate(part);
            self.run.tally.did("removed a part of a file that stayed");
        }
    }

    fn check_part(&mut self, part: &Upload) {
        let path = format!("/api/uploads/{}/content", part.id);
        let Some((answer, _)) = self.ask(Kind::Download, "GET", &path, |request| request) else { return };
        let is_there = answer.status == 200 && answer.body == part.content.all();
        let expired = answer.status == 410 && self.run.ledger.may_have_expired(&part.id);
        if !is_there && !expired {
            self.violated(
                Goal::Kept,
                format!("part {} went with what it was joined to: {:?}", part.id, answer.head),
            );
        }
    }

    /// The record, once the digest of what was joined is in it.
    pub fn wait_for_digest(&mut self, id: &str) -> Option<Value> {
        loop {
            let (answer, _) =
                self.ask(Kind::Question, "GET", &format!("/api/uploads/{id}"), |request| request)?;
            if answer.status != 200 {
                self.violated(Goal::Kept, format!("{id} waits for its digest: {}", summary(&answer)));
                return None;
            }
            let record = answer.json();
            if record["sha256"].is_string() {
                return Some(record);
            }
            if self.run.clock.is_too_late() {
                self.violated(Goal::NoneStuck, format!("{id} gets no digest"));
                return None;
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Sender<'_> {
    /// Says whether the part is complete.
    fn send(&mut self) -> bool {
        while !self.part.is_sent() {
            let step = match self.client.rng.u32(0..60) {
                0 => return false,
                1 => self.client.miss_the_offset(&mut self.part),
                _ => self.client.patch(&mut self.part),
            };
            if let Step::Over = step {
                return false;
            }
        }
        true
    }

    fn may_have_expired(&self) -> bool {
        self.client.run.ledger.may_have_expired(&self.part.id)
    }

    /// What was joined of it stays without it.
    fn let_expire(&self) {
        let (ledger, id) = (&self.client.run.ledger, &self.part.id);
        if ledger.get(id).is_some_and(|entry| entry.state == State::Receiving) {
            self.client.leave(&self.part, State::Left);
        }
    }
}

/// Where each part of a content begins and ends.
fn cut(content: Content) -> Vec<Range<u64>> {
    let mut rng = fastrand::Rng::with_seed(content.seed ^ content.length);
    let count = rng.usize(1..5);
    let mut ends: Vec<_> = (1..count).map(|_| rng.u64(0..=content.length)).chain([content.length]).collect();
    ends.sort_unstable();
    let begins = std::iter::once(0).chain(ends.clone());
    begins.zip(ends).map(|(begin, end)| begin..end).collect()
}
