//! Whether the replica lives, whether it has ever been ready, whether it is ready now; and what it is.

use super::{Problem, Service};
use crate::protocol::problem::Code;
use crate::replica::Phase;
use crate::telemetry;
use actix_web::{HttpResponse, web};
use serde::Serialize;

/// `GET /healthz`: the process answers. Never asks anything of anybody: a restart of the database must kill no replica.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().body("alive\n")
}

/// `GET /startupz`: 503 until the replica has once been ready. What HEALTHCHECK asks, so that an image that lives but never
/// gets ready is rolled back.
pub async fn startupz(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    match service.replica.phase() {
        Phase::Starting => Err(Problem::because(Code::Unavailable, "This replica has not been ready yet.")),
        Phase::Ready | Phase::Draining => Ok(HttpResponse::Ok().body("started\n")),
    }
}

/// `GET /readyz`: the replica can serve, as it found out last.
pub async fn readyz(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    match (service.replica.phase(), service.readiness.get()) {
        (Phase::Draining, _) => Err(Problem::because(Code::Unavailable, "This replica is draining.")),
        (Phase::Starting | Phase::Ready, Ok(())) => Ok(HttpResponse::Ok().body("ready\n")),
        (Phase::Starting | Phase::Ready, Err(why)) => {
            Err(Problem::because(Code::Unavailable, format!("This replica is not ready: {why}.")))
        }
    }
}

#[derive(Serialize)]
struct Version<'a> {
    name: &'a str,
    version: &'a str,
    git_revision: &'a str,
    role: crate::replica::Role,
}

/// `GET /version`
pub async fn version(service: web::Data<Service>) -> HttpResponse {
    HttpResponse::Ok().json(Version {
        name: env!("CARGO_PKG_NAME"),
        version: &service.replica.identity.version,
        git_revision: env!("GIT_REVISION"),
        role: service.replica.role,
    })
}

/// `GET /metrics`, in Prometheus' text format.
pub async fn metrics(service: web::Data<Service>) -> HttpResponse {
    let own = service.replica.report();
    let replica = own.identity.container_id.to_string();
    for (name, value) in [
        ("requests_served_total", own.requests_served),
        ("bytes_in_total", own.bytes_in),
        ("bytes_out_total", own.bytes_out),
    ] {
        metrics::counter!(name, "replica" => replica.clone()).absolute(value);
    }
    metrics::gauge!("requests_in_flight", "replica" => replica).set(own.in_flight as f64);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(telemetry::render())
}
