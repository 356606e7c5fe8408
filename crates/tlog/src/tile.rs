//! Names of tiles and entry bundles (C2SP tlog-tiles): which ones a tree has, and their paths.
//!
//! Promises that a path has one spelling and names one tile. Never reads or writes a tile.

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// [`TILE_WIDTH`] is 2 to this power: levels of the tree per level of tiles.
const TILE_HEIGHT: u8 = 8;
/// Highest tile level with a path, by the specification.
const MAX_LEVEL: u8 = 63;
/// Highest tile level that a tree can have: 2^63 leaves have 64 levels of 8 each.
const MAX_USED_LEVEL: u8 = 7;
/// Longest path: `tile/entries/`, seven groups of an index of 20 digits, `.p/255`.
const MAX_PATH_BYTES: usize = 64;

/// Why something is not a tile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// A path in another form.
    #[error(
        "this is not the path of a tile or bundle; they look like tile/0/x001/234 or tile/entries/000.p/5"
    )]
    Path,
    /// A level without a path.
    #[error("tile level {0} does not exist; the highest is 63")]
    Level(u8),
    /// A width that no tile has.
    #[error("a tile is 1 to 256 hashes wide, not {0}")]
    Width(u16),
}

/// One tile: at tile level `level`, the hashes `256 × index .. 256 × index + width`, each the root of `256^level` leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

impl TileId {
    /// A tile of 1 to 256 hashes.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        if level > MAX_LEVEL {
            return Err(TileError::Level(level));
        }
        if width == 0 || width > TILE_WIDTH {
            return Err(TileError::Width(width));
        }
        Ok(Self { level, index, width })
    }

    /// A full tile. A level above 63 names no tile and is taken as 63.
    pub fn full(level: u8, index: u64) -> Self {
        Self { level: level.min(MAX_LEVEL), index, width: TILE_WIDTH }
    }

    /// Tile level: 0 holds leaf hashes.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// Number of the tile within its level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Hashes in the tile, 1 to 256.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether all 256 hashes are there.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The tree nodes (level, index) that the tile holds, in order.
    pub fn nodes(&self) -> impl Iterator<Item = (u8, u64)> + use<> {
        let (level, first) =
            (self.level.saturating_mul(TILE_HEIGHT), self.index.saturating_mul(u64::from(TILE_WIDTH)));
        (0..u64::from(self.width)).map(move |offset| (level, first.saturating_add(offset)))
    }

    /// `tile/<level>/<index>[.p/<width>]`, relative to the log's prefix.
    pub fn path(&self) -> String {
        format!("tile/{}/{}{}", self.level, index_path(self.index), partial_suffix(self.width))
    }

    /// Reads a path that [`path`](Self::path) writes, and no other.
    pub fn parse(path: &str) -> Result<Self, TileError> {
        let (level, rest) = after_prefix(path)?.split_once('/').ok_or(TileError::Path)?;
        let (index, width) = parse_index_and_width(rest)?;
        let tile = Self::new(level.parse().map_err(|_| TileError::Path)?, index, width)?;
        if tile.path() == path { Ok(tile) } else { Err(TileError::Path) }
    }
}

/// Path of an entry bundle: `tile/entries/<index>[.p/<width>]`. A width of 256 is a full bundle.
pub fn bundle_path(index: u64, width: u16) -> String {
    format!("tile/entries/{}{}", index_path(index), partial_suffix(width))
}

/// Reads a path that [`bundle_path`] writes for a width of 1 to 256, and no other: (index, width).
pub fn parse_bundle_path(path: &str) -> Result<(u64, u16), TileError> {
    let rest = after_prefix(path)?.strip_prefix("entries/").ok_or(TileError::Path)?;
    let (index, width) = parse_index_and_width(rest)?;
    if width == 0 || width > TILE_WIDTH {
        return Err(TileError::Width(width));
    }
    if bundle_path(index, width) == path { Ok((index, width)) } else { Err(TileError::Path) }
}

/// All tiles of a tree of `size` leaves, level by level; the last one of a level may be partial. Level 0 also lists the entry
/// bundles: the same index and width.
pub fn tile_ids_for(size: u64) -> impl Iterator<Item = TileId> {
    new_tile_ids(0, size)
}

/// The tiles that a tree of `new` leaves has and one of `old` leaves has not: what a publisher writes when a log grows.
pub fn new_tile_ids(old: u64, new: u64) -> impl Iterator<Item = TileId> {
    (0..=MAX_USED_LEVEL).flat_map(move |level| {
        let shift = u32::from(level * TILE_HEIGHT);
        let (before, hashes) = (old >> shift, new >> shift);
        let width = u64::from(TILE_WIDTH);
        let begin = if before < hashes { before / width } else { hashes.div_ceil(width) };
        (begin..hashes.div_ceil(width)).map(move |index| {
            let width = u16::try_from(hashes - index * width).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
            TileId { level, index, width }
        })
    })
}

fn after_prefix(path: &str) -> Result<&str, TileError> {
    if path.len() > MAX_PATH_BYTES {
        return Err(TileError::Path);
    }
    path.strip_prefix("tile/").ok_or(TileError::Path)
}

/// Three digits per path element, all but the last one behind an `x`: 1234067 is `x001/x234/067`.
fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

fn partial_suffix(width: u16) -> String {
    if width == TILE_WIDTH { String::new() } else { format!(".p/{width}") }
}

/// Reads generously; the callers compare with the one spelling.
fn parse_index_and_width(text: &str) -> Result<(u64, u16), TileError> {
    let (index, width) = match text.split_once(".p/") {
        Some((index, width)) => (index, width.parse().map_err(|_| TileError::Path)?),
        None => (text, TILE_WIDTH),
    };
    let digits: String = index.chars().filter(|c| !matches!(c, 'x' | '/')).collect();
    Ok((digits.parse().map_err(|_| TileError::Path)?, width))
}
