//! What a backend does besides answering: it finds out each second whether it can serve, and says so.

use super::Storage;
use crate::http::Observed;
use crate::replica::{Phase, Replica};
use std::sync::Arc;
use std::time::Duration;

/// How often the database is asked and the replica reports itself.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is tried again while the replica is not ready yet.
const IMPATIENT: Duration = Duration::from_millis(200);

/// Prepares the storage, then looks after readiness until the replica drains. Never gives up: the database may come later
/// than the backend, and may come back.
pub async fn live(storage: Storage, replica: Arc<Replica>, readiness: Observed) {
    while let Err(error) = storage.prepare().await {
        readiness.set(Err(format!("the database is not prepared: {error}")));
        log::warn!("the database cannot be prepared yet: {error}");
        tokio::time::sleep(EVERY).await;
    }
    while replica.phase() != Phase::Draining {
        let checked = storage.catalog.check().await;
        let ready = checked.is_ok();
        if ready && replica.became_ready() {
            log::info!("ready");
        }
        readiness.set(checked.map_err(|error| error.to_string()));
        if ready && let Err(error) = storage.catalog.report(&replica.report()).await {
            log::warn!("the replica could not report itself: {error}");
        }
        tokio::time::sleep(if ready { EVERY } else { IMPATIENT }).await;
    }
}
