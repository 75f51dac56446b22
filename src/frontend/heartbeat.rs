//! A frontend has no database: each second it tells a backend how it is, and that one takes note of it.

use super::relay::client::Client;
use crate::balance::RoundRobin;
use crate::replica::Replica;
use std::sync::Arc;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);

/// Reports until the replica closes; while it drains, others see it drain.
pub async fn report(client: Client, replica: Arc<Replica>) {
    tokio::select! {
        () = replica.closes() => {}
        () = beat(&client, &replica) => {}
    }
}

async fn beat(client: &Client, replica: &Replica) {
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
        tokio::time::sleep(EVERY).await;
    }
}
