//! Texts that are refused before they come into force, each at its place and with a way out.

use tabellion_policy::{
    FaultKind, Layers, MAX_NESTING, MAX_OPERATORS, MAX_RULES, MAX_TEXT_BYTES, NamedPolicy, Place,
    PolicyFault, PolicySet, Stack, check,
};

use crate::call::Call;

fn fault(text: &str) -> PolicyFault {
    let fault = check(text).expect_err("this text would come into force");
    let shown = fault.to_string();
    assert!(!shown.contains('\n') && shown.len() < 600, "a fault is read in one look: {shown}");
    assert!(!fault.advice.is_empty(), "the author would not know what to do: {shown}");
    fault
}

#[track_caller]
fn refused(text: &str, kind: FaultKind, line: usize, column: usize, says: &str) {
    let fault = fault(text);
    assert_eq!((fault.kind, fault.place), (kind, Place { line, column }), "{fault}");
    assert!(fault.to_string().contains(says), "should say {says:?}: {fault}");
}

#[test]
fn what_is_not_cedar() {
    refused("", FaultKind::Syntax, 1, 1, "no rule");
    refused("// nothing yet\n", FaultKind::Syntax, 1, 1, "no rule");
    refused("permit (principal, action, resource)", FaultKind::Syntax, 1, 37, "end of input");
    refused(
        "permit (principal, action, resource);\nallow (principal, action, resource);",
        FaultKind::Syntax,
        2,
        1,
        "allow",
    );
    refused("permit (principal, action);", FaultKind::Syntax, 1, 26, "resource");
    // Columns count characters, so that an editor can go there.
    refused(
        "// Überprüfung: ärztlich\n@id(\"ä\") permit (x, action, resource);",
        FaultKind::Syntax,
        2,
        18,
        "x",
    );
    refused(
        "permit (principal, action, resource) when { context.purpose == \"a };",
        FaultKind::Syntax,
        1,
        64,
        "",
    );
}

#[test]
fn what_the_schema_does_not_have() {
    let when = |condition: &str| format!("permit (principal, action, resource)\nwhen {{ {condition} }};");
    refused(&when("context.purpos == \"a\""), FaultKind::Schema, 2, 8, "purpose");
    refused(&when("principal.owner == \"a\""), FaultKind::Schema, 2, 8, "owner");
    refused(&when("context.received_bytes == \"a\""), FaultKind::Schema, 2, 8, "Long");
    refused(&when("context.tools == \"a\""), FaultKind::Schema, 2, 8, "Set");
    refused(&when("context.stream > 3"), FaultKind::Schema, 2, 8, "Long");
    refused("permit (principal, action == Action::\"chatt\", resource);", FaultKind::Schema, 1, 30, "chat");
    refused("permit (principal is User, action, resource);", FaultKind::Schema, 1, 22, "User");
    refused("permit (principal, action, resource == Modell::\"a\");", FaultKind::Schema, 1, 40, "Model");
}

#[test]
fn what_would_always_err() {
    // Only the call's own system is at hand; another one's stage is not.
    let other = "System::\"00000000000000000000000000000000\".stage == \"live\"";
    refused(
        &format!("permit (principal, action, resource) when {{ {other} }};"),
        FaultKind::Schema,
        1,
        45,
        "entity literals cannot be dereferenced",
    );
}

#[test]
fn what_would_never_match() {
    refused(
        "\n  forbid (principal == System::\"Loan support\", action, resource);",
        FaultKind::Schema,
        2,
        3,
        "principal.name",
    );
    refused(
        "permit (principal, action, resource) when { context.key == Key::\"tbl_1\" };",
        FaultKind::Schema,
        1,
        1,
        "tbl_",
    );
    refused(
        "forbid (principal, action, resource) when { context.stream && !context.stream && false };",
        FaultKind::Misleading,
        1,
        1,
        "false",
    );
}

#[test]
fn what_reads_as_something_else() {
    // A Cyrillic letter among Latin ones, and a character that turns the direction of reading.
    refused(
        "forbid (principal, action, resource == Model::\"l\u{430}rge\");",
        FaultKind::Misleading,
        1,
        1,
        "by its id",
    );
    refused(
        "forbid (principal, action, resource) when { context.purpose == \"a\u{202e}b\" };",
        FaultKind::Misleading,
        1,
        64,
        "",
    );
    for name in ["Kreditprüfung", "与信審査", "Aide à la décision"] {
        let text = format!("permit (principal, action, resource) when {{ principal.name == \"{name}\" }};");
        check(&text).unwrap_or_else(|fault| {
            panic!("a system named in its own language could not be governed: {fault}")
        });
    }
}

#[test]
fn what_has_no_meaning_here() {
    refused("permit (principal == ?principal, action, resource);", FaultKind::Unsupported, 1, 1, "slot");
    let approval =
        "permit (principal, action, resource);\n@approval(\"4-eyes\")\npermit (principal, action, resource);";
    // In force, it would permit what was meant to wait for a person.
    refused(approval, FaultKind::Unsupported, 2, 1, "@approval");
    refused("@ID(\"a\") permit (principal, action, resource);", FaultKind::Unsupported, 1, 1, "@ID");
}

#[test]
fn names_that_cannot_tell_rules_apart() {
    let rule = "permit (principal, action, resource);";
    refused(&format!("@id(\"a\") {rule}\n@id(\"a\") {rule}"), FaultKind::Duplicate, 2, 1, "called a");
    refused(&format!("@id(\"rule2\") {rule}\n{rule}"), FaultKind::Duplicate, 2, 1, "rule2");
    for id in ["", "a.b", "A", "a b", "é", &"a".repeat(65)] {
        refused(&format!("@id(\"{id}\") {rule}"), FaultKind::Name, 1, 1, "@id");
    }
    let compile = |names: &[&str]| {
        let policies: Vec<_> = names.iter().map(|&name| NamedPolicy { name, text: rule }).collect();
        PolicySet::compile(&policies)
    };
    let twice = compile(&["a", "b", "a"]).expect_err("two texts under one name");
    assert_eq!((twice.kind, twice.policy.as_str()), (FaultKind::Duplicate, "a"));
    for name in ["", "A", "a.b", "-a", "a b", &"a".repeat(64)] {
        assert_eq!(
            compile(&[name]).expect_err("a name that breaks rule ids").kind,
            FaultKind::Name,
            "{name:?}"
        );
    }
    let ids: Vec<String> = compile(&["b", "a"]).unwrap().rules().iter().map(|rule| rule.id.clone()).collect();
    assert_eq!(ids, ["b.rule1", "a.rule1"]);
}

#[test]
fn a_fault_names_its_policy() {
    let good = NamedPolicy { name: "good", text: "permit (principal, action, resource);" };
    let fault = PolicySet::compile(&[good, NamedPolicy { name: "loan", text: "\n permit;" }]).unwrap_err();
    assert!(
        fault.to_string().starts_with("policy loan, line 2, column "),
        "nobody would know which: {fault}"
    );
    assert_eq!(fault.kind.code(), "policy_syntax");
}

#[test]
fn rules_are_described_as_written() {
    let text = "// House rules.\n@id(\"a\")\n@description(\"Nobody at night.\")\nforbid (principal, action, resource);\n\n permit (principal, action, resource);";
    let rules = check(text).unwrap();
    let told: Vec<_> = rules
        .iter()
        .map(|rule| (rule.id.as_str(), rule.description.as_str(), rule.place.line, rule.place.column))
        .collect();
    assert_eq!(told, [("a", "Nobody at night.", 2, 1), ("rule2", "", 6, 2)]);
}

#[test]
fn limits() {
    let rule = "permit (principal, action, resource);\n";
    let long = format!("{rule}//{}", "x".repeat(MAX_TEXT_BYTES));
    refused(&long, FaultKind::Limit, 1, 1, "bytes");
    refused(&rule.repeat(MAX_RULES + 1), FaultKind::Limit, 1, 1, "rules");
    check(&rule.repeat(MAX_RULES)).unwrap();
    let many = rule.repeat(MAX_RULES);
    let policies = [NamedPolicy { name: "a", text: &many }, NamedPolicy { name: "b", text: rule }];
    let fault = PolicySet::compile(&policies).expect_err("more rules than a call can be decided by in time");
    assert_eq!((fault.kind, fault.policy.as_str()), (FaultKind::Limit, "b"));
    let nested = |depth: usize| {
        format!(
            "permit (principal, action, resource) when {{ {}context.stream{} }};",
            "(".repeat(depth),
            ")".repeat(depth)
        )
    };
    check(&nested(MAX_NESTING - 1)).unwrap();
    refused(&nested(MAX_NESTING), FaultKind::Limit, 1, 45 + MAX_NESTING - 1, "deep");
    let sum = |terms: usize| {
        format!("permit (principal, action, resource) when {{ {} > 0 }};", vec!["1"; terms].join(" + "))
    };
    check(&sum(MAX_OPERATORS + 1)).unwrap();
    refused(&sum(MAX_OPERATORS + 2), FaultKind::Limit, 1, 45 + 4 * MAX_OPERATORS + 2, "operators");
}

/// Requirement: N19. Whoever has as many rules in force as there may be would otherwise have no canary sent.
#[test]
fn the_programs_own_rule_stands_within_no_limit() {
    let (rule, own) = ("forbid (principal, action, resource);\n", "permit (principal, action, resource);");
    let stack = |rules: usize| {
        let mut stack = Stack::default();
        stack.publish("a", &rule.repeat(rules));
        stack.set_own("own", own);
        stack
    };
    for compile in [Layers::compile, Layers::of_published] {
        let layers = compile(&stack(MAX_RULES)).expect("as many as there may be");
        assert_eq!(layers.rules().count(), MAX_RULES + 1, "a rule is lost");
        let verdict = layers.decide(&Call::default().question()).verdict;
        assert!(!verdict.permits(), "its own rule would overrule those of the organisation");
        let mut more = stack(MAX_RULES);
        more.publish("b", rule);
        let fault = compile(&more).expect_err("it would let one more in");
        assert_eq!((fault.kind, fault.policy.as_str()), (FaultKind::Limit, "b"));
        let mut twice = stack(1);
        twice.set_own("a", own);
        let fault = compile(&twice).expect_err("two policies of one name");
        assert_eq!(fault.kind, FaultKind::Duplicate);
    }
}
