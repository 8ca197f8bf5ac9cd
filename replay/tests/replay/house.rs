//! A ledger on disk with a station in Berlin, and what its engine reports.

use grimnir_events::air::{AirEvent, AirFact, EndReason, ItemStarted};
use grimnir_events::codec::{Encoded, encode};
use grimnir_events::ladder::{AUTOMATION_CLAIM, Tier};
use grimnir_events::library::ItemKind;
use grimnir_events::station::{StationEvent, StationSettings};
use grimnir_events::*;
use grimnir_ledger::{EmbeddedLedger, Expected, Ledger, ManualClock, NewCommit, Options};
use std::path::Path;
use std::sync::Arc;

pub const STATION: StationId = StationId([7; 16]);
pub const SECOND: i64 = 1_000_000;

/// The instant of an RFC 3339 text.
pub fn utc(text: &str) -> UtcMicros {
    serde_json::from_value(text.into()).expect("is a time")
}

pub struct House {
    pub dir: tempfile::TempDir,
    pub ledger: EmbeddedLedger,
    /// What the ledger reads the time from.
    pub clock: Arc<ManualClock>,
    pub facts: u64,
}

impl House {
    /// An empty ledger; its own clock does not matter to any answer.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let clock = Arc::new(ManualClock::at(utc("2026-01-01T00:00:00Z")));
        let options =
            Options { clock: clock.clone(), allocate_bytes: 1 << 16, ..Options::default() };
        let ledger = EmbeddedLedger::open(dir.path(), options).expect("opens");
        Self { dir, ledger, clock, facts: 0 }
    }

    /// A ledger with the station in it.
    pub async fn new() -> Self {
        let mut house = Self::empty();
        house.station(STATION, "Grimnir One", "one").await;
        house
    }

    pub async fn station(&mut self, id: StationId, name: &str, slug: &str) {
        let created = StationEvent::Created {
            name: name.into(),
            slug: slug.into(),
            time_zone: "Europe/Berlin".into(),
            settings: StationSettings::default(),
        };
        let stream = StreamId::of_station(StreamKind::Station, id);
        self.commit(stream, UtcMicros(0), vec![encode(&created).expect("encodes")]).await;
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub async fn commit(&mut self, stream: StreamId, at: UtcMicros, events: Vec<Encoded>) {
        self.decided(stream, at, None, events).await;
    }

    /// A commit with the command and the context it was decided with.
    pub async fn decided(
        &mut self,
        stream: StreamId,
        at: UtcMicros,
        with: Option<(Encoded, Encoded)>,
        events: Vec<Encoded>,
    ) {
        let (command, context) = with.unzip();
        let head = self.ledger.head().await.expect("reads");
        let commit = NewCommit {
            commit_id: CommitId(derive_id("test", &[&head.seq.to_be_bytes()])),
            stream,
            occurred_at: at,
            actor: Actor::System,
            correlation: CorrelationId::default(),
            causation: CommitId::default(),
            rules_version: 1,
            epoch: None,
            command,
            context,
            events,
        };
        self.ledger.append(commit, Expected::Any).await.expect("appends");
    }

    /// One fact of the station's engine.
    pub async fn fact(&mut self, at: UtcMicros, event: AirEvent) -> AirFact {
        self.facts += 1;
        let (run, journal_seq) = (EngineRunId([1; 16]), self.facts);
        let fact = AirFact { run, journal_seq, frame: at.frame(), at, event };
        let stream = StreamId::of_station(StreamKind::Air, STATION);
        self.commit(stream, at, vec![encode(&fact).expect("encodes")]).await;
        fact
    }

    /// An item of automation from `at` on, for `seconds`, planned at `at`.
    pub async fn play(&mut self, at: UtcMicros, seconds: i64, title: &str) {
        let play = self.start(at, seconds, title, Tier::Automation).await;
        self.end(at.plus(seconds * SECOND), play, seconds, EndReason::Completed).await;
    }

    pub async fn start(&mut self, at: UtcMicros, seconds: i64, title: &str, tier: Tier) -> u64 {
        let play = self.facts + 1;
        let item = ItemStarted {
            play,
            claim_id: AUTOMATION_CLAIM,
            tier,
            line_id: Some(LineId([play as u8; 16])),
            media_id: MediaId([play as u8; 16]),
            play_hash: ContentHash([play as u8; 32]),
            title: title.into(),
            artist: "Somebody".into(),
            kind: ItemKind::Music,
            planned_at: Some(at.plus(-250_000)),
            from_frame: 0,
            expected_frames: seconds * 48_000,
            gain_db_x100: 0,
        };
        self.fact(at, AirEvent::ItemStarted(Box::new(item))).await;
        play
    }

    pub async fn end(&mut self, at: UtcMicros, play: u64, seconds: i64, reason: EndReason) {
        self.fact(at, AirEvent::ItemEnded { play, frames: seconds * 48_000, reason }).await;
    }
}
