//! What the tests of the whole program stand on: real processes, a real PostgreSQL, a network that fails on request, and
//! a client that can stop in the middle.
//!
//! Everything blocks. A test reads from top to bottom, threads are named where they are needed, and nothing of the program
//! under test (its runtime, its HTTP client) takes part in judging it.

pub mod api;
pub mod chaos;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod content;
pub mod external;
pub mod hostile;
pub mod listener;
pub mod lossy_disk;
pub mod multipart;
pub mod nginx;
pub mod postgres;
pub mod postgres_server;
pub mod process;
pub mod service;
pub mod small_disk;
pub mod tus_client;
pub mod wait;
pub mod wire;
