//! Five hundred damaged files: each is measured or refused with a reason, and on air each line is
//! heard or told to be dropped; nothing ends with them.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::report::{AnalysisRefusal, AnalysisReport};
use grimnir_events::LineId;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::library::CueMarks;
use grimnir_events::timeline::Line;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::damage::{Numbers, mutated};
use support::*;

const FILES: usize = 500;
/// Processes that measure at once: one may stand still for 10 s before it is given up.
const WORKERS: usize = 4;
/// Lines on air: of files as they were measured, and of files that were damaged since.
const MEASURED: usize = 30;
const DAMAGED: usize = 40;
/// Longest line, whatever a file says: half a second.
const LONGEST: i64 = 24_000;

/// A quarter of a second of a tone in each format.
fn seeds(dir: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let made = |name: &'static str| {
        let source = "sine=frequency=700:sample_rate=44100:duration=0.25";
        let path = dir.join(name);
        // The same bytes in every run: no version, no clock, no number drawn for a stream.
        let exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-metadata", "title=T"];
        ffmpeg(&[&["-f", "lavfi", "-i", source, "-ac", "2"], &exact[..]].concat(), &path);
        (name, std::fs::read(path).unwrap())
    };
    ["a.mp3", "a.aac", "a.m4a", "a.ogg", "a.opus", "a.flac", "a.wav"].map(made).into()
}

/// What measuring said: where the file that would be played is, and its marks.
fn measure(file: &Path) -> Result<(PathBuf, CueMarks), String> {
    let copy = file.with_extension("copy");
    let mut analyze = Command::new(PROGRAM);
    analyze.arg("analyze").arg("--file").arg(file).arg("--play-copy").arg(&copy);
    let output = analyze.output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    match output.status.code() {
        Some(0) => {
            let report: AnalysisReport = serde_json::from_str(&line).unwrap();
            let plays = if report.play_copy { copy } else { file.to_owned() };
            Ok((plays, report.analysis.cues))
        }
        Some(2) => Err(serde_json::from_str::<AnalysisRefusal>(&line).unwrap().error),
        other => panic!("{}: exit code {other:?}: {line}", file.display()),
    }
}

/// Runs it for each number, several at once.
fn each(count: usize, of: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(n) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < count)
                {
                    of(n);
                }
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn of_five_hundred_damaged_files_each_is_told_of_and_the_station_plays_on() {
    let mut rig = Rig::new();
    let seeds = seeds(rig.dir.path());
    let mut numbers = Numbers(20_261_122);
    let files: Vec<(PathBuf, Vec<u8>)> = (0..FILES)
        .map(|n| {
            let (name, seed) = &seeds[n % seeds.len()];
            (rig.dir.path().join(format!("hostile-{n}-{name}")), mutated(seed, &mut numbers))
        })
        .collect();
    files.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let (passed, refused) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    each(FILES, |n| match measure(&files[n].0) {
        Ok((plays, marks)) => passed.lock().unwrap().push((n, plays, marks)),
        Err(reason) => refused.lock().unwrap().push(reason),
    });
    let (mut passed, refused) = (passed.into_inner().unwrap(), refused.into_inner().unwrap());
    assert_eq!(passed.len() + refused.len(), FILES);
    assert!(refused.iter().all(|reason| reason.len() > 10), "{refused:?}");
    // Otherwise they show little.
    assert!(passed.len() > 100 && refused.len() > 100, "{} passed", passed.len());

    // A good part of those on air, and others whose bytes are not those that were measured.
    passed.sort_by_key(|(n, ..)| *n);
    let mut plays: Vec<(PathBuf, CueMarks)> = passed
        .into_iter()
        .filter(|(.., marks)| marks.cue_out - marks.cue_in <= LONGEST)
        .map(|(_, path, marks)| (path, marks))
        .take(MEASURED)
        .collect();
    let marks = CueMarks { cue_in: 0, segue: 12_000, cue_out: 12_000 };
    plays.extend(files.iter().rev().take(DAMAGED).map(|(path, _)| (path.clone(), marks)));
    let lines = on_air(&mut rig, &plays).await;
    let ids: BTreeSet<LineId> = lines.iter().map(|line| line.id).collect();
    let (mut client, _) = rig.client().await;
    let told =
        |facts: &[AirFact]| -> BTreeSet<LineId> { facts.iter().filter_map(line_of).collect() };
    let facts = live::facts_within(&mut client, 1, 120, |facts| told(facts) == ids).await;
    let dropped = facts.iter().filter(|fact| matches!(fact.event, AirEvent::LineDropped { .. }));
    let dropped = dropped.count();
    assert!(dropped > 5 && dropped < DAMAGED, "{dropped} of {} were dropped", lines.len());
    let engines = facts.iter().filter(|fact| matches!(fact.event, AirEvent::EngineStarted { .. }));
    assert_eq!(engines.count(), 1);
    assert!(rig.child.as_mut().unwrap().try_wait().unwrap().is_none(), "it is still on air");
}

/// The line that was heard, or was dropped.
fn line_of(fact: &AirFact) -> Option<LineId> {
    match &fact.event {
        AirEvent::ItemStarted(item) => item.line_id,
        AirEvent::LineDropped { line_id, .. } => Some(*line_id),
        _ => None,
    }
}

/// Puts these on air one after the other, and behind them a tone.
async fn on_air(rig: &mut Rig, plays: &[(PathBuf, CueMarks)]) -> Vec<Line> {
    let last = rig.tone(440, 60.0, "flac");
    let mut hashes: Vec<_> = plays.iter().map(|(path, _)| (rig.store(path), LONGEST)).collect();
    hashes.push(last);
    rig.start();
    let (mut client, _) = rig.client().await;
    let mut lines = chain(&hashes, now(), 0);
    for (line, (_, marks)) in lines.iter_mut().zip(plays) {
        (line.cues, line.min_airtime) = (*marks, 0);
    }
    set_timeline(&mut client, 1, lines.clone()).await;
    configure(&mut client, &config(1)).await;
    lines
}
