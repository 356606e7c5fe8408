//! Policies in Rego: the language, by a table of cases; what is refused before anybody calls; what is no answer.

use serde_json::Value;
use tabellion_model::body::Masked;
use tabellion_policy::{MAX_CONTENT_BYTES, MAX_REGO_BYTES, Rego, RegoCall, RegoError, RegoVerdict};

use crate::call::Call;

fn house(rules: &str) -> Result<Rego, String> {
    let text = format!("package house\n\n{rules}\n");
    Rego::compile(&text, "data.house.deny", true).map_err(|fault| fault.to_string())
}

fn says(rules: &str, call: &Call) -> RegoVerdict {
    let rego = house(rules).unwrap_or_else(|fault| panic!("{rules}: {fault}"));
    let masked = [Masked { class: "email".to_owned(), count: 2, operator: None }];
    let call = RegoCall {
        question: call.question(),
        instead_of: None,
        sent_bytes: 900,
        masked: &masked,
        passed: &[],
        refers_to: &[],
    };
    rego.decide(&call, &["hello", "you"])
}

fn against(ids: &[&str]) -> RegoVerdict {
    RegoVerdict::Against(ids.iter().map(|&id| id.to_owned()).collect())
}

/// Requirement: P32. `scripts/peers/rego.sh` asks OPA's own engine for the same table.
#[test]
fn the_language_is_the_one_that_opa_speaks() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../rego-cases.json")).expect("a table");
    assert!(cases.len() >= 100, "the table has {} cases", cases.len());
    let mut otherwise = Vec::new();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let text = format!("package case\n\n{}\n", case["policy"].as_str().expect("a policy"));
        let came = match Rego::of_any_input(&text, "data.case.r") {
            Ok(rego) => rego.evaluate(case["input"].clone()),
            // What can only fail may as well be refused before anything is asked.
            Err(_) if case.get("failed").is_some() => continue,
            Err(fault) => {
                otherwise.push(format!("{name}: refused: {fault}"));
                continue;
            }
        };
        let is_as_wanted = match &came {
            Ok(result) => case.get("result").is_some_and(|wanted| is_same(wanted, result)),
            Err(RegoError::Undefined) => case.get("undefined").is_some(),
            Err(RegoError::Failed) => case.get("failed").is_some(),
            Err(_) => false,
        };
        if !is_as_wanted {
            otherwise.push(format!("{name}: {came:?}"));
        }
    }
    assert!(otherwise.is_empty(), "{}", otherwise.join("\n"));
}

/// Equal as JSON has it: 1 and 1.0 are one number.
fn is_same(wanted: &Value, came: &Value) -> bool {
    match (wanted, came) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| is_same(a, b)))
        }
        _ => wanted == came,
    }
}

/// Requirement: P32.
#[test]
fn a_policy_sees_the_call_as_rules_do() {
    let mut call = Call { tools: vec!["pay".to_owned()], ..Call::default() };
    for (rule, holds) in [
        (r#"input.action == "chat""#, true),
        (r#"input.system.name == "Loan support assistant""#, true),
        (r#""training" in input.system.purposes"#, true),
        (r#"input.provider.name == "local""#, true),
        ("input.provider.trains", true),
        (r#"input.provider.region != "eu""#, false),
        ("not input.provider.region", true),
        ("not input.person", true),
        (r#""pay" in input.tools"#, true),
        ("input.received_bytes == 1024; input.sent_bytes == 900", true),
        ("input.masked.email == 2; not input.passed.email", true),
        ("input.weekday_utc == 1; input.hour_utc == 9", true),
        (r#""hello" in input.content"#, true),
    ] {
        let wanted = if holds { against(&["it"]) } else { RegoVerdict::Clear };
        assert_eq!(says(&format!("deny contains \"it\" if {{ {rule} }}"), &call), wanted, "{rule}");
    }
    call.terms.region = Some("eu".to_owned());
    call.chain.person = Some("corp|4711".to_owned());
    let rules = r#"deny contains "it" if { input.provider.region == "eu"; input.person == "corp|4711" }"#;
    assert_eq!(says(rules, &call), against(&["it"]));
}

/// Requirement: P32. Whatever is no list of reasons is an error, and never nothing against a call.
#[test]
fn what_is_no_answer_is_an_error() {
    let call = Call::default();
    let erred = RegoVerdict::Erred;
    for (rules, wanted) in [
        ("deny contains \"a\" if false", RegoVerdict::Clear),
        ("deny := [\"b\", \"a\", \"b\"]", against(&["b", "a"])),
        ("deny contains {\"id\": \"a\", \"message\": \"to nobody\"}", against(&["a"])),
        ("deny contains \"No good purpose.\"", against(&["unnamed"])),
        ("deny := [\"a\"] if false", erred(RegoError::Undefined)),
        ("default deny := false", erred(RegoError::Form)),
        ("deny := {\"a\": true}", erred(RegoError::Form)),
        ("deny contains {\"message\": \"without an id\"}", erred(RegoError::Form)),
        ("deny contains 1", erred(RegoError::Form)),
        ("deny contains \"a\" if to_number(input.purpose) > 1", erred(RegoError::Failed)),
        ("deny contains \"a\" if not to_number(input.purpose)", erred(RegoError::Failed)),
        ("deny := [\"a\"] if input.purpose\ndeny := [\"b\"] if input.action", erred(RegoError::Failed)),
    ] {
        assert_eq!(says(rules, &call), wanted, "{rules}");
    }
    let rego = house("deny contains \"a\" if false").expect("a policy");
    let call = RegoCall {
        question: call.question(),
        instead_of: None,
        sent_bytes: 1,
        masked: &[],
        passed: &[],
        refers_to: &[],
    };
    let large = "x".repeat(MAX_CONTENT_BYTES);
    assert_eq!(rego.decide(&call, &[&large]), RegoVerdict::Clear);
    assert_eq!(
        rego.decide(&call, &[&large, "x"]),
        erred(RegoError::TooMuch),
        "a part was looked at as the whole"
    );
}

/// Requirement: P32. An evaluation ends at the same step everywhere, and one that ended does not count against the next.
#[test]
fn an_evaluation_has_an_end() {
    let call = Call { tools: (0..500).map(|number| format!("tool-{number}")).collect(), ..Call::default() };
    let pairs = r#"deny contains "a" if { some a in input.tools; some b in input.tools; some c in input.tools; concat("", [a, b, c]) == "" }"#;
    assert_eq!(says(pairs, &call), RegoVerdict::Erred(RegoError::TooLong));
    let one = r#"deny contains "a" if { some a in input.tools; a == "tool-499" }"#;
    assert_eq!(says(one, &call), against(&["a"]));
}

/// Requirement: P32. A policy that could not work refuses the start, with its place.
#[test]
fn what_could_not_work_is_refused_with_its_place() {
    let long = format!("# {}", "x".repeat(MAX_REGO_BYTES));
    for (rules, place, why) in [
        ("deny contains \"a\" if {", "line ", ""),
        (
            "deny contains \"a\" if input.modle.name == \"x\"",
            "line 3, column 22",
            "input.modle.name is never there",
        ),
        ("deny contains \"a\" if input.model.nam == \"x\"", "line 3, column 22", "input.model has name"),
        ("deny contains \"a\" if input[\"persn\"]", "line 3, column 22", "input.persn is never there"),
        ("deny contains \"a\" if input.purpose.x", "line 3, column 22", "has no members"),
        ("deny contains \"a\" if cuont([1]) > 0", "line 3, column 22", "there is no function cuont"),
        ("deny contains \"a\" if http.send({}).x", "line 3, column 22", "there is no function http.send"),
        ("deny contains \"a\" if time.now_ns() > 0", "line 3, column 22", "there is no function time.now_ns"),
        (
            "deny contains \"a\" if count(numbers.range(1, 9)) > 0",
            "line 3",
            "there is no function numbers.range",
        ),
        ("deny contains sprintf(\"%9999d\", [1])", "line 3", "three digits"),
        ("deny contains \"a\" if f(1)\nf(x) := g(x)\ng(x) := data.house.f(x)", "line ", "calls itself"),
        ("import input.model as m\ndeny contains \"a\" if m.nam", "line 3", "brings in"),
        ("dney contains \"a\" if true", "line 1", "data.house.deny"),
        (&long, "line 1", "bytes"),
    ] {
        let said = house(rules).expect_err(rules);
        assert!(said.contains(place) && said.contains(why), "{rules}: {said}");
    }
    let text = "package house\ndeny contains \"a\" if \"x\" in input.content\n";
    let said =
        Rego::compile(text, "data.house.deny", false).expect_err("content was not asked for").to_string();
    assert!(said.contains("content = true"), "{said}");
    for query in ["data.hous.deny", "house.deny", "data.house", "data.house.deny; true", ""] {
        let said = Rego::compile(text, query, true).expect_err(query).to_string();
        assert!(said.contains("is no rule of the package house"), "{said}");
    }
}

/// Requirement: P32. No word of a call stands in what is said of it.
#[test]
fn ids_are_bounded_words() {
    let call = Call { purpose: "x".repeat(33), tools: vec!["a tool".to_owned()], ..Call::default() };
    assert_eq!(says("deny contains input.purpose", &call), against(&["unnamed"]));
    assert_eq!(says("deny contains t if some t in input.tools", &call), against(&["unnamed"]));
    assert_eq!(
        says("deny contains {\"id\": t, \"message\": t} if some t in input.tools", &call),
        against(&["unnamed"])
    );
}
