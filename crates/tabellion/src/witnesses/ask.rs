//! One question to one witness, and what its answer means.
//!
//! Promises: a cosignature counts once its key has verified it over our own checkpoint; an answer that contradicts what the witness itself shows
//! is its fault and stops nothing. Must never: send a proof that was not made from the log's own tree.

use tabellion_ledger::{NewConflict, Reader};
use tabellion_model::Purpose;
use tabellion_model::registry::{ConflictFound, Divergence};
use tabellion_tlog::{
    AddCheckpoint, NoteSignature, SIZE_MEDIA_TYPE, SignedCheckpoint, VerifierKey, parse_conflict_size,
    parse_signature_lines, sha256,
};

use super::link::{Answer, Link};
use super::policy::Peer;

/// Questions in one conversation: one with the size we remember, one with the size that the witness names, and one in case two of us ask.
const TRIES: usize = 3;

/// What a witness made of a checkpoint.
pub(super) enum Said {
    /// It cosigned: the lines by its known keys.
    Cosigned(Vec<NoteSignature>),
    /// It did not, for a reason that may pass.
    Failed(String),
    /// It knows another tree of this log.
    Conflict(Box<NewConflict>),
}

/// What a witness shows as the newest checkpoint it cosigned.
enum Shown {
    /// Nothing, or nothing that the log signed.
    Nothing,
    /// A tree of this size that the log has.
    Ours(u64),
    /// A tree that the log does not have, signed by the log.
    Other(Divergence, u64, String),
}

/// Asks for a cosignature. `old`: size of the newest checkpoint that it is known to have cosigned; the size that it has is left there.
pub(super) async fn ask(
    link: &mut Link,
    peer: &Peer,
    reader: &Reader,
    target: &SignedCheckpoint,
    old: &mut u64,
) -> Said {
    *old = (*old).min(target.checkpoint.size);
    for _ in 0..TRIES {
        let body = match request(reader, target, *old).await {
            Ok(body) => body,
            Err(why) => return Said::Failed(why),
        };
        let answer = match link.post("/add-checkpoint", body).await {
            Ok(answer) => answer,
            Err(why) => return Said::Failed(why),
        };
        match answer.status.as_u16() {
            200 => return cosigned(link, peer, reader, target, &answer, old).await,
            409 => match named_size(&answer) {
                Some(size) if size == *old => return Said::Failed("it refuses the size that it names itself (409)".to_owned()),
                Some(size) if size > reader.size() => {
                    let said = format!("it has cosigned a checkpoint of {size} entries, and the log has {}", reader.size());
                    return judge(link, peer, reader, (Divergence::RolledBack, size), said).await;
                }
                // It has a newer checkpoint of ours than the one asked about: that is for the next question.
                Some(size) if size > target.checkpoint.size => {
                    return Said::Failed(format!("it has a newer checkpoint, of {size} entries"));
                }
                Some(size) => *old = size,
                None => return Said::Failed("its conflict names no size (409)".to_owned()),
            },
            422 => {
                let said = format!("it refuses the proof from {old} to {} entries (422)", target.checkpoint.size);
                let signed = signed_by(reader, peer).filter(|signed| *signed >= *old);
                if let Some(signed) = signed {
                    return Said::Failed(format!("{said}, and has itself cosigned our tree of {signed} entries"));
                }
                return judge(link, peer, reader, (Divergence::Forked, *old), said).await;
            }
            404 => return Said::Failed("it does not know this log (404); its operator has to add the log's key".to_owned()),
            403 => return Said::Failed("it does not know the key that signs checkpoints (403); its operator needs the newest trust file".to_owned()),
            other => return Said::Failed(format!("it answers with status {other}")),
        }
    }
    Said::Failed("it names another size each time (409)".to_owned())
}

async fn request(reader: &Reader, target: &SignedCheckpoint, old: u64) -> Result<String, String> {
    let (reader, size) = (reader.clone(), target.checkpoint.size);
    // It reads the disk.
    let proof = tokio::task::spawn_blocking(move || reader.consistency(old, size)).await;
    let proof = proof.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok(AddCheckpoint { old_size: old, proof, checkpoint: target.clone() }.to_string())
}

fn named_size(answer: &Answer) -> Option<u64> {
    let media = answer.media_type.split(';').next().unwrap_or("").trim();
    if media == SIZE_MEDIA_TYPE { parse_conflict_size(&answer.body) } else { None }
}

async fn cosigned(
    link: &mut Link,
    peer: &Peer,
    reader: &Reader,
    target: &SignedCheckpoint,
    answer: &Answer,
    old: &mut u64,
) -> Said {
    let by_us =
        |line: &NoteSignature| peer.keys.iter().any(|key| key.name() == line.name && key.id() == line.key_id);
    let lines =
        parse_signature_lines(&answer.body).map(|lines| lines.into_iter().filter(by_us).collect::<Vec<_>>());
    let lines = match lines {
        Ok(lines) if !lines.is_empty() => lines,
        Ok(_) => return Said::Failed("its answer holds no cosignature by a key of the policy".to_owned()),
        Err(error) => return Said::Failed(format!("its answer cannot be read: {error}")),
    };
    match target.with_signatures(&lines).verify_any(&peer.keys) {
        Ok(verified) if verified.iter().all(|one| one.timestamp.is_some()) => {
            *old = target.checkpoint.size;
            Said::Cosigned(lines)
        }
        Ok(_) => Said::Failed("its cosignature names no time".to_owned()),
        // Rubbish, or a signature over another root: what it shows to everybody tells.
        Err(error) => match shown(link, reader).await {
            Shown::Other(kind, size, text) => {
                let said = format!("it answered with a cosignature that is not over our checkpoint: {error}");
                Said::Conflict(Box::new(conflict(peer, kind, size, said, Some(text))))
            }
            Shown::Ours(_) | Shown::Nothing => {
                Said::Failed(format!("its cosignature does not verify: {error}"))
            }
        },
    }
}

/// Size of the newest checkpoint of ours that we hold its own signature over: it cannot know another tree of that size or a smaller one.
fn signed_by(reader: &Reader, peer: &Peer) -> Option<u64> {
    let cosigned = reader.cosigned()?;
    cosigned.verify_any(&peer.keys).ok().map(|_| cosigned.checkpoint.size)
}

/// Whether what it said is so, as far as what it shows to everybody tells.
async fn judge(
    link: &mut Link,
    peer: &Peer,
    reader: &Reader,
    claim: (Divergence, u64),
    said: String,
) -> Said {
    match shown(link, reader).await {
        Shown::Other(kind, size, text) => {
            Said::Conflict(Box::new(conflict(peer, kind, size, said, Some(text))))
        }
        // What it shows may be an hour old; only one that is as large as what it claims contradicts it.
        Shown::Ours(size) if size >= claim.1 => {
            Said::Failed(format!("{said}, and shows a checkpoint that says otherwise: it contradicts itself"))
        }
        Shown::Ours(_) | Shown::Nothing => {
            Said::Conflict(Box::new(conflict(peer, claim.0, claim.1, said, None)))
        }
    }
}

fn conflict(peer: &Peer, kind: Divergence, size: u64, said: String, shown: Option<String>) -> NewConflict {
    let witness = format!("{} ({})", peer.name, peer.url);
    NewConflict { found: ConflictFound { kind, proved: shown.is_some(), size }, witness, said, shown }
}

async fn shown(link: &mut Link, reader: &Reader) -> Shown {
    let origin = reader.origin();
    let Ok(answer) = link.get(&format!("/{}/checkpoint", sha256(origin.as_str().as_bytes()))).await else {
        return Shown::Nothing;
    };
    let read = (answer.status.as_u16() == 200).then(|| SignedCheckpoint::parse(&answer.body).ok()).flatten();
    let Some(signed) = read.filter(|signed| is_by_log(reader, signed)) else { return Shown::Nothing };
    let size = signed.checkpoint.size;
    if size > reader.size() {
        return Shown::Other(Divergence::RolledBack, size, signed.bytes);
    }
    let reader = reader.clone();
    match tokio::task::spawn_blocking(move || reader.root_at(size)).await {
        Ok(Ok(root)) if root == signed.checkpoint.root => Shown::Ours(size),
        Ok(Ok(_)) => Shown::Other(Divergence::Forked, size, signed.bytes),
        _ => Shown::Nothing,
    }
}

/// Whether a key that ever signed checkpoints of this log signed this one.
fn is_by_log(reader: &Reader, signed: &SignedCheckpoint) -> bool {
    let (keys, origin) = (reader.keys(), reader.origin());
    let logs = keys.grants().filter(|grant| grant.purpose == Purpose::Log);
    let mut logs = logs.filter_map(|grant| VerifierKey::new(origin.as_str(), grant.info.public).ok());
    logs.any(|key| signed.verify_with(&key).is_ok())
}
