//! Chains that are ready made.

use super::spec::NodeSpec;

/// A type, and parameters by name.
pub type Sketch = (&'static str, &'static [(&'static str, &'static str)]);

/// Chains that are ready made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// The limiter alone.
    Clean,
    /// Levelled and lightly compressed: music that keeps its dynamics.
    Music,
    /// Dense and even: for cars and kitchens.
    Broadcast,
    /// Voices: rumble away, pauses gated, evened out.
    Speech,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Clean, Self::Music, Self::Broadcast, Self::Speech];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Music => "music",
            Self::Broadcast => "broadcast",
            Self::Speech => "speech",
        }
    }

    /// Its nodes between INPUT and OUTPUT: type, and parameters.
    pub const fn nodes(self) -> &'static [Sketch] {
        match self {
            Self::Clean => &[("LIMITER", &[])],
            Self::Music => &[
                ("AGC", &[("target_level_db", "-16"), ("max_gain_db", "6"), ("max_cut_db", "6")]),
                (
                    "COMPRESSOR",
                    &[
                        ("threshold_db", "-18"),
                        ("ratio", "2"),
                        ("attack_ms", "20"),
                        ("release_ms", "200"),
                        ("makeup_gain_db", "2"),
                    ],
                ),
                ("LIMITER", &[]),
                ("SILENCE_DETECTOR", &[]),
            ],
            Self::Broadcast => &[
                ("HIGH_PASS", &[("frequency_hz", "30")]),
                ("AGC", &[("target_level_db", "-15"), ("max_gain_db", "10")]),
                (
                    "COMPRESSOR",
                    &[
                        ("threshold_db", "-22"),
                        ("ratio", "4"),
                        ("attack_ms", "8"),
                        ("release_ms", "120"),
                        ("makeup_gain_db", "5"),
                    ],
                ),
                ("EQUALIZER", &[("bands", "low_shelf 90 2 0.7; high_shelf 9000 1.5 0.7")]),
                ("LIMITER", &[("release_ms", "60")]),
                ("SILENCE_DETECTOR", &[]),
            ],
            Self::Speech => &[
                ("HIGH_PASS", &[("frequency_hz", "80")]),
                ("GATE", &[("threshold_db", "-50"), ("range_db", "-12")]),
                ("AGC", &[("target_level_db", "-17"), ("release_ms", "1500")]),
                ("COMPRESSOR", &[("threshold_db", "-24"), ("ratio", "3")]),
                ("EQUALIZER", &[("bands", "peak 3000 2 1")]),
                ("LIMITER", &[]),
                ("SILENCE_DETECTOR", &[("duration_sec", "10")]),
            ],
        }
    }

    /// What its nodes read as.
    pub fn specs(self) -> Vec<NodeSpec> {
        let spec = |(kind, params): &Sketch| {
            let params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            NodeSpec::parse(kind, &params)
        };
        self.nodes().iter().filter_map(|node| spec(node).ok()).collect()
    }
}
