//! `GET /api/replicas` and, on backends, `POST /internal/heartbeat`.

use super::{Problem, Service};
use crate::protocol::problem::Code;
use crate::replica::{RegistryError, Report};
use actix_web::{HttpResponse, web};
use serde::Serialize;

#[derive(Serialize)]
struct Replicas {
    replicas: Vec<Report>,
}

pub async fn get(service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let replicas = service.registry.live().await?;
    Ok(HttpResponse::Ok().json(Replicas { replicas }))
}

pub async fn heartbeat(
    service: web::Data<Service>,
    report: web::Json<Report>,
) -> Result<HttpResponse, Problem> {
    service.registry.heard(report.into_inner()).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<RegistryError> for Problem {
    fn from(RegistryError: RegistryError) -> Self {
        Self::new(Code::Unavailable)
    }
}
