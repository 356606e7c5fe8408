//! The state of a log as bytes. What statements of the log itself prove, its keys and its conflict, is read from the log again.

use std::collections::BTreeMap;

use tabellion_model::registry::{self, Facts};
use tabellion_model::{Entry, KeyChain, Micros, StreamName};
use tabellion_tlog::leaf_hash;

use super::pack::{Packer, Unpacker};
use crate::batches::Batches;
use crate::disk::Disk;
use crate::numbers::Numbers;
use crate::read;
use crate::state::{Deletion, Hold, LogState};
use crate::tree::TreeIndex;
use crate::witnessed::Conflict;

/// Everything but what is looked up by tag, in an order that depends on nothing but the log.
pub(crate) fn pack(state: &LogState, out: &mut Packer) {
    let LogState { tree, batches, numbers, streams, committed_at, orders, erased_keys, requests, .. } = state;
    tree.pack(out);
    batches.pack(out);
    numbers.pack(out);
    let streams: BTreeMap<&str, u64> =
        streams.iter().map(|(name, version)| (name.as_str(), *version)).collect();
    out.list(streams, |out, (name, version)| {
        out.text(name);
        out.number(version);
    });
    out.number(committed_at.0);
    out.list(orders, |out, (order, keys)| {
        out.id(order);
        out.list(keys, Packer::id);
    });
    out.list(erased_keys, Packer::id);
    out.list(requests, |out, (request, index)| {
        out.id(request);
        out.number(*index);
    });
    out.flag(state.erase_by_two);
    out.list(&state.holds, |out, (hold, Hold { keys, system, index })| {
        out.id(hold);
        out.option(keys.as_ref(), |out, keys| out.list(keys, Packer::id));
        out.option(system.as_ref(), Packer::id);
        out.number(*index);
    });
    out.list(&state.deletions, |out, (system, deletion)| {
        out.id(system);
        let requested = match deletion {
            Deletion::Requested { due, by_two } => Some((*due, *by_two)),
            Deletion::Purged => None,
        };
        out.option(requested, |out, (due, by_two)| {
            out.number(due.0);
            out.flag(by_two);
        });
    });
    out.list(&state.tombstones, |out, index| out.number(*index));
    out.list(&state.alarms, |out, (index, record, lifted)| {
        out.number(*index);
        out.id(record);
        out.option(*lifted, Packer::number);
    });
    out.list(&state.key_records, |out, index| out.number(*index));
    out.list(&state.rule_records, |out, index| out.number(*index));
    out.list(&state.clock_records, |out, index| out.number(*index));
    out.list(&state.second_key_records, |out, index| out.number(*index));
}

/// The state again, or why it cannot be had.
pub(crate) fn unpack(from: &mut Unpacker<'_>, disk: &dyn Disk) -> Result<LogState, String> {
    let tree = TreeIndex::unpack(from).ok_or("its tree cannot be read")?;
    let batches = Batches::unpack(from).ok_or("its batches cannot be read")?;
    if batches.last().map(|last| last.size_after()) != Some(tree.size()) {
        return Err("its batches do not end where its tree does".to_owned());
    }
    let entry = |index: u64| {
        let batch = batches.holding(index).ok_or_else(|| format!("entry {index} is in no batch"))?;
        read::stored_entry(disk, &batch, index).map(|stored| stored.entry).map_err(|fault| fault.to_string())
    };
    let genesis = entry(0)?;
    let keys = KeyChain::genesis(&genesis).map_err(|error| format!("entry 0 is not a genesis: {error}"))?;
    let begun = LogState { tree, ..LogState::empty(leaf_hash(&genesis), keys) };
    let unreadable = "what follows its batches cannot be read";
    let mut state = rest(from, begun).ok_or(unreadable)?;
    let second_key_records: Vec<u64> = from.list(Unpacker::number).ok_or(unreadable)?;
    for index in state.key_records.iter().copied().filter(|index| *index > 0) {
        let Entry::Statement(statement) = parsed(index, &entry(index)?)? else {
            return Err(format!("entry {index} is no key record"));
        };
        let applied = state.keys.apply(index, &statement);
        applied.map_err(|error| format!("key record at entry {index}: {error}"))?;
    }
    for index in second_key_records {
        let entry = parsed(index, &entry(index)?)?;
        let facts = entry.header().map(registry::facts);
        let Some(Ok(Some(facts))) = facts else {
            return Err(format!("entry {index} says nothing of a second key"));
        };
        state.apply_second_key(index, &facts)?;
    }
    if let Some((index, _, None)) = state.alarms.last().copied() {
        state.conflict = Some(conflict(index, &entry(index)?)?);
    }
    state.batches = batches;
    Ok(state)
}

fn rest(from: &mut Unpacker<'_>, state: LogState) -> Option<LogState> {
    Some(LogState {
        numbers: Numbers::unpack(from)?,
        streams: from.list(|from| Some((StreamName::new(from.text()?).ok()?, from.number()?)))?,
        committed_at: Micros(from.number()?),
        orders: from.list(|from| Some((from.id()?, from.list(Unpacker::id)?)))?,
        erased_keys: from.list(Unpacker::id)?,
        requests: from.list(|from| Some((from.id()?, from.number()?)))?,
        erase_by_two: from.flag()?,
        holds: from.list(|from| {
            let hold = from.id()?;
            let keys = from.option(|from| from.list(Unpacker::id))?;
            Some((hold, Hold { keys, system: from.option(Unpacker::id)?, index: from.number()? }))
        })?,
        deletions: from.list(|from| {
            let system = from.id()?;
            let requested = from.option(|from| Some((Micros(from.number()?), from.flag()?)))?;
            let deletion =
                requested.map_or(Deletion::Purged, |(due, by_two)| Deletion::Requested { due, by_two });
            Some((system, deletion))
        })?,
        tombstones: from.list(Unpacker::number)?,
        alarms: from.list(|from| Some((from.number()?, from.id()?, from.option(Unpacker::number)?)))?,
        key_records: from.list(Unpacker::number)?,
        rule_records: from.list(Unpacker::number)?,
        clock_records: from.list(Unpacker::number)?,
        ..state
    })
}

fn parsed(index: u64, bytes: &[u8]) -> Result<Entry, String> {
    Entry::parse(bytes).map_err(|error| format!("entry {index}: {error}"))
}

fn conflict(index: u64, bytes: &[u8]) -> Result<Conflict, String> {
    let entry = parsed(index, bytes)?;
    let header = entry.header().ok_or_else(|| format!("entry {index} is no alarm"))?;
    match registry::facts(header) {
        Ok(Some(Facts::ConflictFound(found))) => Ok(Conflict::of(header, found)),
        _ => Err(format!("entry {index} is no alarm")),
    }
}
