use super::request::Caller;
use super::{Refused, Service};
use crate::protocol::code::Code;
use crate::replica::{Live, RegistryError, Report, Role};
use actix_web::{HttpResponse, web};
use std::time::Duration;
use tokio::time::Instant;

/// As long as reading takes elsewhere.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// `GET /api/replicas`: every live replica of both roles. On backends also `GET /internal/replicas`, which does not count as
/// traffic: frontends ask that, so that watching them changes nothing of what is watched.
pub async fn list(service: web::Data<Service>, Caller(call): Caller) -> Result<HttpResponse, Refused> {
    let live = match service.replica.role {
        Role::Backend => service.registry.live(&call.request_id).await?,
        Role::Frontend => patiently(&service, &call.request_id).await?,
    };
    call.backend.set(live.backend);
    Ok(HttpResponse::Ok().json(live.census))
}

/// Who asks gets an answer also where no backend had one at first.
async fn patiently(service: &Service, request_id: &str) -> Result<Live, RegistryError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match service.registry.live(request_id).await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
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

/// `DELETE /internal/heartbeat/{container_id}`: a frontend has ended in good order. On backends only.
pub async fn farewell(
    service: web::Data<Service>,
    container_id: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let replica = container_id.parse().map_err(|_| Refused::plain(Code::NotFound))?;
    service.registry.left(replica).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<RegistryError> for Refused {
    fn from(_: RegistryError) -> Self {
        Refused::later(Code::Unavailable, Duration::from_secs(1))
    }
}
