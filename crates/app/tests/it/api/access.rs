//! What is kept about one person, given to them.

use serde_json::{Value, json};
use tabellion_app::{AccessRequest, MAX_ACCESS_RECORDS, access};
use tabellion_ledger::{Draft, EntryView, ErasureTarget, UnitContent};
use tabellion_model::body::Role;
use tabellion_model::zip::ZipArchive;
use tabellion_model::{Receipt, verify};

use super::house::House;
use crate::fixture::file;

const PATH: &str = "/api/v1/access";

fn about(zip: &[u8]) -> Value {
    serde_json::from_slice(file(zip, "about.json").expect("about.json")).expect("JSON")
}

fn wanted(subject: &str) -> Value {
    json!({"subject": subject, "reason": "her letter of 2 March, passport seen"})
}

/// Everything that an entry discloses, as text.
fn said(view: &EntryView) -> String {
    let shown = view.units.iter().filter_map(|unit| match &unit.content {
        UnitContent::Shown(fields) => Some(fields),
        UnitContent::Erased | UnitContent::Missing => None,
    });
    let lines: Vec<String> =
        shown.flatten().map(|field| format!("{}: {}", field.name(), field.value())).collect();
    lines.join("\n")
}

impl House {
    /// Something about two people and the business; its entry.
    fn about_two(&self) -> u64 {
        let draft = Draft::new("loan.requested").with("amount_cents", 7_654_321);
        let draft = draft.about("customer-7", "name", "Ada <Lovelace>").about(
            "customer-8",
            "guarantor",
            "Bruno Taut",
        );
        self.ledger.append(&draft).expect("an append").index
    }
}

/// Requirement: P48. The file shows a person theirs alone, each record with a receipt that verifies; who made it and why is on record, and the file's digest.
#[test]
fn a_person_is_given_what_is_kept_about_them_and_can_check_it() {
    let house = House::new();
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let index = house.about_two();
    let size = house.ledger.reader().size();
    for other in [&ada, &abe] {
        house.post(other, PATH, &wanted("customer-7")).refused(403, "not_permitted");
    }
    house.ask("POST", PATH).json(&wanted("customer-7")).send().refused(401, "not_signed_in");
    house.post(&cleo, PATH, &json!({"subject": "customer-7"})).refused(400, "malformed");
    house.post(&cleo, PATH, &json!({"subject": "customer-7", "reason": " "})).refused(400, "malformed");
    house.post(&cleo, PATH, &wanted("nobody-at-all")).refused(404, "not_found");
    let types = |house: &House| {
        let reader = house.ledger.reader();
        let mut found = Vec::new();
        let each = |view: EntryView| {
            let header = view.entry.header();
            if header.is_some_and(|header| header.record_type.as_str() == "access.given") {
                found.push(view);
            }
            Ok(())
        };
        reader.entries(size, reader.size(), each).expect("the log reads");
        found
    };
    assert!(types(&house).is_empty(), "what was refused is on record as given, under the name of nobody");

    let given = house.post(&cleo, PATH, &wanted("customer-7")).ok();
    assert!(given.header("content-disposition").is_some_and(|name| name.contains("access-")));
    let zip = &given.body;
    let all = about(zip);
    assert_eq!(all["records"].as_array().map(Vec::len), Some(1), "{all}");
    let record = &all["records"][0];
    assert_eq!(record["index"], json!(index));
    assert_eq!(record["fields"], json!({"name": "Ada <Lovelace>"}), "not theirs, or not all of it");
    assert_eq!(record["other_parts"], json!(2), "nobody can tell that more was recorded");
    let page = String::from_utf8(file(zip, "about.html").expect("a page").to_vec()).expect("text");
    assert!(page.contains("Ada &#60;Lovelace&#62;"), "the page does not show it, or runs it: {page}");
    assert!(
        page.contains("<bdi>customer-7</bdi>: <strong>found</strong>"),
        "which names were looked for is not on it"
    );
    let archive = ZipArchive::parse(zip).expect("one byte form");
    let whole: Vec<u8> = archive.files().iter().flat_map(|member| member.content.to_vec()).collect();
    let whole = String::from_utf8_lossy(&whole);
    assert!(!whole.contains("Bruno") && !whole.contains("7654321"), "somebody else's content is in it");
    let receipt = file(zip, record["receipt"].as_str().expect("a name")).expect("the receipt");
    let report = verify(receipt, Some(&house.trust()));
    assert_eq!(report.exit_code(), 0, "the person cannot check it: {}", report.to_text());
    let shown = Receipt::parse(receipt).expect("a receipt").disclosures;
    assert_eq!(shown.len(), 1, "the receipt shows more than theirs: {shown:?}");
    let mut forged = receipt.to_vec();
    let middle = forged.len() / 2;
    forged[middle] ^= 1;
    assert_ne!(verify(&forged, Some(&house.trust())).exit_code(), 0, "a changed receipt verifies");

    let on_record = types(&house);
    let said: String = on_record.iter().map(said).collect();
    assert_eq!(on_record.len(), 1, "that it was given is not on record");
    assert!(said.contains("passport seen"), "nor why");
    assert!(said.contains(&tabellion_tlog::sha256(zip).to_hex()), "nor what was given");

    // A second time the record of the first is in it as well: it names them.
    let again = about(&house.post(&cleo, PATH, &wanted("customer-7")).ok().body);
    assert_eq!(again["records"].as_array().map(Vec::len), Some(2), "{again}");
    assert_eq!(again["records"][1]["type"], json!("access.given"));
}

/// Requirement: P48. A person of the console is found by their name and address, and their id says so; of two with one name neither is.
#[test]
fn a_person_of_the_console_is_found_by_their_name() {
    let house = House::new();
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let (ada, _) = house.person("Ada Lovelace", &[Role::Developer]);
    for asked in ["Ada Lovelace", "ada  lovelace"] {
        let all = about(&house.post(&cleo, PATH, &wanted(asked)).ok().body);
        assert_eq!(all["person"], json!(ada), "{all}");
        assert_eq!(
            all["records"][0]["fields"]["name"],
            json!("Ada Lovelace"),
            "what is kept is missed: {all}"
        );
        let found: Vec<&Value> = all["looked_for"]
            .as_array()
            .expect("names")
            .iter()
            .filter(|name| name["kept"] == json!(true))
            .map(|name| &name["name"])
            .collect();
        assert_eq!(found, [&json!(ada)], "nobody sees by which name it was found: {all}");
        assert!(
            all["looked_for"].as_array().is_some_and(|names| names.iter().any(|name| name["name"] == asked))
        );
    }
    // That it was given is on record under what goes with her erasure.
    let all = about(&house.post(&cleo, PATH, &wanted(&ada)).ok().body);
    let types: Vec<&str> = all["records"]
        .as_array()
        .expect("records")
        .iter()
        .filter_map(|record| record["type"].as_str())
        .collect();
    assert_eq!(types.iter().filter(|name| **name == "access.given").count(), 2, "{types:?}");
    house.person("ADA LOVELACE", &[Role::Developer]);
    house.post(&cleo, PATH, &wanted("Ada Lovelace")).refused(400, "malformed");
    house.post(&cleo, PATH, &wanted(&ada)).ok();
}

/// Requirement: P48. A customer who is called as somebody of the console is given nothing of theirs.
#[test]
fn a_customer_is_given_nothing_of_a_namesake_who_works_here() {
    let house = House::new();
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    house.person("Gil", &[Role::Developer]);
    let draft = Draft::new("loan.requested").about("Gil", "name", "Gil of the loan");
    house.ledger.append(&draft).expect("an append");
    let all = about(&house.post(&cleo, PATH, &wanted("Gil")).ok().body);
    assert_eq!(all["person"], Value::Null, "two people are taken for one: {all}");
    assert_eq!(all["records"].as_array().map(Vec::len), Some(1), "{all}");
}

/// Requirement: P48. After their erasure the file holds nothing about them, says that it was erased, and no record names them again.
#[test]
fn after_an_erasure_the_file_says_so_and_holds_nothing() {
    let house = House::new();
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let index = house.about_two();
    house.post(&cleo, PATH, &wanted("customer-7")).ok();
    let target = ErasureTarget::Subject("customer-7".to_owned());
    house.ledger.erase(&target, "asked to be forgotten").expect("an erasure");
    let size = house.ledger.reader().size();
    let given = house.post(&cleo, PATH, &wanted("customer-7")).ok();
    let all = about(&given.body);
    assert_eq!(all["records"], json!([]), "erased content is handed out: {all}");
    assert_eq!(all["erased"][0], json!(index), "nobody says that it was erased: {all}");
    let page = String::from_utf8(file(&given.body, "about.html").expect("a page").to_vec()).expect("text");
    assert!(page.contains("Nothing is kept about this person") && page.contains("was erased from"), "{page}");
    let reader = house.ledger.reader();
    let each = |view: EntryView| {
        assert!(!said(&view).contains("customer-7"), "whom an erasure took is named again by a record");
        Ok(())
    };
    reader.entries(size, reader.size(), each).expect("the log reads");
    assert_eq!(house.ledger.about_subject("customer-7").expect("an answer").expect("known").entries, []);
    assert!(
        about(&house.post(&cleo, PATH, &wanted("customer-8")).ok().body)["records"][0]["fields"]["guarantor"]
            .is_string()
    );
}

/// Requirement: P48. Whoever has more records than one file holds gets the rest in the next, without a gap.
#[test]
fn more_than_one_file_holds_goes_on_in_the_next() {
    let house = House::new();
    let drafts: Vec<Draft> =
        (0..100).map(|number| Draft::new("event.logged").about("customer-9", "number", number)).collect();
    while house.ledger.about_subject("customer-9").expect("an answer").map_or(0, |about| about.entries.len())
        <= MAX_ACCESS_RECORDS
    {
        house.ledger.append_all(&drafts).expect("appends");
    }
    let about = house.ledger.about_subject("customer-9").expect("an answer").expect("known");
    let request = AccessRequest { subject: "customer-9", person: None, about: &about, from: 0 };
    let first = access(house.ledger.reader(), &request).expect("a file");
    assert_eq!(first.records, MAX_ACCESS_RECORDS as u64, "a file without a bound");
    let next = first.next.expect("it says that there is more");
    let second = access(house.ledger.reader(), &AccessRequest { from: next, ..request }).expect("a file");
    assert_eq!(second.next, None);
    assert_eq!(
        first.records + second.records,
        about.entries.len() as u64,
        "a record is in no file, or in two"
    );
}
