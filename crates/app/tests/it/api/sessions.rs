//! Coming in: links, sessions, cookies, proof of our own pages.

use std::thread;

use serde_json::json;
use tabellion_ledger::Clock as _;
use tabellion_model::Micros;
use tabellion_model::body::Role;

use super::house::House;

#[test]
fn a_link_lets_in_once() {
    let house = House::new();
    let (person, _) = house.person("Ada", &[Role::Administrator]);
    let body = json!({"link": house.link(&person), "for": "program"});
    let first = house.ask("POST", "/api/v1/session").json(&body).send().ok();
    let token = first.json()["token"].as_str().expect("a token").to_owned();
    house.ask("POST", "/api/v1/session").json(&body).send().refused(403, "link_unusable");
    let me = house.get(&token, "/api/v1/session").ok().json();
    assert_eq!(me["name"], "Ada", "the first user of the link has to be the person it was made for");
}

#[test]
fn of_many_who_use_a_link_at_the_same_time_one_comes_in() {
    let house = House::new();
    let (person, _) = house.person("Ada", &[Role::Administrator]);
    let body = json!({"link": house.link(&person), "for": "program"});
    let statuses: Vec<u16> = thread::scope(|scope| {
        let ask = || house.ask("POST", "/api/v1/session").json(&body);
        let threads: Vec<_> = (0..12).map(|_| scope.spawn(move || ask().send().status)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    let let_in = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(let_in, 1, "a stolen link would let a second one in: {statuses:?}");
    assert!(statuses.iter().all(|status| [201, 403].contains(status)), "losers are told why: {statuses:?}");
}

#[test]
fn links_and_sessions_end_by_themselves_and_when_closed() {
    let house = House::new();
    let (person, token) = house.person("Ada", &[Role::Administrator]);
    let late = house.link(&person);
    house.clock.set(Micros(house.clock.now().0 + 16 * 60 * 1_000_000));
    let body = json!({"link": late, "for": "program"});
    house.ask("POST", "/api/v1/session").json(&body).send().refused(403, "link_unusable");
    house.ask("DELETE", "/api/v1/session").bearer(&token).send().ok();
    house.get(&token, "/api/v1/session").refused(401, "not_signed_in");
    let token = house.session(&person);
    house.clock.set(Micros(house.clock.now().0 + 13 * 3600 * 1_000_000));
    house.get(&token, "/api/v1/session").refused(401, "not_signed_in");
}

#[test]
fn a_browser_gets_a_cookie_and_must_prove_that_a_page_of_ours_asks() {
    let house = House::new();
    let (person, _) = house.person("Ada", &[Role::Administrator]);
    let body = json!({"link": house.link(&person), "for": "browser"});
    let crossing =
        house.ask("POST", "/api/v1/session").header("sec-fetch-site", "cross-site").json(&body).send();
    crossing.refused(403, "cross_site");
    let opened =
        house.ask("POST", "/api/v1/session").header("sec-fetch-site", "same-origin").json(&body).send().ok();
    assert!(opened.json()["token"].is_null(), "a script could read the token of a browser's session");
    let cookie = opened.header("set-cookie").expect("a cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(
            cookie.contains(part),
            "{part} is missing, other sites or scripts could use the session: {cookie}"
        );
    }
    let pair = cookie.split(';').next().expect("a pair");
    let proof = opened.json()["session"]["csrf_token"].as_str().expect("a proof").to_owned();
    let ask = || house.ask("POST", "/api/v1/people").header("cookie", pair).json(&json!({"name": "Bo"}));
    ask().send().refused(403, "cross_site");
    ask().header("x-csrf-token", &"0".repeat(64)).send().refused(403, "cross_site");
    ask()
        .header("x-csrf-token", &proof)
        .header("sec-fetch-site", "cross-site")
        .send()
        .refused(403, "cross_site");
    ask().header("x-csrf-token", &proof).header("sec-fetch-site", "same-origin").send().ok();
    let read = house.ask("GET", "/api/v1/session").header("cookie", pair).send().ok();
    assert_eq!(read.json()["csrf_token"], proof, "a page that is opened again could change nothing");
}

#[test]
fn nobody_comes_in_without_a_session() {
    let house = House::new();
    for (method, path, access) in tabellion_app::api::routes() {
        if matches!(access, tabellion_app::api::Access::Needs(_) | tabellion_app::api::Access::Log(_)) {
            let id = "0".repeat(32);
            let path = ["{system}", "{key}", "{person}", "{call}"]
                .iter()
                .fold(path, |path, name| path.replace(name, &id));
            let path = path.replace("{policy}", "base").replace("{role}", "auditor").replace("{index}", "0");
            for answer in
                [house.ask(&method, &path).send(), house.ask(&method, &path).bearer("tbs_nonsense").send()]
            {
                // Problem details of SCITT are CBOR, in which the code stands as it is.
                let code = if path.starts_with("/scitt/") && answer.text().contains("not_signed_in") {
                    "not_signed_in".to_owned()
                } else {
                    answer.code()
                };
                assert_eq!(
                    (answer.status, code.as_str()),
                    (401, "not_signed_in"),
                    "{method} {path} lets a stranger in"
                );
            }
        }
    }
}
