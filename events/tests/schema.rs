//! Schema evolution: the register is complete, every shape ever written is read, and a shape that
//! changes without a new version is noticed. `Jingle` is a type that has been through it twice.

mod samples;

use grimnir_events::codec::{CodecError, Encoded, Payload, decode, encode};
use grimnir_events::schema::{Frozen, REGISTER, Registered, find, frozen};
use samples::{check_register, declared, differences, lines, orphans};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// First: a title.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct JingleV1 {
    title: String,
}

/// Then with a length, in seconds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct JingleV2 {
    title: String,
    seconds: u16,
}

/// Today in frames, and it may have a voice.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Jingle {
    title: String,
    frames: u64,
    voice: Option<String>,
}

impl Frozen for JingleV1 {
    const VERSION: u16 = 1;
    type Next = JingleV2;
    fn upcast(self) -> JingleV2 {
        JingleV2 { title: self.title, seconds: 0 }
    }
}

impl Frozen for JingleV2 {
    const VERSION: u16 = 2;
    type Next = Jingle;
    fn upcast(self) -> Jingle {
        Jingle { title: self.title, frames: u64::from(self.seconds) * 48_000, voice: None }
    }
}

impl Payload for Jingle {
    const NAME: &'static str = "test.jingle";
    const VERSION: u16 = 3;

    fn upcast(stored: &Encoded) -> Result<Self, CodecError> {
        match stored.version {
            1 => Ok(frozen::<JingleV1>(stored)?.upcast().upcast()),
            2 => Ok(frozen::<JingleV2>(stored)?.upcast()),
            _ => Err(grimnir_events::codec::unknown::<Self>(stored)),
        }
    }
}

/// With a field too many, under the same version: what nobody may release.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct JingleChanged {
    title: String,
    frames: u64,
    voice: Option<String>,
    loud: bool,
}

impl Payload for JingleChanged {
    const NAME: &'static str = Jingle::NAME;
    const VERSION: u16 = Jingle::VERSION;
}

fn jingle() -> Jingle {
    Jingle { title: "Grimnir".into(), frames: 96_000, voice: Some("Odin".into()) }
}

/// The golden files hold what stands in commits; one of no ledger is held here.
const JINGLE_V1: &str = "plain 074772696d6e6972";
const JINGLE_V2: &str = "plain 074772696d6e697202";
const JINGLE_V3: &str = "plain 074772696d6e6972fc0077010001044f64696e";

fn stored(version: u16, line: &str) -> Encoded {
    Encoded { name: Jingle::NAME.into(), version, bytes: lines(line)["plain"].clone() }
}

#[test]
fn every_version_of_a_type_reads_as_todays() {
    let bare = |frames| Jingle { title: "Grimnir".into(), frames, voice: None };
    assert_eq!(decode(&stored(1, JINGLE_V1)), Ok(bare(0)));
    assert_eq!(decode(&stored(2, JINGLE_V2)), Ok(bare(96_000)));
    assert_eq!(decode(&stored(3, JINGLE_V3)), Ok(jingle()));
    assert_eq!(encode(&jingle()), Ok(stored(3, JINGLE_V3)), "only the last is written");
    let entry = Registered::of::<Jingle>();
    let up = entry.rewrite(&stored(1, JINGLE_V1)).expect("reads");
    assert_eq!((up.version, decode(&up)), (3, Ok(bare(0))));
}

#[test]
fn a_version_that_is_not_known_is_named() {
    for version in [0, 4] {
        let unknown = decode::<Jingle>(&Encoded { version, ..stored(3, JINGLE_V3) });
        let Err(CodecError::Unknown { found_version, expected_version, .. }) = unknown else {
            panic!("version {version}: {unknown:?}");
        };
        assert_eq!((found_version, expected_version), (version, 3));
    }
    // An old shape is read as strictly as today's.
    let mut longer = stored(1, JINGLE_V1);
    longer.bytes.push(0);
    let refused = decode::<Jingle>(&longer);
    assert!(matches!(refused, Err(CodecError::Decode { version: 1, .. })), "{refused:?}");
}

#[test]
fn a_changed_shape_under_the_same_version_is_noticed() {
    let changed = JingleChanged {
        title: jingle().title,
        frames: jingle().frames,
        voice: jingle().voice,
        loud: false,
    };
    let today = |bytes| [("plain".to_owned(), bytes)];
    let bytes = encode(&jingle()).expect("encodes").bytes;
    assert_eq!(differences("test.jingle.v3", lines(JINGLE_V3), &today(bytes)), Ok("".into()));
    let bytes = encode(&changed).expect("encodes").bytes;
    let said = differences("test.jingle.v3", lines(JINGLE_V3), &today(bytes));
    assert!(said.as_ref().is_err_and(|s| s.contains("in another way")), "{said:?}");
    let missing = differences("test.jingle.v3", lines(JINGLE_V3), &[]);
    assert!(missing.is_err(), "a line without its sample");
}

#[test]
fn every_payload_is_registered_and_every_version_has_golden_lines_that_read() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let types = declared(&source);
    assert_eq!(types.len(), REGISTER.len(), "declared: {types:?}, registered: {REGISTER:?}");
    assert!(check_register(REGISTER) > 100, "the words of all aggregates");
    let others = ["commit.v1", "commit.v1.hash", "derived-id.v1", "frame.v1"];
    assert_eq!(orphans(REGISTER, &others), [""; 0], "a golden file of no type");
    assert!(find(REGISTER, "ladder.event").is_some_and(|entry| entry.version >= 1));
    assert!(find(REGISTER, "ladder.rumour").is_none());
}

/// A golden file only grows. Where the history is not at hand (a shallow or exported checkout)
/// there is nothing to compare with, and review has to see it.
#[test]
fn no_golden_line_was_ever_changed_or_removed() {
    // Before the first release, an engine's hand-over got a field, and two words of the air that
    // were written apart had one number.
    let forgiven =
        ["-whole 3501a02020202020202020202020202020210101a01e", "-OutputReported.health."];
    let log = std::process::Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "log", "--format=", "--patch", "--no-renames"])
        .args(["--no-color", "--no-ext-diff", "HEAD", "--", "*tests/golden/*.hex"])
        .output();
    let Ok(log) = log else { return };
    let text = String::from_utf8_lossy(&log.stdout);
    let removed: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with('-') && !line.starts_with("---"))
        .filter(|line| !forgiven.iter().any(|start| line.starts_with(start)))
        .collect();
    assert_eq!(removed, [""; 0]);
}
