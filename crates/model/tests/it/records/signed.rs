//! Statements, seals and how entries are told apart.

use tabellion_model::registry::{Facts, RegistryError};
use tabellion_model::{
    BatchSeal, BatchSealEntry, Entry, EntryError, Header, KeyId, Micros, RecordError, RecordTemplate,
    SealError, SealedRecord, Statement, StatementError,
};
use tabellion_tlog::{CoseReceipt, InclusionProof, MAX_ENTRY_BYTES, Protected, Sign1, leaf_hash, sign1};

use crate::records::fixture::{
    actor_key, bytes_of, full_header, genesis, hash, key, key_id, origin, small_header, writer_key,
};

fn statement() -> Vec<u8> {
    Statement::sign(&SealedRecord { header: full_header() }, &actor_key()).unwrap()
}

fn seal() -> BatchSeal {
    BatchSeal {
        log: origin(),
        first: 10,
        count: 5,
        root: hash("root"),
        committed_at: Micros(1_767_323_046_000_000),
        keys: 4,
    }
}

#[test]
fn a_statement_is_its_record_and_its_signature() {
    let bytes = statement();
    let Entry::Statement(read) = Entry::parse(&bytes).unwrap() else {
        panic!("a statement must be read as one")
    };
    assert_eq!(read.record.header, full_header(), "the record must survive signing");
    assert_eq!(read.kid, key_id(&actor_key()), "the key must be named");
    assert_eq!(read.verify(&actor_key().public()), Ok(()), "the actor's signature must hold");
    assert_eq!(
        read.verify(&key(9).public()),
        Err(StatementError::OtherKey(key_id(&key(9)))),
        "a signature must hold for the named key only"
    );
}

/// Requirement: A16
#[test]
fn a_changed_byte_of_a_statement_or_seal_is_noticed() {
    let sealed = seal().sign(&writer_key()).unwrap();
    for (bytes, signer) in [(statement(), actor_key()), (sealed, writer_key())] {
        for at in 0..bytes.len() {
            for change in [1_u8, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                let holds = match Entry::parse(&changed) {
                    Err(_) => false,
                    Ok(Entry::Record(_)) => panic!("a signed entry became an unsigned one at byte {at}"),
                    Ok(Entry::Statement(read)) => read.verify(&signer.public()).is_ok(),
                    Ok(Entry::Seal(read)) => read.verify(&signer.public()).is_ok(),
                };
                assert!(!holds, "byte {at} changed and the signature still holds");
            }
        }
    }
}

fn protected(kid: Option<KeyId>, content_type: &str, iss: Option<String>, sub: Option<String>) -> Protected {
    Protected {
        content_type: Some(content_type.to_owned()),
        kid: kid.map(|kid| *kid.as_bytes()),
        cwt_iss: iss,
        cwt_sub: sub,
        vds: None,
    }
}

#[test]
fn a_statement_whose_header_says_something_else_is_refused() {
    let header = full_header();
    let (actor, record_id) = (header.actor.to_hex(), header.record_id.to_hex());
    let payload = bytes_of(header);
    let kid = Some(key_id(&actor_key()));
    let media = "application/tabellion-record+json";
    for (protected, why) in [
        (protected(None, media, Some(actor.clone()), Some(record_id.clone())), "no key"),
        (protected(kid, media, Some(record_id.clone()), Some(record_id.clone())), "another issuer"),
        (protected(kid, media, Some(actor.clone()), Some(actor.clone())), "another subject"),
        (protected(kid, media, None, None), "no claims"),
        (
            Protected { vds: Some(1), ..protected(kid, media, Some(actor.clone()), Some(record_id.clone())) },
            "a receipt's header",
        ),
    ] {
        let Ok(signed) = sign1(&protected, &payload, true, &actor_key()) else { continue };
        let refused = Entry::parse(&signed.encode());
        assert!(
            matches!(refused, Err(EntryError::Statement(StatementError::Protected(_)))),
            "{why}: {refused:?}"
        );
    }
    let good = protected(kid, media, Some(actor.clone()), Some(record_id.clone()));
    let detached = sign1(&good, &payload, false, &actor_key()).unwrap();
    let refused = Entry::parse(&detached.encode());
    assert!(
        matches!(refused, Err(EntryError::Statement(StatementError::Detached))),
        "an entry carries its record: {refused:?}"
    );
    let other = sign1(
        &protected(kid, "application/json", Some(actor), Some(record_id)),
        &payload,
        true,
        &actor_key(),
    )
    .unwrap();
    assert_eq!(
        Entry::parse(&other.encode()),
        Err(EntryError::ContentType),
        "an entry is a statement or a seal"
    );
}

#[test]
fn a_statement_with_receipts_is_no_entry() {
    let bytes = statement();
    let root = leaf_hash(&bytes);
    let place = InclusionProof { size: 1, index: 0, path: Vec::new() };
    let receipt = CoseReceipt::issue(&root, &place, origin().as_str(), "entry0", &key(2)).unwrap();
    let transparent = tabellion_tlog::attach_receipts(&bytes, &[receipt]).unwrap();
    let refused = Entry::parse(&transparent);
    assert!(
        matches!(refused, Err(EntryError::Statement(StatementError::Unprotected))),
        "its leaf would be another: {refused:?}"
    );
    let (detached, receipts) = tabellion_tlog::detach_receipts(&transparent).unwrap();
    assert_eq!(
        (detached, receipts.len()),
        (bytes, 1),
        "the entry comes back when the receipts are taken off"
    );
}

#[test]
fn a_seal_survives_and_places_itself() {
    let bytes = seal().sign(&writer_key()).unwrap();
    let Entry::Seal(read) = Entry::parse(&bytes).unwrap() else { panic!("a seal must be read as one") };
    assert_eq!(read.seal, seal(), "a seal must be read as it was written");
    assert_eq!(
        (read.seal.index(), read.seal.size_after()),
        (15, 16),
        "a seal stands behind the entries it counts"
    );
    assert_eq!(read.verify(&writer_key().public()), Ok(()), "the writer's signature must hold");
    assert_eq!(read.verify(&key(9).public()), Err(SealError::OtherKey(key_id(&key(9)))), "and no other's");
    assert_eq!(Entry::parse(&bytes).unwrap().header(), None, "a seal has no record header");
}

#[test]
fn seals_hold_their_limits_and_their_form() {
    let limit = 1_u64 << 53;
    for wrong in [
        BatchSeal { count: 0, ..seal() },
        BatchSeal { keys: 0, ..seal() },
        BatchSeal { first: limit, ..seal() },
        BatchSeal { first: u64::MAX, count: u64::MAX, ..seal() },
        BatchSeal { committed_at: Micros(limit), ..seal() },
        BatchSeal { first: limit - 2, count: 1, ..seal() },
    ] {
        assert_eq!(wrong.to_payload(), Err(SealError::Range), "{wrong:?} could not be read back");
    }
    let text = String::from_utf8(seal().to_payload().unwrap()).unwrap();
    for (from, to, name) in [
        ("\"count\":5,", "", "`count`"),
        ("\"count\":5", "\"count\":0", "`count`"),
        ("\"count\":5", "\"count\":\"5\"", "`count`"),
        ("\"keys\":4", "\"keys\":4,\"kind\":1", "`kind`"),
        ("seal/1", "seal/2", "`format`"),
        ("notary.example/log/acme", "notary.example", "`log`"),
        ("\"first\":10", "\"first\":-1", "`first`"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "the case must differ");
        let refused = BatchSeal::parse(changed.as_bytes()).expect_err(name).to_string();
        assert!(refused.contains(name), "{name} is not named: {refused}");
    }
    assert!(
        BatchSeal::parse(text.replace("\":", "\": ").as_bytes()).is_err(),
        "white space is a second form"
    );
}

#[test]
fn a_seal_with_more_than_a_seals_header_is_refused() {
    let payload = seal().to_payload().unwrap();
    let media = "application/tabellion-seal+json";
    let kid = Some(key_id(&writer_key()));
    let claims = protected(kid, media, Some("a".to_owned()), Some("b".to_owned()));
    for protected in [claims, protected(None, media, None, None)] {
        let bytes = sign1(&protected, &payload, true, &writer_key()).unwrap().encode();
        assert_eq!(
            Entry::parse(&bytes),
            Err(EntryError::Seal(SealError::Headers)),
            "a seal's header has one form"
        );
    }
    let bytes = sign1(&protected(kid, media, None, None), &payload, false, &writer_key()).unwrap().encode();
    assert_eq!(BatchSealEntry::parse(&bytes), Err(SealError::Detached), "a seal carries its payload");
}

#[test]
fn entries_are_told_apart_by_their_first_byte() {
    let record = bytes_of(small_header("document.captured"));
    assert!(matches!(Entry::parse(&record), Ok(Entry::Record(_))), "a record is an entry");
    assert_eq!(Entry::parse(b""), Err(EntryError::Size(0)), "nothing is no entry");
    assert_eq!(
        Entry::parse(&vec![b'{'; MAX_ENTRY_BYTES + 1]),
        Err(EntryError::Size(MAX_ENTRY_BYTES + 1)),
        "bundles could not hold it"
    );
    for byte in (0..=255_u8).filter(|byte| ![b'{', 0xd2].contains(byte)) {
        assert_eq!(
            Entry::parse(&[byte, 0, 0]),
            Err(EntryError::FirstByte(byte)),
            "only two kinds of entries exist"
        );
    }
    assert!(
        Entry::parse(b"{").is_err() && Entry::parse(&[0xd2]).is_err(),
        "the first byte alone makes no entry"
    );
}

#[test]
fn a_key_record_that_nobody_signed_is_no_entry() {
    let signed = Statement::parse(&genesis()).unwrap();
    let bytes = signed.record.to_bytes().unwrap();
    let unsigned = RegistryError::Unsigned("log.genesis");
    assert_eq!(
        Entry::parse(&bytes),
        Err(EntryError::Record(RecordError::Registry(unsigned.clone()))),
        "anybody could then grant keys"
    );
    let refused = RecordTemplate::new(&signed.record.header).map(|_| ());
    assert_eq!(refused, Err(RecordError::Registry(unsigned)), "and it must not get as far as the log");
}

#[test]
fn statements_of_unknown_types_carry_no_clear_members() {
    let clear = Some(crate::records::fixture::object(&serde_json::json!({"name": "Erika Mustermann"})));
    let header = Header { clear, ..small_header("document.captured") };
    let refused = Statement::sign(&SealedRecord { header }, &actor_key());
    assert!(
        matches!(refused, Err(StatementError::Registry(_))),
        "personal text would stand in the log for ever"
    );
}

#[test]
fn a_signature_by_the_named_key_over_other_bytes_fails() {
    let mut sign1 = Sign1::parse(&statement()).unwrap();
    sign1.payload = Some(bytes_of(Header { basis: Some(1), ..full_header() }));
    let read = Statement::parse(&sign1.encode()).unwrap();
    assert!(
        matches!(read.verify(&actor_key().public()), Err(StatementError::Cose(_))),
        "another record under the same signature"
    );
    let Some(facts) = tabellion_model::registry::facts(&read.record.header).unwrap() else {
        panic!("a known type")
    };
    assert_eq!(facts, Facts::RecordRead(12), "facts can be read, which is why the signature must be checked");
}
