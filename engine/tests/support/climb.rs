//! Material whose place is heard behind any codec: a tone that climbs, again and again.

use super::*;
use std::f64::consts::TAU;

/// Hertz at the beginning of a climb, and by how many it climbs in a second.
const LOW: f64 = 500.0;
const CLIMB: f64 = 1_500.0;
/// Frames of a climb: 4 s, whole turns of the tone, so that nothing clicks at its end.
const PERIOD: usize = 4 * 48_000;
/// Frames that are looked at in one go: 30 ms.
const WINDOW: usize = 1_440;
/// How like the programme a window is at least: less than 8 ms beside its place. Of one with half a
/// packet of silence in it no more than 0.67 is left.
const LIKE: f64 = 0.7;
/// Windows in which a codec begins, and the last of which it may have given half.
const BEGINS: usize = 4;

/// Sound that climbs, of so many seconds.
pub fn climbing(rig: &Rig, seconds: u32) -> (ContentHash, i64) {
    let turns = Turns::new();
    let sample = |n: u32| (turns.0[n as usize % PERIOD][0] * 9_000.0) as i16;
    store_wav(rig, "climbing", seconds * 48_000, |n| [sample(n); 2])
}

/// The same as MP3 of 128 kbit/s, three whole climbs, which may be sent again and again: no frame
/// needs the one before.
pub fn climbing_mp3(rig: &Rig) -> std::sync::Arc<Vec<u8>> {
    const FRAME: usize = 384;
    climbing(rig, 20);
    let (wav, mp3) = ["climbing.wav", "climbing.mp3"].map(|name| rig.dir.path().join(name)).into();
    let codec = ["-b:a", "128k", "-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0"];
    ffmpeg(&[&["-i", wav.to_str().unwrap()], &codec[..]].concat(), &mp3);
    let all = std::fs::read(mp3).unwrap();
    // Where the encoder has begun, and not in the padding of its end.
    std::sync::Arc::new(all[100 * FRAME..600 * FRAME].to_vec())
}

/// The tone as turns, one for each frame of a climb.
pub struct Turns(Vec<[f64; 2]>);

impl Turns {
    pub fn new() -> Self {
        let turn = |n: usize| {
            let seconds = n as f64 / 48_000.0;
            let angle = TAU * (LOW + CLIMB / 2.0 * seconds) * seconds;
            [angle.cos(), angle.sin()]
        };
        Self((0..PERIOD).map(turn).collect())
    }

    /// How much sound is like the programme from `place` on: 0 to 1.
    fn likeness(&self, heard: &[Frame], place: usize) -> f64 {
        let (mut re, mut im, mut energy) = (0.0, 0.0, 1e-9);
        for (n, frame) in heard.iter().enumerate() {
            let (sample, [cos, sin]) = (f64::from(frame[0]), self.0[(place + n) % PERIOD]);
            (re, im) = (re + sample * cos, im + sample * sin);
            energy += sample * sample;
        }
        2.0 * (re * re + im * im) / (heard.len() as f64 * energy)
    }

    /// Frames between where sound is in a climb and `place`, where it is by less than 700 ms.
    pub fn off(&self, heard: &[Frame], place: i64) -> Option<i64> {
        let at = |off: i64| (place + off).rem_euclid(PERIOD as i64) as usize;
        let best = |offs: std::ops::RangeInclusive<i64>, step| {
            let all = offs.step_by(step).map(|off| (off, self.likeness(heard, at(off))));
            all.max_by(|a, b| a.1.total_cmp(&b.1))
        };
        // What is 5 ms beside its place is like it still.
        let (near, _) = best(-33_600..=33_600, 240)?;
        let (off, likeness) = best(near - 240..=near + 240, 24)?;
        (likeness > LIKE).then_some(off)
    }

    /// Where in a climb sound begins, to half a millisecond, and how like it is there.
    fn place(&self, heard: &[Frame]) -> (usize, f64) {
        let places = (0..PERIOD).step_by(24).map(|place| (place, self.likeness(heard, place)));
        places.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
    }

    /// Where in a climb sound begins.
    pub fn locate(&self, heard: &[Frame]) -> usize {
        self.place(heard).0
    }

    /// The frames of programme in what was heard, of which none is missing and none there twice;
    /// else what is wrong.
    pub fn whole(&self, heard: &[Frame]) -> Result<usize, String> {
        let loud = |part: &[Frame]| part.iter().any(|frame| frame[0].abs() > 0.1);
        let first = heard.chunks_exact(480).position(loud).ok_or("no programme")? * 480;
        let first = first + BEGINS * WINDOW;
        let last = heard.len().saturating_sub(BEGINS * WINDOW);
        let windows = heard.get(first..last).unwrap_or_default();
        let begin = windows.get(..WINDOW).ok_or("hardly any programme")?;
        let (place, likeness) = self.place(begin);
        if likeness < LIKE {
            return Err(format!("no programme at frame {first}: {likeness:.2}"));
        }
        for (n, window) in windows.chunks_exact(WINDOW).enumerate() {
            let expected = (place + n * WINDOW) % PERIOD;
            let likeness = self.likeness(window, expected);
            if likeness < LIKE {
                let found = self.place(window);
                return Err(format!(
                    "window {n} is like the programme by {likeness:.2} at {expected}, and by \
                     {:.2} at {}",
                    found.1, found.0
                ));
            }
        }
        Ok(heard.len() - first + BEGINS * WINDOW)
    }
}

/// The whole frames of an ADTS stream that was cut anywhere.
pub fn whole_adts(body: &[u8]) -> Vec<u8> {
    let length = |at: usize| {
        let head = body.get(at..at + 7)?;
        let is_head = head[0] == 0xff && head[1] & 0xf6 == 0xf0;
        let [a, b, c] = [head[3] & 3, head[4], head[5]].map(usize::from);
        let length = a << 11 | b << 3 | c >> 5;
        (is_head && length > 7).then_some(length)
    };
    // What only looks like a head is not followed by two others.
    let chained = |at: &usize| {
        let next = |at: usize| Some(at + length(at)?);
        next(*at).and_then(next).and_then(length).is_some()
    };
    let first = (0..body.len()).find(chained).expect("there are frames");
    let mut end = first;
    while let Some(next) = length(end).map(|n| end + n).filter(|next| *next <= body.len()) {
        end = next;
    }
    body[first..end].to_vec()
}
