//! One commit for every kind of stream, by every kind of actor.

use super::{
    Labelled, access, air, at, executor, hash, ladder, library, raw, site, station, timeline,
    webstream,
};
use grimnir_events::codec::{Encoded, Payload, encode};
use grimnir_events::{
    Actor, Commit, CommitId, CorrelationId, EngineRunId, Header, LogId, SiteId, StationId,
    StreamId, StreamKind, UserId,
};

/// Two events of each kind of stream, named: a sample that is added later changes no commit.
fn events_of(kind: StreamKind) -> Vec<Encoded> {
    fn picked<P: Payload>(samples: Labelled<P>, labels: [&str; 2]) -> Vec<Encoded> {
        let find = |label| samples.iter().find(|(own, _)| own == label).expect("a sample");
        labels.map(|label| encode(&find(label).1).expect("encodes")).to_vec()
    }
    match kind {
        StreamKind::Station => picked(station(), ["Created", "Renamed"]),
        StreamKind::Ladder => {
            picked(ladder(), ["SourceRaised.Emergency", "OwnerChanged.Preempted"])
        }
        StreamKind::Executor => picked(executor(), ["StateChanged.Emergency", "SkipRequested"]),
        StreamKind::Timeline => picked(timeline(), ["HourPlanned", "LineDropped"]),
        StreamKind::Library => picked(library(), ["MediaAdded.Music", "PlaylistSet"]),
        StreamKind::Access => picked(access(), ["UserRegistered", "RoleGranted.Dj"]),
        StreamKind::Webstream => picked(webstream(), ["Set", "StartRequested"]),
        StreamKind::Air => picked(air(), ["ItemStarted", "ItemEnded.Completed"]),
        StreamKind::Site => {
            let accepted = "WeakerDurabilityAccepted";
            picked(site(), [&format!("{accepted}.Sync"), &format!("{accepted}.Limits")])
        }
    }
}

fn actor_of(kind: StreamKind) -> Actor {
    match kind {
        StreamKind::Station | StreamKind::Library => Actor::User(UserId(raw(60))),
        StreamKind::Ladder | StreamKind::Webstream => Actor::Process,
        StreamKind::Executor | StreamKind::Timeline => Actor::System,
        StreamKind::Access | StreamKind::Site => Actor::Local,
        StreamKind::Air => Actor::Engine(EngineRunId(raw(61))),
    }
}

/// A commit of this kind.
pub fn commit_of(kind: StreamKind) -> Commit {
    let number = kind as u8;
    let stream = match kind {
        StreamKind::Access => StreamId::access(SiteId(raw(62))),
        StreamKind::Site => StreamId::site(SiteId(raw(62))),
        other => StreamId::of_station(other, StationId(raw(63))),
    };
    let part = |name: &str, version, bytes: &[u8]| Encoded {
        name: name.into(),
        version,
        bytes: bytes.to_vec(),
    };
    let decided = !kind.is_witnessed();
    Commit {
        header: Header {
            log_id: LogId(raw(64)),
            commit_id: CommitId(raw(65)),
            stream,
            version: 0x0102_0304_0506_0700 + u64::from(number),
            occurred_at: at(9),
            stamped_at: at(10),
            actor: actor_of(kind),
            correlation: CorrelationId(raw(66)),
            causation: CommitId(raw(67)),
            owner_epoch: 0x1112_1314_1516_1718,
            code_version: 0x0000_0100,
            rules_version: 0x2122_2324,
            previous: hash(68),
        },
        command: decided.then(|| part("golden.command", 3, b"\x01command")),
        context: decided.then(|| part("golden.context", 4, b"\x02context")),
        events: events_of(kind),
    }
}
