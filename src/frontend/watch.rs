//! Who the backends are and how they are: looked up and asked again each second.

use super::relay::client::{Backends, CONNECT, backend_of};
use crate::balance::{Probe, Target};
use crate::discovery::Resolve;
use awc::Client;
use awc::error::{ConnectError, SendRequestError};
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);
/// A probe is answered from memory; a replica that takes longer has stopped.
const PROBE: Duration = Duration::from_secs(2);

/// Keeps `backends` true until it is dropped. `seen` is called after each round.
pub async fn watch(source: Box<dyn Resolve>, backends: Arc<Backends>, seen: impl Fn(&Backends)) {
    let connector = awc::Connector::new().timeout(CONNECT);
    let client = Client::builder().connector(connector).timeout(PROBE).no_default_headers().finish();
    loop {
        let began = Instant::now();
        match source.resolve().await {
            Ok(addresses) => {
                for target in backends.set.update(addresses) {
                    log::info!("backend {} found", target.address);
                }
            }
            // What was known stays known: those that are gone will not answer their probes.
            Err(error) => log::warn!("the backends cannot be looked up: {error}"),
        }
        let snapshot = backends.set.snapshot();
        futures_util::future::join_all(snapshot.iter().map(|target| probe(&client, target))).await;
        seen(&backends);
        tokio::time::sleep(EVERY.saturating_sub(began.elapsed())).await;
    }
}

async fn probe(client: &Client, target: &Target) {
    let before = target.health();
    let answer = client.get(format!("http://{}/readyz", target.address)).send().await;
    if let Some(backend) = answer.as_ref().ok().and_then(|response| backend_of(response.headers())) {
        target.is(backend);
    }
    let result = match answer {
        Ok(response) if backend_of(response.headers()).is_none() => Probe::Silent,
        Ok(response) if response.status().is_success() => Probe::Ready,
        Ok(_) => Probe::Unready,
        Err(SendRequestError::Connect(ConnectError::Io(error)))
            if error.kind() == ErrorKind::ConnectionRefused =>
        {
            Probe::Refused
        }
        Err(_) => Probe::Silent,
    };
    target.probed(result, Instant::now());
    let after = target.health();
    if before != after {
        log::info!("backend {}: {before:?} -> {after:?}", target.address);
    }
}
