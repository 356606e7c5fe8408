//! The log as tlog-tiles serves it, compared with hashes that are computed here from the entries alone.

use tabellion_ledger::{Draft, Ledger, Reader};
use tabellion_tlog::{
    BundleReader, Hash, SignedCheckpoint, TILE_WIDTH, TileId, leaf_hash, node_hash, root_of, tile_ids_for,
};

use crate::fixture::{options, real};

fn append(ledger: &Ledger, batches: i64, each: i64) {
    for batch in 0..batches {
        let drafts: Vec<Draft> =
            (0..each).map(|n| Draft::new("event.logged").with("n", batch * each + n)).collect();
        ledger.append_all(&drafts).expect("an append");
    }
}

fn leaves(reader: &Reader) -> Vec<Hash> {
    (0..reader.size()).map(|index| leaf_hash(&reader.entry(index).expect("an entry").bytes)).collect()
}

/// The root of a power of two of leaves, pair by pair.
fn perfect(leaves: &[Hash]) -> Hash {
    if let [leaf] = leaves {
        return *leaf;
    }
    let (left, right) = leaves.split_at(leaves.len() / 2);
    node_hash(&perfect(left), &perfect(right))
}

fn expected(leaves: &[Hash], tile: TileId) -> Vec<u8> {
    let per_hash = 256_usize.pow(u32::from(tile.level()));
    let first = tile.index() as usize * 256;
    (first..first + usize::from(tile.width()))
        .flat_map(|at| *perfect(&leaves[at * per_hash..(at + 1) * per_hash]).as_bytes())
        .collect()
}

fn compare(reader: &Reader, leaves: &[Hash], size: u64) {
    for tile in tile_ids_for(size) {
        let served = reader.tile(tile).expect("readable");
        assert_eq!(served, Some(expected(leaves, tile)), "{} of size {size} proves nothing", tile.path());
        if tile.level() > 0 {
            continue;
        }
        let bundle =
            reader.bundle(tile.index(), tile.width()).expect("readable").expect("as wide as its tile");
        let hashes: Vec<Hash> =
            BundleReader::new(&bundle).map(|entry| leaf_hash(entry.expect("an entry"))).collect();
        let first = tile.index() as usize * 256;
        assert_eq!(
            hashes,
            leaves[first..first + usize::from(tile.width())],
            "a monitor would read other entries"
        );
    }
}

/// C2SP tlog-tiles: a client may ask for the tiles of any size that was ever published.
#[test]
fn every_tile_of_every_size_is_served_and_is_what_the_entries_hash_to() {
    let (dir, disk, ledger) = real();
    append(&ledger, 30, 23);
    let leaves = leaves(ledger.reader());
    let size = ledger.reader().size();
    assert!(size > 2 * u64::from(TILE_WIDTH), "full tiles and partial ones");
    for size in (1..=size).step_by(17).chain([255, 256, 257, 511, 512, 513, size]) {
        compare(ledger.reader(), &leaves, size);
    }
    for path in ["tile/0/002.p/255", "tile/0/003", "tile/1/000.p/3", "tile/2/000.p/1", "tile/9/000.p/1"] {
        let tile = TileId::parse(path).expect("a path");
        assert_eq!(ledger.reader().tile(tile).expect("readable"), None, "{path} is beyond the log");
    }
    assert_eq!(ledger.reader().bundle(3, 1).expect("readable"), None, "an entry that is not there");
    assert_eq!(ledger.reader().bundle(u64::MAX, 256).expect("readable"), None, "a number beyond all logs");
    ledger.close().expect("a clean end");

    // A derived file that was cut short is no reason to serve a short tile.
    std::fs::write(dir.path().join("log/tiles/tile/0/000"), [0; 64]).expect("cut");
    let ledger = Ledger::open(disk, &options()).expect("opens again");
    compare(ledger.reader(), &leaves, size);
    let leaves = self::leaves(ledger.reader());
    let published = ledger.reader().published().expect("readable").expect("published at the clean end");
    let published = SignedCheckpoint::parse(published.as_bytes()).expect("a checkpoint").checkpoint;
    assert_eq!(
        published.root,
        root_of(leaves[..published.size as usize].iter().copied()),
        "a stale log was published"
    );
}
