//! Integer units: time in microseconds, sound in frames at 48 kHz, levels in hundredths.
//!
//! Nothing in an event is a float, so that equal values have equal bytes on every machine.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Frames per second of every programme bus.
pub const FRAMES_PER_SECOND: i64 = 48_000;
/// Frames in one mix block (10 ms).
pub const BLOCK_FRAMES: i64 = 480;

/// Microseconds since 1970-01-01T00:00:00Z. Reads and writes as RFC 3339 where a person reads it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UtcMicros(pub i64);

impl UtcMicros {
    /// This instant moved by `micros`; saturates at the ends of the range.
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
    /// Microseconds from `earlier` to this instant.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    /// The air frame at this instant (rounded down).
    pub const fn frame(self) -> AirFrame {
        // 48 frames in 1,000 µs; i128 because 48 × µs since 1970 nears the end of i64 after 2100.
        AirFrame((self.0 as i128 * 48).div_euclid(1_000) as i64)
    }
}

impl std::fmt::Display for UtcMicros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => write!(f, "{t:.6}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}
impl std::fmt::Debug for UtcMicros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
impl Serialize for UtcMicros {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { s.serialize_i64(self.0) }
    }
}
impl<'de> Deserialize<'de> for UtcMicros {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
            let t: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
            Ok(Self(t.as_microsecond()))
        } else {
            i64::deserialize(d).map(Self)
        }
    }
}

/// A position on air: frames at 48 kHz since 1970-01-01T00:00:00Z by the engine's sample clock.
///
/// An engine run fixes its first frame from UTC once and then counts samples.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct AirFrame(pub i64);

impl AirFrame {
    /// This position moved by `frames`; saturates at the ends of the range.
    pub const fn plus(self, frames: i64) -> Self {
        Self(self.0.saturating_add(frames))
    }
    /// Frames from `earlier` to this position.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
    /// The instant of this frame (rounded up, so that `frame().utc().frame()` is the same frame).
    pub const fn utc(self) -> UtcMicros {
        let n = self.0 as i128 * 1_000;
        UtcMicros((n.div_euclid(48) + if n.rem_euclid(48) == 0 { 0 } else { 1 }) as i64)
    }
}

/// Frames in `micros`, rounded down.
pub const fn frames_of_micros(micros: i64) -> i64 {
    (micros as i128 * 48).div_euclid(1_000) as i64
}
/// Microseconds of `frames`, rounded down.
pub const fn micros_of_frames(frames: i64) -> i64 {
    (frames as i128 * 1_000).div_euclid(48) as i64
}
/// Frames in `ms` milliseconds.
pub const fn frames_of_ms(ms: i64) -> i64 {
    ms.saturating_mul(48)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_and_utc_return_the_same_frame() {
        for frame in [0, 1, 7, 47, 48, 1_790_000_000 * 48_000 + 13, -5] {
            assert_eq!(AirFrame(frame).utc().frame(), AirFrame(frame), "frame {frame}");
        }
    }

    #[test]
    fn utc_reads_back_what_it_prints() {
        let t = UtcMicros(1_790_000_000_123_456);
        let text = serde_json::to_string(&t).expect("encodes");
        assert_eq!(serde_json::from_str::<UtcMicros>(&text).expect("decodes"), t);
    }
}
