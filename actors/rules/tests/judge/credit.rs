//! Texts as they count, by the plainest means.

use super::play::Take;
use super::world::World;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::smart_block::Field;
use std::collections::BTreeSet;

/// Lower case, single blanks.
pub fn normal(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The artists of a credit: `A feat. B & C` are three.
pub fn artists(credit: &str) -> BTreeSet<String> {
    let mut text =
        format!(" {} ", normal(credit)).replace(['(', '['], " ").replace([')', ']'], " ");
    text = text.replace("  ", " ").replace(';', " ; ").replace(", ", " , ");
    for word in ["featuring", "feat.", "feat", "ft.", "ft", "vs.", "vs", "&", "/", ";", ","] {
        let joint = format!(" {word} ");
        while text.contains(&joint) {
            text = text.replace(&joint, " | ");
        }
    }
    text.split('|').map(normal).filter(|name| !name.is_empty()).collect()
}

pub fn kind_word(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Music => "music",
        ItemKind::LegalId => "legal_id",
        ItemKind::Imaging => "imaging",
        ItemKind::Spot => "spot",
        ItemKind::Feature => "feature",
        ItemKind::Emergency => "emergency",
    }
}

/// What an item says in a field that holds text.
pub fn texts(item: &MediaItem, details: &MediaDetails, field: &Field) -> BTreeSet<String> {
    let one = |text: &str| vec![text.to_owned()];
    let found = match field {
        Field::Title => one(&item.tags.title),
        Field::Artist => {
            let mut found: Vec<String> = artists(&item.tags.artist).into_iter().collect();
            found.push(item.tags.artist.clone());
            found
        }
        Field::AlbumArtist => one(&details.album_artist),
        Field::Album => one(&item.tags.album),
        Field::Genre => [one(&item.tags.genre), details.genres.clone()].concat(),
        Field::Mood => details.moods.clone(),
        Field::Language => one(&details.language),
        Field::Label => one(&details.label),
        Field::Composer => one(&details.composer),
        Field::Publisher => one(&details.publisher),
        Field::Isrc => one(&item.tags.isrc),
        Field::Key => one(&details.key),
        Field::Compilation => one(&details.compilation),
        Field::Category => one(&item.category),
        Field::Kind => one(kind_word(item.kind)),
        Field::Tag => details.tags.clone(),
        Field::FileName => one(&item.file_name),
        Field::Codec => one(&item.codec),
        Field::Custom(name) => {
            let named = details.custom.iter().filter(|own| own.name == *name);
            named.map(|own| own.value.clone()).collect()
        }
        Field::Explicit => one(if details.explicit { "true" } else { "false" }),
        other => panic!("{other:?} holds no text"),
    };
    found.iter().map(|text| normal(text)).filter(|text| !text.is_empty()).collect()
}

/// What plays are kept apart by.
pub fn values(world: &World, take: &Take, field: &Field) -> BTreeSet<String> {
    // What left the library is known by what was said of it then.
    if *field == Field::Title {
        return [normal(&take.title)].into_iter().filter(|title| !title.is_empty()).collect();
    }
    if *field == Field::Artist {
        return artists(&take.artist);
    }
    take.item(world).map_or_else(BTreeSet::new, |item| texts(item, &take.details(world), field))
}

#[test]
fn a_credit_is_split_as_people_read_it() {
    let of = |credit: &str| artists(credit).into_iter().collect::<Vec<_>>().join("+");
    assert_eq!(of("A feat. B & C"), "a+b+c");
    assert_eq!(of("Ása  Þór (ft. AC/DC), X; Y vs Z"), "ac/dc+x+y+z+ása þór");
    assert_eq!(of(" "), "");
}
