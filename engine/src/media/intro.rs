//! Where an intro ends, as tags say it: a field of its own (ID3 TXXX, Vorbis comment), or
//! `intro=` in a comment. Milliseconds, seconds with a point, or minutes and seconds.

use lofty::id3::v2::Id3v2Tag;
use lofty::ogg::tag::VorbisComments;
use lofty::tag::{ItemKey, Tag, TagType};

/// Names of the field, most telling first.
const FIELDS: [&str; 6] = ["INTRO_END", "INTRO", "CUE_INTRO", "INTROLENGTH", "INTRO_TIME", "RAMP"];
/// Longest intro that is believed: 10 minutes.
const LONGEST_MS: f64 = 600_000.0;

/// The intro of a tag, in milliseconds.
pub fn of(tag: &Tag) -> Option<u32> {
    // Some programs write a comment as a description.
    let comment = |key| in_comment(tag.get_string(key)?);
    let said = || [ItemKey::Comment, ItemKey::Description].into_iter().find_map(comment);
    field(tag).or_else(said)
}

fn field(tag: &Tag) -> Option<u32> {
    match tag.tag_type() {
        TagType::Id3v2 => {
            let own = Id3v2Tag::from(tag.clone());
            let named = |name: &&str| {
                let lower = name.to_lowercase();
                own.get_user_text(name).or_else(|| own.get_user_text(&lower))
            };
            FIELDS.iter().find_map(|name| millis(named(name)?))
        }
        TagType::VorbisComments => {
            let own = VorbisComments::from(tag.clone());
            FIELDS.iter().find_map(|name| millis(own.get(name)?))
        }
        _ => None,
    }
}

/// `intro=12.5` anywhere in a comment, as a word of its own.
fn in_comment(comment: &str) -> Option<u32> {
    let lower = comment.to_lowercase();
    let word = lower
        .split([' ', ';', ',', '\n', '\t'])
        .find_map(|w| w.strip_prefix("intro=").or_else(|| w.strip_prefix("intro:")))?;
    millis(word)
}

/// `0:12.5` and `12.5` are seconds, `12500` is milliseconds, `12` is seconds: nobody writes an
/// intro of 12 ms, nor one of 1,000 s.
fn millis(text: &str) -> Option<u32> {
    let text = text.trim().trim_end_matches(['s', 'm']).trim().replace(',', ".");
    let ms = match text.split_once(':') {
        Some((minutes, seconds)) => {
            (minutes.parse::<u16>().ok()? as f64 * 60.0 + seconds.parse::<f64>().ok()?) * 1_000.0
        }
        None => {
            let number = text.parse::<f64>().ok()?;
            if number >= 1_000.0 { number } else { number * 1_000.0 }
        }
    };
    (ms > 0.0 && ms <= LONGEST_MS).then(|| ms.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intro_is_read_in_every_way_it_is_written() {
        for (text, ms) in [
            ("12", 12_000),
            ("12.5", 12_500),
            ("12,5", 12_500),
            ("12500", 12_500),
            ("0:12.5", 12_500),
            ("1:02", 62_000),
            (" 7 s", 7_000),
            ("900", 900_000),
        ] {
            let believed = Some(ms).filter(|ms| *ms <= 600_000);
            assert_eq!(millis(text), believed, "{text}");
        }
        for text in ["", "0", "-3", "soon", "NaN", "inf", "1:", "9999999", "1:2:3"] {
            assert_eq!(millis(text), None, "{text}");
        }
        assert_eq!(in_comment("Ripped 2009; Intro=8.25 outro=3"), Some(8_250));
        assert_eq!(in_comment("an introduction=5 to it"), None);
    }
}
