//! Everything that the rules of clauses and controls look at, of one moment.
//!
//! Promises: counts come from headers; what was erased is not known and counts as the worst. Its time grows with systems, models, register records
//! and days, not with calls. Must never: leave out a system that only a count knows.

mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_ledger::Reader;
use tabellion_model::body::{Role, SystemStage};
use tabellion_model::catalogue::Reference;
use tabellion_model::register::Registers;
use tabellion_model::status::OPEN_CALL_GRACE;
use tabellion_model::status::facts::{
    Applicability, ApplicabilityRow, Calls, Facts, LedgerFacts, PolicyFacts, SystemFacts,
};
use tabellion_model::status::rules::Window;
use tabellion_model::text::says_something;
use tabellion_model::{CredentialId, Micros, Purpose, SystemId};
use tabellion_tlog::{SignedCheckpoint, VerifierKey};

use super::applicability;
use super::people::{RoleChange, held};
pub(crate) use kept::Kept;
use kept::Recent;

use crate::error::ViewsError;
use crate::projection::ledger;
use crate::projection::tallies::DAY_US;
use crate::values::{id, int, number, optional_word};
use crate::views::Views;

impl Views {
    /// What the rules look at, seen from `now`.
    pub fn facts(&self, registers: &Registers, now: Micros) -> Result<Facts, ViewsError> {
        self.ask(|db| {
            let shared = self.shared();
            let mut kept = shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
            // Asked before the rows are read: what is blanked meanwhile throws them away next time.
            kept.renew(shared.times_blanked());
            read(db, self.reader(), registers, now, &mut kept)
        })
    }
}

/// The facts in the rows of `db`; `kept` is of the same rows, earlier.
pub(crate) fn read(
    db: &Connection,
    reader: &Reader,
    registers: &Registers,
    now: Micros,
    kept: &mut Kept,
) -> Result<Facts, ViewsError> {
    let moment = db.unchecked_transaction()?;
    let position: i64 =
        moment.query_row("SELECT coalesce(min(position), 0) FROM views", [], |row| row.get(0))?;
    let size = u64::try_from(position).unwrap_or(0);
    let tallies = tallies(&moment, now)?;
    Ok(Facts {
        size,
        systems_counted: Some(systems_counted(&moment, &tallies)?),
        systems: systems(&moment, tallies, now, kept)?,
        items: kept.items(&moment, registers)?,
        holders: holders(&moment)?,
        policies: policies(&moment, now)?,
        ledger: ledger_facts(&moment, reader, size, now)?,
        applicability: statement(&moment)?,
    })
}

/// What was counted of one system.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    calls: [Calls; Window::ALL.len()],
    last_entry: u64,
}

type Tallies = BTreeMap<SystemId, Tally>;

/// Whole days in UTC, the one in which a window begins included.
fn first_day(window: Window, now: Micros) -> i64 {
    int(window.begin(now).0 / DAY_US)
}

fn tallies(db: &Connection, now: Micros) -> rusqlite::Result<Tallies> {
    let sums = "SELECT system, sum(permitted) AS permitted, sum(denied) AS denied, sum(completed) AS completed, sum(broken) AS broken,
        max(last_entry) AS last_entry FROM tallies WHERE day >= ?1 AND day < ?2 AND length(system) = 16 GROUP BY system";
    let mut select = db.prepare_cached(sums)?;
    let mut tallies = Tallies::new();
    let mut end = i64::MAX;
    for window in Window::ALL {
        // Windows lie inside each other: each day is added up once, and counts for its window and every longer one.
        let begin = first_day(window, now);
        let part = |row: &Row<'_>| {
            let calls = Calls {
                permitted: number(row, "permitted")?,
                denied: number(row, "denied")?,
                completed: number(row, "completed")?,
                broken: number(row, "broken")?,
            };
            Ok((id(row, "system")?, calls, number(row, "last_entry")?))
        };
        for found in select.query_map(params![begin, end], part)? {
            let (system, calls, last_entry) = found?;
            let tally = tallies.entry(system).or_default();
            tally.calls.iter_mut().skip(window.place()).for_each(|sum| *sum += calls);
            tally.last_entry = tally.last_entry.max(last_entry);
        }
        end = begin;
    }
    Ok(tallies)
}

/// By the streams of systems and by calls: two ways that know nothing of the inventory's rows.
fn systems_counted(db: &Connection, tallies: &Tallies) -> rusqlite::Result<u64> {
    let sql = "SELECT DISTINCT substr(stream, 8) AS system FROM changes WHERE stream > 'system/' AND stream < 'system0'";
    let mut select = db.prepare_cached(sql)?;
    let mut counted: BTreeSet<SystemId> = tallies.keys().copied().collect();
    for name in select.query_map([], |row| row.get::<_, String>(0))? {
        counted.extend(SystemId::from_hex(&name?));
    }
    Ok(counted.len() as u64)
}

fn systems(
    db: &Connection,
    mut tallies: Tallies,
    now: Micros,
    kept: &mut Kept,
) -> rusqlite::Result<Vec<SystemFacts>> {
    let sql = "SELECT systems.system, systems.name, systems.purged_entry IS NOT NULL AS purged,
        CASE WHEN systems.stage_entry IS NULL THEN 'draft' ELSE systems.stage END AS stage_now,
        people.name IS NOT NULL AS owner_known FROM systems LEFT JOIN people ON people.person = systems.owner";
    let mut select = db.prepare_cached(sql)?;
    let row = |row: &Row<'_>| {
        let purged: bool = row.get("purged")?;
        let stage = if purged { Some(SystemStage::Retired) } else { optional_word(row, "stage_now")? };
        Ok(SystemFacts {
            system: id(row, "system")?,
            name: row.get("name")?,
            stage,
            owner_known: row.get("owner_known")?,
            calls: Default::default(),
            models: Vec::new(),
        })
    };
    let mut systems = select.query_map([], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut last_entries = BTreeMap::new();
    for system in &mut systems {
        let tally = tallies.remove(&system.system).unwrap_or_default();
        system.calls = tally.calls;
        last_entries.insert(system.system, tally.last_entry);
    }
    last_entries.extend(tallies.iter().map(|(system, tally)| (*system, tally.last_entry)));
    // Called, and never registered.
    systems.extend(tallies.into_iter().map(|(system, tally)| SystemFacts {
        system,
        name: None,
        stage: None,
        owner_known: false,
        calls: tally.calls,
        models: Vec::new(),
    }));
    systems.sort_unstable_by_key(|system| system.system);
    let recent = recent(db, now)?;
    for system in systems.iter_mut().filter(|system| system.calls_in(Window::Year).permitted > 0) {
        let last_entry = last_entries.get(&system.system).copied().unwrap_or(0);
        system.models = kept.models(db, system.system, system.calls, last_entry, recent)?;
    }
    Ok(systems)
}

/// Where each window begins among the calls.
fn recent(db: &Connection, now: Micros) -> rusqlite::Result<[Recent; Window::ALL.len()]> {
    let mut found = Window::ALL.map(|window| Recent { begin: window.begin(now), first_entry: None });
    let mut select =
        db.prepare_cached("SELECT entry FROM calls WHERE at >= ?1 ORDER BY at, entry LIMIT 1")?;
    for recent in &mut found {
        recent.first_entry =
            select.query_row(params![int(recent.begin.0)], |row| number(row, "entry")).optional()?;
    }
    Ok(found)
}

fn holders(db: &Connection) -> rusqlite::Result<BTreeMap<Role, u64>> {
    let sql = "SELECT roles.person, roles.entry, roles.at, roles.actor, roles.granted, roles.role FROM roles
        JOIN people ON people.person = roles.person WHERE people.details_unit IS NOT NULL ORDER BY roles.entry";
    let mut select = db.prepare_cached(sql)?;
    let mut changes: BTreeMap<CredentialId, Vec<RoleChange>> = BTreeMap::new();
    for found in select.query_map([], |row| Ok((id(row, "person")?, super::people::change(row)?)))? {
        let (person, change) = found?;
        changes.entry(person).or_default().push(change);
    }
    let mut holders = BTreeMap::new();
    for role in changes.values().flat_map(|changes| held(changes)) {
        *holders.entry(role).or_default() += 1;
    }
    Ok(holders)
}

fn policies(db: &Connection, now: Micros) -> rusqlite::Result<PolicyFacts> {
    let count = |sql: &str| db.prepare_cached(sql)?.query_row([], |row| number(row, "n"));
    let in_force =
        count("SELECT count(*) AS n FROM policies WHERE newest = 1 AND withdrawn = 0 AND text IS NOT NULL")?;
    let mut facts = PolicyFacts { in_force, ..PolicyFacts::default() };
    let sql =
        "SELECT count(*) AS changes, count(nullif(trim(note), '')) AS explained FROM policies WHERE at >= ?1";
    let mut select = db.prepare_cached(sql)?;
    let sums = facts.changes.iter_mut().zip(facts.explained.iter_mut());
    for (window, (changes, explained)) in Window::ALL.into_iter().zip(sums) {
        let begin = params![int(window.begin(now).0)];
        (*changes, *explained) =
            select.query_row(begin, |row| Ok((number(row, "changes")?, number(row, "explained")?)))?;
    }
    Ok(facts)
}

fn ledger_facts(db: &Connection, reader: &Reader, size: u64, now: Micros) -> Result<LedgerFacts, ViewsError> {
    let sums = "SELECT coalesce(sum(records), 0) AS records, coalesce(sum(max(last - records, 0)), 0) AS missing FROM numbers";
    let (records, missing) = db
        .prepare_cached(sums)?
        .query_row([], |row| Ok((number(row, "records")?, number(row, "missing")?)))?;
    let before = int(now.0.saturating_sub(OPEN_CALL_GRACE.0));
    let open = db
        .prepare_cached("SELECT count(*) AS n FROM calls INDEXED BY calls_open WHERE state = 0 AND at < ?1")?
        .query_row(params![before], |row| number(row, "n"))?;
    let tree = ledger::tree(db)?;
    let signed = signed_root(reader, size);
    let (proved, contradicted) = match (tree, signed) {
        (Some(tree), Some(signed)) if tree.end() == size => {
            let same = tree.root().is_ok_and(|root| root == signed);
            (same.then_some(size), !same)
        }
        _ => (None, false),
    };
    let calls_without_end = Some(open);
    Ok(LedgerFacts { records, missing: Some(missing), proved, contradicted, calls_without_end })
}

/// The root in the checkpoint of `size`, when the log key in force then signed it.
fn signed_root(reader: &Reader, size: u64) -> Option<tabellion_tlog::Hash> {
    let text = reader.checkpoint_at(size).ok()?;
    let signed = SignedCheckpoint::parse(text.as_bytes()).ok()?;
    let keys = reader.keys();
    let key = keys.in_force(Purpose::Log, size)?;
    let key = VerifierKey::new(keys.origin().as_str(), key.public).ok()?;
    signed.verify_with(&key).ok()?;
    Some(signed.checkpoint.root)
}

fn statement(db: &Connection) -> rusqlite::Result<Applicability> {
    let approval = applicability::approval(db)?.filter(|approval| approval.digest.is_some());
    let rows = applicability::rows(db)?.into_iter().map(|row| {
        let content = row.content.as_ref();
        let is_text = |text: &String| says_something(text);
        let of_control: (Reference, ApplicabilityRow) = (
            row.control,
            ApplicabilityRow {
                entry: row.entry,
                at: row.at,
                decision: content.map(|content| content.decision),
                reasoned: content.is_some_and(|content| is_text(&content.reason)),
                evidenced: content.and_then(|content| content.evidence.as_ref()).is_some_and(is_text),
                approved: approval.as_ref().is_some_and(|approval| approval.entry > row.entry),
            },
        );
        of_control
    });
    Ok(Applicability {
        rows: rows.collect(),
        approved: approval.map(|approval| (approval.at, approval.entry)),
    })
}
