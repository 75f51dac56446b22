use super::UploadError;
use crate::domain::{Changed, Moment};
use async_trait::async_trait;

/// How many completed uploads, and how many removed ones, are told at once. Who has missed more fetches the list anew.
pub const TOLD_AT_ONCE: u32 = 1000;

/// What becomes of the list. A backend asks the catalog, a frontend a backend.
#[async_trait(?Send)]
pub trait Changes {
    /// What was completed and removed since a moment, asked for by the request of this id. Nothing is missed by who asks from
    /// one answer to the next, whomever of the cluster; some of it is told again. Since `None` there is nothing to tell but
    /// the moment to ask from the next time.
    async fn since(&self, request_id: &str, since: Option<Moment>) -> Result<Changed, UploadError>;
}
