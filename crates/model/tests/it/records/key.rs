//! Key chains: who may sign what, and when; every way to cheat refused.

use tabellion_model::key::{KeyRecordPlace, key_record, rotate, rotation_message};
use tabellion_model::registry::{
    EpochClosed, EpochOpened, Facts, Genesis, KeyInfo, Purpose, Revocation, Revoked,
};
use tabellion_model::{
    CredentialId, Env, Header, KeyChain, KeyEnd, KeyError, Origin, ProducerId, SealedRecord, Standing,
    Statement,
};
use tabellion_tlog::{SigningKey, leaf_hash};

use crate::records::fixture::{
    actor_key, apply, chain, credential, full_header, genesis, genesis_facts, grant_facts, key, key_id,
    log_key, origin, place, root_key, root_statement, small_header, writer_key,
};

fn revoke(key: &SigningKey, reason: Revocation) -> Facts {
    Facts::KeyRevoked(Revoked { key_id: key_id(key), reason })
}

fn rotation(purpose: Purpose, holder: u8, old: &SigningKey, new: &SigningKey) -> Facts {
    Facts::KeyRotated(Box::new(rotate(credential(holder), &origin(), purpose, old, new).unwrap()))
}

fn signed(header: Header, signer: &SigningKey) -> Statement {
    Statement::parse(&Statement::sign(&SealedRecord { header }, signer).unwrap()).unwrap()
}

/// Applies the next key record with its place changed.
fn apply_changed(index: u64, change: impl FnOnce(&mut KeyRecordPlace)) -> Result<(), KeyError> {
    let mut chain = chain();
    let mut place = place(chain.version() + 1);
    change(&mut place);
    let header = key_record(&grant_facts(&key(7), Purpose::Package, 1), place).unwrap();
    chain.apply(index, &signed(header, &root_key()))
}

#[test]
fn a_genesis_says_whose_log_it_is() {
    let chain = KeyChain::genesis(&genesis()).unwrap();
    assert_eq!(chain.root(), &KeyInfo::of(root_key().public()), "the root key must be that of the genesis");
    assert_eq!(
        (chain.origin(), chain.tenant(), chain.env()),
        (&origin(), "acme", Env::Production),
        "whose log is it?"
    );
    assert_eq!(chain.genesis_hash(), &leaf_hash(&genesis()), "packages name the log by this hash");
    assert_eq!(
        (chain.version(), chain.root_credential()),
        (1, credential(0xaa)),
        "the count begins with the genesis"
    );
    assert!(chain.may_sign(Purpose::Root, &key_id(&root_key()), 0), "the root signs its own genesis");
}

#[test]
fn a_genesis_that_its_root_did_not_sign_is_refused() {
    let other =
        Facts::Genesis(Genesis { origin: origin(), env: Env::Production, key: KeyInfo::of(key(9).public()) });
    let refused = KeyChain::genesis(&root_statement(&other, 1));
    assert_eq!(
        refused,
        Err(KeyError::NotRoot(key_id(&root_key()))),
        "anybody could found a log in another's name"
    );
    assert_eq!(
        KeyChain::genesis(&root_statement(&grant_facts(&key(9), Purpose::Log, 1), 1)),
        Err(KeyError::NotGenesis),
        "entry 0 is the genesis"
    );
    let mut header = key_record(&genesis_facts(), place(1)).unwrap();
    header.producer = ProducerId::from_bytes([1; 16]);
    let bytes = Statement::sign(&SealedRecord { header }, &root_key()).unwrap();
    assert_eq!(
        KeyChain::genesis(&bytes),
        Err(KeyError::NotRootActor),
        "its numbers belong to the root's producer"
    );
    let mut bytes = genesis();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert!(matches!(KeyChain::genesis(&bytes), Err(KeyError::Statement(_))), "the signature must hold");
}

/// `in force for position p`: granted at an index < p and not out at an index < p.
#[test]
fn keys_are_in_force_from_behind_their_grant_to_their_end() {
    let mut chain = chain();
    let (log, next) = (log_key(), key(6));
    assert_eq!(
        chain.in_force(Purpose::Log, 1),
        None,
        "a key granted at 1 does not sign a checkpoint of size 1"
    );
    assert_eq!(chain.in_force(Purpose::Log, 2), Some(&KeyInfo::of(log.public())), "but one of size 2");
    apply(&mut chain, 10, &rotation(Purpose::Log, 0xbb, &log, &next)).unwrap();
    assert_eq!(
        chain.in_force(Purpose::Log, 10),
        Some(&KeyInfo::of(log.public())),
        "the old key signs up to the rotation"
    );
    assert_eq!(
        chain.in_force(Purpose::Log, 11),
        Some(&KeyInfo::of(next.public())),
        "the new key signs after it"
    );
    assert_eq!(
        chain.find(&key_id(&log), 11).unwrap().standing,
        Standing::Ended(KeyEnd::Rotated { index: 10, by: key_id(&next) }),
        "the end must be known"
    );
    assert_eq!(
        chain.find(&key_id(&next), 10).unwrap().standing,
        Standing::NotYet,
        "nor does the new key sign before"
    );
    apply(&mut chain, 20, &revoke(&next, Revocation::Compromised)).unwrap();
    assert!(chain.in_force(Purpose::Log, 20).is_some(), "what was signed before the revocation stays valid");
    assert_eq!(chain.in_force(Purpose::Log, 21), None, "after it nobody signs");
    apply(&mut chain, 21, &grant_facts(&key(8), Purpose::Log, 0xbd)).unwrap();
    assert_eq!(
        chain.in_force(Purpose::Log, 22),
        Some(&KeyInfo::of(key(8).public())),
        "until a new key is granted"
    );
    assert_eq!(
        chain.in_force(Purpose::Log, 15),
        Some(&KeyInfo::of(next.public())),
        "the past stays as it was"
    );
    assert_eq!(
        chain.credential_of(&key_id(&next)),
        Some(credential(0xbb)),
        "a rotation keeps the credential"
    );
    assert_eq!(chain.version(), 7, "every record counts");
}

#[test]
fn one_key_at_a_time_and_each_key_once() {
    for (facts, expected) in [
        (
            grant_facts(&key(7), Purpose::Log, 1),
            KeyError::Occupied { purpose: Purpose::Log, current: key_id(&log_key()) },
        ),
        (
            grant_facts(&key(7), Purpose::Writer, 1),
            KeyError::Occupied { purpose: Purpose::Writer, current: key_id(&writer_key()) },
        ),
        (grant_facts(&log_key(), Purpose::Actor, 1), KeyError::Repeated(key_id(&log_key()))),
        (grant_facts(&root_key(), Purpose::Actor, 1), KeyError::Repeated(key_id(&root_key()))),
        (revoke(&key(9), Revocation::Lost), KeyError::Unknown(key_id(&key(9)))),
        (revoke(&root_key(), Revocation::Lost), KeyError::Unknown(key_id(&root_key()))),
    ] {
        let mut chain = chain();
        let before = chain.clone();
        assert_eq!(apply(&mut chain, 9, &facts), Err(expected), "{facts:?}");
        assert_eq!(chain, before, "a refused record must leave nothing behind");
    }
    let mut chain = chain();
    apply(&mut chain, 9, &grant_facts(&key(7), Purpose::Actor, 0x22)).unwrap();
    assert!(chain.may_sign(Purpose::Actor, &key_id(&actor_key()), 10), "actors may have several keys");
    assert!(chain.may_sign(Purpose::Actor, &key_id(&key(7)), 10), "actors may have several keys");
}

#[test]
fn a_log_has_one_genesis() {
    let again = Statement::parse(&genesis()).unwrap();
    let refused = chain().apply(9, &again);
    assert_eq!(
        refused,
        Err(KeyError::Version { due: 5, given: 1 }),
        "a second genesis could name another root"
    );
}

#[test]
fn a_revoked_or_rotated_key_never_comes_back() {
    let mut chain = chain();
    apply(&mut chain, 9, &revoke(&actor_key(), Revocation::Retired)).unwrap();
    let again = apply(&mut chain, 10, &grant_facts(&actor_key(), Purpose::Actor, 0x22));
    assert_eq!(again, Err(KeyError::Repeated(key_id(&actor_key()))), "a stolen key must stay out");
    let onward = apply(&mut chain, 10, &rotation(Purpose::Actor, 0x22, &actor_key(), &key(7)));
    assert_eq!(onward, Err(KeyError::NotInForce(key_id(&actor_key()))), "a revoked key cannot hand on");
    apply(&mut chain, 11, &rotation(Purpose::Log, 0xbb, &log_key(), &key(6))).unwrap();
    let back = apply(&mut chain, 12, &rotation(Purpose::Log, 0xbb, &key(6), &log_key()));
    assert_eq!(back, Err(KeyError::Repeated(key_id(&log_key()))), "an old key must stay out");
}

#[test]
fn a_key_that_was_rotated_out_may_still_be_revoked() {
    let mut chain = chain();
    apply(&mut chain, 9, &rotation(Purpose::Log, 0xbb, &log_key(), &key(6))).unwrap();
    apply(&mut chain, 10, &revoke(&log_key(), Revocation::Compromised)).unwrap();
    let grant = chain.grant_of(&key_id(&log_key())).unwrap();
    assert_eq!(
        grant.end,
        Some(KeyEnd::Rotated { index: 9, by: key_id(&key(6)) }),
        "its end stays where it was"
    );
    assert_eq!(grant.revocations, [(10, Revocation::Compromised)], "and everybody sees the warning");
    assert!(chain.in_force(Purpose::Log, 11).is_some(), "the new key is not concerned");
}

#[test]
fn a_rotation_needs_both_keys_and_the_root() {
    let good = rotate(credential(0xbb), &origin(), Purpose::Log, &log_key(), &key(6)).unwrap();
    let message =
        rotation_message(&credential(0xbb), &origin(), &key_id(&key(6)), &key_id(&log_key()), Purpose::Log);
    let thief = key(99);
    let mut old_missing = good.clone();
    old_missing.old_signature = thief.sign(&message);
    let mut new_missing = good.clone();
    new_missing.new_signature = thief.sign(&message);
    let mut swapped = good.clone();
    (swapped.old_signature, swapped.new_signature) = (good.new_signature, good.old_signature);
    let other_log = rotate(
        credential(0xbb),
        &Origin::new("other.example/log/acme").unwrap(),
        Purpose::Log,
        &log_key(),
        &key(6),
    )
    .unwrap();
    let other_purpose = rotate(credential(0xbb), &origin(), Purpose::Writer, &log_key(), &key(6)).unwrap();
    let mut purpose_changed = other_purpose.clone();
    purpose_changed.purpose = Purpose::Log;
    for (rotated, why) in [
        (old_missing, "the root alone could replace a key"),
        (new_missing, "a key could be named that nobody holds"),
        (swapped, "each signature is its own key's"),
        (other_log, "a rotation in one log could be replayed in another"),
        (purpose_changed, "a rotation for one purpose could be used for another"),
    ] {
        let refused = apply(&mut chain(), 9, &Facts::KeyRotated(Box::new(rotated)));
        assert!(matches!(refused, Err(KeyError::RotationSignature { .. })), "{why}: {refused:?}");
    }
    let mut other_credential = good.clone();
    other_credential.credential = credential(1);
    for (rotated, why) in [(other_credential, "credential"), (other_purpose, "purpose")] {
        let refused = apply(&mut chain(), 9, &Facts::KeyRotated(Box::new(rotated)));
        assert_eq!(refused, Err(KeyError::OtherHolder(key_id(&log_key()))), "a rotation changed the {why}");
    }
    let unknown = rotate(credential(0xbb), &origin(), Purpose::Log, &thief, &key(6)).unwrap();
    let refused = apply(&mut chain(), 9, &Facts::KeyRotated(Box::new(unknown)));
    assert_eq!(
        refused,
        Err(KeyError::Unknown(key_id(&thief))),
        "a key that was never granted hands on nothing"
    );
    let header = key_record(&Facts::KeyRotated(Box::new(good)), place(5)).unwrap();
    let refused = chain().apply(9, &signed(header, &log_key()));
    assert_eq!(
        refused,
        Err(KeyError::NotRoot(key_id(&log_key()))),
        "a self-announced rotation is never trusted alone"
    );
}

#[test]
fn the_count_of_key_records_has_no_gap() {
    assert_eq!(apply_changed(9, |_| ()), Ok(()), "the unchanged record is fine");
    for given in [4, 6, 1] {
        assert_eq!(
            apply_changed(9, |place| place.version = given),
            Err(KeyError::Version { due: 5, given }),
            "a revocation could be left out unseen"
        );
    }
    for given in [3, 2, 0] {
        assert_eq!(
            apply_changed(given, |_| ()),
            Err(KeyError::Order { last: 3, given }),
            "key records come in order"
        );
    }
    for change in [
        (|place: &mut KeyRecordPlace| place.log = Origin::new("other.example/log/acme").unwrap())
            as fn(&mut KeyRecordPlace),
        |place| place.env = Env::Sandbox,
    ] {
        assert_eq!(
            apply_changed(9, change),
            Err(KeyError::OtherLog),
            "a sandbox grant must not open production"
        );
    }
    assert_eq!(
        apply_changed(9, |place| place.root = credential(1)),
        Err(KeyError::NotRootActor),
        "the root has one credential"
    );
    assert_eq!(
        apply_changed(9, |place| place.root_key = key_id(&key(9))),
        Err(KeyError::NotRootActor),
        "the root has one producer"
    );
}

#[test]
fn only_the_root_makes_key_records_and_only_key_records_come_here() {
    for signer in [log_key(), writer_key(), actor_key(), key(9)] {
        let header = key_record(&grant_facts(&key(7), Purpose::Actor, 1), place(5)).unwrap();
        let refused = chain().apply(9, &signed(header, &signer));
        assert_eq!(
            refused,
            Err(KeyError::NotRoot(key_id(&signer))),
            "whoever holds another key could grant keys"
        );
    }
    let other = signed(small_header("document.captured"), &root_key());
    assert_eq!(chain().apply(9, &other), Err(KeyError::NotAKeyRecord), "another record is no key record");
    let later =
        Header { type_version: 2, ..key_record(&grant_facts(&key(7), Purpose::Actor, 1), place(5)).unwrap() };
    let bytes = tabellion_tlog::sign1(
        &Statement::parse(&root_statement(&grant_facts(&key(7), Purpose::Actor, 1), 5))
            .unwrap()
            .sign1
            .protected,
        &SealedRecord { header: later }.to_bytes().unwrap(),
        true,
        &root_key(),
    );
    let refused = chain().apply(9, &Statement::parse(&bytes.unwrap().encode()).unwrap());
    assert_eq!(
        refused,
        Err(KeyError::NotAKeyRecord),
        "a key record of a later version is not understood here"
    );
}

#[test]
fn statements_need_their_actors_key_at_their_position() {
    let chain = {
        let mut chain = chain();
        apply(&mut chain, 20, &revoke(&actor_key(), Revocation::Retired)).unwrap();
        chain
    };
    let statement = signed(full_header(), &actor_key());
    assert_eq!(chain.check_statement(10, &statement), Ok(()), "the actor speaks with a key in force");
    let out = Err(KeyError::NotInForce(key_id(&actor_key())));
    assert_eq!(chain.check_statement(3, &statement), out, "not before the grant is behind it");
    assert_eq!(chain.check_statement(20, &statement), Ok(()), "up to the revocation");
    assert_eq!(chain.check_statement(21, &statement), out, "not after it");
    let impostor = signed(Header { actor: CredentialId::from_bytes([1; 16]), ..full_header() }, &actor_key());
    assert_eq!(
        chain.check_statement(10, &impostor),
        Err(KeyError::OtherActor(key_id(&actor_key()))),
        "a key speaks for its own credential"
    );
    let stranger = signed(full_header(), &key(9));
    assert_eq!(
        chain.check_statement(10, &stranger),
        Err(KeyError::Unknown(key_id(&key(9)))),
        "a key nobody granted"
    );
    let writer = signed(Header { actor: credential(0xcc), ..full_header() }, &writer_key());
    assert_eq!(
        chain.check_statement(10, &writer),
        Err(KeyError::OtherActor(key_id(&writer_key()))),
        "a writer key signs seals only"
    );
    let elsewhere = signed(Header { env: Env::Sandbox, ..full_header() }, &actor_key());
    assert_eq!(
        chain.check_statement(10, &elsewhere),
        Err(KeyError::OtherLog),
        "a sandbox statement is none here"
    );
    let mut forged = statement;
    forged.sign1.signature[0] ^= 1;
    assert!(
        matches!(chain.check_statement(10, &forged), Err(KeyError::Statement(_))),
        "the signature must hold"
    );
}

#[test]
fn the_root_opens_and_closes_its_own_epochs_and_says_nothing_else() {
    let chain = chain();
    let root = |facts: &Facts| Header {
        critical: true,
        actor: credential(0xaa),
        producer: ProducerId::of_key(&key_id(&root_key())),
        seq: 1,
        clear: facts.to_clear(),
        ..small_header(facts.kind().name())
    };
    let opened = Facts::EpochOpened(EpochOpened { previous: None });
    let closed = Facts::EpochClosed(EpochClosed { last_seq: 1, systems: Vec::new() });
    for facts in [opened.clone(), closed] {
        assert_eq!(chain.check_statement(9, &signed(root(&facts), &root_key())), Ok(()), "{facts:?}");
    }
    let refused = Err(KeyError::OtherActor(key_id(&root_key())));
    let other = Header { producer: ProducerId::from_bytes([1; 16]), ..root(&opened) };
    assert_eq!(
        chain.check_statement(9, &signed(other, &root_key())),
        refused,
        "not another producer's epochs"
    );
    let event = Header { actor: credential(0xaa), ..full_header() };
    assert_eq!(
        chain.check_statement(9, &signed(event, &root_key())),
        refused,
        "the root key is not for daily use"
    );
}
