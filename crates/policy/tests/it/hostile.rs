//! Texts made to break the reader: whoever may publish a policy must not be able to stop the gateway with one.

use std::time::Duration;

use tabellion_policy::{
    FaultKind, MAX_CONDITIONALS, MAX_NESTING, MAX_OPERATORS, MAX_STRING, NamedPolicy, PolicySet, Verdict,
    check,
};

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
            "if context.hour_utc > 23 then false else ".repeat(MAX_CONDITIONALS) + "true",
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

/// Runs `work`, whose time a test limits. Where it does not end in time the test fails, and does not wait for it.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    told.recv_timeout(limit).ok()
}

#[test]
fn branches_within_branches_are_refused_before_anything_works_on_them() {
    let nested = |count: usize, open: &str, leaf: &str, close: &str| {
        when(&(open.repeat(count) + leaf + &close.repeat(count)))
    };
    for (open, close) in [
        ("if true then ", " else false"),
        ("if false then false else ", ""),
        ("if principal has name then ", " else false"),
        ("(if true then ", " else false)"),
        ("true && (if true then ", " else false)"),
        ("false || (if true then ", " else false)"),
        ("[if\ntrue then ", " else false].contains(true)"),
        ("{a: if//\ntrue then ", " else false}.a"),
        ("if (if true then true else true) then ", " else false"),
    ] {
        let text = nested(30, open, "true", close);
        let fault = within(Duration::from_secs(20), move || check(&text).unwrap_err().kind);
        assert_eq!(fault, Some(FaultKind::Limit), "{open:?} 30 deep burns a core of whoever checks it");
    }
    let most = nested(MAX_CONDITIONALS, "if true then ", "true", " else false");
    assert!(check(&most).is_ok(), "a rule with the most `if`s allowed cannot be published");
    let words = when(&["\"if if if if if if if if if\" == context.purpose"; 2].join(" || "));
    assert!(check(&words).is_ok(), "a string that says `if` is taken for one");
}

#[test]
fn strings_are_not_so_long_that_comparing_them_stalls_calls() {
    let like = |text: usize, pattern: usize| {
        when(&format!("!(\"{}\" like \"*{}b\")", "a".repeat(text), "a".repeat(pattern)))
    };
    let fault = check(&like(MAX_STRING + 1, 1)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit, "each call would take seconds: {fault}");
    let set = house(&like(MAX_STRING, MAX_STRING - 2));
    assert!(set.decide(&Call::default().question()).permits(), "a rule within the limits does not hold");
}

#[test]
fn what_was_published_compiles_without_its_types_but_within_the_limits() {
    let set = |text: &str| PolicySet::of_published(&[NamedPolicy { name: "p", text }]);
    assert!(set(&when("context.stream == \"x\"")).is_ok(), "checked again at every change of a policy");
    assert!(set(&when(&("if true then ".repeat(30) + "true" + &" else false".repeat(30)))).is_err());
    let unsound = set(&when("context.nothing == 1")).unwrap();
    let verdict = unsound.decide(&Call::default().question());
    assert!(!verdict.permits(), "what the schema does not know any more permits: {verdict:?}");
}
