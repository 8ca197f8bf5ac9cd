//! A small station for the planner's tests.

use super::joint::Joins;
use super::*;
use crate::library::analysis::AnalysisEntry;
use crate::timeline::decide::HOUR_US;
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::station::TransitionMode;
use grimnir_events::timeline::{ClockSlot, SlotSource, SlotStart};
use grimnir_events::{ClockId, ContentHash};

pub(in crate::planner) const S: i64 = 48_000;
pub(in crate::planner) const HOUR: UtcMicros = UtcMicros(497_000 * 3_600_000_000);

pub(in crate::planner) fn hour(n: i64) -> UtcMicros {
    HOUR.plus(n * HOUR_US)
}

/// An item that plays `seconds`; `n` names it, its title and its category.
pub(crate) fn item(n: u16, seconds: i64, category: &str) -> MediaItem {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    MediaItem {
        id: MediaId(id),
        hash: ContentHash([1; 32]),
        play_hash: ContentHash([2; 32]),
        file_name: format!("{n}.flac"),
        codec: "flac".into(),
        size_bytes: 1,
        duration_frames: seconds * S,
        source_rate_hz: 48_000,
        channels: 2,
        loudness_lufs_x100: Some(-1_000),
        true_peak_dbtp_x100: Some(-50),
        cues: CueMarks { cue_in: 0, segue: seconds * S, cue_out: seconds * S },
        tags: Tags {
            title: format!("Title {n}"),
            artist: format!("Artist {n}"),
            ..Tags::default()
        },
        category: category.into(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    }
}

pub(in crate::planner) fn media_of(items: Vec<MediaItem>) -> BTreeMap<MediaId, MediaItem> {
    items.into_iter().map(|item| (item.id, item)).collect()
}

/// `count` songs of 150 to 270 s, four artists out of five with several of them.
pub(in crate::planner) fn songs(count: u16) -> BTreeMap<MediaId, MediaItem> {
    let song = |n: u16| {
        let mut item = item(n, 150 + i64::from(n) * 37 % 120, "gold");
        item.tags.artist = format!("Artist {}", n % (count / 3).max(1));
        item
    };
    media_of((1..=count).map(song).collect())
}

pub(crate) fn slot(seconds: u32, start: SlotStart, source: SlotSource) -> ClockSlot {
    ClockSlot::at(seconds * 1_000, start, source)
}

pub(in crate::planner) fn category(name: &str) -> SlotSource {
    SlotSource::Category { category: name.into() }
}

pub(crate) fn clock(slots: Vec<ClockSlot>) -> FormatClock {
    FormatClock { id: ClockId([5; 16]), name: "Clock".into(), slots, min_airtime_ms: None }
}

/// Owned inputs.
#[derive(Clone, Default)]
pub(in crate::planner) struct World {
    pub settings: StationSettings,
    pub media: BTreeMap<MediaId, MediaItem>,
    pub playlists: BTreeMap<PlaylistId, (String, Vec<MediaId>)>,
    pub playlist_times: PlaylistTimes,
    pub clock: Option<FormatClock>,
    pub played: Vec<Play>,
    pub station: u8,
    pub details: BTreeMap<MediaId, MediaDetails>,
    pub blocks: BTreeMap<SmartBlockId, SmartBlock>,
    pub rules: StationRules,
    pub tally: BTreeMap<MediaId, Tally>,
    pub grid: Grid,
    pub clocks: BTreeMap<ClockId, FormatClock>,
    pub orders: Orders,
    pub shows: Shows,
    pub aired: Aired,
    pub transitions: TransitionMode,
    pub analyses: BTreeMap<MediaId, AnalysisEntry>,
}

impl World {
    pub fn of(media: BTreeMap<MediaId, MediaItem>, slots: Vec<ClockSlot>) -> Self {
        let clock = (!slots.is_empty()).then(|| clock(slots));
        Self { media, clock, ..Self::default() }
    }
    pub fn inputs(&self) -> PlanInputs<'_> {
        PlanInputs {
            station: StationId([self.station; 16]),
            settings: &self.settings,
            media: (&self.media).into(),
            prepared: None,
            playlists: &self.playlists,
            playlist_times: &self.playlist_times,
            details: &self.details,
            blocks: &self.blocks,
            rules: &self.rules,
            time_zone: "Europe/Berlin",
            tally: &self.tally,
            clock: self.clock.as_ref(),
            grid: &self.grid,
            clocks: &self.clocks,
            shows: &self.shows,
            aired: &self.aired,
            joins: Joins { mode: self.transitions, analyses: &self.analyses },
            played: &self.played,
            orders: &self.orders,
            input_seq: 7,
        }
    }
    pub fn plan(&self, hours: i64) -> Vec<HourPlan> {
        let hours: Vec<UtcMicros> = (0..hours).map(hour).collect();
        plan_hours_by(1, &self.inputs(), &BTreeMap::new(), &hours).expect("is known")
    }
}
