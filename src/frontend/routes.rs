//! What a frontend alone serves, besides the API that both roles speak ([`api`]).

use super::info;
use super::page::{self, Pages};
use super::relay::client::Client;
use crate::http::{Service, api, read};
use actix_files::Files;
use actix_web::web::{self, Data, ServiceConfig, resource};

pub fn mount(urls: &mut ServiceConfig, service: Service, client: Client, pages: Pages) {
    match &pages.dir {
        Some(dir) => urls.service(Files::new("/ui", dir)),
        None => urls.service(resource("/ui/{name}").route(read().to(page::embedded))),
    };
    urls.app_data(Data::new(service))
        .app_data(Data::new(client))
        .app_data(Data::new(pages))
        .service(resource("/").route(read().to(page::index)).route(web::post().to(page::send)))
        .service(resource("/uploads/{id}/delete").route(web::post().to(page::delete)))
        .service(resource(["/frontend-info/", "/frontend-info"]).route(read().to(info::frontend_info)))
        .service(resource(["/api/backend-info/", "/api/backend-info"]).route(read().to(info::backend_info)))
        .configure(api::mount);
}
