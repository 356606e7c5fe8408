//! Texts made to break the reader: whoever may publish a policy must not be able to stop the gateway with one.

use tabellion_policy::{MAX_NESTING, MAX_OPERATORS, Verdict, check};

use crate::call::{Call, house};

/// Half of what a thread has by default: the other half is for whoever calls us.
const STACK_BYTES: usize = 1024 * 1024;

/// Runs `work` on a thread with that stack. An overflow ends the test program, so that it cannot pass unseen.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap();
}

fn when(condition: &str) -> String {
    format!("permit (principal, action, resource) when {{ {condition} }};")
}

#[test]
fn bottomless_texts_are_refused_and_nothing_else_happens() {
    on_small_stack(|| {
        for unit in [
            "(",
            "[",
            "{",
            "!",
            "-",
            "a.",
            "a(",
            "1+",
            "a||",
            "if a then b else ",
            "{a:",
            "\"",
            "\\",
            "@a",
            "?",
            ";",
            "//\n",
            "\u{a0}",
        ] {
            let count = 60_000 / unit.len();
            let text = unit.repeat(count);
            assert!(check(&text).is_err(), "{unit:?} repeated");
            assert!(check(&when(&text)).is_err(), "{unit:?} repeated in a condition");
        }
    });
}

#[test]
fn the_deepest_rules_allowed_can_be_decided_on_half_a_stack() {
    on_small_stack(|| {
        let chains = [
            vec!["1"; MAX_OPERATORS + 1].join("+") + " > 0",
            vec!["true"; MAX_OPERATORS + 1].join("||"),
            vec!["true"; MAX_OPERATORS + 1].join("&&"),
            "if context.hour_utc > 23 then false else ".repeat(MAX_OPERATORS / 2) + "true",
            "(".repeat(MAX_NESTING - 1)
                + &vec!["1"; MAX_OPERATORS + 1].join("+")
                + &")".repeat(MAX_NESTING - 1)
                + " > 0",
        ];
        for condition in chains {
            let verdict = house(&when(&condition)).decide(&Call::default().question());
            assert!(verdict.permits(), "would err on a thread with a small stack only: {verdict:?}");
            assert_ne!(verdict, Verdict::NonePermits);
        }
    });
}

#[test]
fn what_looks_like_a_rule_in_strings_and_comments_is_none() {
    let text = "// permit (principal, action, resource); \" ((((\npermit (principal, action, resource) // ;\nwhen { context.purpose == \"a;\\\"b // ((\" };\n\n@id(\"z\")\n  forbid (principal, action, resource);";
    let rules = check(text).unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!((rules[1].id.as_str(), rules[1].place.line), ("z", 5), "a fault would point elsewhere");
}
