//! The whole program, from outside: real processes, a real PostgreSQL, real clients. See `scripts/test.sh`.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test exports nothing and may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod chaos_proxy;
mod cluster;
mod command_line;
mod postgres_server;
mod standalone;
