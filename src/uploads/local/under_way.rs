//! Chunks that are being stored here right now, for those that follow them.
//!
//! A relay may send a chunk while the one before it is still being made durable. Such a chunk is hashed and written meanwhile,
//! and counted when the one before it is. If that is not counted after all the record refuses the one that follows, as it
//! refuses any that does not begin where the upload ends.

use crate::domain::{Digest, Epoch, UploadId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Where a chunk ends, and in which epoch.
type End = (UploadId, Epoch, u64);

/// What is known of an upload once a chunk has been hashed, and before it is durable.
#[derive(Clone)]
pub(super) struct Tail {
    /// Of all bytes up to the chunk's end.
    pub digest: Digest,
    pub length: Option<u64>,
}

/// All chunks that are under way in this process. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashMap<End, watch::Receiver<Option<Tail>>>>>);

/// A chunk that is being stored. When it is dropped that is over, well or not.
pub(super) struct Storing {
    under_way: UnderWay,
    end: End,
    tail: watch::Sender<Option<Tail>>,
}

/// The chunk before one.
pub(super) struct Before(watch::Receiver<Option<Tail>>);

impl UnderWay {
    /// Whoever comes from now on with the bytes after `end` finds this chunk under way.
    pub fn enter(&self, id: UploadId, epoch: Epoch, end: u64) -> Storing {
        let (tail, told) = watch::channel(None);
        let end = (id, epoch, end);
        // The same chunk once more: the first may be dead, or its relay has given it up.
        self.lock().insert(end, told);
        Storing { under_way: self.clone(), end, tail }
    }

    /// The chunk that ends at `offset`, if it is under way.
    pub fn before(&self, id: UploadId, epoch: Epoch, offset: u64) -> Option<Before> {
        self.lock().get(&(id, epoch, offset)).cloned().map(Before)
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Nothing is done under the lock that could panic half-way.
    fn lock(&self) -> MutexGuard<'_, HashMap<End, watch::Receiver<Option<Tail>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storing {
    /// All bytes of the chunk have come.
    pub fn hashed(&self, tail: Tail) {
        self.tail.send_replace(Some(tail));
    }
}

impl Drop for Storing {
    fn drop(&mut self) {
        let mut chunks = self.under_way.lock();
        if chunks.get(&self.end).is_some_and(|told| told.same_channel(&self.tail.subscribe())) {
            chunks.remove(&self.end);
        }
    }
}

impl Before {
    /// What is known once all bytes of the chunk have come; `None` if they never do.
    pub async fn hashed(&mut self) -> Option<Tail> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Returns when the chunk is stored, or is not going to be.
    pub async fn over(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}
