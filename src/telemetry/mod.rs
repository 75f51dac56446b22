//! Logging and metrics. Metrics are recorded anywhere through the `metrics` facade; only this room knows the exporter.

mod logging;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Sets up logging and metrics, once for the process; asked again, it does nothing.
pub fn init() {
    logging::init();
    METRICS.get_or_init(|| PrometheusBuilder::new().install_recorder().ok());
}

/// All metrics in Prometheus' text format.
pub fn render() -> String {
    match METRICS.get() {
        Some(Some(handle)) => {
            handle.run_upkeep();
            handle.render()
        }
        Some(None) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_counted_is_rendered_however_often_it_was_set_up() {
        super::init();
        super::init();
        metrics::counter!("test_counted_total").increment(3);
        assert!(super::render().contains("test_counted_total 3"));
    }
}
