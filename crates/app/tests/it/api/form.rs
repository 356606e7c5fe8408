//! Requests that are not of the form: refused with place and reason, before anything is recorded.

use serde_json::json;
use tabellion_model::body::Role;

use super::house::House;

#[test]
fn an_unknown_member_is_refused_with_its_place_and_the_nearest_known_one() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let size = house.ledger.reader().size();
    let body = json!({"name": "x", "purposes": ["a"], "onwer": "me"});
    let refused = house.post(&admin, "/api/v1/systems", &body).refused(400, "malformed").json();
    assert_eq!(refused["pointer"], "/onwer", "a developer would search the whole body");
    assert!(refused["detail"].as_str().expect("text").contains("did you mean owner?"), "{refused}");
    let body = json!({"kind": "event", "event": {"name": "x", "felds": {}}});
    let refused = house.post(&admin, "/api/v1/records", &body).refused(400, "malformed").json();
    assert_eq!(refused["pointer"], "/event/felds", "the place of a nested member is lost");
    let refused = house.get(&admin, "/api/v1/calls?sate=open").refused(400, "malformed").json();
    assert!(refused["detail"].as_str().expect("text").contains("did you mean state?"), "{refused}");
    assert_eq!(house.ledger.reader().size(), size, "something was recorded for a request that was refused");
}

#[test]
fn values_out_of_form_are_refused_with_their_place() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    for (body, pointer) in [
        (json!({"purposes": ["a"]}), "/name"),
        (json!({"name": "", "purposes": ["a"]}), "/name"),
        (json!({"name": "two\nlines", "purposes": ["a"]}), "/name"),
        (json!({"name": "x".repeat(201), "purposes": ["a"]}), "/name"),
        (json!({"name": 7, "purposes": ["a"]}), "/name"),
        (json!({"name": "x", "purposes": []}), "/purposes"),
        (json!({"name": "x", "purposes": ["No Words"]}), "/purposes/0"),
        (json!({"name": "x", "purposes": ["a"], "capture": "everything"}), "/capture"),
        (json!({"name": "x", "purposes": ["a"], "owner": "ABC"}), "/owner"),
        (json!([]), ""),
    ] {
        let refused = house.post(&admin, "/api/v1/systems", &body).refused(400, "malformed").json();
        assert_eq!(refused["pointer"], pointer, "{body}: {refused}");
    }
    for path in [
        "/api/v1/systems/xyz",
        "/api/v1/entries/-1",
        "/api/v1/entries/01",
        "/api/v1/calls?limit=0",
        "/api/v1/calls?limit=1&limit=2",
        "/api/v1/calls?from=%zz",
        "/api/v1/calls?system=%ff",
    ] {
        house.get(&admin, path).refused(400, "malformed");
    }
}

#[test]
fn bodies_that_are_no_json_too_large_or_of_another_type_are_refused() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let ask = || house.ask("POST", "/api/v1/systems").bearer(&admin);
    ask().header("content-type", "text/plain").raw(b"{}").send().refused(415, "not_json");
    ask().raw(b"{}").send().refused(415, "not_json");
    let json = || ask().header("content-type", "application/json; charset=utf-8");
    json().raw(b"{\"name\":").send().refused(400, "malformed");
    json().raw(b"").send().refused(400, "malformed");
    json().raw(b"\xff\xfe").send().refused(400, "malformed");
    json().raw("[".repeat(100_000).as_bytes()).send().refused(400, "malformed");
    let twice = json().raw(br#"{"name":"a","name":"b","purposes":["a"]}"#).send().refused(400, "malformed");
    assert!(
        twice.text().contains("occurs twice"),
        "two readers of one body would see different names: {}",
        twice.text()
    );
    json().header("content-length", "99999999").send().refused(413, "too_large");
    // The longest trust file has its own limit in words; beyond what any body has, none of it is looked at.
    let shard = |bytes: usize| {
        let body = serde_json::json!({"trust": "x".repeat(bytes), "system": "00".repeat(16), "note": "n"});
        house.ask("POST", "/api/v1/shards").bearer(&admin).json(&body).send()
    };
    shard(2 << 20).refused(413, "too_large");
    shard(1 << 20).refused(400, "malformed");
    house.ask("PATCH", "/api/v1/systems").bearer(&admin).send().refused(405, "method_not_allowed");
    house.get(&admin, "/api/v1/sistems").refused(404, "not_found");
}

#[test]
fn every_answer_has_the_headers_that_keep_it_private() {
    let house = House::new();
    for path in ["/healthz", "/api/v1/systems", "/nowhere"] {
        let answer = house.ask("GET", path).header("x-request-id", "from-a-proxy.7").send();
        assert_eq!(answer.header("x-request-id"), Some("from-a-proxy.7"), "{path}: traces would break here");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}: a cache could keep it");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("content-security-policy").is_some(), "{path}");
    }
    let odd = house.ask("GET", "/healthz").header("x-request-id", "a b\tc").send();
    assert_ne!(odd.header("x-request-id"), Some("a b\tc"), "a log line could be forged");
}
