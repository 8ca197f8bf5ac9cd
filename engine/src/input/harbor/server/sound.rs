//! The sound of a connection that was let in, on its way to its decoder.

use super::Visit;
use crate::input::gate::Admitted;
use crate::input::harbor::chunks::Chunks;
use crate::input::harbor::titles::Titles;
use crate::input::pump::{self, Incoming};
use crate::input::{Connected, InputWord, Key};
use bytes::Bytes;
use grimnir_mix::live::{TARGET_FRAMES, live};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// Reads that may wait for the decoder, of at most so many bytes each.
const QUEUE: usize = 4;
const READ_BYTES: usize = 8 * 1024;

impl Visit {
    /// Takes the sound until it is over, by whomever.
    pub(super) async fn listen(
        &mut self,
        admitted: Admitted,
        protocol: &'static str,
        client: String,
        chunks: Option<Chunks>,
    ) {
        self.seat = None;
        let (feed, tap) = live(TARGET_FRAMES);
        let cut = Arc::new(Notify::new());
        let key = admitted.key;
        let scribe = self.harbor.records.scribe(admitted.session_id, admitted.name.clone());
        tracing::info!(key, mount = admitted.mount, address = %self.address, "a source is in");
        (self.harbor.tell)(InputWord::Connected(Box::new(Connected {
            key,
            session_id: admitted.session_id,
            address: self.address.to_string(),
            client: client.chars().take(200).collect(),
            protocol,
            tap,
            aired: scribe.aired(),
            cut: cut.clone(),
        })));
        let (tx, rx) = mpsc::channel(QUEUE);
        let (harbor, incoming) = (self.harbor.clone(), Incoming::new(rx, &feed));
        let incoming = incoming.towards(self.harbor.gate.target_lufs());
        let (done, mut decoded) = tokio::sync::oneshot::channel();
        let spawned = std::thread::Builder::new().name(format!("live-{key}")).spawn(move || {
            let _ = done.send(pump::run(key, incoming, (feed, scribe), &*harbor.tell));
        });
        let mut count = self.held.len() as u64;
        let mut reason = match spawned {
            Ok(_) => tokio::select! {
                reason = self.forward(chunks, (key, tx), &mut count) => Some(reason),
                () = cut.notified() => Some("it was disconnected".to_owned()),
            },
            Err(error) => Some(format!("no thread for its decoder: {error}")),
        };
        // The decoder ends with its bytes; what it says of them is the better reason.
        if let Ok(Ok(Some(why))) = timeout(self.harbor.patience.source, &mut decoded).await {
            reason = Some(why);
        }
        let reason = reason.unwrap_or_default();
        tracing::info!(key, reason, bytes = count, "a source is gone");
        // First told, then let go: whoever comes next is not to be heard of before.
        (self.harbor.tell)(InputWord::Ended { key, reason, bytes: count });
        self.harbor.gate.leave(&admitted);
    }

    /// From the socket to the decoder; waits for both.
    async fn forward(
        &mut self,
        mut chunks: Option<Chunks>,
        (key, tx): (Key, mpsc::Sender<Bytes>),
        count: &mut u64,
    ) -> String {
        let mut titles = Titles::default();
        loop {
            let next = match &mut chunks {
                None => self.held.split().freeze(),
                Some(chunks) => match chunks.take(&mut self.held) {
                    Ok(next) => next.unwrap_or_default(),
                    Err(why) => return why.into(),
                },
            };
            if !next.is_empty() {
                if let Some(title) = titles.read(&next) {
                    (self.harbor.tell)(InputWord::Titled { key, title });
                }
                if tx.send(next).await.is_err() {
                    return "it cannot be decoded".into();
                }
                continue;
            }
            if chunks.as_ref().is_some_and(Chunks::is_over) {
                return "the sender ended".into();
            }
            self.held.reserve(READ_BYTES);
            let read = self.stream.read_buf(&mut self.held);
            match timeout(self.harbor.patience.source, read).await {
                Ok(Ok(0)) => return "the sender ended".into(),
                Ok(Ok(length)) => *count += length as u64,
                Ok(Err(error)) => return format!("the connection broke: {error}"),
                Err(_) => {
                    let waited = self.harbor.patience.source.as_secs();
                    return format!("it sent nothing for {waited} s");
                }
            }
        }
    }
}
