use crate::replica::{Registry, Replica, Role};
use crate::uploads::{Call, Uploads};
use async_trait::async_trait;
use std::rc::Rc;
use std::sync::Arc;

/// What handlers are given: built once for each worker, as its `web::Data`.
pub struct Service {
    /// What can be done with uploads: with a catalog and a store on a backend, over backends on a frontend.
    pub uploads: Rc<dyn Uploads>,
    /// This replica: who it is, what it has served, whether it drains. Shared by all workers.
    pub replica: Arc<Replica>,
    /// Who else is alive.
    pub registry: Rc<dyn Registry>,
    /// Asked by `/readyz`, and by `/startupz` until it first says yes.
    pub readiness: Rc<dyn Readiness>,
    /// The largest file taken, in bytes.
    pub max_upload_size: u64,
}

/// Whether a replica can serve.
#[async_trait(?Send)]
pub trait Readiness {
    /// An error is the reason in words that anybody may read: no address, no SQL.
    async fn ready(&self) -> Result<(), String>;
}

impl Service {
    /// The role as metrics name it.
    pub fn role(&self) -> &'static str {
        match self.replica.role {
            Role::Backend => "backend",
            Role::Frontend => "frontend",
        }
    }

    /// Whether the other side is a frontend's relay. It is told more than a client: the record after a write, its epoch.
    pub fn is_relayed(&self, call: &Call) -> bool {
        match self.replica.role {
            Role::Backend => call.frontend.is_some(),
            Role::Frontend => false,
        }
    }
}
