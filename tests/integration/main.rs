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
mod clock_jumps;
mod cluster;
mod command_line;
mod descriptors;
mod disk_full;
mod load_balancing_script;
mod postgres_server;
mod power_cut;
mod standalone;
mod tus;
mod tus_clients;
