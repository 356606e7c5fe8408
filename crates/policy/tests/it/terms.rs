//! What a provider is declared to do with data, as rules see it: what is not declared never helps.

use tabellion_model::body::{DataTerms, Training};
use tabellion_policy::{Verdict, check};

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
