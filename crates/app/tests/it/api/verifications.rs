//! Verifying many entries as a job over the API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tabellion_ledger::Draft;
use tabellion_model::body::Role;
use tabellion_model::verify;

use super::client::Answer;
use super::house::House;

impl House {
    fn begin(&self, token: &str, key: &str, entries: &[String]) -> Answer {
        let ask = self.ask("POST", "/api/v1/verifications").bearer(token).header("idempotency-key", key);
        ask.json(&json!({ "entries": entries })).send()
    }

    fn ended(&self, token: &str, id: &str) -> Value {
        let patience = Instant::now() + Duration::from_mins(2);
        loop {
            let job = self.get(token, &format!("/api/v1/verifications/{id}")).ok().json();
            if job["state"] != "running" {
                return job;
            }
            assert!(Instant::now() < patience, "a verification never ends: {job}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

// Requirement: R23.
#[test]
fn a_job_is_begun_once_read_page_by_page_and_its_result_verifies_offline() {
    let house = House::new();
    let (_, ida) = house.person("Ida", &[Role::Auditor]);
    let (_, dev) = house.person("Dev", &[Role::Developer]);
    let entries: Vec<String> = (0..150)
        .map(|n| {
            house
                .ledger
                .append(&Draft::new("event.logged").with("n", n))
                .expect("an append")
                .index
                .to_string()
        })
        .collect();
    house.begin(&dev, "k", &entries).refused(403, "not_permitted");
    house.begin(&ida, "k", &["x".to_owned()]).refused(400, "malformed");
    let begun = house.begin(&ida, "k", &entries).ok().json();
    let id = begun["id"].as_str().expect("an id").to_owned();
    assert_eq!((&begun["asked"], &begun["cap"]), (&json!(150), &json!(50_000)), "{begun}");
    let job = house.ended(&ida, &id);
    assert_eq!((&job["state"], &job["reached"]), (&json!("completed"), &json!(150)), "{job}");
    assert_eq!(house.begin(&ida, "k", &entries).ok().json(), job, "a repetition began a second job");
    house.begin(&ida, "k", &entries[1..]).refused(409, "idempotency_conflict");

    let path = format!("/api/v1/verifications/{id}");
    let (mut seen, mut from) = (Vec::new(), Some(0));
    while let Some(at) = from {
        let page = house.get(&ida, &format!("{path}/verdicts?from={at}&limit=40")).ok().json();
        seen.extend(page["verdicts"].as_array().expect("verdicts").clone());
        from = page["next"].as_u64();
    }
    assert_eq!(seen.len(), 150, "pages lose or repeat verdicts");
    assert!(seen.iter().all(|one| one["signature"] == "holds" && one["content"] == "holds"), "{:?}", seen[0]);
    house.get(&dev, &path).refused(403, "not_permitted");

    let result = house.get(&ida, &format!("{path}/result")).ok().body;
    let report = verify(&result, Some(&house.trust()));
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    let record = job["record"].as_u64().expect("it is on record");
    let entry = house.get(&ida, &format!("/api/v1/entries/{record}")).ok().json();
    assert_eq!(entry["type"], "verification.run", "{entry}");
    assert_eq!(
        entry["units"][0]["fields"]["digest"], job["digest"],
        "the record is of another result: {entry}"
    );
    let page = house.get(&ida, &format!("{path}/page")).ok();
    assert!(page.text().contains(job["digest"].as_str().expect("a digest")), "the page names no evidence");
}

// Requirement: R23.
#[test]
fn a_job_can_be_ended_and_says_so_and_one_that_a_restart_cut_says_that() {
    let house = House::new();
    let (_, ida) = house.person("Ida", &[Role::Auditor]);
    let index = house.ledger.append(&Draft::new("event.logged").with("n", 1)).expect("an append").index;
    let many = vec![index.to_string(); 50_000];
    let begun = house.begin(&ida, "k", &many).ok().json();
    let id = begun["id"].as_str().expect("an id").to_owned();
    house.begin(&ida, "another", &many).refused(409, "conflict");
    house.ask("POST", &format!("/api/v1/verifications/{id}/cancel")).bearer(&ida).send().ok();
    let job = house.ended(&ida, &id);
    assert_eq!(job["state"], "cancelled", "it cannot be ended: {job}");
    let result = house.get(&ida, &format!("/api/v1/verifications/{id}/result")).ok().body;
    assert_eq!(verify(&result, Some(&house.trust())).exit_code(), 3, "a cancelled run passes for whole");
    let absent = "0".repeat(32);
    house.get(&ida, &format!("/api/v1/verifications/{absent}")).refused(404, "not_found");

    // As a process that was killed meanwhile leaves it.
    let kept = house.file(&format!("verifications/{id}.json"));
    let text = std::fs::read_to_string(&kept).expect("the job is kept");
    let other = text.replace(&id, &absent).replace("\"cancelled\"", "\"running\"");
    std::fs::write(house.file(&format!("verifications/{absent}.json")), other).expect("a job");
    let cut = house.get(&ida, &format!("/api/v1/verifications/{absent}")).ok().json();
    assert_eq!(cut["state"], "cut", "a job that nobody works on says that it runs: {cut}");
}
