//! The position page: where the air is, kept in a mapped file every block.
//!
//! It outlives the process (the page cache does), so that after kill -9 the next run knows the
//! last block that was mixed. Two slots are written in turn, each with a sequence word and a
//! checksum: a torn write damages one, the other is a block older. Not here: durability against
//! power loss; the journal bounds that.

use grimnir_events::{AirFrame, EngineRunId};
use memmap2::MmapMut;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::Path;

/// Size of the file: one page.
const PAGE_BYTES: usize = 4_096;
/// Where each slot begins: apart by a cache line and more.
const SLOTS: [usize; 2] = [0, 512];
/// Bytes of a slot: magic, sequence, run, air frame, play, file frame, checksum.
const SLOT_BYTES: usize = 4 + 8 + 16 + 8 + 8 + 8 + 4;
const MAGIC: [u8; 4] = *b"GPos";

/// What one slot says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// The run that wrote it.
    pub run: EngineRunId,
    /// First frame after the last block mixed.
    pub air_frame: AirFrame,
    /// The play that was heard, 0 for none.
    pub play: u64,
    /// Frame of its file that is next.
    pub file_frame: i64,
}

/// The page of this run.
pub struct PositionPage {
    map: MmapMut,
    seq: u64,
}

/// What the run before left in the page of `path`, if it can be trusted.
pub fn read(path: &Path) -> Option<Position> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(PAGE_BYTES as u64).read_to_end(&mut bytes).ok()?;
    let slots = SLOTS.iter().filter_map(|at| decode(bytes.get(*at..*at + SLOT_BYTES)?));
    slots.max_by_key(|(seq, _)| *seq).map(|(_, position)| position)
}

fn decode(slot: &[u8]) -> Option<(u64, Position)> {
    let (body, sum) = slot.split_at(SLOT_BYTES - 4);
    if body[..4] != MAGIC || crc32c::crc32c(body).to_be_bytes() != *sum {
        return None;
    }
    let word = |at: usize| -> Option<u64> {
        Some(u64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?))
    };
    let run = EngineRunId(body.get(12..28)?.try_into().ok()?);
    let position = Position {
        run,
        air_frame: AirFrame(word(28)? as i64),
        play: word(36)?,
        file_frame: word(44)? as i64,
    };
    Some((word(4)?, position))
}

impl PositionPage {
    /// Makes the page of this run; in plain memory where the disk refuses.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let map = match map_file(path) {
            Ok(map) => map,
            Err(error) => {
                tracing::error!(
                    path = %path.display(), %error,
                    "position page is in memory only: a crash will not know where it was"
                );
                MmapMut::map_anon(PAGE_BYTES)?
            }
        };
        Ok(Self { map, seq: 0 })
    }

    /// Writes one position; called once a block, never blocks on the disk.
    pub fn write(&mut self, position: &Position) {
        self.seq += 1;
        let mut slot = [0u8; SLOT_BYTES];
        slot[..4].copy_from_slice(&MAGIC);
        slot[4..12].copy_from_slice(&self.seq.to_be_bytes());
        slot[12..28].copy_from_slice(&position.run.0);
        slot[28..36].copy_from_slice(&position.air_frame.0.to_be_bytes());
        slot[36..44].copy_from_slice(&position.play.to_be_bytes());
        slot[44..52].copy_from_slice(&position.file_frame.to_be_bytes());
        let sum = crc32c::crc32c(&slot[..SLOT_BYTES - 4]);
        slot[SLOT_BYTES - 4..].copy_from_slice(&sum.to_be_bytes());
        let at = SLOTS[(self.seq % 2) as usize];
        self.map[at..at + SLOT_BYTES].copy_from_slice(&slot);
    }
}

fn map_file(path: &Path) -> std::io::Result<MmapMut> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    // Written, not only sized: a hole on a full disk would end the process at the first store.
    file.write_all(&[0u8; PAGE_BYTES])?;
    file.sync_data()?;
    #[expect(unsafe_code, reason = "the engine's lock file keeps every other writer away")]
    let map = unsafe { MmapMut::map_mut(&file) }?;
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(frame: i64) -> Position {
        Position {
            run: EngineRunId([7; 16]),
            air_frame: AirFrame(frame),
            play: 3,
            file_frame: frame - 10,
        }
    }

    #[test]
    fn the_last_block_is_read_back_from_another_mapping() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("position.page");
        assert_eq!(read(&path), None);
        let mut page = PositionPage::open(&path).expect("opens");
        assert_eq!(read(&path), None);
        for frame in [480, 960, 1_440] {
            page.write(&position(frame));
            assert_eq!(read(&path), Some(position(frame)));
        }
    }

    #[test]
    fn a_torn_write_leaves_the_block_before_it() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("position.page");
        let mut page = PositionPage::open(&path).expect("opens");
        page.write(&position(480));
        page.write(&position(960));
        drop(page);
        let mut bytes = std::fs::read(&path).expect("reads");
        bytes[SLOTS[0] + 30] ^= 1;
        std::fs::write(&path, &bytes).expect("writes");
        assert_eq!(read(&path), Some(position(480)));
    }
}
