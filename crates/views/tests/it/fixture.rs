//! Ledgers with the records that gateway and control plane write, and views of them.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tabellion_ledger::disk::Disk;
use tabellion_ledger::{Ack, Draft, DraftParent, DraftStream, ErasureTarget, Ledger, NewLog, OpenOptions};
use tabellion_model::body::{
    Answered, Body, BudgetScope, BudgetSet, CallAuthorised, CallBroken, CallCompleted, CallDenied, Caps,
    Capture, CredentialIssued, CredentialRevoked, Delivered, GuardOutcome, Guarded, Masked, MaskingUnmasked,
    Observed, Outcome, PersonAdded, PersonDetails, PolicyProposed, PolicyPublished, PriceSet, PriceWithdrawn,
    RegisterDecided, RegisterMoved, RegisterNoted, RegisterRefreshOpened, RegisterRefused, RegisterSaved,
    RegisterSubmitted, StopLifted, StopOrdered, StopScope, SystemRegistered, SystemStage, SystemStageChanged,
    Usage, ViewRemoved, ViewSaved,
};
use tabellion_model::charge::{Currency, Rates, Reserved, Spent, Tokens, Window};
use tabellion_model::register::{Decision, RefreshTrigger, content_digest};
use tabellion_model::{CredentialId, Env, ItemId, Micros, Origin, RecordId, StopId, SystemId};
use tabellion_testkit::{ManualClock, SeededEntropy, SimDisk};
use tabellion_tlog::{leaf_hash, sha256};
use tabellion_views::{Views, ViewsDigest};

/// When the logs of the tests begin.
pub(crate) const START: u64 = 1_790_000_000_000_000;
/// Longest wait for the projector: far above what any test needs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A ledger on a simulated disk, and a directory for its views.
pub(crate) struct Bench {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ledger: Ledger,
    pub(crate) dir: tempfile::TempDir,
    /// What operators were told.
    pub(crate) notes: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::seeded(7)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(Micros(START)));
        let new = NewLog { origin: Origin::new("test.example/log/acme").unwrap(), env: Env::Production };
        let options = OpenOptions {
            segment_bytes: 64 << 20,
            background: false,
            ..OpenOptions::new(clock.clone(), Arc::new(SeededEntropy::new(seed)))
        };
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        let ledger = Ledger::create(disk, &new, &options).expect("a log");
        Self { clock, ledger, dir: tempfile::tempdir().expect("a directory"), notes: Arc::default() }
    }

    /// Views that are up to date.
    pub(crate) fn views(&self) -> Views {
        let views = self.start();
        self.catch_up(&views);
        views
    }

    /// Views that may still be behind.
    pub(crate) fn start(&self) -> Views {
        self.start_in(self.dir.path())
    }

    pub(crate) fn start_in(&self, dir: &Path) -> Views {
        let notes = Arc::clone(&self.notes);
        let note = Arc::new(move |line: &str| notes.lock().unwrap().push(line.to_owned()));
        Views::start(self.ledger.reader().clone(), dir, note).expect("views open")
    }

    pub(crate) fn catch_up(&self, views: &Views) {
        let until = Instant::now() + PATIENCE;
        views.wait_for(self.ledger.reader().size(), until).expect("the views follow the log");
    }

    /// The digest of views that are made from nothing, elsewhere.
    pub(crate) fn rebuilt(&self) -> ViewsDigest {
        let dir = tempfile::tempdir().expect("a directory");
        Views::rebuild(dir.path(), self.ledger.reader()).expect("views can be made from the log").after
    }

    pub(crate) fn append(&self, draft: &Draft) -> Ack {
        self.ledger.append(draft).expect("an append")
    }

    pub(crate) fn parent(&self, record: RecordId, entry: u64, role: &str) -> DraftParent {
        let hash = leaf_hash(&self.ledger.reader().entry(entry).expect("the entry").bytes).to_hex();
        DraftParent { hash, record_id: record.to_hex(), role: role.to_owned() }
    }

    /// A call that is permitted and not ended.
    pub(crate) fn authorise(&self, system: SystemId, key: CredentialId, model: &str) -> Ack {
        self.append(&authorised(system, key, model))
    }

    /// Its end.
    pub(crate) fn complete(&self, system: SystemId, key: CredentialId, call: &Ack, tokens: u64) -> Ack {
        let mut draft = completed(system, key, tokens);
        draft.parents.push(self.parent(call.record_id, call.index, "authorised"));
        self.append(&draft)
    }

    /// The end of a call that nobody saw.
    pub(crate) fn break_off(&self, system: SystemId, key: CredentialId, call: &Ack) -> Ack {
        let body = CallBroken { delivered: Delivered::Unknown, code: "process_ended".to_owned(), key };
        let mut draft = of_system(draft(&body), system);
        draft.parents.push(self.parent(call.record_id, call.index, "authorised"));
        self.append(&draft)
    }

    pub(crate) fn erase_subject(&self, person: CredentialId) {
        let target = ErasureTarget::Subject(person.to_hex());
        self.ledger.erase(&target, "the subject asked").expect("an erasure");
    }

    pub(crate) fn erase_record(&self, ack: &Ack) {
        let target = ErasureTarget::Record(ack.index);
        self.ledger.erase(&target, "it was a mistake").expect("an erasure");
    }
}

/// A live system with a known owner, a key and a policy.
pub(crate) fn organisation(bench: &Bench, system: SystemId, key: CredentialId, owner: CredentialId) {
    bench.append(&added(owner, "Olivia Owner"));
    bench.append(&registered(system, "Loan support", owner));
    bench.append(&staged(system, SystemStage::Live));
    bench.append(&issued(key, system, "secret"));
    bench.append(&published("house", "permit(principal, action, resource);"));
}

pub(crate) fn system(byte: u8) -> SystemId {
    SystemId::from_bytes([byte; 16])
}

pub(crate) fn item(byte: u8) -> ItemId {
    ItemId::from_bytes([byte; 16])
}

/// The register that the tests' items are in; views know no register by name.
pub(crate) const REGISTER: &str = "things";

fn of_item(draft: Draft, item: ItemId, system: SystemId, branch: &str) -> Draft {
    of_system(on(draft, format!("register/{REGISTER}/{item}{branch}")), system)
}

/// The first revision of an item, or one more that says it is the first.
pub(crate) fn item_saved(item: ItemId, system: SystemId, model: &str) -> Draft {
    let body = RegisterSaved {
        register: REGISTER.to_owned(),
        item,
        revision: 1,
        content: item_content(model),
        definition: "ab".repeat(32),
        missing: vec!["purpose".to_owned()],
    };
    of_item(draft(&body), item, system, "")
}

pub(crate) fn item_content(model: &str) -> tabellion_model::register::Content {
    let content = serde_json::json!({"name": format!("With {model}"), "owner": credential(9).to_hex(), "models": [model], "tier": "high",
        "due": "2026-03-04", "references": ["8.4"]});
    content.as_object().expect("an object").clone()
}

/// An act on an item, of whichever kind.
pub(crate) fn item_acted(item: ItemId, system: SystemId, which: u8) -> Draft {
    let register = REGISTER.to_owned();
    let digest = content_digest(REGISTER, &item, 1, &item_content("model 0")).expect("plain JSON").to_hex();
    match which {
        0 => of_item(draft(&RegisterSubmitted { register, item, revision: 1, digest }), item, system, ""),
        1 | 2 => {
            let decision = if which == 1 { Decision::Approved } else { Decision::Returned };
            let body = RegisterDecided {
                register,
                item,
                revision: 1,
                digest,
                decision,
                conditions: String::new(),
                reason: "weighed".to_owned(),
                role: tabellion_model::body::Role::Approver,
                next_review_at: Some(Micros(START + 1)),
            };
            of_item(draft(&body), item, system, "")
        }
        3 => {
            let body =
                RegisterMoved { register, item, state: "used".to_owned(), reason: "because".to_owned() };
            of_item(draft(&body), item, system, "")
        }
        4 => {
            let body = RegisterRefreshOpened {
                register,
                item,
                digest,
                trigger: RefreshTrigger::ModelNotNamed,
                model: Some("model 3".to_owned()),
                fields: Vec::new(),
                cause: RecordId::from_bytes([5; 16]),
            };
            of_item(draft(&body), item, system, "/refresh")
        }
        5 => {
            let body = RegisterNoted { register, item, text: "what somebody thinks of it".to_owned() };
            of_item(draft(&body), item, system, "/notes")
        }
        _ => {
            let body = RegisterRefused { register, item, digest, code: "own_work".to_owned() };
            of_item(draft(&body), item, system, "/refused")
        }
    }
}

pub(crate) fn credential(byte: u8) -> CredentialId {
    CredentialId::from_bytes([byte; 16])
}

/// A draft of a body, that can be erased alone.
pub(crate) fn draft<B: Body>(body: &B) -> Draft {
    let mut draft = Draft::new(B::TYPE);
    draft.body = body.fields().expect("a body is an object");
    draft.erasable_alone = true;
    draft
}

pub(crate) fn on(mut draft: Draft, stream: String) -> Draft {
    draft.stream = Some(DraftStream { name: stream, expected: None });
    draft
}

pub(crate) fn of_system(mut draft: Draft, system: SystemId) -> Draft {
    draft.system = Some(system.to_hex());
    draft
}

pub(crate) fn by(mut draft: Draft, key: CredentialId) -> Draft {
    draft.actor = Some(key.to_hex());
    draft
}

pub(crate) fn registered(system: SystemId, name: &str, owner: CredentialId) -> Draft {
    let body = SystemRegistered {
        name: name.to_owned(),
        owner,
        purposes: vec!["loan-support".to_owned()],
        description: "Answers questions about loans".to_owned(),
        capture: Capture::Masked,
        // Beside a name that a test erases stands what is said of it.
        capture_reason: Some(format!("complaints about {name} are reviewed")),
        cost_centre: Some(format!("centre-{}", name.len())),
    };
    of_system(on(draft(&body), format!("system/{system}")), system)
}

pub(crate) fn staged(system: SystemId, stage: SystemStage) -> Draft {
    let body = SystemStageChanged { stage, reason: "because".to_owned() };
    of_system(on(draft(&body), format!("system/{system}")), system)
}

pub(crate) fn issued(key: CredentialId, system: SystemId, secret: &str) -> Draft {
    let body = CredentialIssued {
        name: "backend".to_owned(),
        secret_sha256: sha256(secret.as_bytes()).to_hex(),
        purposes: vec!["loan-support".to_owned()],
        models: vec!["small".to_owned()],
        expires_at: None,
        replaces: None,
    };
    of_system(on(draft(&body), format!("credential/{key}")), system)
}

pub(crate) fn revoked(key: CredentialId, system: SystemId, at: Micros) -> Draft {
    let body = CredentialRevoked { reason: "lost".to_owned(), effective_at: at };
    of_system(on(draft(&body), format!("credential/{key}")), system)
}

pub(crate) fn published(name: &str, text: &str) -> Draft {
    let body = PolicyPublished {
        name: name.to_owned(),
        text: text.to_owned(),
        digest: sha256(text.as_bytes()).to_hex(),
        note: "first".to_owned(),
        replay: None,
        confirmed: None,
    };
    on(draft(&body), format!("policy/{name}"))
}

/// A text that is to come into force, or none: the end of the policy.
pub(crate) fn put_forward(name: &str, text: Option<&str>) -> Draft {
    let body = PolicyProposed {
        name: name.to_owned(),
        text: text.map(str::to_owned),
        digest: text.map(|text| sha256(text.as_bytes()).to_hex()),
        note: "what changes".to_owned(),
    };
    on(draft(&body), format!("policy/{name}/proposed"))
}

pub(crate) fn added(person: CredentialId, name: &str) -> Draft {
    let details = PersonDetails { name: name.to_owned(), email: String::new() };
    let details = serde_json::to_value(details).expect("plain");
    let mut draft = on(draft(&PersonAdded { person }), format!("person/{person}"));
    draft.erasable_alone = false;
    for (field, value) in details.as_object().expect("an object") {
        draft = draft.about(&person.to_hex(), field, value.clone());
    }
    draft
}

/// One of two views of lists that a person keeps; with 2 the first of them, which they keep no longer.
pub(crate) fn view_kept(person: CredentialId, which: u8) -> Draft {
    let stream = format!("view/{person}/{}", credential(which % 2));
    if which == 2 {
        return on(by(draft(&ViewRemoved {}), person), stream);
    }
    let name = format!("view {which}");
    let body = ViewSaved { name, page: "/calls".to_owned(), query: format!("q={which}") };
    let mut kept = Draft::new(ViewSaved::TYPE);
    for (field, value) in body.fields().expect("a body is an object") {
        kept = kept.about(&person.to_hex(), &field, value);
    }
    on(by(kept, person), stream)
}

/// Somebody asked what a placeholder of a call stands for.
pub(crate) fn unmasked(system: SystemId, by_whom: CredentialId, call: &RecordId, reason: &str) -> Draft {
    let placeholders = vec!["<EMAIL_7Q2K4F>".to_owned(), "<CARD_000000>".to_owned()];
    let body = MaskingUnmasked { reason: reason.to_owned(), placeholders };
    of_system(on(by(draft(&body), by_whom), format!("unmasking/{call}")), system)
}

/// What a guard said.
pub(crate) fn guarded(guard: &str, outcome: GuardOutcome) -> Guarded {
    let found = if outcome == GuardOutcome::Flagged { vec!["word 3".to_owned()] } else { Vec::new() };
    Guarded { guard: guard.to_owned(), version: "words.1-abcd".to_owned(), outcome, found, edits: None }
}

pub(crate) fn authorised(system: SystemId, key: CredentialId, model: &str) -> Draft {
    let masked = |class: &str, count| Masked { class: class.to_owned(), count, operator: None };
    let body = CallAuthorised {
        caller: None,
        surface: "openai.chat_completions".to_owned(),
        model: model.to_owned(),
        upstream: "local".to_owned(),
        upstream_model: None,
        terms: None,
        attempt: None,
        translated: None,
        budgets: Vec::new(),
        purpose: "loan-support".to_owned(),
        stream: true,
        received_bytes: 812,
        received_sha256: None,
        received_salted_sha256: Some("ab".repeat(32)),
        forwarded_sha256: None,
        forwarded_salted_sha256: Some("cd".repeat(32)),
        forwarded_headers_sha256: Some("de".repeat(32)),
        masked: vec![masked("email", 2), masked("iban", 1)],
        passed: Vec::new(),
        masking: Vec::new(),
        pseudonyms: None,
        policies: vec!["ef".repeat(32)],
        rules: vec!["house.rule0".to_owned()],
        input: None,
        guards: vec![guarded("house-words", GuardOutcome::Passed)],
        guards_after: Vec::new(),
        observed: Some(Observed {
            policies: vec!["0b".repeat(32)],
            verdict: "forbidden".to_owned(),
            rules: vec!["house.rule2".to_owned()],
        }),
        references: Vec::new(),
        opened: None,
        retry: 0,
        prompt: None,
        prompt_withheld: Some("capture_off".to_owned()),
    };
    let mut draft = of_system(by(draft(&body), key), system);
    draft.basis = Some(3);
    draft.clear = Reserved { input: 1000, output: 500, price: None }.to_clear();
    draft
}

pub(crate) fn completed(system: SystemId, key: CredentialId, tokens: u64) -> Draft {
    let usage = Some(Usage { prompt_tokens: tokens, completion_tokens: 2 * tokens });
    let body = CallCompleted {
        outcome: Outcome::Answered,
        status: 200,
        upstream_status: Some(200),
        code: None,
        delivered: Delivered::Whole,
        answered: Answered {
            model: Some("small-1".to_owned()),
            usage,
            kept: vec![format!("{tokens:032x}"), "ee".repeat(16)],
            ..Answered::default()
        },
        received_bytes: 4000,
        received_sha256: None,
        received_salted_sha256: Some("ab".repeat(32)),
        released_sha256: None,
        released_salted_sha256: Some("cd".repeat(32)),
        masked: Vec::new(),
        guards: vec![guarded("house-words", GuardOutcome::Flagged)],
        conversed: None,
        duration_us: 120_000,
        first_byte_us: Some(40_000),
        answer: None,
        answer_withheld: Some("capture_off".to_owned()),
    };
    let mut draft = of_system(by(draft(&body), key), system);
    let counted = Tokens { input: tokens, output: 2 * tokens, ..Tokens::default() };
    draft.clear = Spent::Counted(counted).to_clear();
    draft
}

/// What a million tokens cost, by one number.
pub(crate) fn rates(of: u64) -> Rates {
    let currency = Currency::parse(if of % 7 == 6 { "USD" } else { "EUR" }).expect("a currency");
    let (input, output) = (of * 1_000_000, of * 3_000_000);
    Rates { currency, input, cached: input / 10, cache_write: input, output, from: Micros(0), until: None }
}

pub(crate) fn priced(name: &str, rates: &Rates) -> Draft {
    let body = PriceSet {
        name: name.to_owned(),
        upstream: "local".to_owned(),
        model: "small".to_owned(),
        output_limit: Some(4000),
        input_limit: None,
        source: "the provider's list".to_owned(),
    };
    let mut draft = on(draft(&body), format!("price/{name}"));
    draft.clear = rates.to_clear();
    draft
}

pub(crate) fn unpriced(name: &str) -> Draft {
    let body = PriceWithdrawn { name: name.to_owned(), reason: "gone".to_owned() };
    on(draft(&body), format!("price/{name}"))
}

pub(crate) fn budgeted(name: &str, scope: BudgetScope, window: Window, caps: Caps) -> Draft {
    let body = BudgetSet {
        name: name.to_owned(),
        scope,
        window,
        caps,
        alert_percent: Some(80),
        alert_at: Vec::new(),
        note: "first".to_owned(),
    };
    on(draft(&body), format!("budget/{name}"))
}

pub(crate) fn stop_ordered(stop: StopId, scope: StopScope) -> Draft {
    let body = StopOrdered { stop, scope, reason: "it tells secrets".to_owned(), drill: false };
    on(draft(&body), format!("stop/{stop}"))
}

pub(crate) fn stop_lifted(stop: StopId, order: &Ack) -> Draft {
    let body = StopLifted { stop, ordered: order.record_id, reason: "it was mended".to_owned() };
    on(draft(&body), format!("stop/{stop}"))
}

pub(crate) fn denied(system: SystemId, key: CredentialId, code: &str) -> Draft {
    let body = CallDenied {
        caller: None,
        code: code.to_owned(),
        reason: "a rule forbids it".to_owned(),
        status: 403,
        surface: "openai.chat_completions".to_owned(),
        model: Some("large".to_owned()),
        upstream: None,
        terms: None,
        attempt: None,
        upstream_model: None,
        purpose: None,
        received_bytes: 300,
        received_sha256: None,
        received_salted_sha256: Some("ab".repeat(32)),
        policies: Vec::new(),
        rules: vec!["house.rule1".to_owned()],
        input: None,
        guards: Vec::new(),
        observed: None,
        retry: 1,
    };
    of_system(by(draft(&body), key), system)
}
