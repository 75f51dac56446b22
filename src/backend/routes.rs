//! What a backend alone serves, besides the API that both roles speak ([`api`]).

use crate::http::{Service, api, changes, read, replicas};
use crate::replica::BackendInfo;
use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig, resource};

pub fn mount(urls: &mut ServiceConfig, service: Service) {
    urls.app_data(Data::new(service));
    // Each by itself: a resource of several paths is found by regular expressions.
    for path in ["/api/backend-info/", "/api/backend-info"] {
        urls.service(resource(path).route(read().to(info)));
    }
    urls.service(resource("/internal/heartbeat").route(web::post().to(replicas::heartbeat)))
        .service(resource("/internal/replicas").route(read().to(replicas::list)))
        .service(resource("/internal/changes").route(read().to(changes::since)))
        .configure(api::mount)
        .service(resource("/internal/heartbeat/{container_id}").route(web::delete().to(replicas::farewell)));
}

/// Which backend answered, ready or not.
async fn info(service: Data<Service>) -> HttpResponse {
    HttpResponse::Ok().json(BackendInfo {
        backend_container_id: service.replica.identity.container_id,
        replica: service.replica.info(),
        database: service.readiness.ready().await.err().unwrap_or_else(|| "ok".into()),
    })
}
