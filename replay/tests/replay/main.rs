//! Answers from a ledger's directory.

mod answers;
mod house;
mod redecide;
mod verify;
