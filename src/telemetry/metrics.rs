//! Metrics in the text format of Prometheus.

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

pub const HTTP_REQUESTS: &str = "swarm_upload_http_requests_total";
pub const HTTP_REQUEST_SECONDS: &str = "swarm_upload_http_request_seconds";
pub const HTTP_REQUESTS_IN_FLIGHT: &str = "swarm_upload_http_requests_in_flight";
pub const HTTP_RECEIVED_BYTES: &str = "swarm_upload_http_received_bytes_total";
pub const HTTP_SENT_BYTES: &str = "swarm_upload_http_sent_bytes_total";
pub const RELAY_RETRIES: &str = "swarm_upload_relay_retries_total";
pub const RELAY_DOWNLOADS_RESUMED: &str = "swarm_upload_relay_downloads_resumed_total";
pub const SWEPT: &str = "swarm_upload_swept_total";
pub const UPLOADS_COMPLETED: &str = "swarm_upload_uploads_completed_total";

/// Upper bounds in seconds: from a probe's answer to an upload of an hour.
const SECONDS: [f64; 11] = [0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0, 3600.0];

/// Samples of histograms pile up until they are read or drained.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder, once for the process however often it is called. Without it recording costs nothing and
/// [`render`] is empty.
pub fn install() {
    HANDLE.get_or_init(|| {
        let seconds = Matcher::Full(HTTP_REQUEST_SECONDS.into());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS).ok()?;
        let handle =
            builder.install_recorder().inspect_err(|e| log::warn!("there are no metrics: {e}")).ok()?;
        describe();
        keep_up(handle.clone());
        Some(handle)
    });
}

/// All metrics as Prometheus reads them.
pub fn render() -> String {
    HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

fn describe() {
    metrics::describe_counter!(HTTP_REQUESTS, "Requests answered, by role, method, route and status.");
    metrics::describe_histogram!(
        HTTP_REQUEST_SECONDS,
        Unit::Seconds,
        "Time from a request's head to the end of its answer, by role and route."
    );
    metrics::describe_gauge!(HTTP_REQUESTS_IN_FLIGHT, "Requests being answered now, by role.");
    metrics::describe_counter!(
        HTTP_RECEIVED_BYTES,
        Unit::Bytes,
        "Bytes of request bodies received, by role."
    );
    metrics::describe_counter!(HTTP_SENT_BYTES, Unit::Bytes, "Bytes of response bodies sent, by role.");
    metrics::describe_counter!(
        RELAY_RETRIES,
        "Requests of a frontend that were repeated: a backend did not answer, or was sent a chunk too early."
    );
    metrics::describe_counter!(
        RELAY_DOWNLOADS_RESUMED,
        "Downloads that went on from another backend at the byte where one stopped."
    );
    metrics::describe_counter!(
        SWEPT,
        "What the replica that sweeps has removed, by what: an upload that expired, a blob without a record, an epoch's \
         bytes that count nowhere."
    );
    metrics::describe_counter!(UPLOADS_COMPLETED, "Uploads completed, by role and way (tus, form, put).");
}

/// A thread rather than a task: it must not depend on which of several runtimes in the process ends first.
fn keep_up(handle: PrometheusHandle) {
    let upkeep = move || {
        loop {
            std::thread::sleep(UPKEEP_EVERY);
            handle.run_upkeep();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("metrics-upkeep".into()).spawn(upkeep) {
        log::warn!("metrics are only tidied when they are read: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_rendered_also_when_installed_twice() {
        install();
        install();
        metrics::counter!(HTTP_RECEIVED_BYTES, "role" => "test").increment(42);
        metrics::histogram!(HTTP_REQUEST_SECONDS, "role" => "test").record(0.3);
        let text = render();
        assert!(text.contains("# HELP swarm_upload_http_received_bytes_total"), "{text}");
        assert!(text.contains("swarm_upload_http_received_bytes_total{role=\"test\"} 42"), "{text}");
        assert!(
            text.contains("swarm_upload_http_request_seconds_bucket{role=\"test\",le=\"0.5\"} 1"),
            "{text}"
        );
    }
}
