//! Logging and metrics: the only room that knows which logger and which exporter there are.
//!
//! Everywhere else `log` and `metrics` are used, the facades. This room knows nothing of what is logged or counted, but for
//! the descriptions in [`metrics`]. Start reading in [`logging`].

pub mod logging;
pub mod metrics;
