//! Journal files on disk: names, recovery of the tail, reading, removal.

use grimnir_events::air::{AirEvent, AirFact, EndReason, InterruptReason, ItemStarted};
use grimnir_events::sound::SoundEvent;
use grimnir_events::{AirFrame, ClaimId, EngineRunId, LineId, codec, frame};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Written;

/// A play that began in an earlier run and whose end was never written.
#[derive(Clone, Debug)]
pub struct OpenPlay {
    /// Its run.
    pub run: EngineRunId,
    /// Frame of its first sample.
    pub at: AirFrame,
    /// What it was.
    pub started: ItemStarted,
}

/// What the journal of earlier runs tells a new one.
#[derive(Default)]
pub struct Recovered {
    /// Number of the next record.
    pub next_seq: u64,
    /// Plays without an end.
    pub open: Vec<OpenPlay>,
    /// Since when nothing was heard, and why, where the journal says so.
    pub quiet: Option<(AirFrame, InterruptReason)>,
    /// Frame of the last record.
    pub last_frame: Option<AirFrame>,
    /// Lines that have started or were dropped.
    pub done: BTreeSet<LineId>,
    /// Claims that have ended.
    pub ended: BTreeSet<ClaimId>,
    /// When each claim that still holds first took the air.
    pub took: BTreeMap<ClaimId, AirFrame>,
    /// Emergencies that came straight to an engine and have not ended.
    pub emergencies: Vec<grimnir_events::ladder::Claim>,
    /// Highest number of a play: numbers go on over runs, so that an end names one play only.
    pub last_play: u64,
    /// The last owner of the air.
    pub owner: Option<ClaimId>,
    /// Digital silence was on air.
    pub silent: bool,
    /// The programme was told to be silent.
    pub programme_silent: bool,
    /// Plays whose sources were told to be silent.
    pub silent_sources: BTreeSet<u64>,
    /// Runs that wrote to it.
    pub runs: BTreeSet<EngineRunId>,
}

/// The journal's files with the number of each one's first record, in order.
pub fn list(dir: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<(u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let name = path.file_name()?.to_str()?;
            let first = name.strip_suffix(".jnl")?.parse().ok()?;
            Some((first, path))
        })
        .collect();
    found.sort();
    found
}

/// Path of the file whose first record is `first`.
pub fn path_of(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.jnl"))
}

/// Reads all that is there; cuts what is torn off the end of the last file.
pub fn recover(dir: &Path) -> Recovered {
    let mut found = Recovered { next_seq: 1, ..Recovered::default() };
    let files = list(dir);
    for (index, (first, path)) in files.iter().enumerate() {
        // Removed files leave their numbers taken.
        found.next_seq = found.next_seq.max(*first);
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "journal file cannot be read");
                continue;
            }
        };
        let good = walk(&bytes, |seq, body| {
            found.next_seq = found.next_seq.max(seq + 1);
            match codec::decode_bytes::<AirFact>(body) {
                Ok(fact) => found.take(fact),
                Err(error) => tracing::error!(seq, %error, "journal record cannot be decoded"),
            }
        });
        if good < bytes.len() {
            tracing::warn!(
                path = %path.display(), good, length = bytes.len(), "journal tail is cut"
            );
            if index + 1 == files.len() {
                cut(path, good);
            }
        }
    }
    found
}

fn cut(path: &Path, length: usize) {
    let result = std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(length as u64).and_then(|()| file.sync_all()));
    if let Err(error) = result {
        tracing::error!(path = %path.display(), %error, "journal tail cannot be cut");
    }
}

/// Calls `each` for every good record; answers the length of what is good.
fn walk(bytes: &[u8], mut each: impl FnMut(u64, &[u8])) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match frame::read(&bytes[at..]) {
            Ok((record, used)) => {
                each(record.seq, record.body);
                at += used;
            }
            Err(_) => break,
        }
    }
    at
}

/// Length of the good records at the beginning of `bytes`.
pub fn good_length(bytes: &[u8]) -> usize {
    walk(bytes, |_, _| {})
}

impl Recovered {
    fn take(&mut self, fact: AirFact) {
        self.last_frame = Some(fact.frame);
        let run = fact.run;
        self.runs.insert(run);
        match fact.event {
            AirEvent::EngineStopped {} => {
                self.quiet.get_or_insert((fact.frame, InterruptReason::OffAir));
            }
            AirEvent::ItemStarted(started) => {
                self.quiet = None;
                self.done.extend(started.line_id);
                self.last_play = self.last_play.max(started.play);
                self.open.push(OpenPlay { run, at: fact.frame, started: *started });
            }
            AirEvent::ItemEnded { play, reason, .. } => {
                match reason {
                    EndReason::SignOff => {
                        self.quiet = Some((fact.frame, InterruptReason::OffAir));
                    }
                    EndReason::EngineLost => {
                        self.quiet = Some((fact.frame, InterruptReason::EngineLost));
                    }
                    _ => {}
                }
                // An end written by a later run names the play of the run before it.
                let index = self.open.iter().position(|o| o.run == run && o.started.play == play);
                let index = index.or_else(|| self.open.iter().position(|o| o.started.play == play));
                if let Some(index) = index {
                    self.open.remove(index);
                }
            }
            AirEvent::LineDropped { line_id, .. } => {
                self.done.insert(line_id);
            }
            AirEvent::OwnerChanged { to, .. } => {
                self.owner = Some(to);
                self.took.entry(to).or_insert(fact.frame);
            }
            AirEvent::ClaimEnded { claim_id, .. } => {
                self.ended.insert(claim_id);
                self.took.remove(&claim_id);
                self.emergencies.retain(|claim| claim.id != claim_id);
            }
            AirEvent::EmergencyInserted { claim } => self.emergencies.push(*claim),
            AirEvent::SilenceEntered { .. } => {
                self.silent = true;
                self.quiet = None;
            }
            AirEvent::SilenceLeft {} => self.silent = false,
            AirEvent::ProgrammeSilent { .. } => self.programme_silent = true,
            AirEvent::ProgrammeHeard {} => self.programme_silent = false,
            AirEvent::Sound(SoundEvent::SourceSilent { play, .. }) => {
                self.silent_sources.insert(play);
            }
            AirEvent::Sound(SoundEvent::SourceHeard { play }) => {
                self.silent_sources.remove(&play);
            }
            AirEvent::AirInterrupted { .. } => self.quiet = None,
            AirEvent::EngineStarted { .. }
            | AirEvent::LineMoved { .. }
            | AirEvent::SourceFailed { .. }
            | AirEvent::SourceRecovered { .. }
            | AirEvent::AirStalled { .. }
            | AirEvent::NonFiniteSamples { .. }
            | AirEvent::OutputUp { .. }
            | AirEvent::OutputDown { .. }
            | AirEvent::OutputReported { .. }
            | AirEvent::Sound(_)
            | AirEvent::Live(_)
            | AirEvent::Webstream(_) => {}
        }
    }
}

/// Records from `from` to `head` of the one file that holds `from` (or the next after it).
pub fn read_from(dir: &Path, from: u64, head: u64) -> std::io::Result<Vec<Written>> {
    let files = list(dir);
    let index = files.partition_point(|(first, _)| *first <= from).saturating_sub(1);
    for (_, path) in &files[index.min(files.len())..] {
        let bytes = std::fs::read(path)?;
        let mut found = Vec::new();
        walk(&bytes, |seq, body| {
            if (from..=head).contains(&seq) {
                found.push((seq, body.to_vec()));
            }
        });
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Removes files whose records all have numbers up to `acked`; the last file always stays.
pub fn remove_before(dir: &Path, acked: u64) {
    let files = list(dir);
    for pair in files.windows(2) {
        if pair[1].0 > acked + 1 {
            break;
        }
        if let Err(error) = std::fs::remove_file(&pair[0].1) {
            tracing::warn!(path = %pair[0].1.display(), %error, "journal file cannot be removed");
            break;
        }
    }
}
