//! Graphs in the words that others have for them: each is read whole, and nothing in it is idle.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use grimnir_mix::dsp::plan::{Asked, Plan};
use grimnir_mix::dsp::silence::{SilenceAction, SilenceSettings, SilenceWatch};
use grimnir_mix::dsp::{NodeSpec, Preset};
use std::collections::BTreeMap;

type Sketch<'a> = (&'a str, &'a [(&'a str, &'a str)]);

fn plan(nodes: &[Sketch<'_>]) -> Result<Plan, (usize, String)> {
    let params = |(_, params): &Sketch<'_>| -> BTreeMap<String, String> {
        params.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let all: Vec<BTreeMap<String, String>> = nodes.iter().map(params).collect();
    let asked: Vec<Asked<'_>> =
        nodes.iter().zip(&all).map(|((kind, _), params)| (*kind, params)).collect();
    Plan::of(&asked)
}

/// A station's file, with types in lower case.
const OF_A_FILE: [Sketch<'_>; 5] = [
    (
        "loudness_normalize",
        &[
            ("target_lufs", "-16.0"),
            ("true_peak_limit_dbtp", "-1.0"),
            ("integrated_window_sec", "3.0"),
        ],
    ),
    (
        "agc",
        &[
            ("enabled", "true"),
            ("target_level_db", "-14.0"),
            ("max_gain_db", "12.0"),
            ("attack_ms", "10"),
            ("release_ms", "100"),
        ],
    ),
    (
        "compressor",
        &[
            ("threshold_db", "-20.0"),
            ("ratio", "3.0"),
            ("knee_db", "6.0"),
            ("attack_ms", "5"),
            ("release_ms", "50"),
            ("makeup_gain_db", "2.0"),
        ],
    ),
    ("limiter", &[("threshold_db", "-1.0"), ("lookahead_ms", "5"), ("release_ms", "10")]),
    (
        "silence_detector",
        &[("threshold_db", "-40.0"), ("duration_sec", "5.0"), ("action", "failover_to_fallback")],
    ),
];

/// Every node of another engine's enum, with every parameter that one knows.
const OF_AN_ENUM: [Sketch<'_>; 10] = [
    ("NODE_TYPE_MIX", &[]),
    ("NODE_TYPE_DUCK", &[("threshold", "-20"), ("reduction_db", "-9")]),
    ("GATE", &[("threshold", "-55")]),
    ("LOUDNESS_NORMALIZE", &[("target_lufs", "-23")]),
    ("AGC", &[("target_level", "-20"), ("max_gain", "9")]),
    (
        "COMPRESSOR",
        &[("threshold", "-18"), ("ratio", "4"), ("attack_ms", "6"), ("release_ms", "60")],
    ),
    ("EQUALIZER", &[("bands", "10"), ("gains", "band0=+3,band1=-2")]),
    ("LIMITER", &[("threshold", "-2"), ("release_ms", "10")]),
    ("SILENCE_DETECTOR", &[("threshold", "-45"), ("min_duration_ms", "2000")]),
    ("LEVEL_METER", &[("interval_ms", "250")]),
];

#[test]
fn a_file_s_graph_is_read_whole() {
    let found = plan(&OF_A_FILE).unwrap();
    assert_eq!(found.nodes.len(), 3);
    assert_eq!((found.ceiling_db, found.release_ms), (-1.0, 10.0));
    let watch = found.programme_silence.unwrap();
    assert_eq!((watch.action, watch.settings.threshold_db), (SilenceAction::FailOver, -40.0));
    assert_eq!(watch.settings.duration_frames, 5 * 48_000);
}

#[test]
fn every_node_of_another_enum_is_read() {
    let found = plan(&OF_AN_ENUM).unwrap();
    assert_eq!((found.nodes.len(), found.ceiling_db, found.meter_ms), (5, -2.0, 250));
    assert_eq!((found.duck.threshold_db, found.duck.reduction_db), (-20.0, -9.0));
    assert_eq!(found.programme_silence.unwrap().settings.duration_frames, 96_000);
}

/// A parameter that can be left away without a difference is one that does nothing.
#[test]
fn no_parameter_is_taken_and_left_idle() {
    let same = |a: &[Sketch<'_>], b: &[Sketch<'_>]| plan(a).unwrap() == plan(b).unwrap();
    for (kind, params) in [
        ("LOUDNESS_NORMALIZE", &[("true_peak_limit_dbtp", "-3")][..]),
        ("LOUDNESS_NORMALIZE", &[("integrated_window_sec", "5")]),
        ("LOUDNESS_NORMALIZE", &[("gate_lufs", "-60")]),
        ("AGC", &[("enabled", "false")]),
        ("AGC", &[("window_ms", "800")]),
        ("COMPRESSOR", &[("knee", "3")]),
        ("COMPRESSOR", &[("makeup_db", "3")]),
        ("LIMITER", &[("release", "30")]),
        ("EQUALIZER", &[("gains", "band9=1")]),
        ("GATE", &[("hold", "80")]),
        ("HIGH_PASS", &[("cutoff_hz", "90")]),
        ("STEREO_WIDTH", &[("width", "0.5")]),
        ("SILENCE_DETECTOR", &[("channels", "either")]),
        ("SILENCE_DETECTOR", &[("restore_sec", "3")]),
        ("SILENCE_DETECTOR", &[("action", "failover_to_fallback")]),
        ("SILENCE_DETECTOR", &[("enabled", "false")]),
        ("SILENCE_DETECTOR", &[("listens", "sources")]),
        ("SILENCE_DETECTOR", &[("listens", "sources"), ("exempt", "spot")]),
        ("LEVEL_METER", &[("interval_ms", "50")]),
        ("MIX", &[("programme_gain_db", "-3")]),
        ("MIX", &[("over_gain_db", "-3")]),
        ("DUCK", &[("hold", "80")]),
        ("GAIN", &[("gain_db", "1")]),
    ] {
        assert!(!same(&[(kind, params)], &[(kind, &[])]), "{kind} {params:?}");
    }
    // The lowest ceiling holds.
    let both = [
        ("LOUDNESS_NORMALIZE", &[("true_peak_limit_dbtp", "-3")][..]),
        ("LIMITER", &[("ceiling_db", "-2")]),
    ];
    assert_eq!(plan(&both).unwrap().ceiling_db, -3.0);
}

#[test]
fn somebody_always_listens_for_silence() {
    for preset in Preset::ALL {
        let found = plan(preset.nodes()).unwrap();
        assert!(found.programme_silence.is_some(), "{}", preset.word());
        assert_eq!(found.source_silence, Some(SilenceWatch::STANDING), "{}", preset.word());
    }
    let bare = plan(&[]).unwrap();
    assert_eq!(bare.programme_silence, Some(SilenceWatch::STANDING));
    assert_eq!(SilenceWatch::STANDING.settings, SilenceSettings::STANDING);
    let off = plan(&[("SILENCE_DETECTOR", &[("enabled", "false")])]).unwrap();
    assert_eq!((off.programme_silence, off.source_silence.is_some()), (None, true));
    assert!(NodeSpec::parse("silence_detector", &BTreeMap::new()).is_ok());
}
