use crate::catalog::Catalog;
use crate::domain::ContainerId;
use crate::http::Observed;
use crate::replica::{HEARD_WITHIN, Live, Registry, RegistryError, Report};
use async_trait::async_trait;
use std::sync::Arc;

/// The registry of replicas that is kept in the catalog.
pub struct CatalogRegistry {
    pub catalog: Arc<dyn Catalog>,
    pub readiness: Observed,
}

#[async_trait(?Send)]
impl Registry for CatalogRegistry {
    async fn heard(&self, report: Report) -> Result<(), RegistryError> {
        // Whose database cannot be used says so at once: another backend may reach it. And the schema may not be there yet.
        self.readiness.get().map_err(|_| RegistryError)?;
        self.catalog.report(&report).await.map_err(|_| RegistryError)
    }

    async fn left(&self, replica: ContainerId) -> Result<(), RegistryError> {
        self.catalog.retire(replica).await.map_err(|_| RegistryError)
    }

    async fn live(&self, _request_id: &str) -> Result<Live, RegistryError> {
        let census = self.catalog.replicas(HEARD_WITHIN).await.map_err(|_| RegistryError)?;
        Ok(Live { census, backend: None })
    }
}
