use crate::blobs::BlobError;
use crate::catalog::CatalogError;
use crate::db::Chain;
use crate::domain::State;
use crate::uploads::UploadError;
use std::time::Duration;

/// How long a client should wait for a database or a store to come back before it asks again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What failed below is logged here, once, with its causes; what climbs on says nothing of the inside.
impl From<CatalogError> for UploadError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::NotFound => Self::NotFound,
            CatalogError::Gone => Self::Gone,
            CatalogError::Conflict(now) if now.is_final() => Self::FinalUpload,
            CatalogError::Conflict(now) => match now.state() {
                State::Complete => Self::Complete { offset: now.offset, epoch: now.epoch },
                State::Receiving => Self::WrongOffset { offset: now.offset, epoch: now.epoch },
            },
            CatalogError::BadPart { part, fault } => Self::BadPart { part, fault },
            CatalogError::TooLarge { limit } => Self::TooLarge { limit },
            CatalogError::TooManyPieces { limit } => Self::TooManyPieces { limit },
            CatalogError::Unavailable(_) => {
                log::warn!("{}", Chain(&error));
                Self::Unavailable { retry_after: RETRY_AFTER }
            }
            CatalogError::Full(_) => {
                log::error!("{}", Chain(&error));
                Self::Full
            }
            CatalogError::Broken(_) => {
                log::error!("{}", Chain(&error));
                Self::Internal
            }
        }
    }
}

impl From<BlobError> for UploadError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing => {
                log::error!("{error}");
                Self::Internal
            }
            BlobError::Full(_) => {
                log::error!("{}", Chain(&error));
                Self::Full
            }
            BlobError::Unavailable(_) => {
                log::warn!("{}", Chain(&error));
                Self::Unavailable { retry_after: RETRY_AFTER }
            }
        }
    }
}
