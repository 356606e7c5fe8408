//! The page about policies, the examples and the schema say the same, and what they show works.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cedar_policy::SchemaFragment;
use tabellion_model::{Micros, SystemId};
use tabellion_policy::{Action, NamedPolicy, PolicySet, SCHEMA, Verdict, check};

use crate::call::{Call, forbid, permit};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/policies.md")).unwrap()
}

/// Name and text of every example.
fn examples() -> Vec<(String, String)> {
    let mut found: Vec<_> = std::fs::read_dir(root().join("examples/policies"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "cedar"))
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// The examples in force together.
fn all_examples() -> PolicySet {
    let found = examples();
    let policies: Vec<_> = found.iter().map(|(name, text)| NamedPolicy { name, text }).collect();
    PolicySet::compile(&policies).unwrap_or_else(|fault| panic!("an example that does not work: {fault}"))
}

#[test]
fn every_rule_shown_can_be_published() {
    let page = page();
    let shown: Vec<&str> =
        page.split("```cedar\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    for text in &shown {
        check(text).unwrap_or_else(|fault| panic!("a reader who copies this is refused: {fault}\n{text}"));
    }
    for (name, text) in examples() {
        assert!(
            shown.contains(&text.as_str()),
            "docs/policies.md shows {name} otherwise than the file has it"
        );
    }
    assert!(examples().len() >= 3);
}

#[test]
fn the_page_lists_every_name_of_the_schema_and_no_other() {
    // `name: Type` of a block, under what a rule calls the block.
    let mut of_schema = BTreeSet::new();
    for (block, variable) in
        [("entity System =", "principal"), ("entity Model in", "resource"), ("type Call =", "context")]
    {
        let body = SCHEMA.split(block).nth(1).unwrap().split_once('{').unwrap().1.split_once("};").unwrap().0;
        for line in body.lines().filter_map(|line| line.trim().split_once(':')) {
            of_schema.insert(format!("{variable}.{}", line.0.trim_end_matches('?')));
        }
    }
    let of_page: BTreeSet<String> = page()
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.contains('.'))
        .collect();
    assert_eq!(of_page, of_schema, "an author would not know what a rule may speak of");
    for code in ["syntax", "schema", "misleading", "unsupported", "duplicate", "name", "limit"] {
        assert!(page().contains(&format!("`policy_{code}`")), "policy_{code} is not explained");
    }
}

#[test]
fn the_examples_do_what_they_say() {
    let rules = all_examples();
    let decide = |call: &Call| rules.decide(&call.question());
    let assistant = Call::default();
    assert_eq!(decide(&assistant), permit(&["loan-support.local-models"]));
    let listing = Call { action: Action::ListModels, ..assistant.clone() };
    assert_eq!(decide(&listing), permit(&["loan-support.local-models"]));
    let outside = Call { model: "large-1".to_owned(), upstream: "cloud".to_owned(), ..assistant.clone() };
    assert_eq!(decide(&outside), permit(&["loan-support.large-model"]));
    let training = Call { purpose: "training".to_owned(), ..outside.clone() };
    assert_eq!(decide(&training), Verdict::NonePermits);
    let undeclared = Call { purpose: "marketing".to_owned(), ..assistant.clone() };
    assert_eq!(decide(&undeclared), forbid(&["house-rules.declared-purpose"]));
    let people = Call {
        purpose: "human-resources".to_owned(),
        purposes: vec!["human-resources".to_owned()],
        received_bytes: 2 << 20,
        ..outside
    };
    assert_eq!(
        decide(&people),
        forbid(&["house-rules.human-resources-stay-inside", "house-rules.one-megabyte"])
    );
    let batch = Call {
        system: SystemId::from_bytes([7; 16]),
        system_name: "batch-letters".to_owned(),
        tools: vec!["draft_letter".to_owned()],
        at: Micros::parse_date("2026-10-05T20:00:00Z").unwrap(),
        ..assistant
    };
    assert_eq!(decide(&batch), permit(&["night-batch.night"]));
    let by_day = Call { at: Micros::parse_date("2026-10-05T05:00:00Z").unwrap(), ..batch.clone() };
    assert_eq!(decide(&by_day), Verdict::NonePermits);
    let with_more = Call { tools: vec!["draft_letter".to_owned(), "send_letter".to_owned()], ..batch };
    assert_eq!(decide(&with_more), forbid(&["night-batch.reviewed-tools"]));
}

/// The schema as Cedar understands it, so that a change of what published policies mean is seen in review. `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_schema_is_the_golden_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/schema.txt");
    let (fragment, warnings) = SchemaFragment::from_cedarschema_str(SCHEMA).unwrap();
    assert_eq!(warnings.count(), 0, "the schema itself is doubtful");
    let understood = fragment.to_cedarschema().unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &understood).unwrap();
    }
    let kept = std::fs::read_to_string(&path).expect("a golden file; UPDATE_GOLDEN=1 writes it");
    assert_eq!(
        understood, kept,
        "published policies would mean something else, or be refused after an upgrade"
    );
}
