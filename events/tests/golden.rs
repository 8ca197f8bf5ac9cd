//! Golden bytes: what is stored today reads and folds for ever.
//!
//! Each file in `tests/golden` holds lines of a label and stored bytes in hex. A changed encoding
//! fails here. That is never mended by changing a line: the changed shape needs a new schema
//! version, a frozen struct and an upcaster, and lines of its own. A sample that is new is added
//! by running this once with `GRIMNIR_WRITE_GOLDEN=1`; lines that are there are never touched.

mod samples;

use grimnir_events::codec::{Encoded, Payload, decode, decode_bytes, encode};
use grimnir_events::ids::derive_id;
use grimnir_events::station::StationEvent;
use grimnir_events::timeline::TimelineEvent;
use grimnir_events::{Commit, ContentHash, LogId, StreamKind, UtcMicros, envelope, frame};
use samples::*;
use std::collections::BTreeSet;

#[test]
fn every_event_keeps_its_bytes() {
    check_payload(station());
    check_payload(ladder());
    check_payload(executor());
    check_payload(timeline());
    check_payload(library());
    check_payload(access());
    check_payload(air());
    check_payload(owner());
    check_payload(site());
    check_payload(webstream());
}

#[test]
fn every_hand_over_keeps_its_bytes() {
    check_payload(engine_config());
    check_payload(engine_claims());
    check_payload(engine_control());
    check_payload(handed_graph());
    check_payload(engine_outputs());
    check_payload(handed_hour());
    check_payload(handed_claim());
    check_payload(engine_inputs());
    check_payload(engine_lines());
    check_payload(engine_line_secrets());
    check_payload(engine_live_recordings());
    check_payload(engine_webstreams());
    check_payload(engine_farewell());
}

#[test]
fn every_kind_of_commit_keeps_its_bytes_and_hash() {
    let (mut commits, mut hashes) = (Vec::new(), Vec::new());
    for kind in StreamKind::ALL {
        let commit = commit_of(kind);
        let bytes = commit.encode().expect("encodes");
        assert_eq!(Commit::decode(&bytes).as_ref(), Ok(&commit), "{}", kind.word());
        hashes.push((kind.word().to_owned(), envelope::hash(&bytes).0.to_vec()));
        commits.push((kind.word().to_owned(), bytes));
    }
    check("commit.v1", &commits);
    check("commit.v1.hash", &hashes);
}

#[test]
fn a_record_and_a_derived_id_keep_their_bytes() {
    let mut record = Vec::new();
    frame::write(&mut record, 0x0102_0304_0506_0708, UtcMicros(-2), b"body");
    frame::write(
        &mut record,
        9,
        at(11),
        &commit_of(StreamKind::Executor).encode().expect("encodes"),
    );
    check("frame.v1", &[("two_records".into(), record)]);
    let ids = [
        ("two_parts".into(), derive_id("golden", &[b"ab", b"c"]).to_vec()),
        ("other_cut".into(), derive_id("golden", &[b"a", b"bc"]).to_vec()),
        ("no_part".into(), derive_id("golden", &[]).to_vec()),
    ];
    check("derived-id.v1", &ids);
}

/// An old ledger: the frozen commits, and only they, folded with today's code.
#[test]
fn frozen_commits_fold_with_todays_types() {
    let frozen = golden("commit.v1");
    assert_eq!(frozen.len(), StreamKind::ALL.len());
    let (mut names, mut facts, mut hours) = (Vec::new(), 0, 0);
    for (word, bytes) in &frozen {
        let commit = Commit::decode(bytes).expect("decodes");
        assert_eq!(commit.header.stream.kind.word(), word);
        assert_eq!(commit.header.log_id, LogId(raw(64)));
        assert_eq!(commit.header.previous, ContentHash([68; 32]));
        assert_eq!(commit.command.is_none(), commit.header.stream.kind.is_witnessed());
        for event in &commit.events {
            match commit.header.stream.kind {
                StreamKind::Station => match typed::<StationEvent>(event) {
                    StationEvent::Created { name, .. } | StationEvent::Renamed { name } => {
                        names.push(name);
                    }
                    _ => {}
                },
                StreamKind::Timeline => {
                    let planned = matches!(typed(event), TimelineEvent::HourPlanned { .. });
                    hours += usize::from(planned);
                }
                StreamKind::Air => {
                    let fact: grimnir_events::air::AirFact = typed(event);
                    assert_eq!(fact.journal_seq, 70_001);
                    facts += 1;
                }
                StreamKind::Ladder => drop(typed::<grimnir_events::ladder::LadderEvent>(event)),
                StreamKind::Executor => {
                    drop(typed::<grimnir_events::executor::ExecutorEvent>(event));
                }
                StreamKind::Library => drop(typed::<grimnir_events::library::LibraryEvent>(event)),
                StreamKind::Access => drop(typed::<grimnir_events::access::AccessEvent>(event)),
                StreamKind::Webstream => {
                    drop(typed::<grimnir_events::webstream::WebstreamEvent>(event));
                }
                StreamKind::Site => drop(typed::<grimnir_events::site::SiteEvent>(event)),
            }
        }
    }
    assert_eq!(names, ["Grimnir One", "Grimnir Zwei"]);
    assert_eq!((facts, hours), (2, 1));
}

fn typed<P: Payload>(stored: &Encoded) -> P {
    decode(stored).expect("an event of its stream")
}

#[test]
fn the_samples_show_every_kind_of_line_and_slot() {
    let clock = timeline().into_iter().find_map(|(_, event)| match event {
        TimelineEvent::ClockSet { clock } => Some(clock),
        _ => None,
    });
    let slots = clock.expect("is there").slots;
    let seen: BTreeSet<_> =
        hour_plan().lines.iter().zip(&slots).flat_map(|(l, s)| shown(l, s)).collect();
    let all =
        ["after", "soft", "hard", "crossfade", "segue", "free", "playlist", "category", "item"];
    assert_eq!(seen, all.into_iter().collect());
}

#[test]
fn bytes_left_over_or_missing_are_refused() {
    for (label, fact) in air() {
        let bytes = encode(&fact).expect("encodes").bytes;
        for cut in 0..bytes.len() {
            assert!(
                decode_bytes::<grimnir_events::air::AirFact>(&bytes[..cut]).is_err(),
                "{label}"
            );
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(decode_bytes::<grimnir_events::air::AirFact>(&longer).is_err(), "{label}");
    }
    let bytes = commit_of(StreamKind::Ladder).encode().expect("encodes");
    for cut in 0..bytes.len() {
        assert!(Commit::decode(&bytes[..cut]).is_err(), "commit cut at {cut}");
    }
    assert!(Commit::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
}
