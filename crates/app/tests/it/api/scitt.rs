//! SCITT: statements that others signed are registered under known keys alone, and every entry has a COSE Receipt.

use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use tabellion_ledger::ErasureTarget;
use tabellion_model::body::Role;
use tabellion_model::verify;
use tabellion_tlog::{
    CoseReceipt, HashEnvelope, MAX_FOREIGN_BYTES, PayloadHash, Policy, SigningKey, VerifierKey, detach_entry,
    detach_registrations, leaf_hash, sha256,
};

use super::client::Answer;
use super::house::House;

const ISSUER: &str = "vendor.example";

/// A key of an issuer, with its PEM.
fn issuer_key(seed: u8) -> (SigningKey, String) {
    let key = SigningKey::from_seed(&[seed; 32]);
    let spki = [
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..],
        key.public().as_bytes(),
    ]
    .concat();
    (key, pem(&spki))
}

fn pem(spki: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(spki);
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

/// A statement about `subject` by `issuer`: a hash envelope, which needs no encoder of its own here.
fn statement(issuer: &str, subject: &str, key: &SigningKey) -> Vec<u8> {
    let envelope = HashEnvelope {
        hash: PayloadHash::Sha256,
        preimage_type: Some("text/plain".to_owned()),
        location: None,
    };
    envelope.sign(&sha256(subject.as_bytes()).0, issuer, subject, key).expect("a statement can be signed")
}

fn add(house: &House, token: &str, pem: &str) -> Value {
    let new = json!({"issuer": ISSUER, "public_key": pem, "note": "handed over in person"});
    house.post(token, "/api/v1/issuers", &new).ok().json()["result"].clone()
}

fn register(house: &House, token: &str, statement: &[u8]) -> Answer {
    let ask = house.ask("POST", "/scitt/entries").bearer(token).header("content-type", "application/cose");
    ask.raw(statement).send()
}

/// A refusal as SCITT's clients read it: CBOR that says title, detail and our stable code.
#[track_caller]
fn concise(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("application/concise-problem-details+cbor"),
        "a SCITT client could not read why"
    );
    let found = answer.body.windows(code.len()).any(|window| window == code.as_bytes());
    assert!(found, "the stable code {code} is not in {}", answer.text());
    assert_eq!(answer.body[..2], [0xa4, 0x20], "four members, the title first");
}

/// A trust file that pins the log key, as a reader of receipts needs it.
fn trust(house: &House) -> Policy {
    let keys = house.ledger.reader().keys();
    let log = keys.in_force(tabellion_model::Purpose::Log, house.ledger.reader().size()).expect("a log key");
    let key = VerifierKey::new(keys.origin().as_str(), log.public).expect("a key with a name");
    Policy::parse(format!("log {key}\nquorum none\n")).expect("a trust file")
}

fn index_of(answer: &Answer) -> u64 {
    answer.header("tabellion-entry").and_then(|index| index.parse().ok()).expect("the entry's index")
}

#[test]
fn a_registered_statement_is_answered_with_a_receipt_that_proves_it() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (key, pem) = issuer_key(5);
    let issuer = add(&house, &admin, &pem);
    assert_eq!(issuer["id"], key.public().key_id().to_hex().as_str(), "the id is not the key's thumbprint");
    let stated = statement(ISSUER, "widget 1.2", &key);
    let made = register(&house, &admin, &stated);
    assert_eq!(
        (made.status, made.header("content-type")),
        (201, Some("application/cose")),
        "{}",
        made.text()
    );
    let index = index_of(&made);
    assert_eq!(made.header("location"), Some(format!("/scitt/entries/{index}").as_str()));

    let (receipt, entry) = detach_entry(&made.body).expect("a receipt that carries its entry");
    let log = house
        .ledger
        .reader()
        .keys()
        .in_force(tabellion_model::Purpose::Log, index + 2)
        .expect("a key")
        .public;
    let facts = CoseReceipt::verify(&receipt, &leaf_hash(&entry), &log).expect("the receipt verifies");
    assert_eq!(facts.index, index, "the receipt is of another entry");
    let text = String::from_utf8(entry).expect("a sealed record");
    assert!(text.contains(&sha256(&stated).to_hex()), "the entry does not name the statement: {text}");
    assert!(
        !text.contains("widget"),
        "what the statement says stands in the log, where nothing is erased: {text}"
    );

    // What is handed out verifies with the log key alone, by the same code as any auditor's.
    let transparent = house.get(&admin, &format!("/scitt/entries/{index}/statement")).ok();
    let report = verify(&transparent.body, Some(&trust(&house)));
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(
        detach_registrations(&transparent.body).expect("it comes apart").0,
        stated,
        "other bytes came back"
    );
    let mut other = transparent.body.clone();
    let at = other.windows(32).position(|window| window == sha256(b"widget 1.2").0).expect("the payload");
    other[at] ^= 1;
    assert_eq!(
        verify(&other, Some(&trust(&house))).exit_code(),
        1,
        "a changed statement passes under its receipt"
    );

    // The same statement again: the first receipt, byte for byte, also after its issuer is gone, and nothing more in the log.
    let size = house.ledger.reader().size();
    let again = register(&house, &admin, &stated);
    assert_eq!((again.status, &again.body), (201, &made.body), "a statement is registered twice");
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(house.get(&admin, &format!("/scitt/entries/{index}")).ok().body, made.body);
    assert_eq!(house.ledger.reader().size(), size, "a retry appended something");
    let remove = format!("/api/v1/issuers/{}/remove", issuer["id"].as_str().expect("an id"));
    house.post(&admin, &remove, &json!({"reason": "left the project"})).ok();
    assert_eq!(
        register(&house, &admin, &stated).body,
        made.body,
        "what was registered is forgotten with its issuer"
    );
    concise(&register(&house, &admin, &statement(ISSUER, "another", &key)), 400, "issuer_unknown");
    assert_eq!(house.get(&admin, "/api/v1/issuers").ok().json()["issuers"][0]["counts"], false);
    add(&house, &admin, &pem);
    assert_eq!(
        register(&house, &admin, &statement(ISSUER, "another", &key)).status,
        201,
        "an issuer cannot come back"
    );
}

#[test]
fn what_the_policy_does_not_allow_is_refused_and_leaves_nothing() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let (_, governance) = house.person("Gov", &[Role::GovernanceEngineer]);
    let (key, pem) = issuer_key(5);
    let (stranger, other_pem) = issuer_key(6);
    let new = json!({"issuer": ISSUER, "public_key": pem, "note": "n"});
    house.post(&governance, "/api/v1/issuers", &new).refused(403, "not_permitted");
    add(&house, &admin, &pem);
    house.post(&admin, "/api/v1/issuers", &new).refused(409, "already_so");
    for faulty in ["", "no key", &pem[..60], &other_pem.replace("MCow", "MCox")] {
        let new = json!({"issuer": ISSUER, "public_key": faulty, "note": "n"});
        house.post(&admin, "/api/v1/issuers", &new).refused(400, "malformed");
    }
    let size = house.ledger.reader().size();
    let good = statement(ISSUER, "widget", &key);
    let mut unsigned = good.clone();
    unsigned.truncate(good.len() - 66);
    unsigned.push(0x40);
    let mut wrong = good.clone();
    *wrong.last_mut().expect("bytes") ^= 1;
    for (statement, status, code) in [
        (statement("nobody.example", "widget", &key), 400, "issuer_unknown"),
        (statement(ISSUER, "widget", &stranger), 400, "issuer_unknown"),
        (wrong, 400, "signature_wrong"),
        (unsigned, 400, "signature_wrong"),
        (b"\xd2\x84 no".to_vec(), 400, "statement_malformed"),
        (vec![0x41], 400, "statement_malformed"),
        (vec![0; MAX_FOREIGN_BYTES + 1], 413, "too_large"),
    ] {
        concise(&register(&house, &admin, &statement), status, code);
    }
    let as_json =
        house.ask("POST", "/scitt/entries").bearer(&admin).header("content-type", "application/json");
    concise(&as_json.raw(&good).send(), 415, "not_cose");
    concise(&register(&house, &auditor, &good), 403, "not_permitted");
    let nobody = house.ask("POST", "/scitt/entries").header("content-type", "application/cose").raw(&good);
    concise(&nobody.send(), 401, "not_signed_in");
    concise(&house.get(&admin, "/scitt/entries/99999"), 404, "not_found");
    concise(&house.get(&admin, "/scitt/entries/0x1"), 400, "malformed");
    concise(&house.get(&admin, "/.well-known/scitt-keys/AAAA"), 404, "not_found");
    assert_eq!(house.ledger.reader().size(), size, "a refused statement left something in the log");
    assert_eq!(
        register(&house, &admin, &good).status,
        201,
        "the good one was refused, so the others show nothing"
    );
}

#[test]
fn an_es256_issuer_with_a_key_id_of_its_own_is_known_by_it() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let secret = p256::ecdsa::SigningKey::from_slice(&[9; 32]).expect("a key");
    let spki = [
        &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
            0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ][..],
        secret.verifying_key().to_sec1_point(false).as_bytes(),
    ]
    .concat();
    let new = json!({"issuer": "v", "public_key": pem(&spki), "kid": "6b31", "note": "n"});
    house.post(&admin, "/api/v1/issuers", &new).ok();
    let signed = |kid: &[u8]| {
        // {1: -7, 4: kid, 15: {1: "v", 2: "s"}}
        let head =
            [&[0xa3, 0x01, 0x26, 0x04, 0x42][..], kid, &[0x0f, 0xa2, 0x01, 0x61, b'v', 0x02, 0x61, b's']]
                .concat();
        let signature: p256::ecdsa::Signature = secret.sign(&tabellion_tlog::tbs(&head, b"hi"));
        let length = u8::try_from(head.len()).expect("short");
        [&[0xd2, 0x84, 0x40 + length][..], &head, &[0xa0, 0x42, b'h', b'i', 0x58, 64], &signature.to_bytes()]
            .concat()
    };
    concise(&register(&house, &admin, &signed(b"k2")), 400, "issuer_unknown");
    assert_eq!(
        register(&house, &admin, &signed(b"k1")).status,
        201,
        "an ES256 issuer is not known by its key id"
    );
}

#[test]
fn every_entry_has_a_receipt_and_the_keys_are_found_by_its_kid() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, owner) = house.person("Olga", &[Role::BusinessOwner]);
    house.live_system(&admin, "Loan support");
    let reader = house.ledger.reader();
    let log = reader.keys().in_force(tabellion_model::Purpose::Log, reader.size()).expect("a key").public;
    for index in 0..reader.size() {
        let receipt = house.get(&admin, &format!("/scitt/entries/{index}")).ok();
        assert_eq!(receipt.header("content-type"), Some("application/cose"));
        let leaf = leaf_hash(&reader.entry(index).expect("an entry").bytes);
        let facts = CoseReceipt::verify(&receipt.body, &leaf, &log).expect("the receipt of an entry");
        assert_eq!((facts.index, facts.iss.as_str()), (index, reader.origin().as_str()));
    }
    concise(&house.get(&owner, "/scitt/entries/0"), 404, "not_found");
    // Entry 0 is a statement (the genesis); the record after it is not.
    let transparent = house.get(&admin, "/scitt/entries/0/statement").ok();
    assert_eq!(
        verify(&transparent.body, Some(&trust(&house))).exit_code(),
        0,
        "the genesis as a transparent statement"
    );
    let seal = reader.size() - 1;
    concise(&house.get(&admin, &format!("/scitt/entries/{seal}/statement")), 404, "not_found");

    let keys = house.ask("GET", "/.well-known/scitt-keys").send().ok();
    assert_eq!(keys.header("content-type"), Some("application/cbor"));
    let id = log.key_id();
    for kid in [id.to_hex(), base64_url(&id.0)] {
        let key = house.ask("GET", &format!("/.well-known/scitt-keys/{kid}")).send().ok();
        let expected = [
            &[0xa5, 0x01, 0x01, 0x02, 0x58, 0x20][..],
            &id.0,
            &[0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20],
            log.as_bytes(),
        ]
        .concat();
        assert_eq!(key.body, expected, "a client could not check a receipt with this key");
        assert_eq!(keys.body, [&[0x81][..], &expected].concat(), "the set does not hold the key");
    }
}

fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_key_registers_for_its_system_and_an_erased_statement_keeps_its_receipt() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let other = house.live_system(&admin, "Other");
    let (_, secret) = house.key(&admin, &system);
    let (_, foreign) = house.key(&admin, &other);
    let (key, pem) = issuer_key(5);
    add(&house, &admin, &pem);
    let stated = statement(ISSUER, "model 7", &key);
    let made = register(&house, &secret, &stated);
    assert_eq!(made.status, 201, "{}", made.text());
    let index = index_of(&made);
    let entry = house.get(&secret, &format!("/api/v1/entries/{index}")).ok().json();
    assert_eq!(entry["system"], system.as_str(), "a key registers for another system than its own");
    let fields = &entry["units"][0]["fields"];
    assert_eq!(
        fields["artefact_digest"],
        sha256(b"model 7").to_hex().as_str(),
        "the artefact cannot be found: {entry}"
    );
    let theirs = register(&house, &foreign, &stated);
    assert_eq!(
        (theirs.status, &theirs.body),
        (201, &made.body),
        "whoever holds the statement never gets a receipt of it: {}",
        theirs.text()
    );
    let of_entry = format!("/scitt/entries/{index}");
    concise(&house.get(&foreign, &of_entry), 404, "not_found");
    concise(&house.get(&foreign, &format!("{of_entry}/statement")), 404, "not_found");

    house.ledger.erase(&ErasureTarget::Record(index), "asked for").expect("a statement can be erased alone");
    concise(&house.get(&admin, &format!("/scitt/entries/{index}/statement")), 404, "not_found");
    assert_eq!(
        house.get(&admin, &format!("/scitt/entries/{index}")).ok().body,
        made.body,
        "the proof went with the content"
    );
    assert_eq!(
        register(&house, &admin, &stated).body,
        made.body,
        "an erased statement would be registered once more"
    );
}

/// SCRAPI says nothing of compressed requests; nothing is unpacked here, so a bomb is refused by its head.
#[test]
fn a_compressed_body_is_refused_before_it_is_read() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (key, pem) = issuer_key(5);
    add(&house, &admin, &pem);
    let size = house.ledger.reader().size();
    let ask =
        || house.ask("POST", "/scitt/entries").bearer(&admin).header("content-type", "application/cose");
    // gzip of nothing, and a body that is announced and never sent.
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for coding in ["gzip", "GZIP", "br", "identity, gzip"] {
        concise(&ask().header("content-encoding", coding).raw(&packed).send(), 415, "encoding_unsupported");
    }
    let began = std::time::Instant::now();
    let announced = ask().header("content-encoding", "gzip").header("content-length", "200000").send();
    concise(&announced, 415, "encoding_unsupported");
    assert!(
        began.elapsed() < std::time::Duration::from_secs(20),
        "a bomb is waited for before it is refused"
    );
    let record = house.ask("POST", "/api/v1/records").bearer(&admin).header("content-encoding", "gzip");
    record
        .json(&json!({"kind": "event", "event": {"name": "n", "fields": {"a": 1}}}))
        .send()
        .refused(415, "encoding_unsupported");
    assert_eq!(house.ledger.reader().size(), size, "a refused body left something in the log");
    let plain = ask().header("content-encoding", "identity").raw(&statement(ISSUER, "m", &key)).send();
    assert_eq!(plain.status, 201, "a body that is not compressed was refused: {}", plain.text());
}

#[test]
fn no_statement_is_registered_behind_the_removal_of_its_issuer() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    for round in 0..4_u8 {
        let (key, pem) = issuer_key(40 + round);
        let id = add(&house, &admin, &pem)["id"].as_str().expect("an id").to_owned();
        let begun = std::sync::Barrier::new(5);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (house, admin, key, begun) = (&house, &admin, &key, &begun);
                scope.spawn(move || {
                    begun.wait();
                    for number in 0..40 {
                        let stated = statement(ISSUER, &format!("{round}-{thread}-{number}"), key);
                        if register(house, admin, &stated).status != 201 {
                            break;
                        }
                    }
                });
            }
            begun.wait();
            let reason = json!({"reason": "contract ended"});
            house.post(&admin, &format!("/api/v1/issuers/{id}/remove"), &reason).ok();
        });
        let reader = house.ledger.reader();
        let types: Vec<String> = (0..reader.size())
            .filter_map(|index| Some(reader.entry(index).ok()?.entry.header()?.record_type.to_string()))
            .collect();
        let removed = types.iter().rposition(|name| name == "issuer.removed").expect("the removal");
        let behind = types.iter().skip(removed).filter(|name| *name == "statement.registered").count();
        assert_eq!(
            behind, 0,
            "round {round}: {behind} statements count under a key that the log had removed before"
        );
        concise(&register(&house, &admin, &statement(ISSUER, "late", &key)), 400, "issuer_unknown");
    }
}
