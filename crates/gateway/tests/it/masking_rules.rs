//! Rules of masking: what becomes of which data, by system, purpose and provider, on every route; and what the record says of it.

use serde_json::json;
use tabellion_gateway::{
    Api, Gateway, GatewayConfig, GuardConfig, GuardKind, MaskingConfig, MaskingOperator, UpstreamConfig,
};
use tabellion_model::body::{Capture, GuardOutcome};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script, openai};

use crate::fixture::{Fixture, SYSTEM, Setup, gate, say, say_streaming};
use crate::guards::routes;

const EMAIL: &str = "ada.lovelace@example.org";
const CARD: &str = "4111 1111 1111 1111";

fn rule(name: &str, operator: MaskingOperator, classes: &[&str]) -> MaskingConfig {
    let mut rule = MaskingConfig { name: name.to_owned(), ..MaskingConfig::default() };
    *rule.list_mut(operator) = classes.iter().map(|class| (*class).to_owned()).collect();
    rule
}

fn masked(script: impl Into<Script>, masking: Vec<MaskingConfig>) -> Fixture {
    Fixture::with(script, Setup { masking, ..Setup::default() })
}

/// A provider that says what it was told.
fn echo() -> Script {
    Script::by(|request, _| Answer::json(200, openai::chat_of(&openai::last_message(&request.body))))
}

/// Requirement: G02, V40. What a rule blocks reaches the provider on no route, and the refusal says what and which rule, not the value.
#[test]
fn what_a_rule_blocks_leaves_on_no_route() {
    for stream in [false, true] {
        for (path, api, body) in routes(&format!("my card is {CARD}"), stream) {
            let mut blocks = rule("no-cards", MaskingOperator::Block, &["payment_card"]);
            blocks.upstreams = vec!["scripted".to_owned()];
            let script = Script::by(|_, _| panic!("the card was sent"));
            let fixture = Fixture::with(script, Setup { masking: vec![blocks], api, ..Setup::default() });
            let answer = fixture.call("POST", path, &[], &body);
            assert_eq!(answer.status, 403, "{path}");
            assert_eq!(answer.header("x-should-retry"), Some("false"), "{path}");
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let told = ["data_not_permitted", "payment_card", "scripted", "masking.no-cards"];
            assert!(told.iter().all(|word| text.contains(word)), "{path}: {text}");
            assert!(!text.contains("1111"), "{path}: the refusal says the number: {text}");
            let denied = fixture.denied().remove(0);
            assert_eq!(denied.code, "data_not_permitted", "{path}");
            assert!(denied.rules.is_empty(), "{path}: a policy is named that forbade nothing");
            let [said] = denied.guards.as_slice() else { panic!("{path}: {:?}", denied.guards) };
            assert_eq!((said.guard.as_str(), said.outcome), ("masking.no-cards", GuardOutcome::Blocked));
            assert_eq!(said.found, ["payment_card"], "{path}");
            assert!(said.version.starts_with("masking.1-"), "{path}: {}", said.version);
            assert!(fixture.authorised().is_empty(), "{path}: it is on record as permitted");
        }
    }
}

/// Requirement: V40. The provider sees what the operator leaves, the client gets back what is given back, and the record says which.
#[test]
fn every_operator_holds_whole_and_streamed() {
    for (operator, sent, given_back) in [
        (MaskingOperator::Pseudonymise, "<EMAIL_", EMAIL),
        (MaskingOperator::Hash, "<EMAIL#", "<EMAIL#"),
        (MaskingOperator::Mask, "mail <EMAIL> now", "mail <EMAIL> now"),
        (MaskingOperator::Drop, "mail  now", "mail  now"),
        (MaskingOperator::Pass, EMAIL, EMAIL),
    ] {
        for stream in [false, true] {
            let script = if stream {
                Script::by(|request, _| {
                    Answer::events(openai::stream_of(&[openai::last_message(&request.body)]))
                })
            } else {
                echo()
            };
            let fixture = masked(script, vec![rule("mails", operator, &["email"])]);
            let text = format!("mail {EMAIL} now, card {CARD}");
            let answer = fixture.chat(&if stream { say_streaming(&text) } else { say(&text) });
            assert_eq!(answer.status, 200, "{operator:?}");
            let said = answer.content();
            assert!(said.contains(given_back) && said.contains(CARD), "{operator:?}: {said}");
            let request = fixture.upstream.requests().remove(0).text();
            assert!(request.contains(sent), "{operator:?}: {request}");
            assert_eq!(request.contains("example.org"), operator == MaskingOperator::Pass, "{request}");
            assert!(!request.contains("1111"), "what no rule names is masked as ever: {request}");
            let record = fixture.authorised().remove(0);
            let [rule] = record.masking.as_slice() else { panic!("{:?}", record.masking) };
            assert!(rule.starts_with("mails@masking.1-"), "{rule}");
            let found = record.masked.iter().chain(&record.passed).find(|found| found.class == "email");
            let usual = matches!(operator, MaskingOperator::Pseudonymise | MaskingOperator::Pass);
            let name = (!usual).then(|| operator.name().to_owned());
            assert_eq!(found.map(|found| (found.count, found.operator.clone())), Some((1, name)));
            assert_eq!(record.passed.len(), usize::from(operator == MaskingOperator::Pass));
        }
    }
}

/// Requirement: V40. A rule is for the calls it names, and of several the strictest holds.
#[test]
fn a_rule_is_for_its_calls_and_never_loosens_another() {
    let of_purpose = MaskingConfig {
        purposes: vec!["testing".to_owned()],
        ..rule("tests", MaskingOperator::Drop, &["personal"])
    };
    let of_system = MaskingConfig {
        systems: vec![hex::encode(SYSTEM)],
        ..rule("ours", MaskingOperator::Pass, &["email"])
    };
    let of_others =
        MaskingConfig { systems: vec!["ab".repeat(16)], ..rule("others", MaskingOperator::Block, &["all"]) };
    let fixture = masked(echo(), vec![of_purpose, of_system, of_others]);
    let body = say(&format!("mail {EMAIL}"));
    let headers = |purpose| [("tabellion-purpose", purpose)];
    for (purpose, rules, sent) in
        [("loan-support", vec!["ours@"], EMAIL), ("testing", vec!["tests@", "ours@"], "\"mail \"")]
    {
        let answer = fixture.call("POST", "/v1/chat/completions", &headers(purpose), &body);
        assert_eq!(answer.status, 200, "{purpose}");
        let request = fixture.upstream.requests().pop().expect("a request").text();
        assert!(request.contains(sent), "{purpose}: {request}");
        let record = fixture.authorised().pop().expect("a record");
        let fits = record.masking.iter().zip(&rules).all(|(said, rule)| said.starts_with(rule));
        assert!(fits && record.masking.len() == rules.len(), "{purpose}: {:?}", record.masking);
    }
}

/// Requirement: V39. What passes to a provider is kept with placeholders all the same; what was sent is told by its digest.
#[test]
fn what_is_kept_is_masked_also_of_what_passes() {
    let mut gate = gate();
    for system in std::sync::Arc::make_mut(&mut gate.systems).values_mut() {
        system.capture = Capture::Masked;
    }
    let masking = vec![rule("mails", MaskingOperator::Pass, &["email"])];
    let fixture = Fixture::with(echo(), Setup { gate, masking, ..Setup::default() });
    let answer = fixture.chat(&say(&format!("mail {EMAIL}")));
    assert_eq!(answer.content(), format!("mail {EMAIL}"));
    let sent = fixture.upstream.requests().remove(0);
    assert!(sent.text().contains(EMAIL));
    let record = fixture.authorised().remove(0);
    assert_eq!(record.forwarded_salted_sha256, answer.salted(&sent.body), "the digest is of what was sent");
    let prompt = record.prompt.expect("the system keeps what was said");
    assert!(prompt.contains("<EMAIL_") && !prompt.contains("example.org"), "{prompt}");
    let kept = fixture.end().answer.expect("and what was answered");
    assert!(kept.contains("<EMAIL_") && !kept.contains("example.org"), "{kept}");
}

/// Requirement: N19. A rule that holds for nothing because of a slip is no rule: the start is refused with what to mend.
#[test]
fn a_rule_that_cannot_hold_refuses_the_start() {
    let with = |masking: Vec<MaskingConfig>| {
        let upstream: UpstreamConfig = serde_json::from_value(
            json!({ "name": "scripted", "api": Api::OpenAi, "base_url": "http://127.0.0.1:1/v1", "models": ["m"] }),
        )
        .expect("a provider");
        let config = GatewayConfig { masking, upstreams: vec![upstream], ..GatewayConfig::default() };
        Gateway::check(&config).map_err(|error| error.to_string())
    };
    let fine = || rule("x", MaskingOperator::Block, &["secrets"]);
    with(vec![fine()]).expect("a usual rule");
    let both = MaskingConfig { mask: vec!["api_key".to_owned()], ..fine() };
    with(vec![both]).expect("a class may have another operator than its group");
    for (rules, why) in [
        (vec![rule("x", MaskingOperator::Block, &["credit_card"])], "\"credit_card\" is no class"),
        (vec![rule("x", MaskingOperator::Block, &[])], "names no class"),
        (vec![rule("X", MaskingOperator::Block, &["email"])], "a-z, 0-9"),
        (vec![fine(), fine()], "twice"),
        (
            vec![MaskingConfig { upstreams: vec!["scriptde".to_owned()], ..fine() }],
            "no section [upstream.scriptde]",
        ),
        (vec![MaskingConfig { systems: vec!["loan support".to_owned()], ..fine() }], "no id of a system"),
        (vec![MaskingConfig { purposes: vec!["Loan Support".to_owned()], ..fine() }], "is no purpose"),
        (vec![MaskingConfig { mask: vec!["all".to_owned()], ..fine() }], "name it under one"),
        (
            (0..17).map(|number| MaskingConfig { name: format!("rule-{number}"), ..fine() }).collect(),
            "more than 16",
        ),
    ] {
        let said = with(rules).expect_err("it starts");
        assert!(said.contains(why), "{said} does not say {why:?}");
    }
}

/// Requirement: N25, G02. A provider that stands in for another is sent only what the rules of masking for it allow.
#[test]
fn a_fallback_is_masked_by_the_rules_of_its_own_provider() {
    let stand_in = Upstream::start(echo());
    let named = |operator| MaskingConfig {
        upstreams: vec!["second".to_owned()],
        ..rule("abroad", operator, &["email"])
    };
    for (operator, reached) in [(MaskingOperator::Block, 0), (MaskingOperator::Mask, 1)] {
        let other = UpstreamConfig {
            models: vec!["model-b".to_owned()],
            ..UpstreamConfig::new("second", stand_in.base_url())
        };
        let setup = Setup {
            masking: vec![named(operator)],
            others: vec![other],
            fallback: [("model-a".to_owned(), vec!["model-b".to_owned()])].into(),
            ..Setup::default()
        };
        let fixture = Fixture::with(Answer::json(503, openai::ERROR_429), setup);
        let answer = fixture.chat(&say(&format!("mail {EMAIL}")));
        assert_eq!(stand_in.requests().len(), reached, "{operator:?}");
        if operator == MaskingOperator::Block {
            assert_eq!(answer.status, 503, "the failure of the first is the answer");
            let denied = fixture.denied().remove(0);
            assert_eq!(
                (denied.code.as_str(), denied.upstream.as_deref()),
                ("data_not_permitted", Some("second"))
            );
        } else {
            assert_eq!(answer.content(), "mail <EMAIL>");
            let record = fixture.authorised().pop().expect("a second permission");
            assert!(record.masking.first().is_some_and(|rule| rule.starts_with("abroad@")), "{record:?}");
            assert!(fixture.authorised()[0].masking.is_empty(), "the rule is not for the first provider");
        }
    }
}

/// Requirement: G02. What may not be sent is not sent where nothing may be changed either, nor as the name of a member at the top.
#[test]
fn what_is_blocked_is_found_where_nothing_is_masked() {
    let thinking = json!({"model": "model-a", "max_tokens": 9, "messages": [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": format!("the card is {CARD}"), "signature": "s"}]},
        {"role": "user", "content": "go on"}]});
    let signature = json!({"model": "model-a", "max_tokens": 9, "messages": [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": format!("card-4111-1111-1111-1111-{}", "x".repeat(60))}]},
        {"role": "user", "content": "go on"}]});
    let name = json!({"model": "model-a", "max_tokens": 9, "4111111111111111": 1, "messages": [{"role": "user", "content": "hello"}]});
    for (what, body) in [("thinking", thinking), ("signature", signature), ("a name at the top", name)] {
        let masking = vec![rule("no-cards", MaskingOperator::Block, &["payment_card"])];
        let script = Script::by(|_, _| panic!("the card was sent"));
        let fixture = Fixture::with(script, Setup { masking, api: Api::Anthropic, ..Setup::default() });
        let answer = fixture.call("POST", "/v1/messages", &[], body.to_string().as_bytes());
        assert_eq!(answer.status, 403, "{what}: {}", answer.text());
        assert_eq!(fixture.denied()[0].code, "data_not_permitted", "{what}");
    }
}

/// A name that could become another's is a digest, and its record says so.
#[test]
fn a_name_that_gives_way_is_on_record_as_the_digest_that_it_is() {
    let fixture = masked(echo(), vec![rule("mails", MaskingOperator::Drop, &["email"])]);
    let body = json!({"model": "model-a", "messages": [{"role": "user", "content": EMAIL}], "metadata": {EMAIL: "x"}});
    assert_eq!(fixture.chat(body.to_string().as_bytes()).status, 200);
    let sent = fixture.upstream.requests().remove(0).text();
    assert!(sent.contains("<EMAIL#") && sent.contains("\"content\":\"\""), "{sent}");
    let said: Vec<(Option<String>, u64)> = fixture
        .authorised()
        .remove(0)
        .masked
        .into_iter()
        .map(|masked| (masked.operator, masked.count))
        .collect();
    assert_eq!(said, [(Some("hash".to_owned()), 1), (Some("drop".to_owned()), 1)]);
}

/// A secret that a rule lets pass is one all the same to the guard of secrets.
#[test]
fn what_passes_is_seen_by_the_guard_of_secrets() {
    let guards = vec![GuardConfig::new("no-keys", GuardKind::Secrets)];
    let masking = vec![rule("open", MaskingOperator::Pass, &["secrets"])];
    let script = Script::by(|_, _| panic!("the password was sent"));
    let fixture = Fixture::with(script, Setup { guards, masking, ..Setup::default() });
    let body = json!({"model": "model-a", "messages": [], "metadata": {"password": "q8Zt5LmW2xVb9Kd3"}});
    let answer = fixture.chat(body.to_string().as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (403, "guard_blocked"));
}
