//! What every catalog must do. Each implementation's tests call [`all`].
//!
//! `appending` holds the heart: offsets, epochs and races; `pending` what does not count yet, `sharing` what becomes of equal
//! content, `joining` what is made of others; `removal`, `sweeping`, `listing`,
//! `changes` and `replicas` the rest.

mod appending;
mod changes;
mod joining;
mod listing;
mod pending;
mod removal;
mod replicas;
mod sharing;
mod sweeping;

use super::{Advance, Catalog, CatalogError};
use crate::db::Staged;
use crate::domain::{
    BlobId, ContainerId, Digest, Epoch, FileName, NewUpload, Segment, Sha256Sum, Upload, UploadId,
};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const TTL: Duration = Duration::from_secs(3600);

/// Every rule, each on uploads of its own. The catalog must be empty.
pub(crate) async fn all(catalog: Arc<dyn Catalog>) {
    catalog.check().await.unwrap();
    listing::all(&*catalog).await;
    changes::all(&*catalog).await;
    appending::all(&catalog).await;
    pending::all(&*catalog).await;
    removal::all(&*catalog).await;
    sharing::all(&catalog).await;
    sweeping::all(&catalog).await;
    joining::all(&catalog).await;
    replicas::all(&*catalog).await;
}

/// Create, append, complete, read, remove: what a program must be able to do on a schema newer than its own.
pub(crate) async fn smoke(catalog: &dyn Catalog) {
    catalog.check().await.unwrap();
    appending::an_append_that_brings_the_last_bytes_completes(catalog).await;
    removal::a_removed_upload_is_gone(catalog).await;
    listing::an_upload_can_be_listed(catalog).await;
    changes::what_is_completed_or_removed_is_told(catalog).await;
    replicas::a_replica_that_reported_is_listed(catalog).await;
}

pub(crate) fn new_upload(length: Option<u64>) -> NewUpload {
    NewUpload {
        id: UploadId::mint(),
        filename: FileName::clean("a file.bin"),
        content_type: Some("application/x-test".into()),
        metadata: "filename YSBmaWxlLmJpbg==".into(),
        length,
        concat: None,
        parts: Vec::new(),
    }
}

/// `count` bytes (all of them `x`) at `from`.
pub(crate) fn bytes(from: u64, count: u64) -> Advance {
    let mut digest = Digest::default();
    digest.update(&vec![b'x'; (from + count) as usize]);
    Advance {
        epoch: Epoch::FIRST,
        offset: from,
        from,
        count,
        pending: false,
        more: false,
        length: None,
        digest,
        sha256: None,
        backend: ContainerId::from_bits(1),
        frontend: None,
    }
}

/// As [`bytes`], and with them the upload is complete, with a digest that no other has.
pub(crate) fn last_bytes(from: u64, count: u64) -> Advance {
    let sha256 = Some(Sha256Sum(std::array::from_fn(|_| fastrand::u8(..))));
    Advance { length: Some(from + count), sha256, ..bytes(from, count) }
}

pub(crate) async fn create(catalog: &dyn Catalog, new: &NewUpload) -> Upload {
    catalog.create(new, None, Staged::Durable, TTL).await.unwrap()
}

/// An upload of as many bytes, each of an epoch of its own, but without its end.
async fn in_pieces(catalog: &dyn Catalog, new: &NewUpload, pieces: u64) -> UploadId {
    let id = create(catalog, new).await.id;
    for offset in 0..pieces {
        let epoch = catalog.claim(id, offset, None).await.unwrap().epoch;
        append(catalog, id, &Advance { epoch, ..bytes(offset, 1) }).await.unwrap();
    }
    id
}

async fn create_whole(catalog: &dyn Catalog, new: &NewUpload, size: u64) -> Upload {
    catalog.create(new, Some(&last_bytes(0, size)), Staged::Durable, TTL).await.unwrap()
}

async fn doomed(catalog: &dyn Catalog) -> Vec<BlobId> {
    catalog.doomed(None, 1000).await.unwrap().into_iter().map(|doomed| doomed.blob).collect()
}

/// Of an upload of one byte in each row, of which two and two make a segment.
pub(crate) fn the_first_20_000_are_told(segments: &[Segment]) {
    let told: Vec<(u64, u64)> = segments.iter().map(|segment| (segment.offset, segment.length)).collect();
    assert_eq!(told, (0..20_000).map(|number| (number * 2, 2)).collect::<Vec<_>>());
}

pub(crate) async fn append(
    catalog: &dyn Catalog,
    id: UploadId,
    advance: &Advance,
) -> Result<Upload, CatalogError> {
    catalog.append(id, advance, Staged::Durable, TTL).await
}

/// The record that a conflict shows.
pub(crate) fn conflict<T: std::fmt::Debug>(outcome: Result<T, CatalogError>) -> Upload {
    match outcome {
        Err(CatalogError::Conflict(upload)) => *upload,
        other => panic!("not a conflict: {other:?}"),
    }
}

/// Runs `n` of the same at once, each a task of its own.
async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    n: u64,
    contender: impl Fn(u64) -> F,
) -> Vec<T> {
    let tasks: Vec<_> = (0..n).map(|i| tokio::spawn(contender(i))).collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}
