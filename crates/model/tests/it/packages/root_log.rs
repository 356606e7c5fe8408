//! A root log's receipt as evidence for a shard's checkpoint: whose word it is, of what, and when.

use tabellion_model::registry::{Facts, ShardCheckpoint};
use tabellion_model::shards::ShardLives;
use tabellion_model::{KeyId, Micros, Purpose, Receipt, shard_checkpoint_of, verify_anchor};
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, digest};
use tabellion_tlog::{Hash, SignedCheckpoint, VerifierKey};

use super::fixture::{HOUR, Log, START};

const SLACK: u64 = 1_000_000;

fn shown(shard: &Log, size: u64) -> ShardCheckpoint {
    let key = &shard.keys[&Purpose::Log];
    let tree = SignedCheckpoint::parse(shard.checkpoint(size).as_bytes()).unwrap().checkpoint;
    ShardCheckpoint {
        key: KeyId::of(&key.public()),
        origin: shard.origin.clone(),
        root: tree.root,
        signature: key.sign(tree.text().as_bytes()),
        size,
    }
}

/// A root log that recorded the shard's checkpoint in a batch of hour 3, and the receipt of that.
fn recorded(host: &str, said: ShardCheckpoint) -> (Log, Receipt) {
    let mut root = Log::new(host, "root");
    root.open_epoch(1);
    let facts = Facts::ShardCheckpointRecorded(said);
    let mut header = root.header(facts.kind().name(), root.own(), 1, None);
    header.clear = facts.to_clear();
    let index = root.push_record(header);
    root.seal_at(Micros(START + 3 * HOUR));
    let receipt = root.receipt(index);
    (root, receipt)
}

fn shard() -> Log {
    let mut shard = Log::new("shard.example", "shard");
    shard.open_epoch(1);
    shard.record("one");
    shard.seal();
    shard
}

fn line(name: &str, key: &tabellion_tlog::SigningKey) -> AnchorTrust {
    let line = AnchorTrust::root_log_line(&VerifierKey::new(name, key.public()).unwrap());
    AnchorTrust::parse(line.as_bytes()).unwrap()
}

fn judged(receipt: &Receipt, of: &Hash, trust: &AnchorTrust) -> AnchorFinding {
    verify_anchor(AnchorKind::RootLog, &receipt.to_bytes().unwrap(), of, trust)
}

/// Requirement: B02, B05
#[test]
fn a_root_log_s_receipt_dates_a_shard_for_whoever_names_that_log() {
    let shard = shard();
    let said = shown(&shard, shard.size());
    let of = digest(&said.checkpoint());
    let (root, receipt) = recorded("root.example", said.clone());
    let origin = root.origin.as_str();
    for trust in [line(origin, &root.keys[&Purpose::Log]), line(&format!("{origin}/root"), &root.root)] {
        let finding = judged(&receipt, &of, &trust);
        let AnchorFinding::Holds { span, source, unforeseeable } = finding else {
            panic!("the root log is not believed: {finding:?}")
        };
        let at = START + 3 * HOUR;
        assert_eq!(
            (span.earliest_us, span.latest_us),
            (at - SLACK, at + SLACK),
            "the commit time is another"
        );
        assert!(source.contains(origin) && unforeseeable, "the clock has no name: {source}");
    }
    assert_eq!(shard_checkpoint_of(&receipt.to_bytes().unwrap()), Some(said), "the entry is not read");
    let stranger = line(origin, &shard.keys[&Purpose::Log]);
    for trust in [AnchorTrust::default(), stranger] {
        let finding = judged(&receipt, &of, &trust);
        assert!(matches!(finding, AnchorFinding::NotChecked(_)), "a stranger's clock counts: {finding:?}");
    }
}

/// Requirement: A16, B02
#[test]
fn evidence_of_something_else_or_of_nobody_s_word_is_broken() {
    let shard = shard();
    let said = shown(&shard, shard.size());
    let of = digest(&said.checkpoint());
    let (root, receipt) = recorded("root.example", said.clone());
    let trust = line(root.origin.as_str(), &root.keys[&Purpose::Log]);
    let smaller = ShardCheckpoint { size: said.size - 1, ..said.clone() };
    let forked = ShardCheckpoint { root: Hash([7; 32]), ..said.clone() };
    let other = ShardCheckpoint { origin: root.origin.clone(), ..said.clone() };
    for (what, other) in [("size", smaller), ("root", forked), ("origin", other)] {
        let finding = judged(&receipt, &digest(&other.checkpoint()), &trust);
        assert!(matches!(finding, AnchorFinding::Broken(_)), "another {what} passes: {finding:?}");
    }
    let (own, of_itself) = recorded("shard.example", said.clone());
    let finding = judged(&of_itself, &of, &line(own.origin.as_str(), &own.keys[&Purpose::Log]));
    assert!(matches!(finding, AnchorFinding::Broken(_)), "a log vouches for itself: {finding:?}");
    let mut changed = receipt.clone();
    changed.entry[40] ^= 1;
    assert!(matches!(judged(&changed, &of, &trust), AnchorFinding::Broken(_)), "a changed entry passes");
    let seal = root.receipt(receipt.index + 1);
    assert!(matches!(judged(&seal, &of, &trust), AnchorFinding::Broken(_)), "a seal passes for a record");
    for bytes in [&b""[..], b"c2sp.org/tlog-proof@v1\n", &[0xff; 64]] {
        let finding = verify_anchor(AnchorKind::RootLog, bytes, &of, &trust);
        assert!(matches!(finding, AnchorFinding::Broken(_)), "rubbish is judged: {finding:?}");
    }
}

/// Requirement: B02. A root log that takes a smaller checkpoint, or one of nobody, contradicts itself, and readers of it see that.
#[test]
fn successive_checkpoints_of_a_shard_only_grow_under_its_signature() {
    let shard = shard();
    let (said, earlier) = (shown(&shard, shard.size()), shown(&shard, shard.size() - 1));
    let key = shard.keys[&Purpose::Log].public();
    let registered = Facts::ShardRegistered(Box::new(tabellion_model::registry::ShardRegistered {
        key: tabellion_model::KeyInfo::of(key),
        origin: shard.origin.clone(),
        root_key: tabellion_model::KeyInfo::of(shard.root.public()),
    }));
    let unsigned = ShardCheckpoint { signature: [0; 64], ..said.clone() };
    let mut forked = ShardCheckpoint { root: Hash([7; 32]), ..said.clone() };
    forked.signature = shard.keys[&Purpose::Log].sign(forked.checkpoint().text().as_bytes());
    let run = |steps: &[&ShardCheckpoint]| {
        let mut lives = ShardLives::default();
        lives.take(0, Micros(0), &registered);
        for (index, step) in (1..).zip(steps) {
            lives.take(index, Micros(index * SLACK), &Facts::ShardCheckpointRecorded((*step).clone()));
        }
        lives
    };
    let good = run(&[&earlier, &said]);
    assert_eq!((good.problem_count, good.shards[&shard.origin].longest_us), (0, SLACK), "{good:?}");
    assert_eq!(run(&[&said, &said]).problem_count, 0, "the same checkpoint twice contradicts nothing");
    for (what, steps) in
        [("smaller", [&said, &earlier]), ("forked", [&said, &forked]), ("unsigned", [&earlier, &unsigned])]
    {
        let lives = run(&steps);
        assert_eq!(lives.problem_count, 1, "a {what} checkpoint passes: {lives:?}");
        assert!(lives.problems[0].starts_with("entry 2:"), "its entry is not named: {:?}", lives.problems);
    }
}
