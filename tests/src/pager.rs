//! Somebody who is told of alarms: takes posts, and refuses the first one so that it is told again.

use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A pager on a free port of the loopback.
pub struct Pager {
    /// Where alarms are posted.
    pub url: String,
    taken: Arc<Mutex<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Pager {
    /// Listens.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/alarms", listener.local_addr().expect("is bound"));
        let taken: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = taken.clone();
        let task = tokio::spawn(async move {
            let mut refused = false;
            while let Ok((mut socket, _)) = listener.accept().await {
                let Some(alarm) = posted(&mut socket).await else { continue };
                let answer = if refused { "204 No Content" } else { "503 Not Now" };
                if std::mem::replace(&mut refused, true) {
                    kept.lock().expect("not poisoned").push(alarm);
                }
                let head = format!("HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n");
                let _ = socket.write_all(head.as_bytes()).await;
            }
        });
        Self { url, taken, task }
    }

    /// What was taken about something, in order.
    pub fn told(&self, about: &str) -> Vec<Value> {
        let taken = self.taken.lock().expect("not poisoned");
        taken.iter().filter(|alarm| alarm["payload"]["about"] == about).cloned().collect()
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The body of one request.
async fn posted(socket: &mut TcpStream) -> Option<Value> {
    let (mut bytes, mut part) = (Vec::new(), [0u8; 4_096]);
    loop {
        let n = socket.read(&mut part).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
        let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..at]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|text| text.trim().parse().ok())?;
        if bytes.len() >= at + 4 + length {
            return serde_json::from_slice(&bytes[at + 4..at + 4 + length]).ok();
        }
    }
}
