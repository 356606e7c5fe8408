//! Rules over numbers: on record once when a number goes beyond, once when it comes back, by nothing but the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tabellion_app::work::observing::ObservationRules;
use tabellion_app::work::registers::Watch;
use tabellion_app::work::rules::MAX_RULES;
use tabellion_app::work::{Desk, Tools};
use tabellion_ledger::{Clock as _, Draft, DraftStream, ErasureTarget};
use tabellion_model::Micros;
use tabellion_model::body::{Body as _, CallAuthorised, CallCompleted, Role, RuleSet};
use tabellion_model::register::Registers;
use tabellion_testkit::{SeededEntropy, SimDisk};
use tabellion_views::Views;

use super::house::House;

const PATH: &str = "/api/v1/rules/denials";
/// Microseconds of a minute.
const MINUTE_US: u64 = 60_000_000;

/// Fires when more than so many of 10,000 calls are denied.
fn denials(system: Option<&str>, threshold: u64) -> Value {
    json!({"why": "somebody tries what is forbidden", "metric": "denied_per_10000", "system": system, "window_minutes": 60,
        "comparison": "above", "threshold": threshold, "at_least": 3, "note": "a first guess"})
}

fn set(house: &House, token: &str, path: &str, body: &Value) {
    house.ask("PUT", path).bearer(token).json(body).send().ok();
}

/// How many crossings one look records.
fn look(house: &House) -> usize {
    house.desk.look_at_rules().expect("a look")
}

/// Records of rules that fired, and that resolved.
fn told(house: &House) -> (usize, usize) {
    (house.count_of("rule.fired"), house.count_of("rule.resolved"))
}

/// A desk as a new start has it, over views that are made anew from the log.
fn started_anew(house: &House, dir: &tempfile::TempDir) -> Desk {
    let views =
        Views::start(house.ledger.reader().clone(), dir.path(), Arc::new(|_| {})).expect("views made anew");
    let tools = Tools {
        disk: Arc::new(SimDisk::new()),
        clock: Arc::clone(&house.clock) as _,
        entropy: Arc::new(SeededEntropy::new(5)),
        registers: Registers::built_in().expect("the registers that come with the program"),
        check_policy: Arc::new(|_| Ok(Vec::new())),
        observation: ObservationRules { hours: 24, calls: 3, first: false, two_people: false },
        on_fatal: Arc::new(|_| {}),
        views_within: Duration::from_mins(1),
    };
    Desk::open(Arc::clone(&house.ledger), Arc::new(views), tools)
}

/// A call that was answered; the entry of its end.
fn answered(house: &House, system: &str, key: &str) -> u64 {
    let authorised: CallAuthorised = serde_json::from_value(json!({
        "surface": "openai.chat_completions", "model": "small", "upstream": "local", "purpose": "support", "stream": false,
        "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
        "rules": [], "retry": 0,
    }))
    .expect("a body");
    let first = house.append(&authorised, system, key, None);
    let completed: CallCompleted = serde_json::from_value(json!({
        "outcome": "answered", "status": 200, "delivered": "whole", "answered": {"tools": []}, "received_bytes": 3,
        "received_sha256": "d".repeat(64), "released_sha256": "e".repeat(64), "masked": [], "duration_us": 12,
    }))
    .expect("a body");
    house.append(&completed, system, key, Some(&first)).0
}

/// Requirement: P32.
#[test]
fn a_rule_fires_once_for_each_crossing_and_resolves_over_a_restart() {
    let house = House::new();
    let (ada, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    set(&house, &admin, PATH, &denials(Some(&system), 2_500));
    assert_eq!(look(&house), 0, "a rule fires of nothing");
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!((&rule["state"], &rule["now"]["lacking"]), (&json!("unknown"), &json!("too_few")), "{rule}");
    // Half of the calls are denied, and two are fewer than three.
    house.calls(&system, &key);
    assert_eq!((look(&house), told(&house)), (0, (0, 0)), "one denied call of two is half of all");
    house.calls(&system, &key);
    assert_eq!((look(&house), look(&house)), (1, 0), "one crossing, and once");
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!((&rule["state"], &rule["now"]["verdict"]), (&json!("fired"), &json!("beyond")), "{rule}");
    let crossing = &rule["crossings"][0];
    for (name, value) in [
        ("fired", json!(true)),
        ("low", json!(5_000)),
        ("high", json!(5_000)),
        ("threshold", json!(2_500)),
        ("observations", json!(4)),
        ("version", json!(1)),
    ] {
        assert_eq!(crossing[name], value, "{name}: {crossing}");
    }
    let size = crossing["size"].as_u64().expect("a log size");
    assert!(
        size <= crossing["recorded"]["index"].as_u64().expect("an entry"),
        "of what came later: {crossing}"
    );
    let metrics = house.ask("GET", "/metrics").send().ok().text();
    for line in [
        "tabellion_rules 1",
        "tabellion_rules_fired 1",
        "tabellion_rules_unknown 0",
        "tabellion_rules_failing 0",
    ] {
        assert!(metrics.contains(&format!("\n{line}\n")), "{line} is not in {metrics}");
    }
    // A new start over views made anew tells of nothing twice, and goes on where the other was.
    let dir = tempfile::tempdir().expect("a directory");
    let anew = started_anew(&house, &dir);
    assert_eq!(anew.look_at_rules().expect("a look"), 0, "a restart repeats what was told");
    for _ in 0..6 {
        answered(&house, &system, &key);
    }
    assert_eq!(anew.look_at_rules().expect("a look"), 1, "a restart loses what stood");
    assert_eq!((look(&house), told(&house)), (0, (1, 1)), "two desks tell of the same twice");
    assert_eq!(anew.views().digest().expect("a digest"), house.desk.views().digest().expect("a digest"));
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!((&rule["state"], &rule["crossings"][0]["low"]), (&json!("holds"), &json!(2_000)), "{rule}");
    // The window moves on; what is not known resolves and fires nothing.
    for _ in 0..3 {
        house.calls(&system, &key);
    }
    assert_eq!((look(&house), told(&house)), (1, (2, 1)), "a second crossing is not told of");
    house.clock.set(Micros(house.clock.now().0 + 61 * MINUTE_US));
    assert_eq!((look(&house), told(&house)), (0, (2, 1)), "silence resolved a share");
    let admin = house.session(&ada);
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!((&rule["state"], &rule["now"]["verdict"]), (&json!("fired"), &json!("unknown")), "{rule}");
    for _ in 0..3 {
        answered(&house, &system, &key);
    }
    assert_eq!((look(&house), told(&house)), (1, (2, 2)));
}

/// Requirement: P32. The server looks by itself, at once after each start, and a start tells of nothing twice.
#[test]
fn a_start_looks_at_once_and_tells_of_nothing_twice() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    set(&house, &admin, PATH, &denials(Some(&system), 2_500));
    house.calls(&system, &key);
    house.calls(&system, &key);
    let until = Instant::now() + Duration::from_mins(1);
    let started = |wanted: (usize, usize)| {
        // Far longer than the test: only the look at the start is seen.
        let watch =
            Watch::start(house.desk.clone(), Duration::from_hours(1), Arc::new(|_| {})).expect("a thread");
        while told(&house) != wanted {
            assert!(Instant::now() < until, "the watch never looks: {:?}", told(&house));
            std::thread::yield_now();
        }
        watch.stop();
    };
    started((1, 0));
    for _ in 0..6 {
        answered(&house, &system, &key);
    }
    started((1, 1));
    assert_eq!((look(&house), told(&house)), (0, (1, 1)), "a restart tells again");
}

/// Requirement: P32. A rule of a system does not see another's calls; a sum of no calls is known.
#[test]
fn a_rule_of_a_system_does_not_see_anothers_calls() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let other = house.live_system(&admin, "Chat");
    let (key, _) = house.key(&admin, &other);
    set(&house, &admin, PATH, &denials(Some(&system), 1_000));
    set(&house, &admin, "/api/v1/rules/all", &denials(None, 1_000));
    let many = json!({"why": "more than expected", "metric": "calls", "system": system, "window_minutes": 60, "comparison": "above",
        "threshold": 1, "note": "n"});
    set(&house, &admin, "/api/v1/rules/many", &many);
    for _ in 0..3 {
        house.calls(&other, &key);
    }
    assert_eq!((look(&house), told(&house)), (1, (1, 0)), "another system's calls fire a rule");
    let list = house.get(&admin, "/api/v1/rules").ok().json();
    let states: Vec<_> =
        (0..3).map(|at| (list["rules"][at]["name"].clone(), list["rules"][at]["state"].clone())).collect();
    assert_eq!(
        states,
        [
            (json!("all"), json!("fired")),
            (json!("denials"), json!("unknown")),
            (json!("many"), json!("holds"))
        ]
    );
}

/// Requirement: P32. Another threshold is another version, under which the number is judged; an ended rule is looked at no more, and one set anew begins anew.
#[test]
fn another_threshold_is_another_version_and_judged_as_one() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.calls(&system, &key);
    house.calls(&system, &key);
    let versioned = |version: u64, threshold: u64| {
        house.put(&admin, PATH, &format!("\"{version}\""), &denials(Some(&system), threshold)).ok();
    };
    set(&house, &admin, PATH, &denials(Some(&system), 2_500));
    assert_eq!((look(&house), told(&house)), (1, (1, 0)));
    versioned(1, 5_000);
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!(rule["state"], "fired", "a new threshold alone took an alarm back: {rule}");
    assert_eq!((look(&house), told(&house)), (1, (1, 1)), "half is not above half");
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!(
        (&rule["state"], &rule["crossings"][0]["version"], &rule["crossings"][0]["threshold"]),
        (&json!("holds"), &json!(2), &json!(5_000)),
        "{rule}"
    );
    versioned(2, 4_999);
    assert_eq!((look(&house), look(&house), told(&house)), (1, 0, (2, 1)));
    versioned(3, 100);
    assert_eq!((look(&house), look(&house), told(&house)), (1, 0, (3, 1)), "a new version is told of once");
    house.post(&admin, &format!("{PATH}/end"), &json!({"reason": "over"})).ok();
    house.post(&admin, &format!("{PATH}/end"), &json!({"reason": "over"})).refused(409, "already_so");
    assert_eq!((look(&house), told(&house)), (0, (3, 1)), "an ended rule is looked at");
    assert_eq!(house.get(&admin, PATH).ok().json()["state"], "ended");
    versioned(5, 5_000);
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!(rule["state"], "holds", "what another rule of the name told of stands: {rule}");
    versioned(6, 100);
    assert_eq!((look(&house), told(&house)), (1, (4, 1)));
    let history = house.get(&admin, &format!("{PATH}/history")).ok().json();
    assert_eq!(history["versions"].as_array().map(Vec::len), Some(7), "{history}");
}

/// Requirement: P32. What is erased, and what has no price, leaves a number unknown; it neither fires nor resolves a rule, and the answer says so.
#[test]
fn what_is_not_known_neither_fires_nor_resolves() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let failed = json!({"why": "the provider is down", "metric": "failed_per_10000", "window_minutes": 60, "comparison": "above",
        "threshold": 1_000, "at_least": 1, "note": "n"});
    set(&house, &admin, PATH, &failed);
    let money = json!({"why": "it is dear", "metric": "cost_micros", "currency": "EUR", "window_minutes": 60, "comparison": "above",
        "threshold": 1_000_000, "note": "n"});
    set(&house, &admin, "/api/v1/rules/money", &money);
    let gone = answered(&house, &system, &key);
    answered(&house, &system, &key);
    assert_eq!(look(&house), 0);
    let state = |path: &str| {
        let rule = house.get(&admin, path).ok().json();
        [&rule["state"], &rule["now"]["low"], &rule["now"]["high"], &rule["now"]["unknown"]].map(Value::clone)
    };
    assert_eq!(state(PATH), [json!("holds"), json!(0), json!(0), json!(0)]);
    assert_eq!(
        state("/api/v1/rules/money"),
        [json!("unknown"), json!(0), Value::Null, json!(2)],
        "what has no price cost nothing"
    );
    house.ledger.erase(&ErasureTarget::Record(gone), "it was a mistake").expect("an erasure");
    assert_eq!((look(&house), told(&house)), (0, (0, 0)));
    assert_eq!(
        state(PATH),
        [json!("unknown"), json!(0), json!(5_000), json!(1)],
        "an erased call did not fail"
    );
    let metrics = house.ask("GET", "/metrics").send().ok().text();
    assert!(metrics.contains("\ntabellion_rules_unknown 2\n"), "{metrics}");
}

/// Requirement: P32. A rule whose content was erased is looked at no more: its number is unknown, and where it had fired it stays so.
#[test]
fn an_erased_rule_is_unknown_and_stays_fired() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.calls(&system, &key);
    house.calls(&system, &key);
    let mut test = denials(None, 2_500);
    let said = test.as_object_mut().expect("an object");
    let (why, note) = (said.remove("why"), said.remove("note"));
    said.remove("system");
    said.insert("scope".to_owned(), json!({}));
    let body: RuleSet =
        serde_json::from_value(json!({"name": "denials", "why": why, "note": note, "test": test}))
            .expect("a body");
    let mut draft = Draft::new(RuleSet::TYPE);
    draft.body = body.fields().expect("fields");
    draft.stream = Some(DraftStream { name: "rule/denials".to_owned(), expected: None });
    draft.erasable_alone = true;
    let set = house.ledger.append(&draft).expect("a record");
    assert_eq!((look(&house), told(&house)), (1, (1, 0)));
    house.ledger.erase(&ErasureTarget::Record(set.index), "it was a mistake").expect("an erasure");
    for _ in 0..12 {
        answered(&house, &system, &key);
    }
    assert_eq!((look(&house), told(&house)), (0, (1, 0)), "a rule that nobody can read resolved");
    let rule = house.get(&admin, PATH).ok().json();
    assert_eq!(
        (&rule["state"], &rule["says"], &rule["now"]),
        (&json!("fired"), &Value::Null, &Value::Null),
        "{rule}"
    );
    let metrics = house.ask("GET", "/metrics").send().ok().text();
    assert!(
        metrics.contains("\ntabellion_rules_unknown 1\n") && metrics.contains("\ntabellion_rules_fired 1\n"),
        "{metrics}"
    );
}

/// Requirement: P32. A look that fails is said, and is no look that found nothing.
#[test]
fn a_look_that_fails_is_said() {
    let house = House::impatient();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let failing = |value: u8| {
        let metrics = house.ask("GET", "/metrics").send().ok().text();
        assert!(metrics.contains(&format!("\ntabellion_rules_failing {value}\n")), "{metrics}");
    };
    failing(0);
    set(&house, &admin, PATH, &denials(None, 2_500));
    failing(1);
    assert_eq!(look(&house), 0);
    failing(0);
    let held = house.hold_views();
    house.calls(&system, &key);
    assert!(house.desk.look_at_rules().is_err(), "a look at views that stand still found nothing");
    failing(1);
    drop(held);
    let until = Instant::now() + Duration::from_mins(1);
    while house.desk.look_at_rules().is_err() {
        assert!(Instant::now() < until, "views that go on are not looked at again");
    }
    failing(0);
    house.clock.set(Micros(house.clock.now().0 + 11 * MINUTE_US));
    failing(1);
}

/// Requirement: P32. What makes no sense is refused where it stands, and a rule that could never fire too.
#[test]
fn what_makes_no_sense_is_refused() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let mut cases: Vec<(&str, Value)> = Vec::new();
    for wrong in [
        json!("NaN"),
        json!(-1),
        json!(2.5),
        json!(1e300),
        json!("2500"),
        json!(null),
        json!(10_000),
        json!(10_001),
    ] {
        cases.push(("threshold", wrong));
    }
    for wrong in [json!(0), json!(-5), json!(44_641), json!(0.5), json!(null)] {
        cases.push(("window_minutes", wrong));
    }
    for wrong in [json!("records_per_hour"), json!("denied"), json!(1), json!(null)] {
        cases.push(("metric", wrong));
    }
    for (name, wrong) in [
        ("comparison", json!("beside")),
        ("at_least", json!(0)),
        ("at_least", json!(1_000_001)),
        ("guard", json!("house-words")),
        ("upstream", json!("local")),
        ("currency", json!("EUR")),
        ("why", json!("  ")),
        ("note", json!("")),
        ("system", json!("loans")),
        ("more", json!(1)),
    ] {
        cases.push((name, wrong));
    }
    for (name, wrong) in cases {
        let mut body = denials(None, 2_500);
        body[name] = wrong;
        house.ask("PUT", PATH).bearer(&admin).json(&body).send().refused(400, "malformed");
    }
    let mut never = denials(None, 0);
    never["comparison"] = json!("below");
    house.ask("PUT", PATH).bearer(&admin).json(&never).send().refused(400, "malformed");
    let mut money = denials(None, 5);
    money["metric"] = json!("cost_micros");
    house.ask("PUT", PATH).bearer(&admin).json(&money).send().refused(400, "malformed");
    let unknown = denials(Some(&"0".repeat(32)), 2_500);
    house.ask("PUT", PATH).bearer(&admin).json(&unknown).send().refused(422, "unknown_reference");
    assert_eq!(house.count_of("rule.set"), 0, "something of it was recorded");
}

/// Requirement: P32. Rules are set by whoever may, once for each request and on the version that was read; those over others' systems are seen by nobody but them; and there
/// are so many at most.
#[test]
fn a_rule_is_set_by_whoever_may_once_and_on_what_was_read() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, engineer) = house.person("Gina", &[Role::GovernanceEngineer]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let (_, auditor) = house.person("Au", &[Role::Auditor]);
    let theirs = house.live_system(&admin, "Loan support");
    let own = house.live_system(&developer, "Own");
    for token in [&developer, &auditor] {
        house.ask("PUT", PATH).bearer(token).json(&denials(None, 1)).send().refused(403, "not_permitted");
    }
    let once = |token: &str, body: &Value| {
        house.ask("PUT", PATH).bearer(token).header("idempotency-key", "once").json(body).send()
    };
    once(&engineer, &denials(Some(&theirs), 2_500)).ok();
    let repeated = once(&engineer, &denials(Some(&theirs), 2_500)).ok().json();
    assert_eq!(
        (&repeated["result"]["version"], &repeated["recorded"]["repeated"]),
        (&json!(1), &json!(true))
    );
    house.ask("PUT", PATH).bearer(&engineer).json(&denials(None, 1)).send().refused(428, "version_required");
    house.put(&engineer, PATH, "\"7\"", &denials(None, 1)).refused(412, "stale");
    house.get(&developer, PATH).refused(404, "not_found");
    house.get(&developer, &format!("{PATH}/history")).refused(404, "not_found");
    house.get(&auditor, PATH).ok();
    set(&house, &engineer, "/api/v1/rules/own", &denials(Some(&own), 2_500));
    let seen = house.get(&developer, "/api/v1/rules").ok().json();
    assert_eq!(
        seen["rules"].as_array().map(Vec::len),
        Some(1),
        "rules over systems of others are seen: {seen}"
    );
    for number in 2..MAX_RULES {
        set(&house, &engineer, &format!("/api/v1/rules/more-{number}"), &denials(None, 2_500));
    }
    let many = |path: &str| house.ask("PUT", path).bearer(&engineer).json(&denials(None, 1)).send();
    many("/api/v1/rules/too-many").refused(409, "state_impossible");
    house.post(&engineer, &format!("{PATH}/end"), &json!({"reason": "over"})).ok();
    many("/api/v1/rules/too-many").ok();
}
