//! What is called a change is one, and what is called none is none.

use tabellion_policy::{Change, NamedPolicy, PolicySet, RuleChange, compare};

fn changes(old: &str, new: &str) -> Vec<RuleChange> {
    let [old, new] = [old, new].map(|text| [NamedPolicy { name: "house", text }]);
    compare(&old, &new).unwrap_or_else(|fault| panic!("{fault}"))
}

fn words(old: &str, new: &str) -> Vec<(Change, String)> {
    let name = |change: &RuleChange| {
        change.new.as_ref().or(change.old.as_ref()).map(|rule| rule.id.clone()).unwrap_or_default()
    };
    changes(old, new).iter().map(|change| (change.change, name(change))).collect()
}

const A: &str =
    "@id(\"a\") permit (principal, action, resource == Model::\"m\") when { context.hour_utc < 12 };";
const B: &str = "@id(\"b\") forbid (principal, action, resource) when { context.stream };";

/// Requirement: N17.
#[test]
fn white_space_comments_and_order_are_no_change() {
    let other = format!(
        "// a comment\n{B}\n\n@id(\"a\")\npermit (\n  principal,\n  action, resource == Model::\"m\")\nwhen {{ context.hour_utc < 12 }};"
    );
    assert_eq!(words(&format!("{A}{B}"), &other), []);
}

/// Requirement: N17.
#[test]
fn rules_added_removed_renamed_and_rewritten() {
    assert_eq!(words(A, &format!("{A}{B}")), [(Change::Added, "house.b".to_owned())]);
    assert_eq!(words(&format!("{A}{B}"), A), [(Change::Removed, "house.b".to_owned())]);
    assert_eq!(words(A, &A.replace("\"a\"", "\"c\"")), [(Change::Renamed, "house.c".to_owned())]);
    let rewritten = A.replace("context.hour_utc < 12", "!(context.hour_utc >= 12)");
    assert_eq!(words(A, &rewritten), [(Change::Rewritten, "house.a".to_owned())]);
    let described = A.replace("@id(\"a\")", "@id(\"a\") @description(\"In the morning.\")");
    assert_eq!(words(A, &described), [(Change::Described, "house.a".to_owned())]);
}

/// Requirement: N17.
#[test]
fn a_change_of_meaning_comes_with_a_call_that_shows_it() {
    let later = A.replace("12", "13");
    let found = changes(A, &later);
    assert_eq!(found.iter().map(|change| change.change).collect::<Vec<_>>(), [Change::Changed]);
    let example = found[0].example.as_ref().expect("a call that is decided otherwise");
    let decide = |text: &str| {
        let rules = PolicySet::compile(&[NamedPolicy { name: "house", text }]).unwrap();
        rules.decide(&example.question()).permits()
    };
    assert_ne!(decide(A), decide(&later), "the example shows nothing: {example:?}");
    let turned = A.replace("permit", "forbid");
    assert_eq!(words(A, &turned), [(Change::Changed, "house.a".to_owned())]);
}
