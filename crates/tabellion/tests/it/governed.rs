//! What an organisation is promised of its AI's calls, seen from the outside: over HTTP, with people and keys, and in the files that are left.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use tabellion_testkit::upstream::{Answer, Script, openai};

use super::kill::reader;
use super::organisation::Organisation;
use super::support::wait_until;

const RULE: &str = "base.all";

fn answering() -> Organisation {
    Organisation::new(Answer::json(200, openai::chat_of("It is paid back in 48 months.")))
}

/// Requirement: G05. Prompt, decision, action, approver and model of a call are on record or withheld with a reason, and all of it is proved.
#[test]
fn a_call_shows_prompt_decision_action_approver_and_model_or_why_not() {
    let mut organisation = answering();
    let system = organisation.system("Loan support");
    let key = organisation.key(&system, &json!({}));
    let auditor = organisation.person("Ida", "auditor");
    let answer = organisation.chat(&key.secret, "small", "How long does it take?");
    assert_eq!(answer.status, 200, "{answer:?}");
    let call = organisation.call(&auditor.token, answer.record());
    assert_eq!(
        (&call["evidence"]["prompt"], &call["evidence"]["withheld"]),
        (&Value::Null, &json!("capture_off")),
        "the prompt is there or withheld by what the system's owner decided: {call}"
    );
    assert_eq!(
        call["evidence"]["request_salted_sha256"].as_str().map(str::len),
        Some(64),
        "and committed to all the same"
    );
    assert_eq!(
        (&call["decision"]["permitted"], &call["decision"]["rules"]),
        (&json!(true), &json!([RULE])),
        "the decision and the rule behind it"
    );
    assert_eq!(call["surface"], "openai.chat_completions", "the action");
    assert_eq!(
        (&call["model"], &call["evidence"]["upstream"]),
        (&json!("small"), &json!("local")),
        "the model and where it is"
    );
    // Who approved it: whoever put the rule in force, and the system live.
    let history = organisation.read(&auditor.token, "/api/v1/policies/base/history");
    let version = &history["versions"][0];
    assert_eq!(
        call["decision"]["policies"],
        json!([version["digest"]]),
        "the rules that decided are those of this version"
    );
    assert_eq!(version["by"], organisation.admin.id.as_str(), "a person stands behind the rule");
    let stages = organisation
        .read(&auditor.token, &format!("/api/v1/entries?system={system}&type=system.stage_changed"));
    assert_eq!(stages["entries"][0]["actor"], organisation.admin.id.as_str(), "and behind the system");
    let prompted = {
        let path = format!("/api/v1/systems/{system}/capture");
        organisation.done("POST", &path, &json!({"capture": "masked", "reason": "a review"}));
        organisation.chat(&key.secret, "small", "How long does it take Ada, ada@example.org?")
    };
    let call = organisation.opened_call(&auditor.token, prompted.record());
    let prompt = call["evidence"]["prompt"].as_str().unwrap_or_else(|| panic!("no prompt: {call}"));
    assert!(
        prompt.contains("How long does it take") && !prompt.contains("ada@"),
        "kept, and masked: {prompt}"
    );
    let indexes =
        [&call["proof"]["decided"]["index"], &call["proof"]["ended"]["index"], &version["recorded"]["index"]];
    let indexes: Vec<String> = indexes.iter().map(ToString::to_string).collect();
    organisation.stop();
    for index in &indexes {
        let receipt = organisation.notary.beside_text(&format!("{index}.receipt"));
        organisation.notary.run(&["log", "prove", index, "--out", &receipt]).ends(0);
        organisation.notary.verify(&receipt).ends(0);
    }
}

/// Requirement: G04. Each key opens what it was issued for and nothing else; without one there is nothing to open.
#[test]
fn every_call_is_authenticated_and_held_to_its_key() {
    let organisation = answering();
    let (loans, other) = (organisation.system("Loan support"), organisation.system("Collections"));
    let narrow = organisation.key(&loans, &json!({"models": ["small"], "purposes": ["support"]}));
    let wide = organisation.key(&other, &json!({}));
    for (method, path) in
        [("POST", "/v1/chat/completions"), ("GET", "/v1/models"), ("GET", "/v1/models/small"), ("GET", "/")]
    {
        for header in ["x-nothing: 1", "authorization: Bearer sk-somebody", "authorization: Basic YTpi"] {
            let answer = organisation.try_call(&[header], method, path, "{}").expect("an answer");
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "invalid_api_key"),
                "{method} {path} is open to anybody with {header}"
            );
        }
    }
    assert_eq!(organisation.provider.connections(), 0, "nobody was let through");
    assert_eq!(organisation.chat(&narrow.secret, "small", "Hello").status, 200, "what the key is for");
    assert_eq!(organisation.chat(&wide.secret, "large", "Hello").status, 200, "and what the other is for");
    assert_eq!(
        organisation.chat(&narrow.secret, "large", "Hello").code(),
        "model_not_permitted",
        "a model that is not on the key's list"
    );
    let bearer = format!("authorization: Bearer {}", narrow.secret);
    let body = json!({"model": "small", "messages": []}).to_string();
    let claimed = organisation.try_call(
        &[&bearer, "tabellion-purpose: testing"],
        "POST",
        "/v1/chat/completions",
        &body,
    );
    assert_eq!(
        claimed.expect("an answer").code(),
        "purpose_not_permitted",
        "a purpose that is not the key's"
    );
    organisation.done(
        "POST",
        &format!("/api/v1/keys/{}/revoke", narrow.id),
        &json!({"reason": "left on a train"}),
    );
    assert_eq!(
        organisation.chat(&narrow.secret, "small", "Hello").code(),
        "invalid_api_key",
        "a revoked key works on"
    );
    assert_eq!(organisation.chat(&wide.secret, "small", "Hello").status, 200, "and only that one ended");
    assert_eq!(organisation.provider.requests().len(), 3, "the provider heard more than was permitted");
}

/// Requirement: G09. Nothing of a system runs before somebody known answers for it.
#[test]
fn a_system_without_an_owner_cannot_go_live_and_its_calls_go_nowhere() {
    let organisation = answering();
    let described = |owner: &str| json!({"name": "Orphan", "purposes": ["support"], "owner": owner});
    let made = organisation.done("POST", "/api/v1/systems", &described(&"7".repeat(32)));
    let system = made["result"]["id"].as_str().expect("an id").to_owned();
    let key = organisation.key(&system, &json!({}));
    let stage = format!("/api/v1/systems/{system}/stage");
    let live = json!({"stage": "live", "reason": "we need it"});
    let (status, refused) = organisation.ask(&organisation.admin.token, "POST", &stage, &live);
    assert_eq!(
        (status, refused["code"].as_str()),
        (409, Some("owner_unknown")),
        "nobody answers for it: {refused}"
    );
    let answer = organisation.chat(&key.secret, "small", "Hello");
    assert_eq!((answer.status, answer.code().as_str()), (403, "system_not_live"), "{answer:?}");
    assert_eq!(organisation.provider.connections(), 0, "its call reached a provider");
    let path = format!("/api/v1/systems/{system}");
    let version = organisation.read(&organisation.admin.token, &path)["version"].clone();
    let owned = described(&organisation.admin.id);
    let changed =
        super::control::change(&organisation.control, &path, &organisation.admin.token, &version, &owned);
    assert_eq!(changed.0, 200, "{}", changed.1);
    organisation.move_to(&system, "live");
    assert_eq!(organisation.chat(&key.secret, "small", "Hello").status, 200, "with an owner it runs");
    let call = organisation.call(&key.secret, organisation.chat(&key.secret, "small", "Hello").record());
    assert_eq!(call["system"], system.as_str(), "and the record leads to them");
}

/// Requirement: Q12. The runtime asks about its own decision as an auditor does, and reads the same.
#[test]
fn the_runtime_reads_its_decision_as_an_auditor_does() {
    let organisation = answering();
    let (system, other) = (organisation.system("Loan support"), organisation.system("Collections"));
    let (key, stranger) =
        (organisation.key(&system, &json!({"models": ["small"]})), organisation.key(&other, &json!({})));
    let auditor = organisation.person("Ida", "auditor");
    for model in ["small", "large"] {
        let answer = organisation.chat(&key.secret, model, "Hello");
        let runtime = organisation.call(&key.secret, answer.record());
        assert_eq!(runtime, organisation.call(&auditor.token, answer.record()), "two readers, two truths");
        assert_eq!(runtime["state"], if model == "small" { "answered" } else { "denied" }, "{runtime}");
        let entry = format!("/api/v1/entries/{}", runtime["proof"]["decided"]["index"]);
        assert_eq!(
            organisation.read(&key.secret, &entry),
            organisation.read(&auditor.token, &entry),
            "and one record behind it"
        );
        let path = format!("/api/v1/calls/{}", answer.record());
        let (status, refused) = organisation.ask(&stranger.secret, "GET", &path, &Value::Null);
        assert_eq!(
            (status, refused["code"].as_str()),
            (404, Some("not_found")),
            "another system's key must learn nothing"
        );
    }
    let count = |token: &str| {
        organisation.read(token, &format!("/api/v1/calls?system={system}"))["calls"].as_array().map(Vec::len)
    };
    assert_eq!((count(&key.secret), count(&auditor.token)), (Some(2), Some(2)), "one query, one answer");
    assert_eq!(count(&stranger.secret), Some(0), "scoped to whoever asks");
}

/// Bytes of the log's segments that were written: they are preallocated with zeros.
fn written(organisation: &Organisation) -> usize {
    let files = fs::read_dir(organisation.notary.dir().join("log/segments")).expect("the segments");
    let used = files.map(|file| {
        let bytes = fs::read(file.expect("a file").path()).expect("a segment");
        bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
    });
    used.sum()
}

/// Whether a file below the data directory holds `text`.
fn found(organisation: &Organisation, text: &str) -> bool {
    let mut dirs = vec![organisation.notary.dir()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.is_file() {
                let bytes = fs::read(&path).expect("a file");
                if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                    return true;
                }
            }
        }
    }
    false
}

/// Requirement: V39. Off by default, on for one system, every switch on record; while off, payload bytes reach neither log nor vault.
#[test]
fn content_is_captured_only_where_and_while_it_is_switched_on() {
    // Longer than everything else that a call writes, and found nowhere else.
    let (prompt, reply) =
        ("secret plan of the prompt ".repeat(4000), "secret plan of the answer ".repeat(4000));
    let mut organisation = Organisation::new(Answer::json(200, openai::chat_of(&reply)));
    let (watched, other) = (organisation.system("Loan support"), organisation.system("Collections"));
    let (key, other_key) = (organisation.key(&watched, &json!({})), organisation.key(&other, &json!({})));
    let auditor = organisation.person("Ida", "auditor");
    let evidence = |secret: &str| {
        let before = written(&organisation);
        let answer = organisation.chat(secret, "small", &prompt);
        assert!(answer.status == 200 && answer.body.contains(&reply), "the client gets its answer");
        let bytes = written(&organisation) - before;
        (organisation.opened_call(&auditor.token, answer.record())["evidence"].clone(), bytes)
    };
    let off = |secret: &str, when: &str| {
        let (evidence, bytes) = evidence(secret);
        assert_eq!((&evidence["prompt"], &evidence["answer"]), (&Value::Null, &Value::Null), "{when}");
        assert_eq!(evidence["withheld"], "capture_off", "{when}: and the record says why");
        assert!(
            bytes < prompt.len() / 2,
            "{when}: {bytes} bytes were written for a payload of {}",
            prompt.len()
        );
    };
    let switch = |to: &str| {
        let answer = organisation.done(
            "POST",
            &format!("/api/v1/systems/{watched}/capture"),
            &json!({"capture": to, "reason": "a review"}),
        );
        let entry =
            organisation.read(&auditor.token, &format!("/api/v1/entries/{}", answer["recorded"]["index"]));
        let fields = &entry["units"][0]["fields"];
        assert_eq!(
            (&entry["type"], &fields["capture"]),
            (&json!("system.registered"), &json!(to)),
            "the switch is on record: {entry}"
        );
        assert_eq!(
            (&entry["actor"], &entry["system"]),
            (&json!(organisation.admin.id), &json!(watched)),
            "with who and for which system"
        );
    };
    off(&key.secret, "by default");
    switch("masked");
    let (kept, bytes) = evidence(&key.secret);
    assert!(
        kept["prompt"].as_str().is_some_and(|text| text.contains(&prompt)),
        "switched on, the prompt is kept"
    );
    assert!(kept["answer"].as_str().is_some_and(|text| text.contains(&reply)), "and the answer");
    assert!(bytes > prompt.len() + reply.len(), "the measure would not see a payload: {bytes}");
    off(&other_key.secret, "another system");
    switch("none");
    off(&key.secret, "switched off again");
    organisation.stop();
    for text in ["secret plan of the prompt", "secret plan of the answer"] {
        assert!(
            !found(&organisation, text),
            "{text:?} stands in plain text in a file: what is kept is encrypted"
        );
    }
    assert!(found(&organisation, "call.completed"), "the search finds nothing at all");
}

/// Requirement: R25. SIGTERM under load: every call that began is answered whole, has its end on record, and nothing is left open.
#[test]
fn sigterm_under_load_finishes_the_calls_that_began() {
    let mut organisation = Organisation::new(Script::by(|request, _| {
        if request.text().contains("\"stream\":true") {
            Answer::events(openai::stream_of(&["It ", "is ", "not ", "late."]))
        } else {
            Answer::json(200, openai::chat_of("It is not late."))
        }
    }));
    let key = organisation.key(&organisation.system("Loan support"), &json!({}));
    let bearer = format!("authorization: Bearer {}", key.secret);
    let (over, whole, odd) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for client in 0..8 {
            let (organisation, bearer, over, whole, odd) = (&organisation, &bearer, &over, &whole, &odd);
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let body = json!({"model": "small", "stream": client % 2 == 0, "messages": [{"role": "user", "content": "Late?"}]});
                    let answer = organisation.try_call(&[bearer], "POST", "/v1/chat/completions", &body.to_string());
                    match answer {
                        Some(answer) if answer.status == 200 && answer.code().is_empty() => whole.fetch_add(1, Ordering::SeqCst),
                        Some(_) => odd.fetch_add(1, Ordering::SeqCst),
                        // Nobody is let in any more.
                        None => continue,
                    };
                }
            });
        }
        let ready = organisation.read("", "/readyz");
        let parts: Vec<&Value> =
            ready["ready"].as_array().into_iter().flatten().map(|part| &part["name"]).collect();
        assert_eq!(
            parts,
            ["ledger", "views", "gateway"],
            "a balancer would send calls to a gateway that nobody asked"
        );
        wait_until("the load to begin", || whole.load(Ordering::SeqCst) > 100);
        organisation.server().terminate();
        wait_until("the gateway's door to close", || {
            std::net::TcpStream::connect(&organisation.gateway).is_err()
        });
        over.store(true, Ordering::SeqCst);
    });
    let ended = organisation.wait().ends(0);
    assert!(ended.err.contains("stopped"), "the server must say that it ended well: {}", ended.err);
    assert_eq!(odd.load(Ordering::SeqCst), 0, "a call that had begun was cut off");
    let count = |name: &str| {
        let reader = reader(&organisation.notary.dir());
        let mut count = 0_usize;
        let counted = reader.entries(0, reader.size(), |view| {
            count +=
                usize::from(view.entry.header().is_some_and(|header| header.record_type.as_str() == name));
            Ok(())
        });
        counted.expect("every entry reads back");
        count
    };
    let (authorised, completed) = (count("call.authorised"), count("call.completed"));
    assert_eq!(authorised, completed, "a call was left open");
    assert_eq!(completed, whole.load(Ordering::SeqCst), "calls on record and whole answers differ");
    let again = organisation.notary.serve();
    assert!(!again.said.contains("were open"), "a clean end leaves no call open: {}", again.said);
    again.stop().ends(0);
    assert_eq!(count("call.broken"), 0, "a clean end breaks no call");
    organisation.notary.is_sound();
}
