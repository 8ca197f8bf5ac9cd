//! Packets of RTP onto the network: their headers (RFC 3550), one socket, what it says.

use super::pack::Packet;
use grimnir_events::rtp::RtpOutput;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

/// Bytes of a header.
const HEADER: usize = 12;
/// Version 2, without padding, extension and sources.
const VERSION: u8 = 0x80;
/// The first packet behind a gap, or of all.
const MARKER: u8 = 0x80;

/// What became of a packet.
#[derive(Debug)]
pub enum Sent {
    /// It left, with so many bytes.
    Left(u64),
    /// It left, and of one before the receiver's machine says that nobody is at the port.
    Refused(u64),
    /// The kernel has no room: it is lost.
    Full,
    /// Nothing can be sent.
    Dead(String),
}

/// By what receivers know a stream, whatever becomes of its socket.
pub struct Stream {
    payload_type: u8,
    source: u32,
    number: u16,
    /// Of the frame 0 of the air.
    time: u32,
}

impl Stream {
    /// Another one; where it begins is not to be guessed (RFC 3550, 5.1).
    pub fn new(payload_type: u8) -> Self {
        let [a, b, c, d, e, f, _, _, _, _, g, h, i, j, ..] = uuid::Uuid::new_v4().into_bytes();
        Self {
            payload_type,
            source: u32::from_be_bytes([a, b, c, d]),
            number: u16::from_be_bytes([e, f]),
            time: u32::from_be_bytes([g, h, i, j]),
        }
    }

    /// Writes the next packet.
    fn write(&mut self, packet: &Packet, out: &mut Vec<u8>) {
        let marker = if packet.follows { 0 } else { MARKER };
        let time = self.time.wrapping_add(packet.time as u32);
        out.clear();
        out.reserve(HEADER + packet.payload.len());
        out.extend_from_slice(&[VERSION, self.payload_type | marker]);
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&time.to_be_bytes());
        out.extend_from_slice(&self.source.to_be_bytes());
        out.extend_from_slice(&packet.payload);
        // One that cannot leave has a number too: it is missing, and that is to be seen.
        self.number = self.number.wrapping_add(1);
    }
}

/// A socket to one address.
pub struct Wire {
    socket: UdpSocket,
    packet: Vec<u8>,
}

impl Wire {
    /// One to where the output says.
    pub fn open(to: &RtpOutput) -> Result<Self, String> {
        let place = || format!("{}:{}", to.host, to.port);
        let mut found = (to.host.as_str(), to.port)
            .to_socket_addrs()
            .map_err(|error| format!("{} is not known: {error}", to.host))?;
        let address = found.next().ok_or_else(|| format!("{} has no address", to.host))?;
        let own: SocketAddr = match address.ip() {
            IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let begun = UdpSocket::bind(own).and_then(|socket| {
            socket.set_nonblocking(true)?;
            match address.ip() {
                IpAddr::V4(ip) if ip.is_multicast() => {
                    socket.set_multicast_ttl_v4(to.ttl.into())?;
                }
                IpAddr::V6(ip) if ip.is_multicast() => {
                    rustix::net::sockopt::set_ipv6_multicast_hops(&socket, to.ttl.into())?;
                }
                IpAddr::V4(_) => socket.set_ttl(to.ttl.into())?,
                IpAddr::V6(_) => {
                    rustix::net::sockopt::set_ipv6_unicast_hops(&socket, Some(to.ttl))?;
                }
            }
            socket.connect(address)?;
            Ok(socket)
        });
        let socket = begun.map_err(|error| format!("{} cannot be sent to: {error}", place()))?;
        Ok(Self { socket, packet: Vec::new() })
    }

    /// Sends the next packet of a stream.
    pub fn send(&mut self, stream: &mut Stream, packet: &Packet) -> Sent {
        stream.write(packet, &mut self.packet);
        let bytes = packet.payload.len() as u64;
        let refused = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionRefused;
        match self.socket.send(&self.packet) {
            Ok(_) => Sent::Left(bytes),
            // It is said of an earlier one, and only once: this one can leave now.
            Err(error) if refused(&error) => {
                let _ = self.socket.send(&self.packet);
                Sent::Refused(bytes)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::OutOfMemory => Sent::Full,
                _ => Sent::Dead(error.to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::AirFrame;

    #[test]
    fn a_stream_keeps_its_count_and_its_clock_over_a_packet_that_is_lost() {
        let mut stream = Stream::new(97);
        (stream.source, stream.number, stream.time) = (7, u16::MAX, u32::MAX - 240);
        let packet =
            |at: i64, follows| Packet { at: AirFrame(at), time: at, follows, payload: vec![9] };
        let mut out = Vec::new();
        stream.write(&packet(0, false), &mut out);
        assert_eq!(out, [0x80, 0xE1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0, 7, 9]);
        stream.write(&packet(241, true), &mut out);
        assert_eq!(out, [0x80, 97, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 9]);
    }
}
