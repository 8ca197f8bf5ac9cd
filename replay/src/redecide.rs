//! Taking every recorded decision again and comparing what follows, byte for byte.
//!
//! A decision is a function of its command, its context and the state before it: the fold of its
//! own stream, and of the station's witnessed stream as far as the context says. Of the same rules
//! version, a difference is a fault of ours; of an older one, it shows what the newer rules would
//! have done.

use crate::ReplayError;
use crate::source::Basis;
use grimnir_events::air::AirFact;
use grimnir_events::codec::{self, Encoded};
use grimnir_events::owner::OwnerEvent;
use grimnir_events::{CommitId, ContentHash, StationId, StreamId, StreamKind};
use grimnir_ledger::{Recorded, SegmentReader};
use grimnir_rules::access::Access;
use grimnir_rules::executor::Executor;
use grimnir_rules::ladder::Ladder;
use grimnir_rules::library::Library;
use grimnir_rules::station::Station;
use grimnir_rules::timeline::Timeline;
use grimnir_rules::webstream::Webstream;
use grimnir_rules::{Aggregate, Context, RULES_VERSION, Reject};
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// Differences that are told; all are counted.
const TOLD_MAX: usize = 20;

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Redecided {
    /// What was read.
    pub basis: Basis,
    /// Version of the rules that decided again.
    pub rules_version: u32,
    /// Commits of witnessed streams: reported, not decided.
    pub witnessed: u64,
    /// Commits by which a node took a stream: granted, not decided.
    pub ownership: u64,
    /// Decisions that came out the same, byte for byte.
    pub same: u64,
    /// Decisions that came out differently.
    pub different: u64,
    /// Of these, the ones that other rules had taken.
    pub different_under_other_rules: u64,
    /// Commits that cannot be decided again: without a command or context, or with one of another
    /// program.
    pub undecidable: u64,
    /// The first that were different or undecidable.
    pub first: Vec<Difference>,
}

/// One commit that did not come out the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// Ledger position.
    pub seq: u64,
    /// The commit.
    pub commit_id: CommitId,
    /// Its stream.
    pub stream: String,
    /// Version of the rules that took it.
    pub rules_version: u32,
    /// What is different.
    pub what: String,
}

/// Takes every decision in a ledger's directory again.
pub fn redecide(dir: &Path) -> Result<Redecided, ReplayError> {
    let mut court = Court::new(needed(dir)?);
    let reader = SegmentReader::open(dir)?;
    let log_id = reader.log_id();
    let mut out = Redecided {
        basis: Basis { log_id, position: 0, hash: ContentHash::default() },
        rules_version: RULES_VERSION,
        witnessed: 0,
        ownership: 0,
        same: 0,
        different: 0,
        different_under_other_rules: 0,
        undecidable: 0,
        first: Vec::new(),
    };
    for recorded in reader {
        let recorded = recorded?;
        // What a server wrote since the first reading has no known need of facts.
        if recorded.seq > court.last {
            break;
        }
        (out.basis.position, out.basis.hash) = (recorded.seq, recorded.hash);
        match court.hear(&recorded) {
            Verdict::Witnessed => out.witnessed += 1,
            Verdict::Ownership => out.ownership += 1,
            Verdict::Same => out.same += 1,
            Verdict::Different(what) => {
                out.different += 1;
                let other = recorded.commit.header.rules_version != RULES_VERSION;
                out.different_under_other_rules += u64::from(other);
                tell(&mut out.first, &recorded, what);
            }
            Verdict::Undecidable(what) => {
                out.undecidable += 1;
                tell(&mut out.first, &recorded, what);
            }
        }
    }
    Ok(out)
}

fn tell(first: &mut Vec<Difference>, recorded: &Recorded, what: String) {
    let header = &recorded.commit.header;
    if first.len() < TOLD_MAX {
        first.push(Difference {
            seq: recorded.seq,
            commit_id: header.commit_id,
            stream: header.stream.to_string(),
            rules_version: header.rules_version,
            what,
        });
    }
}

/// Versions of the witnessed stream that each stream's decisions need, in order; and the last
/// position read.
type Needed = (BTreeMap<StreamId, VecDeque<u64>>, u64);

/// Read first, so that a fact is folded when it comes, and waits only where a decision lags.
fn needed(dir: &Path) -> Result<Needed, ReplayError> {
    let (mut needed, mut last): Needed = Default::default();
    for recorded in SegmentReader::open(dir)? {
        let recorded = recorded?;
        last = recorded.seq;
        if let Some(context) = recorded.commit.context.as_ref().and_then(context_of) {
            let stream = recorded.commit.header.stream;
            needed.entry(stream).or_default().push_back(context.air_version);
        }
    }
    Ok((needed, last))
}

fn context_of(stored: &Encoded) -> Option<Context> {
    codec::decode(stored).ok()
}

enum Verdict {
    Witnessed,
    Ownership,
    Same,
    Different(String),
    Undecidable(String),
}

/// The commits of one witnessed stream that some aggregate has not folded yet.
type Facts = Arc<(u64, Vec<AirFact>)>;

/// Every aggregate in the ledger, as it was when the commit at hand was decided.
struct Court {
    benches: BTreeMap<StreamId, Bench>,
    needed: BTreeMap<StreamId, VecDeque<u64>>,
    last: u64,
}

/// One aggregate and the facts that wait for its next decisions.
struct Bench {
    judge: Box<dyn Judge>,
    needed: VecDeque<u64>,
    waiting: VecDeque<Facts>,
}

impl Court {
    fn new((needed, last): Needed) -> Self {
        let mut court = Self { benches: BTreeMap::new(), needed, last };
        // All benches stand before the first fact comes.
        for stream in court.needed.keys().copied().collect::<Vec<_>>() {
            court.bench(stream);
        }
        court
    }

    fn bench(&mut self, stream: StreamId) -> Option<&mut Bench> {
        if !self.benches.contains_key(&stream) {
            let judge = judge_of(stream.kind)?;
            let needed = self.needed.remove(&stream).unwrap_or_default();
            self.benches.insert(stream, Bench { judge, needed, waiting: VecDeque::new() });
        }
        self.benches.get_mut(&stream)
    }

    fn hear(&mut self, recorded: &Recorded) -> Verdict {
        let stream = recorded.commit.header.stream;
        if let (true, Some(station)) = (stream.kind.is_witnessed(), stream.station()) {
            self.witness(station, recorded);
            return Verdict::Witnessed;
        }
        let commit = &recorded.commit;
        if commit.command.is_none() && commit.events.iter().all(OwnerEvent::is) {
            return Verdict::Ownership;
        }
        let Some(bench) = self.bench(stream) else {
            return Verdict::Undecidable(format!("no rules for {} streams", stream.kind.word()));
        };
        let verdict = bench.judge.decide(recorded);
        for event in &recorded.commit.events {
            bench.judge.evolve(event);
        }
        if recorded.commit.context.as_ref().and_then(context_of).is_some() {
            bench.needed.pop_front();
            bench.settle();
        }
        verdict
    }

    fn witness(&mut self, station: StationId, recorded: &Recorded) {
        let facts = recorded.commit.events.iter().filter_map(|e| codec::decode(e).ok()).collect();
        let facts: Facts = Arc::new((recorded.commit.header.version, facts));
        for kind in StreamKind::ALL {
            let stream = StreamId::of_station(kind, station);
            if let Some(bench) = self.benches.get_mut(&stream) {
                bench.waiting.push_back(facts.clone());
                bench.settle();
            }
        }
    }
}

impl Bench {
    /// Folds the facts that the next decision knew; without a next decision none is needed.
    fn settle(&mut self) {
        let Some(known) = self.needed.front().copied() else {
            self.waiting.clear();
            return;
        };
        while self.waiting.front().is_some_and(|facts| facts.0 <= known) {
            let Some(facts) = self.waiting.pop_front() else { return };
            facts.1.iter().for_each(|fact| self.judge.witness(fact));
        }
    }
}

/// One aggregate, whatever its kind.
trait Judge {
    fn decide(&self, recorded: &Recorded) -> Verdict;
    fn evolve(&mut self, event: &Encoded);
    fn witness(&mut self, fact: &AirFact);
}

fn judge_of(kind: StreamKind) -> Option<Box<dyn Judge>> {
    Some(match kind {
        StreamKind::Station => Box::new(Of::<Station>::default()),
        StreamKind::Ladder => Box::new(Of::<Ladder>::default()),
        StreamKind::Executor => Box::new(Of::<Executor>::default()),
        StreamKind::Timeline => Box::new(Of::<Timeline>::default()),
        StreamKind::Library => Box::new(Of::<Library>::default()),
        StreamKind::Access => Box::new(Of::<Access>::default()),
        StreamKind::Webstream => Box::new(Of::<Webstream>::default()),
        StreamKind::Air | StreamKind::Site => return None,
    })
}

struct Of<A: Aggregate> {
    state: A::State,
}

impl<A: Aggregate> Default for Of<A> {
    fn default() -> Self {
        Self { state: A::State::default() }
    }
}

impl<A: Aggregate> Judge for Of<A> {
    fn decide(&self, recorded: &Recorded) -> Verdict {
        let commit = &recorded.commit;
        let (Some(command), Some(context)) = (&commit.command, &commit.context) else {
            return Verdict::Undecidable("it holds no command and context".to_owned());
        };
        let decoded = codec::decode::<A::Command>(command)
            .and_then(|command| Ok((command, codec::decode::<Context>(context)?)));
        let (command, context) = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Verdict::Undecidable(error.to_string()),
        };
        let events = match A::decide(&self.state, &command, &context) {
            Ok(events) => events,
            Err(no) => return Verdict::Different(format!("rejected as {}: {no}", no.code())),
        };
        let again: Result<Vec<_>, _> = events.iter().map(codec::encode).collect();
        match again {
            Ok(again) => compare(&commit.events, &again),
            Err(error) => Verdict::Different(error.to_string()),
        }
    }

    fn evolve(&mut self, event: &Encoded) {
        // An event of another program is passed over here as it is everywhere.
        if let Ok(event) = codec::decode::<A::Event>(event) {
            A::evolve(&mut self.state, &event);
        }
    }

    fn witness(&mut self, fact: &AirFact) {
        A::witness(&mut self.state, fact);
    }
}

fn compare(recorded: &[Encoded], again: &[Encoded]) -> Verdict {
    let different = recorded.iter().zip(again).position(|(a, b)| a != b);
    match different {
        Some(at) => Verdict::Different(format!("event {at} has other bytes")),
        None if recorded.len() != again.len() => Verdict::Different(format!(
            "{} events follow, recorded were {}",
            again.len(),
            recorded.len()
        )),
        None => Verdict::Same,
    }
}
