use super::relay::client::{Client, Question, READING};
use crate::http::replicas::Replicas;
use crate::replica::{Live, Registry, RegistryError, Report};
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

    async fn live(&self, request_id: &str) -> Result<Live, RegistryError> {
        let call = Call { request_id: request_id.into(), ..Call::default() };
        let asked = self.0.ask_within(&call, &Question::get("/api/replicas"), READING).await;
        let answer = asked.map_err(|_| RegistryError)?;
        let body: Replicas = serde_json::from_slice(&answer.body).map_err(|_| RegistryError)?;
        Ok(Live { replicas: body.replicas, backend: call.backend.get() })
    }
}
