use crate::catalog::{Catalog, CatalogError};
use crate::domain::{Changed, Moment};
use crate::uploads::{Changes, TOLD_AT_ONCE, UploadError};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What becomes of the list, as the catalog has it.
pub struct CatalogChanges(pub Arc<dyn Catalog>);

#[async_trait(?Send)]
impl Changes for CatalogChanges {
    async fn since(&self, _request_id: &str, since: Option<Moment>) -> Result<Changed, UploadError> {
        self.0.changes(since, TOLD_AT_ONCE).await.map_err(|error| match error {
            // Asked again and again. What the matter is with the database is logged by who looks after that.
            CatalogError::Unavailable(_) => UploadError::Unavailable { retry_after: RETRY_AFTER },
            error => error.into(),
        })
    }
}
