//! What follows commits without anyone waiting: many writers at once, the published checkpoint, tiles and bundles.

use std::sync::Arc;
use std::thread;

use tabellion_ledger::disk::OpenMode;
use tabellion_ledger::{Draft, Ledger, fsck};
use tabellion_tlog::{BundleReader, SignedCheckpoint, leaf_hash};

use crate::fixture::{options, real};

#[test]
fn many_writers_get_their_own_places_and_tiles_follow() {
    let (_dir, disk, ledger) = real();
    let ledger = Arc::new(ledger);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let ledger = Arc::clone(&ledger);
            thread::spawn(move || {
                let drafts: Vec<Draft> =
                    (0..10).map(|n| Draft::new("event.logged").with("n", writer * 100 + n)).collect();
                (0..8)
                    .flat_map(|_| ledger.append_all(&drafts).expect("an append"))
                    .map(|ack| ack.index)
                    .collect::<Vec<u64>>()
            })
        })
        .collect();
    let mut indexes: Vec<u64> =
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer")).collect();
    indexes.sort_unstable();
    indexes.dedup();
    assert_eq!(indexes.len(), 640, "two writers were told the same place");
    ledger.close().expect("a clean end");
    let reader = ledger.reader();

    let file = disk.open("log/checkpoint", OpenMode::Read).expect("a published checkpoint");
    let mut bytes = vec![0; file.len().expect("a length") as usize];
    file.read_at(0, &mut bytes).expect("readable");
    let published = SignedCheckpoint::parse(&bytes).expect("a checkpoint").checkpoint;
    assert_eq!(
        (published.size, published.root),
        (reader.size(), reader.root_at(reader.size()).expect("a root")),
        "a stale log was published"
    );

    let path = "log/tiles/tile/entries/000";
    let file = disk.open(path, OpenMode::Read).expect("the first bundle");
    let mut bundle = vec![0; file.len().expect("a length") as usize];
    file.read_at(0, &mut bundle).expect("readable");
    let entries: Vec<&[u8]> = BundleReader::new(&bundle).map(|entry| entry.expect("an entry")).collect();
    assert_eq!(entries.len(), 256, "a full bundle holds 256 entries");
    for (index, entry) in (0..).zip(entries) {
        let own = reader.entry(index).expect("an entry").bytes;
        assert_eq!(leaf_hash(entry), leaf_hash(&own), "bundle and log differ at entry {index}");
    }
    let report = fsck(&disk, &options(), &[]);
    assert!(report.is_sound(), "{:?}", report.findings);
    assert!(
        report.counts.get("blocks derived").is_some_and(|blocks| *blocks >= 2),
        "fsck must look at the tiles: {:?}",
        report.counts
    );

    let file = disk.open(path, OpenMode::ReadWrite).expect("the first bundle");
    file.write_at(700, b"changed").expect("a write");
    let report = fsck(&disk, &options(), &[]);
    assert!(
        report.findings.iter().any(|what| what.contains(path)),
        "a changed bundle went unseen: {:?}",
        report.findings
    );
    Ledger::open(Arc::clone(&disk), &options()).expect("derived files never keep a log from opening");
}
