//! When two texts are the same: case and space do not count; and who is in an artist's credit.

/// The characters that count: lower case, inner space as one blank, none at the ends.
pub fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut gap = false;
    let mut begun = false;
    text.chars().flat_map(move |c| {
        if c.is_whitespace() {
            gap = begun;
            return Lower::Nothing;
        }
        begun = true;
        let blank = std::mem::take(&mut gap);
        if c.is_ascii() {
            Lower::Ascii(blank, Some(c.to_ascii_lowercase()))
        } else {
            Lower::Other(blank, c.to_lowercase())
        }
    })
}

/// One character in lower case, with the blank before it.
enum Lower {
    Nothing,
    Ascii(bool, Option<char>),
    Other(bool, std::char::ToLowercase),
}

impl Iterator for Lower {
    type Item = char;
    fn next(&mut self) -> Option<char> {
        let blank = match self {
            Self::Nothing => return None,
            Self::Ascii(blank, _) | Self::Other(blank, _) => std::mem::take(blank),
        };
        match self {
            _ if blank => Some(' '),
            Self::Nothing => None,
            Self::Ascii(_, c) => c.take(),
            Self::Other(_, lower) => lower.next(),
        }
    }
}

/// The text as it counts.
pub fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_normal(&mut out, text);
    out
}

/// Appends the text as it counts.
pub fn push_normal(out: &mut String, text: &str) {
    if !text.is_ascii() {
        return out.extend(plain(text));
    }
    let from = out.len();
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        if out.len() > from {
            out.push(' ');
        }
        let at = out.len();
        out.push_str(word);
        out[at..].make_ascii_lowercase();
    }
}

/// What is white among the ASCII characters.
const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// The text is the same as one that is [`normal`] already.
pub fn same(text: &str, normal: &str) -> bool {
    plain(text).eq(normal.chars())
}

/// A number for a text as it counts; 0 for an empty one. FNV-1a with a final mix, 64 bits: among
/// 100,000 names two different ones meet once in four thousand million libraries.
pub fn number(text: &str) -> u64 {
    const BEGIN: u64 = 0xCBF2_9CE4_8422_2325;
    let add = |hash: u64, c: u32| (hash ^ u64::from(c)).wrapping_mul(0x0000_0100_0000_01B3);
    let (mut hash, mut any) = (BEGIN, false);
    if text.is_ascii() {
        let mut gap = false;
        for byte in text.bytes() {
            if is_blank(char::from(byte)) {
                gap = any;
                continue;
            }
            if std::mem::take(&mut gap) {
                hash = add(hash, u32::from(b' '));
            }
            any = true;
            hash = add(hash, u32::from(byte.to_ascii_lowercase()));
        }
    } else {
        for c in plain(text) {
            any = true;
            hash = add(hash, u32::from(c));
        }
    }
    if any { mix(hash).max(1) } else { 0 }
}

/// Spreads a number over all its bits.
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// What stands between the artists of one credit, in lower case. Words want a blank on either side.
const JOINTS: [&str; 11] = [
    " featuring ",
    " feat. ",
    " feat ",
    " ft. ",
    " ft ",
    " vs. ",
    " vs ",
    " & ",
    " / ",
    "; ",
    ", ",
];

/// Calls `each` with every artist of a credit: `A feat. B & C` are three. A bracket around the
/// featured ones does not count.
pub fn each_artist<'a>(credit: &'a str, mut each: impl FnMut(&'a str)) {
    let bytes = credit.as_bytes();
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        // Every joint begins with one of these; a bracket stands for a blank.
        if !matches!(bytes[at], b' ' | b'(' | b'[' | b';' | b',') {
            at += 1;
            continue;
        }
        let here = JOINTS.iter().find(|joint| starts(&bytes[at..], joint.as_bytes()));
        let Some(joint) = here else {
            at += 1;
            continue;
        };
        one(credit.get(from..at).unwrap_or_default(), &mut each);
        at += joint.len();
        from = at;
        // The blank that ends one joint may begin the next.
        at -= usize::from(joint.ends_with(' '));
    }
    one(credit.get(from..).unwrap_or_default(), &mut each);
}

fn one<'a>(name: &'a str, each: &mut impl FnMut(&'a str)) {
    let name = name.trim_matches(|c: char| c.is_whitespace() || "()[]".contains(c));
    if !name.is_empty() {
        each(name);
    }
}

/// `bytes` begins with an ASCII text; a bracket stands for the blank at its beginning.
fn starts(bytes: &[u8], joint: &[u8]) -> bool {
    let Some((first, rest)) = bytes.split_first() else { return false };
    let open = joint[0] == b' ' && b"([".contains(first);
    (open || *first == joint[0])
        && rest.len() + 1 >= joint.len()
        && rest[..joint.len() - 1].eq_ignore_ascii_case(&joint[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artists(credit: &str) -> Vec<&str> {
        let mut found = Vec::new();
        each_artist(credit, |name| found.push(name));
        found
    }

    #[test]
    fn each_artist_of_a_credit_counts() {
        assert_eq!(artists("A feat. B & C"), ["A", "B", "C"]);
        assert_eq!(artists("A Ft. B / D vs. E, F"), ["A", "B", "D", "E", "F"]);
        assert_eq!(artists("A (feat. B)"), ["A", "B"]);
        assert_eq!(artists("A Featuring B ft C; D"), ["A", "B", "C", "D"]);
        assert_eq!(artists("AC/DC"), ["AC/DC"]);
        assert_eq!(artists("Fleetwood"), ["Fleetwood"]);
        assert_eq!(artists("Défeat & Þór , "), ["Défeat", "Þór"]);
        assert_eq!(artists("  "), [""; 0]);
    }

    #[test]
    fn case_and_space_do_not_count() {
        assert_eq!(normal("  Sigur\t RÓS "), "sigur rós");
        assert!(same(" SIGUR  rós", "sigur rós") && !same("sigurrós", "sigur rós"));
        assert_eq!(number(" A  b"), number("a B "));
        assert_ne!(number("ab"), number("a b"));
        assert_eq!(number(" \t"), 0);
    }

    #[test]
    fn what_is_read_by_bytes_counts_as_what_is_read_by_characters() {
        let blanks = "\u{b} a\u{c}B\u{1c}c\r\n d \u{1f}";
        for text in ["", " ", "a", "  The  BAND\t", blanks, "x\u{85}Y", "É a\u{a0}b", "\u{0}"] {
            let whole: String = plain(text).collect();
            assert_eq!(normal(text), whole, "{text:?}");
            // A character beyond ASCII leads the other way; the blank before it goes first.
            let slow = plain(text).fold(0xCBF2_9CE4_8422_2325_u64, |hash, c| {
                (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01B3)
            });
            let slow = if whole.is_empty() { 0 } else { mix(slow).max(1) };
            assert_eq!(number(text), slow, "{text:?}");
        }
    }
}
