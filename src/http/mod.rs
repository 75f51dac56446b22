//! Upload handling over HTTP, written once over `dyn Uploads` and mounted by both roles.
//!
//! A handler turns headers into values of the domain, calls one use-case, and turns its answer into a response. It knows
//! neither the role that it serves in nor where anything is kept. Which URL leads to which handler is said in each role's
//! `routes`. Start reading in `tus` for uploads and in `download` for the way out.

mod asked;
mod body;
pub mod download;
pub mod form;
pub mod health;
pub mod list;
mod problem;
pub mod put;
mod readiness;
pub mod record;
pub mod replicas;
mod server;
mod service;
mod trace;
pub mod tus;

pub use asked::Asked;
pub use problem::Problem;
pub use readiness::Readiness;
pub use server::Server;
pub use service::Service;
pub use trace::trace;
