//! What the tests of this room stand on: uploads in memory, a real server on a free port, and a client that speaks plain
//! HTTP over a socket, so that tests see what goes over the wire and can break a connection where they like.

mod client;
mod memory;
mod server;

pub(super) use client::{Answer, Connection};
pub(super) use memory::Memory;
pub(super) use server::{Server, frontend_id};
