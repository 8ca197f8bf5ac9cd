//! Which clock rules an hour, and who asked for each of its lines: the planner's own explanation is
//! taken as a claim, and refused where neither clock nor notes bear it out.

use super::play::{Asked, Complaint, Take};
use super::world::World;
use grimnir_events::grid::Days;
use grimnir_events::timeline::{ClockSlot, FormatClock, HourPlan, Line, PlaylistMode, SlotSource};
use grimnir_events::{LineId, SmartBlockId, UtcMicros};
use grimnir_rules::planner::v2::Explained;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZoneDatabase;
use std::collections::BTreeMap;

/// Longest chain of fallbacks.
const DEPTH: usize = 3;

/// What the planner says of each pick: slot and source, by line.
pub type Claims = BTreeMap<LineId, String>;

/// The claims of these hours.
pub fn claims(explained: &[Explained]) -> Claims {
    let picks = explained.iter().flat_map(|hour| &hour.picks);
    picks.filter_map(|(id, trace)| id.map(|id| (id, trace.source.clone()))).collect()
}

/// What a station's clock shows at an instant.
pub fn local(world: &World, at: UtcMicros) -> DateTime {
    let zone = TimeZoneDatabase::bundled().get(&world.time_zone).expect("a zone");
    Timestamp::from_microsecond(at.0).expect("a time").to_zoned(zone).datetime()
}

/// When a slot begins, from the start of its hour; one that follows another has no time of its own.
pub fn offset_ms(slot: &ClockSlot) -> i64 {
    slot.offset_ms.map_or(0, i64::from)
}

/// The slots of the clock that rules the whole hour beginning here.
pub fn slots(world: &World, hour: UtcMicros) -> &[ClockSlot] {
    ruling(world, hour).map_or(&[], |clock| &clock.slots)
}

fn ruling(world: &World, hour: UtcMicros) -> Option<&FormatClock> {
    let local = local(world, hour);
    assert_eq!((local.minute(), local.second()), (0, 0), "only whole hours are judged");
    let (date, at) = (local.date(), local.hour() as usize);
    for set in &world.grid.sets {
        let named = match &set.days {
            Days::Dates { dates } => dates.iter().any(|day| day.civil() == Some(date)),
            Days::Span { from, until } => {
                from.civil().is_some_and(|from| from <= date)
                    && until.civil().is_some_and(|until| date <= until)
            }
            Days::Yearly { month, day } => date.month() as u8 == *month && date.day() as u8 == *day,
            Days::Weekday { month, weekday, nth } => {
                let from_start = (date.day() - 1) / 7 + 1;
                let from_end = -((date.days_in_month() - date.day()) / 7 + 1);
                date.month() as u8 == *month
                    && date.weekday().to_monday_one_offset() as u8 == *weekday
                    && (*nth == from_start || *nth == from_end)
            }
            days @ Days::Easter { .. } => grimnir_rules::planner::hours::holds(days, date),
        };
        let clock = set.hours.get(at).copied().flatten().and_then(|id| world.clocks.get(&id));
        if named && clock.is_some() {
            return clock;
        }
    }
    let day = date.weekday().to_monday_zero_offset() as usize;
    let of_week = world.grid.week.get(day * 24 + at).copied().flatten();
    of_week.and_then(|id| world.clocks.get(&id)).or(world.clock.as_ref())
}

/// Adds every line of a plan, as a play that somebody asked for; answers the claims refused.
pub fn read(
    world: &World,
    claims: &Claims,
    plan: &HourPlan,
    hour: usize,
    all: &mut Vec<Take>,
) -> Vec<Complaint> {
    let slots = slots(world, plan.hour);
    let mut refused = Vec::new();
    let mut at = None;
    for line in &plan.lines {
        let found = match claims.get(&line.id) {
            Some(claim) => claimed(world, plan, slots, claim),
            None => ordered(slots, world, line, at),
        };
        let (slot, asked) = found.clone().unwrap_or((at, Asked::Library));
        let (media_id, title, artist) = (line.media_id, line.title.clone(), line.artist.clone());
        let take = Take { at: line.planned_at, media_id, title, artist, hour, slot, asked };
        if found.is_none() {
            let what = format!("nobody asked for it: {:?}", claims.get(&line.id));
            refused.push(Complaint::new("claim", &take, what));
        }
        // A line that must air may have moved behind those of a later slot.
        if slot < at && !line.must_air {
            refused.push(Complaint::new("claim", &take, "its slot is over"));
        }
        if !line.must_air {
            at = at.max(slot);
        }
        all.push(take);
    }
    refused
}

/// Who asked, by a claim such as `slot 2: category "gold"`, if that can be.
fn claimed(
    world: &World,
    plan: &HourPlan,
    slots: &[ClockSlot],
    claim: &str,
) -> Option<(Option<usize>, Asked)> {
    let (label, source) = claim.split_once(": ")?;
    if label == "hour" {
        return (source == "the library").then_some((None, Asked::Library));
    }
    let at: usize = label.strip_prefix("slot ")?.parse().ok()?;
    let own = &slots.get(at)?.source;
    let told = |words: &str| {
        plan.notes
            .iter()
            .any(|note| note.starts_with(&format!("{label}: ")) && note.contains(words))
    };
    let asked = match own {
        SlotSource::Category { category } if category.is_empty() => Asked::Library,
        _ if source == "the library" => {
            return told("filled from the library").then_some((Some(at), Asked::Library));
        }
        SlotSource::Category { category } => {
            let name = category.to_lowercase();
            (source == format!("category \"{name}\"")).then_some(Asked::Category(name))?
        }
        SlotSource::PlaylistBy { playlist_id, mode } => {
            let (name, _) = world.playlists.get(playlist_id)?;
            let list = Asked::List(*playlist_id, *mode);
            (source == format!("playlist \"{name}\"")).then_some(list)?
        }
        SlotSource::SmartBlock { block_id } => of_block(world, *block_id, source, 0)?,
        SlotSource::HardItem { .. } | SlotSource::Playlist { .. } => return None,
        // What else a clock may hold keeps the rules that are never relaxed.
        _ => Asked::Slot,
    };
    Some((Some(at), asked))
}

fn of_block(world: &World, id: SmartBlockId, source: &str, depth: usize) -> Option<Asked> {
    let block = world.blocks.get(&id)?;
    let own = format!("smart block \"{}\"", block.name);
    let (bumpers, extras) = (&block.rules.bumpers, &block.rules.interstitials);
    if source == own {
        return Some(Asked::Block(id));
    }
    if bumpers.enabled && source == format!("the bumpers of {own}") {
        return Some(Asked::Bumper(id));
    }
    let is_extra = |at: &usize| source == format!("interstitials {at} of {own}");
    if let Some(at) = (0..extras.sources.len()).find(is_extra) {
        return extras.enabled.then_some(Asked::Interstitial(id, at));
    }
    let lenders = block.rules.fallbacks.iter().filter(|_| depth < DEPTH);
    lenders.map(|lender| of_block(world, lender.smart_block_id, source, depth + 1)).find_map(|a| a)
}

/// The slot of a line that nobody picked: an item by its name, or a playlist in its order.
fn ordered(
    slots: &[ClockSlot],
    world: &World,
    line: &Line,
    from: Option<usize>,
) -> Option<(Option<usize>, Asked)> {
    let asked = |slot: &ClockSlot| match &slot.source {
        SlotSource::HardItem { media_id } => {
            (*media_id == line.media_id).then_some(Asked::Item(*media_id))
        }
        SlotSource::Playlist { playlist_id }
        | SlotSource::PlaylistBy { playlist_id, mode: PlaylistMode::Sequential } => {
            let (_, items) = world.playlists.get(playlist_id)?;
            let list = Asked::List(*playlist_id, PlaylistMode::Sequential);
            items.contains(&line.media_id).then_some(list)
        }
        _ => None,
    };
    let from = from.unwrap_or_default();
    let later = slots.iter().enumerate().skip(from);
    later.filter_map(|(at, slot)| asked(slot).map(|asked| (Some(at), asked))).next()
}
