//! Sound that comes in as an item that is known: measured late, or other audio under the same id.

use super::{clean_tag, more};
use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::Shared;
use grimnir_engine_proto::report::TagReport;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::MediaItem;
use grimnir_events::{CommitId, ContentHash, MediaId, StationId, StreamId, StreamKind, derive_id};
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::StockCommand;

/// The item that a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AsItem {
    /// Which.
    pub media_id: MediaId,
    /// The bytes that are expected; whatever comes where not known.
    pub hash: Option<ContentHash>,
    /// The item waits for its measuring; otherwise its audio is replaced.
    pub pending: bool,
    /// Its tags are read again; otherwise they stay as they are.
    pub reread_tags: bool,
}

impl AsItem {
    /// The measuring that an item waits for.
    pub const fn pending(media_id: MediaId, hash: ContentHash) -> Self {
        Self { media_id, hash: Some(hash), pending: true, reread_tags: false }
    }
    /// Other bytes in an item's own file, with what they say of themselves.
    pub const fn changed(media_id: MediaId, hash: ContentHash) -> Self {
        Self { media_id, hash: Some(hash), pending: false, reread_tags: true }
    }
    /// Other audio that somebody brings.
    pub const fn replaced(media_id: MediaId, reread_tags: bool) -> Self {
        Self { media_id, hash: None, pending: false, reread_tags }
    }
}

/// The item that was measured, under its id and with what is said about it.
pub async fn as_known(
    shared: &Shared,
    station: StationId,
    measured: MediaItem,
    as_item: &AsItem,
) -> Result<MediaItem, CommandError> {
    let stream = StreamId::of_station(StreamKind::Library, station);
    let library = shared.directory.inspect::<Library>(stream).await?;
    let media_id = as_item.media_id;
    let Some(held) = library.state.media.get(&media_id).map(|entry| entry.item.clone()) else {
        let message = format!("there is no item {media_id}");
        return Err(CommandError::not_found("media_not_found", message));
    };
    let (category, kind) = (held.category, held.kind);
    let (must_air, long_form) = (held.must_air, held.long_form);
    let known = MediaItem { id: media_id, category, kind, must_air, long_form, ..measured };
    if as_item.reread_tags {
        return Ok(known);
    }
    Ok(MediaItem { tags: held.tags, ..known })
}

/// Enters it in the library.
pub async fn enter(
    shared: &Shared,
    stream: StreamId,
    item: MediaItem,
    as_item: &AsItem,
    tags: &TagReport,
    meta: Meta,
) -> Result<MediaItem, CommandError> {
    let boxed = Box::new(item.clone());
    let command = if as_item.pending {
        LibraryCommand::AddMedia { item: boxed }
    } else {
        LibraryCommand::Stock(StockCommand::ReplaceAudio { item: boxed })
    };
    shared.directory.decide::<Library>(stream, command, meta).await?;
    if as_item.reread_tags {
        let before = {
            let library = shared.directory.inspect::<Library>(stream).await?;
            library.state.described(item.id).unwrap_or_default()
        };
        let details = Box::new(reread(before, tags));
        let command = LibraryCommand::DetailMedia { media_id: item.id, details };
        let commit_id = CommitId(derive_id("details", &[&meta.commit_id.0, &item.id.0]));
        let meta = Meta { commit_id, causation: meta.commit_id, ..meta };
        shared.directory.decide::<Library>(stream, command, meta).await?;
    }
    Ok(item)
}

/// What the file says takes the place of what it said before; what people said beside it stays.
fn reread(before: MediaDetails, tags: &TagReport) -> MediaDetails {
    let said = more(tags);
    let or = |new: String, old: String| if clean_tag(&new).is_empty() { old } else { new };
    MediaDetails {
        album_artist: or(said.album_artist, before.album_artist),
        label: or(said.label, before.label),
        moods: if said.moods.is_empty() { before.moods } else { said.moods },
        language: or(said.language, before.language),
        composer: or(said.composer, before.composer),
        publisher: or(said.publisher, before.publisher),
        key: or(said.key, before.key),
        compilation: or(said.compilation, before.compilation),
        explicit: said.explicit || before.explicit,
        bpm_x100: said.bpm_x100.or(before.bpm_x100),
        genres: before.genres,
        energy: before.energy,
        tags: before.tags,
        custom: before.custom,
        added_at: before.added_at,
        rules: before.rules,
    }
}
