//! Openings of declared routes over the API: asked for by one person, confirmed by another, withdrawn by one.

use serde_json::{Value, json};
use tabellion_model::Micros;
use tabellion_model::body::Role;

use super::client::Answer;
use super::house::House;

const PATH: &str = "/api/v1/openings";
/// A day in microseconds.
const DAY_US: u64 = 24 * 3_600 * 1_000_000;

fn files(system: &str) -> Value {
    json!({"system": system, "class": "files", "provider": "openai", "until": "2026-06-01", "reason": "a trial"})
}

impl House {
    /// Asks for an opening; gives its id.
    fn asks_to_open(&self, token: &str, body: &Value) -> String {
        let made = self.post(token, PATH, body).ok().json();
        made["result"]["id"].as_str().expect("an id").to_owned()
    }

    fn opening_step(&self, token: &str, opening: &str, step: &str) -> Answer {
        self.post(token, &format!("{PATH}/{opening}/{step}"), &json!({"reason": "so it is"}))
    }

    /// How many openings the gateway goes by.
    fn open(&self) -> usize {
        self.desk.views().gate_now().openings.len()
    }

    fn state_of_opening(&self, token: &str, opening: &str) -> Value {
        self.get(token, &format!("{PATH}/{opening}")).ok().json()["state"].clone()
    }
}

/// Requirement: N22. Nothing is open before a second person says so, each attempt of the first is on record, and one person closes it at once.
#[test]
fn two_people_open_and_one_closes() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let system = house.live_system(&ada, "Loan support");
    let opening = house.asks_to_open(&ada, &files(&system));
    assert_eq!((house.open(), house.state_of_opening(&cleo, &opening)), (0, json!("requested")));
    house.opening_step(&ada, &opening, "confirm").refused(403, "own_work");
    house.opening_step(&ada, &opening, "confirm").refused(403, "own_work");
    assert_eq!(house.count_of("opening.refused"), 1, "an attempt leaves no trace, or two");
    assert_eq!(house.open(), 0, "an attempt opened it");
    house.opening_step(&cleo, &opening, "confirm").ok();
    assert_eq!(
        (house.open(), house.state_of_opening(&ada, &opening)),
        (1, json!("open")),
        "the answer came before the gateway goes by it"
    );
    house.opening_step(&cleo, &opening, "confirm").refused(409, "already_so");
    house.opening_step(&ada, &opening, "withdraw").ok();
    assert_eq!((house.open(), house.state_of_opening(&ada, &opening)), (0, json!("withdrawn")));
    house.opening_step(&ada, &opening, "withdraw").refused(409, "already_so");
    house.opening_step(&cleo, &opening, "confirm").refused(409, "state_impossible");
    let listed = house.get(&ada, PATH).ok().json();
    assert_eq!(listed["openings"].as_array().map(Vec::len), Some(1), "{listed}");
}

/// Requirement: N22. Neither let the other in, as with every decision of a second person.
#[test]
fn who_let_the_other_in_does_not_confirm() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&ada, "Loan support");
    let opening = house.asks_to_open(&ada, &files(&system));
    let (cleo, _) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let theirs = house.let_in(&ada, &cleo);
    house.opening_step(&theirs, &opening, "confirm").refused(403, "own_link");
    assert_eq!(house.open(), 0, "one person is two");
}

/// Requirement: N22. Who may ask, for what, and until when.
#[test]
fn an_opening_has_an_end_and_a_system_that_one_answers_for() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let (_, approver) = house.person("Apo", &[Role::Approver]);
    let (_, auditor) = house.person("Au", &[Role::Auditor]);
    let theirs = house.live_system(&admin, "Somebody else's");
    let own = house.live_system(&developer, "Own");
    house.post(&developer, PATH, &files(&theirs)).refused(403, "not_permitted");
    for token in [&approver, &auditor] {
        house.post(token, PATH, &files(&theirs)).refused(403, "not_permitted");
    }
    for (member, value, status, code) in [
        ("until", json!("2026-03-01"), 400, "malformed"),
        ("until", json!("2027-06-01"), 400, "malformed"),
        ("class", json!("video"), 400, "malformed"),
        ("provider", json!("No Such"), 400, "malformed"),
        ("system", json!("0".repeat(32)), 422, "unknown_reference"),
    ] {
        let mut body = files(&own);
        body[member] = value;
        house.post(&developer, PATH, &body).refused(status, code);
    }
    let opening = house.asks_to_open(&developer, &files(&own));
    house.opening_step(&developer, &opening, "confirm").refused(403, "not_permitted");
    house.opening_step(&approver, &opening, "confirm").ok();
    assert_eq!(house.open(), 1);
    house.clock.set(Micros(Micros::parse_date("2026-06-01").expect("a day").0 + DAY_US));
    let (_, later) = house.person("Eve", &[Role::Auditor]);
    assert_eq!(house.state_of_opening(&later, &opening), "ended", "an opening outlives its day");
}
