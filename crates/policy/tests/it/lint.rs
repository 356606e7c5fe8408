//! What lint says is true of every call, and what it cannot know it does not say.

use proptest::prelude::*;
use tabellion_model::body::{Chain, DataTerms, SystemStage, Training};
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_policy::{Action, Case, Finding, NamedPolicy, PolicySet, Severity, Verdict, check, lint};

/// What is found in one policy called `house`.
fn found(text: &str) -> Vec<Finding> {
    lint(&[NamedPolicy { name: "house", text }])
}

/// Code and rule of everything found.
fn codes(text: &str) -> Vec<(&'static str, String)> {
    found(text).into_iter().map(|finding| (finding.code, finding.rule.unwrap_or_default())).collect()
}

fn one(code: &'static str, rule: &str) -> Vec<(&'static str, String)> {
    vec![(code, format!("house.{rule}"))]
}

const LOCAL: &str = "@id(\"local\") permit (principal, action, resource in Upstream::\"local\");";

/// Requirement: N17.
#[test]
fn what_publication_refuses_is_an_error_with_its_code_and_place() {
    let text = "permit (principal, action, resource)\nwhen { context.purpos == \"a\" };";
    let fault = check(text).expect_err("a misspelt name");
    let found = found(text);
    assert_eq!(found.len(), 1, "{found:?}");
    let first = &found[0];
    assert_eq!((first.code, first.severity, first.place), (fault.kind.code(), Severity::Error, fault.place));
    assert_eq!((&first.what, &first.advice), (&fault.what, &fault.advice), "other words than publication's");
}

/// Requirement: N17.
#[test]
fn rules_that_can_never_apply() {
    let rule = |condition: &str| {
        format!(
            "{LOCAL} @id(\"never\") permit (principal, action, resource == Model::\"m\") when {{ {condition} }};"
        )
    };
    for condition in [
        "context.purpose == \"a\" && context.purpose == \"b\"",
        "context.hour_utc > 20 && context.hour_utc < 4",
        "context.received_bytes > 10 && context.received_bytes <= 10",
        "principal.name like \"batch-*\" && principal.name like \"web-*\"",
        "principal.purposes.contains(\"a\") && principal.purposes.isEmpty()",
        "[\"a\", \"b\"].containsAll(context.tools) && context.tools.contains(\"c\")",
        "context.weekday_utc + context.hour_utc > 40",
        "context.stream && !context.stream",
        "resource.name == \"other\"",
        "resource has region && resource.region == \"eu\" && resource.region == \"us\"",
        "!(resource has region) && resource has region && resource.region == \"eu\"",
        "resource has retention_days && resource.retention_days < 0",
        "resource.trains && !resource.trains",
    ] {
        assert_eq!(codes(&rule(condition)), one("policy_never_applies", "never"), "{condition}");
    }
    // These apply to some calls, so nothing may be said.
    for condition in [
        "context.purpose == \"a\" || context.purpose == \"b\"",
        "context.hour_utc > 20 || context.hour_utc < 4",
        "principal.name like \"batch-*\" && principal.name like \"*-1\"",
        "principal.purposes.contains(\"a\") && !principal.purposes.contains(context.purpose)",
        "principal.name == context.purpose && !(principal.name == resource.asked_as)",
        "context.received_bytes > 9223372036854775806",
        "if resource has region then resource.region == \"eu\" else true",
        "resource has region && !(resource.region == \"eu\")",
        "resource has retention_days && resource.retention_days == 0 && !resource.trains",
    ] {
        assert_eq!(codes(&rule(condition)), [], "a false finding: {condition}");
    }
}

/// Requirement: N17.
#[test]
fn a_permission_that_a_prohibition_defeats_and_one_that_it_only_narrows() {
    let wider = format!("{LOCAL} @id(\"none\") forbid (principal, action, resource);");
    let expected = [("policy_unreachable", "house.local"), ("policy_permits_nothing", "")];
    let mut seen = codes(&wider);
    seen.sort_unstable();
    let mut expected: Vec<_> = expected.map(|(code, rule)| (code, rule.to_owned())).to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    let narrower = format!(
        "{LOCAL} @id(\"size\") forbid (principal, action, resource) when {{ context.received_bytes > 9 }};"
    );
    assert_eq!(codes(&narrower), [], "a prohibition that leaves something is no conflict");
    let equal = "@id(\"yes\") permit (principal, action, resource == Model::\"m\");
        @id(\"no\") forbid (principal, action, resource) when { resource.name == \"m\" };
        @id(\"other\") permit (principal, action, resource == Model::\"n\");";
    assert_eq!(codes(equal), one("policy_conflict", "yes"));
}

/// Requirement: N17.
#[test]
fn rules_that_others_make_superfluous() {
    let narrower = format!(
        "{LOCAL} @id(\"also\") permit (principal, action == Action::\"chat\", resource in Upstream::\"local\") when {{ context.purpose == \"a\" }};"
    );
    assert_eq!(codes(&narrower), one("policy_shadowed", "also"));
    let same = format!(
        "{LOCAL} @id(\"twin\") permit (principal, action, resource) when {{ resource in Upstream::\"local\" }};"
    );
    assert_eq!(codes(&same), one("policy_repeated", "twin"));
}

/// Requirement: N17.
#[test]
fn rules_that_are_too_wide_and_sets_that_permit_nothing() {
    assert_eq!(
        codes("@id(\"all\") permit (principal, action == Action::\"chat\", resource);"),
        one("policy_unbounded", "all")
    );
    assert_eq!(
        codes("@id(\"all\") permit (principal, action, resource) when { context.hour_utc >= 0 };"),
        one("policy_unbounded", "all"),
        "a condition that always holds bounds nothing"
    );
    assert_eq!(
        codes("forbid (principal, action, resource == Model::\"m\");"),
        [("policy_permits_nothing", String::new())]
    );
}

/// Requirement: N17.
#[test]
fn what_cannot_be_worked_out_is_said_and_nothing_is_guessed() {
    let text = format!(
        "{LOCAL} @id(\"sum\") permit (principal, action, resource) when {{ context.received_bytes * 2 < 0 }};"
    );
    let found = found(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].code, found[0].severity), ("policy_not_examined", Severity::Note));
}

/// The examples that people copy raise nothing.
#[test]
fn the_examples_are_clean() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let read = |name: &str| std::fs::read_to_string(root.join(format!("{name}.cedar"))).unwrap();
    let names = ["house-rules", "loan-support", "night-batch"];
    let texts = names.map(read);
    let policies: Vec<_> = names.iter().zip(&texts).map(|(name, text)| NamedPolicy { name, text }).collect();
    assert_eq!(lint(&policies), []);
}

const CONDITIONS: [&str; 19] = [
    "context.purpose == \"a\"",
    "context.purpose == \"b\"",
    "principal.purposes.contains(context.purpose)",
    "principal.purposes.contains(\"a\")",
    "principal.name like \"a*\"",
    "principal.name like \"*b\"",
    "principal.name == \"ab\"",
    "context.hour_utc < 12",
    "context.hour_utc >= 12",
    "context.stream",
    "resource in Upstream::\"local\"",
    "resource.name == \"m\"",
    "context.received_bytes > 5",
    "[\"x\"].containsAll(context.tools)",
    "resource has region",
    "resource has region && resource.region == \"a\"",
    "resource has region && resource.region == context.purpose",
    "resource has retention_days && resource.retention_days < 5",
    "resource.trains",
];

/// Conditions joined at random.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(&CONDITIONS[..]).prop_map(str::to_owned);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Calls at random, of values that the conditions name and of others.
fn call() -> impl Strategy<Value = Case> {
    let word = prop::sample::select(vec!["a", "b", "ab", "aab", "c", ""]);
    let words = prop::collection::vec(prop::sample::select(vec!["a", "b", "x", "y"]), 0..3);
    let action = prop::sample::select(vec![Action::Chat, Action::Embed, Action::ListModels]);
    let place = (prop::sample::select(vec!["m", "n"]), prop::sample::select(vec!["local", "cloud"]));
    let training = prop::sample::select(vec![Training::No, Training::Yes, Training::Unknown]);
    let terms = (prop::option::of(word.clone()), prop::option::of(0u64..8), training).prop_map(
        |(region, retention_days, training)| DataTerms {
            region: region.map(str::to_owned),
            retention_days,
            training,
        },
    );
    let place = (place, terms);
    (action, word.clone(), word, words.clone(), words, place, any::<bool>(), 0u64..8, 0u64..24).prop_map(
        |(action, name, purpose, purposes, tools, place, stream, received_bytes, hour)| {
            let ((model, upstream), terms) = place;
            let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect();
            Case {
                action,
                system: SystemId::from_bytes([1; 16]),
                system_name: name.to_owned(),
                stage: SystemStage::Live,
                purposes: owned(purposes),
                key: CredentialId::from_bytes([2; 16]),
                chain: Chain::default(),
                model: model.to_owned(),
                asked_as: model.to_owned(),
                upstream: upstream.to_owned(),
                terms,
                purpose: purpose.to_owned(),
                surface: "openai.chat_completions".to_owned(),
                stream,
                received_bytes,
                tools: owned(tools),
                at: Micros(hour * 3_600_000_000),
            }
        },
    )
}

/// Whether a rule alone applies to a call.
fn applies(text: &str, case: &Case) -> bool {
    let rules = PolicySet::compile(&[NamedPolicy { name: "lone", text }]).unwrap();
    matches!(rules.decide(&case.question()), Verdict::Permit { .. } | Verdict::Forbid { .. })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// No call contradicts a finding: a finding is a claim about all calls.
    /// Requirement: N17.
    #[test]
    fn no_call_contradicts_a_finding(first in condition(), second in condition(), forbids in any::<bool>(), calls in prop::collection::vec(call(), 24)) {
        let effect = if forbids { "forbid" } else { "permit" };
        let first = format!("@id(\"first\") permit (principal, action, resource) when {{ {first} }};");
        let second = format!("@id(\"second\") {effect} (principal, action, resource) when {{ {second} }};");
        let text = format!("{first}\n{second}");
        prop_assume!(check(&text).is_ok());
        for finding in found(&text) {
            for case in &calls {
                let (one, other) = (applies(&first, case), applies(&second, case));
                let (mine, theirs) =
                    if finding.rule.as_deref() == Some("house.first") { (one, other) } else { (other, one) };
                let holds = match finding.code {
                    "policy_never_applies" => !mine,
                    "policy_unreachable" | "policy_shadowed" => !mine || theirs,
                    "policy_conflict" | "policy_repeated" => mine == theirs,
                    "policy_permits_nothing" => !one || (forbids && other),
                    // Of one action at least: of which is not said.
                    _ => true,
                };
                prop_assert!(holds, "{}: {:?}\n{text}", finding.code, case);
            }
        }
    }
}
