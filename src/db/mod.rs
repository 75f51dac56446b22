//! Databases: connection pools, migrations under a lock, and what a transaction that two rooms share looks like.
//!
//! No table is named here and no upload is known. The `catalog` and the `blobs` that live in a database get their
//! connections from here. Start reading in [`postgres`], then [`migrate`].

mod error;
#[cfg(test)]
pub mod faults;
mod hosts;
pub mod migrate;
pub mod postgres;
pub mod seat;
pub mod sqlite;
#[cfg(test)]
pub mod testing;
mod tls;

pub use error::{Chain, Error, PATIENCE, within_patience};
use std::sync::Arc;

/// Bytes that a chunk brought, on their way to be counted.
#[derive(Clone)]
pub enum Staged {
    /// They are durable already; what remains is to count them.
    Durable,
    /// They are stored by the transaction that counts them: both happen, or neither.
    InTransaction(Arc<dyn postgres::TransactionPart>),
}
