//! Words as they are compared: in lower case, without accents, cut where no letter or digit stands.

use crate::rows::MediaRow;
use icu_normalizer::DecomposingNormalizerBorrowed;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A text without case and accents; compatibility forms count as what they stand for.
pub(super) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let normalizer = DecomposingNormalizerBorrowed::new_nfkd();
    let lower = text.chars().flat_map(char::to_lowercase);
    // Letters that no decomposition takes apart, but that people type without their stroke.
    let plain = |c: char| match c {
        'ø' => 'o',
        'đ' => 'd',
        'ł' => 'l',
        'ı' => 'i',
        'ß' => 's',
        other => other,
    };
    normalizer.normalize_iter(lower).filter(|c| !is_mark(*c)).map(plain).collect()
}

/// Compares two texts, folded and with a zero byte between them, with one that already is.
pub(super) fn folded_cmp(first: &str, second: &str, folded: &str) -> Ordering {
    let (first, second) = (as_folded(first), as_folded(second));
    let lower = |byte: u8| byte.to_ascii_lowercase();
    let both = first.bytes().chain([0]).chain(second.bytes());
    both.map(lower).cmp(folded.bytes())
}

/// A text that differs from its folded form by the case of ASCII letters at most.
fn as_folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(folded(text)) }
}

/// A combining mark of Latin, Greek or Cyrillic text.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// The words of a text.
pub(super) fn split(text: &str) -> Vec<Box<str>> {
    let folded = folded(text);
    // An apostrophe stands within a word: `don't` is found by `dont`.
    let joined: String = folded.chars().filter(|c| !matches!(c, '\'' | '’')).collect();
    let words = joined.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(Box::from).collect()
}

/// The words that an item is found by.
pub(super) fn of(row: &MediaRow) -> BTreeSet<Box<str>> {
    let item = &row.item;
    let tags = &item.tags;
    let year = tags.year.map(|year| year.to_string()).unwrap_or_default();
    let texts = [
        &tags.title,
        &tags.artist,
        &tags.album,
        &tags.genre,
        &tags.isrc,
        &item.category,
        &item.file_name,
        &year,
    ];
    let more = &row.details;
    let said = [&more.album_artist, &more.label, &more.language, &more.composer, &more.compilation];
    let own = more.custom.iter().map(|field| &field.value);
    let lists = more.genres.iter().chain(&more.moods).chain(&more.tags).chain(own);
    let all = texts.into_iter().chain(said).chain(lists);
    all.flat_map(|text| split(text)).collect()
}
