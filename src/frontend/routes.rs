//! What a frontend alone serves, besides the API that both roles speak ([`api`]).

use super::info;
use super::page::{self, Pages, assets, language, on_the_page};
use super::relay::client::Client;
use crate::http::{Service, api, read};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig, resource, scope};

pub fn mount(urls: &mut ServiceConfig, service: Service, client: Client, pages: Pages) {
    let folder = pages.dir.as_deref().map(assets::folder);
    let ui = scope("/ui")
        .service(resource("/boot.js").route(read().to(assets::boot)))
        .configure(|ui| {
            if let Some(folder) = folder {
                ui.service(folder);
            }
        })
        .service(resource("/{version}/{name:.*}").route(read().to(assets::versioned)))
        .wrap(assets::not_kept());
    urls.app_data(Data::new(service)).app_data(Data::new(client)).app_data(Data::new(pages));
    // Each by itself, and before those with a name in the path: no regular expression stands in their way.
    for path in ["/frontend-info/", "/frontend-info"] {
        urls.service(resource(path).route(read().to(info::frontend_info)));
    }
    for path in ["/api/backend-info/", "/api/backend-info"] {
        urls.service(resource(path).route(read().to(info::backend_info)));
    }
    urls.service(
        resource("/")
            .route(read().to(page::index))
            .route(web::post().to(page::send))
            .wrap(from_fn(on_the_page)),
    )
    .configure(api::mount)
    .service(resource("/uploads/{id}/delete").route(web::post().to(page::delete)).wrap(from_fn(on_the_page)))
    .service(resource("/language/{tag}").route(read().to(language::choose)))
    .service(ui);
}
