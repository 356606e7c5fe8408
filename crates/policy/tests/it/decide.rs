//! Verdicts: what permits, what forbids, what happens on an error, and which rules are named.

use tabellion_model::body::SystemStage;
use tabellion_model::{Micros, SystemId};
use tabellion_policy::{Action, MAX_TOOLS, NamedPolicy, PolicySet, Verdict};

use crate::call::{Call, KEY, SYSTEM, forbid, house, permit};

const ALL: &str = r#"@id("all") permit (principal, action, resource);"#;
/// Too large to count for any body: Cedar's numbers have 64 bits.
const ERRING: &str = "{ context.received_bytes * 9223372036854775807 > 0 }";

/// Whether a rule with this condition applies to `call`.
fn applies(condition: &str, call: &Call) -> bool {
    let rules = house(&format!("permit (principal, action, resource) when {{ {condition} }};"));
    match rules.decide(&call.question()) {
        Verdict::Permit { .. } => true,
        Verdict::NonePermits => false,
        other => panic!("{condition}: {other:?}"),
    }
}

#[test]
fn without_a_rule_nothing_is_permitted() {
    let none = PolicySet::compile(&[]).unwrap();
    assert_eq!(
        none.decide(&Call::default().question()),
        Verdict::NonePermits,
        "a fresh installation would be open"
    );
    let other = house(r#"permit (principal, action, resource == Model::"large-1");"#);
    assert_eq!(
        other.decide(&Call::default().question()),
        Verdict::NonePermits,
        "another model's rule would do"
    );
    let only_forbids = house(r#"forbid (principal, action, resource == Model::"large-1");"#);
    assert_eq!(
        only_forbids.decide(&Call::default().question()),
        Verdict::NonePermits,
        "what is not forbidden would be permitted"
    );
}

#[test]
fn a_permit_names_every_rule_that_permits_and_no_other() {
    let rules = house(&format!(
        r#"{ALL}
        permit (principal, action, resource == Model::"large-1");
        permit (principal == System::"{SYSTEM}", action == Action::"chat", resource in Upstream::"local");"#
    ));
    let verdict = rules.decide(&Call::default().question());
    assert_eq!(verdict, permit(&["house.all", "house.rule3"]), "the record would not say by which rules");
    assert!(verdict.permits());
    assert_eq!(verdict.rules(), ["house.all", "house.rule3"]);
}

#[test]
fn a_forbid_wins_over_permits_wherever_it_stands() {
    let stop =
        r#"@id("stop") forbid (principal, action, resource) when { context.purpose == "loan-support" };"#;
    for text in [format!("{ALL}\n{stop}"), format!("{stop}\n{ALL}")] {
        let verdict = house(&text).decide(&Call::default().question());
        assert_eq!(verdict, forbid(&["house.stop"]), "a rule that forbids would have no effect");
        assert!(!verdict.permits());
    }
    let policies = [NamedPolicy { name: "b", text: stop }, NamedPolicy { name: "a", text: ALL }];
    let verdict = PolicySet::compile(&policies).unwrap().decide(&Call::default().question());
    assert_eq!(verdict, forbid(&["b.stop"]), "a policy could overrule another one's prohibition");
}

#[test]
fn a_rule_that_errs_denies() {
    let call = Call::default();
    let with = |effect: &str| {
        house(&format!("{ALL}\n@id(\"sum\") {effect} (principal, action, resource) when {ERRING};"))
    };
    for effect in ["permit", "forbid"] {
        match with(effect).decide(&call.question()) {
            Verdict::Erred { rules, what } => {
                assert_eq!(rules, ["house.sum"], "nobody would find the rule to repair");
                assert!(!what.contains("1024"), "what the call holds would stand in an error: {what}");
            }
            other => panic!("an erring {effect} beside a permit gave {other:?}: the call would go through"),
        }
    }
    let alone = house(&format!("permit (principal, action, resource) when {ERRING};"));
    assert!(
        matches!(alone.decide(&call.question()), Verdict::Erred { .. }),
        "an error would read as if nothing spoke for the call"
    );
}

#[test]
fn a_forbid_that_holds_is_named_even_beside_an_error() {
    let text = format!(
        "{ALL}\nforbid (principal, action, resource) when {ERRING};\n@id(\"stop\") forbid (principal, action, resource);"
    );
    assert_eq!(house(&text).decide(&Call::default().question()), forbid(&["house.stop"]));
}

#[test]
fn an_error_that_is_not_reached_is_none() {
    let text =
        format!("{ALL}\nforbid (principal, action == Action::\"list_models\", resource) when {ERRING};");
    assert_eq!(house(&text).decide(&Call::default().question()), permit(&["house.all"]));
}

#[test]
fn every_attribute_says_what_the_caller_said() {
    let call = Call {
        asked_as: "default".to_owned(),
        stream: true,
        tools: vec!["send_letter".to_owned(), "look_up".to_owned()],
        ..Call::default()
    };
    for condition in [
        &format!(r#"principal == System::"{SYSTEM}" && principal.id == "{SYSTEM}""#),
        r#"principal.name == "Loan support assistant" && principal.stage == "live""#,
        r#"principal.purposes == ["training", "loan-support"]"#,
        r#"resource == Model::"small-1" && resource.name == "small-1" && resource.asked_as == "default""#,
        r#"resource in Upstream::"local" && !(resource in Upstream::"cloud")"#,
        &format!(r#"context.key == Key::"{KEY}""#),
        r#"context.purpose == "loan-support" && context.surface == "openai.chat_completions""#,
        "context.stream && context.received_bytes == 1024",
        r#"context.tools.contains("send_letter") && context.tools.containsAll(["look_up"]) && !context.tools.contains("x")"#,
        "context.hour_utc == 9 && context.weekday_utc == 1",
        r#"action == Action::"chat""#,
    ] {
        assert!(applies(condition, &call), "a rule could not rely on {condition}");
    }
    let listing = Call { action: Action::ListModels, ..Call::default() };
    assert!(applies(r#"action == Action::"list_models""#, &listing));
}

#[test]
fn days_and_hours_turn_at_midnight_utc() {
    for (date, condition) in [
        ("1970-01-01T00:00:00Z", "context.weekday_utc == 4 && context.hour_utc == 0"),
        ("2026-10-04T23:59:59.999999Z", "context.weekday_utc == 7 && context.hour_utc == 23"),
        ("2026-10-05T00:00:00Z", "context.weekday_utc == 1 && context.hour_utc == 0"),
        ("2028-02-29T12:00:00Z", "context.weekday_utc == 2 && context.hour_utc == 12"),
    ] {
        let call = Call { at: Micros::parse_date(date).unwrap(), ..Call::default() };
        assert!(applies(condition, &call), "office hours would be wrong at {date}");
    }
}

#[test]
fn a_system_that_changed_is_decided_as_it_is_now() {
    let rules = house(
        r#"permit (principal, action, resource) when { principal.stage == "live" && principal.purposes.contains(context.purpose) && principal.name == "Loan support assistant" };"#,
    );
    let before = Call::default();
    assert!(rules.decide(&before.question()).permits());
    for changed in [
        Call { stage: SystemStage::Paused, ..Call::default() },
        Call { purposes: vec!["training".to_owned()], ..Call::default() },
        Call { system_name: "Another".to_owned(), ..Call::default() },
    ] {
        assert_eq!(
            rules.decide(&changed.question()),
            Verdict::NonePermits,
            "what was revoked would go on working"
        );
        assert!(rules.decide(&before.question()).permits(), "and what was restored would not");
    }
}

#[test]
fn ever_new_models_and_systems_are_decided_like_the_first() {
    // More than are kept ready, so that the last ones are built for the call.
    let rules = house(r#"permit (principal, action, resource) when { resource.name == "model-2999" };"#);
    for number in 0_u32..3000 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let call =
            Call { model: format!("model-{number}"), system: SystemId::from_bytes(id), ..Call::default() };
        assert_eq!(rules.decide(&call.question()).permits(), number == 2999, "model-{number}");
    }
}

#[test]
fn a_question_that_cannot_be_put_denies() {
    let tools = |count: usize| (0..count).map(|number| format!("tool-{number}")).collect();
    let call = Call { tools: tools(MAX_TOOLS), ..Call::default() };
    assert!(house(ALL).decide(&call.question()).permits());
    let call = Call { tools: tools(MAX_TOOLS + 1), ..Call::default() };
    let verdict = house(ALL).decide(&call.question());
    assert!(
        matches!(&verdict, Verdict::Erred { rules, .. } if rules.is_empty()),
        "tools beyond the limit would be unseen: {verdict:?}"
    );
}

#[test]
fn a_size_beyond_counting_is_the_largest_there_is() {
    let call = Call { received_bytes: u64::MAX, ..Call::default() };
    assert!(
        applies("context.received_bytes == 9223372036854775807", &call),
        "a huge body would count as a small one"
    );
}

#[test]
fn names_of_any_characters_are_only_names() {
    let nasty = r#"x" || true //\"; permit (principal, action, resource);"#;
    let call = Call {
        model: nasty.to_owned(),
        asked_as: nasty.to_owned(),
        upstream: nasty.to_owned(),
        purpose: nasty.to_owned(),
        system_name: "\u{0}\u{202e}\n".to_owned(),
        tools: vec![nasty.to_owned(), String::new()],
        ..Call::default()
    };
    let rules =
        house(r#"permit (principal, action, resource == Model::"x") when { context.purpose == "x" };"#);
    assert_eq!(rules.decide(&call.question()), Verdict::NonePermits, "a caller could write rules");
}

#[test]
fn one_set_serves_every_thread_alike() {
    let rules = house(r#"permit (principal, action, resource == Model::"model-3");"#);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..2000 {
                    let call = Call { model: format!("model-{}", number % 7), ..Call::default() };
                    let permits = rules.decide(&call.question()).permits();
                    assert_eq!(permits, number % 7 == 3, "a call would be decided as another thread's");
                }
            });
        }
    });
}

/// What was decided for one call is never the answer to another: rules that look at everything they can, asked in a long row, say what the same
/// rules say that were never asked before.
#[test]
fn a_verdict_is_only_kept_for_the_same_question() {
    let texts = [
        r#"permit (principal, action == Action::"chat", resource) when { context.purpose == "loan-support" && context.hour_utc < 18 };"#,
        r#"permit (principal, action, resource) when { context.stream && principal.purposes.contains("training") };"#,
        r#"permit (principal, action, resource) when { context.tools.contains("search") && resource.asked_as != "alias" };"#,
        r#"forbid (principal, action, resource) when { context.weekday_utc > 5 && resource.name like "big-*" };"#,
        r#"forbid (principal, action, resource) when { context has "received_bytes" && context["received_bytes"] > 4096 };"#,
    ];
    let usual = Call::default();
    let hour = 3_600_000_000;
    let changes: [&dyn Fn(&mut Call); 11] = [
        &|_| {},
        &|call| call.action = Action::ListModels,
        &|call| call.purpose = "training".to_owned(),
        &|call| call.at = Micros(call.at.0 + 9 * hour),
        &|call| call.at = Micros(call.at.0 + 6 * 24 * hour),
        &|call| call.stream = true,
        &|call| call.purposes = vec!["loan-support".to_owned()],
        &|call| call.tools = vec!["search".to_owned()],
        &|call| call.asked_as = "alias".to_owned(),
        &|call| call.model = "big-1".to_owned(),
        &|call| call.received_bytes = 5000,
    ];
    let mut said = std::collections::BTreeSet::new();
    for count in 1..=texts.len() {
        let text = texts[..count].join("\n");
        let warm = house(&text);
        for (first, second) in (0..changes.len()).flat_map(|a| (0..changes.len()).map(move |b| (a, b))) {
            let mut call = usual.clone();
            changes[first](&mut call);
            changes[second](&mut call);
            let fresh = house(&text).decide(&call.question());
            for again in 0..2 {
                let kept = warm.decide(&call.question());
                assert_eq!(kept, fresh, "another call's verdict was given, try {again}: {call:?}");
            }
            said.insert(format!("{fresh:?}"));
        }
    }
    assert!(said.len() > 4, "the questions must differ for this to mean anything: {said:?}");
}
