//! The contract that every backend keeps, run on each of them, and again with every kind of
//! answer lost, late, repeated or stale on the way.

mod support;
mod suite;
mod backends;

use suite::contract;

contract! {
    memory
    embedded
    embedded_rotating
    jetstream_r1
    jetstream_rotating
    jetstream_r3
    faulty_memory
    faulty_embedded
    faulty_jetstream_r1
    faulty_jetstream_r3
}
