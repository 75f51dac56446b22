//! The role `backend`: the API over a catalog and a blob store.
//!
//! Wiring only. [`start`] brings up the server at once, so that the process can be seen to live; the database may come later,
//! and until then the replica says that it is not ready. What is served is in `routes`, what stands behind it in `assemble`.

mod assemble;
mod changes;
mod finishing;
mod indexing;
mod life;
mod registry;
mod routes;
mod sweeping;

pub use crate::http::Server;
pub use assemble::{StartError, Storage, start, start_alone};
