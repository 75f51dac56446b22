//! What clients were told, which must hold for ever.

use crate::site::UPLOAD_TTL;
use crate::support::content::Content;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// With so many bytes stored clients delete before they add.
const ENOUGH: u64 = 256 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its client goes on with it.
    Receiving,
    /// Its client was told of a part and went away for good.
    Abandoned,
    /// Nobody is to go on with it: a part of a file, or a file that waits for a part that does not come. It expires.
    Left,
    Complete,
    /// A deletion was asked for; it is known to have been done once the state is `Removed`.
    Removing,
    Removed,
    /// The service said that it is gone before its client could go on, which is a violation.
    Expired,
}

#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub content: Content,
    /// Bytes from the start that the client was told are stored.
    pub acknowledged: u64,
    /// Not later than the service last put off its expiry.
    pub touched: Instant,
    pub state: State,
    readers: u32,
}

#[derive(Default)]
struct Book {
    entries: HashMap<String, Entry>,
    /// What was sent under a name, whether or not an answer came. No name is used twice.
    announced: HashMap<String, Content>,
    /// Files that came in one request which was not answered with success: which frontend had it, and from when to when.
    given_up: HashMap<String, (usize, Instant, Instant)>,
    /// Contents that were sent in parts.
    joined: Vec<Content>,
}

#[derive(Default)]
pub struct Ledger(Mutex<Book>);

/// A complete upload that stays until this is dropped.
pub struct Lent<'a> {
    ledger: &'a Ledger,
    pub id: String,
    pub content: Content,
}

impl Ledger {
    pub fn announce(&self, name: &str, content: Content) {
        self.lock().announced.insert(name.to_owned(), content);
    }

    pub fn announced(&self, name: &str) -> Option<Content> {
        self.lock().announced.get(name).copied()
    }

    /// The content is sent in parts.
    pub fn joining(&self, content: Content) {
        self.lock().joined.push(content);
    }

    pub fn joined(&self) -> Vec<Content> {
        self.lock().joined.clone()
    }

    /// Some content of at most so many bytes that was sent lately, or is being sent.
    pub fn any_content(&self, rng: &mut fastrand::Rng, largest: u64) -> Option<Content> {
        let latest = self.all().into_iter().rev().map(|(_, entry)| entry.content).take(50);
        rng.choice(latest.filter(|content| (1..=largest).contains(&content.length)).collect::<Vec<_>>())
    }

    pub fn give_up(&self, name: &str, frontend: usize, begun: Instant) {
        self.lock().given_up.insert(name.to_owned(), (frontend, begun, Instant::now()));
    }

    pub fn given_up(&self, name: &str) -> Option<(usize, Instant, Instant)> {
        self.lock().given_up.get(name).copied()
    }

    /// A client was told that the first `stored` bytes are stored; it began to send the last of them at `since`. An error if
    /// it had been told of more before.
    pub fn acknowledge(&self, id: &str, content: Content, stored: u64, since: Instant) -> Result<(), String> {
        let mut book = self.lock();
        let new = Entry { content, acknowledged: 0, touched: since, state: State::Receiving, readers: 0 };
        let entry = book.entries.entry(id.to_owned()).or_insert(new);
        if stored < entry.acknowledged {
            return Err(format!("the offset went back from {} to {stored}", entry.acknowledged));
        }
        // Being told the same again does not put off the expiry.
        if stored > entry.acknowledged {
            entry.touched = since;
        }
        entry.acknowledged = stored;
        Ok(())
    }

    /// The upload has become what its client makes it.
    pub fn set(&self, id: &str, state: State) {
        if let Some(entry) = self.lock().entries.get_mut(id) {
            entry.state = state;
        }
    }

    pub fn get(&self, id: &str) -> Option<Entry> {
        self.lock().entries.get(id).copied()
    }

    pub fn may_have_expired(&self, id: &str) -> bool {
        self.get(id).is_some_and(|entry| entry.may_have_expired())
    }

    pub fn all(&self) -> Vec<(String, Entry)> {
        let mut all: Vec<_> = self.lock().entries.iter().map(|(id, entry)| (id.clone(), *entry)).collect();
        // Ids are in the order of their creation.
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// Some complete upload to read.
    pub fn lend(&self, rng: &mut fastrand::Rng) -> Option<Lent<'_>> {
        let mut book = self.lock();
        let mut complete: Vec<_> =
            book.entries.iter_mut().filter(|(_, entry)| entry.state == State::Complete).collect();
        // A map's order is not that of the seed.
        complete.sort_unstable_by_key(|(id, _)| *id);
        let (id, entry) = rng.choice(complete)?;
        entry.readers += 1;
        Some(Lent { ledger: self, id: id.clone(), content: entry.content })
    }

    /// Some upload that is known to be deleted.
    pub fn any_removed(&self, rng: &mut fastrand::Rng) -> Option<String> {
        let removed = self.all().into_iter().filter(|(_, entry)| entry.state == State::Removed);
        rng.choice(removed.map(|(id, _)| id).collect::<Vec<_>>())
    }

    /// The oldest upload that nobody reads, to be deleted, if there is more than enough.
    pub fn take_surplus(&self) -> Option<String> {
        let mut book = self.lock();
        let complete = || book.entries.iter().filter(|(_, entry)| entry.state == State::Complete);
        let stored: u64 = complete().map(|(_, entry)| entry.content.length).sum();
        let oldest = complete().filter(|(_, entry)| entry.readers == 0).map(|(id, _)| id).min().cloned();
        let id = oldest.filter(|_| stored > ENOUGH)?;
        book.entries.get_mut(&id)?.state = State::Removing;
        Some(id)
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Nothing was appended for so long that the service may have removed it.
    pub fn may_have_expired(&self) -> bool {
        self.touched.elapsed() > UPLOAD_TTL
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.ledger.lock().entries.get_mut(&self.id) {
            entry.readers -= 1;
        }
    }
}
