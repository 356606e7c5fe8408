//! What a provider is declared to do with data, as rules see it: what is not declared never helps.

use tabellion_model::body::{DataTerms, Training};
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_policy::{Known, KnownModel, LookedAt, NamedPolicy, RecordedDecision, Verdict, check};

use crate::call::{Call, forbid, house, permit};

fn on(terms: DataTerms) -> Call {
    Call { terms, ..Call::default() }
}

fn eu() -> DataTerms {
    DataTerms { region: Some("eu".to_owned()), retention_days: Some(0), training: Training::No }
}

/// Requirement: G19.
#[test]
fn a_region_that_is_not_declared_is_no_region() {
    let only = house(
        r#"@id("eu") permit (principal, action, resource) when { resource has region && resource.region == "eu" };"#,
    );
    let but = house(
        r#"@id("all") permit (principal, action, resource);
        @id("eu") forbid (principal, action, resource) unless { resource has region && resource.region == "eu" };"#,
    );
    for (terms, inside) in [
        (eu(), true),
        (DataTerms::default(), false),
        (DataTerms { region: Some("us".to_owned()), ..eu() }, false),
        (DataTerms { region: None, ..eu() }, false),
    ] {
        let call = on(terms);
        let expected = if inside { permit(&["house.eu"]) } else { Verdict::NonePermits };
        assert_eq!(only.decide(&call.question()), expected, "{:?}", call.terms);
        let expected = if inside { permit(&["house.all"]) } else { forbid(&["house.eu"]) };
        assert_eq!(but.decide(&call.question()), expected, "{:?}", call.terms);
    }
}

/// Requirement: G19.
#[test]
fn whoever_does_not_say_that_they_do_not_train_may_train() {
    let rules = house(
        r#"@id("all") permit (principal, action, resource);
        @id("trains") forbid (principal, action, resource) when { resource.trains };"#,
    );
    for (training, permitted) in [(Training::No, true), (Training::Yes, false), (Training::Unknown, false)] {
        let call = on(DataTerms { training, ..eu() });
        assert_eq!(rules.decide(&call.question()).permits(), permitted, "{training:?}");
    }
}

/// Requirement: G19.
#[test]
fn a_term_that_is_asked_for_without_asking_whether_it_is_there_is_refused() {
    for condition in [r#"resource.region == "eu""#, "resource.retention_days <= 30"] {
        let text = format!("permit (principal, action, resource) when {{ {condition} }};");
        let fault = check(&text).expect_err("it would err for every provider that declares nothing");
        assert_eq!(fault.kind.code(), "policy_schema", "{fault}");
    }
}

/// Requirement: G19. A recorded decision is asked again by the terms of then; where nobody says which those were, it is not asked, and nothing is made up.
#[test]
fn a_recorded_decision_is_asked_again_by_the_terms_that_it_was_made_by() {
    let text = r#"permit (principal, action, resource in Upstream::"main")
        when { resource has region && resource.region == "eu" };"#;
    let looked_at = LookedAt::by(&[NamedPolicy { name: "house", text }]).expect("a text that compiles");
    let decision = |terms: Option<DataTerms>| RecordedDecision {
        served_as: None,
        policies: Vec::new(),
        name: "entry 1".to_owned(),
        system: Some(SystemId::from_bytes([1; 16])),
        key: CredentialId::from_bytes([2; 16]),
        chain: None,
        surface: Some("openai.chat_completions".to_owned()),
        model: Some("m".to_owned()),
        upstream: Some("main".to_owned()),
        terms,
        purpose: Some("loan-support".to_owned()),
        stream: Some(false),
        received_bytes: Some(1),
        at: Micros(1_790_000_000_000_000),
        input: None,
        input_salt: None,
        permitted: true,
        code: None,
        rules: Vec::new(),
    };
    let served = KnownModel { name: "m".to_owned(), upstream: "main".to_owned() };
    let mut known = Known { models: [("m".to_owned(), served)].into(), ..Known::default() };
    let why = decision(None).question(&known, &looked_at).expect_err("nobody knows the terms of then");
    assert!(why.contains("[upstreams]"), "whoever could say them is not told where: {why}");
    let silent =
        decision(Some(DataTerms::default())).question(&known, &looked_at).expect("known to be silent");
    assert_eq!(silent.terms, DataTerms::default());
    known.upstreams.insert("main".to_owned(), eu());
    assert_eq!(decision(None).question(&known, &looked_at).expect("a table says them").terms, eu());
    let then = DataTerms { region: Some("us".to_owned()), ..eu() };
    let asked = decision(Some(then.clone())).question(&known, &looked_at).expect("the record says them");
    assert_eq!(asked.terms, then, "the table's terms of today took the place of those of then");
}
