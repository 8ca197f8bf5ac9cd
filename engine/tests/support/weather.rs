//! A bad network for the engine's tests: passes datagrams on, loses some and swaps others, by a
//! seed and not by chance.

use super::*;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const HOST: &str = "127.0.0.1";

/// What becomes of datagrams, of each thousand.
#[derive(Clone, Copy)]
pub struct Weather {
    pub lost: u64,
    /// These leave after the one behind them.
    pub swapped: u64,
}

/// Three in a hundred are lost, two come late.
pub const BAD: Weather = Weather { lost: 30, swapped: 20 };

/// Passes datagrams on from one port to another, and answers back.
pub struct Relay {
    stop: Arc<AtomicBool>,
    counts: Arc<[AtomicU64; 2]>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Relay {
    pub fn begin(from: u16, to: u16, weather: Weather) -> Self {
        let near = UdpSocket::bind((HOST, from)).unwrap();
        let far = UdpSocket::bind((HOST, 0)).unwrap();
        near.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        far.set_nonblocking(true).unwrap();
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::<[AtomicU64; 2]>::default());
        let (stopped, counted) = (stop.clone(), counts.clone());
        let thread = std::thread::spawn(move || {
            let mut way =
                Way { weather, state: 0x9E37_79B9_7F4A_7C15, held: None, counts: counted };
            let mut back = Way { state: 0xD1B5_4A32_D192_ED03, held: None, ..way.copy() };
            let (mut packet, mut caller) = ([0; 2_048], None);
            let to = SocketAddr::from(([127, 0, 0, 1], to));
            while !stopped.load(Ordering::Relaxed) {
                if let Ok((length, from)) = near.recv_from(&mut packet) {
                    caller = Some(from);
                    way.pass(&packet[..length], |bytes| drop(far.send_to(bytes, to)));
                }
                // Whoever is not there yet is refused, which is no end.
                while let (Ok(length), Some(caller)) = (far.recv(&mut packet), caller) {
                    back.pass(&packet[..length], |bytes| drop(near.send_to(bytes, caller)));
                }
            }
        });
        Self { stop, counts, thread: Some(thread) }
    }

    /// Ends it; how many were lost and swapped.
    pub fn end(mut self) -> [u64; 2] {
        self.halt();
        [0, 1].map(|n| self.counts[n].load(Ordering::Relaxed))
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.halt();
    }
}

/// One direction.
struct Way {
    weather: Weather,
    state: u64,
    held: Option<Vec<u8>>,
    counts: Arc<[AtomicU64; 2]>,
}

impl Way {
    fn copy(&self) -> Self {
        Self { weather: self.weather, state: 1, held: None, counts: self.counts.clone() }
    }

    fn pass(&mut self, bytes: &[u8], mut send: impl FnMut(&[u8])) {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let drawn = (self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % 1_000;
        let Weather { lost, swapped } = self.weather;
        if drawn < lost {
            self.counts[0].fetch_add(1, Ordering::Relaxed);
        } else if drawn < lost + swapped && self.held.is_none() {
            self.counts[1].fetch_add(1, Ordering::Relaxed);
            self.held = Some(bytes.to_vec());
            return;
        } else {
            send(bytes);
        }
        if let Some(late) = self.held.take() {
            send(&late);
        }
    }
}
