//! COSE messages and receipts: what is made verifies, every changed byte shows, nothing outside the closed form is read.

use tabellion_tlog::{
    CoseError, CoseReceipt, Hash, InclusionProof, MAX_COSE_BYTES, MAX_PAYLOAD_BYTES, MAX_RECEIPTS, Protected,
    ReceiptError, ReceiptFacts, Sign1, Unprotected, attach_receipts, detach_receipts, inclusion_path_of,
    leaf_hash, root_of, sign1, tbs,
};

use crate::reference::{entry, key, leaves, turns};

const ORIGIN: &str = "example.com/log/acme";
const SUBJECT: &str = "00112233445566778899aabbccddeeff";

pub(crate) fn statement_header() -> Protected {
    Protected {
        content_type: Some("application/tabellion-record+json".to_owned()),
        kid: Some(key(2).public().key_id().0),
        cwt_iss: Some("0123456789abcdef0123456789abcdef".to_owned()),
        cwt_sub: Some(SUBJECT.to_owned()),
        vds: None,
    }
}

pub(crate) fn statement() -> Sign1 {
    sign1(&statement_header(), br#"{"format":"example/1"}"#, true, &key(2)).unwrap()
}

/// A receipt for entry `index` in a log whose entries are those of `reference::entry`, but for `index` itself.
pub(crate) fn receipt_for(entry: &[u8], index: u64, size: u64) -> (Vec<u8>, Hash) {
    let mut leaves = leaves(size);
    leaves[usize::try_from(index).unwrap()] = leaf_hash(entry);
    let root = root_of(leaves.iter().copied());
    let proof = InclusionProof { size, index, path: inclusion_path_of(&leaves, index).unwrap() };
    (CoseReceipt::issue(&root, &proof, ORIGIN, SUBJECT, &key(1)).unwrap(), root)
}

#[test]
fn a_statement_verifies_under_its_key_only() {
    let message = statement();
    let bytes = message.encode();
    assert_eq!(bytes[0], 0xd2, "a statement does not start with its tag");
    assert_eq!(Sign1::parse(&bytes), Ok(message.clone()), "a statement was read differently than written");
    assert_eq!(message.verify(&key(2).public(), None), Ok(()), "our own statement was refused");
    let (named, given) = (key(2).public().key_id(), key(3).public().key_id());
    assert_eq!(
        message.verify(&key(3).public(), None),
        Err(CoseError::OtherKey { named, given }),
        "another key was accepted"
    );
    let twice = message.verify(&key(2).public(), Some(b"{}"));
    assert_eq!(twice, Err(CoseError::Payload("both")), "a second payload was accepted");

    let mut anonymous = statement_header();
    anonymous.kid = None;
    let anonymous = sign1(&anonymous, b"{}", true, &key(2)).unwrap();
    assert!(
        matches!(anonymous.verify(&key(3).public(), None), Err(CoseError::Signature(_))),
        "another key was accepted"
    );
    let wrong_kid = sign1(&statement_header(), b"{}", true, &key(3));
    assert!(matches!(wrong_kid, Err(CoseError::OtherKey { .. })), "a key signed in another's name");
}

#[test]
fn a_detached_payload_has_to_be_given() {
    let manifest = vec![b'm'; 3 * MAX_PAYLOAD_BYTES];
    let header = Protected {
        content_type: Some("application/tabellion-package+json".to_owned()),
        ..Protected::default()
    };
    let message = sign1(&header, &manifest, false, &key(4)).unwrap();
    let message = Sign1::parse(&message.encode()).unwrap();
    assert_eq!(message.payload, None, "a detached payload is in the message");
    let key = key(4).public();
    assert_eq!(
        message.verify(&key, Some(&manifest)),
        Ok(()),
        "a manifest of any length can be signed beside it"
    );
    assert_eq!(message.verify(&key, None), Err(CoseError::Payload("neither")), "nothing was verified");
    assert!(message.verify(&key, Some(&manifest[1..])).is_err(), "another manifest was accepted");
}

#[test]
fn the_signed_bytes_are_those_of_rfc_9052() {
    let expected = [b"\x84\x6aSignature1\x43\xa1\x01\x27\x40\x44".as_slice(), b"data"].concat();
    assert_eq!(tbs(b"\xa1\x01\x27", b"data"), expected, "no foreign verifier would accept our signatures");
}

#[test]
fn every_changed_byte_of_a_statement_shows() {
    let good = statement().encode();
    for (at, bytes) in flips(&good) {
        let held = Sign1::parse(&bytes).and_then(|changed| changed.verify(&key(2).public(), None));
        assert!(held.is_err(), "byte {at} of a statement was changed and it still verifies");
    }
    no_other_length_is_read(&good);
}

/// A receipt signs the root, and RFC 9942 puts the size beside the signature: a size at which the path takes the same turns is the
/// same proof. Everything else shows.
#[test]
fn every_changed_byte_of_a_receipt_shows_but_a_size_of_the_same_shape() {
    let leaf = leaf_hash(b"statement");
    let (good, root) = receipt_for(b"statement", 5, 11);
    let mut other_sizes = Vec::new();
    for (at, bytes) in flips(&good) {
        if let Ok(facts) = CoseReceipt::verify(&bytes, &leaf, &key(1).public()) {
            let same_proof = (facts.index, facts.root) == (5, root) && turns(5, facts.size) == turns(5, 11);
            assert!(same_proof, "byte {at} of a receipt was changed and it proves something else");
            other_sizes.push(facts.size);
        }
    }
    assert_eq!(other_sizes, [10, 9, 15], "more than the size of a receipt is unsigned");
    no_other_length_is_read(&good);
}

/// All copies with one bit changed, with the place of the change.
fn flips(good: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..8 * good.len()).map(|bit| {
        let mut bytes = good.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        (bit / 8, bytes)
    })
}

fn no_other_length_is_read(good: &[u8]) {
    for end in 0..good.len() {
        assert!(Sign1::parse(&good[..end]).is_err(), "a message cut at byte {end} was read");
    }
    assert!(Sign1::parse(&[good, &[0]].concat()).is_err(), "a message with a byte behind it was read");
}

/// A statement's bytes with other protected, unprotected and payload items in front of a signature of 64 zero bytes.
fn raw(protected: &[u8], unprotected: &[u8], payload: &[u8]) -> Vec<u8> {
    let head = [0xd2, 0x84, 0x58, u8::try_from(protected.len()).unwrap()];
    [&head, protected, unprotected, payload, &[0x58, 64], &[0; 64]].concat()
}

/// `raw` with the shortest length of the protected header.
fn raw_short(protected: &[u8], unprotected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = raw(protected, unprotected, payload);
    if protected.len() < 24 {
        bytes.splice(2..4, [0x40 + u8::try_from(protected.len()).unwrap()]);
    }
    bytes
}

#[test]
fn other_encodings_and_other_headers_are_refused() {
    let (protected, none, payload) = (b"\xa1\x01\x27".as_slice(), b"\xa0".as_slice(), b"\x41x".as_slice());
    assert!(Sign1::parse(&raw_short(protected, none, payload)).is_ok(), "the smallest message was refused");
    assert!(Sign1::parse(&raw_short(protected, none, b"\xf6")).is_ok(), "a detached payload was refused");
    let refused: [(&str, Vec<u8>); 25] = [
        ("a length that is not the shortest", raw(protected, none, payload)),
        ("an untagged message", raw_short(protected, none, payload)[1..].to_vec()),
        ("a tag in two bytes", [b"\xd8\x12".as_slice(), &raw_short(protected, none, payload)[1..]].concat()),
        ("another tag", [b"\xd1".as_slice(), &raw_short(protected, none, payload)[1..]].concat()),
        (
            "an array of five",
            [b"\xd2\x85".as_slice(), &raw_short(protected, none, payload)[2..], b"\x00"].concat(),
        ),
        (
            "an indefinite array",
            [b"\xd2\x9f".as_slice(), &raw_short(protected, none, payload)[2..], b"\xff"].concat(),
        ),
        ("no algorithm", raw_short(b"\xa0", none, payload)),
        ("an empty protected header", raw_short(b"", none, payload)),
        ("another algorithm", raw_short(b"\xa1\x01\x26", none, payload)),
        ("an algorithm in two bytes", raw_short(b"\xa1\x01\x38\x07", none, payload)),
        ("an algorithm twice", raw_short(b"\xa2\x01\x27\x01\x27", none, payload)),
        ("keys out of order", raw_short(b"\xa2\x03\x61a\x01\x27", none, payload)),
        ("an indefinite protected map", raw_short(b"\xbf\x01\x27\xff", none, payload)),
        ("bytes behind the protected map", raw_short(b"\xa1\x01\x27\x00", none, payload)),
        ("a critical header", raw_short(b"\xa2\x01\x27\x02\x81\x01", none, payload)),
        ("a text label", raw_short(b"\xa2\x01\x27\x61a\x01", none, payload)),
        ("a short key id", raw_short(b"\xa2\x01\x27\x04\x41a", none, payload)),
        ("an empty content type", raw_short(b"\xa2\x01\x27\x03\x60", none, payload)),
        ("a number as content type", raw_short(b"\xa2\x01\x27\x03\x00", none, payload)),
        ("empty claims", raw_short(b"\xa2\x01\x27\x0f\xa0", none, payload)),
        ("another claim", raw_short(b"\xa2\x01\x27\x0f\xa1\x06\x00", none, payload)),
        ("another data structure", raw_short(b"\xa2\x01\x27\x19\x01\x8b\x02", none, payload)),
        ("an unsigned key id", raw_short(protected, b"\xa1\x04\x41a", payload)),
        ("an empty list of receipts", raw_short(protected, b"\xa1\x19\x01\x8a\x80", payload)),
        ("an indefinite payload", raw_short(protected, none, b"\x5f\x41x\xff")),
    ];
    for (name, bytes) in refused {
        assert!(Sign1::parse(&bytes).is_err(), "{name} was accepted");
    }
    let no_algorithm = Sign1::parse(&raw_short(b"\xa0", none, payload));
    let error = CoseError::Form("decode error: no algorithm".to_owned());
    assert_eq!(no_algorithm, Err(error), "a missing algorithm is not named");
    let deep = [vec![0xd2, 0x84], vec![0x81; 100_000]].concat();
    assert!(Sign1::parse(&deep).is_err(), "deep nesting was accepted");
    let liar = b"\xd2\x84\x5b\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert!(Sign1::parse(liar).is_err(), "a length beyond the message was accepted");
    let count = b"\xd2\x84\x43\xa1\x01\x27\xa1\x19\x01\x8a\x9b\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert!(Sign1::parse(count).is_err(), "a count beyond the message was accepted");
    let long = Sign1::parse(&vec![0xd2; MAX_COSE_BYTES + 1]);
    assert!(matches!(long, Err(CoseError::TooLong { .. })), "an endless message was read: {long:?}");
}

#[test]
fn what_nobody_could_read_is_not_signed() {
    let big = sign1(&Protected::default(), &vec![0; MAX_PAYLOAD_BYTES + 1], true, &key(1));
    assert!(matches!(big, Err(CoseError::TooLong { .. })), "a payload that no entry can hold was signed");
    for header in [
        Protected { content_type: Some(String::new()), ..Protected::default() },
        Protected { cwt_iss: Some("i".repeat(513)), ..Protected::default() },
        Protected { vds: Some(2), ..Protected::default() },
    ] {
        assert!(
            sign1(&header, b"{}", true, &key(1)).is_err(),
            "{header:?} was signed and no verifier would read it"
        );
    }
}

/// Requirement: R26
#[test]
fn receipts_prove_their_entry_and_no_other() {
    for size in 1..=20u64 {
        for index in 0..size {
            let statement = entry(1000 + index);
            let (receipt, root) = receipt_for(&statement, index, size);
            let facts = CoseReceipt::verify(&receipt, &leaf_hash(&statement), &key(1).public());
            let expected =
                ReceiptFacts { iss: ORIGIN.to_owned(), sub: SUBJECT.to_owned(), size, index, root };
            assert_eq!(
                facts,
                Ok(expected),
                "the receipt of {index} in {size} was refused or says something else"
            );
            let other = CoseReceipt::verify(&receipt, &leaf_hash(b"other"), &key(1).public());
            assert!(other.is_err(), "the receipt of {index} in {size} passed for another entry");
            assert_eq!(CoseReceipt::parse(&receipt).unwrap().encode(), receipt, "a receipt has two forms");
        }
    }
    let (receipt, _) = receipt_for(b"statement", 5, 11);
    let other_log = CoseReceipt::verify(&receipt, &leaf_hash(b"statement"), &key(3).public());
    assert!(
        matches!(other_log, Err(ReceiptError::Cose(CoseError::OtherKey { .. }))),
        "another log's key was accepted"
    );
}

#[test]
fn index_and_size_of_a_receipt_are_numbers_that_json_says_exactly() {
    let placed = |size| {
        let proof = InclusionProof { size, index: 0, path: Vec::new() };
        CoseReceipt::issue(&Hash([7; 32]), &proof, ORIGIN, SUBJECT, &key(1)).unwrap()
    };
    assert_eq!(CoseReceipt::parse(&placed((1 << 53) - 1)).unwrap().proof.size, (1 << 53) - 1);
    assert!(CoseReceipt::parse(&placed(1 << 53)).is_err(), "one file would have two verdicts");
}

#[test]
fn only_receipts_are_receipts() {
    let statement = statement();
    assert!(CoseReceipt::parse(&statement.encode()).is_err(), "a statement passed for a receipt");
    let (receipt, root) = receipt_for(b"statement", 5, 11);
    let mut message = Sign1::parse(&receipt).unwrap();
    message.payload = Some(root.0.to_vec());
    let attached = CoseReceipt::parse(&message.encode());
    assert!(
        matches!(attached, Err(ReceiptError::NotAReceipt(_))),
        "a root that the receipt brings along was accepted"
    );
    let proof = InclusionProof { size: 11, index: 5, path: vec![root; 64] };
    assert!(
        CoseReceipt::issue(&root, &proof, ORIGIN, SUBJECT, &key(1)).is_err(),
        "a path longer than any was signed"
    );
    for header in [
        Protected { kid: None, ..receipt_header() },
        Protected { cwt_iss: None, ..receipt_header() },
        Protected { cwt_sub: None, ..receipt_header() },
        Protected { vds: None, ..receipt_header() },
        Protected { content_type: Some("x".to_owned()), ..receipt_header() },
    ] {
        let mut message = sign1(&header, root.as_bytes(), false, &key(1)).unwrap();
        message.unprotected = Sign1::parse(&receipt).unwrap().unprotected;
        assert!(
            CoseReceipt::parse(&message.encode()).is_err(),
            "{header:?} passed for the header of a receipt"
        );
    }
}

fn receipt_header() -> Protected {
    let kid = Some(key(1).public().key_id().0);
    let (cwt_iss, cwt_sub) = (Some(ORIGIN.to_owned()), Some(SUBJECT.to_owned()));
    Protected { content_type: None, kid, cwt_iss, cwt_sub, vds: Some(1) }
}

#[test]
fn a_transparent_statement_comes_apart_again() {
    let statement = statement();
    let entry = statement.encode();
    let receipts: Vec<_> = (0..3).map(|index| receipt_for(&entry, index, 11).0).collect();
    let transparent = attach_receipts(&entry, &receipts).unwrap();
    assert_eq!(
        detach_receipts(&transparent),
        Ok((entry.clone(), receipts.clone())),
        "the entry or a receipt was changed"
    );
    let parsed = Sign1::parse(&transparent).unwrap();
    assert_eq!(parsed.verify(&key(2).public(), None), Ok(()), "receipts broke the statement's signature");
    assert_eq!(
        parsed.unprotected,
        Unprotected::Receipts(receipts.clone()),
        "the receipts stand somewhere else"
    );

    assert_eq!(
        attach_receipts(&entry, &[]),
        Err(ReceiptError::Count(0)),
        "a statement without receipts is no other form"
    );
    let many = vec![receipts[0].clone(); MAX_RECEIPTS + 1];
    assert_eq!(
        attach_receipts(&entry, &many),
        Err(ReceiptError::Count(17)),
        "endless receipts were attached"
    );
    assert!(attach_receipts(&entry, &many[..MAX_RECEIPTS]).is_ok(), "16 receipts have to fit");
    assert_eq!(
        attach_receipts(&transparent, &receipts),
        Err(ReceiptError::NotAStatement),
        "receipts were attached twice"
    );
    assert!(
        attach_receipts(&entry, std::slice::from_ref(&entry)).is_err(),
        "a statement was attached as a receipt"
    );
    assert!(detach_receipts(&entry).is_err(), "an entry passed for a transparent statement");
}

#[test]
fn the_largest_statement_carries_the_most_receipts() {
    let statement = sign1(&Protected::default(), &vec![b' '; 65_400], true, &key(2)).unwrap().encode();
    let path = vec![leaf_hash(b"x"); 52];
    let proof = InclusionProof { size: 1 << 52, index: 0, path };
    let root = tabellion_tlog::root_from_inclusion(&leaf_hash(&statement), 0, 1 << 52, &proof.path).unwrap();
    let receipt = CoseReceipt::issue(&root, &proof, &"o".repeat(512), &"s".repeat(512), &key(1)).unwrap();
    let transparent = attach_receipts(&statement, &vec![receipt.clone(); MAX_RECEIPTS]).unwrap();
    let (entry, receipts) = detach_receipts(&transparent).unwrap();
    assert_eq!(
        (entry, receipts.len()),
        (statement.clone(), MAX_RECEIPTS),
        "the largest statement cannot be handed out"
    );
    let facts = CoseReceipt::verify(&receipt, &leaf_hash(&statement), &key(1).public());
    assert_eq!(facts.map(|facts| facts.root), Ok(root), "the longest receipt does not verify");
}
