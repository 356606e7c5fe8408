//! Placeholders: one for one value, told again by what a model makes of them, and only by the scope that issued them.

use tabellion_mask::{Class, MAX_ISSUED, Placing, Scope, ScopeFull, ScopeKey, restore_text};

use crate::scope;

const ANN: &str = "ann@example.org";

fn restored(text: &str, scope: &Scope) -> String {
    restore_text(text, scope, Placing::Text).into_owned()
}

#[test]
fn a_placeholder_says_its_class_and_nothing_else() {
    let placeholder = scope().issue(Class::Email, ANN).unwrap();
    let code = placeholder.strip_prefix("<EMAIL_").and_then(|rest| rest.strip_suffix('>')).unwrap();
    assert_eq!(code.len(), 6);
    assert!(
        code.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)),
        "{code} would be misread"
    );
}

#[test]
fn the_same_value_has_the_same_placeholder_on_every_turn_and_in_every_spelling() {
    let (mut first, mut second) = (scope(), scope());
    second.issue(Class::Email, "other@example.org").unwrap();
    let ann = first.issue(Class::Email, ANN).unwrap();
    assert_eq!(second.issue(Class::Email, ANN).unwrap(), ann, "the conversation would change between turns");
    for spelling in ["ANN@Example.org", "ann%40example.org", "ann\\u0040example.org"] {
        assert_eq!(
            first.issue(Class::Email, spelling).unwrap(),
            ann,
            "one person would look like two: {spelling}"
        );
    }
    let card = first.issue(Class::PaymentCard, "4111111111111111").unwrap();
    assert_eq!(first.issue(Class::PaymentCard, "4111-1111 1111\u{a0}1111").unwrap(), card);
    let account = first.issue(Class::Iban, "DE89370400440532013000").unwrap();
    assert_eq!(first.issue(Class::Iban, "de89 3704 0044 0532 0130 00").unwrap(), account);
    assert_eq!(first.len(), 3);
}

#[test]
fn another_key_gives_another_placeholder() {
    let other = Scope::new(&ScopeKey::new([8; 32])).issue(Class::Email, ANN).unwrap();
    assert_ne!(
        scope().issue(Class::Email, ANN).unwrap(),
        other,
        "a provider could follow a person between customers"
    );
}

#[test]
fn what_a_model_makes_of_a_placeholder_is_told_again() {
    let mut scope = scope();
    let placeholder = scope.issue(Class::Email, ANN).unwrap();
    let core = placeholder.trim_matches(['<', '>']).to_owned();
    let escaped = core.replace('_', "\\_");
    for (text, expected) in [
        (format!("to {placeholder}."), format!("to {ANN}.")),
        (format!("to {}.", placeholder.to_lowercase()), format!("to {ANN}.")),
        (format!("{placeholder}'s"), format!("{ANN}'s")),
        (format!("\"{placeholder}\""), format!("\"{ANN}\"")),
        (format!("**{placeholder}**"), format!("**{ANN}**")),
        (format!("x{placeholder}y"), format!("x{ANN}y")),
        (format!("{placeholder}{placeholder}"), format!("{ANN}{ANN}")),
        (format!("<{escaped}>"), ANN.to_owned()),
        (format!("\\<{escaped}\\>"), ANN.to_owned()),
        (format!("&lt;{core}&gt;"), ANN.to_owned()),
        (format!("\\u003c{core}\\u003e"), ANN.to_owned()),
        (format!("DOMAIN\\{placeholder}"), format!("DOMAIN\\{ANN}")),
        (format!("\\\\\\u003c{core}\\u003e"), format!("\\\\{ANN}")),
        (format!("the {core}, the {core}'s"), format!("the {ANN}, the {ANN}'s")),
        (format!("mailto:{core}"), format!("mailto:{ANN}")),
        (format!("< {core} >"), format!("< {ANN} >")),
        (format!("<{core}"), format!("<{ANN}")),
    ] {
        assert_eq!(restored(&text, &scope), expected, "the person would be shown a placeholder");
    }
}

#[test]
fn what_is_part_of_a_longer_word_is_no_placeholder() {
    let mut scope = scope();
    let placeholder = scope.issue(Class::Email, ANN).unwrap();
    let core = placeholder.trim_matches(['<', '>']);
    for text in [
        format!("MY{core}"),
        format!("{core}X"),
        format!("{core}_2"),
        format!("_{core}"),
        core[..11].to_owned(),
    ] {
        assert_eq!(restored(&text, &scope), text);
    }
}

#[test]
fn a_placeholder_of_another_scope_stays_one() {
    let theirs = Scope::new(&ScopeKey::new([8; 32])).issue(Class::Email, "secret@example.org").unwrap();
    let mut ours = scope();
    ours.issue(Class::Email, ANN).unwrap();
    assert_eq!(restored(&theirs, &ours), theirs, "a prompt could ask for other people's values");
    let known = ours.issue(Class::Email, ANN).unwrap().replace("EMAIL", "CARD");
    assert_eq!(restored(&known, &ours), known, "a code is of its class");
}

#[test]
fn many_values_have_as_many_placeholders_and_then_no_more() {
    let mut scope = scope();
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..MAX_ISSUED {
        let placeholder = scope.issue(Class::Email, &format!("person{number}@example.org")).unwrap();
        assert!(seen.insert(placeholder), "two people would be taken for one");
    }
    assert_eq!(scope.issue(Class::Email, ANN), Err(ScopeFull), "a body of addresses would fill the memory");
    assert!(scope.issue(Class::Email, "person7@example.org").is_ok(), "what is known stays known");
    for number in [0, 1, MAX_ISSUED - 1] {
        let value = format!("person{number}@example.org");
        let placeholder = scope.issue(Class::Email, &value).unwrap();
        assert_eq!(
            restored(&placeholder, &scope),
            value,
            "a collision would give one person's value to another"
        );
    }
}
