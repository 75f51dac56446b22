use super::pieces::Pieces;
use super::{Body, BodyError, Budget, Grant, UploadError};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;
/// A chunk is at least this large, unless the sender is slow, the budget short, or the body at its end.
const SMALLEST: usize = MIB;
/// Of a sender that is as slow as that.
const SLOWEST: usize = 64 << 10;
/// A chunk is likely to become so many times as large as its first piece, which is what had been waiting to be read.
const LIKELY: usize = 16;
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
/// A relay's chunk that takes longer to arrive is not waited for by its relay any more.
const ARRIVAL: Duration = Duration::from_secs(10);
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Consecutive bytes of an upload, stored at once or not at all. They count against the [`Budget`] until it is dropped.
#[derive(Debug, Default)]
pub struct Chunk {
    pub parts: Vec<Bytes>,
    pub len: u64,
    /// The body ended with this chunk, which may be empty. Exactly one chunk of a body that ends well says so.
    pub last: bool,
    grant: Option<Grant>,
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
        let (target, expected, ceiling) = (SMALLEST, SLOWEST, LARGEST);
        Self { body, budget, target, expected, ceiling, carried: None, tail: Tail::Open }
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
            if chunk.len >= self.target as u64 || age > OLDEST {
                break;
            }
            if age > SLOW {
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
            Some(Ok(bytes)) => return Some(bytes),
            Some(Err(error)) => self.tail = Tail::Failed(error),
            None => self.tail = Tail::Ended,
        }
        None
    }

    /// Room for all that is likely to come with these first `bytes`. Whoever sends much at once will go on so.
    async fn room_for_all_after(&self, bytes: usize) -> Result<Grant, UploadError> {
        let likely = (bytes * LIKELY).clamp(self.expected, SMALLEST);
        let room = self.budget.take(likely.max(bytes)).await;
        room.ok_or(UploadError::Unavailable { retry_after: RETRY_AFTER })
    }

    /// Makes room for `bytes` more; says no when there is none and the chunk should be sent first.
    fn make_room(&self, bytes: usize, chunk: &mut Chunk) -> bool {
        let Some(held) = &mut chunk.grant else { return false };
        let missing = (chunk.len as usize + bytes).saturating_sub(held.bytes());
        // The first bytes have got what there is, be it that the whole budget is less than they are.
        chunk.len == 0 || missing == 0 || self.budget.try_take(missing).map(|more| held.join(more)).is_some()
    }

    /// Grows with the sender's speed, and never past a quarter of what is free, so that one upload leaves room for others.
    fn adapt(&mut self, chunk: &Chunk, took: Duration) {
        let full = chunk.len >= self.target as u64;
        let wanted = match (full, took < QUICK) {
            (true, true) => self.target * 2,
            (true, false) => self.target,
            (false, _) => self.target / 2,
        };
        self.target = wanted.min(self.budget.free() / 4).min(self.ceiling).clamp(SMALLEST, LARGEST);
        // One that has filled its room would have filled more.
        self.expected = (chunk.len as usize + 1).next_power_of_two().clamp(SLOWEST, SMALLEST);
    }

    /// Told how long it took to store a chunk of so many bytes, repetitions included.
    pub fn stored(&mut self, bytes: u64, took: Duration) {
        let bytes = usize::try_from(bytes).unwrap_or(LARGEST);
        if took > SLOW {
            self.ceiling = (bytes / 2).clamp(SMALLEST, LARGEST);
        } else if took > QUICK {
            self.ceiling = self.ceiling.min(bytes.max(SMALLEST));
        } else if bytes >= self.ceiling {
            self.ceiling = (self.ceiling * 2).min(LARGEST);
        }
        self.target = self.target.min(self.ceiling);
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

    /// The whole body as one chunk of at most `count` bytes, for which room is taken before the first byte is read: so a
    /// relay's chunks cannot lock up the budget among themselves either.
    pub async fn whole(body: Body, count: u64, budget: &Budget) -> Result<Chunk, UploadError> {
        // A relay's chunk may be longer by the piece that filled it; what is much longer is not a relay's.
        let limit = 2 * LARGEST as u64;
        if count > limit {
            return Err(UploadError::TooLarge { limit });
        }
        let unavailable = || UploadError::Unavailable { retry_after: RETRY_AFTER };
        let grant = budget.take(count as usize).await.ok_or_else(unavailable)?;
        // A relay that stands still in the middle of its chunk must not keep the room from others.
        let arrived = tokio::time::timeout(ARRIVAL, exactly(body, count)).await;
        let parts = arrived.map_err(|_| unavailable())?.map_err(UploadError::Body)?;
        Ok(Chunk { parts, len: count, last: true, grant: Some(grant) })
    }
}

/// The pieces of a body of just `count` bytes. Not one byte more is held.
async fn exactly(mut body: Body, count: u64) -> Result<Vec<Bytes>, BodyError> {
    let (mut len, mut pieces) = (0, Pieces::default());
    while let Some(bytes) = body.next().await {
        let bytes = bytes?;
        len += bytes.len() as u64;
        if len > count {
            break;
        }
        pieces.push(bytes);
    }
    match len == count {
        true => Ok(pieces.into_parts()),
        false => Err(BodyError::CutShort),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{Either, join_all, select};
    use futures_util::{FutureExt, stream};
    use std::cell::Cell;
    use std::pin::pin;
    use std::rc::Rc;
    use tokio::task::yield_now;

    fn body(pieces: Vec<Result<Bytes, BodyError>>) -> Body {
        stream::iter(pieces).boxed_local()
    }

    fn pieces(count: usize, size: usize) -> Vec<Result<Bytes, BodyError>> {
        (0..count).map(|_| Ok(Bytes::from(vec![7; size]))).collect()
    }

    async fn lengths(mut chunker: Chunker) -> Vec<(u64, bool)> {
        let mut lengths = Vec::new();
        while let Some(chunk) = chunker.next().await.unwrap() {
            lengths.push((chunk.len, chunk.last));
        }
        lengths
    }

    #[actix_web::test]
    async fn a_small_body_is_one_chunk_and_the_last() {
        let budget = Budget::new(64 * MIB as u32);
        assert_eq!(lengths(Chunker::new(body(pieces(3, 10)), budget.clone())).await, [(30, true)]);
        assert_eq!(lengths(Chunker::new(body(vec![]), budget)).await, [(0, true)]);
    }

    #[actix_web::test]
    async fn chunks_grow_with_a_fast_sender_up_to_the_largest() {
        let chunker = Chunker::new(body(pieces(64, MIB)), Budget::new(256 * MIB as u32));
        let lengths: Vec<_> = lengths(chunker).await.into_iter().map(|(len, _)| len / MIB as u64).collect();
        assert_eq!(lengths, [1, 2, 4, 8, 16, 16, 16, 1]);
    }

    #[actix_web::test]
    async fn without_budget_what_is_held_is_sent_as_a_shorter_chunk() {
        let budget = Budget::new(2 * MIB as u32);
        let _others = budget.try_take(MIB - 300).unwrap();
        let mut chunker = Chunker::new(body(pieces(2, MIB - 100)), budget);
        let first = chunker.next().await.unwrap().unwrap();
        assert_eq!((first.len, first.last), (MIB as u64 - 100, false));
        drop(first);
        let second = chunker.next().await.unwrap().unwrap();
        assert_eq!((second.len, second.last), (MIB as u64 - 100, true));
        assert!(chunker.next().await.unwrap().is_none());
    }

    #[actix_web::test]
    async fn many_senders_at_once_make_no_smaller_chunks() {
        let budget = Budget::new(4 * MIB as u32);
        let senders = (0..32).map(|_| {
            // Each lets the others come in between.
            let in_turn = stream::iter(pieces(16, MIB / 8)).then(|piece| yield_now().map(|()| piece));
            lengths(Chunker::new(in_turn.boxed_local(), budget.clone()))
        });
        for lengths in join_all(senders).await {
            assert_eq!(lengths, [(MIB as u64, false), (MIB as u64, false), (0, true)]);
        }
    }

    #[actix_web::test]
    async fn who_waits_for_room_holds_no_more_than_one_piece() {
        let asked = Rc::new(Cell::new(0));
        let count = asked.clone();
        let sender = stream::iter(pieces(2, 5)).inspect(move |_| count.set(count.get() + 1)).boxed_local();
        let budget = Budget::new(MIB as u32);
        let others = budget.try_take(MIB).unwrap();
        let mut chunker = Chunker::new(sender, budget);
        let mut next = pin!(chunker.next());
        assert!(next.as_mut().now_or_never().is_none());
        assert_eq!(asked.get(), 1);
        drop(others);
        assert_eq!(next.await.unwrap().unwrap().len, 10);
    }

    #[actix_web::test]
    async fn no_room_is_needed_to_see_the_end_of_a_body() {
        let budget = Budget::new(2 * MIB as u32);
        let mut chunker = Chunker::new(body(pieces(1, MIB)), budget.clone());
        assert!(!chunker.next().await.unwrap().unwrap().last);
        let _others = budget.try_take(2 * MIB).unwrap();
        assert!(chunker.next().await.unwrap().unwrap().last);
    }

    #[actix_web::test]
    async fn who_sends_little_gets_little_room() {
        for (first, room) in [(10, SLOWEST), (SLOWEST / 4, 4 * SLOWEST), (SLOWEST, MIB)] {
            let budget = Budget::new(2 * MIB as u32);
            let sender = stream::iter(pieces(1, first)).chain(stream::pending()).boxed_local();
            let mut chunker = Chunker::new(sender, budget.clone());
            let mut next = pin!(chunker.next());
            assert!(next.as_mut().now_or_never().is_none());
            assert_eq!(budget.free(), 2 * MIB - room, "{first}");
        }
    }

    #[actix_web::test]
    async fn a_sender_that_has_not_begun_keeps_no_room_from_others() {
        let budget = Budget::new(MIB as u32);
        let mut idle = Chunker::new(stream::pending().boxed_local(), budget.clone());
        let mut other = Chunker::new(body(pieces(1, 5)), budget);
        let idle = async { idle.next().await.is_ok() };
        let next = pin!(other.next());
        match select(pin!(idle), next).await {
            Either::Left(_) => panic!("nobody has sent anything"),
            Either::Right((chunk, _)) => assert_eq!(chunk.unwrap().unwrap().len, 5),
        }
    }

    #[actix_web::test]
    async fn a_chunk_holds_no_more_room_than_it_has_bytes() {
        let budget = Budget::new(4 * MIB as u32);
        let chunk = Chunker::new(body(pieces(2, 10)), budget.clone()).next().await.unwrap().unwrap();
        assert_eq!(budget.free(), 4 * MIB - 20);
        drop(chunk);
        assert_eq!(budget.free(), 4 * MIB);
    }

    #[actix_web::test]
    async fn a_pause_of_the_sender_ends_the_chunk() {
        let paused = stream::iter(pieces(1, 5)).chain(stream::pending()).boxed_local();
        let mut chunker = Chunker::new(paused, Budget::new(100));
        let chunk = chunker.next().await.unwrap().unwrap();
        assert_eq!((chunk.len, chunk.last), (5, false));
    }

    #[actix_web::test]
    async fn chunks_shrink_while_they_are_stored_slowly_and_grow_again_after() {
        let mut chunker = Chunker::new(body(pieces(64, MIB)), Budget::new(256 * MIB as u32));
        let mut lengths = Vec::new();
        for took in [100, 100, 100, 1500, 2000, 700, 100, 100, 100] {
            let chunk = chunker.next().await.unwrap().unwrap();
            lengths.push(chunk.len / MIB as u64);
            chunker.stored(chunk.len, Duration::from_millis(took));
        }
        assert_eq!(lengths, [1, 2, 4, 8, 4, 2, 2, 2, 4]);
    }

    #[actix_web::test]
    async fn bytes_before_a_broken_end_are_delivered_before_the_error() {
        let mut broken = pieces(2, 5);
        broken.push(Err(BodyError::CutShort));
        let mut chunker = Chunker::new(body(broken), Budget::new(100));
        let chunk = chunker.next().await.unwrap().unwrap();
        assert_eq!((chunk.len, chunk.last), (10, false));
        assert!(matches!(chunker.next().await, Err(UploadError::Body(BodyError::CutShort))));
    }

    #[actix_web::test]
    async fn a_whole_chunk_is_exactly_as_long_as_was_said() {
        let budget = Budget::new(100);
        assert_eq!(Chunk::whole(body(pieces(2, 5)), 10, &budget).await.unwrap().len, 10);
        for lie in [9, 11] {
            let cut = Chunk::whole(body(pieces(2, 5)), lie, &budget).await;
            assert!(matches!(cut, Err(UploadError::Body(BodyError::CutShort))));
        }
        assert_eq!(budget.free(), 100);
    }
}
