//! The tree in pieces of 256 hashes: names of tiles, and nodes and proofs read from them.

use super::error::ProofError;
use super::path::Nodes;
use super::tree::{TreeHash, hash_node};
use std::cell::RefCell;
use std::str::FromStr;

/// Levels of the tree that one tile spans.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;
/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;
/// Highest level that a tree of 2⁶³ leaves has tiles on.
const MAX_LEVEL: u8 = 63 / TILE_HEIGHT;

/// Which tile: hashes `index * 256 ..` of the complete subtrees with 256^level leaves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileId {
    /// Level, counted in tiles; 0 holds leaf hashes.
    pub level: u8,
    /// Place in its level.
    pub index: u64,
    /// Hashes in it, 1 to 256; less than 256 is a partial tile.
    pub width: u16,
}

impl TileId {
    /// A tile with all its hashes.
    pub const fn full(level: u8, index: u64) -> Self {
        Self { level, index, width: TILE_WIDTH as u16 }
    }
    /// Whether it has all its hashes and never changes again.
    pub const fn is_full(&self) -> bool {
        self.width as u64 == TILE_WIDTH
    }
    /// Bytes of its content.
    pub const fn bytes(&self) -> usize {
        self.width as usize * HASH_BYTES
    }
    /// The tiles that a tree of `size` leaves has on its right edge, short of full, lowest first.
    pub fn partials(size: u64) -> impl Iterator<Item = Self> {
        (0..=MAX_LEVEL).filter_map(move |level| {
            let hashes = size >> (level * TILE_HEIGHT);
            let width = hashes % TILE_WIDTH;
            (width > 0).then_some(Self { level, index: hashes / TILE_WIDTH, width: width as u16 })
        })
    }
}

/// As in a URL: `<level>/<index in groups of three digits>[.p/<width>]`.
impl std::fmt::Display for TileId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/", self.level)?;
        let digits = self.index.to_string();
        let digits = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
        let groups = digits.len() / 3;
        for at in 0..groups {
            let x = if at + 1 < groups { "x" } else { "" };
            let end = if at + 1 < groups { "/" } else { "" };
            write!(f, "{x}{}{end}", &digits[at * 3..at * 3 + 3])?;
        }
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TileId {
    type Err = ProofError;

    /// Only the one spelling that [`std::fmt::Display`] gives is taken.
    fn from_str(text: &str) -> Result<Self, ProofError> {
        let wrong = || {
            let found: String = text.chars().take(80).collect();
            ProofError::malformed("tile", format!("\"{found}\" is not a tile's path"))
        };
        if text.len() > 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let (level, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().map_err(|_| wrong())?),
            None => (rest, TILE_WIDTH as u16),
        };
        let digits: String = index.chars().filter(char::is_ascii_digit).collect();
        let id = Self {
            level: level.parse().map_err(|_| wrong())?,
            index: digits.parse().map_err(|_| wrong())?,
            width,
        };
        if id.level > 63 || !(1..=TILE_WIDTH as u16).contains(&width) || id.to_string() != text {
            return Err(wrong());
        }
        Ok(id)
    }
}

/// Where tiles are read from.
pub trait Tiles {
    /// The content of a tile: exactly as many hashes as its width.
    fn tile(&self, id: TileId) -> Result<Vec<u8>, ProofError>;
}

impl<T: Tiles + ?Sized> Tiles for &T {
    fn tile(&self, id: TileId) -> Result<Vec<u8>, ProofError> {
        (**self).tile(id)
    }
}

/// The tiles of a smaller tree, cut from those that the tree with `size` leaves has.
pub(crate) struct TilesAt<T> {
    tiles: T,
    size: u64,
}

impl<T: Tiles> TilesAt<T> {
    /// What the tree with `size` leaves holds.
    pub fn new(tiles: T, size: u64) -> Self {
        Self { tiles, size }
    }
}

impl<T: Tiles> Tiles for TilesAt<T> {
    fn tile(&self, id: TileId) -> Result<Vec<u8>, ProofError> {
        let present = self.size >> (id.level * TILE_HEIGHT);
        let there = present.saturating_sub(id.index * TILE_WIDTH).min(TILE_WIDTH) as u16;
        let mut content = self.tiles.tile(TileId { width: there.max(id.width), ..id })?;
        content.truncate(id.bytes());
        Ok(content)
    }
}

/// The hashes in a tile's content.
pub fn hashes(content: &[u8]) -> impl Iterator<Item = TreeHash> + '_ {
    content.chunks_exact(HASH_BYTES).map(|chunk| {
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(chunk);
        hash
    })
}

/// The root of complete subtrees side by side; their count is a power of two.
pub fn fold(mut nodes: Vec<TreeHash>) -> Option<TreeHash> {
    while nodes.len() > 1 {
        nodes = nodes
            .chunks(2)
            .map(|pair| pair.get(1).map_or(pair[0], |right| hash_node(&pair[0], right)))
            .collect();
    }
    nodes.pop()
}

/// The nodes of the tree with `size` leaves, from its tiles.
pub struct TileNodes<T> {
    tiles: T,
    size: u64,
    /// The tile read last: neighbours are asked for one after the other.
    last: RefCell<Option<(TileId, Vec<u8>)>>,
}

impl<T: Tiles> TileNodes<T> {
    /// The nodes of the tree with `size` leaves.
    pub fn new(tiles: T, size: u64) -> Self {
        Self { tiles, size, last: RefCell::new(None) }
    }
}

impl<T: Tiles> Nodes for TileNodes<T> {
    fn node(&self, level: u8, index: u64) -> Result<TreeHash, ProofError> {
        let (tile_level, rest) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index << rest;
        let count = 1usize << rest;
        let present = self.size >> (tile_level * TILE_HEIGHT);
        let tile = first / TILE_WIDTH;
        let full = TileId::full(tile_level, tile);
        let width = present.saturating_sub(tile * TILE_WIDTH).min(TILE_WIDTH);
        let id = TileId { width: width as u16, ..full };
        let at = (first % TILE_WIDTH) as usize;
        if at + count > width as usize {
            let reason = format!("node {level}/{index} is not in a tree of {}", self.size);
            return Err(ProofError::Tile { tile: full.to_string(), reason });
        }
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(known, _)| *known != id) {
            *last = Some((id, self.tiles.tile(id)?));
        }
        let content = last.as_ref().map_or(&[][..], |(_, content)| content);
        let wanted = content.get(at * HASH_BYTES..(at + count) * HASH_BYTES);
        wanted.and_then(|wanted| fold(hashes(wanted).collect())).ok_or_else(|| ProofError::Tile {
            tile: id.to_string(),
            reason: format!("it is {} bytes, expected {}", content.len(), id.bytes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_spelled_as_the_specification_spells_them() {
        for (id, text) in [
            (TileId::full(0, 0), "0/000"),
            (TileId::full(0, 1_234_067), "0/x001/x234/067"),
            (TileId { level: 1, index: 0, width: 17 }, "1/000.p/17"),
            (TileId { level: 2, index: 1000, width: 1 }, "2/x001/000.p/1"),
        ] {
            assert_eq!(id.to_string(), text);
            assert_eq!(text.parse(), Ok(id));
        }
    }

    #[test]
    fn only_the_one_spelling_is_taken() {
        for text in [
            "",
            "0",
            "0/0",
            "0/0000",
            "00/000",
            "0/x000/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/../000",
            "0/000/..",
            "64/000",
            "-1/000",
            "0/x001/x234/67",
            "0/000.p",
            "entries/000",
            "0/x01/000",
            "0/99999999999999999999999",
            "0/０００",
        ] {
            assert!(text.parse::<TileId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tree_of_70_000_has_the_partial_tiles_of_the_specification() {
        let partials: Vec<String> = TileId::partials(70_000).map(|id| id.to_string()).collect();
        assert_eq!(partials, ["0/273.p/112", "1/001.p/17", "2/000.p/1"]);
        let partials: Vec<String> = TileId::partials(256).map(|id| id.to_string()).collect();
        assert_eq!(partials, ["1/000.p/1"]);
        assert_eq!(TileId::partials(0).count(), 0);
    }
}
