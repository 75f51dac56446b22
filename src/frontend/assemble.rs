//! What stands behind the URLs of a frontend: the only place here that names concrete implementations.

use super::changes::RelayChanges;
use super::page::Pages;
use super::registry::RelayRegistry;
use super::relay::RelayUploads;
use super::relay::client::{Backends, Client, PATIENCE};
use super::{routes, watch};
use crate::config::{Common, Endpoint, FrontendConfig};
use crate::discovery::{Dns, Resolve, Together};
use crate::http::events::Events;
use crate::http::meters::Meters;
use crate::http::{Observed, Server, Service};
use crate::replica::{Identity, Replica, Role};
use crate::uploads::Budget;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

/// A frontend cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, #[source] io::Error),
}

/// When a frontend can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyWith {
    /// One ready backend.
    One,
    /// All backends, as where they are in the same process.
    All,
}

/// Brings up a frontend as what this process is.
pub fn start_alone(config: FrontendConfig) -> Result<Server, StartError> {
    start(config, Identity::of_this_process(), ReadyWith::One)
}

/// Brings up a frontend. It serves as soon as this returns, and is ready once a backend is.
pub fn start(
    config: FrontendConfig,
    identity: Identity,
    ready_with: ReadyWith,
) -> Result<Server, StartError> {
    let FrontendConfig { common, backends: endpoints, ui_dir } = config;
    let replica = Arc::new(Replica::new(Role::Frontend, identity));
    let readiness = Observed::new("no backend was asked yet");
    let backends = Arc::new(Backends::default());
    let server = serve(&common, ui_dir, replica.clone(), readiness.clone(), backends.clone())
        .map_err(|error| StartError::Listen(common.listen, error))?;
    actix_web::rt::spawn(watch::watch(source(endpoints), backends, move |backends| {
        let ready = match ready_with {
            ReadyWith::One => backends.set.any_ready(),
            ReadyWith::All => backends.set.all_ready(),
        };
        if ready && replica.became_ready() {
            log::info!("ready");
        }
        readiness.set(ready.then_some(()).ok_or("no backend is ready"));
    }));
    Ok(server)
}

fn source(endpoints: Vec<Endpoint>) -> Box<dyn Resolve> {
    let dns = |Endpoint { host, port }| Box::new(Dns { host, port }) as Box<dyn Resolve>;
    Box::new(Together::new(endpoints.into_iter().map(dns)))
}

fn serve(
    common: &Common,
    ui_dir: Option<PathBuf>,
    replica: Arc<Replica>,
    readiness: Observed,
    backends: Arc<Backends>,
) -> io::Result<Server> {
    let budget = Budget::new(common.memory_budget).with_patience(PATIENCE);
    let (max_upload_size, origins, events) =
        (common.max_upload_size, common.cors_origins.clone(), Events::default());
    let frontend = replica.identity.container_id;
    let service = move |client: &Client| Service {
        uploads: Rc::new(RelayUploads::new(client.clone(), budget.clone())),
        registry: Rc::new(RelayRegistry::new(client.clone())),
        changes: Rc::new(RelayChanges::new(client.clone())),
        events: events.clone(),
        replica: replica.clone(),
        readiness: Rc::new(readiness.clone()),
        max_upload_size,
        origins: origins.clone(),
        meters: Meters::new(Role::Frontend),
    };
    let own = service(&Client::new(backends.clone(), frontend));
    Server::start(common.listen, common.shutdown_grace, own, move |urls| {
        let client = Client::new(backends.clone(), frontend);
        routes::mount(urls, service(&client), client, Pages { dir: ui_dir.clone() });
    })
}
