//! The pieces that every request or every chunk goes through, each by itself. docs/PERFORMANCE.md says how to run them.

mod append;
mod balance;
mod database;
mod headers;
mod relay;
mod upload;

use criterion::{criterion_group, criterion_main};

criterion_group!(hot, balance::pick, headers::parse, append::append, relay::relay);
criterion_main!(hot);
