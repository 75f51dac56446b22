//! swarm-upload: an upload service that stays up while everything under it is killed, scaled and replaced.

pub mod blobs;
pub mod catalog;
pub mod db;
pub mod domain;
pub mod http;
pub mod protocol;
pub mod replica;
pub mod telemetry;
pub mod uploads;
