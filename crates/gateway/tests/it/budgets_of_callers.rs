//! Budgets of persons, teams and agents stop whoever the token names, whatever key or route, and nobody else.

use std::thread;

use serde_json::{Value, json};
use tabellion_gateway::{Api, IdentityConfig, RetryConfig};
use tabellion_ledger::{Draft, ErasureTarget};
use tabellion_model::body::{Body as _, BudgetScope, CallAuthorised, Caps, RouteClass};
use tabellion_model::charge::{Charged, MAX_CHARGED, Window};
use tabellion_model::{CredentialId, Header};
use tabellion_testkit::upstream::{Answer, Gate, Script, openai};

use crate::budgets::{MANY, budget, most, organisation, routes, tokens};
use crate::client::{self, request};
use crate::fixture::{Fixture, KEY, Setup, say};
use crate::identity::{Issuer, Says, public, token};
use crate::opaque::open_by_records;

/// The budget of each test that has one.
const NAME: &str = "q7";
const CHAT: &str = "/v1/chat/completions";

/// Whom a budget is for, and what a token of somebody else with the same key has in its place.
#[derive(Debug, Clone, Copy)]
enum Principal {
    Person,
    Team,
    Agent,
}

impl Principal {
    const ALL: [Self; 3] = [Self::Person, Self::Team, Self::Agent];

    fn scope(self) -> BudgetScope {
        match self {
            Self::Person => BudgetScope::Person("corp|4711".to_owned()),
            Self::Team => BudgetScope::Team("corp|advisers".to_owned()),
            Self::Agent => BudgetScope::Agent("corp|loans".to_owned()),
        }
    }

    fn of_another(self, issuer: &Issuer) -> String {
        let mut claims = issuer.claims();
        match self {
            Self::Person => claims["sub"] = json!("4712"),
            Self::Team => claims["groups"] = json!(["night"]),
            Self::Agent => claims["client_id"] = json!("night-shift"),
        }
        token(1, &claims)
    }
}

fn issuer() -> Issuer {
    Issuer::start(Says::Keys(json!([public(1)])))
}

/// Both of its clients have the same key.
fn config(issuer: &Issuer) -> IdentityConfig {
    let mut config = issuer.config();
    config.clients.insert("night-shift".to_owned(), CredentialId::from_bytes(KEY).to_hex());
    config
}

fn gateway(issuer: &Issuer, answer: impl Into<Script>, budgets: Vec<Draft>) -> Fixture {
    Fixture::with(answer, setup(issuer, Api::OpenAi, budgets))
}

fn setup(issuer: &Issuer, api: Api, budgets: Vec<Draft>) -> Setup {
    let begins_with = Some([organisation(), budgets].concat());
    Setup { api, begins_with, identities: vec![config(issuer)], ..Setup::default() }
}

fn post(fixture: &Fixture, bearer: &str, path: &str, body: &Value) -> client::Answer {
    let bearer = format!("Bearer {bearer}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let mut client = fixture.connect();
    client.send(&request("POST", path, &headers, body.to_string().as_bytes()));
    client.answer()
}

fn hello() -> Value {
    json!({ "model": "model-a", "max_tokens": 64, "messages": [{ "role": "user", "content": "Hello" }] })
}

/// Has the issuer's keys read, by a call that counts nowhere.
fn settle(fixture: &Fixture, bearer: &str) {
    let answer = post(fixture, bearer, "/v1/nothing", &json!({}));
    assert_eq!(answer.status, 404, "{}", answer.text());
}

fn calls(cap: u64) -> Caps {
    Caps { calls: Some(cap), ..Caps::default() }
}

/// Requirement: N23. Route by route, whole and streamed, for a person, a team and an agent: two hundred calls at once, and at no size of the log is more reserved and spent
/// than the one budget allows. Once it is used up, others with the same key go on, and so does the key itself.
#[test]
fn very_many_calls_at_once_never_pass_the_budget_of_whoever_is_behind_them() {
    for (api, path, body, answer) in routes() {
        for principal in Principal::ALL {
            let issuer = issuer();
            let caps = Caps { calls: Some(40), ..tokens(800) };
            let held = vec![budget(NAME, principal.scope(), Window::Day, caps)];
            let mut fixture = Fixture::with(answer.clone(), setup(&issuer, api, held));
            let bearer = issuer.token(1);
            settle(&fixture, &bearer);
            let statuses: Vec<u16> = thread::scope(|scope| {
                let calls: Vec<_> =
                    (0..MANY).map(|_| scope.spawn(|| post(&fixture, &bearer, path, &body).status)).collect();
                calls.into_iter().map(|call| call.join().expect("an answer")).collect()
            });
            let answered = statuses.iter().filter(|status| **status == 200).count();
            let denied = statuses.iter().filter(|status| **status == 429).count();
            let what = format!("{path} of a {principal:?}");
            assert_eq!(answered + denied, MANY, "{what}: {statuses:?}");
            assert!(answered > 0 && denied > 0, "{what}: {answered} were answered and {denied} denied");
            let (permitted, tokens) = most(&fixture);
            assert!(permitted <= 40, "{what}: {permitted} calls of 40");
            assert!(tokens <= 800, "{what}: {tokens} tokens of 800");
            assert_eq!(fixture.upstream.requests().len(), answered, "{what}: a denied call was sent");
            // None is under way any more, so that what is left is used up one after the other.
            let last = (0..=40).map(|_| post(&fixture, &bearer, path, &body)).find(|told| told.status != 200);
            let last = last.expect("it never ends");
            assert_eq!(
                (last.status, last.header("tabellion-code")),
                (429, Some("budget_exceeded")),
                "{what}"
            );
            assert!(last.text().contains(NAME) && !last.text().contains("corp"), "{what}: {}", last.text());
            let another = post(&fixture, &principal.of_another(&issuer), path, &body);
            assert_eq!(another.status, 200, "{what}: somebody else is held by it: {}", another.text());
            let headers = [("Content-Type", "application/json")];
            let of_nobody = fixture.call("POST", path, &headers, body.to_string().as_bytes());
            assert_eq!(of_nobody.status, 200, "{what}: the key alone is held by it: {}", of_nobody.text());
            let used = used(&fixture);
            assert!(used.0 <= 800 && used.1 <= 40, "{what}: {used:?}");
            fixture.restart();
            assert_eq!(self::used(&fixture), used, "{what}: a process that knows nothing but the log");
            settle(&fixture, &bearer);
            assert_eq!(post(&fixture, &bearer, path, &body).status, 429, "{what}: a restart gave it back");
        }
    }
}

/// Tokens and calls that are used of the first budget, once the views have read everything.
fn used(fixture: &Fixture) -> (u64, u64) {
    fixture.catch_up();
    let used = fixture.gate.load().budgets[0].held.as_ref().expect("it can be read").used;
    (used.tokens, used.calls)
}

/// The budgets that each permission names in the clear.
fn charged(fixture: &Fixture) -> Vec<Vec<String>> {
    let named = |header: &Header| Charged::of(header).iter().map(Charged::to_string).collect();
    fixture.of_type(CallAuthorised::TYPE).iter().map(|seen| named(&seen.header)).collect()
}

/// Requirement: N23, G04. All budgets of somebody in several teams hold, beside their own, that of their program and that of everybody; each is named in the clear, and
/// nobody's name is. What the body says of its user changes nothing.
#[test]
fn every_budget_of_somebody_in_several_teams_holds() {
    let issuer = issuer();
    let team = |name: &str| BudgetScope::Team(format!("corp|{name}"));
    let budgets = vec![
        budget("a-night", team("night"), Window::Day, calls(3)),
        budget("b-advisers", team("advisers"), Window::Month, calls(2)),
        budget("c-own", Principal::Person.scope(), Window::Day, calls(9)),
        budget("d-robot", Principal::Agent.scope(), Window::Day, calls(9)),
        budget("e-others", team("others"), Window::Day, calls(0)),
        budget("f-all", BudgetScope::Tenant, Window::Day, calls(9)),
    ];
    let fixture = gateway(&issuer, Answer::json(200, openai::CHAT), budgets);
    let mut claims = issuer.claims();
    claims["groups"] = json!(["night", "advisers"]);
    let bearer = token(1, &claims);
    let mut body = hello();
    body["user"] = json!("4712");
    for _ in 0..2 {
        assert_eq!(post(&fixture, &bearer, CHAT, &body).status, 200);
    }
    let denied = post(&fixture, &bearer, CHAT, &body);
    assert_eq!(denied.header("tabellion-code"), Some("budget_exceeded"), "{}", denied.text());
    assert!(denied.text().contains("b-advisers of the team"), "{}", denied.text());
    assert!(denied.text().contains("begins anew at"), "nobody would know when: {}", denied.text());
    let of_callers = ["a-night@1", "b-advisers@1", "c-own@1", "d-robot@1"];
    assert_eq!(charged(&fixture)[0], of_callers, "what is not named is forgotten by a restart");
    let permitted = fixture.authorised().remove(0).budgets;
    assert_eq!(permitted, [&of_callers[..], &["f-all@1"]].concat());
    let header = fixture.of_type(CallAuthorised::TYPE)[0].header.clear.clone();
    let header = serde_json::to_string(&header).expect("plain");
    assert!(!header.contains("corp") && !header.contains("4711"), "who called stands for ever: {header}");
    assert_eq!(fixture.chat(&say("Hello")).status, 200, "a call that names nobody is under none of them");
    assert_eq!(charged(&fixture)[2], Vec::<String>::new());
}

/// Requirement: N23. Each attempt of a call is charged to whoever is behind it.
#[test]
fn a_further_attempt_is_charged_to_the_same_person() {
    let issuer = issuer();
    let busy = Answer::json(429, openai::ERROR_429).header("retry-after", "0");
    let script = Script::in_order([busy, Answer::json(200, openai::CHAT)]);
    let budgets = vec![budget(NAME, Principal::Person.scope(), Window::Day, calls(2))];
    let retry = RetryConfig { times: 1, ..RetryConfig::default() };
    let fixture = Fixture::with(script, Setup { retry, ..setup(&issuer, Api::OpenAi, budgets) });
    let bearer = issuer.token(1);
    assert_eq!(post(&fixture, &bearer, CHAT, &hello()).status, 200);
    assert_eq!(charged(&fixture), [["q7@1"], ["q7@1"]], "a second attempt is nobody's");
    assert_eq!(post(&fixture, &bearer, CHAT, &hello()).status, 429, "two attempts are two calls");
    fixture.ended(2);
    assert_eq!(used(&fixture).1, 2);
}

/// Requirement: N22, N23. A route into which nothing looks counts in them as every other.
#[test]
fn a_declared_route_is_charged_to_whoever_is_behind_it() {
    let issuer = issuer();
    let mut drafts = open_by_records(RouteClass::Passthrough);
    drafts.push(budget(NAME, Principal::Person.scope(), Window::Total, calls(1)));
    let answer = r#"{"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":6}}"#;
    let fixture = Fixture::with(Answer::json(200, answer), setup(&issuer, Api::Gemini, drafts));
    let path = "/v1beta/models/gpt-g:generateContent";
    let body = json!({ "contents": [{ "parts": [{ "text": "Hello" }] }] });
    let (theirs, others) = (issuer.token(1), Principal::Person.of_another(&issuer));
    let first = post(&fixture, &theirs, path, &body);
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(charged(&fixture), [["q7@1"]], "on this route it is nobody's");
    let denied = post(&fixture, &theirs, path, &body);
    assert_eq!((denied.status, denied.code().as_str()), (429, "budget_exceeded"), "{}", denied.text());
    assert_eq!(post(&fixture, &others, path, &body).status, 200, "somebody else is held by it");
    fixture.ended(2);
    assert_eq!(used(&fixture), (10, 1));
}

/// Requirement: N23. A call under way when the process ends keeps what it reserved of a person's budget.
#[test]
fn a_restart_keeps_what_a_person_reserved() {
    let issuer = issuer();
    let gate = Gate::new();
    let script = Answer::json(200, openai::CHAT).held_at(&gate);
    let reserved = hello().to_string().len() as u64 + 64;
    let caps = tokens(reserved + reserved / 2);
    let budgets = vec![budget(NAME, Principal::Person.scope(), Window::Total, caps)];
    let mut fixture = gateway(&issuer, script, budgets);
    let bearer = issuer.token(1);
    let mut waiting = fixture.connect();
    let header = format!("Bearer {bearer}");
    let headers = [("Authorization", header.as_str()), ("Content-Type", "application/json")];
    waiting.send(&request("POST", CHAT, &headers, hello().to_string().as_bytes()));
    assert!(gate.reached(), "the call is under way");
    fixture.restart();
    gate.open();
    settle(&fixture, &bearer);
    let denied = post(&fixture, &bearer, CHAT, &hello());
    assert_eq!(denied.header("tabellion-code"), Some("budget_exceeded"), "{}", denied.text());
    assert_eq!(used(&fixture), (reserved, 1), "what was reserved is forgotten");
    drop(waiting);
}

/// Requirement: N23, G04. Where it cannot be told who calls, or what a budget says, or a record could not name all that hold, nothing is sent.
#[test]
fn what_cannot_be_told_lets_nothing_through() {
    let issuer = issuer();
    let silent = || Script::by(|_, _| panic!("sent"));
    let held = vec![budget(NAME, Principal::Team.scope(), Window::Day, calls(9))];
    let fixture = gateway(&issuer, silent(), held);
    for unreadable in [json!("advisers"), json!([7]), Value::Null] {
        let mut claims = issuer.claims();
        claims["groups"] = unreadable;
        assert_eq!(post(&fixture, &token(1, &claims), CHAT, &hello()).status, 401, "{claims}");
    }
    let mut elsewhere = issuer.claims();
    elsewhere["_claim_names"] = json!({ "groups": "src1" });
    assert_eq!(post(&fixture, &token(1, &elsewhere), CHAT, &hello()).status, 401);

    let name = |number: usize| format!("b{number:03}");
    let many =
        (0..=MAX_CHARGED).map(|number| budget(&name(number), Principal::Team.scope(), Window::Day, calls(9)));
    let fixture = gateway(&issuer, silent(), many.collect());
    let denied = post(&fixture, &issuer.token(1), CHAT, &hello());
    assert_eq!((denied.status, denied.header("tabellion-code")), (429, Some("budget_exceeded")));
    assert!(denied.text().contains("more than 64 budgets"), "{}", denied.text());

    let mut of_a_person = budget(NAME, Principal::Person.scope(), Window::Day, calls(9));
    of_a_person.erasable_alone = true;
    let fixture = gateway(&issuer, silent(), vec![of_a_person]);
    let reader = fixture.ledger.reader();
    let set = (0..reader.size()).find(|index| {
        let entry = reader.entry(*index).expect("an entry").entry;
        entry.header().is_some_and(|header| header.record_type.as_str() == "budget.set")
    });
    let target = ErasureTarget::Record(set.expect("it was set"));
    fixture.ledger.erase(&target, "it says who").expect("an erasure");
    fixture.catch_up();
    let headers = [("Content-Type", "application/json")];
    let of_nobody = fixture.call("POST", CHAT, &headers, hello().to_string().as_bytes());
    for denied in [post(&fixture, &issuer.token(1), CHAT, &hello()), of_nobody] {
        assert_eq!(denied.header("tabellion-code"), Some("evidence_unavailable"), "{}", denied.text());
    }
}
