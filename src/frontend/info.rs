//! `/frontend-info/` and `/api/backend-info/`: who answered, for people who watch the balancing.

use super::relay::client::Client;
use super::relay::wire;
use crate::domain::ContainerId;
use crate::http::request::Caller;
use crate::http::{Refused, Service};
use crate::replica::{BackendInfo, Info};
use crate::uploads::Call;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use std::time::Duration;

/// People who watch a service come and go want an answer now, be it that there is no backend.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct FrontendInfo {
    frontend_container_id: ContainerId,
    backend_container_id: Option<ContainerId>,
    frontend: Info,
    backend: Option<BackendFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend_error: Option<&'static str>,
}

#[derive(Serialize)]
struct BackendFields {
    #[serde(flatten)]
    replica: Info,
    database: String,
}

/// Which frontend answered, and which backend it asked. 200 also when there is no backend to be had.
pub async fn frontend_info(
    client: web::Data<Client>,
    service: web::Data<Service>,
    Caller(call): Caller,
) -> HttpResponse {
    let replica = &service.replica;
    let asked = ask(&client, &call).await;
    let error = asked.is_none().then_some("no backend answered");
    HttpResponse::Ok().json(FrontendInfo {
        frontend_container_id: replica.identity.container_id,
        backend_container_id: asked.as_ref().map(|info| info.backend_container_id),
        frontend: replica.info(),
        backend: asked.map(|info| BackendFields { replica: info.replica, database: info.database }),
        backend_error: error,
    })
}

async fn ask(client: &Client, call: &Call) -> Option<BackendInfo> {
    let answer = client.ask_in_turn(call, "/api/backend-info/", PATIENCE).await.ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// Which backend answered.
pub async fn backend_info(client: web::Data<Client>, Caller(call): Caller) -> Result<HttpResponse, Refused> {
    let answer = client.ask_in_turn(&call, "/api/backend-info/", PATIENCE).await?;
    wire::done(&answer)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(answer.body))
}
