//! The result of verifying many entries of a log at once, signed (formats §12.3).
//!
//! Promises: one byte form; every entry that was asked for and reached has its four verdicts, kept apart; that some were not reached, and why, stands in
//! the signed bytes. Must never: call fine what was not checked.

mod check;

pub use check::verify_run;
pub(crate) use check::verify_run_for;

use serde_json::{Map, Value as Json, json};
use tabellion_tlog::{Hash, Protected, Sign1, Signer, Unprotected, sign1};

use crate::form::{FormFault, Members, base64_text, from_base64};
use crate::header::Env;
use crate::jcs::{JcsError, parse_jcs, to_jcs};
use crate::origin::Origin;
use crate::placed::PlacedEntry;
use crate::time::Micros;
use crate::verdict::AspectStanding;

/// The format name.
pub const RUN_FORMAT: &str = "tabellion.verification-run/1";
/// First line of the file.
pub const RUN_MAGIC: &str = "tabellion.verification-run/1\n";
/// Most entries of one run: what somebody waits for, and what fits into a file that a browser still opens.
pub const MAX_RUN_ENTRIES: u64 = 50_000;
/// Most bytes of the file: 50,000 verdicts of at most 600 bytes, and key records.
pub const MAX_RUN_FILE_BYTES: usize = 48 << 20;
/// Content type of the signature.
const CONTENT_TYPE: &str = "application/tabellion-verification-run+json";
/// Most characters of what was asked for: a record's id or an index.
const MAX_ASKED_CHARS: usize = 32;
/// Most bytes of a detail.
const MAX_DETAIL_BYTES: usize = 300;

/// Why bytes are not a run, or a run cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RunFormError {
    /// More bytes than a run may have.
    #[error("a verification run has at most {MAX_RUN_FILE_BYTES} bytes, this has {0}")]
    TooLarge(usize),
    /// Not three lines that begin with the format's name.
    #[error("a verification run is three lines: its format's name, the run, and a signature in base64")]
    Lines,
    /// Not canonical JSON.
    #[error("the run: {0}")]
    Jcs(#[from] JcsError),
    /// Canonical JSON of another form.
    #[error("{0}")]
    Form(#[from] FormFault),
    /// The signature cannot be read or made.
    #[error("the signature: {0}")]
    Signature(String),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Everything up to the cap was reached.
    Completed,
    /// Somebody ended it before.
    Cancelled,
}

impl RunEnd {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What was found about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunVerdict {
    /// What was asked for: an index in decimal, or a record's id in hex.
    pub asked: String,
    /// Index and leaf hash of the entry; `None`: there is none, or it could not be read.
    pub entry: Option<(u64, Hash)>,
    /// Every signature that vouches for it: its own where it has one, its seal's and the checkpoint's.
    pub signature: AspectStanding,
    /// It stands in the tree of the run's checkpoint.
    pub inclusion: AspectStanding,
    /// A clock outside the log vouches for it.
    pub time: AspectStanding,
    /// What is kept of its content is what its digests say.
    pub content: AspectStanding,
    /// What is to be said besides; empty when there is nothing.
    pub detail: String,
}

impl RunVerdict {
    /// The four, with their names in the file.
    pub fn standings(&self) -> [(&'static str, AspectStanding); 4] {
        [
            ("signature", self.signature),
            ("inclusion", self.inclusion),
            ("time", self.time),
            ("content", self.content),
        ]
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationRun {
    /// The log.
    pub log: Origin,
    /// Its environment.
    pub env: Env,
    /// The signed checkpoint whose tree was verified against.
    pub checkpoint: String,
    /// Every key record up to it.
    pub keys: Vec<PlacedEntry>,
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub ended_at: Micros,
    /// How it ended.
    pub end: RunEnd,
    /// How many were asked for; what is beyond [`MAX_RUN_ENTRIES`] is left out.
    pub asked: u64,
    /// Name and version of what ran it.
    pub software: String,
    /// One for each that was reached, in the order in which they were asked for.
    pub verdicts: Vec<RunVerdict>,
}

impl VerificationRun {
    /// Whether more was asked for than a run takes.
    pub fn truncated(&self) -> bool {
        self.asked > MAX_RUN_ENTRIES
    }

    /// How often each verdict was given: holds, broken, not checked.
    pub fn tally(&self, which: fn(&RunVerdict) -> AspectStanding) -> [u64; 3] {
        let mut tally = [0; 3];
        for verdict in &self.verdicts {
            let [holds, broken, open] = &mut tally;
            match which(verdict) {
                AspectStanding::Holds => *holds += 1,
                AspectStanding::Broken => *broken += 1,
                AspectStanding::NotChecked => *open += 1,
            }
        }
        tally
    }

    /// The bytes of the file, signed with the package key in force at the checkpoint's size.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, RunFormError> {
        let run = to_jcs(&self.to_json())?;
        let protected = Protected {
            content_type: Some(CONTENT_TYPE.to_owned()),
            kid: Some(*signer.public().key_id().as_bytes()),
            ..Protected::default()
        };
        let signature = sign1(&protected, &run, false, signer)
            .map_err(|error| RunFormError::Signature(error.to_string()))?;
        let mut bytes = RUN_MAGIC.as_bytes().to_vec();
        bytes.extend(run);
        bytes.push(b'\n');
        bytes.extend(base64_text(&signature.encode()).into_bytes());
        bytes.push(b'\n');
        if bytes.len() > MAX_RUN_FILE_BYTES {
            return Err(RunFormError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    fn totals(&self) -> Json {
        let row = |which| {
            let [holds, broken, open] = self.tally(which);
            json!({ "broken": broken, "holds": holds, "not_checked": open })
        };
        json!({
            "content": row(|verdict| verdict.content), "inclusion": row(|verdict| verdict.inclusion),
            "signature": row(|verdict| verdict.signature), "time": row(|verdict| verdict.time),
        })
    }

    fn to_json(&self) -> Json {
        json!({
            "asked": self.asked, "cap": MAX_RUN_ENTRIES, "checkpoint": self.checkpoint, "end": self.end.as_str(),
            "ended_at": self.ended_at.0, "env": self.env.as_str(), "format": RUN_FORMAT,
            "keys": self.keys.iter().map(PlacedEntry::to_json).collect::<Vec<_>>(), "log": self.log.as_str(),
            "reached": self.verdicts.len(), "software": self.software, "started_at": self.started_at.0,
            "totals": self.totals(), "truncated": self.truncated(),
            "verdicts": self.verdicts.iter().map(verdict_json).collect::<Vec<_>>(),
        })
    }
}

fn verdict_json(verdict: &RunVerdict) -> Json {
    let mut members = Map::new();
    members.insert("asked".to_owned(), verdict.asked.clone().into());
    if let Some((index, leaf)) = &verdict.entry {
        members.insert("index".to_owned(), (*index).into());
        members.insert("leaf".to_owned(), leaf.to_hex().into());
    }
    for (name, standing) in verdict.standings() {
        members.insert(name.to_owned(), standing.as_str().into());
    }
    if !verdict.detail.is_empty() {
        members.insert("detail".to_owned(), verdict.detail.clone().into());
    }
    Json::Object(members)
}

/// A file that was read and not judged.
pub(crate) struct SignedRun<'a> {
    pub(crate) run: VerificationRun,
    /// The bytes that are signed.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: Sign1,
}

/// Reads a file; refuses every other form, and totals that are not those of its verdicts.
pub(crate) fn parse_signed(bytes: &[u8]) -> Result<SignedRun<'_>, RunFormError> {
    if bytes.len() > MAX_RUN_FILE_BYTES {
        return Err(RunFormError::TooLarge(bytes.len()));
    }
    let rest = bytes.strip_prefix(RUN_MAGIC.as_bytes()).ok_or(RunFormError::Lines)?;
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(RunFormError::Lines)?;
    let (signed, rest) = rest.split_at_checked(end).ok_or(RunFormError::Lines)?;
    let line =
        rest.strip_prefix(b"\n").and_then(|rest| rest.strip_suffix(b"\n")).ok_or(RunFormError::Lines)?;
    let signature = std::str::from_utf8(line).ok().and_then(from_base64).ok_or(RunFormError::Lines)?;
    let signature = Sign1::parse(&signature).map_err(|error| RunFormError::Signature(error.to_string()))?;
    let header = &signature.protected;
    let plain = header.cwt_iss.is_none() && header.cwt_sub.is_none() && header.vds.is_none();
    let detached = signature.payload.is_none() && signature.unprotected == Unprotected::Empty;
    if !plain || !detached || header.content_type.as_deref() != Some(CONTENT_TYPE) || header.kid.is_none() {
        return Err(RunFormError::Signature("is not one over a verification run".to_owned()));
    }
    let run = from_json(parse_jcs(signed)?)?;
    Ok(SignedRun { run, signed, signature })
}

impl VerificationRun {
    /// Reads a file and judges nothing.
    pub fn parse(bytes: &[u8]) -> Result<Self, RunFormError> {
        parse_signed(bytes).map(|signed| signed.run)
    }
}

fn from_json(value: Json) -> Result<VerificationRun, FormFault> {
    let mut members = Members::of("the run", value)?;
    members.fixed("format", RUN_FORMAT)?;
    let fault = |problem: String| FormFault::new("the run", problem);
    let log = members.text("log")?;
    let log = Origin::new(&log).map_err(|error| fault(format!("log: {error}")))?;
    let env = members.text("env")?;
    let env = Env::parse(&env).ok_or_else(|| fault("env is no environment".to_owned()))?;
    let end = match members.text("end")?.as_str() {
        "completed" => RunEnd::Completed,
        "cancelled" => RunEnd::Cancelled,
        _ => return Err(fault("end is neither completed nor cancelled".to_owned())),
    };
    let verdicts = members.list("verdicts")?;
    if verdicts.len() as u64 > MAX_RUN_ENTRIES {
        return Err(fault(format!("it holds more than {MAX_RUN_ENTRIES} verdicts")));
    }
    let verdicts = verdicts.into_iter().enumerate().map(|(number, value)| verdict(number, value));
    let run = VerificationRun {
        log,
        env,
        checkpoint: members.text("checkpoint")?,
        keys: PlacedEntry::list_from_json("keys", members.list("keys")?)?,
        started_at: Micros(members.number("started_at")?),
        ended_at: Micros(members.number("ended_at")?),
        end,
        asked: members.number("asked")?,
        software: members.text("software")?,
        verdicts: verdicts.collect::<Result<_, _>>()?,
    };
    let reached = run.verdicts.len() as u64;
    let due = run.asked.min(MAX_RUN_ENTRIES);
    let (cap, said, truncated) =
        (members.number("cap")?, members.number("reached")?, members.flag("truncated")?);
    let totals = members.any("totals")?;
    members.finish()?;
    let counts = cap == MAX_RUN_ENTRIES
        && said == reached
        && truncated == run.truncated()
        && totals == run.totals()
        && (reached == due || (run.end == RunEnd::Cancelled && reached < due));
    if !counts || run.ended_at < run.started_at {
        return Err(fault(
            "what it says of its own numbers and times does not agree with its verdicts".to_owned(),
        ));
    }
    Ok(run)
}

fn verdict(number: usize, value: Json) -> Result<RunVerdict, FormFault> {
    let mut members = Members::of(format!("verdict {number}"), value)?;
    let standing = |members: &mut Members, name: &str| {
        let text = members.text(name)?;
        AspectStanding::from_name(&text)
            .ok_or_else(|| members.fault(name, "is not holds, broken or not checked"))
    };
    let asked = members.text("asked")?;
    let index = members.optional("index").is_some_and(|value| {
        members.put("index", value);
        true
    });
    let entry = if index { Some((members.number("index")?, members.hash("leaf")?)) } else { None };
    let detail = match members.optional("detail") {
        None => String::new(),
        Some(Json::String(text)) if !text.is_empty() && text.len() <= MAX_DETAIL_BYTES => text,
        Some(_) => return Err(members.fault("detail", "is no text, or an empty or long one")),
    };
    let verdict = RunVerdict {
        signature: standing(&mut members, "signature")?,
        inclusion: standing(&mut members, "inclusion")?,
        time: standing(&mut members, "time")?,
        content: standing(&mut members, "content")?,
        asked,
        entry,
        detail,
    };
    let plain = !verdict.asked.is_empty() && verdict.asked.len() <= MAX_ASKED_CHARS;
    if !plain || !verdict.asked.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(members.fault("asked", "is neither an index nor a record's id"));
    }
    if verdict.entry.is_none() && verdict.standings().iter().any(|(_, one)| *one == AspectStanding::Holds) {
        return Err(members.fault("index", "is missing, and yet something holds"));
    }
    members.finish()?;
    Ok(verdict)
}

/// A detail that fits, cut where it does not.
pub fn run_detail(text: &str) -> String {
    let mut end = text.len().min(MAX_DETAIL_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
