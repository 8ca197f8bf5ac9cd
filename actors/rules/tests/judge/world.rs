//! All that is planned from, owned, and short ways to make it.

use super::clocks::{Claims, claims};
use grimnir_events::UtcMicros;
use grimnir_events::details::MediaDetails;
use grimnir_events::grid::Grid;
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::show::Shows;
use grimnir_events::smart_block::{
    BlockRules, BlockSeparation, Field, Logic, Op, Rule, RuleGroup, SmartBlock, StationRules, Value,
};
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{
    ClockSlot, FormatClock, HourPlan, PlaylistMode, SlotSource, SlotStart,
};
use grimnir_events::{ClockId, ContentHash, MediaId, PlaylistId, SmartBlockId, StationId};
use grimnir_rules::planner::v2::explain_hours;
use grimnir_rules::planner::{NOTHING_AIRED, PlanInputs, Play, PlaylistTimes, Tally, plan_hours};
use grimnir_rules::timeline::Orders;
use std::collections::BTreeMap;

/// Frames of a second.
pub const S: i64 = 48_000;
/// Microseconds of a second.
pub const SEC_US: i64 = 1_000_000;
/// Microseconds of an hour.
pub const HOUR_US: i64 = 3_600 * SEC_US;
/// 2026-11-16T00:00:00 in Berlin, a Monday.
pub const MONDAY: UtcMicros = UtcMicros(1_794_783_600_000_000);

/// The `n`-th hour from [`MONDAY`] on.
pub fn hour(n: i64) -> UtcMicros {
    MONDAY.plus(n * HOUR_US)
}

/// Owned inputs.
#[derive(Clone)]
pub struct World {
    pub station: StationId,
    pub settings: StationSettings,
    pub media: BTreeMap<MediaId, MediaItem>,
    pub details: BTreeMap<MediaId, MediaDetails>,
    pub playlists: BTreeMap<PlaylistId, (String, Vec<MediaId>)>,
    pub blocks: BTreeMap<SmartBlockId, SmartBlock>,
    pub rules: StationRules,
    pub playlist_times: PlaylistTimes,
    pub orders: Orders,
    pub time_zone: String,
    pub tally: BTreeMap<MediaId, Tally>,
    pub clock: Option<FormatClock>,
    pub grid: Grid,
    pub clocks: BTreeMap<ClockId, FormatClock>,
    pub played: Vec<Play>,
    pub shows: Shows,
    pub input_seq: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            station: StationId([1; 16]),
            settings: StationSettings::default(),
            media: BTreeMap::new(),
            details: BTreeMap::new(),
            playlists: BTreeMap::new(),
            blocks: BTreeMap::new(),
            rules: StationRules::default(),
            playlist_times: PlaylistTimes::new(),
            orders: Orders::default(),
            time_zone: "Europe/Berlin".into(),
            tally: BTreeMap::new(),
            clock: None,
            grid: Grid::default(),
            clocks: BTreeMap::new(),
            played: Vec::new(),
            shows: Shows::new(),
            input_seq: 41,
        }
    }
}

impl World {
    pub fn inputs(&self) -> PlanInputs<'_> {
        PlanInputs {
            joins: Default::default(),
            station: self.station,
            settings: &self.settings,
            media: (&self.media).into(),
            prepared: None,
            playlists: &self.playlists,
            playlist_times: &self.playlist_times,
            details: &self.details,
            blocks: &self.blocks,
            rules: &self.rules,
            time_zone: &self.time_zone,
            tally: &self.tally,
            clock: self.clock.as_ref(),
            grid: &self.grid,
            clocks: &self.clocks,
            shows: &self.shows,
            aired: NOTHING_AIRED,
            orders: &self.orders,
            played: &self.played,
            input_seq: self.input_seq,
        }
    }

    /// Plans so many hours from [`MONDAY`] on.
    pub fn plan(&self, hours: i64) -> Vec<HourPlan> {
        let hours: Vec<UtcMicros> = (0..hours).map(hour).collect();
        plan_hours(&self.inputs(), &BTreeMap::new(), &hours)
    }

    /// The same, and who asked for what.
    pub fn told(&self, hours: i64) -> (Vec<HourPlan>, Claims) {
        let hours = (0..hours).map(hour).collect();
        let explained = explain_hours(&self.inputs(), &BTreeMap::new(), &hours);
        let claims = claims(&explained);
        (explained.into_iter().map(|hour| hour.plan).collect(), claims)
    }

    pub fn add(&mut self, item: MediaItem, details: MediaDetails) {
        self.details.insert(item.id, details);
        self.media.insert(item.id, item);
    }

    pub fn add_block(&mut self, n: u8, rules: BlockRules) {
        let block = SmartBlock {
            id: SmartBlockId([n; 16]),
            name: format!("Block {n}"),
            description: String::new(),
            rules,
        };
        block.validate().unwrap_or_else(|fault| panic!("block {n}: {fault}"));
        self.blocks.insert(block.id, block);
    }

    pub fn add_list(&mut self, n: u8, items: Vec<MediaId>) {
        self.playlists.insert(PlaylistId([n; 16]), (format!("List {n}"), items));
    }
}

pub fn media_id(n: u32) -> MediaId {
    MediaId(grimnir_events::derive_id("judged item", &[&n.to_be_bytes()]))
}

/// A song without description; `n` names it.
pub fn song(n: u32, seconds: i64) -> MediaItem {
    MediaItem {
        id: media_id(n),
        hash: ContentHash([1; 32]),
        play_hash: ContentHash([(n % 251) as u8; 32]),
        file_name: format!("{n}.flac"),
        codec: "flac".into(),
        size_bytes: 1,
        duration_frames: seconds * S,
        source_rate_hz: 48_000,
        channels: 2,
        loudness_lufs_x100: Some(-1_400),
        true_peak_dbtp_x100: Some(-80),
        cues: CueMarks { cue_in: 0, segue: seconds * S, cue_out: seconds * S },
        tags: Tags {
            title: format!("Title {n}"),
            artist: format!("Artist {n}"),
            ..Tags::default()
        },
        category: "gold".into(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    }
}

pub fn slot(seconds: u32, start: SlotStart, source: SlotSource) -> ClockSlot {
    ClockSlot::at(seconds * 1_000, start, source)
}

pub fn soft(seconds: u32) -> SlotStart {
    SlotStart::Soft { grace_ms: seconds * 1_000 }
}

pub fn of_block(n: u8) -> SlotSource {
    SlotSource::SmartBlock { block_id: SmartBlockId([n; 16]) }
}

pub fn of_category(name: &str) -> SlotSource {
    SlotSource::Category { category: name.into() }
}

pub fn of_list(n: u8, mode: PlaylistMode) -> SlotSource {
    let playlist_id = PlaylistId([n; 16]);
    match mode {
        PlaylistMode::Sequential => SlotSource::Playlist { playlist_id },
        mode => SlotSource::PlaylistBy { playlist_id, mode },
    }
}

pub fn clock(n: u8, name: &str, slots: Vec<ClockSlot>) -> FormatClock {
    FormatClock { id: ClockId([n; 16]), name: name.into(), slots, min_airtime_ms: None }
}

pub fn rule(field: Field, op: Op, value: Value) -> Rule {
    Rule { field, op, value }
}

pub fn text(word: &str) -> Value {
    Value::Text(word.into())
}

pub fn all(rules: Vec<Rule>) -> RuleGroup {
    RuleGroup { logic: Logic::All, rules }
}

pub fn any(rules: Vec<Rule>) -> RuleGroup {
    RuleGroup { logic: Logic::Any, rules }
}

/// Separation that asks for so many seconds of everything that has a key.
pub fn apart(seconds: u32) -> BlockSeparation {
    let sec = Some(seconds);
    BlockSeparation {
        artist_sec: sec,
        title_sec: sec,
        album_sec: sec,
        label_sec: sec,
        fields: vec![],
    }
}
