//! Lines that cannot stay: what they were planned from is gone, or rules them out by now.
//!
//! Pure and cheap: a look at each line, whatever the size of the library. Hard rules that look at
//! what plays around a line are asked apart ([`crate::planner::v2::breaks`]), where a hand has
//! changed that.

use super::hours::local_minute;
use crate::timeline::state::Kept;
use grimnir_events::details::{ItemRules, MediaDetails};
use grimnir_events::library::MediaItem;
use grimnir_events::roll::RepairReason;
use grimnir_events::smart_block::SmartBlock;
use grimnir_events::timeline::{HourPlan, Line, SlotSource};
use grimnir_events::{LineId, MediaId, PlaylistId, SmartBlockId, UtcMicros};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// What is known of an item: itself, or why it cannot be planned.
pub type Known<'k> = &'k dyn Fn(MediaId) -> Result<&'k MediaItem, RepairReason>;

/// A line that cannot stay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    /// Start of its hour.
    pub hour: UtcMicros,
    /// Which.
    pub line_id: LineId,
    /// Why.
    pub reason: RepairReason,
}

/// What lines are held against.
#[derive(Clone, Copy)]
pub struct Standing<'s> {
    /// Items.
    pub known: Known<'s>,
    /// What items ask themselves.
    pub details: &'s BTreeMap<MediaId, MediaDetails>,
    /// Where lines come from.
    pub kept: &'s BTreeMap<UtcMicros, Kept>,
    /// Smart blocks that exist.
    pub blocks: &'s BTreeMap<SmartBlockId, SmartBlock>,
    /// Playlists that exist.
    pub playlist: &'s dyn Fn(&PlaylistId) -> bool,
    /// The station's zone.
    pub zone: &'s TimeZone,
}

/// Every line of `hours` that starts at `from` or later and cannot stay.
pub fn invalid<'h>(
    standing: &Standing<'_>,
    hours: impl Iterator<Item = &'h HourPlan>,
    from: UtcMicros,
) -> Vec<Invalid> {
    let mut found = Vec::new();
    for plan in hours {
        for line in plan.lines.iter().filter(|line| line.planned_at >= from) {
            if let Some(reason) = standing.reason(plan.hour, line) {
                found.push(Invalid { hour: plan.hour, line_id: line.id, reason });
            }
        }
    }
    found
}

impl Standing<'_> {
    /// Why a line cannot stay.
    pub fn reason(&self, hour: UtcMicros, line: &Line) -> Option<RepairReason> {
        let item = match (self.known)(line.media_id) {
            Ok(item) => item,
            Err(reason) => return Some(reason),
        };
        let rules = self.details.get(&line.media_id).map(|details| &details.rules);
        if let Some(reason) = rules.and_then(|rules| self.ruled_out(rules, line.planned_at)) {
            return Some(reason);
        }
        let origin = self.kept.get(&hour).and_then(|kept| kept.origin(&line.id));
        let block = |id: &SmartBlockId| self.blocks.contains_key(id);
        if origin.is_some_and(|origin| !is_there(&origin.source, &block, self.playlist)) {
            return Some(RepairReason::SourceGone);
        }
        (item.play_hash != line.play_hash).then_some(RepairReason::AudioReplaced)
    }

    fn ruled_out(&self, rules: &ItemRules, at: UtcMicros) -> Option<RepairReason> {
        let early = rules.valid_from.is_some_and(|from| at < from);
        if early || rules.valid_to.is_some_and(|to| at >= to) {
            return Some(RepairReason::NotValid);
        }
        let (day, minute) = local_minute(self.zone, at);
        let parts = &rules.dayparts;
        let outside = !parts.is_empty() && !parts.iter().any(|part| part.holds(day, minute));
        outside.then_some(RepairReason::Daypart)
    }
}

/// The block or playlist that a slot names exists.
pub fn is_there(
    source: &SlotSource,
    block: &dyn Fn(&SmartBlockId) -> bool,
    playlist: &dyn Fn(&PlaylistId) -> bool,
) -> bool {
    match source {
        SlotSource::Playlist { playlist_id } | SlotSource::PlaylistBy { playlist_id, .. } => {
            playlist(playlist_id)
        }
        SlotSource::SmartBlock { block_id } => block(block_id),
        SlotSource::Category { .. }
        | SlotSource::HardItem { .. }
        | SlotSource::Stopset { .. }
        | SlotSource::Imaging { .. }
        | SlotSource::VoiceTrack { .. }
        | SlotSource::LiveWindow { .. }
        | SlotSource::Webstream { .. } => true,
    }
}
