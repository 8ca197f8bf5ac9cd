//! A line that a person puts into a plan: the item as planning would play it.

use super::chain::cut;
use super::sound::{crossfade_frames, gain_db_x100, has_own_segue, takes_crossfade, usable_cues};
use grimnir_events::library::MediaItem;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{Anchor, Line, Transition};
use grimnir_events::units::frames_of_ms;
use grimnir_events::{LineId, UtcMicros};

/// The line of an item; `None` where nothing of it is to air by its marks. Whether what follows
/// takes an overlap is seen where it stands.
pub fn hand_line(
    settings: &StationSettings,
    item: &MediaItem,
    id: LineId,
    planned_at: UtcMicros,
    anchor: Anchor,
) -> Option<Line> {
    let mut cues = usable_cues(item)?;
    let mut transition = Transition::Segue;
    if !has_own_segue(&cues) && takes_crossfade(item, settings) {
        cues.segue = cues.cue_out - crossfade_frames(settings);
        transition = Transition::Crossfade { curve: settings.fade_curve };
    }
    let useful = frames_of_ms(i64::from(settings.min_airtime_ms));
    Some(Line {
        id,
        media_id: item.id,
        play_hash: item.play_hash,
        title: cut(&item.tags.title),
        artist: cut(&item.tags.artist),
        kind: item.kind,
        planned_at,
        anchor,
        cues,
        gain_db_x100: gain_db_x100(item, settings),
        transition,
        min_airtime: useful.min(cues.airtime()).max(1),
        must_air: item.must_air,
        long_form: item.long_form,
    })
}
