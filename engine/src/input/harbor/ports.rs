//! The two ports of a harbor.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};

/// Bytes that the kernel holds of a source, as they are asked for.
const RECEIVE_BYTES: u32 = 32 * 1024;

/// Binds a port and the next; of port 0 two free ones. Tries for a while, because the engine before
/// may still hold them.
pub async fn bind(address: SocketAddr) -> std::io::Result<(TcpListener, TcpListener)> {
    let mut tries = 0;
    loop {
        match bind_pair(address) {
            Ok(pair) => return Ok(pair),
            Err(error) if tries >= 100 => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        tries += 1;
    }
}

fn bind_pair(address: SocketAddr) -> std::io::Result<(TcpListener, TcpListener)> {
    let base = bind_one(address)?;
    let port = base.local_addr()?.port();
    let next = port.checked_add(1).ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, "no port follows 65535")
    })?;
    let icy = bind_one(SocketAddr::new(address.ip(), next))?;
    Ok((base, icy))
}

/// What waits in the kernel is not heard: of sound that comes faster than time, not much does.
fn bind_one(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    socket.bind(address)?;
    socket.listen(64)
}
