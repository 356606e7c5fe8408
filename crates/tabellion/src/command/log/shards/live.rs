//! What shards hand out now, held against what their root log has of them.
//!
//! Promises: a shard's answer counts under its own signature by the key that the root log knows, and a larger tree only when its tiles prove that it continues the
//! recorded one. Must never: take a shard that was not asked, did not answer, or cannot be judged for one that agrees.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tabellion_gateway::Outbound;
use tabellion_ledger::anchor::{Exchange as _, Method, Outgoing};
use tabellion_model::Origin;
use tabellion_model::shards::{ShardLife, ShardLives, ShardStep};
use tabellion_tlog::{
    Hash, NodeSource, ProveError, SignedCheckpoint, TILE_WIDTH, TileId, VerifierKey, consistency_path,
    root_of, verify_consistency,
};

use crate::failure::Failure;
use crate::files;
use crate::secret::SecretPlace;

/// Largest file of addresses: a line for each of ten thousand shards.
const MAX_FILE: u64 = 4 << 20;
/// A shard publishes its checkpoint once a second at most, and hands it in before that: one that looks smaller is asked again so often.
const TRIES: u32 = 5;
const BETWEEN: Duration = Duration::from_secs(1);
/// Levels of the tree in one tile.
const TILE_HEIGHT: u8 = 8;

/// What came of one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Live {
    /// It hands out a tree of this size that is or continues the recorded one.
    Agrees(u64),
    /// It hands out something else.
    Contradicts(String),
    /// Nobody can say.
    Unknown(String),
}

/// Where a shard hands out its log, and with what it is asked.
struct Address {
    url: String,
    token: Option<PathBuf>,
}

/// Asks every shard whose address stands in `file`.
pub(super) fn compare(lives: &ShardLives, file: &Path) -> Result<BTreeMap<Origin, Live>, Failure> {
    let addresses = read(file)?;
    if let Some(stranger) = addresses.keys().find(|origin| !lives.shards.contains_key(*origin)) {
        let file = file.display();
        return Err(Failure::malformed(format!(
            "{file} names {stranger}, which is no shard of this log; correct it"
        )));
    }
    let mut found = BTreeMap::new();
    for (origin, life) in &lives.shards {
        let live = match addresses.get(origin) {
            None => Live::Unknown("not asked: no address of it was given".to_owned()),
            Some(address) => ask(origin, life, address)?,
        };
        found.insert(origin.clone(), live);
    }
    Ok(found)
}

/// The lines `ORIGIN URL [TOKEN-FILE]` of a file; empty ones and those that begin with # say nothing.
fn read(file: &Path) -> Result<BTreeMap<Origin, Address>, Failure> {
    let bytes = files::read_limited(file, MAX_FILE, "the file of addresses")?;
    let text = String::from_utf8_lossy(&bytes);
    let mut addresses = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let refused = || {
            Failure::malformed(format!(
                "{}: line {number} is not an origin, a URL and perhaps a file with a token, once for each shard; correct it",
                file.display()
            ))
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let (origin, url, token) = match words.as_slice() {
            [] => continue,
            [first, ..] if first.starts_with('#') => continue,
            [origin, url] => (origin, url, None),
            [origin, url, token] => (origin, url, Some(PathBuf::from(token))),
            _ => return Err(refused()),
        };
        let origin = Origin::new(origin).map_err(|_| refused())?;
        if addresses.insert(origin, Address { url: (*url).to_owned(), token }).is_some() {
            return Err(refused());
        }
    }
    Ok(addresses)
}

fn ask(origin: &Origin, life: &ShardLife, address: &Address) -> Result<Live, Failure> {
    let (Some(key), Some(newest)) = (life.key, life.newest) else {
        return Ok(Live::Unknown("nothing of it is recorded to compare with".to_owned()));
    };
    let outbound = Outbound::new(origin.as_str(), &address.url, None)
        .map_err(|error| Failure::malformed(error.to_string()))?;
    let outbound = match &address.token {
        None => outbound,
        Some(file) => {
            let token = SecretPlace::File(file.clone()).read().map_err(Failure::malformed)?;
            let refused =
                || Failure::malformed(format!("{}: no header can carry this token", file.display()));
            outbound.with_bearer(&token).ok_or_else(refused)?
        }
    };
    let key = VerifierKey::new(origin.as_str(), key).map_err(|error| Failure::failed(error.to_string()))?;
    for last in (0..TRIES).map(|round| round + 1 == TRIES) {
        match judge(&outbound, &key, &newest) {
            Ok(found) if last || !matches!(found, Live::Contradicts(_)) => return Ok(found),
            Ok(_) => thread::sleep(BETWEEN),
            Err(why) => return Ok(Live::Unknown(why)),
        }
    }
    Ok(Live::Unknown("it was not asked".to_owned()))
}

/// What the shard's newest published checkpoint says of the recorded one; an error is why it cannot be had or judged.
fn judge(outbound: &Outbound, key: &VerifierKey, newest: &ShardStep) -> Result<Live, String> {
    let bytes = get(outbound, "/checkpoint")?;
    let signed = SignedCheckpoint::parse(&bytes).map_err(|error| format!("what it hands out: {error}"))?;
    let tree = &signed.checkpoint;
    if tree.origin != key.name() {
        return Err(format!("the address hands out a checkpoint of {}", tree.origin));
    }
    signed
        .verify_with(key)
        .map_err(|error| format!("what it hands out is not signed by the key recorded here: {error}"))?;
    if tree.size < newest.size {
        let (now, then) = (tree.size, newest.size);
        return Ok(Live::Contradicts(format!(
            "it hands out a log of {now} entries, and {then} are recorded: it was put back to an earlier state"
        )));
    }
    let tiles = Tiles { outbound, size: tree.size, read: RefCell::default() };
    let path = consistency_path(newest.size, tree.size, &tiles).map_err(|error| match error {
        ProveError::Source(why) => why,
        other => other.to_string(),
    })?;
    Ok(match verify_consistency(newest.size, &newest.root, tree.size, &tree.root, &path) {
        Ok(()) => Live::Agrees(tree.size),
        Err(_) => Live::Contradicts(format!(
            "the log of {} entries that it hands out does not continue the recorded one of {}",
            tree.size, newest.size
        )),
    })
}

fn get(outbound: &Outbound, path: &str) -> Result<Vec<u8>, String> {
    let answer =
        outbound.send(&Outgoing { method: Method::Get, path, content_type: "", accept: "", body: &[] })?;
    match answer.status {
        200 => Ok(answer.body),
        status @ (401 | 403) => {
            Err(format!("it answers {status}: the token may not read this log, or is missing"))
        }
        status => Err(format!("it answers {status} for {path}")),
    }
}

/// A tree whose tiles somebody else hands out. What they hold is nobody's word until a signed root follows from it.
struct Tiles<'a> {
    outbound: &'a Outbound,
    size: u64,
    read: RefCell<BTreeMap<TileId, Vec<Hash>>>,
}

impl NodeSource for Tiles<'_> {
    type Error = String;

    fn node(&self, level: u8, index: u64) -> Result<Hash, String> {
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let missing = || format!("its tree of {} entries has no node {index} on level {level}", self.size);
        let width = u64::from(TILE_WIDTH);
        let first = index.checked_shl(u32::from(height)).ok_or_else(missing)?;
        let tile = first / width;
        let there = self.size.checked_shr(u32::from(tile_level) * u32::from(TILE_HEIGHT)).unwrap_or(0);
        let there = there.saturating_sub(tile * width).min(width);
        let id = u16::try_from(there).ok().and_then(|there| TileId::new(tile_level, tile, there).ok());
        let hashes = self.tile(id.ok_or_else(missing)?)?;
        let from = usize::try_from(first % width).map_err(|_| missing())?;
        let nodes = hashes.get(from..from + (1 << height)).ok_or_else(missing)?;
        Ok(root_of(nodes.iter().copied()))
    }
}

impl Tiles<'_> {
    fn tile(&self, id: TileId) -> Result<Vec<Hash>, String> {
        if let Some(hashes) = self.read.borrow().get(&id) {
            return Ok(hashes.clone());
        }
        let bytes = get(self.outbound, &format!("/{}", id.path()))?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() != usize::from(id.width()) || !rest.is_empty() {
            return Err(format!("{} has another length than a tile of {} hashes", id.path(), id.width()));
        }
        let hashes: Vec<Hash> = hashes.iter().copied().map(Hash).collect();
        self.read.borrow_mut().insert(id, hashes.clone());
        Ok(hashes)
    }
}
