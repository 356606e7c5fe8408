//! Safeguards as the configuration has them: what a start changed of guards, rules of masking, probes, and who publishes and erases; and in whose words why
//! (docs/decisions/0061-why-safeguards-change.md).
//!
//! Promises: a start under other safeguards than those of before is a record before anything is let through; why is what somebody said, or *not given*. Must never:
//! keep a start from happening, take silence for a reason, or show settings to somebody who may not read entries.

mod differing;

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_ledger::{Draft, UnitContent};
use tabellion_model::ConfigurationChangeId;
use tabellion_model::body::{
    Body as _, ConfigLoaded, ConfigurationChanged, ConfigurationExplained, SafeguardChange,
};
use tabellion_views::query::ConfigurationChangeRow;

use super::asking::refer;
use super::forms::{DigestForm, IdForm, Reason, Reference, Time};
use super::noticing::noticed;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

use differing::{Safeguards, differences, limited, read, safeguards_of, written};

/// Starts whose settings are looked at for those that a change brought, the newest: a month of nightly ones.
const LOOKED_AT: u64 = 30;
/// Longest safeguards that a change keeps whole: a quarter of what one record holds.
const MAX_SAFEGUARDS_BYTES: usize = 256 << 10;
/// Changes that are shown, the newest: years of them.
const MAX_SHOWN: u64 = 100;

/// What a start changed of safeguards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Nothing: no change is on record of it.
    Nothing,
    /// It is the first of the log that has any, or that puts on record which.
    First,
    /// They are others than those that held before.
    Differs,
}

/// How a start came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Started {
    /// The settings in effect, as `config.loaded` records them.
    pub settings: String,
    /// The account of the operating system.
    pub account: String,
    /// Version of the program.
    pub version: String,
    /// Why safeguards change, where somebody said.
    pub reason: Option<String>,
}

/// A member of a section that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationMember")]
pub struct Member {
    /// Its name, within nested settings with the path that leads to it.
    pub member: String,
    /// What it was; null: it was not there, or settings are withheld. Of a list, the items that went; of a long text, what stands around the first difference.
    pub before: Option<String>,
    /// What it is; null: it is not there, or settings are withheld. Of a list, the items that came; of a long text, what stands around the first difference.
    pub after: Option<String>,
}

/// A section that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationSection")]
pub struct Section {
    /// The section as the configuration names it.
    pub section: String,
    /// What became of it.
    #[schemars(extend("enum" = ["added", "removed", "changed"]))]
    pub turn: &'static str,
    /// Its members that differ.
    pub members: Vec<Member>,
}

/// Why, in somebody's words after the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationExplained")]
pub struct Explained {
    /// Who.
    #[schemars(with = "Option<IdForm>")]
    pub by: Option<String>,
    /// When.
    pub at: Time,
    /// Why; null: erased.
    pub reason: Option<String>,
}

/// A change of safeguards that a start brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationChange")]
pub struct Change {
    /// Its id.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// When.
    pub at: Time,
    /// SHA-256 of the safeguards before; null: there were none, nothing says which, erased, or settings are withheld.
    #[schemars(with = "Option<DigestForm>")]
    pub before: Option<String>,
    /// SHA-256 of the safeguards from then on; null: erased, or settings are withheld.
    #[schemars(with = "Option<DigestForm>")]
    pub after: Option<String>,
    /// Whether it is what the first start of the log found, or the first that put it on record; null: erased.
    pub first: Option<bool>,
    /// What differs.
    pub sections: Vec<Section>,
    /// Members that differ and are not listed.
    pub unlisted: u64,
    /// Whether the settings themselves and their digests are left out, since the reader may not read entries of the whole log.
    pub withheld: bool,
    /// The account of the operating system that the program ran under; null: erased.
    pub account: Option<String>,
    /// Version of the program; another one may have other defaults. Null: erased.
    pub program: Option<String>,
    /// Why, as was said at the start; null: nothing was said.
    pub reason: Option<String>,
    /// Why, as somebody said later; null: nobody did.
    pub explained: Option<Explained>,
    /// Whether nobody has said why.
    pub unexplained: bool,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record.
    pub recorded: Reference,
}

/// Changes of safeguards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfigurationChanges")]
pub struct Changes {
    /// The newest first, 100 at most.
    pub changes: Vec<Change>,
}

/// What held before.
enum Before {
    /// The log was never served.
    Nothing,
    /// Something, which cannot be read any more.
    Unknown,
    /// These.
    Known(Safeguards),
}

impl Desk {
    /// Records that a start takes its settings, `loaded` being the record of them, and what they change of safeguards: both or neither, and before anything is let
    /// through. A start that ends between the two would else be what the next one compares itself with, although it never served.
    pub fn take_settings(&self, loaded: &Draft, started: &Started) -> Result<Changed, Refusal> {
        self.refresh()?;
        let mut drafts = vec![loaded.clone()];
        let change = self.change_of(started)?;
        let changed = match &change {
            None => Changed::Nothing,
            Some(change) if change.first => Changed::First,
            Some(_) => Changed::Differs,
        };
        if let Some(change) = &change {
            let mut draft = noticed(change, stream(change.change), Some(0))?;
            // A list of words may name somebody, and goes then without taking other records with it.
            draft.erasable_alone = true;
            drafts.push(draft);
        }
        let appended = self.ledger.append_all(&drafts);
        self.note(appended.as_ref().map(drop));
        self.passed(&appended?)?;
        Ok(changed)
    }

    /// What a start changes of safeguards; none: nothing.
    fn change_of(&self, started: &Started) -> Result<Option<ConfigurationChanged>, Refusal> {
        let now = safeguards_of(&started.settings).ok_or_else(|| {
            Refusal::new(Code::Broken, "the settings in effect are no JSON object, so no change can be found")
        })?;
        let (text, after) = written(&now)?;
        let newest = self.views.configuration_changes(1)?.into_iter().next();
        let said = newest.as_ref().and_then(|row| row.said.as_ref());
        if said.is_some_and(|said| said.after == after) {
            return Ok(None);
        }
        let before = match self.safeguards_before(newest.as_ref())? {
            // What a start took that put no change on record says nothing of whether it served: this is the first that says what holds.
            Before::Known(held) if newest.is_none() && held == now => Before::Nothing,
            before => before,
        };
        let (known, changes) = match &before {
            Before::Nothing => (None, differences(&Safeguards::new(), &now)),
            Before::Unknown => (None, Vec::new()),
            Before::Known(held) => (Some(written(held)?.1), differences(held, &now)),
        };
        // A first start without any says nothing, and nothing changed where all is as it was.
        if known.as_ref() == Some(&after) || (matches!(before, Before::Nothing) && changes.is_empty()) {
            return Ok(None);
        }
        let (changes, unlisted) = limited(changes);
        Ok(Some(ConfigurationChanged {
            change: ConfigurationChangeId::from_bytes(self.random_id()?),
            before: known,
            after,
            safeguards: Some(text).filter(|text| text.len() <= MAX_SAFEGUARDS_BYTES),
            first: matches!(before, Before::Nothing),
            changes,
            unlisted,
            account: started.account.clone(),
            version: started.version.clone(),
            reason: started.reason.clone(),
        }))
    }

    /// Changes of safeguards, the newest first.
    pub fn configuration_changes(&self, actor: &Actor) -> Result<Changes, Refusal> {
        let rows = self.views.configuration_changes(MAX_SHOWN)?;
        Ok(Changes { changes: rows.into_iter().map(|row| shown(actor, row)).collect() })
    }

    /// One change.
    pub fn configuration_change(
        &self,
        actor: &Actor,
        change: ConfigurationChangeId,
    ) -> Result<Change, Refusal> {
        Ok(shown(actor, self.change_row(change)?))
    }

    /// Says why a change was made.
    pub fn explain_configuration(
        &self,
        actor: &Actor,
        given: &Given,
        change: ConfigurationChangeId,
        why: &Reason,
    ) -> Result<(Change, Written), Refusal> {
        let written = self.once(actor, "explain-configuration", given, |earlier| {
            let row = self.change_row(change)?;
            let body = ConfigurationExplained { change, reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(change), given.expected(earlier, row.version))?])
        })?;
        Ok((self.configuration_change(actor, change)?, written))
    }

    fn change_row(&self, change: ConfigurationChangeId) -> Result<ConfigurationChangeRow, Refusal> {
        let row = self.views.configuration_change(&change)?;
        row.ok_or_else(|| Refusal::not_found("configuration change"))
    }

    /// What held until this start: by the newest change, else by settings that are known to be those which it brought. Settings of a later start say what held
    /// only where they are the same: that start may have ended before it served.
    fn safeguards_before(&self, newest: Option<&ConfigurationChangeRow>) -> Result<Before, Refusal> {
        let taken = self.views.configurations_taken(LOOKED_AT)?;
        let Some(newest) = newest else {
            let Some(entry) = taken.first() else { return Ok(Before::Nothing) };
            return Ok(self.safeguards_at(*entry).map_or(Before::Unknown, Before::Known));
        };
        let said = newest.said.as_ref();
        if let Some(held) = said.and_then(|said| said.safeguards.as_deref()).and_then(read) {
            return Ok(Before::Known(held));
        }
        // The start that brought the change recorded its settings right before it.
        let brought = self.views.configuration_taken_before(newest.entry)?;
        let Some(said) = said else {
            let held = brought.and_then(|entry| self.safeguards_at(entry));
            return Ok(held.map_or(Before::Unknown, Before::Known));
        };
        for entry in brought.into_iter().chain(taken) {
            if let Some(held) = self.safeguards_at(entry)
                && written(&held)?.1 == said.after
            {
                return Ok(Before::Known(held));
            }
        }
        Ok(Before::Unknown)
    }

    /// The safeguards among the settings that were taken at an entry; none: they cannot be read any more, which keeps no start from happening.
    fn safeguards_at(&self, entry: u64) -> Option<Safeguards> {
        let view = self.ledger.reader().entry(entry).ok()?;
        let said = view.units.iter().find_map(|unit| {
            let UnitContent::Shown(disclosures) = &unit.content else { return None };
            let fields = disclosures.iter().map(|one| (one.name().to_owned(), one.value().clone())).collect();
            ConfigLoaded::read(fields).ok()
        })?;
        safeguards_of(&said.settings)
    }
}

fn shown(actor: &Actor, row: ConfigurationChangeRow) -> Change {
    let withheld = actor.reach(Permission::ReadEntries) != Reach::All;
    let said = row.said;
    let reason = said.as_ref().and_then(|said| said.reason.clone());
    let first = said.as_ref().map(|said| said.first);
    let explained = row.explained_at.map(|at| Explained {
        by: row.explained_by.map(|by| by.to_hex()),
        at: Time(at),
        reason: row.explained_reason,
    });
    // Digests too: of settings that can be guessed they say which they are.
    let seen = |value: Option<String>| value.filter(|_| !withheld);
    let section = |change: SafeguardChange| Section {
        section: change.section,
        turn: change.turn.as_str(),
        members: change
            .members
            .into_iter()
            .map(|one| Member { member: one.member, before: seen(one.before), after: seen(one.after) })
            .collect(),
    };
    Change {
        id: row.change.to_hex(),
        at: Time(row.at),
        before: seen(said.as_ref().and_then(|said| said.before.clone())),
        after: seen(said.as_ref().map(|said| said.after.clone())),
        first,
        unlisted: said.as_ref().map_or(0, |said| said.unlisted),
        account: said.as_ref().map(|said| said.account.clone()),
        program: said.as_ref().map(|said| said.version.clone()),
        sections: said.map(|said| said.changes.into_iter().map(section).collect()).unwrap_or_default(),
        withheld,
        unexplained: reason.is_none() && explained.is_none() && first == Some(false),
        reason,
        explained,
        version: row.version,
        recorded: refer(row.entry, row.record_id),
    }
}

fn stream(change: ConfigurationChangeId) -> String {
    format!("configuration/{change}")
}
