//! The role `standalone`: one frontend and several backends in one process, over SQLite and a folder.
//!
//! The same code as on a Swarm, with real HTTP between the roles and a container id of its own for each replica, so that
//! what is learned here holds there.

use crate::backend::{self, Storage};
use crate::config::{
    BackendConfig, Blobs, Common, Database, Endpoint, FrontendConfig, SMALLEST_BUDGET, StandaloneConfig,
};
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
    // What a process may hold is shared out, not shared: chunks that wait for a backend must not keep it from taking them.
    let share = (common.memory_budget / 2 / u32::from(count)).max(SMALLEST_BUDGET);
    let mut backends = Vec::new();
    for _ in 0..count {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let common = Common { listen, memory_budget: share, ..common.clone() };
        let config = BackendConfig { common, database: database.clone(), blobs: blobs.clone(), upload_ttl };
        backends.push(backend::start(&config, storage.clone(), Identity::invented())?);
    }
    let endpoints = backends
        .iter()
        .map(|server| Endpoint { host: server.address.ip().to_string(), port: server.address.port() })
        .collect();
    let common = Common { memory_budget: common.memory_budget / 2, ..common };
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
        let end = self.frontend.end_of_grace();
        self.frontend.drain(false, end).await;
        futures_util::future::join_all(self.backends.into_iter().map(|server| server.drain(false, end)))
            .await;
    }
}
