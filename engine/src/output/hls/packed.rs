//! Segments of packed audio: ADTS frames, with ID3 tags for the time and the titles.

use super::cutter::{Frames, SAMPLES};
use crate::output::id3::Tag;
use crate::output::stream::adts_header;
use grimnir_events::AirFrame;

/// A segment: the time first, as RFC 8216 (3.4) asks; titles where they begin.
pub fn segment(frames: &Frames<'_>) -> Result<Vec<u8>, String> {
    let mut out = tag(frames.first, frames.title_at_start());
    for (n, frame) in frames.coded.iter().enumerate() {
        if let Some(title) = frames.title_from(n) {
            out.extend(tag(frames.first.plus(n as i64 * SAMPLES), title));
        }
        out.extend_from_slice(&adts_header(frame.len())?);
        out.extend_from_slice(frame);
    }
    Ok(out)
}

fn tag(at: AirFrame, title: &str) -> Vec<u8> {
    Tag::default().timestamp(ticks(at)).text(b"TIT2", title).bytes()
}

/// A frame of the air on the clock of 90 kHz that transport streams have.
fn ticks(at: AirFrame) -> u64 {
    (i128::from(at.0) * 15).div_euclid(8) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::id3;

    #[test]
    fn a_segment_begins_with_its_time_and_a_title_stands_where_it_begins() {
        let coded = vec![vec![7u8; 300]; 4];
        let titles = [(0, "One".to_owned()), (2, "Two".to_owned())];
        let frames = Frames { first: AirFrame(8 * 90_000), coded: &coded, titles: &titles };
        let bytes = segment(&frames).expect("fits");
        let tags: Vec<usize> =
            (0..bytes.len() - 3).filter(|at| bytes[*at..].starts_with(b"ID3")).collect();
        let first = id3::length(&bytes);
        assert_eq!(tags, [0, first + 2 * 307]);
        let (one, two) =
            (&bytes[..first], &bytes[tags[1]..tags[1] + id3::length(&bytes[tags[1]..])]);
        let time = |tag: &[u8]| {
            let at = tag.windows(10).position(|w| w == b"Timestamp\0").expect("named") + 10;
            u64::from_be_bytes(tag[at..at + 8].try_into().expect("eight"))
        };
        assert_eq!((time(one), time(two)), (15 * 90_000, 15 * 90_000 + 2 * 1_920));
        let names = |tag: &[u8], name: &[u8]| tag.windows(name.len()).any(|w| w == name);
        assert!(names(one, b"One") && names(two, b"Two") && !names(one, b"Two"));
        // 33 bits, whatever the year.
        assert!(time(&tag(AirFrame(1_795_269_600 * 48_000), "")) < 1 << 33);
    }
}
