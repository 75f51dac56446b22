//! The role `standalone`: one frontend and several backends in one process, over SQLite and a folder.
//!
//! The same code as on a Swarm, with real HTTP between the roles and a container id of its own for each replica, so that
//! what is learned here holds there.

use crate::backend::{self, Storage};
use crate::config::{BackendConfig, Blobs, Common, Database, Endpoint, FrontendConfig, StandaloneConfig};
use crate::frontend::{self, ReadyWith, Server};
use crate::replica::Identity;
use std::net::{Ipv4Addr, SocketAddr};

/// Why it cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Backend(#[from] backend::StartError),
    #[error(transparent)]
    Frontend(#[from] frontend::StartError),
}

/// The servers of one process.
pub struct Standalone {
    frontend: Server,
    backends: Vec<Server>,
}

/// Brings up everything.
pub async fn start(config: StandaloneConfig) -> Result<Standalone, StartError> {
    let StandaloneConfig { common, data_dir, backends: count, upload_ttl, ui_dir } = config;
    let database = Database::Sqlite(data_dir.join("catalog.db"));
    let blobs = Blobs::Folder(data_dir.join("blobs"));
    let storage = Storage::open(&database, &blobs).await?;
    let mut backends = Vec::new();
    for _ in 0..count {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let common = Common { listen, ..common.clone() };
        let config = BackendConfig { common, database: database.clone(), blobs: blobs.clone(), upload_ttl };
        backends.push(backend::start(&config, storage.clone(), Identity::invented())?);
    }
    let endpoints = backends
        .iter()
        .map(|server| Endpoint { host: server.address.ip().to_string(), port: server.address.port() })
        .collect();
    let config = FrontendConfig { common, backends: endpoints, ui_dir };
    let frontend = frontend::start(config, Identity::invented(), ReadyWith::All)?;
    Ok(Standalone { frontend, backends })
}

impl Standalone {
    /// Where the frontend listens.
    pub fn address(&self) -> SocketAddr {
        self.frontend.address
    }

    /// The frontend first, so that what it has begun finds its backends. Nobody balances over a single process, so there is
    /// nobody to wait for.
    pub async fn drain(self) {
        self.frontend.drain(false).await;
        futures_util::future::join_all(self.backends.into_iter().map(|server| server.drain(false))).await;
    }
}
