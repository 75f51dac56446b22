//! What stands behind the URLs of a backend: the only place here that names concrete implementations.

use super::changes::CatalogChanges;
use super::registry::CatalogRegistry;
use super::{life, routes, sweeping};
use crate::blobs::BlobStore;
use crate::blobs::local::{LocalBlobs, Unusable};
use crate::blobs::postgres::PostgresBlobs;
use crate::catalog::postgres::{PostgresCatalog, indexing};
use crate::catalog::sqlite::SqliteCatalog;
use crate::catalog::{Catalog, CatalogError};
use crate::config::{BackendConfig, Blobs, Database};
use crate::db::postgres::{InvalidConfig, PgConfig, Pool};
use crate::db::{self, migrate};
use crate::http::events::Events;
use crate::http::meters::Meters;
use crate::http::{Observed, Server, Service};
use crate::replica::{Identity, Replica, Role};
use crate::uploads::{self, Budget, LocalUploads};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Connections of one backend, but for the few that serve one purpose. A rolling update adds a backend, and PostgreSQL takes 100
/// by default.
const CONNECTIONS: usize = 10;

/// A backend cannot start, and trying again would not help.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    #[error(transparent)]
    Database(#[from] InvalidConfig),
    #[error("cannot use the catalog: {}", db::Chain(.0))]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Folder(#[from] Unusable),
    #[error("rows can hold bytes in PostgreSQL only")]
    RowsNeedPostgres,
}

impl StartError {
    /// An option has a value that can never do.
    pub fn is_misuse(&self) -> bool {
        matches!(self, Self::Database(InvalidConfig::Url(_)))
    }
}

/// Where records and bytes are kept. Cheap to clone: the backends of one process share it.
#[derive(Clone)]
pub struct Storage {
    pub catalog: Arc<dyn Catalog>,
    pub blobs: Arc<dyn BlobStore>,
    /// Migrated once it answers; an embedded database is migrated as it is opened.
    to_migrate: Option<Pool>,
}

impl Storage {
    /// Opens what the configuration names. PostgreSQL is not asked for anything yet: it may come later than we do.
    pub async fn open(database: &Database, blobs: &Blobs) -> Result<Self, StartError> {
        match database {
            Database::Sqlite(path) => {
                // The store first: it makes its folder such that a power cut leaves it, and the folders above it too.
                let blobs = open_blobs(blobs, None).await?;
                let catalog = Arc::new(SqliteCatalog::open(path).await?);
                Ok(Self { catalog, blobs, to_migrate: None })
            }
            Database::Postgres { url, password } => {
                let config =
                    PgConfig { url: url.clone(), password: password.clone(), pool_size: CONNECTIONS };
                let pool = Pool::open(&config).await?;
                let blobs = open_blobs(blobs, Some(&pool)).await?;
                let catalog = Arc::new(PostgresCatalog::new(pool.clone()));
                Ok(Self { catalog, blobs, to_migrate: Some(pool) })
            }
        }
    }

    /// Brings the schema to what this program needs, if no other replica has. And a new folder becomes the catalog's before
    /// anything is stored in it; where that fails, only sweeping has to wait for it.
    pub async fn prepare(&self) -> Result<(), db::Error> {
        if let Some(pool) = &self.to_migrate {
            migrate::postgres(pool).await?;
        }
        if let Err(error) = uploads::pair(&*self.catalog, &*self.blobs).await {
            log::warn!("the store cannot be said to be this catalog's yet: {}", db::Chain(&error));
        }
        Ok(())
    }

    /// Makes the indexes that searches are fast with, however long that takes, beside the work. `true` when nothing
    /// is left to do, though some may not be to be had; otherwise another replica makes them just now.
    pub async fn index(&self) -> Result<bool, db::Error> {
        match &self.to_migrate {
            Some(pool) => indexing::make(pool).await,
            // An embedded database is small enough to be looked through.
            None => Ok(true),
        }
    }
}

async fn open_blobs(blobs: &Blobs, pool: Option<&Pool>) -> Result<Arc<dyn BlobStore>, StartError> {
    match (blobs, pool) {
        (Blobs::Folder(folder), _) => Ok(Arc::new(LocalBlobs::open(folder).await?)),
        (Blobs::Postgres, Some(pool)) => Ok(Arc::new(PostgresBlobs::new(pool.clone()))),
        (Blobs::Postgres, None) => Err(StartError::RowsNeedPostgres),
    }
}

/// Brings up a backend as what this process is.
pub async fn start_alone(config: &BackendConfig) -> Result<Server, StartError> {
    let storage = Storage::open(&config.database, &config.blobs).await?;
    start(config, storage, Identity::of_this_process())
}

/// Brings up a backend over a storage. It serves as soon as this returns, and is ready once the database is.
pub fn start(config: &BackendConfig, storage: Storage, identity: Identity) -> Result<Server, StartError> {
    let common = &config.common;
    let replica = Arc::new(Replica::new(Role::Backend, identity));
    let readiness = Observed::new("the database was not asked yet");
    let uploads = LocalUploads::new(
        storage.catalog.clone(),
        storage.blobs.clone(),
        Budget::new(common.memory_budget),
        replica.identity.container_id,
        config.upload_ttl,
        common.max_upload_size,
    );
    let (catalog, shared, ready) = (storage.catalog.clone(), replica.clone(), readiness.clone());
    let (max_upload_size, origins, events) =
        (common.max_upload_size, common.cors_origins.clone(), Events::default());
    let service = move || Service {
        uploads: Rc::new(uploads.clone()),
        registry: Rc::new(CatalogRegistry { catalog: catalog.clone(), readiness: ready.clone() }),
        changes: Rc::new(CatalogChanges(catalog.clone())),
        events: events.clone(),
        replica: shared.clone(),
        readiness: Rc::new(ready.clone()),
        max_upload_size,
        origins: origins.clone(),
        meters: Meters::new(Role::Backend),
    };
    let own = service();
    let server = Server::start(common.listen, common.shutdown_grace, own, move |urls| {
        routes::mount(urls, service());
    });
    let server = server.map_err(|error| StartError::Listen(common.listen, error))?;
    actix_web::rt::spawn(sweeping::sweep(
        storage.clone(),
        config.upload_ttl,
        max_upload_size,
        replica.clone(),
    ));
    actix_web::rt::spawn(life::live(storage, replica, readiness));
    Ok(server)
}
