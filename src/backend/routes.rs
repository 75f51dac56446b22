//! All URLs of a backend.

use crate::http::{Service, download, form, health, list, put, record, replicas, tus};
use crate::replica::BackendInfo;
use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig, resource};

pub fn mount(urls: &mut ServiceConfig, service: Service) {
    urls.app_data(Data::new(service))
        .service(resource("/healthz").get(health::healthz))
        .service(resource("/startupz").get(health::startupz))
        .service(resource("/readyz").get(health::readyz))
        .service(resource("/version").get(health::version))
        .service(resource("/metrics").get(health::metrics))
        .service(resource("/internal/heartbeat").post(replicas::heartbeat))
        .service(resource(["/api/backend-info/", "/api/backend-info"]).get(info))
        .service(resource("/api/replicas").get(replicas::get))
        .service(resource(["/api/uploads", "/api/uploads/"]).get(list::get).post(form::post))
        .service(resource("/api/uploads/{id}/content").get(download::get).head(download::get))
        .service(resource("/api/uploads/{id}").get(record::get).put(put::put).delete(record::delete))
        .service(tus::collection(resource(["/files/", "/files"])))
        .service(tus::upload(resource("/files/{id}")));
}

/// Which backend answered, ready or not.
async fn info(service: Data<Service>) -> HttpResponse {
    HttpResponse::Ok().json(BackendInfo {
        backend_container_id: service.replica.identity.container_id,
        replica: service.replica.info(),
        database: service.readiness.get().err().unwrap_or_else(|| "ok".into()),
    })
}
