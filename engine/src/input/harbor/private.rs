//! Encoders that speak to the harbor in private: TLS on the ports that are there anyway.

use crate::output::http::begins_tls;
use crate::output::tls::Certificate;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection, encrypted or not.
pub trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

/// The connection as it is, or what is inside of its encryption; none where that cannot be opened
/// in time.
pub async fn opened(
    stream: TcpStream,
    certificate: Option<&Certificate>,
    time: Duration,
) -> Option<Box<dyn Line>> {
    let Some(certificate) = certificate else { return Some(Box::new(stream)) };
    let opening = async {
        if !begins_tls(&stream).await {
            return Some(Box::new(stream) as Box<dyn Line>);
        }
        let inside = certificate.acceptor().accept(stream).await.ok()?;
        Some(Box::new(inside) as Box<dyn Line>)
    };
    timeout(time, opening).await.ok().flatten()
}
