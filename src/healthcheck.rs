//! `swarm-upload healthcheck`: asks a running replica whether it lives, for images without a shell or curl.

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds if `url` answers with a 2xx status in time; else says why not.
pub async fn ask(url: &str) -> Result<(), String> {
    let request = awc::Client::builder().timeout(PATIENCE).finish().get(url).send();
    match request.await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("{url} answered {}", response.status())),
        Err(error) => Err(format!("{url} did not answer: {error}")),
    }
}
