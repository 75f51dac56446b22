use super::Readiness;
use crate::replica::{Registry, Replica};
use crate::uploads::Uploads;
use std::rc::Rc;
use std::sync::Arc;

/// What handlers work with; one for each worker.
#[derive(Clone)]
pub struct Service {
    pub uploads: Rc<dyn Uploads>,
    pub registry: Rc<dyn Registry>,
    pub replica: Arc<Replica>,
    pub readiness: Readiness,
    /// Bytes of the largest file that is taken.
    pub max_upload_size: u64,
    /// The headers between a frontend and a backend are believed. Only a backend does so, which no client can reach.
    pub trusts_internal_headers: bool,
}
