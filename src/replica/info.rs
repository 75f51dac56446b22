use super::{Identity, Replica};
use crate::domain::ContainerId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What the info endpoints say of a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    #[serde(flatten)]
    pub identity: Identity,
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    pub requests_served: u64,
}

/// The answer of `GET /api/backend-info/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendInfo {
    pub backend_container_id: ContainerId,
    #[serde(flatten)]
    pub replica: Info,
    /// `ok`, or why the database cannot be used.
    pub database: String,
}

impl Replica {
    pub fn info(&self) -> Info {
        Info {
            identity: self.identity.clone(),
            started_at: self.started_at,
            requests_served: self.traffic.requests_served(),
        }
    }
}
