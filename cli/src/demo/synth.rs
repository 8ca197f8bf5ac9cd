//! A dozen tracks made of plain tones, so that the demonstration needs no music.
//!
//! Chords over a pulse with a melody, each track in its own key and tempo; 44.1 and 48 kHz by
//! turns, so that both ways into the mix are heard.

use lofty::config::WriteOptions;
use lofty::prelude::{Accessor, TagExt};
use lofty::tag::{Tag, TagType};
use std::f64::consts::TAU;
use std::io::{BufWriter, Write};
use std::path::Path;

const TRACKS: [(&str, &str); 12] = [
    ("Ratatosk", "Up the Trunk"),
    ("Huginn", "Thought at Dawn"),
    ("Muninn", "Memory Lane"),
    ("Sleipnir", "Eight Feet"),
    ("Nidhogg", "Root and Tooth"),
    ("Heimdall", "The Horn"),
    ("Bragi", "First Verse"),
    ("Idun", "Apples"),
    ("Skadi", "Winter Mountain"),
    ("Ran", "The Net"),
    ("Huginn", "Thought at Dusk"),
    ("Bragi", "Last Verse"),
];
/// Semitones above the root, four chords a turn.
const CHORDS: [[i32; 3]; 4] = [[0, 4, 7], [9, 12, 16], [5, 9, 12], [7, 11, 14]];
const MELODY: [i32; 8] = [12, 16, 19, 16, 14, 12, 11, 14];

/// Writes the tracks and a station identification; what is there already stays.
pub fn make_tracks(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for (index, (artist, title)) in TRACKS.iter().enumerate() {
        let path = folder.join(format!("{:02} {artist} - {title}.wav", index + 1));
        let rate = if index % 2 == 0 { 44_100 } else { 48_000 };
        let song = Song {
            root_hz: 110.0 * (2.0f64).powf(((index * 5) % 12) as f64 / 12.0),
            beat_s: 60.0 / (84.0 + 7.0 * (index % 6) as f64),
            length_s: 75.0 + 5.0 * (index % 7) as f64,
        };
        write(&path, rate, &song.render(rate), artist, title)?;
    }
    let path = folder.join("Station ID.wav");
    write(&path, 48_000, &jingle(48_000), "Grimnir Demo", "Station ID")
}

struct Song {
    root_hz: f64,
    beat_s: f64,
    length_s: f64,
}

impl Song {
    fn render(&self, rate: u32) -> Vec<[f64; 2]> {
        let frames = (self.length_s * f64::from(rate)) as usize;
        (0..frames).map(|n| self.at(n as f64 / f64::from(rate))).collect()
    }

    fn at(&self, t: f64) -> [f64; 2] {
        let beat = t / self.beat_s;
        let chord = CHORDS[(beat / 4.0) as usize % CHORDS.len()];
        let into_beat = beat.fract() * self.beat_s;
        let mut pad = 0.0;
        for step in chord {
            let hz = self.root_hz * 2.0 * semitones(step);
            pad += (TAU * hz * t).sin() + 0.3 * (TAU * hz * 2.0 * t).sin();
        }
        let bass = (TAU * self.root_hz * semitones(chord[0]) * t).sin() * (-3.0 * into_beat).exp();
        let note = MELODY[(beat * 2.0) as usize % MELODY.len()];
        let into_note = (beat * 2.0).fract() * self.beat_s / 2.0;
        let lead = (TAU * self.root_hz * 4.0 * semitones(note) * t).sin()
            * (-5.0 * into_note).exp()
            * (into_note * 200.0).min(1.0);
        let edge = (t * 2.0).min(1.0) * ((self.length_s - t) / 3.0).clamp(0.0, 1.0);
        let sway = 0.15 * (TAU * t / (self.beat_s * 16.0)).sin();
        let both = 0.05 * pad + 0.18 * bass;
        [edge * (both + (0.12 - sway * 0.3) * lead), edge * (both + (0.12 + sway * 0.3) * lead)]
    }
}

fn jingle(rate: u32) -> Vec<[f64; 2]> {
    let notes = [0, 7, 12, 16, 19];
    let frames = (3.2 * f64::from(rate)) as usize;
    (0..frames)
        .map(|n| {
            let t = n as f64 / f64::from(rate);
            let index = ((t / 0.35) as usize).min(notes.len() - 1);
            let into = t - 0.35 * index as f64;
            let hz = 330.0 * semitones(notes[index]);
            let level = 0.3 * (-2.0 * into).exp() * (into * 300.0).min(1.0);
            let sample = level * ((TAU * hz * t).sin() + 0.4 * (TAU * hz * 1.5 * t).sin());
            [sample, sample]
        })
        .collect()
}

fn semitones(steps: i32) -> f64 {
    (2.0f64).powf(f64::from(steps) / 12.0)
}

fn write(
    path: &Path,
    rate: u32,
    frames: &[[f64; 2]],
    artist: &str,
    title: &str,
) -> Result<(), String> {
    if path.exists() {
        return Ok(());
    }
    let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let partial = path.with_extension("part");
    write_wav(&partial, rate, frames).map_err(|e| fail(&e))?;
    let mut tag = Tag::new(TagType::Id3v2);
    tag.set_artist(artist.to_owned());
    tag.set_title(title.to_owned());
    tag.set_album("Grimnir Demonstration".to_owned());
    std::fs::rename(&partial, path).map_err(|e| fail(&e))?;
    tag.save_to_path(path, WriteOptions::default()).map_err(|e| fail(&e))
}

/// 16-bit stereo PCM in a RIFF file.
fn write_wav(path: &Path, rate: u32, frames: &[[f64; 2]]) -> std::io::Result<()> {
    let bytes = u32::try_from(frames.len() * 4).unwrap_or(u32::MAX);
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    out.write_all(b"RIFF")?;
    out.write_all(&(36 + bytes).to_le_bytes())?;
    out.write_all(b"WAVEfmt \x10\0\0\0\x01\0\x02\0")?;
    out.write_all(&rate.to_le_bytes())?;
    out.write_all(&(rate * 4).to_le_bytes())?;
    out.write_all(&[4, 0, 16, 0])?;
    out.write_all(b"data")?;
    out.write_all(&bytes.to_le_bytes())?;
    for frame in frames {
        for sample in frame {
            let value = (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
            out.write_all(&value.to_le_bytes())?;
        }
    }
    out.flush()
}
