//! What a process that decodes a file is given: its environment, and time by the file's size (two
//! seconds of sound have no right to ten minutes).
//!
//! The measuring process sets the bound of CPU time on itself; whoever started it waits longer by
//! what a busy machine may keep it waiting. Not here: memory, which is the same for all.

use std::time::Duration;

/// CPU time at most: 12 h of sound at 80 times real time.
const CPU_MOST_S: u64 = 540;
/// CPU time of any file: a hundred times what the shortest take.
const CPU_LEAST_S: u64 = 20;
/// What each MiB adds: the 23 minutes that are in it at 6 kbit/s, at 46 times real time.
const CPU_PER_MIB_S: u64 = 30;
/// What a process that programme goes before may wait for its turn.
const WAITS_S: u64 = 60;
/// Longest that anybody waits.
const PATIENCE_MOST_S: u64 = 900;
/// Sound of any file at most, and that each byte adds: silence in FLAC's blocks of 4,096 frames
/// takes ten times the bytes.
const SOUND_LEAST_S: u64 = 60;
const BYTES_PER_S: u64 = 16;

/// Variables that a decoder needs to find its plugins and their register; it is given no others.
pub const ENVIRONMENT: [&str; 11] = [
    "HOME",
    "PATH",
    "XDG_CACHE_HOME",
    "LD_LIBRARY_PATH",
    "GRIMNIR_LOG",
    "GST_REGISTRY",
    "GST_REGISTRY_1_0",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0",
    "GST_PLUGIN_SYSTEM_PATH",
    "GST_PLUGIN_SCANNER",
];

/// Those of them that are set, with their values.
pub fn environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// Seconds of CPU time in which a file of so many bytes is to be decoded.
pub fn cpu_seconds(bytes: u64) -> u64 {
    let by_size = bytes.saturating_mul(CPU_PER_MIB_S) >> 20;
    CPU_LEAST_S.saturating_add(by_size).min(CPU_MOST_S)
}

/// How long whoever started it waits: a file may be decoded twice, to a play copy and that one.
pub fn patience(bytes: u64) -> Duration {
    Duration::from_secs((2 * cpu_seconds(bytes) + WAITS_S).min(PATIENCE_MOST_S))
}

/// Seconds of sound that so many bytes can hold.
pub fn sound_seconds(bytes: u64) -> u64 {
    SOUND_LEAST_S + bytes / BYTES_PER_S
}

/// Refuses more sound than so many bytes can hold: it was made up from a time stamp or a header.
pub fn held(seconds: u64, bytes: u64) -> Result<(), String> {
    let most = sound_seconds(bytes);
    if seconds <= most {
        return Ok(());
    }
    Err(format!("over {most} s of sound, more than its {bytes} bytes can hold"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_follows_the_size_up_to_what_half_a_day_of_sound_takes() {
        assert_eq!([0, 30_000, 1 << 20, 10 << 20].map(cpu_seconds), [20, 20, 50, 320]);
        assert_eq!([690 << 20, u64::MAX].map(cpu_seconds), [540, 540]);
        assert_eq!(patience(30_000), Duration::from_secs(100));
        // 12 h of Opus at 6 kbit/s.
        assert_eq!(cpu_seconds(12 * 3_600 * 750), 540);
        assert_eq!(sound_seconds(30_000), 1_935);
        assert_eq!(held(1_935, 30_000), Ok(()));
        assert!(held(1_936, 30_000).is_err_and(|why| why.contains("30000 bytes")));
    }
}
