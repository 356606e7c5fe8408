//! Anchors in packages: times on both sides of each entry, and nothing believed that the reader did not name.

use tabellion_model::registry::{AnchorConfirmed, Facts};
use tabellion_model::{AnchorFile, Micros, Outcome, Reader, Report, verify_for};
use tabellion_tlog::anchor::evm::{Evidence, Transaction, keccak256, prove, rlp, root};
use tabellion_tlog::anchor::{AnchorKind, AnchorTrust, digest};
use tabellion_tlog::{Policy, SignedCheckpoint, consistency_path, sha256};

use super::cut::{Cut, Leaves, Parts};
use super::fixture::{HOUR, Log, START};

const CHAIN: u64 = 5;
const HOUR_S: u64 = 3_600;

/// A checkpoint in a block of a chain, and the line by which a reader trusts that block.
pub(super) struct Block {
    size: u64,
    checkpoint: String,
    pub(super) evidence: Vec<u8>,
    pub(super) line: String,
    record: u64,
}

/// Anchors the log as it is in a block of `hour`, and records that in a batch of `committed_hour`.
pub(super) fn anchor(log: &mut Log, number: u64, hour: u64, committed_hour: u64) -> Block {
    let size = log.size();
    let checkpoint = log.checkpoint(size);
    let tree = SignedCheckpoint::parse(checkpoint.as_bytes()).unwrap().checkpoint;
    let transaction = Transaction {
        chain: CHAIN,
        nonce: number,
        priority_fee: 1,
        max_fee: 2,
        gas: 30_000,
        to: [1; 20],
        data: digest(&tree).as_bytes().to_vec(),
    };
    let all = vec![transaction.signed(false, &[2; 32], &[3; 32])];
    let mut fields: Vec<Vec<u8>> = (0..15).map(|_| rlp::string(&[4; 32])).collect();
    fields[4] = rlp::string(&root(&all));
    fields[8] = rlp::number(number.into());
    fields[11] = rlp::number((START / 1_000_000 + hour * HOUR_S).into());
    let header = rlp::list(&fields);
    let line = format!("#! evm {CHAIN} {number} {}\n", hex::encode(keccak256(&header)));
    let nodes = prove(&all, 0);
    let evidence = Evidence { chain: CHAIN, header, transaction: all[0].clone(), index: 0, nodes }.to_bytes();
    let facts = Facts::AnchorConfirmed(AnchorConfirmed {
        anchor: AnchorKind::Evm,
        evidence_sha256: sha256(&evidence),
        root: tree.root,
        size,
    });
    let mut header = log.header("anchor.confirmed", log.own(), 1, None);
    header.clear = facts.to_clear();
    let record = log.push_record(header);
    log.seal_at(Micros(START + committed_hour * HOUR));
    Block { size, checkpoint, evidence, line, record }
}

pub(super) fn file(log: &Log, block: &Block) -> AnchorFile {
    AnchorFile {
        anchor: AnchorKind::Evm,
        checkpoint: block.checkpoint.clone(),
        consistency: consistency_path(block.size, log.size(), &Leaves(&log.leaves)).unwrap(),
        evidence: block.evidence.clone(),
        record: log.placed(block.record, log.size()),
    }
}

/// A log whose batches of hours 2 and 4 are anchored in blocks of hours 2 and 5.
fn anchored() -> (Log, Vec<Block>) {
    let mut log = Log::new("notary.example", "a");
    log.open_epoch(1);
    log.record("one");
    log.seal();
    let first = anchor(&mut log, 70, 2, 2);
    log.record("two");
    log.seal_at(Micros(START + 4 * HOUR));
    let second = anchor(&mut log, 71, 5, 5);
    log.record("three");
    log.seal_at(Micros(START + 6 * HOUR));
    (log, vec![first, second])
}

fn parts(log: &Log, blocks: &[Block]) -> Parts {
    Parts { anchors: blocks.iter().map(|block| file(log, block)).collect(), ..log.parts(&Cut::default()) }
}

fn verified(log: &Log, parts: &Parts, lines: &str) -> Report {
    let (bytes, _) = log.write(&Cut::default(), parts);
    let trust = AnchorTrust::parse(lines.as_bytes()).unwrap();
    let policy = Policy::parse(log.trust()).unwrap();
    verify_for(
        &bytes,
        &Reader { trust: Some(&policy), anchors: Some(&trust), keys: None, ..Reader::default() },
    )
}

/// What the report has to say, and what is changed.
type Spoil<'a> = (&'static str, &'a dyn Fn(&mut AnchorFile));

fn outcome(report: &Report) -> Outcome {
    report.check("anchors").unwrap().outcome
}

/// Requirement: B05, W18
#[test]
fn every_entry_lies_between_the_blocks_around_it() {
    let (log, blocks) = anchored();
    let lines: String = blocks.iter().map(|block| block.line.as_str()).collect();
    let report = verified(&log, &parts(&log, &blocks), &lines);
    assert_eq!((report.exit_code(), outcome(&report)), (0, Outcome::Holds), "{}", report.to_text());
    let bounds = report.facts["time_bounds"].as_array().unwrap();
    let of = |index: u64| {
        bounds
            .iter()
            .find(|one| one["first"].as_u64() <= Some(index) && Some(index) <= one["last"].as_u64())
            .unwrap()
    };
    let time = |hour: u64, minutes: i64| {
        let micros = i64::try_from(START + hour * HOUR).unwrap() + minutes * 60_000_000;
        Micros(u64::try_from(micros).unwrap()).to_string()
    };
    assert_eq!(
        of(0)["not_before"],
        serde_json::Value::Null,
        "the first entries are dated by what came later"
    );
    assert_eq!(of(0)["not_after"]["time"], time(2, 1), "an entry is dated later than it is shown to be");
    let between = of(blocks[0].record + 2);
    assert_eq!(between["not_before"]["time"], time(2, -1), "the beacon before an entry does not count");
    assert_eq!(between["not_after"]["time"], time(5, 1), "the anchor after an entry does not count");
    assert!(
        between["not_after"]["source"].as_str().unwrap().contains("block 71"),
        "a bound does not say who gives it"
    );
    assert_eq!(
        of(log.size() - 1)["not_after"],
        serde_json::Value::Null,
        "an anchor dates what came after it"
    );
    assert!(report.to_text().contains("outside clocks bound them"), "the answer hides what it rests on");
}

/// Requirement: A19
#[test]
fn an_anchor_that_the_reader_cannot_check_changes_no_verdict_and_gives_no_bound() {
    let (log, blocks) = anchored();
    let report = verified(&log, &parts(&log, &blocks), "");
    assert_eq!((report.exit_code(), outcome(&report)), (0, Outcome::Undetermined), "{}", report.to_text());
    assert!(!report.facts.contains_key("time_bounds"), "a block that nobody looked at dates entries");
    let report = verified(&log, &log.parts(&Cut::default()), &blocks[0].line);
    assert!(report.check("anchors").is_none(), "a package without anchors is said to have some");
}

/// Requirement: W09
#[test]
fn anchors_that_contradict_the_log_or_themselves_are_broken_by_name() {
    let (log, blocks) = anchored();
    let lines: String = blocks.iter().map(|block| block.line.as_str()).collect();
    let whole = parts(&log, &blocks);
    let spoil: [Spoil<'_>; 6] = [
        ("not the record", &|file| file.evidence.push(0)),
        ("not the record", &|file| file.anchor = AnchorKind::Rfc3161),
        ("does not continue", &|file| file.consistency[0] = sha256(b"x")),
        ("not in the tree", &|file| file.record.path[0] = sha256(b"x")),
        ("not the record", &|file| file.record = log.placed(0, log.size())),
        ("the checkpoint is of", &|file| file.checkpoint = Log::new("other.example", "b").checkpoint(3)),
    ];
    for (part, change) in spoil {
        let mut spoilt = whole.clone();
        change(&mut spoilt.anchors[0]);
        let report = verified(&log, &spoilt, &lines);
        assert_eq!(report.exit_code(), 1, "{part}: {}", report.to_text());
        let detail = &report.check("anchors").unwrap().detail;
        assert!(detail.contains(part), "the report does not say {part:?}: {detail}");
    }
    let fork = format!("#! evm {CHAIN} 70 {}\n", "00".repeat(32));
    let report = verified(&log, &whole, &fork);
    assert_eq!(report.exit_code(), 1, "a block of a fork is believed: {}", report.to_text());
}

/// Requirement: W18
#[test]
fn a_batch_that_claims_another_day_than_its_anchors_allow_is_named() {
    for (hours_off, broken) in [(0, false), (30, true)] {
        let mut log = Log::new("notary.example", "a");
        log.open_epoch(1);
        log.record("one");
        log.seal_at(Micros(START + (2 + hours_off) * HOUR));
        let sealed_at = log.size() - 1;
        let block = anchor(&mut log, 70, 2, 2 + hours_off);
        let report = verified(&log, &parts(&log, std::slice::from_ref(&block)), &block.line);
        assert_eq!(report.exit_code() == 1, broken, "{hours_off} h: {}", report.to_text());
        if broken {
            let detail = &report.check("time bounds").unwrap().detail;
            assert!(
                detail.contains(&format!("seal at entry {sealed_at}")),
                "the batch is not named: {detail}"
            );
        }
    }
}
