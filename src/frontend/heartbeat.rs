//! A frontend has no database: each second it tells a backend how it is, and that one takes note of it.

use super::relay::client::Client;
use crate::balance::RoundRobin;
use crate::replica::{Phase, Replica};
use std::sync::Arc;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);

/// Reports until the replica drains, and that it does.
pub async fn report(client: Client, replica: Arc<Replica>) {
    // A turn of its own: heartbeats do not advance the one that people watch.
    let turn = RoundRobin::default();
    loop {
        let report = replica.report();
        match serde_json::to_vec(&report) {
            Ok(body) => {
                // A beat that reached nobody is not repeated: the next one says more.
                let _heard = client.tell("/internal/heartbeat", body.into(), &turn, EVERY).await;
            }
            Err(error) => log::error!("a report that cannot be written: {error}"),
        }
        if report.state == Phase::Draining {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}
