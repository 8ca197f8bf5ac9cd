//! What an audit found, in words.

use grimnir_replay::audit::{Affected, Audit, VerifiedPack};
use std::fmt::Write;

/// Streams that are listed by name; the rest is counted.
const STREAMS_SHOWN: usize = 12;

/// A ledger's audit.
pub fn audit(found: &Audit) -> String {
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "{name:<12} {text}");
    };
    line("ledger", found.log_id.to_string());
    let until = found.recorded_at.map_or(String::new(), |at| format!(", the last of {at}"));
    line("commits", format!("{} in {} streams{until}", found.commits, found.streams));
    line("root", found.root.to_string());
    line(
        "signed",
        match found.checkpoints {
            0 => "nothing: no checkpoint says what the ledger was".to_owned(),
            count => format!(
                "{count} checkpoints hold, the largest covers {} commits with {} cosignatures",
                found.covered, found.cosignatures
            ),
        },
    );
    if let Some(torn) = &found.torn {
        line("tail", format!("{torn}; nothing acknowledged is behind it"));
    }
    match &found.fault {
        None => line("result", "everything holds".to_owned()),
        Some(fault) => {
            line("FAULT", format!("at seq {}: {}", fault.seq, fault.reason));
            line("affected", affected(&fault.affected));
            for stream in fault.affected.streams.iter().take(STREAMS_SHOWN) {
                let (commits, from) = (stream.commits, stream.from_version);
                line("", format!("{}: {commits} commits from version {from} on", stream.stream));
            }
            let more = fault.affected.streams.len().saturating_sub(STREAMS_SHOWN);
            if more > 0 {
                line("", format!("and {more} more streams"));
            }
        }
    }
    out
}

fn affected(found: &Affected) -> String {
    let to = found.to_seq.map_or("the end".to_owned(), |seq| format!("seq {seq}"));
    format!(
        "seq {} to {to} are not proven: {} can be read, {} are missing or unreadable",
        found.from_seq, found.readable, found.missing
    )
}

/// A pack's audit.
pub fn pack(found: &VerifiedPack) -> String {
    let (pack, mut out) = (&found.pack, String::new());
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "{name:<12} {text}");
    };
    line("ledger", pack.origin.clone());
    line("station", format!("{} ({})", pack.name, pack.station));
    line("time", format!("{} to {}", pack.from, pack.to));
    line("commits", format!("{} are proven in a tree of {}", found.commits, pack.size));
    line(
        "signed",
        format!("{} checkpoints hold, {} cosignatures", found.checkpoints, found.cosignatures),
    );
    for stream in &found.open_ended {
        line("open end", format!("{stream}: nothing later shows that nothing is left out"));
    }
    match &found.fault {
        None => line("result", "everything holds".to_owned()),
        Some(fault) => {
            let at = fault.seq.map_or(String::new(), |seq| format!(" at seq {seq}"));
            line("FAULT", format!("{}{at}: {}", fault.file, fault.reason));
        }
    }
    out
}
