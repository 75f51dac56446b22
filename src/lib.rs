//! swarm-upload: an upload service that stays up while everything under it is killed, scaled and replaced.

pub mod balance;
pub mod blobs;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod db;
pub mod discovery;
pub mod domain;
pub mod replica;
pub mod uploads;

pub enum Ended {
    Well,
    Unhealthy(String),
    Misused(String),
}
pub fn run() -> Ended {
    Ended::Well
}
