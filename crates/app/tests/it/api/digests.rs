//! Records found again by the digest of a content.

use serde_json::{Value, json};
use tabellion_ledger::Draft;
use tabellion_model::body::Role;
use tabellion_tlog::sha256;

use super::house::House;

fn roles(found: &Value) -> Vec<(u64, String)> {
    let places = found["places"].as_array().expect("places").iter();
    places
        .map(|place| {
            (place["index"].as_u64().expect("an index"), place["role"].as_str().expect("a role").to_owned())
        })
        .collect()
}

/// Requirement: R27. A content is found by its digest as asset, baseline and observed, by whoever may read the record, and no other content by it.
#[test]
fn a_content_is_found_by_its_digest_with_its_role() {
    let house = House::new();
    let (_, ida) = house.person("Ida", &[Role::Auditor]);
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let digest = sha256(b"the model file").to_hex();
    let append = |draft: Draft| house.ledger.append(&draft).expect("an append").index;
    let asset = append(Draft::new("document.captured").with("sha256", digest.as_str()));
    append(Draft::new("document.captured").with("sha256", sha256(b"another file").to_hex()));
    let drift = json!({"baseline": {"sha256": digest}, "observed": {"sha256": sha256(b"changed").to_hex()}});
    let baseline = append(Draft::new("event.logged").with("drift", drift));
    let observed = append(Draft::new("event.logged").with("observed_hash", format!("sha256:{digest}")));
    let personal = append(Draft::new("event.logged").about("customer-7", "file_sha256", digest.as_str()));

    let path = format!("/api/v1/digests/{digest}");
    let all = house.get(&ida, &path).ok().json();
    let expected = [(personal, "asset"), (observed, "observed"), (baseline, "baseline"), (asset, "asset")];
    assert_eq!(roles(&all), expected.map(|(index, role)| (index, role.to_owned())), "{all}");
    assert_eq!(all["places"][2]["place"], json!("/drift/baseline/sha256"), "nobody can tell where it stands");
    assert_eq!(all["next"], Value::Null);
    let upper = format!("/api/v1/digests/sha256:{}", digest.to_uppercase());
    assert_eq!(
        house.get(&ida, &upper).ok().json()["places"],
        all["places"],
        "the same digest, written otherwise"
    );
    // Whoever may not see content about people does not learn that it speaks of this file.
    let seen = roles(&house.get(&ada, &path).ok().json());
    assert!(!seen.iter().any(|(index, _)| *index == personal) && seen.len() == 3, "{seen:?}");
    house.get(&abe, &path).refused(403, "not_permitted");
    house.get(&ida, "/api/v1/digests/xyz").refused(400, "malformed");
    let none = house.get(&ida, &format!("/api/v1/digests/{}", sha256(b"never seen").to_hex())).ok().json();
    assert_eq!(none["places"], json!([]));

    let page = crate::console::browser::Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let found = page.page(&format!("/search?q={digest}"));
    assert!(
        found.contains(&format!("/ledger/{baseline}")) && found.contains("what the content should be"),
        "{found}"
    );
}

/// Requirement: R27. An answer looks at so many entries and says where to go on; nothing is left out between two of them.
#[test]
fn a_long_log_is_looked_through_answer_by_answer() {
    let house = House::new();
    let (_, ida) = house.person("Ida", &[Role::Auditor]);
    let digest = sha256(b"the first").to_hex();
    let first = house
        .ledger
        .append(&Draft::new("document.captured").with("sha256", digest.as_str()))
        .expect("one")
        .index;
    let drafts: Vec<Draft> =
        (0..1_000).map(|number| Draft::new("event.logged").with("number", number)).collect();
    for _ in 0..9 {
        house.ledger.append_all(&drafts).expect("appends");
    }
    let path = format!("/api/v1/digests/{digest}");
    let (mut answers, mut next) = (0, None::<u64>);
    let found = loop {
        let path = next.map_or_else(|| path.clone(), |before| format!("{path}?before={before}"));
        let answer = house.get(&ida, &path).ok().json();
        answers += 1;
        if let Some((index, _)) = roles(&answer).first() {
            break *index;
        }
        next = Some(answer["next"].as_u64().expect("the end was reached without it"));
    };
    assert_eq!((found, answers), (first, 2), "one answer looks at all of the log, or leaves entries out");
}
