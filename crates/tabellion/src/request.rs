//! What can be asked of an open log, as plain data: the same whether it is carried out in this process or sent to the server.
//!
//! Promises: a closed set with closed members, each mapped to one call of the ledger. Must never: know where it is carried out.

mod erasures;
mod governing;
mod lines;
mod openings;
mod probes;
mod stops;
mod usage;

use serde::{Deserialize, Serialize};
use tabellion_ledger::{Draft, Reached};
use tabellion_model::body::{AccessGiven, VerificationRan};

pub(crate) use erasures::{Erased, Expiring, HeldSystem, KeepRule, Pending};
pub use governing::{ConfigurationAct, PolicyAct};
pub use lines::{Appended, IssuerLine, LastEpoch, Summary};
pub(crate) use openings::{OpeningAct, OpeningLine};
pub(crate) use probes::{MeasureLine, ProbeLine};
pub(crate) use stops::{StopLine, StopOrder};
pub(crate) use usage::{UsageImport, UsageOutcome};

/// A statement on its way into the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// The entry's bytes, base64.
    pub entry: String,
    /// Disclosures of its units, to be kept.
    pub disclosures: Vec<String>,
    /// Whom the content is about, when it is about somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// What an erasure or a hold is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A data subject.
    Subject(String),
    /// One entry.
    Record(u64),
    /// What is kept of a call: the record that began it, hex.
    Call(String),
    /// A system, hex.
    System(String),
    /// A retention class, up to and including the month yyyymm.
    Retention {
        /// The class.
        class: String,
        /// The last month.
        until: u32,
    },
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Which log is this, and how large?
    Status {},
    /// Seal these drafts and append them together.
    Append {
        /// The drafts.
        drafts: Vec<Draft>,
    },
    /// Append these statements together.
    AppendStatements {
        /// The statements.
        statements: Vec<SignedStatement>,
    },
    /// How did this producer's last epoch end?
    Producer {
        /// The producer, hex.
        producer: String,
    },
    /// The tag of this idempotency key, and the entry that was recorded under it, by this signer or by a key that it replaced.
    Remembered {
        /// The key id of the signer, hex; absent: the log itself seals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signer: Option<String>,
        /// The key.
        key: String,
    },
    /// Is what this entry keeps about this data subject, and nobody else?
    IsAbout {
        /// Its index.
        index: u64,
        /// The subject; absent: about nobody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
    },
    /// What keeps the log from being recorded into?
    Trouble {},
    /// The receipt of one entry.
    Receipt {
        /// Its index.
        index: u64,
    },
    /// How far has the evidence of this entry come? Waits for `level` at most so long; anchors are not waited for.
    Reached {
        /// Its index.
        index: u64,
        /// `durable`, `included`, `witnessed` or `anchored`.
        level: String,
        /// Longest wait.
        within_seconds: u64,
    },
    /// Short lines about entries.
    Summaries {
        /// First index.
        from: u64,
        /// Most lines.
        limit: u32,
    },
    /// Erase.
    Erase {
        /// What.
        target: Target,
        /// Why; recorded.
        reason: String,
    },
    /// Ask for an erasure that a second person confirms.
    RequestErasure {
        /// What.
        target: Target,
        /// For the deletion of a system: seconds from the confirmation until its content goes; absent: an erasure, at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace_seconds: Option<u64>,
        /// Why; recorded.
        reason: String,
    },
    /// Confirm an erasure that a person asked for, or decline one.
    DecideErasure {
        /// Which, hex.
        request: String,
        /// Whether the content goes.
        confirmed: bool,
        /// Why; recorded.
        reason: String,
    },
    /// Which erasures wait for a second person?
    PendingErasures {},
    /// Record that a file of what is kept about somebody was made for them.
    RecordAccess {
        /// What it holds, about whom and why.
        given: AccessGiven,
    },
    /// Record that many entries were verified at once.
    RecordVerification {
        /// What was found.
        ran: VerificationRan,
    },
    /// Erase what has been kept for its time by these rules, or say what that is.
    Expire {
        /// The rules.
        rules: Vec<KeepRule>,
        /// Rules for single systems that are left alone, and what they are about with them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        beside: Vec<KeepRule>,
        /// Whether nothing is to go.
        only_list: bool,
    },
    /// Put on record that the clock is right, so that what waited for that may go.
    ConfirmClock {
        /// How that is known; recorded.
        reason: String,
        /// The account that the command runs under; recorded. Absent: a program of before asks.
        account: Option<String>,
    },
    /// Place a legal hold.
    PlaceHold {
        /// On what.
        target: Target,
        /// Why; recorded.
        reason: String,
    },
    /// Release a legal hold.
    ReleaseHold {
        /// Which, hex.
        hold: String,
        /// Why; recorded.
        reason: String,
    },
    /// Let a log record again that a witness's conflict stopped.
    LiftConflict {
        /// Why; recorded.
        reason: String,
    },
    /// Ask for a system's deletion.
    RequestDeletion {
        /// The system, hex.
        system: String,
        /// When its content goes, microseconds.
        due: u64,
        /// Why; recorded.
        reason: String,
    },
    /// Take a deletion back.
    CancelDeletion {
        /// The system, hex.
        system: String,
        /// Why; recorded.
        reason: String,
    },
    /// Erase the content of every system whose deletion is due.
    PurgeDue {},
    /// Make a person known.
    AddPerson {
        /// Name.
        name: String,
        /// E-mail address; empty: none.
        email: String,
        /// Words of their roles.
        roles: Vec<String>,
    },
    /// Hand out a link that lets a person in once.
    IssueLink {
        /// The person, hex.
        person: String,
        /// How long it works.
        valid_minutes: u64,
        /// Where people reach the control plane.
        base: String,
    },
    /// End every session of a person, and the links that nobody used yet.
    EndSessions {
        /// The person, hex, or their whole name when one person has it.
        person: String,
    },
    /// Stop a scope at once.
    OrderStop {
        /// What, and why.
        order: StopOrder,
    },
    /// Lift a stop that somebody else ordered.
    LiftStop {
        /// Which, hex.
        stop: String,
        /// Why; recorded.
        reason: String,
    },
    /// Every emergency stop.
    ListStops {},
    /// Put a provider's usage export on record and hold it against the calls.
    ReportUsage {
        /// The export.
        import: UsageImport,
    },
    /// Try every guard with a canary.
    RunProbes {},
    /// How every guard stands.
    ListProbes {},
    /// Measure every guard with the corpus.
    MeasureGuards {},
    /// Openings of declared routes.
    Openings {
        /// What to do.
        act: OpeningAct,
    },
    /// Changes of policies that two people make.
    Policies {
        /// What to do.
        act: PolicyAct,
    },
    /// Changes of safeguards in the configuration.
    Configuration {
        /// What to do.
        act: ConfigurationAct,
    },
    /// Register statements of an issuer under a key.
    AddIssuer {
        /// The claim `iss` of its statements.
        issuer: String,
        /// Its public key, PEM.
        public_key: String,
        /// Key id that its statements carry, hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kid: Option<String>,
        /// Who that is; recorded.
        note: String,
    },
    /// Register nothing more under a key.
    RemoveIssuer {
        /// Thumbprint of the key, hex.
        id: String,
        /// Why; recorded.
        reason: String,
    },
    /// Every key of an issuer.
    ListIssuers {},
    /// Take another log's checkpoints as entries.
    RegisterShard {
        /// Its trust file.
        trust: String,
        /// The system whose API keys hand them in, hex.
        system: String,
        /// Whose it is; recorded.
        note: String,
    },
    /// Register a statement that somebody signed.
    RegisterStatement {
        /// The statement, base64.
        statement: String,
    },
    /// Make a key and grant it.
    GrantKey {
        /// Its purpose.
        purpose: String,
    },
    /// Grant a key that somebody else holds.
    GrantPublicKey {
        /// The public key, base64.
        public: String,
        /// The credential that will speak with it, hex.
        credential: String,
    },
    /// Replace a key by a new one.
    RotateKey {
        /// The key that goes, hex.
        key_id: String,
    },
    /// Make a second key for checkpoints and record it.
    IntroduceSecondKey {},
    /// Replace the second key by a new one.
    RotateSecondKey {},
    /// Take the second key out of force.
    WithdrawSecondKey {
        /// The key, hex.
        key_id: String,
        /// `compromised`, `lost` or `retired`.
        reason: String,
    },
    /// Have the keys of content moved to a new wrapping key.
    RotateVaultKey {
        /// Why; recorded.
        reason: String,
        /// The account that the command runs under; recorded. Absent: a program of before asks.
        account: Option<String>,
    },
    /// Revoke a key.
    RevokeKey {
        /// The key, hex.
        key_id: String,
        /// `compromised`, `lost` or `retired`.
        reason: String,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// To [`Request::Status`].
    Status {
        /// The log's origin.
        origin: String,
        /// Its environment.
        env: String,
        /// Its size.
        size: u64,
        /// Its newest signed checkpoint.
        checkpoint: String,
        /// Process that answers.
        pid: u32,
        /// Actor keys in force, hex, in the order of their grants.
        actors: Vec<String>,
    },
    /// What was appended, in the order of the request.
    Appended {
        /// One for each.
        records: Vec<Appended>,
    },
    /// To [`Request::Producer`].
    Producer {
        /// Absent when the producer never wrote.
        last: Option<LastEpoch>,
    },
    /// To [`Request::Remembered`].
    Remembered {
        /// What a record's header says instead of the key, hex.
        tag: String,
        /// Absent when nothing was recorded under the key.
        index: Option<u64>,
    },
    /// A receipt file's text.
    Receipt {
        /// The text.
        text: String,
    },
    /// How far an entry has come.
    Reached {
        /// Every level that is reached.
        levels: Vec<String>,
        /// Size of the cosigned checkpoint that covers it.
        witnessed: Option<u64>,
        /// Anchors that cover it, with the sizes of their confirmed checkpoints.
        anchored: Vec<(String, u64)>,
    },
    /// Lines about entries.
    Summaries {
        /// In order.
        lines: Vec<Summary>,
    },
    /// What was erased, one for each order or system.
    Erased {
        /// In order.
        erasures: Vec<Erased>,
    },
    /// To [`Request::Expire`].
    Expiring {
        /// One for each rule by which anything is due.
        rules: Vec<Expiring>,
    },
    /// To [`Request::IsAbout`].
    IsAbout {
        /// Whether it is.
        same: bool,
    },
    /// To [`Request::Trouble`].
    Trouble {
        /// Why nothing can be recorded, and what to do; absent: nothing is known to be wrong.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// To [`Request::PurgeDue`].
    Purged {
        /// One for each system whose content went.
        erasures: Vec<Erased>,
        /// Systems whose content stays under a legal hold.
        held: Vec<HeldSystem>,
    },
    /// An erasure was asked for.
    Requested {
        /// Its id, hex.
        request: String,
        /// Its record.
        record: Appended,
    },
    /// Erasures that wait for a second person.
    Pending {
        /// The oldest first.
        erasures: Vec<Pending>,
    },
    /// A hold was placed.
    Held {
        /// Its id, hex.
        hold: String,
        /// Its record.
        record: Appended,
    },
    /// A person was made known.
    Person {
        /// Who, hex.
        person: String,
        /// Its record.
        record: Appended,
    },
    /// A link was handed out.
    Link {
        /// The link.
        url: String,
        /// Until when it works, RFC 3339.
        expires_at: String,
        /// Its record.
        record: Appended,
    },
    /// Emergency stops: the one that was ordered or lifted, or every one.
    Stops {
        /// The last ordered first.
        stops: Vec<StopLine>,
    },
    /// To [`Request::ReportUsage`].
    Usage {
        /// What it came to.
        outcome: UsageOutcome,
    },
    /// How guards stand by what probes showed.
    Probes {
        /// Whether a gateway runs in the server.
        has_gateway: bool,
        /// How often they are tried, in seconds; absent: when somebody asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        every_s: Option<u64>,
        /// Each place of the configuration in force.
        places: Vec<ProbeLine>,
    },
    /// To [`Request::MeasureGuards`].
    Measured {
        /// Each guard and class of the configuration in force.
        guards: Vec<MeasureLine>,
    },
    /// Openings: the one that was changed, or every one.
    Openings {
        /// The last asked for first.
        openings: Vec<OpeningLine>,
    },
    /// To [`Request::Policies`] and [`Request::Configuration`].
    Resource {
        /// What the API says of it.
        resource: serde_json::Value,
    },
    /// A key of an issuer was added or removed.
    Issuer {
        /// Thumbprint of the key, hex.
        id: String,
        /// Its record.
        record: Appended,
    },
    /// Every key of an issuer.
    Issuers {
        /// The last added first.
        issuers: Vec<IssuerLine>,
    },
    /// A shard was registered.
    Shard {
        /// SHA-256 of its origin, hex.
        id: String,
        /// Its origin.
        origin: String,
        /// Its record.
        record: Appended,
    },
    /// A statement was registered.
    Registered {
        /// Its COSE Receipt, base64.
        receipt: String,
        /// Its record.
        record: Appended,
    },
    /// A key was made or changed.
    Key {
        /// The key now in force, hex; absent after the revocation of an actor's key.
        key_id: Option<String>,
        /// Its purpose.
        purpose: Option<String>,
        /// The first record of the change.
        record: Appended,
    },
    /// To [`Request::RotateVaultKey`]: it is over.
    VaultRotated {
        /// How often the wrapping key was changed, this time included.
        generation: u64,
        /// How many keys of content were moved.
        moved: u64,
        /// Entry that says who had it done, and why.
        begun: u64,
        /// The record that it is over.
        record: Appended,
    },
}

impl From<&Reached> for Answer {
    fn from(reached: &Reached) -> Self {
        Self::Reached {
            levels: reached.levels().map(|level| level.as_str().to_owned()).collect(),
            witnessed: reached.witnessed,
            anchored: reached.anchored.iter().map(|by| (by.name.clone(), by.size)).collect(),
        }
    }
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The request is at fault; nothing was appended.
    Rejected,
    /// Nothing was appended; trying again may help.
    Unavailable,
    /// The log stopped.
    Fatal,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Whose fault it is.
    pub kind: RefusalKind,
    /// Stable code of a rejection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What failed, on what, what to do.
    pub message: String,
}

/// The one answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Response {
    /// Done.
    Done(Answer),
    /// Not done.
    Refused(Refusal),
}
