//! Which legal ID is heard at sign-off: of those that the rule takes, the longest rested.
//!
//! Upstream: the rule, the library, what aired. Downstream: the hand-over to the engine, which
//! plays it whole once the programme has faded.

use super::TimelineState;
use crate::library::LibraryState;
use crate::planner::v2::text::{normal, same};
use grimnir_events::library::{ItemKind, MediaItem};

/// The legal ID for a sign-off now; `None` where the station puts none or has none.
pub fn farewell<'a>(timeline: &TimelineState, library: &'a LibraryState) -> Option<&'a MediaItem> {
    let rule = timeline.orders.legal_id.as_ref()?;
    let category = normal(&rule.category);
    let taken = |item: &&MediaItem| {
        item.kind == ItemKind::LegalId && (category.is_empty() || same(&item.category, &category))
    };
    let last = |item: &&MediaItem| {
        let tally = timeline.aired.tally.get(&item.id);
        (tally.and_then(|tally| tally.last_at), item.id)
    };
    library.playable().filter(taken).min_by_key(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::Common;
    use crate::library::stock::state::Stage;
    use crate::library::{LibraryState, MediaEntry};
    use crate::planner::Tally;
    use crate::planner::world::item;
    use grimnir_events::clock::LegalIdRule;
    use grimnir_events::{MediaId, UtcMicros};

    fn library() -> LibraryState {
        let mut library = LibraryState::default();
        for (n, kind, category) in [
            (1, ItemKind::Music, "ids"),
            (2, ItemKind::LegalId, "Night"),
            (3, ItemKind::LegalId, "ids"),
            (4, ItemKind::LegalId, "ids"),
        ] {
            let mut item = item(n, 4, category);
            item.kind = kind;
            let (stage, added_at) = (Stage::Measured, None);
            let entry = MediaEntry { item, lost: None, stage, deleted: None, added_at };
            library.media.insert(entry.item.id, Common::new(entry));
        }
        library
    }

    fn id(n: u16) -> MediaId {
        item(n, 4, "").id
    }

    fn with(category: &str) -> TimelineState {
        let mut timeline = TimelineState::default();
        let category = category.to_owned();
        timeline.orders.legal_id = Some(LegalIdRule { before_ms: 1, after_ms: 1, category });
        timeline
    }

    #[test]
    fn the_longest_rested_legal_id_of_the_rule_is_heard_last() {
        let library = library();
        assert_eq!(farewell(&TimelineState::default(), &library), None, "no rule");
        let chosen = |timeline: &TimelineState| farewell(timeline, &library).map(|item| item.id);
        assert_eq!(chosen(&with("none")), None);
        assert_eq!(chosen(&with("NIGHT")), Some(id(2)));
        let mut timeline = with("ids");
        assert_eq!(chosen(&timeline), Some(id(3)));
        let played = |at| Tally { plays: 1, last_at: Some(UtcMicros(at)) };
        timeline.aired.tally.insert(id(3), played(10));
        assert_eq!(chosen(&timeline), Some(id(4)), "it never aired");
        timeline.aired.tally.insert(id(4), played(20));
        assert_eq!(chosen(&timeline), Some(id(3)));
    }
}
