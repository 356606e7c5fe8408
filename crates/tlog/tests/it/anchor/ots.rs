//! `OpenTimestamps` proofs.

use tabellion_tlog::anchor::ots::{Attestation, Branch, Op, OtsError, OtsProof, Timestamp};
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, verify_evidence};
use tabellion_tlog::{Hash, sha256};

const NONCE: [u8; 16] = [7; 16];

fn one(branch: Branch) -> Timestamp {
    Timestamp { branches: vec![branch] }
}

/// A calendar's first answer: SHA-256 of the commitment with a prefix is promised.
fn promise() -> Vec<u8> {
    let pending = one(Branch::Attested(Attestation::Pending("https://calendar.example.org".to_owned())));
    let hashed = one(Branch::Then(Op::Sha256, pending));
    one(Branch::Then(Op::Prepend(vec![1, 2, 3]), hashed)).to_bytes()
}

/// What it answers later about `message`, and the header of the block it leads to.
fn confirmation(message: &[u8], height: u64) -> (Vec<u8>, [u8; 80]) {
    let block = one(Branch::Attested(Attestation::Bitcoin(height)));
    let answer = one(Branch::Then(Op::Append(vec![9; 32]), one(Branch::Then(Op::Sha256, block))));
    let root = sha256(&[message, &[9; 32]].concat());
    let mut header = [0; 80];
    header[36..68].copy_from_slice(root.as_bytes());
    header[68..72].copy_from_slice(&1_800_000_000u32.to_le_bytes());
    (answer.to_bytes(), header)
}

pub(super) fn confirmed(digest: Hash) -> (OtsProof, [u8; 80]) {
    let mut proof = OtsProof::begin(digest, &NONCE, &promise()).unwrap();
    let (_, message) = proof.promises().remove(0);
    let (answer, header) = confirmation(&message, 900_000);
    proof.upgrade(&message, &answer).unwrap();
    (proof, header)
}

#[test]
fn a_promise_becomes_a_block_and_nothing_before_counts() {
    let digest = sha256(b"checkpoint");
    let mut proof = OtsProof::begin(digest, &NONCE, &promise()).unwrap();
    let pending =
        verify_evidence(AnchorKind::OpenTimestamps, &proof.to_bytes(), &digest, &AnchorTrust::default());
    assert!(
        matches!(&pending, AnchorFinding::NotChecked(text) if text.contains("promise")),
        "a promise counts: {pending:?}"
    );
    assert_eq!(
        proof.upgrade(b"other", &promise()),
        Err(OtsError::NoPromise),
        "a stranger's answer was put in"
    );
    let (done, header) = confirmed(digest);
    proof.clone_from(&done);
    assert!(proof.promises().is_empty(), "a promise that was kept is asked for again");
    let unchecked =
        verify_evidence(AnchorKind::OpenTimestamps, &proof.to_bytes(), &digest, &AnchorTrust::default());
    assert!(
        matches!(unchecked, AnchorFinding::NotChecked(_)),
        "a block nobody looked at counts: {unchecked:?}"
    );
    let trust = format!("#! bitcoin 900000 {}\n", hex::encode(header));
    let trust = AnchorTrust::parse(trust.as_bytes()).unwrap();
    let AnchorFinding::Holds { span, .. } =
        verify_evidence(AnchorKind::OpenTimestamps, &proof.to_bytes(), &digest, &trust)
    else {
        panic!("a proof that leads to the block is not believed");
    };
    assert_eq!(
        span.latest_us,
        (1_800_000_000 + 7_200) * 1_000_000,
        "the block's time would be taken for exact"
    );
    let other = verify_evidence(AnchorKind::OpenTimestamps, &proof.to_bytes(), &sha256(b"x"), &trust);
    assert!(matches!(other, AnchorFinding::Broken(_)), "another checkpoint is dated: {other:?}");
    let mut wrong = header;
    wrong[40] ^= 1;
    let trust = AnchorTrust::parse(format!("#! bitcoin 900000 {}\n", hex::encode(wrong)).as_bytes()).unwrap();
    let finding = verify_evidence(AnchorKind::OpenTimestamps, &proof.to_bytes(), &digest, &trust);
    assert!(
        matches!(finding, AnchorFinding::Broken(_)),
        "a block with another root is believed: {finding:?}"
    );
}

#[test]
fn a_proof_is_written_as_it_was_read() {
    let (proof, _) = confirmed(sha256(b"checkpoint"));
    let bytes = proof.to_bytes();
    assert_eq!(OtsProof::parse(&bytes).unwrap(), proof, "a proof would change on disk");
    for length in 0..bytes.len() {
        assert!(OtsProof::parse(&bytes[..length]).is_err(), "{length} bytes of a proof pass for one");
    }
    let long = [&bytes[..], &[0]].concat();
    assert!(OtsProof::parse(&long).is_err(), "bytes after a proof are passed over");
    let mut deep = proof.to_bytes()[..64].to_vec();
    deep.extend([0x08; 300]);
    assert!(OtsProof::parse(&deep).is_err(), "a proof could be nested without end");
}

/// A message of four thousand bytes that is hashed again and again: small to send, and long to compute.
#[test]
fn a_small_proof_that_takes_long_to_compute_is_refused() {
    let hashed = || Branch::Then(Op::Keccak256, one(Branch::Attested(Attestation::Bitcoin(1))));
    let proof = |count| OtsProof {
        digest: sha256(b"checkpoint"),
        timestamp: one(Branch::Then(
            Op::Append(vec![0; 4_064]),
            Timestamp { branches: (0..count).map(|_| hashed()).collect() },
        )),
    };
    assert!(OtsProof::parse(&proof(127).to_bytes()).is_ok(), "127 × 4096 + 128 bytes are below the limit");
    let refused = OtsProof::parse(&proof(128).to_bytes());
    assert!(matches!(refused, Err(OtsError::TooMuch(_))), "a reader computes for hours: {refused:?}");
    // However long it is, what a calendar writes stays below: a hash, and a hash beside it.
    let mut chain = one(Branch::Attested(Attestation::Bitcoin(1)));
    for _ in 0..127 {
        chain = one(Branch::Then(Op::Append(vec![7; 32]), one(Branch::Then(Op::Sha256, chain))));
    }
    let merged = OtsProof {
        digest: sha256(b"checkpoint"),
        timestamp: Timestamp { branches: vec![chain.branches[0].clone(); 14] },
    };
    let bytes = merged.to_bytes();
    assert!(OtsProof::parse(&bytes).is_ok(), "{} bytes of an honest proof are refused", bytes.len());
}
