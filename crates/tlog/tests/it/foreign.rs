//! Statements that others signed: what is registered, what is refused and why, and that a receipt leads back to exactly the bytes.

use p256::ecdsa::signature::Signer as _;
use tabellion_tlog::{
    CoseReceipt, ForeignError, ForeignStatement, HashEnvelope, IssuerAlgorithm, IssuerKey, Label,
    MAX_FOREIGN_BYTES, PayloadHash, attach_entry, attach_receipts, attach_registrations, detach_entry,
    detach_receipts, detach_registrations, leaf_hash, tbs,
};

use crate::cose::receipt_for;
use crate::reference::{entry, key};

/// A byte string of less than 64 KiB, with its head.
fn bytes(content: &[u8]) -> Vec<u8> {
    let head = match content.len() {
        short @ 0..=23 => vec![0x40 + u8::try_from(short).unwrap()],
        short @ 24..=255 => vec![0x58, u8::try_from(short).unwrap()],
        long => [vec![0x59], u16::try_from(long).unwrap().to_be_bytes().to_vec()].concat(),
    };
    [head, content.to_vec()].concat()
}

fn text(content: &str) -> Vec<u8> {
    [vec![0x60 + u8::try_from(content.len()).unwrap()], content.as_bytes().to_vec()].concat()
}

/// CWT claims {1: iss, 2: sub}.
fn claims() -> Vec<u8> {
    [vec![0x0f, 0xa2, 0x01], text("vendor.example"), vec![0x02], text("widget 1.2")].concat()
}

/// A protected header of these pairs, in this order, that need not be deterministic.
fn header(pairs: &[Vec<u8>]) -> Vec<u8> {
    [vec![0xa0 + u8::try_from(pairs.len()).unwrap()], pairs.concat()].concat()
}

fn plain_header() -> Vec<u8> {
    // Claims before the algorithm: another order than a deterministic encoder's.
    header(&[claims(), vec![0x01, 0x27], [vec![0x03], text("text/plain")].concat()])
}

fn message(protected: &[u8], unprotected: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    [vec![0xd2, 0x84], bytes(protected), unprotected.to_vec(), payload.to_vec(), bytes(signature)].concat()
}

fn signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let signature = key(2).sign(&tbs(protected, payload));
    message(protected, &[0xa0], &bytes(payload), &signature)
}

fn refusal(bytes: &[u8]) -> ForeignError {
    ForeignStatement::parse(bytes).expect_err("it was taken for a statement")
}

#[test]
fn a_statement_is_read_as_its_issuer_wrote_it_and_verifies_under_their_key_only() {
    let statement = signed(&plain_header(), b"hello");
    let read = ForeignStatement::parse(&statement).expect("a statement in another order of headers");
    assert_eq!(
        (read.header.issuer.as_str(), read.header.subject.as_str(), read.header.content_type.as_deref()),
        ("vendor.example", "widget 1.2", Some("text/plain")),
        "a register would show something else than the issuer said"
    );
    let own = IssuerKey::Ed25519(key(2).public());
    assert_eq!(read.verify(&own), Ok(()), "an issuer's own statement was refused");
    let other = IssuerKey::Ed25519(key(3).public());
    assert!(matches!(read.verify(&other), Err(ForeignError::Signature(_))), "another key was accepted");
    for at in 0..statement.len() {
        let mut changed = statement.clone();
        changed[at] ^= 1;
        let passes = ForeignStatement::parse(&changed).is_ok_and(|read| read.verify(&own).is_ok());
        assert!(!passes, "byte {at} was changed and nobody noticed");
    }
}

#[test]
fn a_statement_by_es256_verifies_and_its_key_survives_its_spellings() {
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = secret.verifying_key().to_sec1_point(false);
    let spki = [
        &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
            0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ][..],
        point.as_bytes(),
    ]
    .concat();
    let issuer = IssuerKey::from_spki(&spki).expect("a key on P-256");
    assert_eq!(issuer.spki(), spki, "a key would be kept in another spelling than it came in");
    assert_eq!(issuer.algorithm(), IssuerAlgorithm::Es256);
    let protected = header(&[vec![0x01, 0x26], claims()]);
    let signature: p256::ecdsa::Signature = secret.sign(&tbs(&protected, b"hello"));
    let statement = message(&protected, &[0xa0], &bytes(b"hello"), &signature.to_bytes());
    let read = ForeignStatement::parse(&statement).expect("a statement by ES256");
    assert_eq!(read.verify(&issuer), Ok(()), "an issuer's own statement was refused");
    let ed25519 = IssuerKey::Ed25519(key(2).public());
    assert!(read.verify(&ed25519).is_err(), "a signature counted under a key of another algorithm");
    let mut off_curve = spki.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    assert!(IssuerKey::from_spki(&off_curve).is_err(), "a point that is not on the curve became a key");
    let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    let known = IssuerKey::from_pem(pem).expect("the first key of RFC 8032");
    assert_eq!(
        known.key_id().to_hex(),
        "866eefbd6718c8846cd7ddfe43fc74ab1daac4538ff8514ea2ec2d410a415743",
        "the id is not the thumbprint of RFC 9679"
    );
    for broken in [&pem[1..], &pem.replace("BEGIN PUBLIC", "BEGIN PRIVATE"), "", &format!("{pem}{pem}")] {
        assert!(IssuerKey::from_pem(broken).is_err(), "{broken:?} became a key");
    }
}

#[test]
fn what_cannot_be_registered_is_refused_by_its_name() {
    let good = plain_header();
    let with = |pair: Vec<u8>| {
        let mut pairs = good[1..].to_vec();
        pairs.extend(pair);
        [vec![good[0] + 1], pairs].concat()
    };
    assert!(
        matches!(refusal(&message(&good, &[0xa0], &[0xf6], &[1; 64])), ForeignError::NoPayload),
        "a detached payload has nothing to register"
    );
    assert_eq!(refusal(&message(&good, &[0xa0], &bytes(b"x"), &[])), ForeignError::Unsigned(0));
    assert_eq!(
        refusal(&message(&good, &[0xa1, 0x04, 0x41, 0x01], &bytes(b"x"), &[1; 64])),
        ForeignError::Unprotected
    );
    // crit: [9999], with parameter 9999 there; then a critical text label; then one that is understood.
    let critical = with([vec![0x02, 0x81, 0x19, 0x27, 0x0f]].concat());
    assert_eq!(refusal(&signed(&critical, b"x")), ForeignError::Critical(Label::Number(9999)));
    let critical = with([vec![0x02, 0x81], text("lies")].concat());
    assert_eq!(refusal(&signed(&critical, b"x")), ForeignError::Critical(Label::Text("lies".to_owned())));
    assert!(
        ForeignStatement::parse(&signed(&with(vec![0x02, 0x81, 0x03]), b"x")).is_ok(),
        "a critical parameter that is understood was refused"
    );
    assert!(
        matches!(refusal(&signed(&with(vec![0x02, 0x81, 0x04]), b"x")), ForeignError::Form(_)),
        "a critical parameter may be missing"
    );
    for (claims, missing) in [
        (vec![0x0f, 0xa1, 0x02, 0x61, b's'], "issuer (iss, 1)"),
        (vec![0x0f, 0xa1, 0x01, 0x61, b'i'], "subject (sub, 2)"),
    ] {
        assert_eq!(
            refusal(&signed(&header(&[vec![0x01, 0x27], claims]), b"x")),
            ForeignError::NoClaim(missing)
        );
    }
    for (algorithm, named) in [(vec![0x01, 0x38, 0x22], "-35"), (vec![0x01, 0x62, b'R', b'S'], "\"RS\"")] {
        assert_eq!(
            refusal(&signed(&header(&[algorithm, claims()]), b"x")),
            ForeignError::Algorithm(named.to_owned())
        );
    }
    assert!(
        matches!(refusal(&signed(&with(vec![0x01, 0x27]), b"x")), ForeignError::Form(_)),
        "a label counted twice"
    );
    let own = header(&[
        vec![0x01, 0x27],
        claims(),
        [vec![0x03, 0x78, 29], b"application/tabellion-recordX".to_vec()].concat(),
    ]);
    assert!(
        matches!(refusal(&signed(&own, b"x")), ForeignError::OwnKind(_)),
        "one of the log's own kinds was taken in"
    );
    let large = vec![0; MAX_FOREIGN_BYTES + 1];
    assert!(matches!(refusal(&large), ForeignError::TooLong { .. }), "a statement without bound was read");
    let untagged = &signed(&good, b"x")[1..];
    assert!(
        matches!(refusal(untagged), ForeignError::Form(_)),
        "a message without its tag has two spellings"
    );
    let longer = [signed(&good, b"x"), vec![0]].concat();
    assert!(
        matches!(refusal(&longer), ForeignError::Form(_)),
        "bytes after the statement were registered with it"
    );
    // A payload with a longer head than it needs.
    let spelled = message(&good, &[0xa0], &[0x58, 1, b'x'], &key(2).sign(&tbs(&good, b"x")));
    assert!(matches!(refusal(&spelled), ForeignError::Form(_)), "one statement has two spellings");
}

#[test]
fn a_hash_envelope_states_an_artefact_by_its_digest() {
    let artefact = b"a model of many gigabytes";
    let envelope = HashEnvelope {
        hash: PayloadHash::Sha256,
        preimage_type: Some("application/octet-stream".to_owned()),
        location: Some("https://example.com/model".to_owned()),
    };
    let digest = envelope.hash.of(artefact);
    let signed_by = key(2);
    let statement =
        envelope.sign(&digest, "vendor.example", "model 7", &signed_by).expect("it can be signed");
    let read = ForeignStatement::parse(&statement).expect("our own envelope was refused");
    assert_eq!(read.header.envelope.as_ref(), Some(&envelope), "what the envelope says was lost");
    assert_eq!(read.payload, digest, "the payload is not the digest");
    assert_eq!(
        read.verify(&IssuerKey::Ed25519(signed_by.public())),
        Ok(()),
        "our own envelope does not verify"
    );
    assert!(
        envelope.sign(&digest[..31], "a", "b", &signed_by).is_err(),
        "a digest of another length was signed"
    );
    // 258 beside a content type (3), 259 without 258, a digest of another length, an unknown hash.
    let hash = |number: u8| vec![0x19, 0x01, 0x02, number];
    for wrong in [
        signed(&header(&[vec![0x01, 0x27], claims(), vec![0x03, 0x61, b'x'], hash(0x2f)]), &digest),
        signed(&header(&[vec![0x01, 0x27], claims(), vec![0x19, 0x01, 0x03, 0x61, b'x']]), &digest),
        signed(&header(&[vec![0x01, 0x27], claims(), hash(0x2f)]), &digest[1..]),
        signed(&header(&[vec![0x01, 0x27], claims(), hash(0x2e)]), &digest),
    ] {
        assert!(matches!(refusal(&wrong), ForeignError::Envelope(_)), "a wrong envelope was taken in");
    }
    assert!(
        ForeignStatement::parse(&signed(&header(&[vec![0x01, 0x27], claims(), hash(0x2f)]), &digest)).is_ok(),
        "the right one was refused, so the cases above show nothing"
    );
}

#[test]
fn a_receipt_that_carries_its_entry_leads_back_to_statement_entry_and_plain_receipt() {
    let statement = signed(&plain_header(), b"hello");
    let placed = entry(3);
    let (receipt, root) = receipt_for(&placed, 3, 9);
    let carrying = attach_entry(&receipt, &placed).expect("a receipt can carry its entry");
    assert_eq!(
        detach_entry(&carrying),
        Ok((receipt.clone(), placed.clone())),
        "what was put in comes out otherwise"
    );
    let facts = CoseReceipt::verify(&receipt, &leaf_hash(&placed), &key(1).public()).expect("it verifies");
    assert_eq!(facts.root, root, "the receipt is of another tree");
    assert!(CoseReceipt::parse(&carrying).is_err(), "a plain reader would pass over the entry");
    assert!(
        detach_entry(&receipt).is_err() && attach_entry(&receipt, b"").is_err(),
        "no entry passes for one"
    );
    let transparent =
        attach_registrations(&statement, std::slice::from_ref(&carrying)).expect("a transparent statement");
    assert_eq!(
        detach_registrations(&transparent),
        Ok((statement.clone(), vec![carrying.clone()])),
        "the registered bytes cannot be told again"
    );
    assert!(
        ForeignStatement::parse(&transparent).is_err(),
        "receipts would be registered with the statement"
    );
    assert!(detach_registrations(&statement).is_err(), "a statement without receipts passes for one with");
    assert!(attach_receipts(&statement, &[receipt]).is_err() && detach_receipts(&transparent).is_err());
    assert!(attach_registrations(&transparent, &[carrying]).is_err(), "receipts were attached twice");
}

#[test]
fn broken_bytes_never_panic() {
    let statement = signed(&plain_header(), b"hello");
    let (receipt, _) = receipt_for(&entry(3), 3, 9);
    let transparent =
        attach_registrations(&statement, &[attach_entry(&receipt, &entry(3)).unwrap()]).unwrap();
    for whole in [statement, transparent] {
        for at in 0..whole.len() {
            let _ = ForeignStatement::parse(&whole[..at]);
            let _ = detach_registrations(&whole[..at]);
            for bit in [0x01, 0x20, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                let _ = ForeignStatement::parse(&changed);
                if let Ok((bare, receipts)) = detach_registrations(&changed) {
                    assert_eq!(
                        attach_registrations(&bare, &receipts).as_deref(),
                        Ok(changed.as_slice()),
                        "two spellings of one transparent statement"
                    );
                }
            }
        }
    }
}
