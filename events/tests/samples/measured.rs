//! Samples of analysis.

use super::words;
use grimnir_events::MediaId;
use grimnir_events::analysis::*;
use grimnir_events::library::CueMarks;

pub fn analysis(media_id: MediaId) -> Vec<(String, AnalysisEvent)> {
    let mut samples = vec![
        ("Queued".into(), AnalysisEvent::Queued { media_id }),
        ("Begun".into(), AnalysisEvent::Begun { media_id }),
        ("MarksReturned".into(), AnalysisEvent::MarksReturned { media_id }),
        ("silence".into(), measured(media_id, Analysis::default())),
    ];
    for (word, shape) in words!(TailShape: Cold, Falling, Sustained, Long) {
        samples.push((word.into(), measured(media_id, whole(shape))));
    }
    let kinds = words!(
        FailureKind: Missing, Refused, Crashed, TimedOut, OutOfMemory, Changed,
    );
    for (word, kind) in kinds {
        assert!(!kind.word().is_empty());
        let failure =
            AnalysisFailure { analyser_version: 3, kind, reason: "no frame decodes".into() };
        samples.push((word.into(), AnalysisEvent::Failed { media_id, failure }));
    }
    samples
}

fn measured(media_id: MediaId, analysis: Analysis) -> AnalysisEvent {
    AnalysisEvent::Measured { media_id, analysis: Box::new(analysis) }
}

fn whole(shape: TailShape) -> Analysis {
    Analysis {
        analyser_version: 2,
        duration_frames: 9_600_001,
        loudness_lufs_x100: Some(-1_402),
        range_lu_x100: Some(713),
        true_peak_dbtp_x100: Some(-103),
        cues: CueMarks { cue_in: 480, segue: 9_000_000, cue_out: 9_500_000 },
        leading_silence: 481,
        trailing_silence: 100_001,
        head: Head { full_from: 4_800, level_lu_x100: -1_210 },
        tail: Tail { shape, fall_lu_per_s_x100: 533 },
        intro_end: Some(700_000),
        bpm_x100: Some(12_850),
        key: "F#m".into(),
        album_place: Some(AlbumPlace { disc: 1, track: 7 }),
    }
}
