use super::{Identity, Phase};
use crate::domain::ContainerId;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::OffsetDateTime;

/// A replica that was not heard of for this long is no longer listed: it reports each second, so it missed several.
pub const HEARD_WITHIN: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Frontend,
    Backend,
}

/// What a replica says of itself each second, and what `GET /api/replicas` shows of it.
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
    /// Requests answered, without probes and heartbeats.
    pub requests_served: u64,
    /// Requests being answered now.
    pub in_flight: u64,
    /// Bytes of request bodies received.
    pub bytes_in: u64,
    /// Bytes of response bodies sent.
    pub bytes_out: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the registry of replicas cannot be reached")]
pub struct RegistryError;

/// The replicas that live, and the backend that was asked if another replica had to be.
pub struct Live {
    pub replicas: Vec<Report>,
    pub backend: Option<ContainerId>,
}

/// The live replicas of both roles. A backend keeps them in the catalog, a frontend asks a backend.
#[async_trait(?Send)]
pub trait Registry {
    /// Takes note of what a replica says of itself.
    async fn heard(&self, report: Report) -> Result<(), RegistryError>;

    /// Those heard of within [`HEARD_WITHIN`], asked for by the request of this id.
    async fn live(&self, request_id: &str) -> Result<Live, RegistryError>;
}
