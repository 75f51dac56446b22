//! Backends and frontends in processes of their own over a real PostgreSQL, and what must hold while they die.

mod backends_die;
mod balance;
mod checksums;
mod concatenation;
mod database_away;
mod downloads;
mod draining;
mod events;
mod failover;
mod frontends_stop;
mod in_flight;
mod load;
mod memory;
mod resuming;
mod sent_ahead;
mod sharing;
mod sweeping;

use crate::support::cluster::Store;

const MIB: u64 = 1 << 20;
const STORES: [Store; 2] = [Store::Postgres, Store::Local];
