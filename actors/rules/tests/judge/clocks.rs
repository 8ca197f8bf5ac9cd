//! Which clock rules an hour, and who asked for each of its lines: the planner's own explanation is
//! taken as a claim, and refused where neither clock nor notes bear it out.

use super::composed::{On, Place, begins_ms, instances, places, underneath};
use super::play::{Asked, Complaint, Take};
use super::world::World;
use grimnir_events::clock::{ImagingRole, StopsetSource};
use grimnir_events::grid::Days;
use grimnir_events::show::ShowContent;
use grimnir_events::timeline::{
    Anchor, ClockSlot, FormatClock, HourPlan, Line, PlaylistMode, SlotSource, SlotStart,
};
use grimnir_events::{InstanceId, LineId, MediaId, PlaylistId, SmartBlockId, UtcMicros};
use grimnir_rules::planner::v2::Explained;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Longest chain of fallbacks.
const DEPTH: usize = 3;

/// What the planner says of each pick: slot and source, by line.
pub type Claims = BTreeMap<LineId, String>;

/// The claims of these hours.
pub fn claims(explained: &[Explained]) -> Claims {
    let picks = explained.iter().flat_map(|hour| &hour.picks);
    picks.filter_map(|(id, trace)| id.map(|id| (id, trace.source.clone()))).collect()
}

/// A station's time zone; looking one up takes long.
pub fn zone(world: &World) -> TimeZone {
    thread_local! {
        static KNOWN: RefCell<BTreeMap<String, TimeZone>> = const { RefCell::new(BTreeMap::new()) };
    }
    let find = || TimeZoneDatabase::bundled().get(&world.time_zone).expect("a zone");
    KNOWN.with_borrow_mut(|known| known.entry(world.time_zone.clone()).or_insert_with(find).clone())
}

/// What a station's clock shows at an instant.
pub fn local(world: &World, at: UtcMicros) -> DateTime {
    let at = Timestamp::from_microsecond(at.0).expect("a time");
    at.to_zoned(zone(world)).datetime()
}

/// The clock that the grid gives the whole hour beginning here.
pub fn ruling(world: &World, hour: UtcMicros) -> Option<&FormatClock> {
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
    let places = places(world, plan.hour);
    let lists = lists(world, &places, hour, all);
    let asker = Asker { world, plan, places: &places, lists: &lists };
    let mut refused = Vec::new();
    let (mut at, mut under) = (None, None);
    // Places of one item that have it.
    let mut served: BTreeSet<Inner> = BTreeSet::new();
    for line in &plan.lines {
        let found = match claims.get(&line.id) {
            Some(claim) => asker.claimed(claim, line, under),
            None => asker.ordered(line, at, &served),
        };
        let (slot, inner, asked) = found.clone().unwrap_or((at, None, Asked::Library));
        if matches!(asked, Asked::Item(_) | Asked::Voice(_)) {
            served.insert((slot, inner));
        }
        if inner.is_some() {
            under = under.max(Some((slot, inner)));
        }
        let (media_id, title, artist) = (line.media_id, line.title.clone(), line.artist.clone());
        let take = Take { at: line.planned_at, media_id, title, artist, hour, slot, inner, asked };
        if found.is_none() {
            let what = format!("nobody asked for it: {:?}", claims.get(&line.id));
            refused.push(Complaint::new("claim", &take, what));
        }
        // A line that must air may have moved behind those of a later slot.
        let free = line.must_air || take.asked == Asked::Id;
        if slot < at && !free {
            refused.push(Complaint::new("claim", &take, "its slot is over"));
        }
        if !free {
            at = at.max(slot);
        }
        all.push(take);
    }
    refused
}

/// What the shows of an hour list, by the names of their slots.
fn lists(
    world: &World,
    places: &[Place],
    hour: usize,
    before: &[Take],
) -> BTreeMap<PlaylistId, Vec<MediaId>> {
    let shows = places.iter().filter_map(|place| place.on.as_ref());
    let list = |on: &On| (PlaylistId(on.id.0), list_of(world, on, hour, before));
    shows.map(list).collect()
}

/// What a show lists: its playlist, or what another aired in the hours before this one.
pub fn list_of(world: &World, on: &On, hour: usize, before: &[Take]) -> Vec<MediaId> {
    match on.content {
        ShowContent::Playlist { playlist_id } => {
            world.playlists.get(&playlist_id).map(|(_, items)| items.clone()).unwrap_or_default()
        }
        ShowContent::Rebroadcast { show_id } => {
            let known = instances(world, on.from).into_iter();
            let over = known.filter(|other| other.show == show_id && other.until <= on.from);
            let Some(last) = over.max_by_key(|other| other.until) else { return Vec::new() };
            let aired = before.iter().filter(|take| take.hour < hour);
            let aired = aired.filter(|take| (last.from..last.until).contains(&take.at));
            aired.map(|take| take.media_id).collect()
        }
        ShowContent::Automation | ShowContent::Clock { .. } => Vec::new(),
    }
}

/// Place of a slot, of the one underneath, and who asked.
type Found = (Option<usize>, Option<usize>, Asked);

/// A slot and the one underneath.
type Inner = (Option<usize>, Option<usize>);

/// Says who asked for the lines of an hour.
struct Asker<'a> {
    world: &'a World,
    plan: &'a HourPlan,
    places: &'a [Place],
    lists: &'a BTreeMap<PlaylistId, Vec<MediaId>>,
}

impl Asker<'_> {
    fn told(&self, label: &str, words: &str) -> bool {
        let mut notes = self.plan.notes.iter();
        notes.any(|note| note.starts_with(&format!("{label}: ")) && note.contains(words))
    }

    /// Who asked, by a claim such as `slot 2: category "gold"`, if that can be.
    fn claimed(&self, claim: &str, line: &Line, last: Option<Inner>) -> Option<Found> {
        let (label, source) = claim.split_once(": ")?;
        if label == "hour" {
            return (source == "the library").then_some((None, None, Asked::Library));
        }
        if label == "legal id" {
            let rule = self.world.orders.legal_id.as_ref()?;
            let name = imaging_name(ImagingRole::LegalId, &rule.category);
            return (source == name).then_some((None, None, Asked::Id));
        }
        let at: usize = label.strip_prefix("slot ")?.parse().ok()?;
        let place = self.places.get(at)?;
        let is_list = |on: &On| {
            place.slot.source == SlotSource::Playlist { playlist_id: PlaylistId(on.id.0) }
        };
        if !place.on.as_ref().is_some_and(is_list) {
            return Some((Some(at), None, self.asked_by(&place.slot.source, label, source)?));
        }
        // The list of a show was over: what would be planned without it.
        let under = underneath(self.world, self.plan.hour);
        let of_slot = |(inner, slot): (usize, &ClockSlot)| {
            Some((Some(at), Some(inner), self.asked_by(&slot.source, label, source)?))
        };
        let library = (source == "the library").then_some((Some(at), None, Asked::Library));
        let all = || under.iter().enumerate();
        let in_turn = |(inner, _): &(usize, &ClockSlot)| Some((Some(at), Some(*inner))) >= last;
        let timely = |(inner, slot): &(usize, &ClockSlot)| {
            let begins = self.plan.hour.plus(begins_ms(&under, *inner) * 1_000);
            let ends = under[inner + 1..].iter().find_map(|next| next.offset_ms);
            let ends = ends.map(|ms| self.plan.hour.plus(i64::from(ms) * 1_000));
            let lead = under[..=*inner].iter().rfind(|slot| slot.offset_ms.is_some());
            let begun = match lead.map(|slot| slot.start) {
                None | Some(SlotStart::Free) => true,
                Some(SlotStart::Hard) => line.planned_at >= begins,
                Some(SlotStart::Soft { grace_ms }) => {
                    line.planned_at.plus(i64::from(grace_ms) * 1_000) >= begins
                }
            };
            begun
                && match line.anchor {
                    Anchor::Hard { at } | Anchor::Soft { at, .. } if slot.offset_ms.is_some() => {
                        at == begins
                    }
                    _ => ends.is_none_or(|ends| line.planned_at < ends),
                }
        };
        let best = all().filter(in_turn).filter(timely).find_map(of_slot);
        let best = best.or(library).or_else(|| all().filter(in_turn).find_map(of_slot));
        best.or_else(|| all().find_map(of_slot))
    }

    /// The slot's source, where that is what is claimed.
    fn asked_by(&self, own: &SlotSource, label: &str, source: &str) -> Option<Asked> {
        let world = self.world;
        Some(match own {
            SlotSource::Category { category }
            | SlotSource::LiveWindow { category, .. }
            | SlotSource::Webstream { category, .. }
                if category.is_empty() =>
            {
                (source == "the library").then_some(Asked::Library)?
            }
            _ if source == "the library" => {
                return self.told(label, "filled from the library").then_some(Asked::Library);
            }
            SlotSource::Category { category }
            | SlotSource::LiveWindow { category, .. }
            | SlotSource::Webstream { category, .. } => {
                let name = category.to_lowercase();
                (source == format!("category \"{name}\"")).then_some(Asked::Category(name))?
            }
            SlotSource::PlaylistBy { playlist_id, mode } => {
                let (name, _) = world.playlists.get(playlist_id)?;
                let list = Asked::List(*playlist_id, *mode);
                (source == format!("playlist \"{name}\"")).then_some(list)?
            }
            SlotSource::SmartBlock { block_id } => of_block(world, *block_id, source, 0)?,
            SlotSource::Stopset { stopset } => {
                let name = match &stopset.from {
                    StopsetSource::Category(name) => format!("the break from \"{name}\""),
                    StopsetSource::SmartBlock(id) => {
                        format!("the break from smart block \"{}\"", world.blocks.get(id)?.name)
                    }
                };
                (source == name).then(|| Asked::Break(stopset.clone()))?
            }
            SlotSource::Imaging { role, category } => {
                let asked = Asked::Imaging(*role, category.clone());
                (source == imaging_name(*role, category)).then_some(asked)?
            }
            SlotSource::HardItem { .. }
            | SlotSource::Playlist { .. }
            | SlotSource::VoiceTrack { .. } => return None,
        })
    }

    /// The slot of a line that nobody picked: an item by its name, or a list in its order.
    fn ordered(&self, line: &Line, from: Option<usize>, served: &BTreeSet<Inner>) -> Option<Found> {
        let later = || self.places.iter().enumerate().skip(from.unwrap_or_default());
        // A list begins nothing after its time; a place of one item has one.
        let timely = |place: &Place| line.planned_at < self.plan.hour.plus(place.ends_ms * 1_000);
        let open = |(at, place): &(usize, &Place)| match place.slot.source {
            SlotSource::HardItem { .. } | SlotSource::VoiceTrack { .. } => {
                !served.contains(&(Some(*at), None))
            }
            _ => timely(place),
        };
        let found = |(at, place): (usize, &Place)| {
            if let Some(asked) = self.named(&place.slot, line) {
                return Some((Some(at), None, asked));
            }
            let SlotSource::Playlist { playlist_id } = &place.slot.source else { return None };
            self.lists.get(playlist_id)?;
            let under = underneath(self.world, self.plan.hour);
            let named = |(inner, slot): (usize, &ClockSlot)| {
                Some((Some(at), Some(inner), self.named(slot, line)?))
            };
            under.iter().enumerate().find_map(named)
        };
        later().filter(open).find_map(found).or_else(|| later().find_map(found))
    }

    fn named(&self, slot: &ClockSlot, line: &Line) -> Option<Asked> {
        let (world, id) = (self.world, line.media_id);
        match &slot.source {
            SlotSource::HardItem { media_id } => {
                (*media_id == id).then_some(Asked::Item(*media_id))
            }
            SlotSource::VoiceTrack { track } => {
                let recorded = world.orders.voice.get(&self.plan.hour)?.get(track)?;
                (*recorded == id).then_some(Asked::Voice(id))
            }
            SlotSource::Playlist { playlist_id } if self.lists.contains_key(playlist_id) => {
                let listed = self.lists[playlist_id].contains(&id);
                listed.then_some(Asked::Show(InstanceId(playlist_id.0)))
            }
            SlotSource::Playlist { playlist_id }
            | SlotSource::PlaylistBy { playlist_id, mode: PlaylistMode::Sequential } => {
                let (_, items) = world.playlists.get(playlist_id)?;
                let list = Asked::List(*playlist_id, PlaylistMode::Sequential);
                items.contains(&id).then_some(list)
            }
            _ => None,
        }
    }
}

fn imaging_name(role: ImagingRole, category: &str) -> String {
    let name = category.to_lowercase();
    if name.is_empty() { role.word().into() } else { format!("{} \"{name}\"", role.word()) }
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
