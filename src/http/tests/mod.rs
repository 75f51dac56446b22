//! The rules of the HTTP interface, one file for each verb or topic.

mod cors;
mod download;
mod edge;
mod events;
mod form;
mod health;
mod internal;
mod list;
mod put;
mod tus_checksum;
mod tus_concat;
mod tus_create;
mod tus_patch;
mod tus_resource;
