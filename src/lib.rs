//! swarm-upload: an upload service that stays up while everything under it is killed, scaled and replaced.

pub mod balance;
pub mod blobs;
pub mod catalog;
pub mod db;
pub mod discovery;
pub mod domain;
pub mod replica;
pub mod uploads;
