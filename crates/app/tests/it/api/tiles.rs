//! The log over HTTP as C2SP tlog-tiles: a client that knows nothing of ours reads it and computes the root itself.

use serde_json::json;
use tabellion_model::body::Role;
use tabellion_tlog::{BundleReader, SignedCheckpoint, bundle_path, leaf_hash, root_of, tile_ids_for};

use super::client::Answer;
use super::house::House;

fn log(house: &House) -> String {
    let origin = house.ledger.reader().origin();
    format!("/log/{}", origin.tenant())
}

/// Every entry, read by bundles; its root compared with the checkpoint's.
fn mirror(read: impl Fn(&str) -> Answer, log: &str) -> u64 {
    let answer = read(&format!("{log}/checkpoint")).ok();
    assert!(
        answer.header("content-type").is_some_and(|media| media.starts_with("text/plain")),
        "tlog-tiles says so"
    );
    let signed = SignedCheckpoint::parse(&answer.body).expect("a checkpoint");
    let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
    let mut leaves = Vec::new();
    for tile in tile_ids_for(size) {
        let hashes = read(&format!("{log}/{}", tile.path())).ok();
        assert_eq!(hashes.header("content-type"), Some("application/octet-stream"));
        assert!(
            hashes.header("cache-control").is_some_and(|said| said.contains("immutable")),
            "a tile never changes"
        );
        if tile.level() == 0 {
            let bundle = read(&format!("{log}/{}", bundle_path(tile.index(), tile.width()))).ok();
            let entries = BundleReader::new(&bundle.body).map(|entry| leaf_hash(entry.expect("an entry")));
            let of_tile: Vec<_> = entries.collect();
            let listed: Vec<u8> = of_tile.iter().flat_map(|hash| *hash.as_bytes()).collect();
            assert_eq!(hashes.body, listed, "{}: hashes and entries differ", tile.path());
            leaves.extend(of_tile);
        }
    }
    assert_eq!(root_of(leaves), root, "a mirror would hold another log than the one that was signed");
    size
}

#[test]
fn a_mirror_reads_the_whole_log_and_a_reader_of_one_system_none_of_it() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let (_, owner) = house.person("Olga", &[Role::BusinessOwner]);
    let system = house.live_system(&admin, "Loan support");
    let (_, secret) = house.key(&admin, &system);
    for n in 0..300 {
        let event = json!({"kind": "event_log", "event": {"name": "noted", "fields": {"n": n}}});
        house.post(&admin, "/api/v1/records", &event).ok();
    }
    let log = log(&house);
    house.publish();
    let size = mirror(|path| house.get(&auditor, path), &log);
    assert!(size >= 300, "a partial tile and a full one");

    let tile = format!("{log}/tile/0/000");
    for token in [&owner, &secret] {
        house.get(token, &tile).refused(403, "not_permitted");
        house.get(token, &format!("{log}/checkpoint")).refused(403, "not_permitted");
    }
    house.ask("GET", &tile).send().refused(401, "not_signed_in");
    house.get(&auditor, "/log/another/checkpoint").refused(404, "not_found");
    house.get(&auditor, "/log/another/tile/0/000").refused(404, "not_found");
    for path in [
        "0/000.p/0",
        "0/000.p/256",
        "0/0",
        "0/x000",
        "64/000",
        "entries/000.p/999",
        "0/999",
        "entries/x999/999",
        "../checkpoint",
        "0/000/",
    ] {
        let answer = house.get(&auditor, &format!("{log}/tile/{path}"));
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "what is not there yet may come: {path}"
        );
    }
}

#[test]
fn a_log_that_is_declared_public_needs_no_session() {
    let house = House::with(|settings| settings.public_log = true);
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    house.live_system(&admin, "Loan support");
    let log = log(&house);
    house.publish();
    let size = mirror(|path| house.ask("GET", path).send(), &log);
    assert!(size > 0, "an empty mirror shows nothing");
    let answer = house.ask("GET", &format!("{log}/checkpoint")).send().ok();
    assert!(
        answer.header("cache-control").is_some_and(|said| said.starts_with("public")),
        "a cache in front may keep it"
    );
    // The rest of the API is as closed as before.
    house.ask("GET", "/api/v1/entries").send().refused(401, "not_signed_in");
    house.ask("GET", "/api/v1/checkpoint").send().refused(401, "not_signed_in");
}
