//! A session that was stolen, or left open on another's machine, can be ended by its person and by whoever lets people in.

use serde_json::json;
use tabellion_model::body::Role;

use super::house::House;

#[test]
fn a_person_ends_one_of_their_sessions_or_all() {
    let house = House::new();
    let (person, token) = house.person("Ada", &[Role::Developer]);
    let (second, third) = (house.session(&person), house.session(&person));
    let path = format!("/api/v1/people/{person}/sessions");
    let listed = house.get(&token, &path).ok();
    for secret in [&token, &second, &third] {
        assert!(!listed.text().contains(&secret[4..]), "the list gives a token away");
    }
    let listed = listed.json()["sessions"].clone();
    let current = |at: usize| listed[at]["current"].as_bool().expect("a mark");
    assert_eq!(
        [current(0), current(1), current(2)],
        [false, false, true],
        "which one is one's own: {listed}"
    );

    let one = json!({"session": listed[1]["id"]});
    house.post(&token, &format!("{path}/end"), &one).ok();
    house.get(&second, "/api/v1/session").refused(401, "not_signed_in");
    house.get(&third, "/api/v1/session").ok();
    house.post(&token, &format!("{path}/end"), &one).refused(404, "not_found");

    let link = house.link(&person);
    house.post(&token, &format!("{path}/end"), &json!({})).ok();
    for ended in [&token, &third] {
        house.get(ended, "/api/v1/session").refused(401, "not_signed_in");
    }
    let body = json!({"link": link, "for": "program"});
    house.ask("POST", "/api/v1/session").json(&body).send().refused(403, "link_unusable");
    let again = house.session(&person);
    house.get(&again, "/api/v1/session").ok();
}

#[test]
fn others_sessions_are_ended_by_whoever_lets_people_in_and_stay_ended() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, auditor) = house.person("Ann", &[Role::Auditor]);
    let (person, stolen) = house.person("Dev", &[Role::Developer]);
    let path = format!("/api/v1/people/{person}/sessions");
    house.get(&auditor, &path).refused(403, "not_permitted");
    house.post(&auditor, &format!("{path}/end"), &json!({})).refused(403, "not_permitted");
    let open = house.get(&ada, &path).ok().json();
    house
        .post(&auditor, &format!("{path}/end"), &json!({"session": open["sessions"][0]["id"]}))
        .refused(403, "not_permitted");
    house.post(&ada, &format!("{path}/end"), &json!({})).ok();
    house.get(&stolen, "/api/v1/session").refused(401, "not_signed_in");

    let roles = format!("/api/v1/people/{person}/roles");
    house.post(&ada, &format!("{roles}/developer/revoke"), &json!({"reason": "stolen"})).ok();
    house.post(&ada, &roles, &json!({"role": "developer"})).ok();
    house.get(&stolen, "/api/v1/session").refused(401, "not_signed_in");
    assert_eq!(
        house.get(&ada, &path).ok().json()["sessions"],
        json!([]),
        "an ended session is listed as open"
    );
}

#[test]
fn sessions_end_while_the_views_stand_still() {
    let house = House::impatient();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (person, stolen) = house.person("Dev", &[Role::Developer]);
    let held = house.hold_views();
    // Something that the views cannot know.
    house
        .desk
        .ledger()
        .append(&tabellion_ledger::Draft::new("event.logged").with("what", "x"))
        .expect("an entry");
    let end = house.post(&ada, &format!("/api/v1/people/{person}/sessions/end"), &json!({}));
    end.refused(503, "view_behind");
    drop(held);
    house.desk.refresh().expect("the views go on");
    house.get(&stolen, "/api/v1/session").refused(401, "not_signed_in");
}
