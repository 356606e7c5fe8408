//! Paths of tiles and bundles, which become paths of files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tabellion_fuzz::one_text;
use tabellion_tlog::{TileId, bundle_path, parse_bundle_path};

fuzz_target!(|data: &[u8]| {
    one_text(data, TileId::parse, TileId::path);
    one_text(data, parse_bundle_path, |(index, width)| bundle_path(*index, *width));
});
