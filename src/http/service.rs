use super::events::Events;
use super::meters::Meters;
use crate::domain::Origins;
use crate::replica::{Registry, Replica, Role};
use crate::uploads::{Call, Changes, Uploads};
use async_trait::async_trait;
use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};

/// What handlers are given: built once for each worker, as its `web::Data`, and once for what goes on beside the workers.
pub struct Service {
    /// What can be done with uploads: with a catalog and a store on a backend, over backends on a frontend.
    pub uploads: Rc<dyn Uploads>,
    /// This replica: who it is, what it has served, whether it drains. Shared by all workers.
    pub replica: Arc<Replica>,
    /// Who else is alive.
    pub registry: Rc<dyn Registry>,
    /// What becomes of the list.
    pub changes: Rc<dyn Changes>,
    /// What is told to those who listen. Shared by all workers.
    pub events: Events,
    /// Asked by `/readyz`, and by `/startupz` until it first says yes.
    pub readiness: Rc<dyn Readiness>,
    /// The largest file taken, in bytes.
    pub max_upload_size: u64,
    /// Of which other sites browsers may use it.
    pub origins: Origins,
    pub meters: Meters,
}

/// Whether a replica can serve.
#[async_trait(?Send)]
pub trait Readiness {
    /// An error is the reason in words that anybody may read: no address, no SQL.
    async fn ready(&self) -> Result<(), String>;
}

/// Readiness as it was found out last: asked often, and so answered from memory.
#[derive(Clone, Debug)]
pub struct Observed(Arc<RwLock<Result<(), String>>>);

impl Observed {
    /// Not ready yet, and why.
    pub fn new(why: &str) -> Self {
        Self(Arc::new(RwLock::new(Err(why.into()))))
    }

    pub fn set(&self, ready: Result<(), impl Into<String>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ready.map_err(Into::into);
    }

    pub fn get(&self) -> Result<(), String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait(?Send)]
impl Readiness for Observed {
    async fn ready(&self) -> Result<(), String> {
        self.get()
    }
}

impl Service {
    /// The role as metrics name it.
    pub fn role(&self) -> &'static str {
        self.meters.role
    }

    /// Whether the other side is a frontend's relay. It is told more than a client: the record after a write, its epoch.
    pub fn is_relayed(&self, call: &Call) -> bool {
        match self.replica.role {
            Role::Backend => call.frontend.is_some(),
            Role::Frontend => false,
        }
    }
}
