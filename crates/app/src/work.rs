//! What people and programs do to the log through the control plane, one file per kind of thing.
//!
//! Every change goes the same way: permission → rules over the views → append, compared with the version it was decided on → wait until the
//! views have passed it → the resource as it is now. Promises: no change without its record; a rule that held when it was checked still
//! holds where the record stands, or nothing is appended. Must never: know HTTP.

pub mod access;
pub mod acknowledging;
pub mod actor;
pub mod applicability;
pub(crate) mod around;
pub(crate) mod asking;
pub mod assessments;
pub mod budget_alerts;
mod budget_scope;
pub mod budgets;
pub mod called;
pub mod calls;
pub mod capturing;
pub mod configuration;
pub mod controls;
pub(crate) mod coverage;
pub(crate) mod coverage_over;
pub mod digests;
pub mod enrichments;
pub mod entries;
pub mod erasures;
pub mod findings;
pub mod forms;
pub mod guards;
pub mod invoices;
pub mod issuers;
pub mod keys;
pub mod masked;
pub mod masking;
pub mod measurements;
mod noticing;
pub mod observing;
pub mod openings;
pub mod packages;
pub mod packs;
pub(crate) mod past;
pub mod people;
pub mod playground;
pub mod policies;
pub mod prices;
pub mod probes;
pub mod proposing;
pub mod prose;
pub mod records;
pub mod registers;
pub mod replays;
pub mod rule_forms;
pub mod rule_watch;
pub mod rules;
pub mod saved_views;
pub(crate) mod second_person;
pub mod session_ends;
pub mod sessions;
pub mod shards;
pub mod sources;
pub mod spend;
pub mod statements;
pub mod stops;
pub mod systems;
pub mod tiles;
pub mod traffic;
pub mod unmasking;
pub mod usage;
pub mod verifications;
pub mod viewing;
mod windows;
pub(crate) mod writing;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tabellion_ledger::disk::Disk;
use tabellion_ledger::{Clock, Entropy, Ledger, LedgerError};
use tabellion_model::register::Registers;
use tabellion_model::registry::SourceLife;
use tabellion_model::{CredentialId, Micros, SystemId};
use tabellion_tlog::{Hash, sha256};
use tabellion_views::Views;
use tabellion_views::lag::Lag;
use tabellion_views::query::{SystemFilter, SystemRow};

use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

pub use actor::Actor;
pub use asking::VIEWS_WITHIN;
pub use writing::{Given, Written};

/// Where a policy's text has a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// First line at fault, from 1; 0 when the fault has no place.
    pub line: u64,
    /// First column at fault, from 1; 0 when the fault has no place.
    pub column: u64,
    /// What is wrong and what to do.
    pub what: String,
}

/// Checks a policy's text; gives the ids of its rules.
pub type PolicyCheck = Arc<dyn Fn(&str) -> Result<Vec<String>, PolicyFault> + Send + Sync>;

/// Told once the log has stopped for good, with the reason: the process must end and recover at its next start.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;

/// What the desk works with.
pub struct Tools {
    /// Where keys are, to sign packages with.
    pub disk: Arc<dyn Disk>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub entropy: Arc<dyn Entropy>,
    /// The registers that items are kept in.
    pub registers: Registers,
    /// Checks policies.
    pub check_policy: PolicyCheck,
    /// How long policies are observed before they come into force.
    pub observation: observing::ObservationRules,
    /// Ends the process.
    pub on_fatal: OnFatal,
    /// Longest wait for the views to pass a change before it is answered; [`VIEWS_WITHIN`] for a server. The gateway decides by the same views,
    /// so that a key that was revoked is refused there too.
    pub views_within: Duration,
}

/// Where work is done: an open log, its views, and what else is needed.
pub struct Desk {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) views: Arc<Views>,
    pub(crate) tools: Arc<Tools>,
    /// Set when this desk stands at an earlier log size.
    pub(crate) then: Option<past::Then>,
    /// Held while roles change: that one administrator stays is a rule over several streams, which no single stream's version guards.
    pub(crate) roles: Mutex<()>,
    /// Held while a policy comes into force or under observation.
    pub(crate) observing: Mutex<()>,
    /// Held while the Statement of Applicability changes: an approval is of all its rows, and each has a stream of its own.
    pub(crate) statement: Mutex<()>,
    /// Held while somebody keeps a view: how many they may keep is a rule over several streams.
    pub(crate) saving_views: Mutex<()>,
    /// Read while a statement is checked and registered, written while an issuer's key is removed: between the check and the record nobody removes the key
    /// that was checked.
    pub(crate) issuers_stand: RwLock<()>,
    /// Held while a package is built: it reads the whole range.
    pub(crate) packing: Mutex<()>,
    /// One is held while a text of a policy is tried: anybody who reads policies may, and none of them must take the machine from the others.
    pub(crate) trying: [Mutex<()>; policies::MAX_TRIALS],
    /// Held while a call is tried: it may wait for guards of others, and those who publish rules must not wait for that.
    pub(crate) playing: Mutex<()>,
    /// The verification of many entries that runs, and what such ones found for good.
    pub(crate) verifying: verifications::Verifications,
    /// One is held while a source delivers, by its id: whose a source is, is a rule over what was recorded before.
    pub(crate) delivering: [Mutex<()>; sources::delivering::DELIVERING],
    /// Behind which epoch of a source the next look over gaps goes on; `None`: at the first.
    pub(crate) gaps_looked_at: Mutex<Option<SourceLife>>,
    /// One is held while something is decided about a shard, by its origin.
    pub(crate) taking: [Mutex<()>; shards::TAKING],
    /// Those who wait for witnesses.
    pub(crate) waiting: Arc<acknowledging::Waiting>,
    /// The probes of the gateway in this process, once there is one.
    pub(crate) probes: OnceLock<probes::GatewayProbes>,
    /// Names of the upstreams that are configured, once the process told them.
    pub(crate) upstreams: OnceLock<Vec<String>>,
    /// How long the gateway's snapshot has stood still.
    lag: Lag,
    /// How the last append went.
    pub(crate) health: Mutex<Health>,
    /// How clauses and controls stood at the moments that were asked for last.
    pub(crate) over: Mutex<coverage_over::Kept>,
    /// What the last looks at rules came to.
    pub(crate) looked: rule_watch::Looked,
}

/// Whether appends work.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// Why the last append failed, and when; `None` after one that was durable.
    pub failed: Option<(Micros, String)>,
    /// The log stopped for good.
    pub fatal: bool,
}

impl Desk {
    /// A desk over an open log and its views.
    pub fn open(ledger: Arc<Ledger>, views: Arc<Views>, tools: Tools) -> Self {
        Self::over(ledger, views, Arc::new(tools))
    }

    /// One that has done nothing yet.
    fn over(ledger: Arc<Ledger>, views: Arc<Views>, tools: Arc<Tools>) -> Self {
        Self {
            ledger,
            views,
            tools,
            then: None,
            roles: Mutex::new(()),
            observing: Mutex::new(()),
            statement: Mutex::new(()),
            issuers_stand: RwLock::new(()),
            saving_views: Mutex::new(()),
            packing: Mutex::new(()),
            trying: Default::default(),
            playing: Mutex::default(),
            delivering: Default::default(),
            gaps_looked_at: Mutex::default(),
            taking: Default::default(),
            verifying: verifications::Verifications::default(),
            waiting: Arc::default(),
            probes: OnceLock::new(),
            upstreams: OnceLock::new(),
            lag: Lag::new(asking::MOST_LAG),
            health: Mutex::new(Health::default()),
            over: Mutex::default(),
            looked: rule_watch::Looked::default(),
        }
    }

    /// The views.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// The log.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What time it is (or was, at a desk of the past), and never before the last commit: what has ended by then has ended, also for a clock that
    /// stepped back; and a clock that once ran ahead makes nothing last for ever.
    pub fn now(&self) -> Micros {
        self.then().unwrap_or_else(|| self.ledger.reader().now())
    }

    /// How appends go.
    pub fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn note(&self, outcome: Result<(), &LedgerError>) {
        let mut health = self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match outcome {
            Ok(()) => health.failed = None,
            Err(LedgerError::Rejected { .. }) => {}
            Err(error) => {
                health.failed = Some((self.tools.clock.now(), error.to_string()));
                if matches!(error, LedgerError::Fatal(_)) {
                    health.fatal = true;
                    (self.tools.on_fatal)(&error.to_string());
                }
            }
        }
    }

    /// 128 fresh random bits, for an id.
    pub(crate) fn random_id(&self) -> Result<[u8; 16], Refusal> {
        let mut id = [0; 16];
        self.fill(&mut id)?;
        Ok(id)
    }

    /// 256 fresh random bits as text, for a token.
    pub(crate) fn random_token(&self) -> Result<String, Refusal> {
        let mut token = [0; 32];
        self.fill(&mut token)?;
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Refusal> {
        self.tools.entropy.fill(bytes).map_err(|error| {
            Refusal::new(
                Code::Unavailable,
                format!("the operating system gives no random bytes: {error}; nothing was recorded"),
            )
        })
    }

    /// The system, when `actor` may do `permission` to it. What may not even be seen is not there.
    pub(crate) fn reach_system(
        &self,
        actor: &Actor,
        permission: Permission,
        id: SystemId,
    ) -> Result<SystemRow, Refusal> {
        let row = self.views.system(&id)?.ok_or_else(|| Refusal::not_found("system"))?;
        let judged = self.present().system(&id)?;
        if within(actor, actor.reach(permission), judged.as_ref()) {
            return Ok(row);
        }
        if within(actor, actor.reach(Permission::ReadSystems), judged.as_ref()) && !actor.is_key() {
            return Err(Refusal::new(
                Code::NotPermitted,
                "your role permits this for systems that you answer for, and you do not answer for this one",
            ));
        }
        Err(Refusal::not_found("system"))
    }

    /// Whether `actor` may do `permission` to what belongs to `system`; what belongs to none takes the whole log's reach.
    pub(crate) fn may(
        &self,
        actor: &Actor,
        permission: Permission,
        system: Option<SystemId>,
    ) -> Result<bool, Refusal> {
        let reach = actor.reach(permission);
        Ok(match (reach, actor, system) {
            // A key's own system needs no row: its registration may have been erased.
            (Reach::Own, Actor::Key { system: own, .. }, Some(system)) => *own == system,
            (Reach::Own, Actor::Person { .. }, Some(system)) => {
                within(actor, reach, self.present().system(&system)?.as_ref())
            }
            _ => within(actor, reach, None),
        })
    }

    /// The systems within reach, or `None` for all of them.
    pub(crate) fn systems_within(
        &self,
        actor: &Actor,
        permission: Permission,
    ) -> Result<Option<BTreeSet<SystemId>>, Refusal> {
        Ok(match (actor.reach(permission), actor) {
            (Reach::All, _) => None,
            (Reach::Own, Actor::Key { system, .. }) => Some([*system].into()),
            (Reach::Own, Actor::Person { id, .. }) => {
                let owned = SystemFilter { owner: Some(*id), ..SystemFilter::default() };
                let rows = asking::all(|page| self.present().systems(&owned, page))?;
                Some(rows.into_iter().map(|row| row.system).collect())
            }
            (Reach::Own, Actor::Operator) | (Reach::Nothing, _) => Some(BTreeSet::new()),
        })
    }
}

fn within(actor: &Actor, reach: Reach, system: Option<&SystemRow>) -> bool {
    match reach {
        Reach::All => true,
        Reach::Nothing => false,
        Reach::Own => match actor {
            Actor::Key { system: own, .. } => system.is_some_and(|row| row.system == *own),
            Actor::Person { id, .. } => {
                system.and_then(|row| row.described.as_ref()).is_some_and(|said| said.owner == *id)
            }
            Actor::Operator => false,
        },
    }
}

/// The SHA-256 of a token or a text.
pub(crate) fn digest_of(text: &str) -> Hash {
    sha256(text.as_bytes())
}

/// A credential's random id.
pub(crate) fn credential(bytes: [u8; 16]) -> CredentialId {
    CredentialId::from_bytes(bytes)
}
