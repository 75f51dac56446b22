//! All URLs of a frontend.

use super::info;
use super::page::{self, Pages};
use super::relay::client::Client;
use crate::http::{Service, download, form, health, list, put, record, replicas, tus};
use actix_web::web::{Data, ServiceConfig, resource};

pub fn mount(urls: &mut ServiceConfig, service: Service, client: Client, pages: Pages) {
    urls.app_data(Data::new(service))
        .app_data(Data::new(client))
        .app_data(Data::new(pages))
        .service(resource("/").get(page::index).post(page::send))
        .service(resource("/uploads/{id}/delete").post(page::delete))
        .service(resource("/ui/{name}").get(page::asset))
        .service(resource("/healthz").get(health::healthz))
        .service(resource("/startupz").get(health::startupz))
        .service(resource("/readyz").get(health::readyz))
        .service(resource("/version").get(health::version))
        .service(resource("/metrics").get(health::metrics))
        .service(resource(["/frontend-info/", "/frontend-info"]).get(info::frontend_info))
        .service(resource(["/api/backend-info/", "/api/backend-info"]).get(info::backend_info))
        .service(resource("/api/replicas").get(replicas::get))
        .service(resource(["/api/uploads", "/api/uploads/"]).get(list::get).post(form::post))
        .service(resource("/api/uploads/{id}/content").get(download::get).head(download::get))
        .service(resource("/api/uploads/{id}").get(record::get).put(put::put).delete(record::delete))
        .service(tus::collection(resource(["/files/", "/files"])))
        .service(tus::upload(resource("/files/{id}")));
}
