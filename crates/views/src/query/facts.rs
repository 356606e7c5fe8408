//! Everything that the rules of clauses and controls look at, of one moment.
//!
//! Promises: counts come from headers; what was erased is not known and counts as the worst. Its time grows with systems, models, register records
//! and days, not with calls. Must never: leave out a system that only a count knows.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tabellion_ledger::Reader;
use tabellion_model::body::{Role, SystemStage};
use tabellion_model::catalogue::Reference;
use tabellion_model::register::Registers;
use tabellion_model::status::OPEN_CALL_GRACE;
use tabellion_model::status::facts::{
    Applicability, ApplicabilityRow, Approval, Calls, Facts, ItemFacts, LedgerFacts, PolicyFacts, SystemFacts,
};
use tabellion_model::status::rules::Window;
use tabellion_model::{CredentialId, Micros, Purpose, SystemId};
use tabellion_tlog::{SignedCheckpoint, VerifierKey};

use super::people::{RoleChange, held};
use super::register_lives::RegisterItemFacts;
use super::{applicability, models, register_lives};
use crate::error::ViewsError;
use crate::projection::ledger;
use crate::projection::tallies::DAY_US;
use crate::values::{id, int, number, optional_word};
use crate::views::Views;

impl Views {
    /// What the rules look at, seen from `now`.
    pub fn facts(&self, registers: &Registers, now: Micros) -> Result<Facts, ViewsError> {
        self.ask(|db| read(db, self.reader(), registers, now))
    }
}

/// The facts in the rows of `db`.
pub(crate) fn read(
    db: &Connection,
    reader: &Reader,
    registers: &Registers,
    now: Micros,
) -> Result<Facts, ViewsError> {
    let moment = db.unchecked_transaction()?;
    let position: i64 =
        moment.query_row("SELECT coalesce(min(position), 0) FROM views", [], |row| row.get(0))?;
    let size = u64::try_from(position).unwrap_or(0);
    let tallies = tallies(&moment, now)?;
    Ok(Facts {
        size,
        systems_counted: Some(systems_counted(&moment, &tallies)?),
        systems: systems(&moment, tallies, now)?,
        items: items(&moment, registers)?,
        holders: holders(&moment)?,
        policies: policies(&moment, now)?,
        ledger: ledger_facts(&moment, reader, size, now)?,
        applicability: statement(&moment)?,
    })
}

type Tallies = BTreeMap<SystemId, [Calls; Window::ALL.len()]>;

/// Whole days in UTC, the one in which a window begins included.
fn first_day(window: Window, now: Micros) -> i64 {
    int(window.begin(now).0 / DAY_US)
}

fn tallies(db: &Connection, now: Micros) -> rusqlite::Result<Tallies> {
    let sums = "SELECT system, sum(permitted) AS permitted, sum(denied) AS denied, sum(completed) AS completed, sum(broken) AS broken
        FROM tallies WHERE day >= ?1 AND day < ?2 AND length(system) = 16 GROUP BY system";
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
            Ok((id(row, "system")?, calls))
        };
        for found in select.query_map(params![begin, end], part)? {
            let (system, calls) = found?;
            let windows = tallies.entry(system).or_default();
            windows.iter_mut().skip(window.place()).for_each(|sum| *sum += calls);
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

fn systems(db: &Connection, mut tallies: Tallies, now: Micros) -> rusqlite::Result<Vec<SystemFacts>> {
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
    for system in &mut systems {
        system.calls = tallies.remove(&system.system).unwrap_or_default();
    }
    // Called, and never registered.
    systems.extend(tallies.into_iter().map(|(system, calls)| SystemFacts {
        system,
        name: None,
        stage: None,
        owner_known: false,
        calls,
        models: Vec::new(),
    }));
    systems.sort_unstable_by_key(|system| system.system);
    let begin = int(Window::Rolling.begin(now).0);
    let recent = db
        .prepare_cached("SELECT entry FROM calls WHERE at >= ?1 ORDER BY at, entry LIMIT 1")?
        .query_row(params![begin], |row| number(row, "entry"))
        .optional()?;
    for system in systems.iter_mut().filter(|system| system.calls_in(Window::Year).permitted > 0) {
        system.models = models::of_system(db, system.system, recent)?;
    }
    Ok(systems)
}

/// Items whose state has not ended the item.
fn items(db: &Connection, registers: &Registers) -> Result<Vec<ItemFacts>, ViewsError> {
    let first = first_approvals(db)?;
    let mut refreshed = db.prepare_cached("SELECT at FROM register_acts WHERE entry = ?1")?;
    let mut items = Vec::new();
    for facts in register_lives::all(db, None)? {
        let refresh_since = match facts.life.refreshes.iter().min() {
            None => None,
            Some(entry) => {
                let at = refreshed.query_row(params![int(*entry)], |row| number(row, "at")).optional()?;
                Some(Micros(at.unwrap_or(0)))
            }
        };
        let first_at = first.get(&(facts.register.clone(), *facts.item.as_bytes())).copied();
        items.push(ItemFacts {
            register: facts.register.clone(),
            item: facts.item.to_hex(),
            system: facts.system,
            approved: approval(facts, first_at, registers),
            refresh_since,
        });
    }
    Ok(items)
}

fn approval(facts: RegisterItemFacts, first_at: Option<Micros>, registers: &Registers) -> Option<Approval> {
    let register = registers.get(&facts.register)?;
    let state = facts.life.state(register.first_state())?;
    if register.state(state)?.ended {
        return None;
    }
    let approved = facts.life.approved?;
    let mut authors = approved.authors;
    authors.extend(approved.submitter);
    Some(Approval {
        entry: approved.entry,
        at: approved.at,
        first_at: first_at.unwrap_or(approved.at),
        by: approved.by,
        authors,
        review_at: approved.ruling.next_review_at,
        models: approved.saving.models.into_iter().collect(),
        missing: approved.saving.missing.into_iter().collect(),
    })
}

type Items<T> = BTreeMap<(String, [u8; 16]), T>;

/// When each item was approved for the first time, as far as that can be read.
fn first_approvals(db: &Connection) -> rusqlite::Result<Items<Micros>> {
    let sql = "SELECT register, item, min(at) AS first FROM register_acts WHERE kind = 'decided' AND decision = 'approved'
        GROUP BY register, item";
    let mut select = db.prepare_cached(sql)?;
    let row = |row: &Row<'_>| Ok(((row.get("register")?, row.get("item")?), Micros(number(row, "first")?)));
    select.query_map([], row)?.collect()
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
        let is_text = |text: &String| !text.trim().is_empty();
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
