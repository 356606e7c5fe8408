//! Registers: definitions that are refused, content, digests, differences, and lives.

use std::collections::BTreeSet;
use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tabellion_model::body::Role;
use tabellion_model::register::{
    Act, Content, Decision, Deed, Life, MAX_CONTENT_BYTES, MAX_DEFINITION_BYTES, RefreshTrigger, Register,
    Registers, Review, Ruling, Saving, changes, content_digest,
};
use tabellion_model::status::rules::Rules;
use tabellion_model::{CredentialId, ItemId, Micros, RecordId};

const SMALL: &str = r#"
name = "small"
title = "Small"
item = "thing"
purpose = "Trying."
serves = ["8.4", "A.5.2"]
about = "organisation"
review_months = 12
triggers = []
approval = { four_eyes = true, roles = ["approver"] }
state = [{ name = "open", title = "Open" }, { name = "closed", title = "Closed", ended = true }]
transition = [{ from = ["open"], to = "closed", roles = ["approver"] }]

[[section]]
name = "all"
title = "All"
field = [
    { name = "name", label = "Name", kind = "line", required = true },
    { name = "owner", label = "Owner", kind = "person", required = true },
    { name = "size", label = "Size", kind = "choice", options = [{ word = "big", label = "Big" }], material = true },
    { name = "note", label = "Note", kind = "text" },
]
"#;

fn small() -> Register {
    Register::parse(SMALL).expect("a definition")
}

fn content(value: &Value) -> Content {
    value.as_object().expect("an object").clone()
}

#[test]
fn the_registers_that_come_with_the_program_are_consistent() {
    let registers = Registers::built_in().expect("they can be read");
    let names: BTreeSet<String> = registers.all().iter().map(|register| register.name.clone()).collect();
    let files =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/registers")).expect("the folder of definitions");
    let files = files.map(|file| file.expect("a file").path());
    let stems = files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned());
    assert_eq!(
        names,
        stems.collect(),
        "a register is missing from lists, or its file has another name than it"
    );
    for register in registers.all() {
        let alone = register.approval.as_ref().is_some_and(|approval| !approval.four_eyes);
        assert!(!alone, "{}: an author could approve alone", register.name);
        let closing = register.transitions.iter().filter(|step| !register.approves() && step.to == "closed");
        for step in closing {
            let judged = step.second_person && !step.needs.is_empty();
            assert!(judged, "{}: whoever answered could close it alone", register.name);
        }
        let missing = register.check(&Map::new()).missing;
        let required = register.fields().filter(|field| field.required).count();
        assert_eq!(missing.len(), required, "{}: an empty form would be complete", register.name);
        let sections = register.incomplete_sections(&missing);
        let asking =
            register.sections.iter().filter(|section| section.fields.iter().any(|field| field.required));
        assert_eq!(sections.len(), asking.count(), "{}: {sections:?}", register.name);
    }
    let again = registers.with(SMALL).expect("another").with(SMALL);
    assert!(
        again.is_err_and(|fault| fault.to_string().contains("twice")),
        "two registers would claim one name"
    );
}

#[test]
fn what_a_register_says_that_it_serves_is_what_the_rules_count_it_for() {
    let registers = Registers::built_in().expect("they can be read");
    for rule in Rules::built_in().iter() {
        let counted = rule.registers();
        let reference = rule.reference.as_str();
        let serving = registers
            .all()
            .iter()
            .filter(|register| register.serves.iter().any(|served| served == reference));
        let serving: BTreeSet<&str> = serving.map(|register| register.name.as_str()).collect();
        assert_eq!(
            serving, counted,
            "{reference}: a page names evidence that no rule looks at, or hides what one does"
        );
    }
}

#[test]
fn a_definition_that_is_unknown_in_part_or_contradicts_itself_is_refused_with_a_sentence() {
    let cases = [
        ("name = \"small\"", "name = \"Small\"", "lower-case"),
        ("name = \"small\"", "name = \"small\"\ncolour = \"red\"", "colour"),
        ("title = \"Small\"", "title = \"\"", "title"),
        ("\"8.4\"", "\"A.5.1.x\"", "serves"),
        ("\"8.4\"", "\"A.5.1\"", "no clause or control"),
        ("\"8.4\"", "\"A.5\"", "heading"),
        ("review_months = 12", "review_months = 1000", "review_months"),
        ("triggers = []", "triggers = [\"full_moon\"]", "full_moon"),
        ("roles = [\"approver\"] }\nstate", "roles = [] }\nstate", "nobody may approve"),
        ("roles = [\"approver\"] }\nstate", "roles = [\"king\"] }\nstate", "king"),
        ("title = \"Open\" }", "title = \"Open\", ended = true }", "ended"),
        ("from = [\"open\"]", "from = [\"ajar\"]", "ajar"),
        ("from = [\"open\"], to = \"closed\"", "from = [\"closed\"], to = \"open\"", "ended"),
        ("about = \"organisation\"", "about = \"one_per_system\"", "never have one again"),
        ("from = [\"open\"], to = \"closed\"", "from = [\"open\"], to = \"open\"", "leads nowhere"),
        ("{ name = \"closed\"", "{ name = \"open\"", "twice"),
        ("{ name = \"note\"", "{ name = \"size\"", "twice"),
        ("{ name = \"owner\", label = \"Owner\", kind = \"person\", required = true },", "", "owner"),
        ("kind = \"person\", required = true", "kind = \"line\", required = true", "owner"),
        ("kind = \"line\", required = true", "kind = \"line\"", "name"),
        ("options = [{ word = \"big\", label = \"Big\" }]", "options = []", "options"),
        ("kind = \"text\"", "kind = \"text\", options = [{ word = \"a\", label = \"A\" }]", "options"),
        ("kind = \"text\"", "kind = \"text\", max = 9000", "max"),
        ("kind = \"text\"", "kind = \"yes_no\", max = 1", "max"),
        ("kind = \"text\"", "kind = \"novel\"", "novel"),
        (
            "name = \"note\", label = \"Note\", kind = \"text\"",
            "name = \"due\", label = \"Due\", kind = \"text\"",
            "due",
        ),
        (
            "name = \"note\", label = \"Note\", kind = \"text\"",
            "name = \"references\", label = \"R\", kind = \"list\"",
            "references",
        ),
        ("approval = { four_eyes = true, roles = [\"approver\"] }", "", "nothing is evidence"),
        (
            "to = \"closed\", roles = [\"approver\"]",
            "to = \"closed\", roles = [\"approver\"], needs = [\"proof\"]",
            "proof",
        ),
        ("title = \"Open\" }", "title = \"Open\", waits = \"second_person\" }", "waits for somebody"),
        ("ended = true }", "ended = true, waits = \"owner\" }", "waits for somebody"),
        ("triggers = []", "triggers = []\nopened_by = [\"king\"]", "king"),
        ("kind = \"text\"", "kind = \"text\", requried = true", "requried"),
    ];
    for (before, after, said) in cases {
        let text = SMALL.replacen(before, after, 1);
        assert_ne!(text, SMALL, "the case {after:?} changes nothing");
        let fault = Register::parse(&text).expect_err(after).to_string();
        assert!(fault.contains(said) && fault.contains("docs/registers.md"), "{after:?}: {fault}");
    }
    let long = format!("{SMALL}#{}", "x".repeat(MAX_DEFINITION_BYTES));
    assert!(Register::parse(&long).is_err(), "a definition without end would be read");
}

#[test]
fn a_register_without_approvals_is_no_evidence_and_asks_for_what_a_second_person_judges() {
    let worked_on = SMALL
        .replace("approval = { four_eyes = true, roles = [\"approver\"] }\n", "")
        .replace("serves = [\"8.4\", \"A.5.2\"]", "serves = []")
        .replace("review_months = 12", "review_months = 0");
    let register = Register::parse(&worked_on).expect("a definition");
    assert!(!register.approves() && register.ended_states().eq(["closed"]));
    let step = "to = \"closed\", roles = [\"approver\"]";
    for (more, said) in [
        ("approved = true", "waits for an approval"),
        ("second_person = true", "needs no field"),
        ("needs = [\"note\"], second_person = true", ""),
    ] {
        let text = worked_on.replace(step, &format!("{step}, {more}"));
        match Register::parse(&text) {
            Ok(_) => assert!(said.is_empty(), "{more:?} is taken, and nobody could close anything"),
            Err(fault) => assert!(!said.is_empty() && fault.problem.contains(said), "{more:?}: {fault}"),
        }
    }
}

#[test]
fn references_are_clauses_and_controls_that_exist() {
    let registers = Registers::built_in().expect("they can be read");
    let register = registers.get("task").expect("the register");
    let faults = |ids: Value| register.check(&content(&json!({"references": ids}))).faults;
    assert!(faults(json!(["8.4", "A.10.4"])).is_empty());
    for ids in
        [json!(["A.5.1"]), json!(["A.5"]), json!(["8.4", "8.4"]), json!([]), json!("8.4"), json!(["8.4 "])]
    {
        assert_eq!(faults(ids.clone()).len(), 1, "{ids} would lead to the page of no control");
    }
}

#[test]
fn a_digest_stands_for_every_part_of_a_revision() {
    let item = ItemId::from_bytes([7; 16]);
    let said = content(&json!({"name": "A", "size": "big"}));
    let digest = |register, item, revision, said: &Content| {
        content_digest(register, item, revision, said).expect("plain JSON").to_hex()
    };
    let first = digest("small", &item, 1, &said);
    assert_eq!(
        first, "08f45aee1b551bbd8d34ac27ddc499daa21e44c7f0faf5e56d917f715dc079e4",
        "what was approved before could no longer be shown to be that"
    );
    let other = ItemId::from_bytes([8; 16]);
    for changed in [
        digest("smell", &item, 1, &said),
        digest("small", &other, 1, &said),
        digest("small", &item, 2, &said),
        digest("small", &item, 1, &content(&json!({"name": "A"}))),
    ] {
        assert_ne!(changed, first, "an approval would hold for something that nobody saw");
    }
    assert!(
        content_digest("small", &item, 1, &content(&json!({"name": 1.5}))).is_err(),
        "a number that readers hold differently would have one digest"
    );
}

#[test]
fn content_has_a_limit_as_a_whole() {
    let register = small();
    let field = |n| format!("{{ name = \"t{n}\", label = \"T\", kind = \"text\" }},");
    let fields = (0..40).map(field).collect::<Vec<_>>().concat();
    let wide = SMALL.replacen("field = [", &format!("field = [\n{fields}"), 1);
    let wide = Register::parse(&wide).expect("a definition");
    let mut large = Content::new();
    for n in 0..40 {
        large.insert(format!("t{n}"), Value::from("x".repeat(8000)));
    }
    assert!(
        !wide.check(&large).is_sound(),
        "content above {MAX_CONTENT_BYTES} bytes would be refused by the log only"
    );
    assert!(
        register.check(&content(&json!({"name": "A"}))).is_sound(),
        "a draft may lack what it needs in the end"
    );
}

#[test]
fn differences_are_by_field_in_the_order_of_the_form() {
    let before = content(&json!({"note": "a", "name": "A", "gone": 1}));
    let after = content(&json!({"size": "big", "name": "B", "note": "a"}));
    let found = changes(&small(), &before, &after);
    let shown: Vec<(&str, bool)> =
        found.iter().map(|change| (change.field.as_str(), change.material)).collect();
    assert_eq!(shown, [("name", false), ("size", true), ("gone", false)], "a change would go unseen");
    assert_eq!(changes(&small(), &after, &after), []);
}

#[test]
fn months_are_counted_on_the_calendar() {
    for (from, months, to) in [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-15", 12, "2027-12-15"),
        ("2026-12-01", 1, "2027-01-01"),
        ("2026-03-02T08:00:00Z", 6, "2026-09-02T08:00:00Z"),
        ("2026-03-31", 0, "2026-03-31"),
    ] {
        let day = |text| Micros::parse_date(text).expect("a day");
        assert_eq!(day(from).plus_months(months), day(to), "a review of {from} would be due on a wrong day");
    }
}

fn person(byte: u8) -> CredentialId {
    CredentialId::from_bytes([byte; 16])
}

fn deed(entry: u64, by: u8, act: Act) -> Deed {
    Deed { entry, at: Micros(entry), by: person(by), session: Some(session(by)), act }
}

/// The session of the person with this byte.
fn session(byte: u8) -> RecordId {
    RecordId::from_bytes([byte; 16])
}

fn saved(digest: u8) -> Act {
    Act::Saved(Some(Saving { digest: digest.to_string(), ..Saving::default() }))
}

fn decided(decision: Decision, digest: u8) -> Act {
    Act::Decided(Some(Ruling {
        decision,
        digest: digest.to_string(),
        role: Role::Approver,
        conditions: String::new(),
        next_review_at: None,
    }))
}

#[test]
fn an_approval_holds_while_the_next_revision_is_written_and_names_who_wrote_it() {
    let life = Life::of(&[
        deed(1, 1, saved(1)),
        deed(2, 2, saved(2)),
        deed(3, 3, Act::Submitted(Some("2".to_owned()))),
        deed(4, 4, decided(Decision::Approved, 2)),
        deed(5, 5, Act::RefreshOpened(Some(RefreshTrigger::ModelNotNamed))),
        deed(6, 6, saved(3)),
    ]);
    let approved = life.approved.as_ref().expect("an approval");
    assert_eq!((life.review, approved.revision, life.revision), (Some(Review::Draft), 2, 3));
    assert_eq!(approved.authors, [person(1), person(2)].into(), "an author could approve later unseen");
    assert_eq!((life.authors.clone(), life.refreshes.clone()), ([person(6)].into(), vec![5]));
    assert_eq!(
        (&approved.sessions, &life.sessions, life.submitted_in),
        (&[session(1), session(2)].into(), &[session(6)].into(), None),
        "whoever let an author in could decide on what the author wrote"
    );
    assert!(approved.is_independent(), "an approval by a second person counts for nothing");
    let own = Life::of(&[deed(1, 1, saved(1)), deed(2, 1, decided(Decision::Approved, 1))]);
    assert!(
        own.approved.is_some_and(|approved| !approved.is_independent()),
        "own approval passes for a second person's"
    );
    let again = Life::of(&[
        deed(1, 1, saved(1)),
        deed(2, 4, decided(Decision::Approved, 1)),
        deed(3, 5, Act::Submitted(None)),
    ]);
    assert_eq!(again.authors, [person(1)].into(), "whoever wrote what is reviewed again could approve it");
}

#[test]
fn a_decision_on_another_digest_or_that_nobody_can_read_approves_nothing() {
    for act in [decided(Decision::Approved, 9), Act::Decided(None)] {
        let before = [deed(1, 1, saved(1)), deed(2, 4, decided(Decision::Approved, 1)), deed(3, 1, saved(2))];
        let life = Life::of(before.iter().chain([&deed(4, 4, act)]));
        assert_eq!(
            (life.approved, life.review),
            (None, None),
            "what nobody approved would pass for approved"
        );
    }
    let returned = Life::of(&[
        deed(1, 1, saved(1)),
        deed(2, 4, decided(Decision::Approved, 1)),
        deed(3, 1, saved(2)),
        deed(4, 4, decided(Decision::Returned, 2)),
    ]);
    assert!(
        returned.approved.is_some_and(|approved| approved.revision == 1),
        "giving back takes away what holds"
    );
}

fn acts() -> impl Strategy<Value = Vec<Deed>> {
    let act = prop_oneof![
        4 => (0..3u8).prop_map(saved),
        2 => (0..3u8).prop_map(|digest| Act::Submitted(Some(digest.to_string()))),
        3 => (0..3u8).prop_map(|digest| decided(Decision::Approved, digest)),
        1 => (0..3u8).prop_map(|digest| decided(Decision::Returned, digest)),
        1 => Just(Act::Moved(Some("elsewhere".to_owned()))),
        1 => Just(Act::RefreshOpened(Some(RefreshTrigger::MaterialChange))),
    ];
    vec((0..4u8, act), 1..20)
        .prop_map(|acts| acts.into_iter().zip(1..).map(|((by, act), entry)| deed(entry, by, act)).collect())
}

fn erased(deed: &Deed) -> Deed {
    let act = match &deed.act {
        Act::Saved(_) => Act::Saved(None),
        Act::Submitted(_) => Act::Submitted(None),
        Act::Decided(_) => Act::Decided(None),
        Act::Moved(_) => Act::Moved(None),
        Act::RefreshOpened(_) => Act::RefreshOpened(None),
    };
    Deed { act, ..deed.clone() }
}

proptest! {
    /// Invariant 5: what can no longer be read never makes an item better than it was.
    #[test]
    fn erasing_what_any_record_says_never_approves_anything(deeds in acts(), which in any::<prop::sample::Index>()) {
        let whole = Life::of(&deeds);
        let mut less = deeds.clone();
        let at = which.index(less.len());
        less[at] = erased(&less[at]);
        let less = Life::of(&less);
        prop_assert_eq!(less.revision, whole.revision);
        if let Some(approved) = &less.approved {
            // Whatever is still approved was approved in full knowledge too, and by as independent a person.
            let known = whole.approved.as_ref();
            prop_assert!(known.is_some_and(|known| known.entry >= approved.entry), "an approval out of nothing");
            prop_assert!(less.review != Some(Review::Approved) || whole.review == Some(Review::Approved));
        }
        prop_assert!(whole.refreshes.iter().all(|entry| less.refreshes.contains(entry)), "a wish for a new look is lost");
    }

    /// Whatever is sent as content: it is refused by its fields, or it has a digest and is what a record can hold.
    #[test]
    fn any_content_is_refused_or_can_be_recorded(members in vec((member(), value()), 0..6)) {
        let registers = Registers::built_in().expect("registers");
        let said: Content = members.into_iter().collect();
        for register in registers.all() {
            let checked = register.check(&said);
            if checked.is_sound() {
                let digest = content_digest(&register.name, &ItemId::from_bytes([1; 16]), 1, &said);
                prop_assert!(digest.is_ok(), "what was taken can never be approved: {:?}", said);
                prop_assert!(said.keys().all(|name| register.field(name).is_some()));
            } else {
                prop_assert!(checked.faults.iter().all(|fault| !fault.sentence.is_empty()));
            }
        }
    }
}

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => prop::sample::select(vec!["name", "owner", "models", "purpose", "personal_data", "risk_tier", "result", "users"])
            .prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("high")),
        Just(json!("ab".repeat(16))),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,4}", inner), 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
