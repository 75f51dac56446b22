//! What a backend does besides answering: it finds out each second whether it can serve, and says so.

use super::Storage;
use crate::http::Observed;
use crate::replica::Replica;
use std::sync::Arc;
use std::time::Duration;

/// How often the database is asked and the replica reports itself.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is tried again while the replica is not ready yet.
const IMPATIENT: Duration = Duration::from_millis(200);

/// Prepares the storage, then looks after readiness until the replica closes; while it drains, others see it drain. Never
/// gives up: the database may come later than the backend, and may come back.
pub async fn live(storage: Storage, replica: Arc<Replica>, readiness: Observed) {
    tokio::select! {
        () = replica.closes() => {}
        () = look_after(&storage, &replica, &readiness) => {}
    }
}

async fn look_after(storage: &Storage, replica: &Replica, readiness: &Observed) {
    // What is said of readiness anybody may read, so the causes are for the log alone.
    while let Err(error) = storage.prepare().await {
        readiness.set(Err("the database is not prepared yet"));
        log::warn!("the database cannot be prepared yet: {error}");
        tokio::time::sleep(EVERY).await;
    }
    loop {
        let ready = match storage.catalog.check().await {
            Ok(()) => true,
            Err(error) => {
                log::warn!("the database cannot be used: {error}");
                false
            }
        };
        if ready && replica.became_ready() {
            log::info!("ready");
        }
        readiness.set(if ready { Ok(()) } else { Err("the database cannot be used now") });
        if ready && let Err(error) = storage.catalog.report(&replica.report()).await {
            log::warn!("the replica could not report itself: {error}");
        }
        tokio::time::sleep(if ready { EVERY } else { IMPATIENT }).await;
    }
}
