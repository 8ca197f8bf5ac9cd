//! Plans of older versions of the planner, held by their digests: replay makes them again.

use super::world::{World, category, hour, item, slot, songs};
use super::*;
use grimnir_events::codec;
use grimnir_events::library::ItemKind;
use grimnir_events::timeline::{SlotSource, SlotStart};
use sha2::{Digest, Sha256};

/// Digest of all that plans say.
pub(super) fn digest(plans: &[HourPlan]) -> String {
    let mut hasher = Sha256::new();
    for plan in plans {
        hasher.update(
            codec::encode(&HourPlan { tzdb: String::new(), ..plan.clone() })
                .expect("encodes")
                .bytes,
        );
    }
    hex::encode(hasher.finalize())
}

#[test]
fn version_1_plans_what_it_always_planned() {
    let mut id = item(900, 12, "id");
    id.kind = ItemKind::LegalId;
    let playlist_id = PlaylistId([3; 16]);
    let slots = vec![
        slot(0, SlotStart::Hard, SlotSource::HardItem { media_id: id.id }),
        slot(12, SlotStart::Free, category("gold")),
        slot(1_200, SlotStart::Soft { grace_ms: 20_000 }, SlotSource::Playlist { playlist_id }),
        slot(2_400, SlotStart::Hard, category("")),
    ];
    let mut world = World::of(songs(40), slots);
    let ids: Vec<MediaId> = world.media.keys().copied().take(9).collect();
    world.playlists.insert(playlist_id, ("Nine".into(), ids));
    world.media.insert(id.id, id);
    world.played.push(Play {
        at: hour(0).plus(-60_000_000),
        media_id: MediaId([0xEE; 16]),
        artist: "Artist 4".into(),
        title: "Title 7".into(),
    });
    assert_eq!(
        digest(&world.plan(48)),
        "f172aa1da4ee8169ec86a7c2d842f5b482a1d9567933a50618f2d2e1ce0ebc0d"
    );
}
