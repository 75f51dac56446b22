use crate::catalog::Catalog;
use crate::domain::ContainerId;
use crate::replica::{HEARD_WITHIN, Live, Registry, RegistryError, Report};
use async_trait::async_trait;
use std::sync::Arc;

/// The registry of replicas that is kept in the catalog.
pub struct CatalogRegistry(pub Arc<dyn Catalog>);

#[async_trait(?Send)]
impl Registry for CatalogRegistry {
    async fn heard(&self, report: Report) -> Result<(), RegistryError> {
        self.0.report(&report).await.map_err(|_| RegistryError)
    }

    async fn left(&self, replica: ContainerId) -> Result<(), RegistryError> {
        self.0.retire(replica).await.map_err(|_| RegistryError)
    }

    async fn live(&self, _request_id: &str) -> Result<Live, RegistryError> {
        let census = self.0.replicas(HEARD_WITHIN).await.map_err(|_| RegistryError)?;
        Ok(Live { census, backend: None })
    }
}
