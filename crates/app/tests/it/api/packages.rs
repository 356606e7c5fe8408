//! Packages for ISO/IEC 42001: statuses with reasons, the statement, systems, and an index that leads to the records.

use serde_json::{Value, json};
use tabellion_ledger::Clock as _;
use tabellion_model::body::Role;
use tabellion_model::package::{FRAMEWORK_FILES, verify_package};
use tabellion_model::{Manifest, Micros};
use tabellion_tlog::sha256;

use super::house::House;
use super::registers::{assessment, inventory};
use crate::fixture::{file, text};

const HOSTILE: &str = "no data is acquired </td><script>alert(1)</script> \u{200b}";

/// A system in use with both registers approved, and a statement with one exclusion; the auditor's token.
fn in_order(house: &House) -> String {
    let (owner, author) = house.person("Olga", &[Role::BusinessOwner, Role::Administrator]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let policy = json!({"text": "permit(principal, action, resource);", "note": "the first"});
    house.ask("PUT", "/api/v1/policies/house").bearer(&author).json(&policy).send().ok();
    let system = house.live_system(&author, "Loan support");
    let body = |content: Value| json!({"system": system, "content": content});
    house.approved(&author, &approver, "ai_system", &body(inventory(&owner, &["small"])));
    house.approved(&author, &approver, "impact_assessment", &body(assessment(&owner, &["small"])));
    let statement = house.get(&author, "/api/v1/soa").ok().json();
    for row in statement["rows"].as_array().expect("rows") {
        let control = row["control"].as_str().expect("a control");
        let decision = match control {
            "A.7.3" => json!({"decision": "excluded", "reason": HOSTILE}),
            _ => json!({"decision": "applied", "reason": "by risk"}),
        };
        house.ask("PUT", &format!("/api/v1/soa/{control}")).bearer(&author).json(&decision).send().ok();
    }
    let digest = house.get(&author, "/api/v1/soa").ok().json()["digest"].clone();
    house.post(&approver, "/api/v1/soa/approval", &json!({"digest": digest})).ok();
    house.clock.set(Micros(house.clock.now().0 + 60_000_000));
    let (key, _) = house.key(&author, &system);
    house.calls(&system, &key);
    auditor
}

fn package(house: &House, token: &str, asked: &Value) -> Vec<u8> {
    let built = house.post(token, "/api/v1/packages", asked).ok();
    let report = verify_package(&built.body, Some(&house.trust()));
    assert_eq!(report.exit_code(), 0, "the package does not verify: {}", report.to_text());
    built.body.clone()
}

fn json_of(package: &[u8], name: &str) -> Value {
    serde_json::from_slice(file(package, name).expect("the file is in the package")).expect("JSON")
}

fn manifest(package: &[u8]) -> Manifest {
    Manifest::parse(file(package, "manifest.json").expect("a manifest")).expect("its form")
}

/// `PACKAGE_OUT` names a file to look at the package itself.
///
/// Requirement: V45, V47, V49, A09, G11, B15
#[test]
#[expect(clippy::too_many_lines, reason = "one package, read file by file")]
fn a_package_for_iso_42001_says_how_everything_stood_and_leads_to_the_records() {
    let house = House::new();
    let auditor = in_order(&house);
    let before = house.get(&auditor, "/api/v1/controls").ok().json();
    let size = before["basis"]["size"].as_u64().expect("a size");
    let asked = json!({"framework": "iso42001", "at": size});
    let first = package(&house, &auditor, &asked);
    house.clock.set(Micros(house.clock.now().0 + 3 * 3_600_000_000));
    let again = package(&house, &auditor, &asked);
    assert!(first == again, "the same request and size gave other bytes three hours later");

    if let Some(path) = std::env::var_os("PACKAGE_OUT") {
        std::fs::write(path, &first).expect("the package can be written");
    }
    let manifest = manifest(&first);
    for (name, _) in FRAMEWORK_FILES {
        let listed = manifest.files.iter().find(|row| row.path == name).expect("every file is listed");
        assert_eq!(
            listed.sha256,
            sha256(file(&first, name).expect("it is there")),
            "{name} is not signed for"
        );
    }
    let status = json_of(&first, "framework/status.json");
    let rows = status["statuses"].as_array().expect("statuses");
    assert_eq!(rows.len(), 70);
    for (row, shown) in rows.iter().zip(before["controls"].as_array().expect("controls")) {
        assert_eq!(
            (&row["reference"], &row["overall"]),
            (&shown["reference"], &shown["status"]),
            "the package says something else than the page"
        );
    }
    assert_eq!(
        status["rules"]["digest"],
        sha256(file(&first, "framework/rules.toml").expect("rules")).to_hex()
    );
    let index = json_of(&first, "framework/index.json");
    let line = |reference: &str| {
        let lines = index["references"].as_array().expect("lines");
        lines.iter().find(|line| line["reference"] == reference).expect("every reference has a line").clone()
    };
    let entry = &line("8.4")["entries"][0];
    let named = entry["file"].as_str().expect("the file that holds the approval");
    assert!(manifest.files.iter().any(|row| row.path == named), "the index leads nowhere: {entry}");
    assert_eq!(line("A.6.2.8")["record_types"]["call.authorised"], 1, "{}", line("A.6.2.8"));
    for (reference, decided) in [("8.4", 1), ("A.4.4", 1), ("A.5.4", 1)] {
        assert_eq!(
            line(reference)["record_types"]["register.decided"],
            decided,
            "decisions of other registers pass for evidence: {}",
            line(reference)
        );
    }
    for reference in ["5.3", "6.1.3", "6.3", "7.5.3", "8.1", "A.3.2", "A.6.2.8"] {
        let entries = line(reference)["entries"].clone();
        assert!(
            entries.as_array().is_some_and(|entries| !entries.is_empty() && entries.len() <= 40),
            "an auditor would not be led to a single record of {reference}: {entries}"
        );
    }
    let statement = &json_of(&first, "framework/soa.json")["statement"];
    assert_eq!(statement["rows"].as_array().map(Vec::len), Some(38));
    assert_eq!(statement["approval"]["is_current"], true, "{}", statement["approval"]);
    let systems = &json_of(&first, "framework/systems.json")["systems"];
    assert_eq!(systems["rows"][0]["calls"][0]["permitted"], 1, "{systems}");

    let report = text(&first, "report.html");
    assert!(
        report.contains("Clauses and controls of ISO/IEC 42001")
            && report.contains("Statement of Applicability")
    );
    let markup = report.split("</style>").nth(1).expect("a body").to_lowercase();
    assert!(!markup.contains("<script"), "text of the statement became part of the page");
    assert!(!report.contains('\u{200b}'), "a hidden character would change what a reader sees");
    for name in FRAMEWORK_FILES.map(|(name, _)| name).into_iter().chain(["report.html"]) {
        let said = text(&first, name).to_lowercase();
        for word in ["compliant", "certified", "tamper-proof", "guarantee"] {
            assert!(!said.contains(word), "{name} claims {word:?}");
        }
    }
}

/// Requirement: V49
#[test]
fn choosing_clauses_leaves_no_record_out_and_says_what_was_left_out() {
    let house = House::new();
    let auditor = in_order(&house);
    let size = house.ledger.reader().size();
    let whole = package(&house, &auditor, &json!({"framework": "iso42001", "at": size}));
    let chosen = json!({"framework": "iso42001", "at": size, "references": ["A.6.2.8", "8.4", "8.4"]});
    let part = package(&house, &auditor, &chosen);
    let (all, few) = (manifest(&whole), manifest(&part));
    assert_eq!(all.summary, few.summary, "a clause filter left records out");
    let index = json_of(&part, "framework/index.json");
    let named: Vec<&Value> =
        index["references"].as_array().expect("lines").iter().map(|line| &line["reference"]).collect();
    assert_eq!(named, ["8.4", "A.6.2.8"]);
    assert_eq!(index["left_out"].as_array().map(Vec::len), Some(68), "what was left out is not named");
    let report = text(&part, "report.html");
    assert!(
        report.contains("Not asked for, and left out of this part: 4.1, "),
        "a reader would take a part for the whole"
    );
    let wrong = json!({"framework": "iso42001", "references": ["A.8.1"]});
    house.post(&auditor, "/api/v1/packages", &wrong).refused(422, "unknown_reference");
}

#[test]
fn a_package_that_shows_no_content_carries_no_statuses() {
    let house = House::new();
    let auditor = in_order(&house);
    let system = house.get(&auditor, "/api/v1/systems").ok().json()["systems"][0]["id"].clone();
    for asked in [
        json!({"framework": "iso42001", "disclose": "none"}),
        json!({"framework": "iso42001", "system": system}),
        json!({"framework": "EU AI Act"}),
    ] {
        let built = package(&house, &auditor, &asked);
        for (name, _) in FRAMEWORK_FILES {
            assert!(file(&built, name).is_none(), "{asked}: {name} would show what was withheld");
        }
        assert!(
            text(&built, "report.html").contains("it carries no clause index"),
            "{asked}: the report promises one"
        );
    }
}
