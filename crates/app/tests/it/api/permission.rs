//! Roles: the whole table as a golden file, and that the routes keep to it.

use std::fmt::Write as _;
use tabellion_app::api::{Access, routes};

use serde_json::json;
use tabellion_app::permission::{Permission, Reach, permitted, permitted_key};
use tabellion_model::body::Role;

use super::house::House;
use crate::golden::golden;

#[test]
fn the_table_of_permissions_is_the_one_that_was_reviewed() {
    let word = |reach| match reach {
        Reach::Nothing => "-",
        Reach::Own => "own",
        Reach::All => "all",
    };
    let mut table = String::new();
    for permission in Permission::ALL {
        let _ = write!(table, "{:<18}", permission.as_str());
        for role in Role::ALL {
            let _ = write!(table, " {}={}", role.as_str(), word(permitted(role, permission)));
        }
        let _ = writeln!(table, " api_key={}", word(permitted_key(permission)));
    }
    golden("permissions.txt", &table);
}

#[test]
fn every_route_keeps_to_the_table_for_every_role() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let mut tokens: Vec<(String, String, Vec<Role>)> = Role::ALL
        .into_iter()
        .map(|role| (role.as_str().to_owned(), house.person(role.as_str(), &[role]).1, vec![role]))
        .collect();
    tokens.push(("nobody in particular".into(), house.person("Nix", &[]).1, vec![]));
    tokens.push(("api key".into(), secret, vec![]));
    for (method, path, access) in routes() {
        let (Access::Needs(permission) | Access::Log(permission)) = access else { continue };
        for (who, token, roles) in &tokens {
            if method == "DELETE" {
                continue; // closing the session would end the test's own
            }
            let absent = "0".repeat(32);
            let path = [
                "{system}",
                "{person}",
                "{call}",
                "{item}",
                "{erasure}",
                "{verification}",
                "{stop}",
                "{opening}",
            ]
            .iter()
            .fold(path.clone(), |path, name| path.replace(name, &absent));
            let path = path
                .replace("{key}", &key)
                .replace("{policy}", "base")
                .replace("{pack}", "baseline")
                .replace("{publisher}", "vendor")
                .replace("{price}", "small")
                .replace("{budget}", "small")
                .replace("{rule}", "small")
                .replace("{register}", "ai_system")
                .replace("{role}", "auditor")
                .replace("{issuer}", &"0".repeat(64))
                .replace("{digest}", &"0".repeat(64))
                .replace("{index}", "99999");
            // A body that is no JSON: whoever is let through is told so, or has nothing to find.
            let ask = house.ask(&method, &path).bearer(token);
            let ask =
                if method == "GET" { ask } else { ask.header("content-type", "application/json").raw(b"{") };
            let answer = ask.send();
            let reach = if who == "api key" {
                permitted_key(permission)
            } else {
                // Whoever is signed in sees their own session and can end it.
                let own = if permission == Permission::OwnSession { Reach::All } else { Reach::Nothing };
                roles.iter().map(|role| permitted(*role, permission)).max().unwrap_or(own)
            };
            let refused = answer.status == 403 && answer.text().contains("carries the permission");
            assert_eq!(refused, reach == Reach::Nothing, "{who} at {method} {path}: {}", answer.text());
        }
    }
}

#[test]
fn own_means_the_systems_that_a_person_answers_for() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let theirs = house.live_system(&admin, "Somebody else's");
    let own = house.live_system(&developer, "Own");
    let stage = json!({"stage": "paused", "reason": "trying"});
    house.post(&developer, &format!("/api/v1/systems/{theirs}/stage"), &stage).refused(403, "not_permitted");
    house
        .post(&developer, &format!("/api/v1/systems/{theirs}/keys"), &json!({"name": "k"}))
        .refused(403, "not_permitted");
    house.post(&developer, &format!("/api/v1/systems/{own}/stage"), &stage).ok();
    let (key, _) = house.key(&admin, &theirs);
    let why = json!({"reason": "mine now"});
    house.post(&developer, &format!("/api/v1/keys/{key}/revoke"), &why).refused(403, "not_permitted");
    let (answered, _) = house.calls(&theirs, &key);
    house.get(&developer, &format!("/api/v1/calls/{answered}")).refused(404, "not_found");
    let calls = house.get(&developer, "/api/v1/calls").ok().json();
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(0), "calls of others' systems would be seen");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let second = house.live_system(&developer, "Own too");
    for system in [&own, &second, &theirs, &own] {
        let (key, _) = house.key(&admin, system);
        house.calls(system, &key);
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/calls?limit=4".to_owned();
    loop {
        let page = house.get(&developer, &path).ok().json();
        seen.extend(page["calls"].as_array().expect("calls").iter().map(|call| text(&call["system"])));
        let Some(next) = page["next"].as_u64() else { break };
        path = format!("/api/v1/calls?limit=4&before={next}");
    }
    let newest_first = [&own, &own, &second, &second, &own, &own].map(String::clone);
    assert_eq!(seen, newest_first, "the calls of several own systems are not one list, newest first");
    let foreign = house.get(&developer, &format!("/api/v1/calls?system={theirs}")).ok().json();
    assert_eq!(
        foreign["calls"].as_array().map(Vec::len),
        Some(0),
        "asking for another's system would show it"
    );
}

#[test]
fn nobody_raises_their_own_authority_and_an_administrator_stays() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let roles = format!("/api/v1/people/{ada}/roles");
    house.post(&admin, &roles, &json!({"role": "auditor"})).refused(403, "own_authority");
    let revoke = format!("/api/v1/people/{ada}/roles/administrator/revoke");
    let why = json!({"reason": "leaving"});
    house.post(&admin, &revoke, &why).refused(409, "last_administrator");
    let (bo, second) = house.person("Bo", &[]);
    house.get(&second, "/api/v1/people").refused(403, "not_permitted");
    let granted =
        house.post(&admin, &format!("/api/v1/people/{bo}/roles"), &json!({"role": "administrator"})).ok();
    assert_eq!(
        granted.json()["result"]["roles"],
        json!(["administrator"]),
        "the grant is not seen in its own answer"
    );
    house.get(&second, "/api/v1/people").ok();
    house.post(&admin, &revoke, &why).ok();
    house.get(&admin, "/api/v1/people").refused(403, "not_permitted");
}
