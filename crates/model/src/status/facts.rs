//! What an evaluation may look at: counts and register facts as of one log size.
//!
//! Promises: plain values without a clock. What is not known is `None`, and every rule takes that for the worst it could be. Must never: hold
//! content about a data subject.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::body::{Role, SystemStage};
use crate::catalogue::Reference;
use crate::{CredentialId, Micros, SystemId};

use super::rules::Window;

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Log size up to which this was read.
    pub size: u64,
    /// The systems that were found, drafts and retired ones too.
    pub systems: Vec<SystemFacts>,
    /// Systems according to headers alone. More than were found: the rest is taken for systems without any evidence.
    pub systems_counted: Option<u64>,
    /// Items of registers.
    pub items: Vec<Arc<ItemFacts>>,
    /// Known people who hold each role.
    pub holders: BTreeMap<Role, u64>,
    /// The rules that calls are decided by.
    pub policies: PolicyFacts,
    /// The log itself.
    pub ledger: LedgerFacts,
    /// The Statement of Applicability.
    pub applicability: Applicability,
}

/// Numbers of calls of one system in one window, by the types of their records alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// Permitted.
    pub permitted: u64,
    /// Denied.
    pub denied: u64,
    /// Ended by a record of their own.
    pub completed: u64,
    /// Found open by a start: nobody knows how they ended.
    pub broken: u64,
}

impl std::ops::AddAssign for Calls {
    fn add_assign(&mut self, other: Self) {
        self.permitted += other.permitted;
        self.denied += other.denied;
        self.completed += other.completed;
        self.broken += other.broken;
    }
}

/// One system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemFacts {
    /// Its id.
    pub system: SystemId,
    /// What people call it.
    pub name: Option<String>,
    /// Where it stands; unknown counts as in use.
    pub stage: Option<SystemStage>,
    /// Whether somebody who is known answers for it.
    pub owner_known: bool,
    /// Its calls, by [`Window::ALL`].
    pub calls: [Calls; Window::ALL.len()],
    /// Models that it was permitted to call.
    pub models: Vec<ModelSeen>,
}

impl SystemFacts {
    /// Its calls within `window`.
    pub fn calls_in(&self, window: Window) -> Calls {
        self.calls.get(window.place()).copied().unwrap_or_default()
    }

    /// Whether anybody knows that it is in use. What only might be passes no test, or an erasure could lift a share.
    pub fn known_in_use(&self, window: Window) -> bool {
        self.stage.is_some() || self.calls_in(window).permitted > 0
    }

    /// Whether it counts: in use, stopped for now, unknown, or called within the window.
    pub fn in_scope(&self, window: Window) -> bool {
        !matches!(self.stage, Some(SystemStage::Draft | SystemStage::Retired))
            || self.calls_in(window).permitted > 0
    }
}

/// One model as one system called it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSeen {
    /// The model asked for; unknown when the content that said it is gone.
    pub model: Option<String>,
    /// The first call within each window that ended, by [`Window::ALL`]; none: there was none, or its time is not known.
    pub first: [Option<Micros>; Window::ALL.len()],
    /// The last one.
    pub last: Micros,
}

impl ModelSeen {
    /// The first call within `window`.
    pub fn first_in(&self, window: Window) -> Option<Micros> {
        self.first.get(window.place()).copied().flatten()
    }
}

/// One item of a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFacts {
    /// The register: `ai_system`, `impact_assessment`.
    pub register: String,
    /// The item.
    pub item: String,
    /// The system it is about; none: about the whole organisation, or no longer known.
    pub system: Option<SystemId>,
    /// The state it stands in, a word of its register; none: it can no longer be read.
    pub state: Option<String>,
    /// When it first stood in each state, as far as that can be read.
    pub first_in: BTreeMap<String, Micros>,
    /// The content that was approved last, while the state lets it count.
    pub approved: Option<Approval>,
    /// Whether something was decided on it, or it stands somewhere, that can no longer be read: it may have spoken against the system.
    pub unreadable: bool,
    /// Since when something asks for it to be looked at again.
    pub refresh_since: Option<Micros>,
}

/// An approval by a second person, and what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Entry of the approval.
    pub entry: u64,
    /// When.
    pub at: Micros,
    /// When the item was approved for the first time.
    pub first_at: Micros,
    /// Who.
    pub by: CredentialId,
    /// Who wrote what was approved, or put it forward.
    pub authors: BTreeSet<CredentialId>,
    /// When it is due again; unknown counts as due.
    pub review_at: Option<Micros>,
    /// Models that it names; none: not known, or it names none.
    pub models: BTreeSet<String>,
    /// Required fields that are not filled in.
    pub missing: BTreeSet<String>,
    /// Whether its result speaks against the system, or can no longer be read.
    pub adverse: bool,
}

impl Approval {
    /// Whether the approver wrote none of it.
    pub fn by_a_second_person(&self) -> bool {
        !self.authors.is_empty() && !self.authors.contains(&self.by)
    }
}

/// The rules in force and their changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicyFacts {
    /// Policies whose text is in force and known.
    pub in_force: u64,
    /// Changes by [`Window::ALL`].
    pub changes: [u64; Window::ALL.len()],
    /// Of these, with a reason that is known.
    pub explained: [u64; Window::ALL.len()],
}

/// The log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerFacts {
    /// Records of the log's own writer.
    pub records: u64,
    /// Numbers that are missing between them; unknown counts as some.
    pub missing: Option<u64>,
    /// Entries whose tree, computed again from their bytes, has the root that the log signed; unknown counts as none.
    pub proved: Option<u64>,
    /// Whether a tree computed again had another root than the log signed.
    pub contradicted: bool,
    /// Calls that were permitted more than [`super::OPEN_CALL_GRACE`] ago and have no end.
    pub calls_without_end: Option<u64>,
}

/// What was decided of a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It applies here.
    Applied,
    /// It is not needed here.
    Excluded,
    /// It applies, and another party carries it out.
    Inherited,
}

/// One row of the Statement of Applicability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicabilityRow {
    /// Entry of the decision.
    pub entry: u64,
    /// When.
    pub at: Micros,
    /// What was decided; none when the content that said it is gone.
    pub decision: Option<Decision>,
    /// Whether a reason is given and known.
    pub reasoned: bool,
    /// Whether it names evidence of the other party; for inherited ones.
    pub evidenced: bool,
    /// Whether a second person approved the statement with this row as it stands.
    pub approved: bool,
}

/// The Statement of Applicability.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applicability {
    /// Rows by control.
    pub rows: BTreeMap<Reference, ApplicabilityRow>,
    /// When the newest approval was, and its entry.
    pub approved: Option<(Micros, u64)>,
}
