//! Recording of sessions: which are recorded, and what of them is on air.

use crate::director::{Director, Taken};
use crate::held::Part;
use grimnir_events::live_recording::EngineLiveRecordings;
use grimnir_events::{AirFrame, ClaimId};

impl Director {
    /// Takes a hand-over of which sessions are recorded.
    pub(in crate::director) fn set_recordings(
        &mut self,
        recordings: EngineLiveRecordings,
        bytes: &[u8],
        epoch: u64,
    ) -> Taken {
        let revision = self.accept(recordings.revision, self.held.recordings.revision, epoch)?;
        self.cache.keep(Part::Recordings, epoch, bytes);
        self.take_recordings(recordings);
        Ok(revision)
    }

    /// Has these sessions recorded; the smallest engine lets nobody in.
    pub(in crate::director) fn take_recordings(&mut self, recordings: EngineLiveRecordings) {
        self.outputs.records().set(recordings.recordings.iter().copied().collect());
        self.held.recordings = recordings;
    }

    /// A play has begun: where it is a session's, its recording learns which frame was first.
    pub(in crate::director) fn note_aired(&mut self, voice: u64, claim: ClaimId, at: AirFrame) {
        let mut lives = self.lives.all.values();
        let of_play = lives.find(|live| live.over == Some(voice) || live.claim == Some(claim));
        let link = of_play.and_then(|live| live.link.as_ref());
        let Some((tap, log)) = link.and_then(|link| Some((&link.tap, link.aired.clone()?))) else {
            return;
        };
        log.began(voice, at, i64::try_from(tap.taken()).unwrap_or(i64::MAX));
        self.lives.airing.insert(voice, log);
    }

    /// A play is over.
    pub(in crate::director) fn note_off_air(&mut self, voice: u64, at: AirFrame) {
        if let Some(log) = self.lives.airing.remove(&voice) {
            log.ended(voice, at);
        }
    }
}
