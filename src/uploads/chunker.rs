use super::budget::busy;
use super::pieces::Pieces;
use super::{Body, BodyError, Budget, Grant, UploadError};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;
/// A chunk is at least this large, unless the sender is slow, the budget short, or the body at its end.
const SMALLEST: usize = MIB;
/// No more room is taken at once, and the first chunk of a body that says how long it is is not larger.
const AT_ONCE: usize = 4 * MIB;
/// Of a sender that is as slow as that.
const SLOWEST: usize = 64 << 10;
/// A chunk is likely to become so many times as large as its first piece, which is what came along with the head of the request,
/// or since the last one.
const LIKELY: usize = 128;
/// No chunk is larger.
pub const LARGEST: usize = 16 * MIB;
/// What was received is sent on when nothing more came for this long.
const IDLE: Duration = Duration::from_millis(250);
/// And a chunk that grows slowly, byte by byte without a pause, when it is this old.
const OLDEST: Duration = Duration::from_secs(5);
/// A chunk filled faster than this makes the next one twice as large, if it is stored as fast.
const QUICK: Duration = Duration::from_millis(500);
/// A chunk that took longer to be stored makes the next ones smaller: one that takes longer than a backend waits for its
/// database would never be stored, however often it is sent.
const SLOW: Duration = Duration::from_secs(1);
/// A chunk that takes longer to arrive gives back the room that it has no bytes for.
const SLOW_TO_COME: Duration = Duration::from_secs(1);

/// Consecutive bytes of an upload, stored at once or not at all. They count against the [`Budget`] until it is dropped.
#[derive(Debug, Default)]
pub struct Chunk {
    pub parts: Vec<Bytes>,
    pub len: u64,
    /// The body ended with this chunk, which may be empty. Exactly one chunk of a body that ends well says so.
    pub last: bool,
    /// Nothing is known of the end of the body, good or bad, yet.
    pub more: bool,
    grant: Option<Grant>,
}

/// How long it took to store a chunk, as far as that can be told of one that was sent while another one was being stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    /// Since there was no other one: it took that long at least.
    pub alone: Duration,
    /// It took no longer.
    pub in_all: Duration,
}

impl From<Duration> for Took {
    fn from(took: Duration) -> Self {
        Self { alone: took, in_all: took }
    }
}

/// Cuts a body into chunks, within the budget.
///
/// A chunk ends when it is full, when the sender pauses, when the budget has no more, or with the body. Nobody waits for
/// budget while holding unsent bytes: they are sent as a shorter chunk, so slow senders cannot lock up the budget.
///
/// With its first bytes a chunk gets room for all that it is likely to become. Were room taken only as bytes arrive, many
/// senders at once would each get a little, and a chunk of a few KiB costs as much to store as a large one. Who waits for
/// room holds no more than one piece, sends into the buffers of its connection meanwhile, and has bytes to fill the room with.
pub struct Chunker {
    body: Body,
    budget: Budget,
    target: usize,
    /// What has come without a pause before.
    expected: usize,
    /// The largest chunk that is stored quickly, as far as is known.
    ceiling: usize,
    /// Bytes of the body that have not come yet, if it says how many there are.
    announced: Option<u64>,
    /// Received, but not granted when the last chunk ended.
    carried: Option<Bytes>,
    tail: Tail,
}

/// What is known of the end of the body.
enum Tail {
    Open,
    Ended,
    /// Told after the bytes before it were delivered.
    Failed(BodyError),
    /// The last chunk was delivered.
    Told,
}

impl Chunker {
    pub fn new(body: Body, budget: Budget) -> Self {
        let (target, expected, ceiling) = (SMALLEST, SLOWEST, budget.worth_trying().min(LARGEST));
        Self { body, budget, target, expected, ceiling, announced: None, carried: None, tail: Tail::Open }
    }

    /// Of a body that says how long it is the first chunk may be all of it.
    pub fn announced(self, bytes: Option<u64>) -> Self {
        let most = AT_ONCE.min(self.ceiling).min(self.budget.total() / 4).max(SMALLEST);
        let target = bytes.map_or(SMALLEST, |bytes| bytes.clamp(SMALLEST as u64, most as u64) as usize);
        Self { target, announced: bytes, ..self }
    }

    /// The next chunk; `None` after the last one. Must not be cancelled: what a dropped call had received is lost.
    pub async fn next(&mut self) -> Result<Option<Chunk>, UploadError> {
        let (mut chunk, mut pieces) = (Chunk::default(), Pieces::default());
        let mut received = self.receive().await;
        if let Some(bytes) = &received {
            chunk.grant = Some(self.room_for_all_after(bytes.len()).await?);
        }
        let began = Instant::now();
        while let Some(bytes) = received {
            if !self.make_room(bytes.len(), &mut chunk) {
                self.carried = Some(bytes);
                break;
            }
            chunk.len += bytes.len() as u64;
            pieces.push(bytes);
            let age = began.elapsed();
            // Where all has come that was announced the end comes next, and this is the last chunk.
            let full = chunk.len >= self.target as u64 && self.announced != Some(0);
            if full || age > OLDEST {
                break;
            }
            if age > SLOW_TO_COME {
                chunk.give_back();
            }
            received = tokio::time::timeout(IDLE, self.receive()).await.ok().flatten();
        }
        chunk.give_back();
        chunk.parts = pieces.into_parts();
        self.adapt(&chunk, began.elapsed());
        self.deliver(chunk)
    }

    /// The next bytes, or `None` when there are no more.
    async fn receive(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.carried.take() {
            return Some(bytes);
        }
        if !matches!(self.tail, Tail::Open) {
            return None;
        }
        match self.body.next().await {
            Some(Ok(bytes)) => {
                let come = bytes.len() as u64;
                self.announced = self.announced.and_then(|missing| missing.checked_sub(come));
                return Some(bytes);
            }
            Some(Err(error)) => self.tail = Tail::Failed(error),
            None => self.tail = Tail::Ended,
        }
        None
    }

    /// Room for all that is likely to come with these first `bytes`. Whoever sends much at once will go on so.
    async fn room_for_all_after(&self, bytes: usize) -> Result<Grant, UploadError> {
        let likely = (bytes * LIKELY).clamp(self.expected, self.target.min(AT_ONCE));
        let announced =
            self.announced.map_or(usize::MAX, |missing| usize::try_from(missing).unwrap_or(usize::MAX));
        let likely = likely.min(announced.saturating_add(bytes));
        let room = self.budget.take(likely.max(bytes)).await;
        room.ok_or_else(busy)
    }

    /// Makes room for `bytes` more; says no when there is none and the chunk should be sent first.
    fn make_room(&self, bytes: usize, chunk: &mut Chunk) -> bool {
        let Some(held) = &mut chunk.grant else { return false };
        let missing = (chunk.len as usize + bytes).saturating_sub(held.bytes());
        // The first bytes have got what there is, be it that the whole budget is less than they are.
        chunk.len == 0 || missing == 0 || self.budget.try_take(missing).map(|more| held.join(more)).is_some()
    }

    /// Grows with the sender's speed, and never past a third of what is free, so that one upload leaves room for others.
    fn adapt(&mut self, chunk: &Chunk, took: Duration) {
        let full = chunk.len >= self.target as u64;
        let wanted = match (full, took < QUICK) {
            (true, true) => self.target * 2,
            (true, false) => self.target,
            (false, _) => self.target / 2,
        };
        self.target = wanted.min(self.budget.free() / 3).min(self.ceiling).clamp(SMALLEST, LARGEST);
        // One that has filled its room would have filled more.
        self.expected = (chunk.len as usize + 1).next_power_of_two().clamp(SLOWEST, SMALLEST);
    }

    /// Told how long it took to store a chunk of so many bytes, repetitions included. Who begins later profits by what was learnt;
    /// nothing is where the client did not wait for the answer.
    pub fn stored(&mut self, bytes: u64, took: impl Into<Took>) {
        let (bytes, took) = (usize::try_from(bytes).unwrap_or(LARGEST), took.into());
        if took.alone > QUICK {
            let bearable = if took.alone > SLOW { bytes / 2 } else { bytes };
            // What was read ahead may be larger than what is allowed by now.
            self.ceiling = self.ceiling.min(bearable.max(SMALLEST));
            // What is small and slow has waited for something else.
            if bytes >= SMALLEST {
                self.budget.tell_slow_beyond(self.ceiling);
            }
        } else if bytes >= self.ceiling && took.in_all <= QUICK {
            self.ceiling = (self.ceiling * 2).max(bytes).min(LARGEST);
            self.budget.tell_quick_up_to(self.ceiling);
        }
        self.target = self.target.min(self.ceiling);
    }

    /// Told how long it took to find out that a chunk of so many bytes cannot be stored now. Less might have been.
    pub fn not_stored(&mut self, bytes: u64, took: Duration) {
        if took > QUICK {
            self.stored(bytes, took);
        }
    }

    fn deliver(&mut self, mut chunk: Chunk) -> Result<Option<Chunk>, UploadError> {
        match std::mem::replace(&mut self.tail, Tail::Told) {
            Tail::Told => Ok(None),
            Tail::Ended if self.carried.is_none() => {
                chunk.last = true;
                Ok(Some(chunk))
            }
            Tail::Failed(error) if chunk.len == 0 && self.carried.is_none() => Err(UploadError::Body(error)),
            open => {
                chunk.more = matches!(open, Tail::Open) || self.carried.is_some();
                self.tail = open;
                Ok(Some(chunk))
            }
        }
    }
}

impl Chunk {
    /// What it has more room than bytes for.
    fn give_back(&mut self) {
        if let Some(held) = &mut self.grant {
            held.keep(self.len as usize);
        }
    }
}

#[cfg(test)]
mod tests;
