use super::request::Caller;
use super::{Refused, Service};
use crate::protocol::code::Code;
use crate::replica::{RegistryError, Report};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The answer of `GET /api/replicas`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replicas {
    pub replicas: Vec<Report>,
}

/// `GET /api/replicas`: every live replica of both roles.
pub async fn list(service: web::Data<Service>, Caller(call): Caller) -> Result<HttpResponse, Refused> {
    let live = service.registry.live(&call.request_id).await?;
    call.backend.set(live.backend);
    Ok(HttpResponse::Ok().json(Replicas { replicas: live.replicas }))
}

/// `POST /internal/heartbeat`: a frontend reports itself. On backends only.
pub async fn heartbeat(
    service: web::Data<Service>,
    report: Result<web::Json<Report>, actix_web::Error>,
) -> Result<HttpResponse, Refused> {
    let report = report.map_err(|_| Refused::new(Code::BadBody, "the body must be a replica's report"))?;
    service.registry.heard(report.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<RegistryError> for Refused {
    fn from(_: RegistryError) -> Self {
        Refused::later(Code::Unavailable, Duration::from_secs(1))
    }
}
