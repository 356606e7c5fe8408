//! `tabellion log shards`: what a root log has of each shard, held against itself and, where they are at hand, against the shards' own logs.
//!
//! Promises: a root that a shard's log does not have at that size is named; a shard that was to be asked what it hands out now, and could not be judged, is too. Must never: take the root log's word for what can be computed here.

mod live;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tabellion_ledger::{LedgerError, Reader};
use tabellion_model::registry::facts;
use tabellion_model::shards::{ShardAlarm, ShardLife, ShardLives, ShardStep};
use tabellion_model::{Entry, KeyId, Origin};

use self::live::Live;
use crate::directory::{Directory, Place};
use crate::failure::{Exit, Failure};
use crate::terminal;

/// What the exit status says, for the help.
pub(super) const EXIT_CODES: &str = "Exit status: 0 nothing contradicts itself, 1 something does or a conflict is on record, 3 neither, and with --live \
not every shard could be asked and judged";

/// Lists and checks; ends as [`EXIT_CODES`] says.
pub(super) fn run(
    reader: &Reader,
    shards: &[PathBuf],
    addresses: Option<&Path>,
    as_json: bool,
) -> Result<(), Failure> {
    let own = open(shards)?;
    let (mut lives, steps) = read(reader)?;
    let compared = compare(&mut lives, &steps, &own)?;
    let live = addresses.map(|file| live::compare(&lives, file)).transpose()?.unwrap_or_default();
    for (origin, found) in &live {
        if let Live::Contradicts(what) = found {
            lives.problem(format!("{origin}: {what}"));
        }
    }
    if as_json {
        terminal::json(&shown(&lives, &compared, &live))?;
    } else {
        for (origin, life) in &lives.shards {
            terminal::data(&told(origin, life, compared.get(origin).copied(), live.get(origin)))?;
        }
        for problem in &lives.problems {
            terminal::data(&format!("contradiction: {}\n", terminal::printable(problem)))?;
        }
    }
    let alarms = lives.shards.values().any(|life| !life.alarms.is_empty());
    if lives.problem_count > 0 || alarms {
        return Err(Failure::told(Exit::Failed));
    }
    let open = live.values().any(|found| matches!(found, Live::Unknown(_)));
    if open { Err(Failure::told(Exit::Undetermined)) } else { Ok(()) }
}

/// The shards' own logs, by their origins.
fn open(dirs: &[PathBuf]) -> Result<BTreeMap<Origin, Reader>, Failure> {
    let mut own = BTreeMap::new();
    for dir in dirs {
        let place = Place { dir: dir.clone(), config: None };
        let reader = Directory::find(&place)?.reader()?;
        own.insert(reader.origin(), reader);
    }
    Ok(own)
}

type Steps = Vec<(Origin, ShardStep)>;

fn read(reader: &Reader) -> Result<(ShardLives, Steps), Failure> {
    let (mut lives, mut steps) = (ShardLives::default(), Vec::new());
    // A batch's time stands in its seal, which comes last.
    let mut open = Vec::new();
    reader.entries(0, reader.size(), |view| {
        match &view.entry {
            Entry::Seal(seal) => {
                for (index, said) in open.drain(..) {
                    steps.extend(lives.take(index, seal.seal.committed_at, &said));
                }
            }
            Entry::Record(record) => {
                let said = facts(&record.header).map_err(|error| LedgerError::Fatal(error.to_string()))?;
                open.extend(said.map(|said| (view.index, said)));
            }
            Entry::Statement(_) => {}
        }
        Ok(())
    })?;
    Ok((lives, steps))
}

/// Computes the root of each shard that is at hand at every size that the root log has of it. How many were compared, by origin.
fn compare(
    lives: &mut ShardLives,
    steps: &Steps,
    own: &BTreeMap<Origin, Reader>,
) -> Result<BTreeMap<Origin, u64>, Failure> {
    let mut compared: BTreeMap<Origin, u64> = BTreeMap::new();
    for (origin, step) in steps {
        let Some(shard) = own.get(origin) else { continue };
        let (index, size) = (step.index, step.size);
        *compared.entry(origin.clone()).or_default() += 1;
        if size > shard.size() {
            lives.problem(format!(
                "entry {index}: {origin} has {} entries, and had {size}: it was put back to an earlier state",
                shard.size()
            ));
        } else if shard.root_at(size)? != step.root {
            lives.problem(format!("entry {index}: {origin} has another root for its first {size} entries"));
        }
    }
    Ok(compared)
}

fn shown(lives: &ShardLives, compared: &BTreeMap<Origin, u64>, live: &BTreeMap<Origin, Live>) -> Value {
    let shards: Vec<Value> = lives
        .shards
        .iter()
        .map(|(origin, life)| {
            json!({
                "checkpoints": life.checkpoints,
                "compared": compared.get(origin),
                "conflicts": life.alarms.iter().map(alarm).collect::<Vec<_>>(),
                "key": life.key.as_ref().map(|key| KeyId::of(key).to_hex()),
                "live": live.get(origin).map(live_json),
                "longest_gap_seconds": life.longest_us / 1_000_000,
                "newest": life.newest.map(|step| json!({
                    "at": step.at.to_string(), "entry": step.index, "root": step.root.to_hex(), "size": step.size,
                })),
                "origin": origin.as_str(),
                "unchecked": life.unchecked,
            })
        })
        .collect();
    json!({ "problem_count": lives.problem_count, "problems": lives.problems, "shards": shards })
}

fn live_json(found: &Live) -> Value {
    match found {
        Live::Agrees(size) => json!({ "outcome": "holds", "size": size }),
        Live::Contradicts(why) => json!({ "outcome": "broken", "why": why }),
        Live::Unknown(why) => json!({ "outcome": "not checked", "why": why }),
    }
}

fn alarm(alarm: &ShardAlarm) -> Value {
    json!({
        "at": alarm.at.to_string(), "entry": alarm.index, "kind": alarm.kind.as_str(), "proved": alarm.proved, "size": alarm.size,
    })
}

fn told(origin: &Origin, life: &ShardLife, compared: Option<u64>, now: Option<&Live>) -> String {
    let mut text = format!("{origin}\n");
    match life.newest {
        None => text.push_str("  no checkpoint yet\n"),
        Some(step) => {
            text = format!(
                "{text}  size {} at {}, entry {}; {} checkpoints, at most {} s apart\n",
                step.size,
                step.at,
                step.index,
                life.checkpoints,
                life.longest_us / 1_000_000
            );
        }
    }
    if let Some(compared) = compared {
        text = format!("{text}  {compared} of them compared with the shard's own log\n");
    }
    match now {
        None | Some(Live::Contradicts(_)) => {}
        Some(Live::Agrees(size)) => {
            text = format!("{text}  now it hands out {size} entries, which continue what is recorded\n");
        }
        Some(Live::Unknown(why)) => {
            text = format!("{text}  what it hands out now was NOT CHECKED: {}\n", terminal::printable(why));
        }
    }
    for alarm in &life.alarms {
        let proof = if alarm.proved { "proved by its own signatures" } else { "not proved" };
        let (kind, size, at) = (alarm.kind.as_str(), alarm.size, alarm.at);
        text = format!(
            "{text}  CONFLICT in entry {}: {kind} at size {size}, {proved}, {at}\n",
            alarm.index,
            proved = proof
        );
    }
    text
}
