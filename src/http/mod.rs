//! HTTP, written once over `dyn Uploads` and mounted by both roles: tus, forms, PUT, downloads, lists, health, problems.
//!
//! A handler turns headers into newtypes, asks one use-case and prints what it answered. This room knows nothing of which
//! role it serves in (but for what [`edge`] strips and stamps), of databases, or of how a frontend finds its backends. Start
//! reading in [`api`], the URLs, then [`service`], what handlers are given, and [`edge`], the middleware around all of them.

pub mod api;
pub mod changes;
pub mod download;
pub mod edge;
pub mod events;
pub mod form;
pub mod health;
pub mod list;
pub mod meters;
pub mod names;
pub mod problem;
pub mod put;
pub mod record;
pub mod replicas;
pub mod request;
pub mod server;
pub mod service;
pub mod tus;

mod body;
mod conditional;
mod cors;
mod descriptors;
mod listening;
mod paced;
mod request_id;
mod served;
mod unsent;
mod whole;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use problem::Refused;
pub use server::Server;
pub use service::{Observed, Readiness, Service};

use actix_web::{Route, guard, web};

/// A route for `GET`, and for `HEAD`, which is the same without the body: "All general-purpose servers MUST support the
/// methods GET and HEAD" (RFC 9110, section 9.1).
pub fn read() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
