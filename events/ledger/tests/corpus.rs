//! The committed fuzz corpus, run through the functions that the fuzz targets call (`make fuzz`).
//!
//! Its seeds are made here with `GRIMNIR_WRITE_CORPUS=1`, from golden bytes and a small ledger;
//! what fuzzing added to them was minimised and is committed beside them.

#[path = "../fuzz/targets.rs"]
mod targets;

mod support;

use grimnir_events::frame;
use grimnir_events::schema::Registered;
use grimnir_ledger::proof::checkpoint::{Checkpoint, SignedCheckpoint, hash_text};
use grimnir_ledger::{Ledger, ManualClock, MemoryLedger, Recorded};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::*;

/// Most bytes that the whole corpus may have.
const MAX_BYTES: u64 = 200 * 1024;

fn folder_of(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn inputs(target: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder_of(target)).expect("a corpus");
    let paths = entries.map(|entry| entry.expect("lists").path());
    let found: Vec<_> = paths.map(|path| fs::read(path).expect("reads")).collect();
    assert!(found.len() >= 3, "{target}: {} inputs", found.len());
    found
}

fn register() -> Vec<Registered> {
    [grimnir_events::schema::REGISTER, grimnir_rules::schema::REGISTER].concat()
}

#[test]
fn the_corpus_of_every_target_holds() {
    seeds().into_iter().for_each(|(target, name, bytes)| keep(target, &name, &bytes));
    inputs("envelope").iter().for_each(|input| targets::envelope(input));
    inputs("frame").iter().for_each(|input| targets::records(input));
    let register = register();
    inputs("codec").iter().for_each(|input| targets::codec(&register, input));
    let folder = targets::folder();
    inputs("segment").iter().for_each(|input| targets::segment(folder.path(), input));
    inputs("checkpoint").iter().for_each(|input| targets::checkpoint(input));
    let size = |path: PathBuf| fs::metadata(path).expect("is there").len();
    let files = ["envelope", "frame", "codec", "segment", "checkpoint"].map(|target| {
        let entries = fs::read_dir(folder_of(target)).expect("a corpus");
        entries.map(|entry| size(entry.expect("lists").path())).sum::<u64>()
    });
    let total: u64 = files.iter().sum();
    assert!(total <= MAX_BYTES, "{total} bytes, limit {MAX_BYTES}");
}

/// Writes a seed where that is asked for.
fn keep(target: &str, name: &str, bytes: &[u8]) {
    if std::env::var_os("GRIMNIR_WRITE_CORPUS").is_some_and(|on| on == "1") {
        fs::create_dir_all(folder_of(target)).expect("makes");
        fs::write(folder_of(target).join(name), bytes).expect("writes");
    }
}

/// The lines of a golden file in the folder of a crate.
fn golden(file: &str) -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../tests/golden", "../../actors/rules/tests/golden"];
    let texts = places.map(|place| fs::read_to_string(root.join(place).join(file)));
    let text = texts.into_iter().find_map(Result::ok).expect("golden lines");
    let line = |line: &str| {
        let (label, bytes) = line.split_once(' ').expect("label and bytes");
        (label.to_owned(), hex::decode(bytes).expect("hex"))
    };
    text.lines().map(line).collect()
}

/// Target, name and bytes of every seed.
fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (label, bytes) in golden("commit.v1.hex") {
        seeds.push(("envelope", format!("golden-{label}"), bytes));
    }
    let records = golden("frame.v1.hex").remove("two_records").expect("is there");
    seeds.push(("frame", "cut".into(), records[..records.len() - 9].to_vec()));
    seeds.push(("frame", "golden".into(), records));
    let mut long = frame::MAGIC.to_vec();
    long.extend_from_slice(&[0xFF; 40]);
    seeds.push(("frame", "too-long".into(), long));
    for (number, entry) in register().into_iter().enumerate() {
        for version in 1..=entry.version {
            let file = format!("{}.v{version}.hex", entry.name);
            // The longest line of each: it has the most in it.
            let lines = golden(&file);
            let (label, bytes) = lines.iter().max_by_key(|(_, bytes)| bytes.len()).expect("one");
            let input = [&[number as u8, version as u8 - 1], bytes.as_slice()].concat();
            seeds.push(("codec", format!("{}.v{version}.{label}", entry.name), input));
        }
    }
    let history = history();
    let (mut framed, mut bodies) = (vec![1], vec![2]);
    for recorded in &history {
        frame::write(&mut framed, recorded.seq, recorded.recorded_at, &recorded.bytes);
        bodies.extend_from_slice(&(recorded.bytes.len() as u16).to_be_bytes());
        bodies.extend_from_slice(&recorded.bytes);
    }
    let torn = framed[..framed.len() - 40].to_vec();
    let mut damaged = framed.clone();
    damaged[60] ^= 1;
    let ahead = [framed.as_slice(), &[0; 300]].concat();
    for (name, bytes) in [
        ("bodies", bodies),
        ("torn", torn),
        ("damaged", damaged),
        ("zeros-ahead", ahead),
        ("no-header", vec![0; 97]),
        ("records", framed),
    ] {
        seeds.push(("segment", name.into(), bytes));
    }
    seeds.extend(texts().map(|(name, text)| ("checkpoint", name.into(), text.into_bytes())));
    seeds
}

/// What witnesses and auditors read.
fn texts() -> [(&'static str, String); 7] {
    let [log, witness] = targets::checkpoint_keys();
    let of = |size: u64| {
        let signed =
            Checkpoint { origin: "log.example".into(), size, root: [size as u8; 32] }.sign(&log);
        let note = signed.note.sign(&witness, 1_790_000_000);
        SignedCheckpoint { note, ..signed }
    };
    let (one, two) = (of(5), of(1_000));
    let hash = hash_text(&[3; 32]);
    let extended = one.note.text().to_owned() + "extension\n";
    let extended = grimnir_ledger::proof::note::Note::new(extended).sign(&log, 0);
    [
        ("unknown-signer", one.to_string().replace("witness", "another")),
        ("wrong-signature", one.to_string().replacen("\n5\n", "\n6\n", 1)),
        ("request", format!("old 5\n{hash}\n{hash}\n\n{two}")),
        ("key", witness.verifier().to_string()),
        ("in-a-row", format!("{one}\n{two}\n")),
        ("extended", extended.to_string()),
        ("cosigned", two.to_string()),
    ]
}

/// Five commits of two streams, the same every time.
fn history() -> Vec<Arc<Recorded>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let ledger = MemoryLedger::with_clock(LOG, Arc::new(ManualClock::at(START)));
        for number in 1..=5 {
            put(&ledger, number, stream((number % 2) as u8)).await;
        }
        assert_eq!(ledger.head().await.map(|head| head.seq), Ok(5));
        all(&ledger).await
    })
}
