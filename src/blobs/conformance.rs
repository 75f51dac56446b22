//! What every store of bytes must do. Each implementation's tests call [`all`].

use super::{BlobError, BlobStore, Place};
use crate::db::Staged;
use crate::domain::{BlobEpoch, BlobId, Digest, Epoch};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use std::sync::Arc;
use uuid::Uuid;

/// Stands in for the catalog: makes staged bytes count. Where they are part of a transaction, it is this one's.
#[async_trait]
pub(crate) trait Counting: Send + Sync {
    /// Whether the bytes were counted; `false` if rows of the same key were committed before.
    async fn count(&self, staged: Staged) -> bool;
}

/// For stores whose bytes are durable before they are counted.
pub(crate) struct AlreadyDurable;

#[async_trait]
impl Counting for AlreadyDurable {
    async fn count(&self, staged: Staged) -> bool {
        matches!(staged, Staged::Durable)
    }
}

pub(crate) async fn all(store: Arc<dyn BlobStore>, counting: &dyn Counting) {
    any_range_of_what_was_written_is_read_back(&*store, counting).await;
    chunks_follow_each_other(&*store, counting).await;
    a_chunk_in_pieces_is_one_chunk(&*store, counting).await;
    epochs_do_not_touch_each_other(&*store, counting).await;
    a_late_duplicate_is_harmless(&*store, counting).await;
    nothing_staged_is_no_error(&*store, counting).await;
    what_is_not_there_is_missing(&*store, counting).await;
    a_stage_that_is_dropped_spoils_nothing(&*store, counting).await;
    a_blob_is_deleted_with_all_its_epochs(&*store, counting).await;
    one_epoch_is_deleted_and_leaves_the_others(&*store, counting).await;
    what_may_count_nowhere_is_in_the_inventory(&*store).await;
    the_same_chunk_from_two_replicas_at_once_is_stored(store, counting).await;
}

pub(crate) async fn contents(store: &dyn BlobStore, place: Place, length: u64) -> Result<Vec<u8>, BlobError> {
    let pieces: Vec<Bytes> = store.read(place, length).await?.try_collect().await?;
    assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= 1 << 20));
    Ok(pieces.concat())
}

async fn put(store: &dyn BlobStore, counting: &dyn Counting, place: Place, bytes: &[u8]) -> bool {
    let mut stage = store.stage(place, bytes.len() as u64).await.unwrap();
    stage.write(&[Bytes::copy_from_slice(bytes)], Digest::default()).await.unwrap();
    counting.count(stage.finish().await.unwrap()).await
}

fn new_place() -> Place {
    Place { blob: BlobId(Uuid::now_v7()), epoch: Epoch(1), start: 0 }
}

/// Bytes of which no two neighbourhoods are the same.
fn sample(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(length as u64);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

async fn any_range_of_what_was_written_is_read_back(store: &dyn BlobStore, counting: &dyn Counting) {
    let (place, bytes) = (new_place(), sample(2_500_000));
    assert!(put(store, counting, place, &bytes).await);
    for range in
        [0..bytes.len(), 0..1, 1_048_575..1_048_577, 1_048_576..2_097_152, 2_499_999..2_500_000, 5..5]
    {
        let part = Place { start: range.start as u64, ..place };
        let read = contents(store, part, range.len() as u64).await.unwrap();
        assert!(read == bytes[range.clone()], "{range:?}");
    }
}

async fn chunks_follow_each_other(store: &dyn BlobStore, counting: &dyn Counting) {
    let (place, bytes) = (Place { start: 1000, ..new_place() }, sample(3_000_000));
    let mut at = 0;
    for length in [1, 1_048_576, 999_999, 951_424] {
        let next = Place { start: place.start + at as u64, ..place };
        assert!(put(store, counting, next, &bytes[at..at + length]).await);
        at += length;
    }
    assert!(contents(store, place, at as u64).await.unwrap() == bytes);
}

async fn a_chunk_in_pieces_is_one_chunk(store: &dyn BlobStore, counting: &dyn Counting) {
    let (place, bytes) = (new_place(), sample(1_100_000));
    let mut stage = store.stage(place, bytes.len() as u64).await.unwrap();
    let pieces: Vec<Bytes> = bytes.chunks(16_000).map(Bytes::copy_from_slice).collect();
    // Some wait for others, some are so many that they are written in several pieces behind one that waits, and all go into the
    // digest once and in order.
    let mut digest = Digest::default();
    let (waits, rest) = pieces.split_at(1);
    let (many, rest) = rest.split_at(600_000 / 16_000);
    for pieces in [waits, many].into_iter().chain(rest.chunk_by(|one, _| one[0] % 7 != 0)) {
        digest = stage.write(pieces, digest).await.unwrap();
        digest = stage.write(&[Bytes::new()], digest).await.unwrap();
    }
    let mut expected = Digest::default();
    expected.update(&bytes);
    assert_eq!(digest.finish(), expected.finish());
    assert!(counting.count(stage.finish().await.unwrap()).await);
    assert!(contents(store, place, bytes.len() as u64).await.unwrap() == bytes);
}

async fn epochs_do_not_touch_each_other(store: &dyn BlobStore, counting: &dyn Counting) {
    let first = new_place();
    let second = Place { epoch: Epoch(2), ..first };
    assert!(put(store, counting, first, b"first").await);
    assert!(put(store, counting, second, b"other").await);
    assert_eq!(contents(store, first, 5).await.unwrap(), b"first");
    assert_eq!(contents(store, second, 5).await.unwrap(), b"other");
}

async fn a_late_duplicate_is_harmless(store: &dyn BlobStore, counting: &dyn Counting) {
    let (place, bytes) = (new_place(), sample(1_500_000));
    assert!(put(store, counting, place, &bytes).await);
    put(store, counting, place, &bytes).await;
    // Its chunks may be cut in another way.
    put(store, counting, place, &bytes[..700_000]).await;
    assert!(contents(store, place, bytes.len() as u64).await.unwrap() == bytes);
}

async fn nothing_staged_is_no_error(store: &dyn BlobStore, counting: &dyn Counting) {
    let place = new_place();
    let stage = store.stage(place, 0).await.unwrap();
    assert!(counting.count(stage.finish().await.unwrap()).await);
}

async fn what_is_not_there_is_missing(store: &dyn BlobStore, counting: &dyn Counting) {
    let missing = contents(store, new_place(), 1).await;
    assert!(matches!(missing, Err(BlobError::Missing)), "{missing:?}");
    let place = new_place();
    assert!(put(store, counting, place, b"short").await);
    let too_long = contents(store, place, 6).await;
    assert!(matches!(too_long, Err(BlobError::Missing)), "{too_long:?}");
    let beyond = contents(store, Place { start: 5, ..place }, 1).await;
    assert!(matches!(beyond, Err(BlobError::Missing)), "{beyond:?}");
}

async fn a_stage_that_is_dropped_spoils_nothing(store: &dyn BlobStore, counting: &dyn Counting) {
    let (place, bytes) = (new_place(), sample(1_200_000));
    let mut stage = store.stage(place, bytes.len() as u64).await.unwrap();
    stage.write(&[Bytes::copy_from_slice(&bytes[..1_100_000])], Digest::default()).await.unwrap();
    drop(stage);
    assert!(put(store, counting, place, &bytes).await);
    assert!(contents(store, place, bytes.len() as u64).await.unwrap() == bytes);
}

async fn a_blob_is_deleted_with_all_its_epochs(store: &dyn BlobStore, counting: &dyn Counting) {
    let (place, other) = (new_place(), new_place());
    let second = Place { epoch: Epoch(2), ..place };
    for place in [place, second, other] {
        assert!(put(store, counting, place, &sample(1_100_000)).await);
    }
    store.delete(place.blob).await.unwrap();
    for place in [place, second] {
        assert!(matches!(contents(store, place, 1).await, Err(BlobError::Missing)));
    }
    assert_eq!(contents(store, other, 1_100_000).await.unwrap().len(), 1_100_000);
    store.delete(place.blob).await.unwrap();
}

async fn one_epoch_is_deleted_and_leaves_the_others(store: &dyn BlobStore, counting: &dyn Counting) {
    let (place, other) = (new_place(), new_place());
    // The tenth's name begins as the first's.
    let tenth = Place { epoch: Epoch(10), ..place };
    for place in [place, tenth, other] {
        assert!(put(store, counting, place, b"12345").await);
    }
    for _ in 0..2 {
        store.delete_epoch(BlobEpoch { blob: place.blob, epoch: place.epoch }).await.unwrap();
        assert!(matches!(contents(store, place, 1).await, Err(BlobError::Missing)));
        for kept in [tenth, other] {
            assert_eq!(contents(store, kept, 5).await.unwrap(), b"12345");
        }
    }
}

async fn what_may_count_nowhere_is_in_the_inventory(store: &dyn BlobStore) {
    let place = new_place();
    let staged = [place, Place { epoch: Epoch(12), start: 7, ..place }, new_place()];
    let mut uncounted = Vec::new();
    for place in staged {
        let mut stage = store.stage(place, 13).await.unwrap();
        stage.write(&[Bytes::from_static(b"never counted")], Digest::default()).await.unwrap();
        uncounted.push(stage.finish().await.unwrap());
    }
    for (place, staged) in staged.into_iter().zip(&uncounted) {
        let stays = matches!(staged, Staged::Durable);
        let bytes = BlobEpoch { blob: place.blob, epoch: place.epoch };
        assert_eq!(inventory(store).await.contains(&bytes), stays, "{place:?}");
        store.delete_epoch(bytes).await.unwrap();
        assert!(!inventory(store).await.contains(&bytes), "{place:?}");
    }
}

pub(crate) async fn inventory(store: &dyn BlobStore) -> Vec<BlobEpoch> {
    let pages: Vec<Vec<BlobEpoch>> = store.inventory().try_collect().await.unwrap();
    pages.concat()
}

async fn the_same_chunk_from_two_replicas_at_once_is_stored(
    store: Arc<dyn BlobStore>,
    counting: &dyn Counting,
) {
    let (place, bytes) = (new_place(), sample(1_500_000));
    let counted = futures_util::future::join_all((0..4).map(|_| put(&*store, counting, place, &bytes))).await;
    assert!(counted.contains(&true));
    assert!(contents(&*store, place, bytes.len() as u64).await.unwrap() == bytes);
}
