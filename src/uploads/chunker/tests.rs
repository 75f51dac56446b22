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
async fn a_body_that_says_how_long_it_is_gets_no_more_room_than_that() {
    let budget = Budget::new(2 * MIB as u32);
    let sender = stream::iter(pieces(1, 4000)).chain(stream::pending()).boxed_local();
    let mut chunker = Chunker::new(sender, budget.clone()).announced(Some(5000));
    let mut next = pin!(chunker.next());
    assert!(next.as_mut().now_or_never().is_none());
    assert_eq!(budget.free(), 2 * MIB - 5000);
}

#[actix_web::test]
async fn who_sends_little_gets_little_room() {
    for (first, room) in [(10, SLOWEST), (SLOWEST / 32, 4 * SLOWEST), (SLOWEST, MIB)] {
        let budget = Budget::new(2 * MIB as u32);
        let sender = stream::iter(pieces(1, first)).chain(stream::pending()).boxed_local();
        let mut chunker = Chunker::new(sender, budget.clone());
        let mut next = pin!(chunker.next());
        assert!(next.as_mut().now_or_never().is_none());
        assert_eq!(budget.free(), 2 * MIB - room, "{first}");
    }
}

#[actix_web::test]
async fn a_body_that_says_how_long_it_is_is_one_chunk_unless_it_is_large() {
    for (length, first) in [(1, 1), (2, 2), (4, 4), (6, 4)] {
        let (budget, announced) = (Budget::new(64 * MIB as u32), (length * MIB) as u64);
        let mut chunker = Chunker::new(body(pieces(length, MIB)), budget).announced(Some(announced));
        let chunk = chunker.next().await.unwrap().unwrap();
        let is_all = length == first;
        assert_eq!((chunk.len, chunk.last, chunk.more), ((first * MIB) as u64, is_all, !is_all), "{length}");
    }
}

#[actix_web::test]
async fn a_body_that_is_not_as_long_as_it_says_is_delivered_all_the_same() {
    for (said, came) in [(1, 3), (3, 1), (1, 40)] {
        let (budget, said) = (Budget::new(256 * MIB as u32), (said * MIB) as u64);
        let mut chunker = Chunker::new(body(pieces(came, MIB)), budget).announced(Some(said));
        let (mut all, mut last) = (0, false);
        while let Some(chunk) = chunker.next().await.unwrap() {
            assert!(!last && chunk.len <= LARGEST as u64, "{said} {came}");
            (all, last) = (all + chunk.len, chunk.last);
        }
        assert_eq!((all, last), ((came * MIB) as u64, true), "{said} {came}");
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
async fn who_has_sent_much_without_a_pause_gets_as_much_room_again() {
    let budget = Budget::new(2 * MIB as u32);
    let much = pieces(MIB / 1024, 1024);
    let sender = stream::iter(much).chain(stream::iter(pieces(1, 10))).chain(stream::pending()).boxed_local();
    let mut chunker = Chunker::new(sender, budget.clone());
    assert_eq!(chunker.next().await.unwrap().unwrap().len, MIB as u64);
    let mut next = pin!(chunker.next());
    assert!(next.as_mut().now_or_never().is_none());
    assert_eq!(budget.free(), MIB);
}

#[actix_web::test]
async fn who_sends_slowly_gives_back_the_room_that_he_does_not_need() {
    let budget = Budget::new(2 * MIB as u32);
    let slow = stream::iter(pieces(1, SLOWEST)).chain(stream::unfold((), |()| async {
        // Never so long that the chunk would end.
        tokio::time::sleep(IDLE / 5).await;
        Some((Ok(Bytes::from_static(b"x")), ()))
    }));
    let mut chunker = Chunker::new(slow.boxed_local(), budget.clone());
    let given_back = async {
        while budget.free() == 2 * MIB {
            yield_now().await;
        }
        assert_eq!(budget.free(), MIB);
        while budget.free() == MIB {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(budget.free() > 2 * MIB - 2 * SLOWEST);
    };
    match select(pin!(chunker.next()), pin!(given_back)).await {
        Either::Left(_) => panic!("it has ended before"),
        Either::Right(_) => {}
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

/// The next chunk is read while one is being stored, so it may be as large as was allowed before.
#[actix_web::test]
async fn what_is_stored_slowly_never_allows_more_than_before_and_what_is_stored_quickly_never_less() {
    let allowed = async |stored: &[(usize, u64)]| {
        let mut chunker = Chunker::new(body(pieces(64, MIB)), Budget::new(256 * MIB as u32));
        for (mib, took) in stored {
            chunker.stored((mib * MIB) as u64, Duration::from_millis(*took));
        }
        let mut largest = 0;
        for _ in 0..6 {
            largest = largest.max(chunker.next().await.unwrap().unwrap().len);
        }
        largest / MIB as u64
    };
    assert_eq!(allowed(&[(8, 2000), (16, 2000)]).await, 4);
    assert_eq!(allowed(&[(8, 2000), (16, 700)]).await, 4);
    assert_eq!(allowed(&[(2, 2000), (8, 100)]).await, 8);
}

/// Of that time a part is the one's that was being stored before it.
#[actix_web::test]
async fn what_was_sent_ahead_is_slow_by_the_time_it_was_alone_and_quick_only_by_all_of_it() {
    let allowed = async |alone: u64, in_all: u64| {
        let mut chunker = Chunker::new(body(pieces(64, MIB)), Budget::new(256 * MIB as u32));
        chunker.stored(4 * MIB as u64, Duration::from_millis(2000));
        let (alone, in_all) = (Duration::from_millis(alone), Duration::from_millis(in_all));
        chunker.stored(2 * MIB as u64, Took { alone, in_all });
        let mut largest = 0;
        for _ in 0..6 {
            largest = largest.max(chunker.next().await.unwrap().unwrap().len);
        }
        largest / MIB as u64
    };
    assert_eq!(allowed(10, 400).await, 4);
    assert_eq!(allowed(400, 700).await, 2);
    assert_eq!(allowed(1500, 1800).await, 1);
}

#[actix_web::test]
async fn what_could_not_be_stored_in_time_is_tried_smaller_by_who_comes_next() {
    let budget = Budget::new(64 * MIB as u32);
    let begin = || Chunker::new(body(pieces(4, MIB)), budget.clone()).announced(Some(4 * MIB as u64));
    let first = async || begin().next().await.unwrap().unwrap().len / MIB as u64;
    // Refused at once: the size had nothing to do with it.
    begin().not_stored(4 * MIB as u64, Duration::from_millis(10));
    assert_eq!(first().await, 4);
    begin().not_stored(4 * MIB as u64, Duration::from_secs(3));
    assert_eq!(first().await, 2);
}

/// One that is too large to be stored in time would else be sent again and again, by one request after the other.
#[actix_web::test]
async fn who_begins_after_a_chunk_was_stored_slowly_begins_with_less() {
    let budget = Budget::new(64 * MIB as u32);
    let mut lengths = Vec::new();
    for took in [100, 2000, 2000, 2000, 100, 100, 100] {
        let mut chunker = Chunker::new(body(pieces(4, MIB)), budget.clone()).announced(Some(4 * MIB as u64));
        let chunk = chunker.next().await.unwrap().unwrap();
        lengths.push(chunk.len / MIB as u64);
        chunker.stored(chunk.len, Duration::from_millis(took));
    }
    assert_eq!(lengths, [4, 4, 2, 1, 1, 2, 4]);
}

#[actix_web::test]
async fn only_who_has_seen_a_large_chunk_stored_speaks_of_large_ones() {
    let budget = Budget::new(64 * MIB as u32);
    let begin = || Chunker::new(body(pieces(4, MIB)), budget.clone()).announced(Some(4 * MIB as u64));
    let first = async || begin().next().await.unwrap().unwrap().len / MIB as u64;
    // One that began before, and goes on in small chunks, knows no better.
    let mut before = begin();
    before.stored(4096, Duration::from_secs(2));
    assert_eq!(first().await, 4);
    begin().stored(4 * MIB as u64, Duration::from_secs(2));
    before.stored(4096, Duration::from_millis(1));
    assert_eq!(first().await, 2);
    begin().stored(2 * MIB as u64, Duration::from_millis(1));
    assert_eq!(first().await, 4);
}

#[actix_web::test]
async fn one_first_chunk_takes_no_more_than_a_quarter_of_the_budget() {
    for (total, first) in [(4, 1), (8, 2), (64, 4)] {
        let budget = Budget::new((total * MIB) as u32);
        let mut chunker = Chunker::new(body(pieces(6, MIB)), budget).announced(Some(6 * MIB as u64));
        assert_eq!(chunker.next().await.unwrap().unwrap().len, (first * MIB) as u64, "{total}");
    }
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
