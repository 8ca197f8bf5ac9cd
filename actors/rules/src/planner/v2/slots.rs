//! Goes through the slots of the clock and fills each from its source, every pick by the selector.

pub(super) use super::filling::Filling;
use super::legal::Due;
use super::names::named;
use super::show::is_list;
use super::source::SourceKey;
use super::{Planner, Stretch};
use crate::library::stock::marks;
use crate::planner::chain::{Chain, Fades, HOUR_LINES};
use crate::planner::hours::airs_once;
use crate::planner::sound::takes_crossfade;
use crate::planner::v1::slots::{End, starts};
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::roll::Part;
use grimnir_events::stock::EntryTimes;
use grimnir_events::timeline::{
    Anchor, ClockSlot, HourPlan, Line, PlaylistMode, SlotSource, SlotStart,
};
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{AirFrame, LineId, PlaylistId, SmartBlockId, UtcMicros};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The hour in the making.
pub(super) struct Slots<'p, 'a> {
    pub planner: &'p mut Planner<'a>,
    pub earlier: &'p [&'p HourPlan],
    pub chain: Chain<'a>,
    seed: [u8; 32],
    pub stretch: &'p Stretch,
    pub places: BTreeMap<PlaylistId, usize>,
    /// What could not be done as asked.
    pub notes: Vec<String>,
    full: bool,
    /// The next line hangs on a slot's time.
    pub anchored: bool,
    /// Legal IDs that are to find their breaks.
    pub legal: Vec<Due>,
    /// Who is to tell of the rest that is kept free for one.
    pub rest_of: Option<String>,
    /// The clock puts one of its own at the hour: within these times it counts.
    pub own_id: Option<(AirFrame, AirFrame)>,
    /// The slot in the making, and what of its source gives the next line.
    pub slot: Option<u32>,
    pub part: Part,
    /// Where each line comes from.
    pub origins: Vec<(LineId, Option<u32>, Part)>,
    /// The library is not the one that was prepared: the hour ends where that is seen.
    gone: bool,
}

/// What a pick changes beside the chain.
pub(super) struct Kept {
    relaxed: BTreeMap<String, u32>,
    traces: usize,
}

impl<'p, 'a> Slots<'p, 'a> {
    pub fn new(
        planner: &'p mut Planner<'a>,
        earlier: &'p [&'p HourPlan],
        chain: Chain<'a>,
        seed: [u8; 32],
        stretch: &'p Stretch,
    ) -> Self {
        let (places, notes, origins) = (BTreeMap::new(), Vec::new(), Vec::new());
        let (full, gone, slot, part) = (false, false, None, Part::Main);
        Self {
            planner,
            earlier,
            chain,
            seed,
            stretch,
            places,
            notes,
            full,
            anchored: false,
            legal: Vec::new(),
            rest_of: None,
            own_id: None,
            gone,
            slot,
            part,
            origins,
        }
    }

    /// Fills the hour.
    pub fn fill(&mut self) {
        let Stretch { from: hour, until, ref slots, next: ref following, .. } = *self.stretch;
        self.owe_legal_ids();
        let first = slots.first();
        let end_of = |after: &[ClockSlot]| {
            let next = after.iter().find_map(|slot| Some((slot.start, starts(hour, slot)?)));
            match next {
                Some((start, at)) => (End::before(start, at), false),
                None => (End::of_hour(following, until), true),
            }
        };
        // What comes before a first slot with a time of its own has no source.
        let timed = |slot: &ClockSlot| slot.offset_ms.is_some_and(|offset_ms| offset_ms > 0);
        let lead = first.is_none_or(|slot| timed(slot) && slot.start != SlotStart::Free);
        if lead {
            let mut filling = self.begin("hour".into(), usize::MAX, hour, End::NONE, b"");
            self.ends(end_of(slots), &mut filling);
            self.rotate(&SourceKey::Library, &mut filling);
            if filling.end.hard {
                self.tell_rest(&filling, "hour");
            }
            self.conclude(filling);
        }
        let mut begun = hour;
        for (index, slot) in slots.iter().enumerate() {
            begun = starts(hour, slot).unwrap_or(begun);
            self.hang_on(slot.start, begun);
            let after = &slots[index + 1..];
            match self.stretch.shows.get(&index).filter(|show| is_list(show)) {
                Some(show) => self.show(index, show, begun, end_of(after)),
                None => self.slot(index, slot, begun, end_of(after), after.first()),
            }
        }
        self.end_legal_ids();
        self.close();
    }

    /// Sets what the first line of a slot hangs on.
    pub fn hang_on(&mut self, start: SlotStart, at: UtcMicros) {
        match start {
            SlotStart::Free => {}
            SlotStart::Soft { grace_ms } => {
                self.hang(Anchor::Soft { at, grace_us: i64::from(grace_ms) * 1_000 });
            }
            SlotStart::Hard => self.hang(Anchor::Hard { at }),
        }
    }

    /// Gives a slot its end: that of the hour leaves room for a legal ID where one is to come.
    pub fn ends(&self, (end, of_hour): (End, bool), filling: &mut Filling) {
        (filling.end, filling.keeps_room) = (end, false);
        if of_hour {
            filling.end = self.with_room_for_id(end);
            filling.keeps_room = filling.end.at != end.at;
        }
    }

    /// Sets what the next line hangs on; a first line that waits for the hour goes on waiting.
    fn hang(&mut self, anchor: Anchor) {
        self.anchored = true;
        let waits = self.chain.is_empty() && matches!(self.chain.pending, Anchor::Hard { .. });
        self.chain.pending = match anchor {
            Anchor::Soft { at, .. } if waits => Anchor::Hard { at },
            free @ (Anchor::AfterPrevious | Anchor::Soft { .. } | Anchor::Hard { .. }) => free,
        };
    }

    pub fn begin(
        &self,
        label: String,
        index: usize,
        start: UtcMicros,
        end: End,
        source: &[u8],
    ) -> Filling {
        // Seed of a slot: (station, hour, version), then source, place and start.
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update((source.len() as u64).to_be_bytes());
        hasher.update(source);
        hasher.update((index as u64).to_be_bytes());
        hasher.update(start.0.to_be_bytes());
        let seed: [u8; 32] = hasher.finalize().into();
        let rng = ChaCha8Rng::from_seed(seed);
        let (relaxed, items, keeps_room) = (BTreeMap::new(), None, false);
        Filling { label, end, rng, seed, relaxed, items, keeps_room }
    }

    /// One run of a block and nothing else.
    pub fn only(&mut self, block: SmartBlockId, at: UtcMicros, end: End) {
        let mut filling = self.begin("block".into(), 0, at, end, &block.0);
        self.block(block, &mut filling);
        self.conclude(filling);
    }

    pub fn slot(
        &mut self,
        index: usize,
        slot: &ClockSlot,
        start: UtcMicros,
        end: (End, bool),
        next: Option<&ClockSlot>,
    ) {
        (self.slot, self.part) = (u32::try_from(index).ok(), Part::Main);
        let label = format!("slot {index}");
        let mut filling = self.begin(label.clone(), index, start, End::NONE, &named(&slot.source));
        self.ends(end, &mut filling);
        self.chain.set_useful(slot.min_airtime_ms);
        // A slot that another follows by position takes its share and leaves the rest.
        let shares = next.is_some_and(|next| next.offset_ms.is_none());
        filling.items = slot.items.or((shares && !self.ends_itself(&slot.source)).then_some(1));
        if !airs_once(&slot.source) && !self.wants_more(filling.end) {
            self.notes.push(format!("{label}: no time is left for it"));
        }
        self.fill_from(&slot.source, &mut filling);
        let end = filling.end;
        // Without this the chain would run ahead of a line that waits for nothing.
        let holds = end.hold || self.leads_to_show(index);
        if holds && !shares && self.wants_more(end) && self.has_room() {
            let before = self.chain.next_start();
            filling.items = None;
            self.part = Part::Fill;
            self.rotate(&SourceKey::Library, &mut filling);
            if self.chain.next_start() > before {
                self.notes.push(format!("{label}: its source ends early, filled from the library"));
            }
        }
        if end.hard && !shares {
            self.tell_rest(&filling, &label);
        }
        self.conclude(filling);
        self.chain.set_useful(None);
    }

    fn fill_from(&mut self, source: &SlotSource, filling: &mut Filling) {
        match source {
            SlotSource::Category { category }
            | SlotSource::LiveWindow { category, .. }
            | SlotSource::Webstream { category, .. }
                if category.is_empty() =>
            {
                self.rotate(&SourceKey::Library, filling);
            }
            SlotSource::Category { category }
            | SlotSource::LiveWindow { category, .. }
            | SlotSource::Webstream { category, .. } => {
                self.rotate(&SourceKey::Category(category.to_lowercase()), filling);
            }
            SlotSource::Playlist { playlist_id }
            | SlotSource::PlaylistBy { playlist_id, mode: PlaylistMode::Sequential } => {
                self.in_order(*playlist_id, filling);
            }
            SlotSource::PlaylistBy { playlist_id, mode } => {
                self.rotate(&SourceKey::Playlist(*playlist_id, *mode), filling);
            }
            SlotSource::SmartBlock { block_id } => self.block(*block_id, filling),
            SlotSource::HardItem { media_id } => self.hard_item(*media_id, filling),
            SlotSource::Stopset { stopset } => self.stopset(stopset, filling),
            SlotSource::Imaging { role, category } => self.imaging(*role, category, filling),
            SlotSource::VoiceTrack { track } => self.voice_track(track, filling),
        }
    }

    /// The source says itself how much it is.
    fn ends_itself(&self, source: &SlotSource) -> bool {
        let SlotSource::SmartBlock { block_id } = source else { return airs_once(source) };
        let block = self.planner.inputs.blocks.get(block_id);
        let duration = block.map(|block| &block.rules.duration);
        duration.is_some_and(|own| own.target_ms.is_some() || own.max_items.is_some())
    }

    pub fn push(&mut self, place: usize, playlist: Option<PlaylistId>) {
        self.push_timed(place, playlist, None);
    }

    pub fn push_timed(
        &mut self,
        place: usize,
        playlist: Option<PlaylistId>,
        times: Option<EntryTimes>,
    ) {
        let catalogue = self.planner.catalogue.clone();
        let Some(item) = self.library_item(place) else { return };
        // Marks that the item's audio has no room for any more are its own again.
        let timed = times.and_then(|times| Some((marks(item, &times)?, times)));
        let own = catalogue.entries[place].cues;
        let (cues, fades) = timed.map_or((own, Fades::default()), |(cues, times)| {
            (cues, Fades { before_ms: times.fade_in_ms, after_ms: times.fade_out_ms })
        });
        let at = self.chain.push_timed(item, cues, playlist, fades);
        if item.kind == ItemKind::LegalId {
            self.identified(at);
        }
        self.pushed(place, at);
    }

    /// The item of a place; a library that is not the one that was prepared ends the hour.
    pub fn library_item(&mut self, place: usize) -> Option<&'a MediaItem> {
        let item = self.planner.item(place);
        if item.is_none() {
            let id = self.planner.catalogue.entries[place].id;
            self.notes.push(format!("{id} left the library while it was planned"));
            (self.gone, self.full) = (true, true);
        }
        item
    }

    /// Notes what was appended.
    pub fn pushed(&mut self, place: usize, at: UtcMicros) {
        self.anchored = false;
        let catalogue = self.planner.catalogue.clone();
        let who = super::history::Who::Item(place as u32);
        self.planner.history.note(&catalogue, super::history::Logged { at, who });
        let line = self.chain.last();
        self.origins.extend(line.map(|line| (line.id, self.slot, self.part)));
        let traced = self.planner.traces.as_mut().and_then(|traces| traces.last_mut());
        if let (Some((id @ None, trace)), Some(line)) = (traced, line)
            && trace.picked == Some(line.media_id)
        {
            *id = Some(line.id);
        }
    }

    /// What a pick would change beside the chain, while a legal ID may come before it.
    pub fn kept(&self, filling: &Filling) -> Option<Kept> {
        let traces = self.planner.traces.as_ref().map_or(0, Vec::len);
        (!self.legal.is_empty()).then(|| Kept { relaxed: filling.relaxed.clone(), traces })
    }

    /// Puts a legal ID in place of a pick where this break is its own; the pick was none then.
    pub fn identify_instead(
        &mut self,
        airtime: i64,
        kept: Option<Kept>,
        filling: &mut Filling,
    ) -> bool {
        let Some(kept) = kept else { return false };
        let pick = self.planner.traces.as_mut().map(|traces| traces.split_off(kept.traces));
        let put = self.identify(airtime, filling);
        if put {
            filling.relaxed = kept.relaxed;
        } else if let (Some(traces), Some(pick)) = (&mut self.planner.traces, pick) {
            traces.extend(pick);
        }
        put
    }

    /// Time is left before the end, and before a cut enough to be worth a start.
    pub fn wants_more(&self, end: End) -> bool {
        let start = self.chain.next_start();
        start < end.at
            && !self.awaits_legal_id()
            && end.cut.is_none_or(|cut| cut.since(start) >= self.chain.useful())
    }

    pub fn has_room(&mut self) -> bool {
        let room = self.chain.has_room() && !self.gone;
        if !room && !std::mem::replace(&mut self.full, true) {
            let note = format!("the hour has as many lines as a plan holds, {HOUR_LINES} at most");
            self.notes.push(note);
        }
        room
    }

    pub fn note_rest(&mut self, end: End, label: &str) {
        let left = end.at.since(self.chain.next_start());
        if left > 0 && !self.full {
            let ms = left * 1_000 / FRAMES_PER_SECOND;
            self.notes.push(format!("{label}: {ms} ms before the next fixed time are not filled"));
        }
    }

    /// Says what a slot relaxed.
    pub fn conclude(&mut self, filling: Filling) {
        for (rule, times) in filling.relaxed {
            self.notes.push(format!("{}: {rule} relaxed {times} times", filling.label));
        }
    }

    /// The last line meets the next hour's first; where that is known not to be overlapped, it is
    /// not.
    fn close(&mut self) {
        let first = self.stretch.next.first();
        if let Some(SlotSource::HardItem { media_id }) = first.map(|slot| &slot.source)
            && let Some(place) = self.planner.catalogue.place(*media_id)
            && let Some(item) = self.planner.item(place)
            && !takes_crossfade(item, self.planner.inputs.settings)
        {
            self.chain.close_without_crossfade();
        }
        self.chain.close();
    }

    /// Lines and notes.
    pub fn finish(self) -> (Vec<Line>, Vec<String>) {
        (self.chain.into_lines(), self.notes)
    }
}
