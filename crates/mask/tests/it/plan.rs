//! Plans: every operator does what its name says, of values, of names of members and of numbers, in text and in JSON.

use proptest::prelude::*;
use serde_json::Value;
use tabellion_mask::json::{self, Limits, Path, RawString, Scalar, Visitor};
use tabellion_mask::{
    Class, Classes, Content, Edits, Operator, Place, Placing, Plan, Scope, ScopeKey, StreamMasker,
    mask_string, mask_text, restore_text,
};

use crate::scope;

const EMAIL: &str = "ann@example.org";
const OTHER: &str = "bob@example.org";

fn plan(operator: Operator) -> Plan {
    Plan::from(Classes::FORMS).with(Class::Email, operator).with(Class::PaymentCard, operator)
}

/// Every string and name of a body, as a gateway would hand it in.
#[derive(Default)]
struct Strings<'b>(Vec<Place<'b>>);

impl<'b> Visitor<'b> for Strings<'b> {
    fn scalar(&mut self, _: Path<'_, 'b>, scalar: Scalar<'b>, range: std::ops::Range<usize>) {
        if let Scalar::String(string) = scalar {
            self.0.push(Place { string, at: range.start, content: Content::Text });
        }
    }

    fn name(&mut self, _: Path<'_, 'b>, name: RawString<'b>, range: std::ops::Range<usize>) {
        self.0.push(Place { string: name, at: range.start, content: Content::Name });
    }
}

fn treated(body: &str, plan: Plan, scope: &mut Scope) -> String {
    let limits = Limits { max_bytes: body.len(), max_depth: 64 };
    let mut strings = Strings::default();
    json::walk(body.as_bytes(), &limits, &mut strings).unwrap();
    let mut edits = Edits::new();
    for place in strings.0 {
        mask_string(place, plan, scope, &mut edits).unwrap();
    }
    String::from_utf8(edits.apply(body.as_bytes())).unwrap()
}

/// Requirement: V40.
#[test]
fn an_operator_does_what_its_name_says() {
    let text = format!("to {EMAIL}, and {OTHER}, and ANN@example.org");
    for operator in Operator::ALL {
        let mut scope = scope();
        let (out, values) = mask_text(&text, plan(operator), &mut scope).unwrap();
        assert_eq!(values.len(), 3, "{operator:?}: a value was overlooked");
        assert!(values.iter().all(|value| value.operator == operator));
        if operator == Operator::Pass {
            assert_eq!(out, text, "what passes must stay as it was");
            continue;
        }
        assert!(!out.to_lowercase().contains("example.org"), "{operator:?} leaves a value: {out}");
        let [ann, bob, again] = [0, 1, 2].map(|number| values[number].placeholder.clone());
        let back = restore_text(&out, &scope, Placing::Text);
        match operator {
            Operator::Pseudonymise | Operator::Block => {
                assert!(ann == again && ann != bob, "one value has one placeholder: {out}");
                assert_eq!(back.to_lowercase(), text.to_lowercase(), "the answer must get its values back");
            }
            Operator::Hash => {
                assert!(ann == again && ann != bob, "one value has one digest: {out}");
                assert!(ann.starts_with("<EMAIL#") && ann.len() == "<EMAIL#0123456789ABCDEF>".len(), "{ann}");
                assert_eq!(back, out, "a digest must not be given back");
            }
            Operator::Mask => {
                assert_eq!(out, "to <EMAIL>, and <EMAIL>, and <EMAIL>");
                assert_eq!(back, out, "nothing is to be given back");
            }
            Operator::Drop => assert_eq!(out, "to , and , and "),
            Operator::Pass => {}
        }
        assert_eq!(scope.is_empty(), !matches!(operator, Operator::Pseudonymise | Operator::Block));
    }
}

#[test]
fn a_digest_is_the_scopes_own_and_tells_no_placeholder() {
    let of = |key: [u8; 32]| {
        let mut scope = Scope::new(&ScopeKey::new(key));
        (scope.hash(Class::Email, EMAIL), scope.issue(Class::Email, EMAIL).unwrap())
    };
    let (hash, placeholder) = of([7; 32]);
    assert_eq!(of([7; 32]).0, hash, "the same system would be counted twice");
    assert_ne!(of([8; 32]).0, hash, "another system's digests would tell of the same person");
    let code = placeholder.trim_start_matches("<EMAIL_").trim_end_matches('>').to_owned();
    assert!(!hash.contains(&code), "who has the digest has the placeholder: {hash} {placeholder}");
}

#[test]
fn of_two_operators_the_stricter_is_the_greater() {
    let names: Vec<&str> = Operator::ALL.iter().map(|operator| operator.name()).collect();
    assert_eq!(names, ["pass", "pseudonymise", "hash", "mask", "drop", "block"]);
    assert!(
        Operator::ALL.is_sorted()
            && Operator::ALL.iter().all(|one| Operator::from_name(one.name()) == Some(*one))
    );
    let plan = plan(Operator::Pass);
    assert_eq!(plan.operator(Class::Email), Some(Operator::Pass));
    assert_eq!(plan.operator(Class::Iban), Some(Operator::Pseudonymise));
    assert_eq!(plan.operator(Class::Person), None, "what nobody asked for is looked for");
    let kept = plan.with_nothing_passed();
    assert_eq!(kept.operator(Class::Email), Some(Operator::Pseudonymise), "a record would keep the value");
    assert_eq!(kept.looked_for(), plan.looked_for());
}

#[test]
fn two_names_of_members_stay_two_under_every_operator() {
    for body in [
        format!(r#"{{"{EMAIL}":1,"{OTHER}":2}}"#),
        format!(r#"{{"arguments":"{{\"{EMAIL}\":1,\"{OTHER}\":2}}"}}"#),
    ] {
        for operator in Operator::ALL {
            let out = treated(&body, plan(operator), &mut scope());
            let value: Value = serde_json::from_str(&out).unwrap();
            let inner = value["arguments"].as_str().map(|text| serde_json::from_str::<Value>(text).unwrap());
            let object = inner.as_ref().unwrap_or(&value).as_object().unwrap().clone();
            assert_eq!(object.len(), 2, "{operator:?}: two members became one: {out}");
            assert_eq!(out.contains("example.org"), operator == Operator::Pass, "{operator:?}: {out}");
        }
    }
}

#[test]
fn a_number_that_gives_way_leaves_json_behind() {
    let body = r#"{"arguments":"{\"card\":4111111111111111,\"n\":5}"}"#;
    for operator in Operator::ALL {
        let out = treated(body, plan(operator), &mut scope());
        let value: Value = serde_json::from_str(&out).unwrap();
        let arguments: Value = serde_json::from_str(value["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments["n"], 5, "{operator:?}: {out}");
        match operator {
            Operator::Pass => assert_eq!(arguments["card"], 4_111_111_111_111_111_u64),
            Operator::Drop => assert_eq!(arguments["card"], ""),
            _ => assert!(arguments["card"].as_str().unwrap().starts_with("<CARD"), "{operator:?}: {out}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    // Whatever stands around values, only what passes is left, and the rest of the text is as it was.
    #[test]
    fn nothing_but_what_passes_is_left(around in "[ a-z.,]{0,20}", number in 0_usize..6) {
        let operator = Operator::ALL[number];
        let text = format!("{around} {EMAIL} {around}");
        let (out, values) = mask_text(&text, plan(operator), &mut scope()).unwrap();
        prop_assert_eq!(values.len(), 1);
        let stands = if operator == Operator::Pass { EMAIL } else { values[0].placeholder.as_str() };
        prop_assert_eq!(out, format!("{around} {stands} {around}"));
    }
}

/// Requirement: V40. A stream takes every operator, and gives what the whole text gives; what passes stays, and all is counted.
#[test]
fn every_operator_holds_in_a_stream() {
    let text = "mail ann@example.org, card 4111 1111 1111 1111, phone +49 151 12345679, ann@example.org";
    let plan = Plan::from(Classes::NONE)
        .with(Class::Email, Operator::Hash)
        .with(Class::PaymentCard, Operator::Drop)
        .with(Class::Phone, Operator::Pass);
    let (whole, found) = mask_text(text, plan, &mut scope()).unwrap();
    assert!(whole.contains("+49 151 12345679") && whole.contains("card , "), "{whole}");
    for cut in 0..=text.len() {
        let (mut masker, mut scope, mut out) = (StreamMasker::new(plan), scope(), String::new());
        masker.push(&text[..cut], &mut scope, &mut out).unwrap();
        masker.push(&text[cut..], &mut scope, &mut out).unwrap();
        let counts = masker.finish(&mut scope, &mut out).unwrap();
        assert_eq!(out, whole, "a value split at {cut} would be treated otherwise");
        assert_eq!(counts.values().sum::<u64>(), found.len() as u64, "a record would tell of fewer");
        assert!(scope.is_empty(), "a placeholder is promised that nobody gives back");
    }
    assert!(!plan.differs_by_url() && !Plan::from(Classes::ALL).differs_by_url());
    assert!(plan.with(Class::Url, Operator::Drop).differs_by_url());
}
