//! Packs for an auditor: a station's commits of some hours, each with its proof, and what was
//! signed. `pack` reads them; it needs nothing else.

use crate::ReplayError;
use crate::audit::LedgerSource;
use crate::audit::pack::{
    CHECKPOINT, CHECKPOINTS, COMMITS, DESCRIPTION, FORMAT, KEYS, PROOFS, Pack, PackStream, Proven,
};
use crate::audit::prove::Prover;
use crate::local_time::Zone;
use crate::source::Source;
use grimnir_events::{StationId, StreamId, UtcMicros, frame};
use grimnir_ledger::proof::checkpoint::hash_text;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::Keys;
use grimnir_ledger::{Recorded, SegmentReader};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// What is to be proven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportRequest {
    /// Name, slug or id of the station.
    pub station: String,
    /// From this time on: RFC 3339, or in the station's own time.
    pub from: String,
    /// To before this time.
    pub to: String,
    /// The folder to be made.
    pub out: PathBuf,
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Exported {
    /// The folder.
    pub out: PathBuf,
    /// What is in it.
    pub pack: Pack,
    /// Commits of these hours that are newer than the last checkpoint, and so not in it.
    pub not_covered: u64,
}

/// Which versions of a stream go into a pack.
#[derive(Clone, Default)]
struct Choice {
    /// First and last version that happened or was recorded in these hours.
    hull: Option<(u64, u64)>,
    /// Commits recorded before these hours.
    before: u64,
}

impl Choice {
    /// The versions: the hull and one more on either side, which show that nothing is left out.
    fn versions(&self) -> RangeInclusive<u64> {
        let (first, last) = self.hull.unwrap_or((self.before + 1, self.before));
        first.saturating_sub(1)..=last + 1
    }
}

/// Writes a pack of the ledger in `dir`.
pub fn export(dir: &Path, request: &ExportRequest) -> Result<Exported, ReplayError> {
    let dir = LedgerSource::directory(dir);
    let prover = Prover::open(&dir)?;
    let station = Source::open(&dir, None)?.station(&request.station)?;
    let zone = Zone::named(&station.time_zone)?;
    // Where the clocks were set back a time was shown twice: from the first on, to the last.
    let from = *zone.instants(&request.from)?.first().ok_or_else(|| no_time(&request.from))?;
    let to = *zone.instants(&request.to)?.last().ok_or_else(|| no_time(&request.to))?;
    if from >= to {
        return Err(ReplayError::Backwards { from: request.from.clone(), to: request.to.clone() });
    }
    let hours = from..to;
    let (choices, not_covered) = choose(&dir, station.id, &hours, prover.size())?;
    make_out(&request.out)?;
    let streams = write_commits(&dir, &request.out, &choices, &hours, &prover)?;
    let identity = grimnir_ledger::Identity::load(&dir)?;
    let pack = Pack {
        format: FORMAT,
        log_id: identity.log_id,
        site_id: identity.site_id,
        origin: prover.signed.checkpoint.origin.clone(),
        station: station.id,
        name: station.name,
        from,
        to,
        size: prover.size(),
        streams,
    };
    write_signed(&dir, &request.out, &prover)?;
    let text = serde_json::to_string_pretty(&pack).map_err(ReplayError::write)?;
    write_file(&request.out.join(DESCRIPTION), format!("{text}\n").as_bytes())?;
    Ok(Exported { out: request.out.clone(), pack, not_covered })
}

fn no_time(found: &str) -> ReplayError {
    ReplayError::Time { found: found.to_owned() }
}

type Hours = std::ops::Range<UtcMicros>;

fn is_in(recorded: &Recorded, hours: &Hours) -> bool {
    hours.contains(&recorded.recorded_at) || hours.contains(&recorded.commit.header.occurred_at)
}

/// Which versions of which streams are wanted, and how many commits are not covered yet.
fn choose(
    dir: &Path,
    station: StationId,
    hours: &Hours,
    size: u64,
) -> Result<(BTreeMap<StreamId, Choice>, u64), ReplayError> {
    let mut choices: BTreeMap<StreamId, Choice> = BTreeMap::new();
    let mut not_covered = 0;
    for recorded in SegmentReader::open(dir)? {
        let recorded = recorded?;
        let header = &recorded.commit.header;
        if header.stream.station() != Some(station) {
            continue;
        }
        let inside = is_in(&recorded, hours);
        if recorded.seq > size {
            not_covered += u64::from(inside);
            continue;
        }
        let choice = choices.entry(header.stream).or_default();
        if recorded.recorded_at < hours.start {
            choice.before = header.version;
        }
        if inside {
            let first = choice.hull.map_or(header.version, |(first, _)| first);
            choice.hull = Some((first, header.version));
        }
    }
    Ok((choices, not_covered))
}

fn write_commits(
    dir: &Path,
    out: &Path,
    choices: &BTreeMap<StreamId, Choice>,
    hours: &Hours,
    prover: &Prover,
) -> Result<Vec<PackStream>, ReplayError> {
    let (records_path, proofs_path) = (out.join(COMMITS), out.join(PROOFS));
    let mut records = writer(&records_path)?;
    let mut proofs = writer(&proofs_path)?;
    let mut streams: BTreeMap<StreamId, PackStream> = BTreeMap::new();
    for recorded in SegmentReader::open(dir)? {
        let recorded = recorded?;
        if recorded.seq > prover.size() {
            break;
        }
        let header = &recorded.commit.header;
        let choice = choices.get(&header.stream);
        if !choice.is_some_and(|choice| choice.versions().contains(&header.version)) {
            continue;
        }
        let mut bytes = Vec::new();
        frame::write(&mut bytes, recorded.seq, recorded.recorded_at, &recorded.bytes);
        records.write_all(&bytes).map_err(ReplayError::io(&records_path))?;
        let hashes = prover.prove(&recorded)?.iter().map(hash_text).collect();
        let line = serde_json::to_string(&Proven { seq: recorded.seq, hashes });
        let line = line.map_err(ReplayError::write)?;
        writeln!(proofs, "{line}").map_err(ReplayError::io(&proofs_path))?;
        let entry = streams.entry(header.stream).or_insert_with(|| PackStream {
            stream: header.stream.to_string(),
            first_version: header.version,
            last_version: header.version,
            commits_in_time: 0,
        });
        entry.last_version = header.version;
        entry.commits_in_time += u64::from(is_in(&recorded, hours));
    }
    finish(records, &records_path)?;
    finish(proofs, &proofs_path)?;
    Ok(streams.into_values().collect())
}

/// Everything that was signed: the checkpoint of the proofs, all of them, and the keys.
fn write_signed(dir: &Path, out: &Path, prover: &Prover) -> Result<(), ReplayError> {
    let folder = ProofFolder::of(dir);
    write_file(&out.join(CHECKPOINT), prover.signed.to_string().as_bytes())?;
    let all: String = folder.checkpoints()?.iter().map(|signed| format!("{signed}\n")).collect();
    write_file(&out.join(CHECKPOINTS), all.as_bytes())?;
    let history = Keys::load_history(folder.dir())?;
    let history = history.map(|history| history.text().to_owned()).unwrap_or_default();
    write_file(&out.join(KEYS), history.as_bytes())
}

fn make_out(out: &Path) -> Result<(), ReplayError> {
    // A pack is never mixed with what was there.
    std::fs::create_dir(out).map_err(ReplayError::io(out))
}

fn writer(path: &Path) -> Result<BufWriter<File>, ReplayError> {
    File::create(path).map(BufWriter::new).map_err(ReplayError::io(path))
}

fn finish(writer: BufWriter<File>, path: &Path) -> Result<(), ReplayError> {
    let file = writer.into_inner().map_err(|e| ReplayError::io(path)(e.into_error()))?;
    file.sync_all().map_err(ReplayError::io(path))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ReplayError> {
    let mut file = writer(path)?;
    file.write_all(bytes).map_err(ReplayError::io(path))?;
    finish(file, path)
}
