use std::sync::{Arc, PoisonError, RwLock};

/// Whether a replica can serve, as it found out last. Asked often, and so answered from memory.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<Result<(), String>>>);

impl Readiness {
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
