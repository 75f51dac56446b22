//! What is left to be done about final uploads, by one replica: those that a backend died over are joined, and their digests
//! are computed, which cannot come from their parts.

use super::content::{self, Gap};
use super::joining::join;
use crate::blobs::{BlobError, BlobStore, absorb};
use crate::catalog::{Catalog, CatalogError, Progress, Undigested};
use crate::db::Chain;
use crate::domain::{Digest, InvalidDigest, UploadId};
use futures_util::TryStreamExt;
use futures_util::stream::TryReadyChunksError;
use log::Level;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is read before it is noted how far the digest has come.
const SLICE: u64 = 64 << 20;
/// How many pieces, of those that need not be waited for, go to another thread together.
const READ_TOGETHER: usize = 16;
/// How long what cannot be read is let be.
const REST: Duration = Duration::from_secs(60);
/// Uploads that one question is about.
const BATCH: u32 = 100;

/// Two at once, or one that was stopped for an hour, do no harm: whatever it finds out is conditional on what it started from.
pub struct Finisher {
    catalog: Arc<dyn Catalog>,
    blobs: Arc<dyn BlobStore>,
    limit: u64,
    pub(super) slice: u64,
    pub(super) rest: Duration,
    /// Uploads that could not be read, and when that was tried last.
    unreadable: HashMap<UploadId, Option<Instant>>,
}

/// Why a digest does not go on.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error(transparent)]
    Gap(#[from] Gap),
    #[error(transparent)]
    State(#[from] InvalidDigest),
}

impl Unreadable {
    /// Nothing is wrong with the upload: a database or a store is away.
    fn passes(&self) -> bool {
        matches!(self, Self::Catalog(CatalogError::Unavailable(_)) | Self::Blobs(BlobError::Unavailable(_)))
    }
}

impl Finisher {
    /// `limit` is how many bytes the parts of an upload may have together.
    pub fn new(catalog: Arc<dyn Catalog>, blobs: Arc<dyn BlobStore>, limit: u64) -> Self {
        Self { catalog, blobs, limit, slice: SLICE, rest: REST, unreadable: HashMap::new() }
    }

    /// Joins what could have been joined. What fails keeps nothing else from it.
    pub async fn join(&self) -> Result<(), CatalogError> {
        let (mut failed, mut last) = (Ok(()), None);
        loop {
            let joinable = self.catalog.joinable(last, BATCH).await?;
            last = joinable.last().copied();
            if last.is_none() {
                return failed;
            }
            for id in joinable {
                match join(&*self.catalog, id, self.limit).await {
                    Ok(_) => {}
                    Err(
                        CatalogError::TooLarge { .. }
                        | CatalogError::TooManyPieces { .. }
                        | CatalogError::Gone,
                    ) => {}
                    Err(error) => failed = Err(error),
                }
            }
        }
    }

    /// Takes the digest of each upload that lacks it one slice further. Says whether there is more to do right now.
    pub async fn digest(&mut self) -> Result<bool, CatalogError> {
        let (mut more, mut last) = (false, None);
        let before = std::mem::take(&mut self.unreadable);
        loop {
            let undigested = self.catalog.undigested(last.as_ref(), BATCH).await?;
            last = undigested.last().cloned();
            if last.is_none() {
                return Ok(more);
            }
            for upload in undigested {
                match before.get(&upload.id) {
                    Some(Some(tried)) if tried.elapsed() < self.rest => {
                        self.unreadable.insert(upload.id, Some(*tried));
                    }
                    told => more |= self.go_on(&upload, told.is_some()).await,
                }
            }
        }
    }

    /// Says whether it has come further and is not at its end.
    async fn go_on(&mut self, upload: &Undigested, told: bool) -> bool {
        let error = match self.digest_slice(upload).await {
            Ok(()) => return upload.digested + self.slice < upload.length,
            Err(error) => error,
        };
        // Removed while it was read: then its bytes are to be missing.
        if matches!(self.catalog.find(upload.id).await, Err(CatalogError::Gone | CatalogError::NotFound)) {
            return false;
        }
        let level = match (told, error.passes()) {
            (true, _) => Level::Debug,
            (false, true) => Level::Warn,
            (false, false) => Level::Error,
        };
        log::log!(level, "upload {} has no digest yet, for it cannot be read: {}", upload.id, Chain(&error));
        // What was away is no reason to let an upload be once it is back; that it was told is kept in mind.
        let tried = if error.passes() { None } else { Some(Instant::now()) };
        self.unreadable.insert(upload.id, tried);
        false
    }

    async fn digest_slice(&self, upload: &Undigested) -> Result<(), Unreadable> {
        let mut digest = Digest::resume(&upload.state)?;
        let range = upload.digested..upload.length.min(upload.digested.saturating_add(self.slice));
        let extents = self.catalog.extents(upload.id, range.clone()).await?;
        content::check_gapless(&extents, &range)?;
        let mut pieces = pin!(content::read(self.blobs.clone(), extents).try_ready_chunks(READ_TOGETHER));
        while let Some(pieces) = pieces.try_next().await.map_err(|TryReadyChunksError(_, error)| error)? {
            digest = absorb(digest, &pieces, Digest::update).await?;
        }
        let now = match range.end == upload.length {
            true => Progress::Done(digest.finish()),
            false => Progress::Upto(range.end, digest),
        };
        Ok(self.catalog.digested(upload.id, upload.digested, &now).await?)
    }
}
