//! The sample organisation, as an administrator enters it over the API: people, systems, policies, keys.
//!
//! Promises: what an earlier run has entered is found by reading, and not entered again; keys alone are new in each run, because a secret is
//! shown once. Must never: print or log a secret.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Api, list, text};
use super::management::Known;
use crate::failure::Failure;

const ORGANISATION: &str = include_str!("../../../../../examples/demo/loan-support/organisation.json");
/// The rules by the names that they are published under.
const POLICIES: [(&str, &str); 2] = [
    ("house-rules", include_str!("../../../../../examples/demo/loan-support/policies/house-rules.cedar")),
    ("lending", include_str!("../../../../../examples/demo/loan-support/policies/lending.cedar")),
];
/// How long a key of an earlier run works on, in seconds: whoever tries something with it is not cut off.
const OVERLAP_SECONDS: u64 = 3600;

/// Who calls what for whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organisation {
    /// What it is.
    pub(super) name: String,
    /// Whoever lets people in.
    pub(super) administrator: Person,
    people: Vec<Person>,
    systems: Vec<System>,
    keys: Vec<Key>,
    /// Where models are served.
    pub(super) upstreams: Vec<Upstream>,
}

/// Somebody who answers for systems.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    /// What the sample calls them.
    pub(super) id: String,
    /// Name.
    pub(super) name: String,
    works_as: String,
    /// What they may do; without any they answer for systems.
    #[serde(default = "answers_for_systems")]
    roles: Vec<String>,
}

fn answers_for_systems() -> Vec<String> {
    vec!["business_owner".to_owned()]
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    /// What the policies call it: the id that the control plane gives it takes its place.
    id: String,
    name: String,
    owner: String,
    purposes: Vec<String>,
    description: String,
    capture: String,
    /// Why this much is kept.
    #[serde(default)]
    capture_reason: String,
    stage: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    name: String,
    system: String,
    purposes: Vec<String>,
    models: Vec<String>,
    #[serde(default)]
    revoked: Option<String>,
}

/// A provider.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    /// Its name in policies.
    pub(super) name: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    serves: String,
    /// Models that it is asked for.
    pub(super) models: Vec<String>,
}

/// Secrets of keys, by the keys' names.
pub(super) struct Secrets(BTreeMap<String, String>);

impl Secrets {
    /// The secret of the key `name`.
    pub(super) fn of(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// What was entered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Entered {
    /// People, systems and policies that this run entered.
    pub(super) new: usize,
    /// Those that were there.
    pub(super) known: usize,
}

impl Organisation {
    /// The sample.
    pub(super) fn read() -> Result<Self, Failure> {
        serde_json::from_str(ORGANISATION)
            .map_err(|error| Failure::failed(format!("sample data, organisation.json: {error}")))
    }

    /// Enters what is not there yet and has keys issued.
    pub(super) fn enter(&self, api: &Api) -> Result<(Secrets, Entered, Known), Failure> {
        let mut entered = Entered::default();
        let people = self.people(api, &mut entered)?;
        let systems = self.systems(api, &people, &mut entered)?;
        self.publish(api, &systems, &mut entered)?;
        let mut secrets = BTreeMap::new();
        for key in &self.keys {
            let system = known(&systems, &key.system)?;
            secrets.insert(key.name.clone(), key.issue(api, system)?);
        }
        Ok((Secrets(secrets), entered, Known { people, systems }))
    }

    /// The ids of people, by the names that the sample gives them.
    fn people(&self, api: &Api, entered: &mut Entered) -> Result<BTreeMap<String, String>, Failure> {
        let mut ids = BTreeMap::new();
        for person in &self.people {
            ids.insert(person.id.clone(), person.enter(api, entered)?);
        }
        Ok(ids)
    }

    /// The ids of systems, by their names.
    fn systems(
        &self,
        api: &Api,
        people: &BTreeMap<String, String>,
        entered: &mut Entered,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let answer = api.get("/api/v1/systems")?;
        let there = list(&answer, "/systems")?;
        let mut ids = BTreeMap::new();
        for system in &self.systems {
            let (row, at) = if let Some(row) = there.iter().find(|row| row["name"] == system.name) {
                entered.known += 1;
                (row.clone(), "")
            } else {
                entered.new += 1;
                let mut body = json!({
                    "name": system.name, "owner": known(people, &system.owner)?, "purposes": system.purposes,
                    "description": system.description, "capture": system.capture,
                });
                let members = body.as_object_mut().filter(|_| !system.capture_reason.is_empty());
                if let Some(members) = members {
                    members.insert("capture_reason".to_owned(), json!(system.capture_reason));
                }
                (api.post("/api/v1/systems", &body)?, "/result")
            };
            let id = text(&row, &format!("{at}/id"))?.to_owned();
            system.bring_to_stage(api, &id, text(&row, &format!("{at}/stage"))?)?;
            ids.insert(system.name.clone(), id);
        }
        Ok(ids)
    }

    fn publish(
        &self,
        api: &Api,
        systems: &BTreeMap<String, String>,
        entered: &mut Entered,
    ) -> Result<(), Failure> {
        let answer = api.get("/api/v1/policies")?;
        let there = list(&answer, "/policies")?;
        for (name, template) in POLICIES {
            let mut rules = template.to_owned();
            for system in &self.systems {
                rules = rules.replace(&system.id, known(systems, &system.name)?);
            }
            let row = there.iter().find(|row| row["name"] == name);
            if row.is_some_and(|row| row["text"] == rules) {
                entered.known += 1;
                continue;
            }
            let version = row.and_then(|row| row["version"].as_u64());
            let body = json!({"text": rules, "note": "What the demo's requests are decided by."});
            api.put(&format!("/api/v1/policies/{name}"), version, &body)?;
            entered.new += 1;
        }
        Ok(())
    }
}

impl System {
    /// Moves it on from `stage` to the one it is to be in; only what is live can be paused.
    fn bring_to_stage(&self, api: &Api, id: &str, stage: &str) -> Result<(), Failure> {
        let mut steps = vec!["live"];
        if self.stage == "paused" {
            steps.push("paused");
        }
        if stage == self.stage {
            return Ok(());
        }
        for step in steps.into_iter().filter(|step| *step != stage) {
            let reason =
                if step == "live" { "It was assessed and its owner agreed." } else { &self.description };
            let body = json!({"stage": step, "reason": reason});
            api.post(&format!("/api/v1/systems/{id}/stage"), &body)?;
        }
        Ok(())
    }
}

impl Key {
    /// A secret of this key: of a new one, or of one that takes over from the key of an earlier run.
    fn issue(&self, api: &Api, system: &str) -> Result<String, Failure> {
        let keys = format!("/api/v1/systems/{system}/keys");
        let answer = api.get(&keys)?;
        // A key that was rotated works on for a while, and has an end.
        let works =
            |row: &&Value| row["name"] == self.name && row["works"] == true && row["ends_at"].is_null();
        let issued = match list(&answer, "/keys")?.iter().rfind(works) {
            Some(row) => {
                let path = format!("/api/v1/keys/{}/rotate", text(row, "/id")?);
                api.post(&path, &json!({"overlap_s": OVERLAP_SECONDS}))?
            }
            None => api
                .post(&keys, &json!({"name": self.name, "purposes": self.purposes, "models": self.models}))?,
        };
        if let Some(reason) = &self.revoked {
            let path = format!("/api/v1/keys/{}/revoke", text(&issued, "/result/key/id")?);
            api.post(&path, &json!({"reason": reason}))?;
        }
        Ok(text(&issued, "/result/secret")?.to_owned())
    }
}

impl Person {
    /// Name and work, for a reader.
    pub(super) fn introduced(&self) -> String {
        format!("{} ({})", self.name, self.works_as)
    }

    /// Their id, once they are known.
    pub(super) fn enter(&self, api: &Api, entered: &mut Entered) -> Result<String, Failure> {
        let answer = api.get("/api/v1/people")?;
        let there = list(&answer, "/people")?;
        if let Some(row) = there.iter().find(|row| row["name"] == self.name) {
            entered.known += 1;
            return Ok(text(row, "/id")?.to_owned());
        }
        entered.new += 1;
        let body = json!({"name": self.name, "roles": self.roles});
        Ok(text(&api.post("/api/v1/people", &body)?, "/result/id")?.to_owned())
    }
}

fn known<'m>(ids: &'m BTreeMap<String, String>, name: &str) -> Result<&'m str, Failure> {
    let id = ids.get(name).map(String::as_str);
    id.ok_or_else(|| {
        Failure::failed(format!("sample data, organisation.json: {name} is named and not there"))
    })
}
