use super::relay::client::{Client, Question, READING};
use super::relay::wire;
use crate::balance::RoundRobin;
use crate::domain::{Changed, Moment};
use crate::protocol::changes::print_since;
use crate::uploads::{Call, Changes, UploadError};
use async_trait::async_trait;

/// What becomes of the list, asked of a backend, in a turn of its own.
pub struct RelayChanges {
    client: Client,
    turn: RoundRobin,
}

impl RelayChanges {
    pub fn new(client: Client) -> Self {
        Self { client, turn: RoundRobin::default() }
    }
}

#[async_trait(?Send)]
impl Changes for RelayChanges {
    async fn since(&self, request_id: &str, since: Option<Moment>) -> Result<Changed, UploadError> {
        let call = Call { request_id: request_id.into(), ..Call::default() };
        let question = Question::get(format!("/internal/changes?{}", print_since(since)));
        wire::changed(&self.client.ask_aside(&call, &question, &self.turn, READING).await?)
    }
}
