//! A register that the program has never heard of: one file, and everything works.

use serde_json::json;
use tabellion_model::body::Role;
use tabellion_model::register::Registers;

use super::house::House;
use super::registers::opened;

const CONTEXT: &str = r#"
name = "context_issue"
title = "Context of the organisation"
item = "issue"
purpose = "What inside and outside the organisation matters for its management of AI."
serves = ["4.1"]
about = "organisation"
review_months = 12
triggers = []

[approval]
four_eyes = true
roles = ["compliance_officer"]

[[state]]
name = "active"
title = "Active"

[[state]]
name = "retired"
title = "Retired"
ended = true

[[transition]]
from = ["active"]
to = "retired"
roles = ["compliance_officer", "governance_engineer"]
approved = true

[[section]]
name = "issue"
title = "The issue"

[[section.field]]
name = "name"
label = "Issue"
kind = "line"
required = true

[[section.field]]
name = "owner"
label = "Owner"
kind = "person"
required = true

[[section.field]]
name = "category"
label = "Category"
kind = "choices"
required = true
options = [{ word = "law", label = "Law" }, { word = "climate", label = "Climate" }]

[[section.field]]
name = "seen_on"
label = "Seen on"
kind = "date"

[[section.field]]
name = "weight"
label = "Weight"
kind = "number"
max = 5

[[section.field]]
name = "about_system"
label = "A system it is about"
kind = "system"
"#;

#[test]
fn a_register_from_a_file_has_its_whole_life_without_any_code() {
    let house = House::keeping(
        Registers::built_in().and_then(|registers| registers.with(CONTEXT)).expect("it can be read"),
    );
    let (owner, author) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, approver) = house.person("Cora", &[Role::ComplianceOfficer]);
    let system = house.live_system(&author, "Loan support");
    let shown = house.get(&author, "/api/v1/registers").ok().json();
    assert_eq!(shown["registers"][4]["name"], "context_issue", "nobody would find it: {shown}");
    let path = "/api/v1/registers/context_issue/items";
    house.post(&author, path, &json!({"system": system, "content": {}})).refused(400, "malformed");
    let good = json!({
        "name": "New rules", "owner": owner, "category": ["law"], "seen_on": "2026-02-28", "weight": 5, "about_system": system,
    });
    for (field, value) in [
        ("category", json!(["law", "nonsense"])),
        ("category", json!(["law", "law"])),
        ("seen_on", json!("2026-02-30")),
        ("seen_on", json!("2026-02-28T00:00:00Z")),
        ("weight", json!(6)),
        ("weight", json!(-1)),
        ("weight", json!(1.5)),
        ("about_system", json!("here")),
    ] {
        let mut content = good.clone();
        content[field] = value.clone();
        let refused =
            house.post(&author, path, &json!({"content": content})).refused(422, "content_faulty").json();
        assert_eq!(
            refused["pointer"],
            format!("/content/{field}"),
            "{value} is taken for a {field}: {refused}"
        );
    }
    let item = house.open_item(&author, "context_issue", &json!({"content": good}));
    let retire = || {
        house.post(&author, &format!("{}/state", item.path), &json!({"state": "retired", "reason": "over"}))
    };
    retire().refused(409, "state_impossible");
    house.submit(&author, &item);
    house.decide(&author, &item, "approved").refused(403, "not_permitted");
    house.decide(&approver, &item, "approved").ok();
    assert_eq!(house.get(&author, &format!("{path}?where=weight:5&sort=name")).ok().json()["total"], 1);
    let shown = opened(&house.get(&author, &item.path).ok());
    assert_eq!(shown.digest, item.digest, "an approval changes what was approved");
    retire().ok();
    assert_eq!(house.get(&author, &item.path).ok().json()["summary"]["standing"], "ended");
}
