//! Tags, by lofty. A file without readable tags has none; a panic in the reader is a file without.

use super::intro;
use grimnir_engine_proto::report::TagReport;
use grimnir_events::analysis::AlbumPlace;
use lofty::file::TaggedFileExt;
use lofty::picture::PictureType;
use lofty::tag::{Accessor, ItemKey, Tag};
use std::borrow::Cow;
use std::panic::catch_unwind;
use std::path::Path;

/// Characters kept of one tag.
const TEXT_LIMIT: usize = 500;
/// Largest picture that is kept.
const PICTURE_LIMIT: usize = 4 << 20;

/// Reads the tags of a file, and the bytes of its cover.
pub fn read(file: &Path) -> (TagReport, Option<Vec<u8>>) {
    let path = file.to_path_buf();
    catch_unwind(move || read_file(&path)).ok().flatten().unwrap_or_default()
}

fn read_file(file: &Path) -> Option<(TagReport, Option<Vec<u8>>)> {
    let probe = lofty::probe::Probe::open(file).ok()?.guess_file_type().ok()?;
    let tagged = probe.read().ok()?;
    let tag = tagged.primary_tag().or_else(|| tagged.first_tag())?;
    let text = |key: ItemKey| clean(tag.get_string(key).map(Into::into));
    let flag = |key: ItemKey| matches!(text(key).as_str(), "1" | "true" | "yes");
    // Advisory 1 is explicit, 4 was explicit in older files, 2 is the clean version.
    let explicit = matches!(text(ItemKey::ParentalAdvisory).as_str(), "1" | "4" | "explicit");
    let album = clean(tag.album());
    let report = TagReport {
        title: clean(tag.title()),
        artist: clean(tag.artist()),
        genre: clean(tag.genre()),
        year: year(tag),
        isrc: text(ItemKey::Isrc),
        album_artist: text(ItemKey::AlbumArtist),
        label: text(ItemKey::Label),
        mood: text(ItemKey::Mood),
        language: text(ItemKey::Language),
        composer: text(ItemKey::Composer),
        publisher: text(ItemKey::Publisher),
        key: text(ItemKey::InitialKey),
        bpm_x100: bpm(tag),
        compilation: if flag(ItemKey::FlagCompilation) { album.clone() } else { String::new() },
        explicit,
        album,
        album_place: album_place(tag),
        intro_ms: intro::of(tag),
    };
    Some((report, picture(tag)))
}

fn clean(text: Option<Cow<'_, str>>) -> String {
    let text = text.unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect::<String>().trim().into()
}

fn year(tag: &Tag) -> Option<u16> {
    let found = [ItemKey::Year, ItemKey::RecordingDate, ItemKey::ReleaseDate]
        .into_iter()
        .find_map(|key| tag.get_string(key).map(str::to_owned))?;
    let digits: String = found.chars().take_while(char::is_ascii_digit).take(4).collect();
    digits.parse().ok().filter(|year| (1_000..=9_999).contains(year))
}

/// Disc and track; a file that says no disc is of the first.
fn album_place(tag: &Tag) -> Option<AlbumPlace> {
    let place = |number: u32| u16::try_from(number).ok().filter(|number| *number > 0);
    Some(AlbumPlace { track: place(tag.track()?)?, disc: tag.disk().and_then(place).unwrap_or(1) })
}

/// Beats a minute in hundredths; 20 to 400 are believed.
fn bpm(tag: &Tag) -> Option<u32> {
    let stated = [ItemKey::Bpm, ItemKey::IntegerBpm].into_iter().find_map(|key| {
        let text = tag.get_string(key)?.trim().replace(',', ".");
        text.parse::<f64>().ok()
    });
    stated.filter(|bpm| (20.0..=400.0).contains(bpm)).map(|bpm| (bpm * 100.0).round() as u32)
}

/// The cover, or else the first picture that is not too large.
fn picture(tag: &Tag) -> Option<Vec<u8>> {
    let pictures = tag.pictures();
    let cover = pictures.iter().find(|picture| picture.pic_type() == PictureType::CoverFront);
    let fits = |bytes: &&[u8]| !bytes.is_empty() && bytes.len() <= PICTURE_LIMIT;
    cover.into_iter().chain(pictures).map(|p| p.data()).find(fits).map(<[u8]>::to_vec)
}
