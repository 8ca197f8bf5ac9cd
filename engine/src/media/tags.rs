//! Tags, by lofty. A file without readable tags has none; a panic in the reader is a file without.

use lofty::file::TaggedFileExt;
use lofty::tag::{Accessor, ItemKey};
use std::panic::catch_unwind;
use std::path::Path;

/// Characters kept of one tag.
const TEXT_LIMIT: usize = 500;

/// What a file says about itself.
#[derive(Default, Debug)]
pub struct Tags {
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// Album.
    pub album: String,
    /// Genre.
    pub genre: String,
    /// Year.
    pub year: Option<u16>,
    /// ISRC.
    pub isrc: String,
}

/// Reads the tags of a file.
pub fn read(file: &Path) -> Tags {
    let path = file.to_path_buf();
    catch_unwind(move || read_file(&path)).ok().flatten().unwrap_or_default()
}

fn read_file(file: &Path) -> Option<Tags> {
    let probe = lofty::probe::Probe::open(file).ok()?.guess_file_type().ok()?;
    let tagged = probe.read().ok()?;
    let tag = tagged.primary_tag().or_else(|| tagged.first_tag())?;
    let clean = |text: Option<std::borrow::Cow<'_, str>>| -> String {
        let text = text.unwrap_or_default();
        text.chars().filter(|c| !c.is_control()).take(TEXT_LIMIT).collect::<String>().trim().into()
    };
    Some(Tags {
        title: clean(tag.title()),
        artist: clean(tag.artist()),
        album: clean(tag.album()),
        genre: clean(tag.genre()),
        year: year(tag),
        isrc: clean(tag.get_string(ItemKey::Isrc).map(Into::into)),
    })
}

fn year(tag: &lofty::tag::Tag) -> Option<u16> {
    let found = [ItemKey::Year, ItemKey::RecordingDate, ItemKey::ReleaseDate]
        .into_iter()
        .find_map(|key| tag.get_string(key).map(str::to_owned))?;
    let digits: String = found.chars().take_while(char::is_ascii_digit).take(4).collect();
    digits.parse().ok().filter(|year| (1_000..=9_999).contains(year))
}
