//! Plays: every item that is being prepared, waits in the mixer, or is heard.
//!
//! A play's number is its voice in the mixer and its number in the journal.

use crate::air::clips::{self, HeadThenTail, media_path};
use crate::air::feeder::{self, DeckReport, Job};
use crate::air::guarded::Guarded;
use crate::air::ring::{RingReader, ring};
use crate::air::{AirCommand, AirHandle};
use grimnir_events::air::{EndReason, ItemStarted};
use grimnir_events::ladder::{AUTOMATION_CLAIM, ClaimItem, Tier};
use grimnir_events::library::ItemKind;
use grimnir_events::station::FadeCurve;
use grimnir_events::timeline::Line;
use grimnir_events::{
    AirFrame, ClaimId, ContentHash, EngineRunId, LineId, MediaId, UtcMicros, derive_id,
};
use grimnir_mix::{Command, FrameSource, Role, Start};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use super::Msg;

mod live;

/// The frame that stands for "with the next block".
pub const NOW: AirFrame = AirFrame(i64::MIN);
/// Fade against a click where something is cut at once: 10 ms.
pub const CUT_FADE: i64 = 480;

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Whose it is.
    pub claim_id: ClaimId,
    /// Its tier.
    pub tier: Tier,
    /// The timeline's line.
    pub line_id: Option<LineId>,
    /// Start by the plan.
    pub planned_at: Option<UtcMicros>,
    /// What plays.
    pub media_id: MediaId,
    /// Its bytes.
    pub play_hash: ContentHash,
    /// Its title.
    pub title: String,
    /// Its artist.
    pub artist: String,
    /// What it is.
    pub kind: ItemKind,
    /// First frame of the file.
    pub from: i64,
    /// Frame of the file after the last.
    pub to: i64,
    /// Gain in hundredths of dB.
    pub gain_db_x100: i32,
    /// Its sound comes as it comes, from a live input.
    pub live: bool,
    /// It is heard over the programme, which is its bed.
    pub over: bool,
}

impl Spec {
    /// A line of the timeline, or one that fills a gap in it.
    pub fn of_line(line: &Line, from: i64, filler: bool) -> Self {
        Self {
            claim_id: AUTOMATION_CLAIM,
            tier: Tier::Automation,
            line_id: (!filler).then_some(line.id),
            planned_at: (!filler).then_some(line.planned_at),
            media_id: line.media_id,
            play_hash: line.play_hash,
            title: line.title.clone(),
            artist: line.artist.clone(),
            kind: line.kind,
            from,
            to: line.cues.cue_out,
            gain_db_x100: line.gain_db_x100,
            live: false,
            over: false,
        }
    }

    /// An item of a claim, from its cue in or from where it was cut.
    pub fn of_item(item: &ClaimItem, claim_id: ClaimId, tier: Tier, from: Option<i64>) -> Self {
        Self {
            claim_id,
            tier,
            line_id: None,
            planned_at: None,
            media_id: item.media_id,
            play_hash: item.play_hash,
            title: item.title.clone(),
            artist: item.artist.clone(),
            kind: item.kind,
            from: from.unwrap_or(item.cues.cue_in).max(0),
            to: item.cues.cue_out,
            gain_db_x100: item.gain_db_x100,
            live: false,
            over: false,
        }
    }

    /// Frames from first to last.
    pub fn frames(&self) -> i64 {
        (self.to - self.from).max(0)
    }
}

/// How far a play has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlayState {
    /// Its feeder has not decoded enough.
    Loading,
    /// It can start.
    Ready,
    /// It cannot.
    Failed {
        /// No file.
        missing: bool,
        /// What was seen.
        reason: String,
    },
    /// The mixer has it.
    Committed,
    /// It is heard since this frame.
    Sounding {
        /// Its first frame.
        at: AirFrame,
    },
}

/// One play.
pub struct Play {
    /// What plays.
    pub spec: Spec,
    /// How far it has come.
    pub state: PlayState,
    /// Frames to air if nothing cuts it.
    pub length: i64,
    /// The file ended so many frames after `from`, short of its cue out, for this reason.
    pub short: Option<(i64, String)>,
    /// Why it will have ended, where that is decided.
    pub end_reason: Option<EndReason>,
    /// Frames of it that were in memory before its feeder began.
    head: i64,
    source: Option<Box<dyn FrameSource>>,
}

/// All plays.
pub struct Plays {
    all: BTreeMap<u64, Play>,
    next: u64,
    media: PathBuf,
    air: AirHandle,
    tx: Sender<Msg>,
}

impl Plays {
    /// No plays; numbers go on after `last`.
    pub fn new(last: u64, media: PathBuf, air: AirHandle, tx: Sender<Msg>) -> Self {
        Self { all: BTreeMap::new(), next: last + 1, media, air, tx }
    }

    /// The play of this number.
    pub fn get(&self, voice: u64) -> Option<&Play> {
        self.all.get(&voice)
    }
    /// The play of this number.
    pub fn get_mut(&mut self, voice: u64) -> Option<&mut Play> {
        self.all.get_mut(&voice)
    }
    /// True if it can start.
    pub fn ready(&self, voice: u64) -> bool {
        self.get(voice).is_some_and(|play| play.state == PlayState::Ready)
    }
    /// Plays that the mixer has, by number.
    pub fn in_mixer(&self) -> Vec<u64> {
        let held = self.all.iter().filter(|(_, play)| play.in_mixer());
        held.map(|(voice, _)| *voice).collect()
    }
    /// Plays that are heard, without those over the programme.
    pub fn sounding(&self) -> usize {
        let heard =
            |play: &&Play| matches!(play.state, PlayState::Sounding { .. }) && !play.spec.over;
        self.all.values().filter(heard).count()
    }

    /// True from when the mixer has an emergency until its last frame.
    pub fn emergency(&self) -> bool {
        self.all.values().any(|play| play.spec.tier == Tier::Emergency && play.in_mixer())
    }

    fn add(&mut self, spec: Spec, state: PlayState, source: Box<dyn FrameSource>) -> u64 {
        let voice = self.next;
        self.next += 1;
        let length = spec.frames();
        let source = Some(source);
        let play = Play { spec, state, length, short: None, end_reason: None, head: 0, source };
        self.all.insert(voice, play);
        voice
    }

    /// Prepares an item from its file.
    pub fn prepare(&mut self, spec: Spec) -> u64 {
        let (from, to, hash) = (spec.from, spec.to, spec.play_hash);
        let (writer, reader) = ring();
        let voice = self.add(spec, PlayState::Loading, Box::new(reader));
        self.feed(voice, hash, from, to, writer);
        voice
    }

    /// Prepares an item whose sound, or its head, is in memory: it is ready at once.
    pub fn prepare_held(&mut self, spec: Spec, held: &clips::Held) -> u64 {
        if held.whole {
            let source = Box::new(Guarded::new(held.clip.source()));
            let frames = held.frames;
            let voice = self.add(spec, PlayState::Ready, source);
            if let Some(play) = self.get_mut(voice) {
                play.length = play.length.min(frames);
            }
            return voice;
        }
        let (tail_from, to, hash) = (spec.from + held.frames, spec.to, spec.play_hash);
        let (writer, reader): (_, RingReader) = ring();
        let source = Box::new(Guarded::new(HeadThenTail::new(&held.clip, reader)));
        let voice = self.add(spec, PlayState::Ready, source);
        if let Some(play) = self.get_mut(voice) {
            play.head = held.frames;
        }
        self.feed(voice, hash, tail_from, to, writer);
        voice
    }

    /// Prepares a clip that repeats until it is ended.
    pub fn prepare_loop(&mut self, spec: Spec, held: &clips::Held) -> u64 {
        let source = Box::new(Guarded::new(held.clip.source().looping()));
        self.add(spec, PlayState::Ready, source)
    }

    fn feed(
        &self,
        voice: u64,
        hash: ContentHash,
        from: i64,
        to: i64,
        writer: crate::air::ring::RingWriter,
    ) {
        let tx = self.tx.clone();
        let path = media_path(&self.media, &hash);
        let job = Job { voice, path, from, to: Some(to) };
        feeder::start(job, writer, move |report| {
            let _ = tx.send(Msg::Deck(report));
        });
    }

    /// Hands a ready play to the mixer; false if it is not ready.
    pub fn commit(
        &mut self,
        voice: u64,
        at: AirFrame,
        length: Option<i64>,
        fade_in: i64,
        curve: FadeCurve,
    ) -> bool {
        let Some(play) = self.all.get_mut(&voice) else { return false };
        if play.state != PlayState::Ready {
            return false;
        }
        let Some(source) = play.source.take() else { return false };
        play.state = PlayState::Committed;
        if let Some(length) = length {
            play.length = length;
        }
        let gain = 10f32.powf(play.spec.gain_db_x100 as f32 / 2_000.0);
        let fade_in = fade_in.max(0);
        let role = if play.spec.over { Role::Over } else { Role::Programme };
        // Who speaks over the programme may pause.
        let watched = !play.spec.over && !self.air.view.exempt().has(play.spec.kind);
        let start = Start { voice, at, source, gain, fade_in, curve, length, role, watched };
        let from_frame = play.spec.from;
        let (urgent, start) = (play.spec.tier == Tier::Emergency, Box::new(start));
        self.air.send(AirCommand::Start { from_frame, urgent, start });
        true
    }

    /// Fades a play out from `at` on; it will have ended for `reason`.
    pub fn fade(
        &mut self,
        voice: u64,
        at: AirFrame,
        frames: i64,
        curve: FadeCurve,
        reason: EndReason,
    ) {
        if let Some(play) = self.all.get_mut(&voice) {
            play.end_reason = Some(reason);
            let frames = frames.max(0);
            self.air.send(AirCommand::Mix(Command::FadeOut { voice, at, frames, curve }));
        }
    }

    /// Takes back what is planned for a play that sounds: its fades that have not begun.
    pub fn unplan(&mut self, voice: u64) {
        if let Some(play) = self.all.get_mut(&voice) {
            play.end_reason = None;
            self.air.send(AirCommand::Cancel(voice));
        }
    }

    /// Gives up a play that is not heard yet. Should it have begun by now, it is cut.
    pub fn discard(&mut self, voice: u64, reason: EndReason) {
        match self.all.get(&voice).map(|play| &play.state) {
            None => {}
            Some(PlayState::Committed | PlayState::Sounding { .. }) => {
                self.air.send(AirCommand::Cancel(voice));
                self.fade(voice, NOW, CUT_FADE, FadeCurve::Linear, reason);
            }
            Some(PlayState::Loading | PlayState::Ready | PlayState::Failed { .. }) => {
                self.all.remove(&voice);
            }
        }
    }

    /// A play is over, or never was: forgets it.
    pub fn forget(&mut self, voice: u64) -> Option<Play> {
        self.all.remove(&voice)
    }

    /// Takes a feeder's word. True if the play has changed.
    pub fn deck(&mut self, report: DeckReport) -> Option<u64> {
        match report {
            DeckReport::Ready { voice } => {
                let play = self.all.get_mut(&voice)?;
                if play.state == PlayState::Loading {
                    play.state = PlayState::Ready;
                }
                Some(voice)
            }
            DeckReport::Failed { voice, missing, reason } => {
                let play = self.all.get_mut(&voice)?;
                tracing::warn!(voice, missing, reason, title = play.spec.title, "item fails");
                if play.state == PlayState::Loading {
                    play.state = PlayState::Failed { missing, reason };
                } else {
                    // The tail of a held head: what is held plays, then it is over.
                    play.short = Some((play.head, reason));
                }
                Some(voice)
            }
            DeckReport::Ended { voice, frames, failure } => {
                let play = self.all.get_mut(&voice)?;
                let frames = play.head + frames;
                // A few milliseconds less than the marks say are a matter of the format.
                let short = play.spec.frames() - frames > 2 * CUT_FADE;
                let spec = &play.spec;
                let at = spec.from + frames;
                let told = format!("the file ends at frame {at}, its cue out is {}", spec.to);
                if let Some(reason) = failure.or(short.then_some(told)) {
                    play.short = Some((frames, reason));
                }
                Some(voice)
            }
        }
    }
}

impl Play {
    fn in_mixer(&self) -> bool {
        matches!(self.state, PlayState::Committed | PlayState::Sounding { .. })
    }

    /// The one name of this play: its line, which airs once; else an id derived from the play.
    pub fn item_id(&self, run: EngineRunId, voice: u64) -> LineId {
        let derived = || LineId(derive_id("engine.play", &[&run.0, &voice.to_be_bytes()]));
        self.spec.line_id.unwrap_or_else(derived)
    }

    /// The journal's word for its start.
    pub fn started(&self, voice: u64) -> ItemStarted {
        let spec = &self.spec;
        ItemStarted {
            play: voice,
            claim_id: spec.claim_id,
            tier: spec.tier,
            line_id: spec.line_id,
            media_id: spec.media_id,
            play_hash: spec.play_hash,
            title: spec.title.clone(),
            artist: spec.artist.clone(),
            kind: spec.kind,
            planned_at: spec.planned_at,
            from_frame: spec.from,
            expected_frames: self.length,
            gain_db_x100: spec.gain_db_x100,
        }
    }
}
