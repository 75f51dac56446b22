use crate::catalog::Catalog;
use crate::domain::{Changed, Moment};
use crate::uploads::{Changes, TOLD_AT_ONCE, UploadError};
use async_trait::async_trait;
use std::sync::Arc;

/// What becomes of the list, as the catalog has it.
pub struct CatalogChanges(pub Arc<dyn Catalog>);

#[async_trait(?Send)]
impl Changes for CatalogChanges {
    async fn since(&self, _request_id: &str, since: Option<Moment>) -> Result<Changed, UploadError> {
        Ok(self.0.changes(since, TOLD_AT_ONCE).await?)
    }
}
