//! Which backend gets a request: the set of replicas, what is known of their health, and the policy that chooses.
//!
//! Pure state, shared by all workers of a frontend (else each would balance alone): no I/O, and time is an argument. Who
//! asks and who probes is the frontend's business. Start reading in [`ReplicaSet`].

mod condition;
mod policy;
mod replica_set;
mod retry_budget;
mod target;

pub use condition::{Condition, Health, Load, Probe};
pub use policy::{LeastRequests, Policy, RoundRobin};
pub use replica_set::ReplicaSet;
pub use retry_budget::RetryBudget;
pub use target::{Lease, Target};
