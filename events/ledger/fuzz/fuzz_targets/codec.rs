//! Any bytes as any payload that is stored: events, hand-overs, commands, contexts.
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

use grimnir_events::schema::Registered;
use std::sync::LazyLock;

/// Events and hand-overs first: the corpus counts on it.
static REGISTER: LazyLock<Vec<Registered>> =
    LazyLock::new(|| [grimnir_events::schema::REGISTER, grimnir_rules::schema::REGISTER].concat());

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::codec(&REGISTER, data));
