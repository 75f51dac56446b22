use super::{replicas, uploads};
use crate::http::Service;
use std::time::Duration;

/// How often it is asked what happens.
pub(super) const EVERY: Duration = Duration::from_millis(500);

/// The id of the hub's own requests.
pub(super) const REQUEST_ID: &str = "events";

/// Asks what happens and publishes it, while anybody listens, until the replica closes. It asks, again and again, rather than
/// being told: so it works over every database, through any backend, and goes on by itself after each failure.
pub async fn hub(service: &Service) {
    tokio::select! {
        () = service.replica.closes() => {}
        () = ask_on(service) => {}
    }
}

async fn ask_on(service: &Service) {
    let events = &service.events;
    loop {
        events.somebody().await;
        tokio::select! {
            () = events.nobody() => {}
            // Each in its own time: where one takes long the other does not wait for it.
            () = replicas::watch(service) => {}
            () = uploads::follow(service) => {}
        }
        // Who comes next is not told what was true once.
        events.replicas(None);
        events.traffic(None);
    }
}
