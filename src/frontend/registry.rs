use super::relay::client::{Client, Question, WATCHING};
use crate::balance::RoundRobin;
use crate::domain::ContainerId;
use crate::replica::{Live, Registry, RegistryError, Report};
use crate::uploads::Call;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use async_trait::async_trait;
use std::time::Duration;

/// A beat that reached nobody by then is not worth repeating.
const BEAT: Duration = Duration::from_secs(1);

/// The registry of replicas, asked of a backend. It asks in a turn of its own, which does not advance the one that people
/// watch.
pub struct RelayRegistry {
    client: Client,
    turn: RoundRobin,
}

impl RelayRegistry {
    pub fn new(client: Client) -> Self {
        Self { client, turn: RoundRobin::default() }
    }

    async fn tell(&self, question: &Question<'_>) -> Result<(), RegistryError> {
        let told = self.client.ask_aside(&Call::default(), question, &self.turn, BEAT).await;
        told.ok().filter(|answer| answer.status.is_success()).map(drop).ok_or(RegistryError)
    }
}

#[async_trait(?Send)]
impl Registry for RelayRegistry {
    /// A frontend takes no heartbeats of others, its routes do not offer it: this is its own.
    async fn heard(&self, report: Report) -> Result<(), RegistryError> {
        let report = Report { backends: self.client.asked(), ..report };
        let body = serde_json::to_vec(&report).map_err(|_| RegistryError)?;
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let (len, body) = (body.len() as u64, [body.into()]);
        let question = Question::get("/internal/heartbeat");
        self.tell(&Question { method: Method::POST, headers, body: &body, len, ..question }).await
    }

    async fn left(&self, replica: ContainerId) -> Result<(), RegistryError> {
        let question = Question::get(format!("/internal/heartbeat/{replica}"));
        self.tell(&Question { method: Method::DELETE, ..question }).await
    }

    async fn live(&self, request_id: &str) -> Result<Live, RegistryError> {
        let call = Call { request_id: request_id.into(), ..Call::default() };
        let question = Question::get("/internal/replicas");
        let asked = self.client.ask_aside(&call, &question, &self.turn, WATCHING).await;
        let answer = asked.map_err(|_| RegistryError)?;
        let census = serde_json::from_slice(&answer.body).map_err(|_| RegistryError)?;
        Ok(Live { census, backend: call.backend.get() })
    }
}
