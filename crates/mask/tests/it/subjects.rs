//! A person is found by every spelling of what names them, and by nothing that names somebody else.

use tabellion_mask::{Class, Classes, Operator, Plan, mask_text, subject_names};

use crate::scope;

/// Requirement: G17.
#[test]
fn a_value_is_named_alike_however_it_is_typed() {
    let cases = [
        ("Ada@Example.org", "ada@example.org"),
        ("ada%40example.org", "ada@example.org"),
        ("Jo\u{308}rg Mu\u{308}ller", "j\u{f6}rg m\u{fc}ller"),
        ("J\u{f6}rg  M\u{fc}ller", "j\u{f6}rg m\u{fc}ller"),
        ("jo\u{308}rg@example.org", "j\u{f6}rg@example.org"),
        ("0049 151 12345679", "+4915112345679"),
        ("+49 (0)151 12345679", "+4915112345679"),
        ("4111 1111 1111 1111", "4111111111111111"),
        ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
    ];
    for (typed, name) in cases {
        let names = subject_names(typed);
        assert!(names.contains(name), "{typed:?} would not find what is kept as {name:?}: {names:?}");
        assert!(names.contains(typed), "what was named so before has to be found: {names:?}");
    }
}

/// Requirement: P48. An address is found however its letters are usually written, from whichever of these is typed.
#[test]
fn an_address_is_found_in_its_usual_writings() {
    let writings = [
        "alice.smith@example.org",
        "Alice.Smith@Example.org",
        "Alice.Smith@example.org",
        "Alice.smith@example.org",
        "alice.smith@Example.Org",
        "alice.smith@EXAMPLE.ORG",
        "ALICE.SMITH@EXAMPLE.ORG",
        "ALICE.SMITH@example.org",
    ];
    for typed in writings {
        let names = subject_names(typed);
        for recorded in writings {
            assert!(names.contains(recorded), "{typed:?} misses what is recorded as {recorded:?}: {names:?}");
        }
        assert!(names.len() <= 20, "each is looked for in the whole table of keys: {names:?}");
    }
    let odd = subject_names("aLiCe@example.org");
    assert!(odd.contains("aLiCe@example.org") && odd.contains("alice@example.org"), "{odd:?}");
    assert!(!odd.contains("alice@example.com"), "somebody else would be shown: {odd:?}");
}

/// Requirement: G17.
#[test]
fn an_identifier_names_nobody_else() {
    for typed in ["customer-17", "A-1", "user_42", "aB3", "patient 0815/x"] {
        let names = subject_names(typed);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), [typed], "somebody else would be erased");
    }
}

/// Requirement: G17.
#[test]
fn two_spellings_of_a_value_share_a_placeholder() {
    let plan = Plan::from(Classes::FORMS).with(Class::Phone, Operator::Pseudonymise);
    for (one, other) in
        [("+49 151 12345679", "0049 151 12345679"), ("j\u{f6}rg@example.org", "jo\u{308}rg@example.org")]
    {
        let (out, found) = mask_text(&format!("tel {one}, tel {other}."), plan, &mut scope()).unwrap();
        assert_eq!(found.len(), 2, "{out}");
        assert_eq!(found[0].placeholder, found[1].placeholder, "{one} and {other} are one value: {out}");
    }
}
