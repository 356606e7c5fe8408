//! Verification runs as files that other verifiers read too.

use tabellion_model::registry::Purpose;
use tabellion_model::{
    AspectStanding, MAX_RUN_ENTRIES, Micros, Outcome, RunEnd, RunVerdict, VerificationRun, verify,
};
use tabellion_tlog::Policy;

use super::fixture::{HOUR, Log, START, at, plain};

const HOLDS: AspectStanding = AspectStanding::Holds;
const OPEN: AspectStanding = AspectStanding::NotChecked;

/// What was found of one entry of the log.
fn found(log: &Log, index: u64) -> RunVerdict {
    RunVerdict {
        asked: index.to_string(),
        entry: Some((index, log.leaves[at(index)])),
        signature: HOLDS,
        inclusion: HOLDS,
        time: OPEN,
        content: HOLDS,
        detail: String::new(),
    }
}

fn run(log: &Log, verdicts: Vec<RunVerdict>) -> VerificationRun {
    VerificationRun {
        log: log.origin.clone(),
        env: log.env,
        checkpoint: log.checkpoint(log.size()),
        keys: log.key_records.iter().map(|index| log.placed(*index, log.size())).collect(),
        started_at: Micros(START + 9 * HOUR),
        ended_at: Micros(START + 10 * HOUR),
        end: RunEnd::Completed,
        asked: verdicts.len() as u64,
        software: "fixture 1".to_owned(),
        verdicts,
    }
}

fn signed(log: &Log, run: &VerificationRun) -> Vec<u8> {
    run.sign(&log.keys[&Purpose::Package]).unwrap()
}

/// A run that found everything as it should be.
pub(super) fn whole() -> Vec<u8> {
    let log = plain();
    let found = [0, 7, 8].map(|index| found(&log, index));
    signed(&log, &run(&log, found.to_vec()))
}

/// A run in which something is broken.
pub(super) fn broken() -> Vec<u8> {
    let log = plain();
    let wrong = RunVerdict {
        content: AspectStanding::Broken,
        detail: "field `title` is not what its digest says".to_owned(),
        ..found(&log, 8)
    };
    signed(&log, &run(&log, vec![found(&log, 7), wrong]))
}

/// A run of more entries than one takes, which somebody ended; one of its entries does not exist.
pub(super) fn ended() -> Vec<u8> {
    let log = plain();
    let missing = RunVerdict {
        asked: "f".repeat(32),
        entry: None,
        signature: OPEN,
        inclusion: OPEN,
        content: OPEN,
        detail: "there is no such entry".to_owned(),
        ..found(&log, 7)
    };
    let run = run(&log, vec![found(&log, 7), missing]);
    signed(&log, &VerificationRun { asked: MAX_RUN_ENTRIES + 1, end: RunEnd::Cancelled, ..run })
}

// Requirement: R23.
#[test]
fn what_a_run_left_out_or_found_broken_stands_in_its_signed_bytes() {
    let trust = Policy::parse(plain().trust()).unwrap();
    for (what, bytes, exit, words) in [
        ("whole", whole(), 0, "all 3 entries"),
        ("broken", broken(), 1, "the first of them 8: field `title`"),
        ("ended", ended(), 3, "2 of 50001 were reached (more were asked for than a run takes), and of 1"),
    ] {
        let report = verify(&bytes, Some(&trust));
        assert_eq!(report.exit_code(), exit, "{what}: {}", report.to_text());
        let detail = &report.check("verdicts").unwrap().detail;
        assert!(detail.contains(words), "{what}: the reader is not told: {detail}");
        let signature = report.check("run signature").unwrap().outcome;
        assert_eq!(signature, Outcome::Holds, "{what}: {}", report.to_text());
        assert_ne!(verify(&bytes, None).exit_code(), 0, "{what}: a run by nobody known passes");
        // Every byte between the first line and the signature is signed, or is the signature.
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let exit = verify(&changed, Some(&trust)).exit_code();
            assert!([1, 2].contains(&exit), "{what}: byte {at} can be changed unseen: {exit}");
        }
    }
}
