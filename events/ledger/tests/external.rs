//! Another implementation's judgement: Go's `golang.org/x/mod/sumdb` takes our checkpoints, proofs
//! and tiles, and takes none that was changed.

mod support;

use grimnir_events::UtcMicros;
use grimnir_ledger::proof::checkpoint::{SignedCheckpoint, hash_text};
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::proof::note::VerifierKey;
use grimnir_ledger::proof::path::{prove_consistency, prove_inclusion};
use grimnir_ledger::proof::tile::{TileId, TileNodes};
use grimnir_ledger::proof::tree::{TreeHash, leaf_of};
use grimnir_ledger::{ManualClock, MemoryLedger};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::{LOG, START, put, stream};

const SIZES: [u64; 4] = [1, 255, 256, 700];

struct House {
    dir: tempfile::TempDir,
    folder: ProofFolder,
    key: VerifierKey,
    signed: Vec<SignedCheckpoint>,
    leaves: Vec<[u8; 64]>,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = MemoryLedger::with_clock(LOG, Arc::new(ManualClock::at(START)));
        let mut notary = Notary::open(dir.path(), "grimnir/external", UtcMicros(1)).expect("opens");
        let (mut signed, mut leaves) = (Vec::new(), Vec::new());
        for size in SIZES {
            while notary.size() < size {
                let recorded = put(&ledger, notary.size(), stream(1)).await;
                notary.admit(&recorded).expect("admits");
                leaves.push(leaf_of(&recorded));
            }
            signed.push(notary.sign().expect("signs").expect("is new"));
        }
        let key = notary.keys().signer().verifier();
        Self { folder: ProofFolder::of(dir.path()), dir, key, signed, leaves }
    }

    fn case(&self, name: String, kind: &str, good: bool, of: usize) -> Value {
        json!({
            "Name": name, "Kind": kind, "Good": good, "Key": self.key.to_string(),
            "Checkpoint": self.signed[of].to_string(),
        })
    }

    fn nodes(&self, of: usize) -> TileNodes<&ProofFolder> {
        TileNodes::new(&self.folder, SIZES[of])
    }

    fn inclusion(&self, of: usize, index: u64, hashes: &[TreeHash], good: bool) -> Value {
        let mut case = self.case(format!("inclusion of {index}"), "inclusion", good, of);
        case["Index"] = index.into();
        case["Leaf"] = base64(&self.leaves[index as usize]).into();
        case["Hashes"] = hashes.iter().map(hash_text).collect::<Vec<_>>().into();
        case
    }

    fn consistency(&self, old: usize, new: usize, hashes: &[TreeHash], good: bool) -> Value {
        let name = format!("consistency of {} with {}", SIZES[old], SIZES[new]);
        let mut case = self.case(name, "consistency", good, new);
        case["OldSize"] = SIZES[old].into();
        case["OldRoot"] = hash_text(&self.signed[old].checkpoint.root).into();
        case["Hashes"] = hashes.iter().map(hash_text).collect::<Vec<_>>().into();
        case
    }

    fn tiles(&self, name: &str, dir: &Path, good: bool) -> Value {
        let leaves = self.dir.path().join("leaves");
        std::fs::write(&leaves, self.leaves.concat()).expect("writes");
        let mut case = self.case(name.into(), "tiles", good, SIZES.len() - 1);
        case["Dir"] = dir.to_str().expect("is text").into();
        case["Leaves"] = leaves.to_str().expect("is text").into();
        case
    }
}

/// Bytes as JSON carries them to Go.
fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Flips one bit.
fn flipped(mut hash: TreeHash) -> TreeHash {
    hash[11] ^= 4;
    hash
}

#[tokio::test]
async fn another_implementation_accepts_ours_and_rejects_what_was_changed() {
    let house = House::new().await;
    let mut cases = Vec::new();
    let last = SIZES.len() - 1;
    for (of, size) in SIZES.into_iter().enumerate() {
        cases.push(house.case(format!("checkpoint {of}"), "checkpoint", true, of));
        let text = house.signed[of].to_string();
        // The dash before the signature is no part of what is signed.
        // The signature's last digit holds bits that mean nothing: Go reads over them.
        let unused = text.rfind('=').map_or(text.len(), |padding| padding - 1);
        let all = (0..text.len()).filter(|at| text.is_char_boundary(*at));
        for at in all.step_by(3).filter(|at| *at != unused) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let mut case =
                house.case(format!("checkpoint {of}, byte {at}"), "checkpoint", false, of);
            case["Checkpoint"] = changed.into();
            cases.push(case);
        }
        for index in (0..size).step_by(37) {
            let proof = prove_inclusion(&house.nodes(of), index, size).expect("proves");
            cases.push(house.inclusion(of, index, &proof, true));
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at] = flipped(bad[at]);
                cases.push(house.inclusion(of, index, &bad, false));
                bad.remove(at);
                cases.push(house.inclusion(of, index, &bad, false));
            }
        }
        for (old, old_size) in SIZES.into_iter().enumerate().take(of) {
            let proof = prove_consistency(&house.nodes(of), old_size, size).expect("proves");
            cases.push(house.consistency(old, of, &proof, true));
            for at in 0..proof.len() {
                let mut bad = proof.clone();
                bad[at] = flipped(bad[at]);
                cases.push(house.consistency(old, of, &bad, false));
            }
            let mut case = house.consistency(old, of, &proof, false);
            case["OldRoot"] = hash_text(&flipped(house.signed[old].checkpoint.root)).into();
            cases.push(case);
        }
    }
    cases.push(house.tiles("tiles", house.folder.dir(), true));
    for (at, id) in
        [TileId::full(0, 1), TileId { level: 0, index: 2, width: 188 }].into_iter().enumerate()
    {
        let copy = house.dir.path().join(format!("copy-{at}"));
        copy_dir(&house.folder.dir().join("tile"), &copy.join("tile"));
        let mut content = house.folder.find_tile(id).expect("reads").expect("is there");
        content[40] ^= 1;
        ProofFolder::at(&copy).put_tile(id, &content).expect("writes");
        cases.push(house.tiles(&format!("tile {id} changed"), &copy, false));
    }
    assert!(cases.iter().any(|case| case["Name"] == format!("checkpoint {last}")));
    let good = cases.iter().filter(|case| case["Good"] == true).count();
    assert!(good > 20 && cases.len() > good * 4, "{good} of {} are good", cases.len());
    judge(&house, &cases);
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("makes");
    for entry in std::fs::read_dir(from).expect("reads") {
        let path = entry.expect("reads").path();
        let target = to.join(path.file_name().expect("has a name"));
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copies");
        }
    }
}

fn judge(house: &House, cases: &[Value]) {
    let file = house.dir.path().join("cases.json");
    std::fs::write(&file, serde_json::to_vec(cases).expect("encodes")).expect("writes");
    let answer = Command::new(build()).arg(&file).output().expect("the judge runs");
    let said = String::from_utf8_lossy(&answer.stdout);
    assert!(answer.status.success(), "{said}{}", String::from_utf8_lossy(&answer.stderr));
    assert!(said.contains(&format!("{} cases judged", cases.len())), "{said}");
}

/// Builds the judge; what Go compiled is kept between runs.
fn build() -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = kept.join("external-judge");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/external/main.go");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(source)
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOCACHE", kept.join("go-cache"))
        .env("GOFLAGS", "")
        .env("CGO_ENABLED", "0")
        .output()
        .expect("go is installed: deploy/setup.sh test");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    program
}
