//! Layers only tighten, whatever they say.

use tabellion_model::body::{Chain, DataTerms, SystemStage};
use tabellion_model::{CredentialId, Micros};

use super::*;
use crate::case::Case;
use crate::pack::{Pack, PackPolicy};
use crate::question::Action;
use crate::table::CaseTable;

const HERE: SystemId = SystemId::from_bytes([1; 16]);
const ELSEWHERE: SystemId = SystemId::from_bytes([2; 16]);

fn pack(name: &str, layer: PolicyLayer, text: &str) -> Pack {
    Pack {
        cases: CaseTable::default(),
        layer,
        licence: "CC0-1.0".to_owned(),
        name: name.to_owned(),
        policies: vec![PackPolicy::new("rules", text)],
        publisher: "house".to_owned(),
        sources: Vec::new(),
        version: 1,
        version_text: "1".to_owned(),
    }
}

fn ask(stack: &Stack, system: SystemId, model: &str) -> Decided {
    let case = Case {
        action: Action::Chat,
        system,
        system_name: "assistant".to_owned(),
        stage: SystemStage::Live,
        purposes: vec!["support".to_owned()],
        key: CredentialId::from_bytes([3; 16]),
        chain: Chain::default(),
        model: model.to_owned(),
        asked_as: model.to_owned(),
        upstream: "local".to_owned(),
        terms: DataTerms::default(),
        purpose: "support".to_owned(),
        surface: "openai.chat_completions".to_owned(),
        stream: false,
        received_bytes: u64::MAX,
        tools: Vec::new(),
        at: Micros(0),
    };
    Layers::compile(stack).expect("texts that compile").decide(&case.question())
}

const ALL: &str = r#"@id("all") permit (principal, action, resource);"#;
const SMALL: &str = r#"@id("small") permit (principal, action, resource == Model::"small");"#;
const NO_LARGE: &str = r#"@id("no-large") forbid (principal, action, resource == Model::"large");"#;
/// Beyond 64 bits for the size that is asked about.
const ERRS: &str =
    r#"@id("errs") forbid (principal, action, resource) when { context.received_bytes * 2 > 0 };"#;

/// Every pair of texts above and below, in force for the caller's system and for another: whatever the lower one says, nothing is permitted that the
/// organisation's alone does not permit.
///
/// Requirement: N18.
#[test]
fn a_lower_layer_can_only_tighten() {
    let texts = [ALL, SMALL, NO_LARGE, ERRS];
    let mut tightened = 0;
    for above in texts {
        let mut alone = Stack::default();
        alone.publish("base", above);
        for below in texts {
            for layer in [PolicyLayer::Unit, PolicyLayer::System] {
                let mut stack = alone.clone();
                stack.add(&pack("lower", layer, below), &[HERE]);
                for model in ["small", "large"] {
                    let (without, with) = (ask(&alone, HERE, model), ask(&stack, HERE, model));
                    assert!(
                        without.verdict.permits() || !with.verdict.permits(),
                        "{below} below {above} opened {model}: {with:?}"
                    );
                    tightened += usize::from(without.verdict.permits() && !with.verdict.permits());
                    assert_eq!(
                        ask(&stack, ELSEWHERE, model),
                        ask(&alone, ELSEWHERE, model),
                        "a pack of one system decides for another"
                    );
                }
            }
        }
    }
    assert!(tightened > 0, "no lower layer did anything");
}

/// Requirement: N18.
#[test]
fn the_rules_of_each_layer_are_named_and_a_silent_one_is_said() {
    let mut stack = Stack::default();
    stack.publish("base", ALL);
    stack.add(&pack("own", PolicyLayer::System, SMALL), &[HERE]);
    stack.add(&pack("unit", PolicyLayer::Unit, NO_LARGE), &[HERE, ELSEWHERE]);
    let small = ask(&stack, HERE, "small");
    let rules = vec!["base.all".to_owned(), "own/rules.small".to_owned()];
    assert_eq!(
        small.verdict,
        Verdict::Permit { rules },
        "whoever reads the record would not know who permitted it"
    );
    let large = ask(&stack, HERE, "large");
    let rules = vec!["unit/rules.no-large".to_owned()];
    assert_eq!(large, Decided { verdict: Verdict::Forbid { rules }, silent: None });
    // Prohibitions alone need not permit; a pack with permissions has to.
    assert!(
        ask(&stack, ELSEWHERE, "medium").verdict.permits(),
        "a pack of prohibitions denied what it does not speak of"
    );
    let medium = ask(&stack, HERE, "medium");
    assert_eq!(medium, Decided { verdict: Verdict::NonePermits, silent: Some("own".to_owned()) });
}

/// Requirement: N18.
#[test]
fn a_layer_that_errs_denies() {
    let mut stack = Stack::default();
    stack.publish("base", ALL);
    stack.add(&pack("unit", PolicyLayer::Unit, ERRS), &[HERE]);
    assert_eq!(
        ask(&stack, HERE, "small").verdict.as_str(),
        "erred",
        "a rule that cannot be evaluated was passed over"
    );
}

#[test]
fn a_pack_of_the_organisation_is_of_its_layer() {
    let mut stack = Stack::default();
    stack.publish("base", SMALL);
    stack.add(&pack("more", PolicyLayer::Organisation, NO_LARGE), &[]);
    assert!(ask(&stack, ELSEWHERE, "small").verdict.permits());
    assert_eq!(ask(&stack, ELSEWHERE, "large").verdict.as_str(), "forbidden");
    assert_eq!(stack.above(PolicyLayer::Organisation, &[HERE]), [], "nothing is above the organisation");
    assert_eq!(stack.above(PolicyLayer::System, &[HERE]).len(), 2);
}
