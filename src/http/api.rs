//! The URLs that both roles serve, on one screen: a frontend speaks the same API as the backends that it asks.

use super::{download, events, form, health, list, put, read, record, replicas, tus};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, resource};

/// Adds them. The role's own `routes` adds its [`Service`](super::Service) and what it alone serves.
pub fn mount(urls: &mut ServiceConfig) {
    urls.service(resource("/healthz").route(read().to(health::healthz)))
        .service(resource("/startupz").route(read().to(health::startupz)))
        .service(resource("/readyz").route(read().to(health::readyz)))
        .service(resource("/version").route(read().to(health::version)))
        .service(resource("/metrics").route(read().to(health::prometheus)))
        .service(resource("/api/replicas").route(read().to(replicas::list)))
        .service(resource("/api/events").route(read().to(events::listen)));
    // Each by itself, and before those with a name in the path: no regular expression stands in their way.
    for path in ["/api/uploads", "/api/uploads/"] {
        urls.service(
            resource(path)
                .route(read().to(list::list))
                .route(web::post().to(form::post))
                .route(web::put().to(put::put_nameless)),
        );
    }
    for path in ["/files/", "/files"] {
        urls.service(
            resource(path)
                .route(web::method(Method::OPTIONS).to(tus::options))
                .route(web::post().to(tus::create))
                .wrap(from_fn(tus::speak)),
        );
    }
    urls.service(resource("/api/uploads/{id}/content").route(read().to(download::content)))
        .service(
            resource("/files/{id}")
                .route(web::method(Method::OPTIONS).to(tus::options))
                .route(web::head().to(tus::head))
                .route(web::patch().to(tus::patch))
                .route(web::delete().to(tus::terminate))
                .route(web::get().to(download::content))
                .wrap(from_fn(tus::speak)),
        )
        .service(
            resource("/api/uploads/{id}")
                .route(read().to(record::get))
                .route(web::put().to(put::put))
                .route(web::delete().to(tus::terminate)),
        );
}
