//! The ledger's care from the command line: archives, repairs, audits of streams, several nodes.

mod archive;
mod audit;
mod house;
mod nodes;
mod repair;
mod serving;
