//! Final uploads, which are made of others: created, and joined as soon as their parts are complete.

use super::LocalUploads;
use crate::catalog::{Catalog, CatalogError};
use crate::domain::{Concat, NewUpload, State, Upload, UploadId};
use crate::uploads::UploadError;

/// How many final uploads the last chunk of a part may join.
const JOINED_AT_ONCE: u32 = 3;

impl LocalUploads {
    /// Asked again after an unclear failure, it answers what it answered before.
    pub(super) async fn create_final(&self, new: &NewUpload) -> Result<Upload, UploadError> {
        let created = match self.catalog.create_final(new, self.limit, self.ttl).await {
            Err(CatalogError::Conflict(now)) if now.concat == new.concat => *now,
            created => created?,
        };
        // Whoever completed a part while the upload was being created has not seen it yet.
        self.joined(created).await
    }

    /// The upload, joined if it can be: the backend that completed its last part may have died over it.
    pub(super) async fn joined(&self, upload: Upload) -> Result<Upload, UploadError> {
        match upload.waits_for_parts() {
            true => Ok(join(&*self.catalog, upload.id, self.limit).await?),
            false => Ok(upload),
        }
    }

    /// Joins the final uploads that have waited for this part, if it is one and complete, but only a few: its client waits. The
    /// others, and what fails here, are left to whoever looks at them next.
    pub(super) async fn join_finals_of(&self, part: &Upload) {
        if part.concat != Some(Concat::Partial) || part.state() == State::Receiving {
            return;
        }
        if let Err(error) = self.try_to_join_finals_of(part.id).await {
            log::warn!("not all that {} is a part of could be joined yet: {error}", part.id);
        }
    }

    async fn try_to_join_finals_of(&self, part: UploadId) -> Result<(), CatalogError> {
        let mut failed = Ok(());
        for id in self.catalog.finals_of(part, JOINED_AT_ONCE).await? {
            failed = join(&*self.catalog, id, self.limit).await.map(drop).and(failed);
        }
        failed
    }
}

/// Joins an upload if it can be. What turns out to be too large, or in too many pieces, never can, and is removed.
pub(super) async fn join(catalog: &dyn Catalog, id: UploadId, limit: u64) -> Result<Upload, CatalogError> {
    let joined = catalog.join(id, limit).await;
    if let Err(refused @ (CatalogError::TooLarge { .. } | CatalogError::TooManyPieces { .. })) = &joined {
        log::warn!("upload {id} is removed: {refused}");
        // It has no bytes of its own that would be left to be deleted.
        catalog.terminate(id).await?;
    }
    joined
}
