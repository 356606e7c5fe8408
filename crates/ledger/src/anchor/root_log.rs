//! A root log: another Tabellion log that takes the checkpoints of this one as entries (`docs/shards.md`).
//!
//! Promises: the evidence is the root log's own receipt, verified under the keys that the configuration names before it counts; a checkpoint goes with a proof
//! from the size that the root log has; a root log that has less than it once vouched for is told apart from one that is slow. Must never: hand in a smaller checkpoint while this log itself is not smaller, which would look like a rollback.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tabellion_model::registry::{Facts, Purpose, facts, shard_name};
use tabellion_model::{Entry, KeyId, verify_anchor};
use tabellion_tlog::Hash;
use tabellion_tlog::anchor::{AnchorFinding, AnchorKind, AnchorTrust, MAX_EVIDENCE_BYTES};

use super::exchange::{Answer, Exchange, Method, Outgoing};
use super::{Anchor, AnchorFault, Job, JobState, JobTime, Outbox, OutboxError, Progress, Target};
use crate::error::LedgerError;
use crate::reader::Reader;

const JSON: &str = "application/json";
/// Most rotations that one request names, as the root log takes them.
const MAX_KEY_RECORDS: usize = 16;

/// How often in a row a root log may say that it has less than it vouched for: right after a checkpoint its answers may be of a moment before.
const MAX_BEHIND: u32 = 1;

/// A root log.
pub struct RootLog {
    exchange: Box<dyn Exchange>,
    reader: Reader,
    trust: AnchorTrust,
    keep_s: u64,
    outbox: Outbox,
    /// [`RootLog::vouched`], once it was looked up.
    vouched: Option<u64>,
    /// How often in a row it said that it has less.
    behind: u32,
}

/// What the root log says of this one.
#[derive(Deserialize)]
struct Known {
    size: u64,
    key: String,
}

#[derive(Serialize)]
struct HandIn<'a> {
    checkpoint: &'a str,
    old_size: u64,
    consistency: Vec<String>,
    key_records: Vec<String>,
}

#[derive(Deserialize)]
struct Taken {
    receipt: String,
}

/// The members of a refusal that matter here.
#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

impl Anchor for RootLog {
    fn kind(&self) -> AnchorKind {
        AnchorKind::RootLog
    }

    fn keeps_every_s(&self) -> u64 {
        self.keep_s
    }

    fn begin(&mut self, target: &Target) -> Result<Progress, AnchorFault> {
        let path = format!("/api/v1/shards/{}", shard_name(&self.reader.origin()));
        let known: Known = read(&good(self.ask(Method::Get, &path, &[])?)?)?;
        self.check_put_back(known.size)?;
        let size = target.checkpoint.checkpoint.size;
        if known.size > size && self.reader.size() >= known.size {
            return Ok(Progress::Superseded);
        }
        let body =
            self.hand_in(target, &known).map_err(|error| AnchorFault::Unavailable(error.to_string()))?;
        let taken: Taken = read(&good(self.ask(Method::Post, &format!("{path}/checkpoints"), &body)?)?)?;
        let confirmed = self.confirmed(target, taken.receipt.into_bytes())?;
        self.vouched = self.vouched.max(Some(size));
        Ok(confirmed)
    }

    fn resume(&mut self, target: &Target, _: &[u8]) -> Result<Progress, AnchorFault> {
        self.begin(target)
    }
}

impl RootLog {
    /// One that is reached by `exchange`, as whoever may hand in the checkpoints of the log of `reader`, and whose answers have to hold under `trust`; what it
    /// vouched for is in `outbox`. `keep_s`: how often an answer is kept for good and put on record, in seconds; those in between make room for their successors.
    pub fn new(
        exchange: Box<dyn Exchange>,
        reader: Reader,
        trust: AnchorTrust,
        outbox: Outbox,
        keep_s: u64,
    ) -> Self {
        Self { exchange, reader, trust, keep_s, outbox, vouched: None, behind: 0 }
    }

    /// Entries of this log that the root log vouched for, by a receipt that holds under the keys of now; 0 where there is none.
    fn vouched(&mut self) -> Result<u64, OutboxError> {
        if let Some(known) = self.vouched {
            return Ok(known);
        }
        let mut newest = 0;
        for size in self.outbox.sizes()?.into_iter().rev() {
            if self.holds(&self.outbox.job(size)?) {
                newest = size;
                break;
            }
        }
        self.vouched = Some(newest);
        Ok(newest)
    }

    /// Whether a job's evidence is this root log's. What cannot be read vouches for nothing, and is told where coverage is.
    fn holds(&self, job: &Job) -> bool {
        let (Ok(evidence), Ok(target)) = (self.outbox.evidence(job), Target::of(&job.checkpoint)) else {
            return false;
        };
        let found = verify_anchor(AnchorKind::RootLog, &evidence, &target.digest, &self.trust);
        job.state == JobState::Confirmed && matches!(found, AnchorFinding::Holds { .. })
    }

    /// Refuses a root log that has less of this log than it vouched for.
    fn check_put_back(&mut self, known: u64) -> Result<(), AnchorFault> {
        let vouched = self.vouched().map_err(|error| AnchorFault::Unavailable(error.to_string()))?;
        if known >= vouched {
            self.behind = 0;
            return Ok(());
        }
        let said = format!("the root log has {known} entries of this log, and signed for {vouched} before");
        if self.behind < MAX_BEHIND {
            self.behind += 1;
            return Err(AnchorFault::Unavailable(format!("{said}; it is asked once more")));
        }
        Err(AnchorFault::refused(
            "root_put_back",
            format!(
                "{said}: it was put back to an earlier state, or shows this log another history. Its receipt for {vouched} is kept, and nothing is handed in \
                 until it has them again; one that was restored goes on under a new origin"
            ),
        ))
    }

    fn ask(&self, method: Method, path: &str, body: &[u8]) -> Result<Answer, AnchorFault> {
        let content_type = if body.is_empty() { "" } else { JSON };
        let request = Outgoing { method, path, content_type, accept: JSON, body };
        self.exchange.send(&request).map_err(AnchorFault::Unavailable)
    }

    fn hand_in(&self, target: &Target, known: &Known) -> Result<Vec<u8>, LedgerError> {
        let size = target.checkpoint.checkpoint.size;
        let proves = 0 < known.size && known.size < size;
        let consistency = if proves { self.reader.consistency(known.size, size)? } else { Vec::new() };
        let request = HandIn {
            checkpoint: &target.checkpoint.bytes,
            old_size: known.size,
            consistency: consistency.iter().map(Hash::to_hex).collect(),
            key_records: self.rotations(&known.key, size)?,
        };
        serde_json::to_vec(&request)
            .map_err(|error| LedgerError::Unavailable(format!("the request cannot be written: {error}")))
    }

    /// The records that lead from the key that is known there to the one that signs checkpoints of this size.
    fn rotations(&self, known: &str, size: u64) -> Result<Vec<String>, LedgerError> {
        let mut key = Hash::from_hex(known).map(KeyId);
        let mut records = Vec::new();
        if self.reader.keys().in_force(Purpose::Log, size).map(|info| info.key_id) == key {
            return Ok(records);
        }
        for index in self.reader.key_records(size) {
            let entry = self.reader.stored(index)?.entry;
            let rotated = Entry::parse(&entry).ok().and_then(|entry| facts(entry.header()?).ok()?);
            if let Some(Facts::KeyRotated(rotated)) = rotated
                && Some(rotated.old) == key
                && rotated.purpose == Purpose::Log
                && records.len() < MAX_KEY_RECORDS
            {
                key = Some(rotated.key.key_id);
                records.push(STANDARD.encode(&entry));
            }
        }
        Ok(records)
    }

    /// Checks the receipt as a reader will who names the root log.
    fn confirmed(&self, target: &Target, evidence: Vec<u8>) -> Result<Progress, AnchorFault> {
        let wrong = |text: String| AnchorFault::refused("evidence", text);
        if evidence.len() > MAX_EVIDENCE_BYTES {
            return Err(wrong(format!(
                "the root log's receipt has {} bytes, more than any needs",
                evidence.len()
            )));
        }
        match verify_anchor(AnchorKind::RootLog, &evidence, &target.digest, &self.trust) {
            AnchorFinding::Holds { span, source, .. } => Ok(Progress::Confirmed {
                evidence,
                time: Some(JobTime { earliest: span.earliest_us, latest: span.latest_us }),
                checked: format!(
                    "{source}: this checkpoint, its place in the root log's tree, that log's signature"
                ),
            }),
            AnchorFinding::NotChecked(why) => Err(AnchorFault::refused(
                "chain",
                format!("the answer is not of the root log that is configured: {why}"),
            )),
            AnchorFinding::Broken(why) => Err(wrong(why)),
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(answer: &Answer) -> Result<T, AnchorFault> {
    if answer.content_type != JSON {
        let text = format!("the root log answered {:?} and not {JSON}", answer.content_type);
        return Err(AnchorFault::refused("content_type", text));
    }
    serde_json::from_slice(&answer.body).map_err(|error| {
        AnchorFault::refused("malformed", format!("the root log's answer cannot be read: {error}"))
    })
}

/// The answer when it is good; else what the root log says, under a code of our own where it matters.
fn good(answer: Answer) -> Result<Answer, AnchorFault> {
    let code = match answer.status {
        401 => "token",
        403 => "signature",
        404 => "unknown_shard",
        409 => "rolled_back",
        422 => "forked",
        _ => return answer.good("the root log"),
    };
    let mut text = format!("the root log answered {}", answer.status);
    if let Ok(refused) = serde_json::from_slice::<Refused>(&answer.body) {
        let said: String = refused.detail.chars().filter(|c| !c.is_control()).collect();
        let _ = write!(text, " {}: {said}", refused.code);
        if answer.status == 409 && refused.code != "shard_ahead" {
            return Err(AnchorFault::Unavailable(text));
        }
    }
    Err(AnchorFault::refused(code, text))
}
