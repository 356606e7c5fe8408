//! The page of traffic: every number opens a list of just as many calls, an attempt being a call of its own, there and at home.

use serde_json::json;
use tabellion_ledger::{Clock as _, Draft, DraftParent};
use tabellion_model::body::{Body as _, CallAuthorised, CallCompleted, CallDenied, Role};

use super::browser::{Browser, plain};
use crate::api::house::House;

/// A call that failed at one provider and was answered by another: two attempts.
fn tried_again(house: &House, system: &str, key: &str) {
    let asked = |upstream: &str| -> CallAuthorised {
        serde_json::from_value(json!({
            "surface": "openai.chat_completions", "model": "small", "upstream": upstream, "purpose": "support", "stream": false,
            "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
            "rules": [], "retry": 0,
        }))
        .expect("a body")
    };
    let ended = |outcome: &str, code: Option<&str>| -> CallCompleted {
        serde_json::from_value(json!({
            "outcome": outcome, "code": code, "status": 200, "delivered": "whole", "answered": {"tools": []}, "received_bytes": 3,
            "received_sha256": "d".repeat(64), "released_sha256": "e".repeat(64), "masked": [], "duration_us": 1500,
        }))
        .expect("a body")
    };
    let first = house.append(&asked("local"), system, key, None);
    house.append(&ended("failed", Some("upstream_unreachable")), system, key, Some(&first));
    let mut again = Draft::new(CallAuthorised::TYPE);
    again.body = asked("spare").fields().expect("fields");
    (again.actor, again.system) = (Some(key.to_owned()), Some(system.to_owned()));
    again.assurance = Some("observed".to_owned());
    again.observed_at = Some(house.clock.now().0);
    let bytes = house.ledger.reader().entry(first.0).expect("the first attempt").bytes;
    again.parents = vec![DraftParent {
        hash: tabellion_tlog::leaf_hash(&bytes).to_hex(),
        record_id: first.1,
        role: "attempt_of".to_owned(),
    }];
    let second = house.ledger.append(&again).expect("a record");
    house.append(&ended("answered", None), system, key, Some(&(second.index, second.record_id.to_hex())));
}

/// Every number of a page that leads to a list of calls: the list, and the number.
fn numbers(page: &str) -> Vec<(String, u64)> {
    let links = page.split("<a href=\"/calls?").skip(1);
    links
        .filter_map(|link| {
            let (href, rest) = link.split_once('"')?;
            let shown = rest.split("</a>").next()?.split_once('>')?.1;
            let text = match shown.split_once("class=\"figure-value\">") {
                Some((_, value)) => value.split('<').next()?.to_owned(),
                None => shown.replace("<bdi>", "").replace("</bdi>", ""),
            };
            let number = text.replace(',', "").trim().parse().ok()?;
            Some((format!("/calls?{}", plain(href)), number))
        })
        .collect()
}

/// How many rows the list has.
fn length(browser: &Browser<'_>, list: &str) -> u64 {
    let file = browser.get(&format!("{list}&format=csv")).ok().text();
    file.lines().count() as u64 - 1
}

/// Requirement: N25, G04.
#[test]
fn every_number_opens_a_list_of_just_as_many_calls() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let browser = Browser::of(&house, "Abe", &[Role::Administrator]);
    let before = house.ledger.reader().size();
    assert!(browser.page("/traffic").contains("No call in this window"), "an empty page says nothing");
    house.calls(&system, &key);
    tried_again(&house, &system, &key);
    let looked: CallDenied = serde_json::from_value(json!({
        "code": "guard_blocked", "reason": "no", "status": 403, "surface": "openai.chat_completions", "model": "small", "received_bytes": 3,
        "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
        "guards": [{"guard": "house-words", "version": "words.1-abcd", "outcome": "not_run", "found": []}],
    }))
    .expect("a body");
    house.append(&looked, &system, &key, None);

    let said = house.get(&admin, "/api/v1/traffic").ok().json();
    assert_eq!((&said["calls"], &said["further_attempts"]), (&json!(5), &json!(1)), "{said}");
    assert_eq!(said["failures"], json!([{"provider": "local", "code": "upstream_unreachable", "calls": 1}]));
    for path in ["/traffic", "/", "/traffic?from=2026-03-01"] {
        let page = browser.page(path);
        let numbers = numbers(&page);
        assert!(numbers.len() >= 4, "{path} leads to no lists: {page}");
        for (list, number) in numbers {
            assert_eq!(length(&browser, &list), number, "{path}: {list} is a list of another length");
        }
        assert!(
            page.contains("each attempt at a provider a call of its own"),
            "{path} does not say what counts"
        );
    }
    let page = browser.page("/traffic");
    for part in
        ["5 calls", "1 is a further attempt", "Upstream unreachable", "house-words", "spare", "1.5 ms"]
    {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    // Within reach alone, and as of then.
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    assert!(developer.page("/traffic").contains("No call in this window"), "foreign calls are counted");
    let then = browser.page(&format!("/traffic?as_of={before}"));
    assert!(then.contains("No call in this window"), "calls of later stand in the past: {then}");
    let refused = browser.get("/traffic?from=2026-03-03&to=2026-03-01");
    assert!(refused.status == 400 && refused.text().contains("begins before it ends"), "{}", refused.text());
}
