//! How far placeholders reach, whether answers get their values, and what is kept of them: by rules of masking, over real sockets and a real log.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tabellion_gateway::{MaskingConfig, Rehydrate};
use tabellion_ledger::{ErasureTarget, RejectCode, UnitContent};
use tabellion_mask::{Class, Scope, ScopeKey};
use tabellion_model::body::{Capture, PseudonymScope};
use tabellion_model::{CredentialId, Disclosure, SystemId};
use tabellion_testkit::upstream::{Answer, Script, openai};
use tabellion_views::gate::Gate;

use crate::client::request;
use crate::fixture::{Fixture, KEY, SYSTEM, Setup, gate, gate_key, key_of, say, say_streaming};

const EMAIL: &str = "ada.lovelace@example.org";
const CARD: &str = "4111 1111 1111 1111";
const OTHER_SYSTEM: [u8; 16] = [0x52; 16];
const OTHER_KEY: [u8; 16] = [0x6c; 16];
const CONVERSATION: &str = "tabellion-conversation";

fn rule(name: &str) -> MaskingConfig {
    MaskingConfig { name: name.to_owned(), ..MaskingConfig::default() }
}

fn scoped(scope: PseudonymScope) -> MaskingConfig {
    MaskingConfig { scope: Some(scope), ..rule("reach") }
}

fn keeping() -> MaskingConfig {
    MaskingConfig { keep: Some(true), ..rule("keep") }
}

fn never() -> MaskingConfig {
    MaskingConfig { rehydrate: Some(Rehydrate::Never), ..rule("never") }
}

/// A provider that says what it was told, as it was asked: whole, or in pieces of three characters.
fn echo() -> Script {
    Script::by(|request, _| {
        let told = openai::last_message(&request.body);
        if !is_stream(&request.body) {
            return Answer::json(200, openai::chat_of(&told));
        }
        Answer::events(openai::stream_of(&in_pieces(&told)))
    })
}

/// The same in the arguments of a tool.
fn echo_in_arguments() -> Script {
    Script::by(|request, _| {
        let arguments = json!({ "to": openai::last_message(&request.body), "n": 1 }).to_string();
        if is_stream(&request.body) {
            return Answer::events(openai::tool_stream_of("send_mail", &in_pieces(&arguments)));
        }
        let mut whole: Value = serde_json::from_str(openai::CHAT_TOOLS).expect("an answer");
        whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = json!(arguments);
        Answer::json(200, whole.to_string())
    })
}

fn is_stream(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| body["stream"] == true)
}

fn in_pieces(text: &str) -> Vec<String> {
    text.chars().collect::<Vec<_>>().chunks(3).map(|piece| piece.iter().collect()).collect()
}

fn fixture(script: impl Into<Script>, masking: Vec<MaskingConfig>) -> Fixture {
    Fixture::with(script, Setup { gate: two_systems(), masking, ..Setup::default() })
}

/// Two systems, each with a key.
fn two_systems() -> Gate {
    let mut gate = gate();
    let (one, other) = (SystemId::from_bytes(SYSTEM), SystemId::from_bytes(OTHER_SYSTEM));
    let system = gate.systems[&one].clone();
    Arc::make_mut(&mut gate.systems).insert(other, system);
    let mut key = gate_key(OTHER_KEY);
    key.system = other;
    Arc::make_mut(&mut gate.keys).insert(CredentialId::from_bytes(OTHER_KEY), key);
    gate
}

/// What the provider was told when `key` says `text` with these headers.
fn told(fixture: &Fixture, key: [u8; 16], headers: &[(&str, &str)], text: &str) -> String {
    let bearer = format!("Bearer {}", key_of(key));
    let mut all = vec![("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    let mut client = fixture.connect();
    client.send(&request("POST", "/v1/chat/completions", &all, &say(text)));
    let answer = client.answer();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = fixture.upstream.requests().pop().expect("a request");
    assert_eq!(sent.header(CONVERSATION), None, "the name of a conversation reaches the provider");
    openai::last_message(&sent.body)
}

/// Requirement: G17. Within its scope a value has one placeholder, and beyond it another; two systems never share one.
#[test]
fn a_placeholder_reaches_as_far_as_the_rule_says() {
    for scope in PseudonymScope::ALL {
        let fixture = fixture(echo(), vec![scoped(scope)]);
        let of = |key, name: &str| told(&fixture, key, &[(CONVERSATION, name)], EMAIL);
        let (first, again, next) = (of(KEY, "c-1"), of(KEY, "c-1"), of(KEY, "c-2"));
        let elsewhere = of(OTHER_KEY, "c-1");
        assert!(first.starts_with("<EMAIL_"), "{first}");
        assert_eq!(first == again, scope != PseudonymScope::Call, "{scope:?}: turns of a conversation");
        assert_eq!(first == next, scope == PseudonymScope::System, "{scope:?}: two conversations");
        assert_ne!(first, elsewhere, "{scope:?}: a person can be followed from one system to another");
        for record in fixture.authorised() {
            let said = record.pseudonyms.expect("a rule says so");
            assert_eq!((said.scope, said.given_back, said.kept), (scope, true, None));
        }
    }
}

/// Requirement: G17. A conversation that the caller does not name, or not in one way, reaches no further than the call.
#[test]
fn a_conversation_without_a_name_is_the_call() {
    let fixture = fixture(echo(), vec![scoped(PseudonymScope::Conversation)]);
    let long = "x".repeat(129);
    for headers in [
        vec![],
        vec![(CONVERSATION, "")],
        vec![(CONVERSATION, "two words")],
        vec![(CONVERSATION, long.as_str())],
        vec![(CONVERSATION, "c-1"), (CONVERSATION, "c-1")],
    ] {
        let of = || told(&fixture, KEY, &headers, EMAIL);
        assert_ne!(of(), of(), "{headers:?}: calls are taken for one conversation");
    }
    let scopes = fixture.authorised().into_iter().filter_map(|record| record.pseudonyms);
    assert!(
        scopes.into_iter().all(|said| said.scope == PseudonymScope::Call),
        "the record says another reach"
    );
}

/// Requirement: G17. Of several rules the narrowest reach holds, and what one takes back no other gives.
#[test]
fn a_rule_never_widens_another() {
    let wide = MaskingConfig {
        rehydrate: Some(Rehydrate::Always),
        keep: Some(true),
        ..scoped(PseudonymScope::System)
    };
    let narrow = MaskingConfig { scope: Some(PseudonymScope::Call), keep: Some(false), ..never() };
    let fixture = fixture(echo(), vec![wide, narrow]);
    let (one, two) = (told(&fixture, KEY, &[], EMAIL), told(&fixture, KEY, &[], EMAIL));
    assert_ne!(one, two);
    let said = fixture.authorised().remove(0).pseudonyms.expect("rules say so");
    assert_eq!((said.scope, said.given_back, said.kept), (PseudonymScope::Call, false, None));
}

/// Another generation has other placeholders, in every scope that a key is derived for; and none is that of no generation.
#[test]
fn another_generation_has_other_placeholders() {
    for scope in [PseudonymScope::System, PseudonymScope::Conversation] {
        let of = |generation| {
            let rule = MaskingConfig { generation, ..scoped(scope) };
            told(&fixture(echo(), vec![rule]), KEY, &[(CONVERSATION, "c-1")], EMAIL)
        };
        let all = [of(None), of(Some(1)), of(Some(2))];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "{scope:?}: {all:?}");
        assert_eq!(of(Some(2)), all[2], "{scope:?}: the same generation has the same after a start");
    }
}

/// Requirement: G17. Everything that a provider may know beside the key, tried as the key over a dictionary with the value in it, finds no placeholder.
#[test]
fn a_dictionary_without_the_key_finds_no_placeholder() {
    for scope in PseudonymScope::ALL {
        let fixture = fixture(echo(), vec![scoped(scope)]);
        let sent = told(&fixture, KEY, &[(CONVERSATION, "c-1")], EMAIL);
        let mut wide = [0; 32];
        wide[..16].copy_from_slice(&SYSTEM);
        let known: [[u8; 32]; 4] =
            [[0; 32], wide, Sha256::digest(SYSTEM).into(), Sha256::digest(b"c-1").into()];
        for key in known {
            for guess in [EMAIL, "grace@example.org", "ada@example.org"] {
                let issued = Scope::new(&ScopeKey::new(key)).issue(Class::Email, guess).expect("room");
                assert_ne!(issued, sent, "{scope:?}: {guess} is found without the secret");
            }
        }
    }
}

/// Requirement: G17. What a model repeats comes back as it was sent, also in arguments of tools, whole and in pieces; where a rule says never, it does not.
#[test]
fn answers_get_their_values_back_or_never() {
    let text = format!("to {EMAIL} \"quoted\" \\ card {CARD}");
    for stream in [false, true] {
        for (masking, comes_back) in [(scoped(PseudonymScope::Call), true), (never(), false)] {
            let said = |script| {
                let fixture = fixture(script, vec![masking.clone()]);
                let answer = fixture.chat(&if stream { say_streaming(&text) } else { say(&text) });
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert_eq!(
                    fixture.end().released_salted_sha256,
                    answer.salted(&answer.body),
                    "the record is of what the client got"
                );
                let sent = openai::last_message(&fixture.upstream.requests().remove(0).body);
                assert!(!sent.contains("example.org") && !sent.contains("1111"), "{sent}");
                assert_eq!(
                    fixture.authorised().remove(0).pseudonyms.expect("a rule says so").given_back,
                    comes_back
                );
                (answer, sent)
            };
            let (answer, sent) = said(echo());
            let wanted = if comes_back { &text } else { &sent };
            assert_eq!(&answer.content(), wanted, "stream {stream}");
            let (answer, sent) = said(echo_in_arguments());
            let arguments = if stream {
                answer.arguments()
            } else {
                let body = answer.json();
                let call = &body["choices"][0]["message"]["tool_calls"][0]["function"];
                call["arguments"].as_str().expect("arguments").to_owned()
            };
            let read: Value = serde_json::from_str(&arguments).expect("arguments are JSON");
            let wanted = if comes_back { &text } else { &sent };
            assert_eq!(read["to"].as_str(), Some(wanted.as_str()), "stream {stream}: {arguments}");
        }
    }
}

/// What is kept of the newest call's placeholders: unit by unit, `None` for one that is erased.
fn kept(fixture: &Fixture, index: u64) -> Vec<Option<BTreeMap<String, Value>>> {
    let view = fixture.ledger.reader().entry(index).expect("an entry");
    let personal = view.units.into_iter().filter(|unit| unit.personal);
    let fields = personal.map(|unit| match unit.content {
        UnitContent::Shown(fields) => {
            Some(fields.into_iter().map(|field| (field.name().to_owned(), field.value().clone())).collect())
        }
        UnitContent::Erased => None,
        UnitContent::Missing => panic!("content is missing"),
    });
    fields.collect()
}

/// Requirement: G17, V39. Nothing is kept unless a rule says so; what is kept is in units about its people, and nowhere in clear.
#[test]
fn what_placeholders_stand_for_is_kept_sealed_and_only_where_a_rule_says_so() {
    let text = format!("{EMAIL}, {CARD}, Ada.Lovelace@Example.org, password=q8Zt5LmW2xVb9Kd3");
    for masking in [Vec::new(), vec![scoped(PseudonymScope::System)], vec![keeping()]] {
        let keeps = masking.iter().any(|rule| rule.keep == Some(true));
        let fixture = fixture(echo(), masking);
        let sent = told(&fixture, KEY, &[], &text);
        let seen = fixture.of_type("call.authorised").remove(0);
        let units = kept(&fixture, seen.index);
        let said = fixture.authorised().remove(0).pseudonyms;
        assert_eq!(said.and_then(|said| said.kept), keeps.then_some(2), "the record says what it keeps");
        if !keeps {
            assert!(units.is_empty(), "personal data is kept that nobody asked for: {units:?}");
            continue;
        }
        assert_eq!(units.len(), 2, "a unit for each person; the secret has none: {units:?}");
        for field in units.iter().flatten().flat_map(BTreeMap::values) {
            let (placeholder, value) = (&field["placeholder"], &field["value"]);
            assert!(sent.contains(placeholder.as_str().expect("text")), "{placeholder} was not sent");
            assert!([EMAIL, CARD].contains(&value.as_str().expect("text")), "{value} is not what was sent");
        }
        let reader = fixture.ledger.reader();
        for index in 0..reader.size() {
            let bytes = String::from_utf8_lossy(&reader.entry(index).expect("an entry").bytes).into_owned();
            assert!(
                !bytes.contains("lovelace") && !bytes.contains("4111 1111"),
                "entry {index} has it in clear"
            );
        }
        let receipt = reader.receipt(seen.index).expect("a receipt");
        let shown = receipt.disclosures.iter().map(|text| Disclosure::parse(text).expect("its form"));
        let names: Vec<String> = shown.map(|shown| shown.name().to_owned()).collect();
        assert!(
            names.iter().any(|name| name == "pseudonyms"),
            "the receipt shows what may be seen: {names:?}"
        );
        assert!(
            !names.iter().any(|name| name.starts_with("original_")),
            "a receipt takes it along: {names:?}"
        );
    }
}

/// Requirement: G17, V39. What is kept goes with the person, by the value itself, and with the call; the other stays where only one was erased.
#[test]
fn what_is_kept_is_erased_with_the_person_and_with_the_call() {
    let fixture = fixture(echo(), vec![keeping()]);
    told(&fixture, KEY, &[], &format!("{EMAIL}, {CARD}"));
    let index = fixture.of_type("call.authorised").remove(0).index;
    assert_eq!(kept(&fixture, index).iter().flatten().count(), 2, "there is something to erase");
    let erase = |target: &ErasureTarget| fixture.ledger.erase(target, "asked for").expect("an erasure");
    erase(&ErasureTarget::Subject(EMAIL.to_owned()));
    let left = kept(&fixture, index);
    assert_eq!((left.len(), left.iter().flatten().count()), (2, 1), "{left:?}");
    let text = serde_json::to_string(&left.iter().flatten().collect::<Vec<_>>()).expect("JSON");
    assert!(text.contains(CARD) && !text.contains("lovelace"), "{text}");
    erase(&ErasureTarget::Record(index));
    assert_eq!(
        kept(&fixture, index).iter().flatten().count(),
        0,
        "the call was erased, and this outlived it"
    );
}

/// Requirement: G17, V39. A legal hold on the person keeps it, against an erasure of the call too; at the end of retention it goes with the rest.
#[test]
fn what_is_kept_is_held_and_expires_like_other_content() {
    let expired = ErasureTarget::Retention { class: "standard".to_owned(), until: 209_912 };
    for is_held in [true, false] {
        let fixture = fixture(echo(), vec![keeping()]);
        told(&fixture, KEY, &[], &format!("{EMAIL}, {CARD}"));
        let index = fixture.of_type("call.authorised").remove(0).index;
        let person = ErasureTarget::Subject(EMAIL.to_owned());
        if !is_held {
            fixture.ledger.erase(&expired, "its time is over").expect("it expires");
            assert_eq!(kept(&fixture, index).iter().flatten().count(), 0, "it outlives its retention");
            continue;
        }
        fixture.ledger.place_hold(&person, "case 12/2026").expect("a hold");
        for target in [&person, &ErasureTarget::Record(index), &expired] {
            let refused = fixture.ledger.erase(target, "asked for").expect_err("it is held");
            assert_eq!(refused.code(), Some(RejectCode::OnHold), "{target:?}");
        }
        assert_eq!(kept(&fixture, index).iter().flatten().count(), 2, "what is held was destroyed");
    }
}

/// Values of more people than fit into a record are not kept by halves: none is, and the record says why. The call goes on.
#[test]
fn values_of_too_many_people_are_not_kept() {
    for (people, kept, why) in [(62, Some(62), None), (63, Some(0), Some("too_many"))] {
        let fixture = fixture(echo(), vec![keeping()]);
        let all: Vec<String> = (0..people).map(|number| format!("person{number}@example.org")).collect();
        told(&fixture, KEY, &[], &all.join(", "));
        let said = fixture.authorised().remove(0).pseudonyms.expect("a rule says so");
        assert_eq!((said.kept, said.kept_withheld.as_deref()), (kept, why), "{people} people");
    }
}

/// A prompt that is kept has the placeholders that can be unmasked, and never a value.
#[test]
fn a_kept_prompt_has_placeholders_whatever_is_kept_beside_it() {
    let mut gate = two_systems();
    for system in Arc::make_mut(&mut gate.systems).values_mut() {
        system.capture = Capture::Masked;
    }
    let setup = Setup { gate, masking: vec![keeping(), never()], ..Setup::default() };
    let fixture = Fixture::with(echo(), setup);
    let sent = told(&fixture, KEY, &[], EMAIL);
    let record = fixture.authorised().remove(0);
    let prompt = record.prompt.expect("the system keeps it");
    let answer = fixture.end().answer.expect("and the answer");
    for text in [&prompt, &answer] {
        assert!(text.contains(&sent) && !text.contains("example.org"), "{text}");
    }
}
