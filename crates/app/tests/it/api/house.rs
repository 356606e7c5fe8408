//! An organisation on one machine: a log in a directory of its own, a server, people with roles.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tabellion_app::api::{Server, Settings};
use tabellion_app::work::observing::ObservationRules;
use tabellion_app::work::people::NewPerson;
use tabellion_app::work::sessions::NewLink;
use tabellion_app::work::{Actor, Desk, Given, PolicyFault, Tools};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Clock as _, Draft, Ledger, NewLog, OpenOptions};
use tabellion_model::body::{Body, CallAuthorised, CallCompleted, CallDenied, Role};
use tabellion_model::register::Registers;
use tabellion_model::{Env, Micros, Origin};
use tabellion_testkit::{Change, Fate, HookedDisk, ManualClock, SeededEntropy};
use tabellion_views::{VIEWS_FILE, Views};

use super::client::{Answer, Ask};

/// Longest wait for views on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The registers that come with the program.
fn built_in() -> Registers {
    Registers::built_in().expect("the registers that come with the program can be read")
}

/// Everything that a test talks to; gone when it is dropped.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) desk: Arc<Desk>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: Arc<ManualClock>,
    dir: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(set: impl FnOnce(&mut Settings)) -> Self {
        Self::built(set, PATIENCE, built_in(), |files| files)
    }

    /// One that does not wait long for its views.
    pub(crate) fn impatient() -> Self {
        Self::built(|_| {}, Duration::from_secs(1), built_in(), |files| files)
    }

    /// One that keeps these registers.
    pub(crate) fn keeping(registers: Registers) -> Self {
        Self::built(|_| {}, PATIENCE, registers, |files| files)
    }

    /// One whose changes of files go through `hook`.
    pub(crate) fn hooked(hook: impl Fn(&str, Change) -> io::Result<Fate> + Send + Sync + 'static) -> Self {
        let over = |files| Arc::new(HookedDisk::new(files, hook)) as Arc<dyn Disk>;
        Self::built(|_| {}, PATIENCE, built_in(), over)
    }

    fn built(
        set: impl FnOnce(&mut Settings),
        views_within: Duration,
        registers: Registers,
        over: impl FnOnce(Arc<dyn Disk>) -> Arc<dyn Disk>,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let files = over(Arc::new(RealDisk::create(dir.path()).expect("a disk")));
        let clock = Arc::new(ManualClock::at(Micros::parse_date("2026-03-02T08:00:00Z").expect("a time")));
        let entropy = Arc::new(SeededEntropy::new(23));
        let options = OpenOptions {
            background: false,
            ..OpenOptions::new(Arc::clone(&clock) as _, Arc::clone(&entropy) as _)
        };
        let new =
            NewLog { origin: Origin::new("notary.example/log/acme").expect("an origin"), env: Env::Sandbox };
        let ledger = Arc::new(Ledger::create(Arc::clone(&files), &new, &options).expect("a log"));
        let views = Views::start(ledger.reader().clone(), dir.path(), Arc::new(|_| {})).expect("views");
        let tools = Tools {
            disk: files,
            clock: Arc::clone(&clock) as _,
            entropy: entropy as _,
            registers,
            check_policy: Arc::new(|text| {
                // Stands in for the program's compiler of policies, which this crate does not know.
                if text.contains("permit") || text.contains("forbid") {
                    return Ok(vec!["rule1".to_owned()]);
                }
                Err(PolicyFault { line: 1, column: 1, what: "neither permit nor forbid".to_owned() })
            }),
            observation: ObservationRules { hours: 24, calls: 3, first: false },
            on_fatal: Arc::new(|_| {}),
            views_within,
        };
        let desk = Arc::new(Desk::open(Arc::clone(&ledger), Arc::new(views), tools));
        let mut settings = Settings::new("http://127.0.0.1:8087");
        set(&mut settings);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Server::start(Arc::clone(&desk), settings, listener).expect("a server");
        Self { server, desk, ledger, clock, dir }
    }

    /// Holds the views where they are, as long as what this gives is kept: their file is locked for writing.
    pub(crate) fn hold_views(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.dir.path().join(VIEWS_FILE)).expect("the views' file");
        db.busy_timeout(PATIENCE).expect("a connection");
        db.execute_batch("BEGIN IMMEDIATE").expect("a lock");
        db
    }

    /// The path of a file of the data directory.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Publishes the newest checkpoint, which a house has no keeper for.
    pub(crate) fn publish(&self) {
        let checkpoint = self.ledger.reader().checkpoint();
        std::fs::write(self.dir.path().join("log/checkpoint"), checkpoint.as_bytes()).expect("published");
    }

    /// A trust file that pins the log's root.
    pub(crate) fn trust(&self) -> tabellion_tlog::Policy {
        let keys = self.ledger.reader().keys();
        let name = format!("{}/root", keys.origin());
        let root = tabellion_tlog::VerifierKey::new(&name, keys.root().public).expect("a key with a name");
        tabellion_tlog::Policy::parse(format!("log {root}\nquorum none\n")).expect("a trust file")
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.server.address(), method, path)
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        self.ask("GET", path).bearer(token).send()
    }

    pub(crate) fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.ask("POST", path).bearer(token).json(body).send()
    }

    pub(crate) fn put(&self, token: &str, path: &str, version: &str, body: &Value) -> Answer {
        self.ask("PUT", path).bearer(token).header("if-match", version).json(body).send()
    }

    /// The token of a fresh link for a person.
    pub(crate) fn link(&self, person: &str) -> String {
        let id = tabellion_model::CredentialId::from_hex(person).expect("an id");
        let (link, _) = self
            .desk
            .issue_link(&Actor::Operator, &Given::default(), id, &NewLink { valid_minutes: 15 }, "")
            .expect("the operator can hand out links");
        link.token.expect("a first answer has the token")
    }

    /// A session for a fresh link, as a program holds it.
    pub(crate) fn session(&self, person: &str) -> String {
        let body = json!({"link": self.link(person), "for": "program"});
        let opened = self.ask("POST", "/api/v1/session").json(&body).send().ok().json();
        opened["token"].as_str().expect("a token").to_owned()
    }

    /// A person with roles, signed in: id and token.
    pub(crate) fn person(&self, name: &str, roles: &[Role]) -> (String, String) {
        let new: NewPerson = serde_json::from_value(json!({"name": name, "roles": roles})).expect("a person");
        let (person, _) = self.desk.add_person(&Actor::Operator, &Given::default(), &new).expect("added");
        let token = self.session(&person.id);
        (person.id, token)
    }

    /// A live system that `token` answers for: its id.
    pub(crate) fn live_system(&self, token: &str, name: &str) -> String {
        let body = json!({"name": name, "purposes": ["support"]});
        let made = self.post(token, "/api/v1/systems", &body).ok().json();
        let id = made["result"]["id"].as_str().expect("an id").to_owned();
        let stage = json!({"stage": "live", "reason": "approved"});
        self.post(token, &format!("/api/v1/systems/{id}/stage"), &stage).ok();
        id
    }

    /// A key of a system: id and secret.
    pub(crate) fn key(&self, token: &str, system: &str) -> (String, String) {
        let made = self
            .post(token, &format!("/api/v1/systems/{system}/keys"), &json!({"name": "backend"}))
            .ok()
            .json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (text(&made["result"]["key"]["id"]), text(&made["result"]["secret"]))
    }

    /// Records one call that was answered and one that was denied, as the gateway does; the record ids of the decisions.
    pub(crate) fn calls(&self, system: &str, key: &str) -> (String, String) {
        self.calls_saying(system, key, "what the provider saw")
    }

    /// The same, with `text` wherever others choose the words.
    pub(crate) fn calls_saying(&self, system: &str, key: &str, text: &str) -> (String, String) {
        let said =
            |usual: &str| if text == "what the provider saw" { usual.to_owned() } else { text.to_owned() };
        let authorised = CallAuthorised {
            caller: None,
            surface: "openai.chat_completions".into(),
            model: said("small"),
            upstream: "local".into(),
            upstream_model: None,
            terms: None,
            attempt: None,
            translated: None,
            budgets: Vec::new(),
            purpose: said("support"),
            stream: false,
            received_bytes: 3,
            received_sha256: None,
            received_salted_sha256: Some("a".repeat(64)),
            forwarded_sha256: None,
            forwarded_salted_sha256: Some("b".repeat(64)),
            forwarded_headers_sha256: Some("9".repeat(64)),
            masked: vec![],
            passed: Vec::new(),
            masking: Vec::new(),
            pseudonyms: None,
            policies: vec!["c".repeat(64)],
            rules: vec!["base.rule1".into()],
            guards: Vec::new(),
            guards_after: Vec::new(),
            observed: None,
            references: Vec::new(),
            opened: None,
            retry: 0,
            prompt: Some(text.to_owned()),
            prompt_withheld: None,
        };
        let first = self.append(&authorised, system, key, None);
        let completed: CallCompleted = serde_json::from_value(json!({
            "outcome": "answered", "status": 200, "delivered": "whole", "answered": {"tools": [], "model": said("small")}, "received_bytes": 3,
            "received_sha256": "d".repeat(64), "released_sha256": "e".repeat(64), "masked": [], "duration_us": 12,
        }))
        .expect("a body");
        self.append(&completed, system, key, Some(&first));
        let denied: CallDenied = serde_json::from_value(json!({
            "code": "policy_denied", "reason": said("no rule permits it"), "status": 403, "surface": "openai.chat_completions",
            "model": said("large"), "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
        }))
        .expect("a body");
        let second = self.append(&denied, system, key, None);
        (first.1, second.1)
    }

    /// Records one call that was answered, by the model that the provider says; the record id of its permission.
    pub(crate) fn answered(&self, system: &str, key: &str, asked: &str, by: Option<&str>) -> String {
        let authorised: CallAuthorised = serde_json::from_value(json!({
            "surface": "openai.chat_completions", "model": asked, "upstream": "local", "purpose": "support", "stream": false,
            "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [], "policies": [],
            "rules": [], "retry": 0,
        }))
        .expect("a body");
        let first = self.append(&authorised, system, key, None);
        let completed: CallCompleted = serde_json::from_value(json!({
            "outcome": "answered", "status": 200, "delivered": "whole", "answered": {"model": by, "tools": []}, "received_bytes": 3,
            "received_sha256": "d".repeat(64), "released_sha256": "e".repeat(64), "masked": [], "duration_us": 12,
        }))
        .expect("a body");
        self.append(&completed, system, key, Some(&first));
        first.1
    }

    /// Entry and record id of a record as the gateway makes it.
    pub(crate) fn append<B: Body>(
        &self,
        body: &B,
        system: &str,
        key: &str,
        parent: Option<&(u64, String)>,
    ) -> (u64, String) {
        let mut draft = Draft::new(B::TYPE);
        draft.body = body.fields().expect("fields");
        draft.actor = Some(key.to_owned());
        draft.assurance = Some("observed".to_owned());
        draft.system = Some(system.to_owned());
        draft.observed_at = Some(self.clock.now().0);
        draft.erasable_alone = true;
        if let Some((index, record_id)) = parent {
            let bytes = self.ledger.reader().entry(*index).expect("the parent").bytes;
            draft.parents = vec![tabellion_ledger::DraftParent {
                hash: tabellion_tlog::leaf_hash(&bytes).to_hex(),
                record_id: record_id.clone(),
                role: "authorised".to_owned(),
            }];
        }
        let ack = self.ledger.append(&draft).expect("a record");
        (ack.index, ack.record_id.to_hex())
    }
}
