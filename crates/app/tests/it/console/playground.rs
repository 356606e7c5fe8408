//! The playground in the console: a call is tried by whoever answers for its system, and nothing of it is kept.

use std::sync::{Arc, Mutex};

use tabellion_app::work::playground::{Answer, Asked, Outcome, Sent};
use tabellion_model::body::{
    Answered, Delivered, GuardOutcome, Guarded, Masked, Outcome as CallOutcome, Role,
};

use super::browser::Browser;
use crate::api::house::House;

/// Stands in for the gateway, which this crate does not know: the word `forbidden` is refused, and everything else is sent with its address replaced.
fn outcome(asked: &Asked) -> Outcome {
    let is_refused = asked.body.contains("forbidden");
    let masked = Masked { class: "email".to_owned(), count: 1, operator: None };
    let guard = |name: &str, version: &str| Guarded {
        guard: name.to_owned(),
        version: version.to_owned(),
        outcome: GuardOutcome::Passed,
        found: Vec::new(),
        edits: None,
    };
    Outcome {
        refused: is_refused.then(|| ("policy_denied", "a rule forbids <it>".to_owned())),
        sent: (!is_refused).then(|| Sent {
            model: "small".to_owned(),
            upstream: "local".to_owned(),
            upstream_model: None,
            purpose: asked.purpose.clone().unwrap_or_else(|| "support".to_owned()),
            body: asked.body.replace("ann@example.org", "<EMAIL_*>"),
            masked: vec![masked],
            passed: Vec::new(),
            masking: vec!["house@masking.1-ab".to_owned()],
        }),
        rules: asked.drafts.iter().map(|(name, _)| format!("{name}.rule0")).collect(),
        policies: vec!["c".repeat(64)],
        guards: vec![guard("leaks", "words.1-ab"), guard("moderation", "http.1-ab")],
        budgets: (!is_refused).then(|| vec!["loans-day@2".to_owned()]),
        position: 7,
        answered: (asked.asks && !is_refused).then(|| Answer {
            outcome: CallOutcome::Answered,
            code: None,
            status: 200,
            delivered: Delivered::Whole,
            body: "{\"say\": \"<b>48</b> months\"}".to_owned(),
            is_cut: false,
            guards: vec![guard("answers", "words.2-cd")],
            masked: Vec::new(),
            answered: Answered { model: Some("small-1".to_owned()), ..Answered::default() },
            duration_us: 9,
        }),
    }
}

#[test]
fn a_call_is_tried_on_a_page_and_kept_nowhere() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let house = House::with(move |settings| {
        settings.playground = Some(Arc::new(|asked| Ok(outcome(asked))));
        settings.log = Arc::new(move |line| kept.lock().expect("lines").push(line.to_owned()));
    });
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let page = ada.page("/playground");
    for part in [
        "Nothing is recorded, and nothing is sent to a provider unless you ask for it",
        "Guards that others run are asked all the same",
        "backend (Loan support)",
    ] {
        assert!(page.contains(part), "{part} is not said: {page}");
    }
    let from = page.find("id=\"form-try-call\"").expect("the form");
    let form = &page[from..from + page[from..].find('>').expect("its end")];
    assert!(!form.contains("data-draft"), "the browser keeps what is tried: {form}");

    let size = house.ledger.reader().size();
    let call =
        |body: &'static str| [("key", key.as_str()), ("surface", "openai.chat_completions"), ("body", body)];
    let tried = ada.send("/playground", "try-call", &call("{\"to\": \"ann@example.org\"}")).ok().text();
    for part in [
        "It would be sent",
        "to&#34;: &#34;&#60;EMAIL_*&#62;",
        "house@masking.1-ab",
        "loans-day@2",
        "Of these, asked of others",
        "Nothing of it was recorded or sent",
    ] {
        assert!(tried.contains(part), "{part} is not shown: {tried}");
    }
    let mut drafted = call("forbidden").to_vec();
    drafted.extend([("policy", "house"), ("draft", "permit (principal, action, resource);")]);
    let refused = ada.send("/playground", "try-call", &drafted).ok().text();
    for part in ["It would not be sent", "A rule forbids &#60;it&#62;", "policy_denied", "house.rule0"] {
        assert!(refused.contains(part), "{part} is not shown: {refused}");
    }
    assert!(!refused.contains("The body as the provider would get it"), "{refused}");
    let mut nameless = call("{}").to_vec();
    nameless.push(("draft", "permit (principal, action, resource);"));
    let at_fault = ada.send("/playground", "try-call", &nameless);
    assert!(
        at_fault.status == 400 && at_fault.text().contains("#try-call-policy"),
        "a draft without a name leads nowhere: {}",
        at_fault.text()
    );
    assert_eq!(house.ledger.reader().size(), size, "trying a call was recorded");
    let lines = lines.lock().expect("lines").join("\n");
    assert!(!lines.contains("example.org"), "what is tried stands in the log: {lines}");

    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    assert_eq!(auditor.get("/playground").status, 403, "an auditor tries calls");
    assert!(!auditor.page("/").contains("href=\"/playground\""), "an auditor is led to what refuses them");
    // Whoever answers for other systems alone is offered no key of this one, and cannot name it either.
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    assert!(!developer.page("/playground").contains(&key), "a foreign key is offered");
    assert!(developer.send("/playground", "try-call", &call("{}")).status >= 400, "a foreign key is tried");
}

/// Requirement: P36. Whoever may asks the model, and sees what an application would; nobody else is offered that, nor gets it by saying so.
#[test]
fn the_model_is_asked_by_whoever_may_and_by_nobody_else() {
    let house = House::with(|settings| settings.playground = Some(Arc::new(|asked| Ok(outcome(asked)))));
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let call = [
        ("key", key.as_str()),
        ("surface", "openai.chat_completions"),
        ("body", "{\"to\": \"ann@example.org\"}"),
        ("ask", "yes"),
    ];
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    assert!(ada.page("/playground").contains("Ask the model"), "whoever may is not offered it");
    let size = house.ledger.reader().size();
    let asked = ada.send("/playground", "try-call", &call).ok().text();
    for part in [
        "It was sent",
        "&#60;b&#62;48&#60;/b&#62; months",
        "small-1",
        "What guards said of the answer",
        "the provider will bill it",
    ] {
        assert!(asked.contains(part), "{part} is not shown: {asked}");
    }
    let tried = ada.send("/playground", "try-call", &call[..3]).ok().text();
    assert!(!tried.contains("What came back") && tried.contains("It would be sent"), "{tried}");
    assert_eq!(house.ledger.reader().size(), size, "asking a model on the playground was recorded");
    let officer = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    assert!(!officer.page("/playground").contains("Ask the model"), "what is refused is offered");
    assert_eq!(
        officer.send("/playground", "try-call", &call).status,
        403,
        "the provider was asked for who may not"
    );
    assert_eq!(
        officer.send("/playground", "try-call", &call[..3]).status,
        200,
        "trying without asking went as well"
    );
}

#[test]
fn without_a_gateway_nothing_is_tried() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let page = ada.page("/playground");
    assert!(page.contains("No gateway runs in this process") && !page.contains("form-try-call"), "{page}");
}
