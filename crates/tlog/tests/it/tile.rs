//! Tile ids and paths against the examples of C2SP tlog-tiles.

use std::collections::HashSet;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tabellion_tlog::{TileError, TileId, bundle_path, new_tile_ids, parse_bundle_path, tile_ids_for};

#[test]
fn a_tree_of_70000_has_the_tiles_of_the_specification() {
    let tiles: Vec<_> = tile_ids_for(70_000).collect();
    let of = |level: u8, full: bool| {
        tiles.iter().filter(move |tile| tile.level() == level && tile.is_full() == full)
    };
    assert_eq!(of(0, true).count(), 273, "full level 0 tiles");
    assert_eq!(of(1, true).count(), 1, "full level 1 tiles");
    assert_eq!(of(2, true).count(), 0, "full level 2 tiles");
    for (level, index, width) in [(0, 273, 112), (1, 1, 17), (2, 0, 1)] {
        let partial: Vec<_> = of(level, false).collect();
        assert_eq!(partial, [&TileId::new(level, index, width).unwrap()], "partial tile of level {level}");
    }
    assert_eq!(tiles.len(), 273 + 1 + 3, "a reader would ask for tiles that nobody writes");
    let small: Vec<_> = tile_ids_for(256).map(|tile| tile.path()).collect();
    assert_eq!(small, ["tile/0/000", "tile/1/000.p/1"], "a tree of 256 leaves");
    assert_eq!(tile_ids_for(0).count(), 0, "an empty tree has no tiles");
}

#[test]
fn growing_writes_each_new_tile_once() {
    for (old, new) in [
        (0, 1),
        (0, 70_000),
        (255, 256),
        (256, 257),
        (255, 257),
        (65_535, 65_537),
        (70_000, 70_000),
        (300, 200),
    ] {
        let before: HashSet<_> = tile_ids_for(old).collect();
        let due: Vec<_> = if new < old {
            vec![]
        } else {
            tile_ids_for(new).filter(|tile| !before.contains(tile)).collect()
        };
        let written: Vec<_> = new_tile_ids(old, new).collect();
        assert_eq!(written, due, "growing from {old} to {new} writes the wrong tiles");
    }
}

#[test]
fn paths_are_those_of_the_specification() {
    let tile = |level, index, width| TileId::new(level, index, width).unwrap().path();
    assert_eq!(tile(0, 1_234_067, 256), "tile/0/x001/x234/067", "the specification's example");
    assert_eq!(tile(63, 0, 1), "tile/63/000.p/1", "the highest level");
    assert_eq!(tile(7, u64::MAX, 255), "tile/7/x018/x446/x744/x073/x709/x551/615.p/255", "the largest index");
    assert_eq!(bundle_path(1_234_067, 256), "tile/entries/x001/x234/067", "a full bundle");
    assert_eq!(bundle_path(0, 5), "tile/entries/000.p/5", "a partial bundle");
    assert_eq!(parse_bundle_path("tile/entries/000.p/5"), Ok((0, 5)), "a partial bundle");
    let nodes: Vec<_> = TileId::new(2, 3, 2).unwrap().nodes().collect();
    assert_eq!(nodes, [(16, 768), (16, 769)], "the hashes of a tile are other nodes of the tree");
}

#[test]
fn other_spellings_of_a_path_are_refused() {
    let refused = [
        "",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x01/002",
        "tile/00/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "/tile/0/000",
        "tile/0/000 ",
        "tile/-1/000",
        "tile/0/-01",
        "tile/0/000.p/1.p/1",
        "tile/0/../000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/entries/000",
        "TILE/0/000",
    ];
    for path in refused {
        assert!(TileId::parse(path).is_err(), "{path:?} was read as a tile");
    }
    for path in
        ["tile/entries/", "tile/entries/0", "tile/0/000", "tile/entries/000.p/256", "tile/entries/000.p/0"]
    {
        assert!(parse_bundle_path(path).is_err(), "{path:?} was read as a bundle");
    }
    assert!(
        TileId::parse(&format!("tile/0/{}", "x000/".repeat(1_000_000))).is_err(),
        "an endless path was read"
    );
    assert_eq!(TileId::new(64, 0, 1), Err(TileError::Level(64)), "a level without a path");
    assert_eq!(TileId::new(0, 0, 0), Err(TileError::Width(0)), "an empty tile");
    assert_eq!(TileId::new(0, 0, 257), Err(TileError::Width(257)), "a tile that is too wide");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tile_has_one_path(level in 0u8..64, index in any::<u64>(), width in 1u16..=256) {
        let tile = TileId::new(level, index, width).unwrap();
        prop_assert_eq!(TileId::parse(&tile.path()), Ok(tile));
        prop_assert_eq!(parse_bundle_path(&bundle_path(index, width)), Ok((index, width)));
    }
}
