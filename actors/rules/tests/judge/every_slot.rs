//! The second golden station: the library of the first, ten clocks that hold every kind of slot,
//! legal IDs around the hours, recorded links, and shows with their exceptions.

use super::station::{at, golden};
use super::world::*;
use grimnir_events::clock::{ImagingRole, LegalIdRule, Stopset, StopsetSource};
use grimnir_events::details::CustomField;
use grimnir_events::grid::{DatedSet, Days, Grid, LocalDate};
use grimnir_events::library::ItemKind;
use grimnir_events::show::{
    Exception, KeptShow, LiveAccess, LocalTime, Moved, Show, ShowContent, Substitute,
};
use grimnir_events::smart_block::*;
use grimnir_events::timeline::{ClockSlot, FormatClock, PlaylistMode, SlotSource, SlotStart};
use grimnir_events::{ClockId, MediaId, PlaylistId, ShowId, SmartBlockId};
use std::collections::BTreeMap;

/// The block that breaks are filled from.
const SPOTS: u8 = 9;

/// The station, whole.
pub fn every_slot() -> World {
    let mut world = golden();
    world.station.0[0] = 2;
    let spots: Vec<MediaId> = of_kind(&world, ItemKind::Spot);
    for (n, id) in spots.iter().enumerate() {
        let value = format!("Product {}", n % 11);
        let details = world.details.get_mut(id).expect("is there");
        details.custom = vec![CustomField { name: "product".into(), value }];
    }
    let mut rules = BlockRules {
        include: vec![all(vec![rule(Field::Kind, Op::Is, text("spot"))])],
        separation: apart(0),
        ..BlockRules::default()
    };
    rules.separation.fields = by_product(1_200);
    world.add_block(SPOTS, rules);
    let news = of_kind(&world, ItemKind::Feature);
    world.clocks = clocks(news[0]).into_iter().map(|clock| (clock.id, clock)).collect();
    world.clock = world.clocks.get(&ClockId([1; 16])).cloned();
    world.grid = grid();
    world.orders.legal_id =
        Some(LegalIdRule { before_ms: 180_000, after_ms: 240_000, category: "ids".into() });
    // Links are recorded for two days out of three.
    let features = of_kind(&world, ItemKind::Feature);
    for day in 0..30_i64 {
        for n in 0..24_i64 {
            let hour = at(date(10, 10), 0).plus((day * 24 + n) * HOUR_US);
            let track = |name: &str, n: i64| {
                let id = features[(day * 5 + n) as usize % features.len()];
                (name.to_owned(), id)
            };
            if day % 3 > 0 {
                let tracks = BTreeMap::from([track("open", n), track("comment", n + 1)]);
                world.orders.voice.insert(hour, tracks);
            }
        }
    }
    world.shows = shows().into_iter().map(|kept| (kept.show.id, kept)).collect();
    world
}

fn of_kind(world: &World, kind: ItemKind) -> Vec<MediaId> {
    world.media.values().filter(|item| item.kind == kind).map(|item| item.id).collect()
}

const fn date(month: u8, day: u8) -> LocalDate {
    LocalDate { year: 2026, month, day }
}

fn by_product(sec: u32) -> Vec<FieldSeparation> {
    vec![FieldSeparation { field: Field::Custom("product".into()), sec }]
}

fn spots(length_s: u32, max_items: Option<u32>) -> SlotSource {
    let separation = BlockSeparation { fields: by_product(1_500), ..BlockSeparation::default() };
    let stopset = Stopset {
        from: StopsetSource::Category("spots".into()),
        length_ms: length_s * 1_000,
        tolerance_ms: 2_000,
        max_items,
        separation,
    };
    SlotSource::Stopset { stopset: Box::new(stopset) }
}

fn spots_of_block(length_s: u32) -> SlotSource {
    let stopset = Stopset {
        from: StopsetSource::SmartBlock(SmartBlockId([SPOTS; 16])),
        length_ms: length_s * 1_000,
        tolerance_ms: 1_000,
        max_items: None,
        separation: BlockSeparation::default(),
    };
    SlotSource::Stopset { stopset: Box::new(stopset) }
}

fn imaging(role: ImagingRole, category: &str) -> SlotSource {
    SlotSource::Imaging { role, category: category.into() }
}

fn sweeper() -> SlotSource {
    imaging(ImagingRole::Sweeper, "sweepers")
}

fn bumper() -> SlotSource {
    imaging(ImagingRole::Bumper, "bumpers")
}

fn voice(track: &str) -> SlotSource {
    SlotSource::VoiceTrack { track: track.into() }
}

fn live(category: &str) -> SlotSource {
    SlotSource::LiveWindow { live: LiveAccess::default(), category: category.into() }
}

fn stream(category: &str) -> SlotSource {
    let urls = vec!["https://stream.example/one".into()];
    SlotSource::Webstream { urls, category: category.into() }
}

fn next(source: SlotSource) -> ClockSlot {
    ClockSlot::next(source)
}

fn some(items: u16, source: SlotSource) -> ClockSlot {
    ClockSlot { items: Some(items), ..ClockSlot::next(source) }
}

/// Ten clocks: every kind of slot, by offset and by position, with every start.
fn clocks(news: MediaId) -> Vec<FormatClock> {
    let (hard, free) = (SlotStart::Hard, SlotStart::Free);
    let gold = || of_category("gold");
    let [in_order, shuffled] = [PlaylistMode::Sequential, PlaylistMode::Shuffled];
    let day = vec![
        slot(0, free, of_block(1)),
        slot(1_200, free, spots(90, None)),
        next(bumper()),
        next(of_block(2)),
        slot(2_700, soft(60), sweeper()),
        some(2, gold()),
        next(of_block(1)),
    ];
    let newscast = vec![
        slot(0, hard, SlotSource::HardItem { media_id: news }),
        next(sweeper()),
        next(of_block(1)),
        slot(1_800, hard, spots(120, None)),
        next(gold()),
    ];
    let open = vec![
        slot(0, free, live("")),
        slot(1_800, free, stream("gold")),
        slot(3_000, soft(120), spots_of_block(60)),
        next(of_category("oldies")),
    ];
    let night = vec![
        slot(0, free, of_block(3)),
        slot(3_300, free, imaging(ImagingRole::LegalId, "ids")),
        next(of_block(3)),
    ];
    let links = vec![
        slot(0, soft(60), imaging(ImagingRole::LegalId, "")),
        next(voice("open")),
        some(3, of_block(4)),
        next(gold()),
        slot(1_500, hard, voice("comment")),
        next(gold()),
        slot(3_000, free, spots(60, Some(3))),
        next(of_category("current")),
    ];
    let drive = vec![
        slot(0, hard, sweeper()),
        next(of_block(5)),
        slot(1_740, hard, bumper()),
        next(of_block(6)),
        next(gold()),
    ];
    let rows = vec![
        ClockSlot { items: Some(3), ..slot(0, free, gold()) },
        next(sweeper()),
        some(2, of_category("oldies")),
        next(spots(45, None)),
        next(of_category("current")),
        some(2, sweeper()),
        next(of_category("")),
    ];
    let breaks = vec![
        slot(0, hard, of_block(8)),
        slot(900, soft(90), spots_of_block(90)),
        next(of_block(8)),
        slot(2_400, hard, spots_of_block(120)),
        next(bumper()),
        next(gold()),
    ];
    let lists = vec![
        slot(0, hard, of_list(1, in_order)),
        slot(1_200, free, sweeper()),
        next(of_list(1, shuffled)),
        slot(2_700, hard, spots(60, Some(2))),
        next(of_list(1, in_order)),
    ];
    let late = ClockSlot { min_airtime_ms: Some(60_000), ..slot(2_700, hard, gold()) };
    let talk = vec![
        slot(0, free, of_list(3, in_order)),
        slot(900, free, voice("comment")),
        next(bumper()),
        next(stream("oldies")),
        late,
    ];
    let all = [day, newscast, open, night, links, drive, rows, breaks, lists, talk];
    let named = |(n, slots): (u8, Vec<ClockSlot>)| clock(n, &format!("Clock {n}"), slots);
    let mut clocks: Vec<FormatClock> = (1..).zip(all).map(named).collect();
    clocks[5].min_airtime_ms = Some(45_000);
    clocks
}

fn grid() -> Grid {
    let clocks = |hours: [u8; 24]| hours.map(|n| (n > 0).then_some(ClockId([n; 16])));
    let work = clocks([4, 4, 4, 3, 4, 5, 2, 5, 2, 1, 7, 0, 8, 9, 10, 6, 6, 5, 2, 9, 8, 7, 3, 4]);
    let weekend =
        clocks([4, 4, 3, 4, 4, 7, 7, 9, 8, 3, 1, 10, 2, 5, 6, 0, 3, 8, 2, 1, 9, 10, 7, 4]);
    let week = (0..7).flat_map(|day| if day < 5 { work } else { weekend }).collect();
    let hours = (0..24).map(|at| (1..5).contains(&at).then_some(ClockId([7; 16]))).collect();
    let days = Days::Dates { dates: vec![date(10, 25)] };
    let sets = vec![DatedSet { name: "The clocks change".into(), days, hours }];
    Grid { week, sets }
}

fn time(month: u8, day: u8, second: u32) -> LocalTime {
    LocalTime { date: date(month, day), second }
}

fn show(n: u8, second: u32, minutes: u32, rrule: &str, content: ShowContent) -> KeptShow {
    let show = Show {
        id: ShowId([n; 16]),
        name: format!("Show {n}"),
        description: String::new(),
        host: format!("Host {n}"),
        colour: "#20c0a8".into(),
        start: time(10, 10, second),
        duration_s: minutes * 60,
        rrule: rrule.into(),
        begins: SlotStart::Free,
        content,
        live: (n == 5).then(LiveAccess::default),
        linked: false,
        priority: 0,
    };
    KeptShow { show, exceptions: BTreeMap::new() }
}

/// A clock of its own, a list, its rebroadcast, one in the night that has an hour twice, a live
/// one over automation, and one that comes once over all of them.
fn shows() -> Vec<KeptShow> {
    const H: u32 = 3_600;
    let list = |n| ShowContent::Playlist { playlist_id: PlaylistId([n; 16]) };
    let own = ShowContent::Clock { clock_id: ClockId([6; 16]) };
    let mut own = show(1, 14 * H + 1_800, 90, "FREQ=WEEKLY;BYDAY=MO,WE,FR", own);
    own.show.begins = SlotStart::Hard;
    let mut evening = show(2, 20 * H, 120, "FREQ=DAILY", list(1));
    evening.show.begins = soft(90);
    let again = ShowContent::Rebroadcast { show_id: ShowId([2; 16]) };
    let again = show(3, 10 * H + 900, 100, "FREQ=DAILY", again);
    let night = show(4, 2 * H + 1_800, 45, "FREQ=WEEKLY;BYDAY=SU", list(3));
    let talk = show(5, 16 * H, 60, "FREQ=DAILY", ShowContent::Automation);
    let mut once = show(6, 20 * H + 2_700, 60, "", list(3));
    (once.show.priority, once.show.begins) = (3, SlotStart::Hard);
    once.show.start = time(10, 25, 20 * H + 2_700);
    let cancelled = Exception { cancelled: true, ..Exception::default() };
    let to = time(10, 26, 11 * H + 1_200);
    let moved = Exception { moved: Some(Moved { to, duration_s: 2_400 }), ..Exception::default() };
    let content = Some(list(2));
    let with = Some(Substitute { content, ..Substitute::default() });
    let other = Exception { with, ..Exception::default() };
    own.exceptions.insert(time(10, 26, 14 * H + 1_800), moved);
    evening.exceptions.insert(time(10, 24, 20 * H), cancelled);
    evening.exceptions.insert(time(10, 26, 20 * H), other);
    vec![own, evening, again, night, talk, once]
}
