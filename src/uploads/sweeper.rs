//! What is left behind is found and deleted: uploads that have expired, bytes that outlived their record, bytes that never
//! got one.
//!
//! Every step stands on a fact that stays true once it is: an upload was removed, a blob is doomed, an epoch is lost. So a
//! sweep may stop anywhere, two may run at once, and one that was stopped for an hour may go on, to no harm.

use crate::blobs::{BlobError, BlobStore, Owner};
use crate::catalog::{Catalog, CatalogError, Doomed};
use crate::domain::{BlobEpoch, BlobId};
use futures_util::{StreamExt, TryStreamExt};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Blobs that one statement is about.
pub(super) const BATCH: u32 = 100;
/// Uploads that one transaction removes, with all their extents and segments, in the time that a transaction has.
const EXPIRED_AT_ONCE: u32 = 10;
/// Stored bytes that are asked about at once.
const ASKED_AT_ONCE: usize = 500;

/// See the module.
pub struct Sweeper {
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn BlobStore>,
    patience: Duration,
    /// Blobs that had no record when the store was last looked through, and since when.
    suspects: HashMap<BlobId, Instant>,
    /// Whether it was said that the store is not this catalog's.
    told: bool,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Uploads that had expired.
    pub uploads: u64,
    /// Blobs of uploads that were removed, or never came to be.
    pub blobs: u64,
    /// Bytes of lost epochs.
    pub epochs: u64,
}

/// What was not swept will be in a later pass.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// Whether the bytes in `blobs` are those of `catalog`. Where it was never said, they become so if the catalog knows at least
/// half of them: a new store is empty.
pub async fn pair(catalog: &dyn Catalog, blobs: &dyn BlobStore) -> Result<bool, SweepError> {
    let id = catalog.identity().await?;
    let mut owner = blobs.owner(id).await?;
    if owner == Owner::Nobody && knows_most(catalog, blobs).await? {
        blobs.adopt(id).await?;
        owner = blobs.owner(id).await?;
    }
    Ok(owner == Owner::Same)
}

async fn knows_most(catalog: &dyn Catalog, blobs: &dyn BlobStore) -> Result<bool, SweepError> {
    let (mut all, mut unknown) = (0, 0);
    let mut inventory = blobs.inventory();
    while let Some(page) = inventory.try_next().await? {
        for stored in page.chunks(ASKED_AT_ONCE) {
            all += stored.len();
            unknown += catalog.strays(stored).await?.unknown.len();
        }
    }
    Ok(unknown <= all / 2)
}

impl Sweeper {
    /// `patience` is for how long a blob must have been without a record before it is deleted. Nothing breaks if that is too
    /// short, but an upload that is being created just then fails.
    pub fn new(catalog: Arc<dyn Catalog>, blobs: Arc<dyn BlobStore>, patience: Duration) -> Self {
        Self { catalog, blobs, patience, suspects: HashMap::new(), told: false }
    }

    /// Removes the uploads that have expired and deletes the bytes of all blobs that nothing refers to. Counts in `swept`,
    /// as far as it gets. No step that fails keeps another one from its work.
    pub async fn sweep(&self, swept: &mut Swept) -> Result<(), SweepError> {
        let expired = self.expire(swept).await;
        let tidied = self.catalog.tidy().await;
        let deleted = self.delete_doomed(swept).await;
        expired.and(tidied.map_err(SweepError::from)).and(deleted)
    }

    async fn expire(&self, swept: &mut Swept) -> Result<(), SweepError> {
        loop {
            let expired = self.catalog.expire(EXPIRED_AT_ONCE).await?;
            swept.uploads += expired.len() as u64;
            expired.iter().for_each(|id| log::info!("upload {id} has expired"));
            if expired.is_empty() {
                return Ok(());
            }
        }
    }

    /// Looks through the whole store for bytes that count nowhere and never will, and deletes them. Not in a store that is
    /// another catalog's: what that one knows, this one would take for nobody's.
    pub async fn search(&mut self, swept: &mut Swept) -> Result<(), SweepError> {
        if !pair(&*self.catalog, &*self.blobs).await? {
            if !std::mem::replace(&mut self.told, true) {
                log::error!(
                    "the stored files are not swept: they are another catalog's, or this one does not know most of them"
                );
            }
            return Ok(());
        }
        self.told = false;
        let (mut unknown, mut failed) = (Vec::new(), Ok(()));
        let mut inventory = self.blobs.inventory();
        while let Some(page) = inventory.next().await {
            // A folder that cannot be read hides nothing but itself.
            let page = page.unwrap_or_else(|error| {
                failed = Err(error.into());
                Vec::new()
            });
            for stored in page.chunks(ASKED_AT_ONCE) {
                let strays = self.catalog.strays(stored).await?;
                failed = self.delete_lost(&strays.lost, swept).await.and(failed);
                unknown.extend(strays.unknown);
            }
        }
        let overdue = self.suspect(unknown);
        for blobs in overdue.chunks(BATCH as usize) {
            let condemned = self.catalog.condemn(blobs).await?;
            condemned.iter().for_each(|blob| log::info!("the bytes of {} have no record", blob.0));
        }
        self.delete_doomed(swept).await.and(failed)
    }

    /// What cannot be deleted keeps nothing else from it.
    async fn delete_lost(&self, lost: &[BlobEpoch], swept: &mut Swept) -> Result<(), SweepError> {
        let mut failed = Ok(());
        for bytes in lost {
            match self.blobs.delete_epoch(*bytes).await {
                Ok(()) => swept.epochs += 1,
                Err(error) => failed = Err(error.into()),
            }
        }
        failed
    }

    /// Returns those that have been without a record for long enough; the others have to be so once more.
    fn suspect(&mut self, unknown: Vec<BlobId>) -> Vec<BlobId> {
        let now = Instant::now();
        let before = std::mem::take(&mut self.suspects);
        self.suspects =
            unknown.into_iter().map(|blob| (blob, before.get(&blob).copied().unwrap_or(now))).collect();
        let overdue = |since: &Instant| *since != now && now - *since >= self.patience;
        self.suspects.iter().filter(|(_, since)| overdue(since)).map(|(blob, _)| *blob).collect()
    }

    /// Also those whose deletion failed when their upload was removed, or whose backend died over it.
    async fn delete_doomed(&self, swept: &mut Swept) -> Result<(), SweepError> {
        let (mut failed, mut last) = (Ok(()), None);
        loop {
            // Each is tried once, so that many that cannot be deleted keep no other one from it.
            let doomed = self.catalog.doomed(last.as_ref(), BATCH).await?;
            last = doomed.last().copied();
            if last.is_none() {
                return failed;
            }
            let mut deleted = Vec::new();
            for Doomed { blob, .. } in doomed {
                match self.blobs.delete(blob).await {
                    Ok(()) => deleted.push(blob),
                    Err(error) => failed = Err(error.into()),
                }
            }
            match self.catalog.forget(&deleted).await {
                Ok(()) => swept.blobs += deleted.len() as u64,
                Err(error) => failed = Err(error.into()),
            }
        }
    }
}
