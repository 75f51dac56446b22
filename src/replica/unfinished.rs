use crate::domain::UploadId;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Uploads that this replica is to take back unless they come whole: what is left of them when it ends, nobody else knows of.
#[derive(Clone, Debug, Default)]
pub struct Unfinished(Arc<Mutex<HashSet<UploadId>>>);

impl Unfinished {
    pub fn begin(&self, id: UploadId) {
        self.ids().insert(id);
    }

    /// It came whole, or was taken back.
    pub fn end(&self, id: UploadId) {
        self.ids().remove(&id);
    }

    /// What is left now. Whoever takes it takes it back.
    pub fn take(&self) -> HashSet<UploadId> {
        std::mem::take(&mut self.ids())
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<UploadId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
