//! The role `frontend`: web pages, balancing, and the relay of uploads to the backends.
//!
//! It keeps nothing: whatever it is asked, it asks a backend. Which one, and what to do when that one dies, is what this room
//! is about; start reading in `relay`. What is served is in `routes`, what stands behind it in `assemble`.

mod assemble;
mod changes;
mod info;
mod page;
mod registry;
pub mod relay;
mod routes;
mod watch;

pub use crate::http::Server;
pub use assemble::{ReadyWith, StartError, start, start_alone};
