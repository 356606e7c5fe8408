//! A gateway with everything that it stands on, and eyes for its records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tabellion_gateway::{
    Api, CircuitConfig, EnrichConfig, Foundations, Gateway, GatewayConfig, GuardConfig, IdentityConfig,
    Limits, MaskedName, MaskingConfig, ProbeConfig, RetryConfig, RoundBefore, TlsConfig, UpstreamConfig,
};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::disk::real::RealDisk;
use tabellion_ledger::{Clock, Draft, Ledger, NewLog, OpenOptions, OsEntropy, SystemClock, UnitContent};
use tabellion_model::body::{Body, CallAuthorised, CallCompleted, CallDenied, Capture, SystemStage};
use tabellion_model::{CredentialId, Env, Header, Micros, Origin, SystemId};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::Script;
use tabellion_views::Views;
use tabellion_views::gate::{Gate, GateCell, GateKey, GatePolicy, GateSystem};

use crate::client::{Answer, Client, request};
use crate::disk::Hold;

pub(crate) const SYSTEM: [u8; 16] = [0x51; 16];
pub(crate) const KEY: [u8; 16] = [0x6b; 16];
/// Log size that decisions name: more than any test records, since no projector moves it.
pub(crate) const POSITION: u64 = 1 << 32;
/// The provider's key.
pub(crate) const PROVIDER_KEY: &str = "sk-provider-secret";
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The key that tests call with.
pub(crate) fn api_key() -> String {
    key_of(KEY)
}

/// A key of this credential.
pub(crate) fn key_of(id: [u8; 16]) -> String {
    format!("tbl_{}_{}", CredentialId::from_bytes(id).to_hex(), "s".repeat(43))
}

/// A key as the gate knows it.
pub(crate) fn gate_key(id: [u8; 16]) -> GateKey {
    GateKey {
        system: SystemId::from_bytes(SYSTEM),
        secret_sha256: Sha256::digest(key_of(id)).into(),
        purposes: vec!["loan-support".to_owned(), "testing".to_owned()],
        models: Vec::new(),
        ends_at: None,
    }
}

/// Everything in force: one live system with one key, and one rule that permits.
pub(crate) fn gate() -> Gate {
    let system = GateSystem {
        name: "Loan support".to_owned(),
        stage: SystemStage::Live,
        owner: CredentialId::from_bytes([1; 16]),
        purposes: vec!["loan-support".to_owned(), "testing".to_owned()],
        capture: Capture::None,
    };
    Gate {
        position: POSITION,
        systems: Arc::new([(SystemId::from_bytes(SYSTEM), system)].into()),
        keys: Arc::new([(CredentialId::from_bytes(KEY), gate_key(KEY))].into()),
        policies: Arc::new(vec![policy(r#"@id("all") permit (principal, action, resource);"#)]),
        observed: Arc::default(),
        policy_generation: 1,
        ..Gate::default()
    }
}

pub(crate) fn policy(text: &str) -> GatePolicy {
    GatePolicy { name: "base".to_owned(), text: text.to_owned(), digest: hex::encode(Sha256::digest(text)) }
}

/// How a fixture differs from the plain one.
pub(crate) struct Setup {
    pub(crate) gate: Gate,
    pub(crate) limits: Limits,
    pub(crate) guards: Vec<GuardConfig>,
    /// What is told of calls that are over.
    pub(crate) enrichments: Vec<EnrichConfig>,
    /// What becomes of which personal data.
    pub(crate) masking: Vec<MaskingConfig>,
    /// When guards are tried; never by itself, unless a test says otherwise.
    pub(crate) probes: ProbeConfig,
    /// Which names are masked.
    pub(crate) names: Vec<MaskedName>,
    pub(crate) disk: Option<Arc<dyn Disk>>,
    /// Whose interface the scripted provider has.
    pub(crate) api: Api,
    /// In place of the scripted provider's own.
    pub(crate) base_url: Option<String>,
    /// Which models are asked instead of those of the scripted provider.
    pub(crate) fallback: BTreeMap<String, Vec<String>>,
    /// What prompts may name there although no record says whose it is.
    pub(crate) unrecorded: Vec<String>,
    /// Providers beside it.
    pub(crate) others: Vec<UpstreamConfig>,
    /// How it speaks TLS.
    pub(crate) tls: Option<TlsConfig>,
    /// Whose tokens are taken.
    pub(crate) identities: Vec<IdentityConfig>,
    pub(crate) circuit: CircuitConfig,
    pub(crate) retry: RetryConfig,
    /// Who vouches for a provider over TLS.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) segment_bytes: u64,
    /// What log and gateway take as the time.
    pub(crate) clock: Arc<dyn Clock>,
    /// What the log begins with; the gate is then what real views make of it, and not `gate`.
    pub(crate) begins_with: Option<Vec<Draft>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            gate: gate(),
            limits: Limits::default(),
            guards: Vec::new(),
            enrichments: Vec::new(),
            masking: Vec::new(),
            probes: ProbeConfig { every_s: None, ..ProbeConfig::default() },
            names: MaskedName::ALL.to_vec(),
            disk: None,
            api: Api::OpenAi,
            base_url: None,
            fallback: BTreeMap::new(),
            unrecorded: Vec::new(),
            others: Vec::new(),
            tls: None,
            identities: Vec::new(),
            circuit: CircuitConfig::default(),
            retry: RetryConfig::default(),
            ca_file: None,
            segment_bytes: 8 << 20,
            clock: Arc::new(SystemClock),
            begins_with: None,
        }
    }
}

/// The gateway, its provider and its log.
pub(crate) struct Fixture {
    pub(crate) gateway: Option<Gateway>,
    pub(crate) upstream: Upstream,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) gate: Arc<GateCell>,
    pub(crate) hold: Hold,
    /// What the gateway said to its operator.
    pub(crate) said: Arc<Mutex<Vec<String>>>,
    /// Views of its log, where the gate is theirs.
    pub(crate) views: Option<Views>,
    config: GatewayConfig,
    clock: Arc<dyn Clock>,
    dir: tempfile::TempDir,
}

/// One record with all its fields.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) index: u64,
    pub(crate) header: Header,
    pub(crate) fields: Map<String, Value>,
}

impl Fixture {
    pub(crate) fn new(script: impl Into<Script>) -> Self {
        Self::with(script, Setup::default())
    }

    pub(crate) fn with(script: impl Into<Script>, setup: Setup) -> Self {
        let upstream = Upstream::start(script);
        let dir = tempfile::tempdir().expect("a temporary directory");
        let hold = Hold::default();
        let inner = setup
            .disk
            .unwrap_or_else(|| Arc::new(RealDisk::create(dir.path().join("log")).expect("a data directory")));
        let disk = hold.over(inner);
        let options = OpenOptions {
            background: false,
            segment_bytes: setup.segment_bytes,
            ..OpenOptions::new(Arc::clone(&setup.clock), Arc::new(OsEntropy))
        };
        let origin = Origin::new("test.example/log/acme").expect("a plain origin");
        let ledger = Ledger::create(disk, &NewLog { origin, env: Env::Production }, &options)
            .expect("a log can be made in an empty directory");
        let ledger = Arc::new(ledger);
        let views = setup.begins_with.map(|drafts| {
            ledger.append_all(&drafts).expect("the log begins");
            views(&ledger, dir.path())
        });
        let gate = views.as_ref().map_or_else(|| Arc::new(GateCell::new(setup.gate)), Views::gate);
        let key_file = dir.path().join("provider.key");
        std::fs::write(&key_file, format!("{PROVIDER_KEY}\n")).expect("a file");
        make_private(&key_file);
        let config = GatewayConfig {
            listen: "127.0.0.1:0".parse().expect("an address"),
            threads: 2,
            names: setup.names,
            upstreams: [
                vec![UpstreamConfig {
                    api: setup.api,
                    key_file: Some(key_file),
                    ca_file: setup.ca_file,
                    models: vec!["model-a".to_owned(), "gpt-*".to_owned()],
                    aliases: [("house-model".to_owned(), "gpt-real".to_owned())].into(),
                    fallback: setup.fallback,
                    unrecorded: setup.unrecorded,
                    ..UpstreamConfig::new("scripted", setup.base_url.unwrap_or_else(|| upstream.base_url()))
                }],
                setup.others,
            ]
            .concat(),
            guards: setup.guards,
            enrichments: setup.enrichments,
            masking: setup.masking,
            probes: setup.probes,
            circuit: setup.circuit,
            retry: setup.retry,
            identities: setup.identities,
            tls: setup.tls,
            limits: setup.limits,
        };
        let clock = setup.clock;
        let said = Arc::default();
        let mut fixture =
            Self { gateway: None, upstream, ledger, gate, hold, said, views, config, clock, dir };
        fixture.serve();
        fixture
    }

    fn serve(&mut self) {
        let foundations = Foundations {
            ledger: Arc::clone(&self.ledger),
            gate: Arc::clone(&self.gate),
            clock: Arc::clone(&self.clock),
            placeholder_key: [7; 32].into(),
            on_fatal: Arc::new(|_| {}),
            log: {
                let said = Arc::clone(&self.said);
                Arc::new(move |line| {
                    said.lock().expect("no test panics with this lock").push(line.to_owned());
                })
            },
            probed: self.views.as_ref().map_or(RoundBefore::None, |views| {
                views.newest_probe_round().expect("rounds of probes").into()
            }),
        };
        self.gateway = Some(Gateway::start(&self.config, foundations).expect("the gateway starts"));
    }

    /// Ends the gateway and its views, throws the views away, and starts both anew, as a process that knows nothing but the log.
    pub(crate) fn restart(&mut self) {
        drop(self.gateway.take());
        drop(self.views.take());
        let views = views(&self.ledger, &self.dir.path().join("again"));
        self.gate = views.gate();
        self.views = Some(views);
        self.serve();
    }

    /// Waits until the views have read everything.
    pub(crate) fn catch_up(&self) {
        let views = self.views.as_ref().expect("the gate is that of views");
        views.wait_for(self.ledger.reader().size(), Instant::now() + PATIENCE).expect("views follow the log");
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.gateway.as_ref().expect("not stopped").address())
    }

    /// Sends a chat request with the key and gives back the connection.
    pub(crate) fn ask(&self, body: &[u8]) -> Client {
        let mut client = self.connect();
        client.send(&chat_request(body));
        client
    }

    /// Sends a chat request and reads its answer.
    pub(crate) fn chat(&self, body: &[u8]) -> Answer {
        self.ask(body).answer()
    }

    /// Sends a request of any kind with the key.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", api_key());
        let mut all = vec![("Authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        let mut client = self.connect();
        client.send(&request(method, path, &all, body));
        client.answer()
    }

    /// Every record of the gateway so far, in order.
    pub(crate) fn records(&self) -> Vec<Seen> {
        let reader = self.ledger.reader();
        (0..reader.size())
            .filter_map(|index| {
                let entry = reader.entry(index).expect("a committed entry can be read");
                let header = entry.entry.header()?.clone();
                let kind = header.record_type.as_str();
                if !["call.", "noise.", "provider.", "guard.", "object.", "batch."]
                    .iter()
                    .any(|family| kind.starts_with(family))
                {
                    return None;
                }
                let mut fields = Map::new();
                for unit in entry.units {
                    let disclosures = match unit.content {
                        UnitContent::Shown(disclosures) => disclosures,
                        UnitContent::Erased => continue,
                        UnitContent::Missing => panic!("content is missing"),
                    };
                    fields.extend(
                        disclosures.into_iter().map(|shown| (shown.name().to_owned(), shown.value().clone())),
                    );
                }
                Some(Seen { index, header, fields })
            })
            .collect()
    }

    /// The records of one type.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<Seen> {
        self.records().into_iter().filter(|seen| seen.header.record_type.as_str() == kind).collect()
    }

    /// Waits until there are `count` end records; gives them all.
    pub(crate) fn ended(&self, count: usize) -> Vec<CallCompleted> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let size = self.ledger.reader().size();
            let ended = self.of_type(CallCompleted::TYPE);
            if ended.len() >= count {
                self.check_pairs();
                return ended.into_iter().map(|seen| body(&seen)).collect();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "a call has no end record: {:?}", self.records());
            self.ledger.reader().wait_for_more(size, left.min(Duration::from_millis(200)));
        }
    }

    /// The one end record.
    pub(crate) fn end(&self) -> CallCompleted {
        let mut ended = self.ended(1);
        assert_eq!(ended.len(), 1, "one call has one end");
        ended.remove(0)
    }

    pub(crate) fn authorised(&self) -> Vec<CallAuthorised> {
        self.of_type(CallAuthorised::TYPE).iter().map(body).collect()
    }

    pub(crate) fn denied(&self) -> Vec<CallDenied> {
        self.of_type(CallDenied::TYPE).iter().map(body).collect()
    }

    /// Each end follows from a permission, and no permission has two ends.
    pub(crate) fn check_pairs(&self) {
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for seen in self.of_type(CallCompleted::TYPE) {
            let known = |role: &str| ["authorised", "attempt_of", "stop"].contains(&role);
            let parents = &seen.header.parents;
            assert!(parents.iter().all(|parent| known(&parent.role)), "an end follows from something else");
            // Readers join calls by this role.
            let parents: Vec<_> = parents.iter().filter(|parent| parent.role == "authorised").collect();
            let [parent] = parents.as_slice() else { panic!("an end without its permission") };
            *ends.entry(parent.record_id.to_hex()).or_default() += 1;
        }
        let known: Vec<String> =
            self.of_type(CallAuthorised::TYPE).iter().map(|seen| seen.header.record_id.to_hex()).collect();
        for (id, count) in ends {
            assert!(known.contains(&id), "an end belongs to no call");
            assert_eq!(count, 1, "a call ended twice");
        }
    }

    /// Stops the gateway as the program does.
    pub(crate) fn stop(&mut self, within: Duration) {
        self.gateway.take().expect("not stopped").stop(within);
    }

    /// Changes every system.
    pub(crate) fn change_systems(&self, with: impl Fn(&mut GateSystem)) {
        self.change(|gate| {
            for system in Arc::make_mut(&mut gate.systems).values_mut() {
                with(system);
            }
        });
    }

    /// Changes every key.
    pub(crate) fn change_keys(&self, with: impl Fn(&mut GateKey)) {
        self.change(|gate| {
            for key in Arc::make_mut(&mut gate.keys).values_mut() {
                with(key);
            }
        });
    }

    /// Replaces the snapshot.
    pub(crate) fn change(&self, with: impl FnOnce(&mut Gate)) {
        let mut gate = Gate::clone(&self.gate.load());
        with(&mut gate);
        gate.position += 1;
        gate.policy_generation += 1;
        self.gate.store(gate);
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.hold.release();
        drop(self.gateway.take());
        let _ = self.ledger.close();
        let _ = &self.dir;
    }
}

/// Keeps everybody else from a file with a key, as the gateway wants it.
pub(crate) fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("permissions can be set");
}

/// Views of a log that have read all of it.
fn views(ledger: &Ledger, dir: &Path) -> Views {
    std::fs::create_dir_all(dir).expect("a directory");
    let views = Views::start(ledger.reader().clone(), dir, Arc::new(|_| {})).expect("views open");
    views.wait_for(ledger.reader().size(), Instant::now() + PATIENCE).expect("views follow the log");
    views
}

/// A record's body.
pub(crate) fn body<B: Body>(seen: &Seen) -> B {
    B::read(seen.fields.clone()).expect("the fields make the body of its type")
}

/// A chat request with the key, as bytes.
pub(crate) fn chat_request(body: &[u8]) -> Vec<u8> {
    let bearer = format!("Bearer {}", api_key());
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    request("POST", "/v1/chat/completions", &headers, body)
}

/// A chat request with one message.
pub(crate) fn say(text: &str) -> Vec<u8> {
    json!({ "model": "model-a", "messages": [{ "role": "user", "content": text }] }).to_string().into_bytes()
}

/// The same as a stream.
pub(crate) fn say_streaming(text: &str) -> Vec<u8> {
    json!({ "model": "model-a", "stream": true, "messages": [{ "role": "user", "content": text }] })
        .to_string()
        .into_bytes()
}

/// SHA-256, as records write it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A moment long gone.
pub(crate) const LONG_AGO: Micros = Micros(1_000_000);
