//! Taking a shard's checkpoint: who signed it, whether it continues the one before, one record.
//!
//! Promises: looking at the newest checkpoint, judging and recording are one step for each shard, so that two requests at the same time are two requests one
//! after the other; the same checkpoint again is answered with its first record. Must never: answer with a receipt before it is durable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::Draft;
use tabellion_model::registry::{
    Divergence, Facts, Purpose, ShardCheckpoint, ShardConflict, ShardKeyRotated, facts,
};
use tabellion_model::{Entry, KeyId, Origin};
use tabellion_tlog::{
    Hash, MAX_CONSISTENCY_HASHES, SignedCheckpoint, VerifierKey, sha256, verify_consistency,
};
use tabellion_views::query::ShardRow;

use super::{Shard, shard_draft};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};
use crate::work::forms::Recorded;
use crate::work::{Actor, Desk, Given, Written};

/// A shard's checkpoint, handed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeCheckpoint {
    /// The signed checkpoint (C2SP tlog-checkpoint).
    #[schemars(length(min = 1, max = 524_288))]
    pub checkpoint: String,
    /// Size of the newest checkpoint that is known to be here; 0: none.
    pub old_size: u64,
    /// Consistency path from there to this checkpoint (RFC 9162 §2.1.4), each hash as 64 hex digits.
    #[schemars(length(max = 63))]
    pub consistency: Vec<String>,
    /// Where another key signs than is known here: the shard's entries `key.rotated` that lead to it, base64, the oldest first.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub key_records: Vec<String>,
}

/// A checkpoint that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardTaken {
    /// Where it is recorded; for the same checkpoint again, its first record.
    pub index: u64,
    /// The receipt of that entry, as `tabellion verify` takes it.
    pub receipt: String,
    /// The shard now.
    pub shard: Shard,
}

/// What becomes of a checkpoint.
enum Judged {
    /// It continues the newest one.
    Continues,
    /// It is recorded already, here.
    Known(u64),
    /// It contradicts what is here.
    Conflict(Divergence, bool, String),
    /// It cannot be judged: the proof begins elsewhere.
    Elsewhere,
}

impl Desk {
    /// Records a shard's checkpoint, or finds it recorded; gives the receipt.
    pub fn take_checkpoint(
        &self,
        actor: &Actor,
        shard: &str,
        asked: &TakeCheckpoint,
    ) -> Result<(ShardTaken, Written), Refusal> {
        self.check_present()?;
        let row = self.shard_within(actor, Permission::Record, shard)?;
        self.check_target(actor, row.system)?;
        let signed = SignedCheckpoint::parse(asked.checkpoint.as_bytes())
            .map_err(|error| Refusal::at(Code::Malformed, "/checkpoint", error.to_string()))?;
        let path = path_of(&asked.consistency)?;
        if signed.checkpoint.origin != row.origin {
            let text = format!(
                "the checkpoint is of {}, and this shard is {}",
                signed.checkpoint.origin, row.origin
            );
            return Err(Refusal::at(Code::ShardUnsigned, "/checkpoint", text));
        }
        let _turn = self.turn_of(&row.shard);
        self.refresh()?;
        for (place, record) in asked.key_records.iter().enumerate() {
            self.rotate_shard_key(actor, &row.shard, record)
                .map_err(|refusal| refusal.within(&format!("/key_records/{place}")))?;
        }
        let row = self.shard_row(&row.shard)?;
        let shown = shown_by(&row, &signed)?;
        match self.judge(&row, &shown, asked.old_size, &path)? {
            Judged::Known(index) => self.taken(&row.shard, self.written_at(index)?),
            Judged::Continues => {
                let facts = Facts::ShardCheckpointRecorded(shown);
                let written = self.about_shard(actor, &row, &facts)?;
                self.taken(&row.shard, written)
            }
            Judged::Elsewhere => {
                let size = row.size;
                let text = format!("the newest checkpoint here has size {size}; send a proof from there");
                Err(Refusal::at(Code::ShardAhead, "/old_size", text))
            }
            Judged::Conflict(kind, proved, text) => {
                Err(self.shard_conflict(actor, &row, shown, kind, proved, &text))
            }
        }
    }

    /// What becomes of what the shard showed.
    fn judge(
        &self,
        row: &ShardRow,
        shown: &ShardCheckpoint,
        old_size: u64,
        path: &[Hash],
    ) -> Result<Judged, Refusal> {
        if let Some((root, index)) = self.views.shard_checkpoint(&row.shard, shown.size)? {
            if root == shown.root {
                return Ok(Judged::Known(index));
            }
            let text = format!("entry {index} has another root for {} entries of this shard", shown.size);
            return Ok(Judged::Conflict(Divergence::Forked, true, text));
        }
        if shown.size < row.size && old_size == row.size {
            let text =
                format!("the newest checkpoint here is of {} entries, and this of {}", row.size, shown.size);
            return Ok(Judged::Conflict(Divergence::RolledBack, false, text));
        }
        // Also a request that was long on its way: it shows what was true when it left, and says from where it goes on.
        if old_size != row.size {
            return Ok(Judged::Elsewhere);
        }
        let known = row.root.unwrap_or_else(Hash::empty_root);
        Ok(match verify_consistency(row.size, &known, shown.size, &shown.root, path) {
            Ok(()) => Judged::Continues,
            Err(error) => {
                let text = format!(
                    "it is not shown to continue the checkpoint of {} entries here: {error}",
                    row.size
                );
                Judged::Conflict(Divergence::Forked, false, text)
            }
        })
    }

    /// Puts a conflict on record, each kind once for what was known then, so that repeating it fills no log; gives the refusal.
    fn shard_conflict(
        &self,
        actor: &Actor,
        row: &ShardRow,
        shown: ShardCheckpoint,
        kind: Divergence,
        proved: bool,
        text: &str,
    ) -> Refusal {
        let code = match kind {
            Divergence::RolledBack => Code::ShardAhead,
            Divergence::Forked => Code::ShardForked,
        };
        let recorded = match self.views.has_shard_conflict(&row.shard, row.size, kind, proved) {
            Ok(true) => return Refusal::at(code, "/checkpoint", format!("{text}; that is on record")),
            Ok(false) => {
                let found = ShardConflict { shown, kind, known_size: row.size, proved };
                self.about_shard(actor, row, &Facts::ShardConflictFound(found))
            }
            Err(error) => return error.into(),
        };
        match recorded {
            Ok(written) => {
                let text = format!("{text}; entry {} puts that on record", written.index);
                Refusal::at(code, "/checkpoint", text)
            }
            Err(refusal) => refusal,
        }
    }

    /// Replaces the shard's key by the one that its own record names.
    fn rotate_shard_key(&self, actor: &Actor, shard: &Hash, record: &str) -> Result<(), Refusal> {
        let row = self.shard_row(shard)?;
        let malformed = |text: String| Refusal::at(Code::Malformed, "", text);
        let bytes = STANDARD.decode(record).map_err(|_| malformed("is not base64".to_owned()))?;
        let entry = Entry::parse(&bytes).map_err(|error| malformed(error.to_string()))?;
        let Entry::Statement(statement) = entry else { return Err(malformed("is no key record".to_owned())) };
        let header = &statement.record.header;
        let refused = |text: &str| Refusal::at(Code::ShardUnsigned, "", text);
        if header.log.as_str() != row.origin {
            return Err(refused("the record is of another log"));
        }
        statement
            .verify(&row.root_key)
            .map_err(|_| refused("the shard's root key did not sign this record"))?;
        let Ok(Some(Facts::KeyRotated(rotation))) = facts(header) else {
            return Err(malformed("is no key.rotated record".to_owned()));
        };
        if rotation.purpose != Purpose::Log || rotation.key.public == row.key {
            return Ok(());
        }
        let rotated =
            ShardKeyRotated { origin: origin_of(&row)?, rotation: *rotation, record_sha256: sha256(&bytes) };
        if !rotated.is_agreed(&row.key) {
            return Err(refused("the key that is known here did not sign for its successor"));
        }
        self.about_shard(actor, &row, &Facts::ShardKeyRotated(Box::new(rotated))).map(drop)
    }

    /// Records `facts` of the shard as it stands in `row`. The turn is held, so nobody else has changed it.
    fn about_shard(&self, actor: &Actor, row: &ShardRow, facts: &Facts) -> Result<Written, Refusal> {
        let origin = origin_of(row)?;
        let draft = |version: u64| -> Draft { shard_draft(facts, &origin, row.system, version) };
        self.once(actor, "shard", &Given::default(), |_| {
            let now = self.shard_row(&row.shard)?;
            if now.version != row.version {
                return Err(Refusal::new(Code::Conflict, "the shard was registered anew at the same time"));
            }
            Ok(vec![draft(row.version)])
        })
    }

    fn written_at(&self, index: u64) -> Result<Written, Refusal> {
        let reader = self.ledger.reader();
        let view = reader.entry(index)?;
        let record_id = view
            .entry
            .header()
            .map(|header| header.record_id)
            .ok_or_else(|| Refusal::new(Code::Broken, format!("entry {index} should be a record")))?;
        Ok(Written { index, record_id, size: reader.commit_end(index)?, repeated: true })
    }

    fn taken(&self, shard: &Hash, written: Written) -> Result<(ShardTaken, Written), Refusal> {
        let index = Recorded::from(&written).index;
        let receipt = self.ledger.reader().receipt(index)?.to_bytes();
        let receipt = receipt.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
            Refusal::new(Code::Broken, format!("the receipt of entry {index} cannot be written"))
        })?;
        let shard = self.shown_shard(&self.shard_row(shard)?)?;
        Ok((ShardTaken { index, receipt, shard }, written))
    }
}

fn origin_of(row: &ShardRow) -> Result<Origin, Refusal> {
    Origin::new(&row.origin).map_err(|error| Refusal::new(Code::Broken, error.to_string()))
}

fn path_of(hashes: &[String]) -> Result<Vec<Hash>, Refusal> {
    let path: Option<Vec<Hash>> = hashes.iter().map(|text| Hash::from_hex(text)).collect();
    path.filter(|path| path.len() <= MAX_CONSISTENCY_HASHES).ok_or_else(|| {
        Refusal::at(Code::Malformed, "/consistency", "at most 63 hashes of 64 lower-case hex digits")
    })
}

/// The checkpoint as it is recorded, once the known key's signature on it was verified.
fn shown_by(row: &ShardRow, signed: &SignedCheckpoint) -> Result<ShardCheckpoint, Refusal> {
    let unsigned = |text: String| Refusal::at(Code::ShardUnsigned, "/checkpoint", text);
    let key = VerifierKey::new(&row.origin, row.key)
        .map_err(|error| Refusal::new(Code::Broken, error.to_string()))?;
    signed.verify_with(&key).map_err(|error| unsigned(error.to_string()))?;
    let mut lines = signed.note.signatures.iter();
    let line = lines.find(|line| line.name == row.origin && line.key_id == key.id());
    let signature = line.and_then(|line| <[u8; 64]>::try_from(line.signature.as_slice()).ok());
    let tree = &signed.checkpoint;
    if tree.size == 0 {
        return Err(Refusal::at(
            Code::Malformed,
            "/checkpoint",
            "a log without entries has nothing to vouch for",
        ));
    }
    Ok(ShardCheckpoint {
        key: KeyId::of(&row.key),
        origin: origin_of(row)?,
        root: tree.root,
        signature: signature.ok_or_else(|| unsigned("its signature is not of 64 bytes".to_owned()))?,
        size: tree.size,
    })
}
