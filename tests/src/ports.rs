//! Ports for servers that are started, and started again, on the ports they had.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{TcpListener, UdpSocket};
use std::sync::Mutex;

/// Below those that the kernel gives to whoever asks for any: nobody gets one of these by chance
/// while its server is down.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// The first of `count` ports beside each other that nobody has, and that this process gave to
/// nobody.
pub fn adjacent(count: u16) -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    // Processes that look at the same time begin at different places.
    let mut place = RandomState::new().build_hasher().finish();
    let mut given = GIVEN.lock().expect("no test died while it chose");
    loop {
        let first = FIRST + (place % u64::from(COUNT - count)) as u16;
        place = place.wrapping_add(7);
        let ports = first..first + count;
        let is_free = |port| {
            let taken = given.contains(&port);
            let stream = TcpListener::bind(("127.0.0.1", port));
            !taken && stream.is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok()
        };
        if ports.clone().all(is_free) {
            given.extend(ports);
            return first;
        }
    }
}

/// One.
pub fn one() -> u16 {
    adjacent(1)
}
