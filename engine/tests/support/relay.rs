//! A relay between an encoder and the harbor, at an address of its own: what is answered is read
//! along, and its lines can be torn.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub struct Relay {
    /// The next one is relayed too, as Shoutcast wants it.
    pub port: u16,
    passages: Arc<Passages>,
}

#[derive(Default)]
struct Passages {
    lines: Mutex<Vec<TcpStream>>,
    answers: Mutex<Vec<u8>>,
    sent: AtomicU64,
}

impl Relay {
    /// To the harbor at this port, which sees whoever comes through it at 127.0.0.`number`.
    pub fn start(harbor: u16, number: u8) -> Self {
        let (port, passages) = (super::ports::adjacent(2), Arc::<Passages>::default());
        for next in 0..2 {
            let listener = TcpListener::bind(("127.0.0.1", port + next)).unwrap();
            let passages = passages.clone();
            std::thread::spawn(move || {
                for line in listener.incoming() {
                    passages.clone().pass(line.unwrap(), harbor + next, number);
                }
            });
        }
        Self { port, passages }
    }

    /// Ends all lines that are open, in both directions, whatever is on its way.
    pub fn tear(&self) {
        for line in self.passages.lines.lock().unwrap().drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }

    /// All that the harbor said.
    pub fn answers(&self) -> String {
        String::from_utf8_lossy(&self.passages.answers.lock().unwrap()).into_owned()
    }

    /// Bytes that went to the harbor.
    pub fn sent(&self) -> u64 {
        self.passages.sent.load(Ordering::Relaxed)
    }
}

impl Passages {
    fn pass(self: Arc<Self>, encoder: TcpStream, port: u16, number: u8) {
        let harbor = connect_from(number, port).unwrap();
        let both = || [encoder.try_clone().unwrap(), harbor.try_clone().unwrap()];
        self.lines.lock().unwrap().extend(both());
        let [forth, back] = [both(), both()];
        let told = self.clone();
        std::thread::spawn(move || {
            let [from, to] = forth;
            copy(from, to, |bytes| {
                self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            });
        });
        std::thread::spawn(move || {
            let [to, from] = back;
            copy(from, to, |bytes| told.answers.lock().unwrap().extend_from_slice(bytes));
        });
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, seen: impl Fn(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        seen(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Both ends hear of it.
    let _ = (to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read));
}

fn connect_from(number: u8, port: u16) -> std::io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
    let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
    let line = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    bind(&line, &SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, number), 0))?;
    connect(&line, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok(line.into())
}
