use super::{Census, Identity, Phase};
use crate::domain::ContainerId;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Frontend,
    Backend,
}

/// What a replica says of itself, again and again, and what `GET /api/replicas` shows of it. One of an earlier release says
/// less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub role: Role,
    #[serde(flatten)]
    pub identity: Identity,
    pub state: Phase,
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// When the registry heard of it, by the registry's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen: OffsetDateTime,
    /// It was not heard of for [`SILENT_AFTER`](super::SILENT_AFTER) when this was read: what was killed says nothing more.
    #[serde(default)]
    pub silent: bool,
    /// Requests answered, without probes and heartbeats.
    pub requests_served: u64,
    /// Requests being answered now.
    pub in_flight: u64,
    /// Bytes of request bodies received.
    pub bytes_in: u64,
    /// Bytes of response bodies sent.
    pub bytes_out: u64,
    /// Of a frontend: the backends that it knows now, and what it has asked of them.
    #[serde(default)]
    pub backends: Vec<Asked>,
}

/// Requests that a frontend has sent to a backend, without probes and heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub container_id: ContainerId,
    pub requests: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the registry of replicas cannot be reached")]
pub struct RegistryError;

/// The replicas that live, and the backend that was asked if another replica had to be.
pub struct Live {
    pub census: Census,
    pub backend: Option<ContainerId>,
}

/// The live replicas of both roles. A backend keeps them in the catalog, a frontend asks a backend.
#[async_trait(?Send)]
pub trait Registry {
    /// Takes note of what a replica says of itself.
    async fn heard(&self, report: Report) -> Result<(), RegistryError>;

    /// Takes note that a replica has ended in good order.
    async fn left(&self, replica: ContainerId) -> Result<(), RegistryError>;

    /// Those heard of within [`HEARD_WITHIN`](super::HEARD_WITHIN), asked for by the request of this id.
    async fn live(&self, request_id: &str) -> Result<Live, RegistryError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::Replica;

    #[test]
    fn a_report_of_an_earlier_release_is_understood() {
        let report = Replica::new(Role::Frontend, Identity::invented()).report();
        let mut said = serde_json::to_value(&report).unwrap();
        for new in ["silent", "backends"] {
            said.as_object_mut().unwrap().remove(new).unwrap();
        }
        assert_eq!(serde_json::from_value::<Report>(said).unwrap(), report);
    }
}
