//! One checkpoint on its way to one anchor: the file that survives a restart (`docs/formats.md` §13.7).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use tabellion_model::{Micros, parse_jcs, to_jcs};
use tabellion_tlog::Hash;
use tabellion_tlog::anchor::AnchorKind;

const FORMAT: &str = "tabellion.anchor-job/1";

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Not yet taken by the service.
    Queued,
    /// Taken; the service needs time.
    Pending,
    /// Confirmed; the evidence is checked and durable.
    Confirmed,
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
        })
    }
}

/// The times that evidence allows, microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobTime {
    /// Not before.
    pub earliest: u64,
    /// Not after.
    pub latest: u64,
}

/// What went wrong last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobError {
    /// A stable code.
    pub code: String,
    /// One line.
    pub text: String,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    format: String,
    kind: String,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Its size.
    pub size: u64,
    /// When the checkpoint was taken for anchoring, microseconds since 1970.
    pub created_at: u64,
    /// How far it is.
    pub state: JobState,
    /// How often the service was asked in vain since the last progress.
    pub attempts: u32,
    /// When to ask next, microseconds since 1970.
    pub next_at: u64,
    /// What went wrong last, until something goes well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    working: Option<String>,
    /// SHA-256 of the evidence, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_sha256: Option<String>,
    /// URLs of the services that took it or confirmed it, of the last time that one did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served_by: Vec<String>,
    /// Services that were passed over for others the last time, with the URL in the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<JobError>,
    /// What was checked of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<String>,
    /// When the evidence was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<JobTime>,
    /// Entry of its `anchor.confirmed` record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
}

impl Job {
    /// A new one.
    pub(crate) fn new(kind: AnchorKind, checkpoint: &str, size: u64, now: Micros) -> Self {
        Self {
            format: FORMAT.to_owned(),
            kind: kind.as_str().to_owned(),
            checkpoint: checkpoint.to_owned(),
            size,
            created_at: now.0,
            state: JobState::Queued,
            attempts: 0,
            next_at: now.0,
            error: None,
            working: None,
            evidence_sha256: None,
            served_by: Vec::new(),
            passed_over: Vec::new(),
            checked: None,
            time: None,
            record: None,
        }
    }

    /// The kind of its anchor.
    pub fn kind(&self) -> Option<AnchorKind> {
        AnchorKind::from_name(&self.kind)
    }

    /// What the service left for the next time it is asked.
    pub(crate) fn working(&self) -> Option<Vec<u8>> {
        BASE64.decode(self.working.as_ref()?).ok()
    }

    pub(crate) fn set_working(&mut self, state: Option<&[u8]>) {
        self.working = state.map(|state| BASE64.encode(state));
    }

    /// SHA-256 of its evidence.
    pub fn evidence_hash(&self) -> Option<Hash> {
        Hash::from_hex(self.evidence_sha256.as_deref()?)
    }

    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        to_jcs(&serde_json::to_value(self).ok()?).ok()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let job: Self = serde_json::from_value(parse_jcs(bytes).ok()?).ok()?;
        (job.format == FORMAT && job.kind().is_some()).then_some(job)
    }
}
