//! What traffic and changes elsewhere ask of registers: new looks, and gaps of the inventory.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tabellion_app::work::registers::Watch;
use tabellion_ledger::ErasureTarget;
use tabellion_model::SystemId;
use tabellion_model::body::Role;

use super::house::House;
use super::registers::{Opened, assessment, inventory, opened};

/// An organisation with a live system, a key of it, and people who write and approve.
struct Scene {
    house: House,
    system: String,
    key: String,
    author_id: String,
    author: String,
    approver: String,
}

impl Scene {
    fn new() -> Self {
        let house = House::new();
        let (author_id, author) = house.person("Cora", &[Role::ComplianceOfficer, Role::Administrator]);
        let (_, approver) = house.person("Abe", &[Role::Approver]);
        let system = house.live_system(&author, "Loan support");
        let (key, _) = house.key(&author, &system);
        Self { house, system, key, author_id, author, approver }
    }

    fn approved(&self, register: &str, content: &Value) -> Opened {
        let body = json!({"system": self.system, "content": content});
        self.house.approved(&self.author, &self.approver, register, &body)
    }

    fn call(&self, asked: &str, by: Option<&str>) -> String {
        self.house.answered(&self.system, &self.key, asked, by)
    }

    /// Looks once; how many refreshes were opened.
    fn look(&self) -> usize {
        self.house.desk.open_refreshes().expect("the views and the log work").opened
    }

    fn shown(&self, item: &Opened) -> Value {
        self.house.get(&self.author, &item.path).ok().json()
    }

    fn approve_next(&self, item: &Opened, content: &Value) {
        let now = opened(&self.house.get(&self.author, &item.path).ok());
        let next =
            opened(&self.house.put(&self.author, &item.path, &now.tag, &json!({"content": content})).ok());
        self.house.submit(&self.author, &next);
        self.house.decide(&self.approver, &next, "approved").ok();
    }
}

// Requirement: D05.
#[test]
fn a_model_that_the_approved_assessment_does_not_name_asks_for_a_new_look_once() {
    let scene = Scene::new();
    scene.call("large", Some("large-2025"));
    let item = scene.approved("impact_assessment", &assessment(&scene.author_id, &["small-1", "unanswered"]));
    scene.call("small", Some("small-1"));
    scene.call("unanswered", None);
    assert_eq!(
        scene.look(),
        0,
        "calls of before the approval, or with a model that it names, ask for nothing"
    );
    // The same name was asked for; the provider answered with a version that nobody looked at.
    let cause = scene.call("small", Some("small-2"));
    scene.call("small", Some("small-2"));
    assert_eq!(scene.look(), 1, "a model version that nobody assessed is used without anybody being told");
    let tag = opened(&scene.house.get(&scene.author, &item.path).ok()).tag;
    let shown = scene.shown(&item);
    let refresh = &shown["refreshes"][0];
    assert_eq!(
        (&shown["summary"]["standing"], &refresh["trigger"], &refresh["model"], &refresh["cause"]),
        (&json!("refresh_needed"), &json!("model_not_named"), &json!("small-2"), &json!(cause)),
        "nobody could tell why a new look is asked for: {shown}"
    );
    scene.call("small", Some("small-2"));
    assert_eq!((scene.look(), scene.look()), (0, 0), "each call with the model would ask again");
    let inbox = scene.house.get(&scene.author, "/api/v1/inbox").ok().json();
    assert_eq!(inbox["refresh"]["items"].as_array().map(Vec::len), Some(1), "it waits for nobody: {inbox}");
    let open = "/api/v1/registers/impact_assessment/items?refresh=open";
    assert_eq!(scene.house.get(&scene.author, open).ok().json()["total"], 1);
    // Whoever was editing is not disturbed by it, and the approval of what names the model answers it.
    let content = json!({"content": assessment(&scene.author_id, &["small-1", "small-2"])});
    let next = opened(&scene.house.put(&scene.author, &item.path, &tag, &content).ok());
    scene.house.submit(&scene.author, &next);
    scene.house.decide(&scene.approver, &next, "approved").ok();
    assert_eq!(
        scene.shown(&item)["summary"]["standing"],
        "approved",
        "the new look is asked for although it was taken"
    );
    scene.call("small", Some("small-2"));
    assert_eq!(scene.look(), 0);
    // Approved once more without it: whoever calls it now asks again.
    scene.approve_next(&item, &assessment(&scene.author_id, &["small-1"]));
    scene.call("small", Some("small-2"));
    assert_eq!(
        (scene.look(), scene.look()),
        (1, 0),
        "a later approval that leaves the model out is not questioned"
    );
}

// Requirement: D05.
#[test]
fn a_copy_of_an_assessment_shields_neither_itself_nor_the_first_from_a_new_look() {
    let scene = Scene::new();
    let first = scene.approved("impact_assessment", &assessment(&scene.author_id, &["small-1"]));
    let copy = scene.approved("impact_assessment", &assessment(&scene.author_id, &["small-1"]));
    scene.call("small", Some("small-2"));
    assert_eq!((scene.look(), scene.look()), (2, 0), "an assessment that nobody asks answers for the others");
    for item in [&first, &copy] {
        let shown = scene.shown(item);
        assert_eq!(
            (&shown["summary"]["standing"], &shown["refreshes"][0]["model"]),
            (&json!("refresh_needed"), &json!("small-2")),
            "the controls would stay as they are while a model is used that nobody assessed: {shown}"
        );
    }
    // One of them looked at anew names it, and then a later call asks neither.
    scene.approve_next(&copy, &assessment(&scene.author_id, &["small-1", "small-2"]));
    scene.call("small", Some("small-2"));
    assert_eq!(scene.look(), 0);
}

// Requirement: D05.
#[test]
fn a_watch_that_is_started_again_asks_nothing_twice() {
    let scene = Scene::new();
    let item = scene.approved("impact_assessment", &assessment(&scene.author_id, &["small-1"]));
    let every = Duration::from_millis(10);
    let until = Instant::now() + Duration::from_mins(1);
    for started in 1..=2 {
        scene.call("small", Some(&format!("unheard-of-{started}")));
        let watch =
            Watch::start(scene.house.desk.clone(), every, std::sync::Arc::new(|_| {})).expect("a thread");
        while scene.shown(&item)["refreshes"].as_array().is_none_or(|open| open.len() < started) {
            assert!(Instant::now() < until, "the watch never looks");
        }
        watch.stop();
    }
    assert_eq!(scene.look(), 0);
    let history = scene.house.get(&scene.author, &format!("{}/history", item.path)).ok().json();
    let events = history["events"].as_array().expect("events").iter();
    let asked: Vec<&str> = events.filter_map(|event| event["model"].as_str()).collect();
    assert_eq!(asked, ["unheard-of-2", "unheard-of-1"], "a restart asks again: {history}");
}

/// Requirement: W27. A model that no approved entry of the inventory names is a finding, once, whichever system called it; one that is named is none.
#[test]
fn a_model_in_no_approved_entry_is_found_once() {
    let scene = Scene::new();
    scene.approved("ai_system", &inventory(&scene.author_id, &["small-1"]));
    scene.call("small", Some("small-1"));
    let open = || scene.house.desk.open_unknowns().expect("a look");
    assert_eq!(open(), 0, "a model that the inventory names is a finding");
    scene.call("small", Some("shadow-9"));
    assert_eq!((open(), open()), (1, 0), "a model in no inventory goes unseen, or is found at each look");
    scene.call("small", Some("shadow-9"));
    assert_eq!(open(), 0);
    assert_eq!(scene.house.count_of("finding.opened"), 1);
}

// Requirement: D05.
#[test]
fn a_material_change_of_the_system_asks_for_a_new_look_at_its_assessment() {
    let scene = Scene::new();
    let entry = scene.approved("ai_system", &inventory(&scene.author_id, &["small-1"]));
    let item = scene.approved("impact_assessment", &assessment(&scene.author_id, &["small-1"]));
    assert_eq!(scene.look(), 0, "what was there when it was assessed asks for nothing");
    let mut content = inventory(&scene.author_id, &["small-1"]);
    content["oversight"] = json!("Two clerks read every answer");
    scene.approve_next(&entry, &content);
    assert_eq!(scene.look(), 0, "a change that is not material asks for a new look");
    content["users"] = json!(["staff", "customers"]);
    scene.approve_next(&entry, &content);
    assert_eq!(
        (scene.look(), scene.look()),
        (1, 0),
        "a new group of users changes nothing for the assessment"
    );
    let shown = scene.shown(&item);
    assert_eq!(
        (&shown["refreshes"][0]["trigger"], &shown["refreshes"][0]["fields"]),
        (&json!("material_change"), &json!(["ai_system.users"])),
        "{shown}"
    );
}

// Requirement: D05.
#[test]
fn an_assessment_of_before_the_first_inventory_entry_is_asked_about_the_entry_and_its_changes() {
    let scene = Scene::new();
    let item = scene.approved("impact_assessment", &assessment(&scene.author_id, &["small-1"]));
    let entry = scene.approved("ai_system", &inventory(&scene.author_id, &["small-1"]));
    assert_eq!(
        (scene.look(), scene.look()),
        (1, 0),
        "an assessment approved before anybody said what the system is holds for whatever it is"
    );
    let shown = scene.shown(&item);
    let fields = shown["refreshes"][0]["fields"].as_array().expect("fields");
    assert!(fields.contains(&json!("ai_system.purpose")), "nobody could tell what was not known: {shown}");
    scene.approve_next(&item, &assessment(&scene.author_id, &["small-1", "small-2"]));
    assert_eq!(scene.look(), 0, "the new look is asked for although it was taken");
    let mut content = inventory(&scene.author_id, &["small-1"]);
    content["risk_tier"] = json!("unacceptable");
    scene.approve_next(&entry, &content);
    assert_eq!(scene.look(), 1);
    assert_eq!(scene.shown(&item)["refreshes"][0]["fields"], json!(["ai_system.risk_tier"]));
}

// Requirement: D08.
#[test]
fn traffic_with_a_model_that_the_inventory_does_not_name_is_a_gap() {
    let scene = Scene::new();
    let gaps = |token: &str| scene.house.get(token, "/api/v1/inventory-gaps").ok().json();
    assert_eq!(gaps(&scene.author)["total"], 0);
    let first = scene.call("small", Some("small-1"));
    let last = scene.call("small", Some("small-1"));
    let found = gaps(&scene.author);
    let gap = &found["gaps"][0];
    assert_eq!(
        (&found["total"], &gap["kind"], &gap["model"], &gap["first_call"], &gap["last_call"]),
        (&json!(1), &json!("no_entry"), &json!("small-1"), &json!(first), &json!(last)),
        "a model in use would be in no inventory, and nobody would know: {found}"
    );
    let body = json!({"system": scene.system, "content": inventory(&scene.author_id, &["small-1"])});
    let entry = scene.house.open_item(&scene.author, "ai_system", &body);
    assert_eq!(
        gaps(&scene.author)["gaps"][0]["kind"],
        "not_approved",
        "a draft of anybody would close the gap"
    );
    scene.house.submit(&scene.author, &entry);
    scene.house.decide(&scene.approver, &entry, "approved").ok();
    assert_eq!(gaps(&scene.author)["total"], 0);
    scene.call("embedded-assistant", None);
    assert_eq!(gaps(&scene.author)["gaps"][0]["kind"], "not_named");
    let (_, stranger) = scene.house.person("Dev", &[Role::Developer]);
    assert_eq!(gaps(&stranger)["total"], 0, "somebody would see other people's systems");
}

#[test]
fn what_is_erased_approves_nothing() {
    let scene = Scene::new();
    let item = scene.approved("impact_assessment", &assessment(&scene.author_id, &["small-1"]));
    let system = SystemId::from_hex(&scene.system).expect("an id");
    scene.house.ledger.erase(&ErasureTarget::System(system), "the system is deleted").expect("an erasure");
    scene.house.desk.refresh().expect("the views follow");
    let shown = scene.shown(&item);
    assert_eq!(
        (&shown["summary"]["standing"], &shown["summary"]["approval"], &shown["content"], &shown["digest"]),
        (&json!("unknown"), &Value::Null, &Value::Null, &Value::Null),
        "content that nobody can read any more passes for approved: {shown}"
    );
    scene.house.get(&scene.author, &format!("{}/history", item.path)).ok();
    scene.house.decide(&scene.approver, &item, "approved").refused(409, "not_what_was_shown");
}
