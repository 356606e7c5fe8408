//! How fast a view catches up. Measured on demand, never judged: `cargo test --release -p tabellion-views -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use tabellion_views::Views;

use crate::fixture::{Bench, PATIENCE, authorised, completed, credential, organisation, system};

/// Calls: two records each.
const CALLS: u32 = 50_000;
/// Records in one append.
const GROUP: u32 = 500;

#[test]
#[ignore = "a measurement of half a minute"]
fn catching_up() {
    let bench = Bench::new();
    let (sys, key) = (system(1), credential(2));
    organisation(&bench, sys, key, credential(3));
    for _ in 0..CALLS / GROUP {
        let drafts: Vec<_> = (0..GROUP).map(|_| authorised(sys, key, "small")).collect();
        let acks = bench.ledger.append_all(&drafts).expect("appended");
        let mut ends: Vec<_> = acks.iter().map(|_| completed(sys, key, 9)).collect();
        // The hash of a parent is not looked at by views; its id is.
        let parent = bench.parent(acks[0].record_id, acks[0].index, "authorised");
        for (end, ack) in ends.iter_mut().zip(&acks) {
            let mut parent = parent.clone();
            parent.record_id = ack.record_id.to_hex();
            end.parents.push(parent);
        }
        bench.ledger.append_all(&ends).expect("appended");
    }
    let reader = bench.ledger.reader();
    let rate = |took: Duration| f64::from(2 * CALLS) / took.as_secs_f64();
    let started = Instant::now();
    reader.entries(0, reader.size(), |_| Ok(())).expect("readable");
    println!("reading and decrypting alone: {:.0} records/s", rate(started.elapsed()));
    let rebuilt = Views::rebuild(bench.dir.path(), reader).expect("a rebuild");
    println!("rebuild beside: {:.0} records/s in {:?}", rate(rebuilt.took), rebuilt.took);
    let dir = tempfile::tempdir().expect("a directory");
    let started = Instant::now();
    let views = bench.start_in(dir.path());
    bench.catch_up(&views);
    let took = started.elapsed();
    println!("projector from empty: {:.0} records/s in {took:?}", rate(took));
    let mut waits: Vec<Duration> = (0..1000)
        .map(|_| {
            let ack = bench.append(&authorised(sys, key, "small"));
            let started = Instant::now();
            views.wait_for(ack.index + 1, started + PATIENCE).expect("it follows");
            started.elapsed()
        })
        .collect();
    waits.sort();
    println!("from an acknowledgement to the view: median {:?}, p99 {:?}", waits[500], waits[990]);
}
