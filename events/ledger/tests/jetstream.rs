//! What holds on JetStream beyond the contract: several nodes, streams that are not what they
//! were, servers that are away, accounts that may not destroy.

mod support;
mod suite;
mod backends;

#[path = "jetstream/nodes.rs"]
mod nodes;
#[path = "jetstream/identity.rs"]
mod identity;
#[path = "jetstream/mirror.rs"]
mod mirror;
#[path = "jetstream/away.rs"]
mod away;
#[path = "jetstream/deviations.rs"]
mod deviations;
#[path = "jetstream/permissions.rs"]
mod permissions;
#[path = "jetstream/repairs.rs"]
mod repairs;
