//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of the tree, as a signed note.

use super::error::ProofError;
use super::note::{Note, SignerKey};
use super::tree::TreeHash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use grimnir_events::{LogId, SiteId};
use std::str::FromStr;

/// The name under which a site's ledger signs: the same for as long as the ledger lives.
pub fn origin_of(site: SiteId, log: LogId) -> String {
    format!("grimnir/{site}/{log}")
}

/// A hash as these formats write it.
pub fn hash_text(hash: &TreeHash) -> String {
    BASE64.encode(hash)
}

/// The hash in such a text.
pub fn parse_hash(text: &str) -> Option<TreeHash> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// A number as these formats write it: no sign, no leading zero.
pub fn parse_size(text: &str) -> Option<u64> {
    text.parse().ok().filter(|size: &u64| size.to_string() == text)
}

/// How large a tree is, and its root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Whose tree it is.
    pub origin: String,
    /// Leaves; commits 1 to this position.
    pub size: u64,
    /// Root over them.
    pub root: TreeHash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, hash_text(&self.root))
    }
    /// Signed by the log.
    pub fn sign(&self, key: &SignerKey) -> SignedCheckpoint {
        let note = Note::new(self.text()).sign(key, 0);
        SignedCheckpoint { checkpoint: self.clone(), note }
    }
}

impl FromStr for Checkpoint {
    type Err = ProofError;

    /// From a note's text; extension lines are read over, as the specification wants it.
    fn from_str(text: &str) -> Result<Self, ProofError> {
        let wrong = |reason: &str| ProofError::malformed("checkpoint", reason);
        let body = text.strip_suffix('\n').ok_or_else(|| wrong("no newline at its end"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(wrong("it has less than three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(wrong("a line is empty"));
        }
        let size = parse_size(size).ok_or_else(|| wrong("its second line is not a size"))?;
        let root = parse_hash(root).ok_or_else(|| wrong("its third line is not a hash"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A checkpoint with its signatures, not verified by being one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// The note that says it.
    pub note: Note,
}

impl std::fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.note.fmt(f)
    }
}

impl FromStr for SignedCheckpoint {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let note: Note = text.parse()?;
        Ok(Self { checkpoint: note.text().parse()?, note })
    }
}

/// The notes in a text that holds one after the other, each with a blank line after it; and how
/// many bytes of it are whole notes. For notes whose text has no blank line.
pub fn split_notes(text: &str) -> (Vec<&str>, usize) {
    let (mut notes, mut from) = (Vec::new(), 0);
    while let Some(gap) = text[from..].find("\n\n") {
        let signatures = from + gap + 2;
        let Some(end) = text[signatures..].find("\n\n") else { break };
        let end = signatures + end + 1;
        notes.push(&text[from..end]);
        from = end + 1;
    }
    (notes, from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::note::KeyKind;

    fn signed(size: u64) -> SignedCheckpoint {
        let origin = origin_of(SiteId([1; 16]), LogId([2; 16]));
        let key = SignerKey::from_seed(&origin, KeyKind::Note, [3; 32]).expect("is a key");
        Checkpoint { origin, size, root: [size as u8; 32] }.sign(&key)
    }

    #[test]
    fn a_checkpoint_reads_back() {
        let text = signed(20_852_163).to_string();
        assert!(text.starts_with(
            "grimnir/sit_01010101010101010101010101010101/log_02020202020202020202020202020202\n\
             20852163\n"
        ));
        assert_eq!(text.parse(), Ok(signed(20_852_163)));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let root = hash_text(&[1; 32]);
        for text in [
            String::new(),
            "a\n5\n".into(),
            format!("a\n05\n{root}\n"),
            format!("a\n-5\n{root}\n"),
            format!("a\n+5\n{root}\n"),
            format!("\n5\n{root}\n"),
            format!("a\n5\n{root}"),
            format!("a\n5\n{root}\n\n"),
            format!("a\n5\n{}\n", &root[..40]),
            format!("a\n18446744073709551616\n{root}\n"),
        ] {
            assert!(text.parse::<Checkpoint>().is_err(), "{text:?}");
        }
        assert!(format!("a\n5\n{root}\nextension\n").parse::<Checkpoint>().is_ok());
    }

    #[test]
    fn notes_in_a_row_are_parted_and_a_cut_one_is_left_over() {
        let (one, two) = (signed(1).to_string(), signed(2).to_string());
        let both = format!("{one}\n{two}\n");
        assert_eq!(split_notes(&both), (vec![&one[..], &two[..]], both.len()));
        for cut in one.len() + 1..both.len() {
            let Some(cut) = both.get(..cut) else { continue };
            assert_eq!(split_notes(cut), (vec![&one[..]], one.len() + 1));
        }
    }
}
