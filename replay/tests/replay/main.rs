//! Answers from a ledger's directory.

mod answers;
mod audit;
mod house;
mod packs;
mod redecide;
mod verify;
