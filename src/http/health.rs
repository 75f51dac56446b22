//! Probes, metrics and the version. None of them is counted as traffic.

use super::{Refused, Service};
use crate::protocol::code::Code;
use crate::replica::{Phase, Role};
use crate::telemetry::metrics;
use actix_web::{HttpResponse, web};
use serde::Serialize;

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

fn good(status: &'static str) -> HttpResponse {
    HttpResponse::Ok().json(Status { status })
}

/// `GET /healthz`: the process is alive. Asks nobody, because a database's restart must not kill every replica.
pub async fn healthz() -> HttpResponse {
    good("alive")
}

/// `GET /startupz`: 503 until this replica has once been ready, then as `/healthz`. It is what HEALTHCHECK asks, so it finds
/// out by itself.
pub async fn startupz(service: web::Data<Service>) -> Result<HttpResponse, Refused> {
    match service.replica.phase() {
        Phase::Starting => readyz(service).await.map(|_| good("started")),
        Phase::Ready | Phase::Draining => Ok(good("started")),
    }
}

/// `GET /readyz`: it can serve, and is not draining.
pub async fn readyz(service: web::Data<Service>) -> Result<HttpResponse, Refused> {
    match service.replica.phase() {
        Phase::Starting | Phase::Ready => {}
        Phase::Draining => return Err(Refused::new(Code::NotReady, "the replica is draining")),
    }
    service.readiness.ready().await.map_err(|reason| Refused::new(Code::NotReady, reason))?;
    if service.replica.became_ready() {
        log::info!("{} {} is ready", service.role(), service.replica.identity.container_id);
    }
    Ok(good("ready"))
}

/// `GET /metrics`, as Prometheus reads it.
pub async fn prometheus() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics::render())
}

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
    /// Given to the build as `GIT_REVISION`, or that of the checkout; `unknown` if it was none.
    git_revision: &'static str,
    role: Role,
}

/// `GET /version`
pub async fn version(service: web::Data<Service>) -> HttpResponse {
    HttpResponse::Ok().json(Version {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        git_revision: env!("GIT_REVISION"),
        role: service.replica.role,
    })
}
