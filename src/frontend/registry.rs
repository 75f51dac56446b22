use super::relay::client::{Client, Question};
use crate::http::replicas::Replicas;
use crate::replica::{Registry, RegistryError, Report};
use crate::uploads::Call;
use async_trait::async_trait;

/// The registry of replicas, asked of a backend.
pub struct RelayRegistry(pub Client);

#[async_trait(?Send)]
impl Registry for RelayRegistry {
    /// A frontend takes no heartbeats; its routes do not offer it.
    async fn heard(&self, _report: Report) -> Result<(), RegistryError> {
        Err(RegistryError)
    }

    async fn live(&self) -> Result<Vec<Report>, RegistryError> {
        let answer =
            self.0.ask(&Call::default(), &Question::get("/api/replicas")).await.map_err(|_| RegistryError)?;
        let body: Replicas = serde_json::from_slice(&answer.body).map_err(|_| RegistryError)?;
        Ok(body.replicas)
    }
}
