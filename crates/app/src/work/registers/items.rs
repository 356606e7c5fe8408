//! Items: lists and one whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::register::{Life, RefreshTrigger, Register, Review, Waits};
use tabellion_model::{CredentialId, ItemId, Micros, SystemId};
use tabellion_views::query::{ApprovalRow, ItemFilter, ItemPage, ItemRow, ItemSort};

use super::shown::{ApprovalShown, Item, RefreshShown};
use super::{is_ended, state_of};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::forms::{IdForm, Time};
use crate::work::{Actor, Desk};

/// Items on one page, when nobody says otherwise.
const PAGE: u32 = 50;
/// A day, in microseconds.
const DAY_US: u64 = 24 * 3600 * 1_000_000;
/// Most pairs in `where`.
const MAX_PAIRS: usize = 8;

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RegisterOrder")]
pub enum Order {
    /// Last changed first.
    #[default]
    Changed,
    /// By name.
    Name,
    /// Due for review first.
    Due,
}

/// Which items; everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterItemQuery")]
pub struct ItemQuery {
    /// About this system.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// In this state of the register.
    #[serde(default)]
    #[schemars(length(min = 1, max = 40))]
    pub state: Option<String>,
    /// Whose newest revision has come this far.
    #[serde(default)]
    #[schemars(extend("enum" = ["draft", "in_review", "approved", "returned"]))]
    pub review: Option<String>,
    /// That this person answers for.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub owner: Option<CredentialId>,
    /// Whose name contains this.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub text: Option<String>,
    /// In which fields have words: `risk_tier:high,personal_data:true`.
    #[serde(default, rename = "where")]
    #[schemars(length(min = 3, max = 500))]
    pub fields: Option<String>,
    /// For which a new look is asked for: `open`.
    #[serde(default)]
    #[schemars(extend("enum" = ["open"]))]
    pub refresh: Option<String>,
    /// Due before, or due for review before.
    #[serde(default)]
    pub due_before: Option<Time>,
    /// That name this clause or control of ISO/IEC 42001.
    #[serde(default)]
    #[schemars(length(min = 1, max = 10))]
    pub reference: Option<String>,
    /// That have not ended: `true`.
    #[serde(default)]
    #[schemars(extend("enum" = ["true"]))]
    pub open: Option<String>,
    /// Whose day is over while their owner is awaited; of approved content, whose review is: `true`.
    #[serde(default)]
    #[schemars(extend("enum" = ["true"]))]
    pub overdue: Option<String>,
    /// About no system, and so for the whole organisation: `true`.
    #[serde(default)]
    #[schemars(extend("enum" = ["true"]))]
    pub organisation_wide: Option<String>,
    /// The order: `changed`, `name` or `due`.
    #[serde(default)]
    pub sort: Option<Order>,
    /// Left out before the first.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub skip: Option<u64>,
    /// At most this many.
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    pub limit: Option<u64>,
}

/// How an item stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RegisterStanding")]
pub enum Standing {
    /// It is being written, and nothing of it is approved.
    Draft,
    /// It waits for an approver.
    InReview,
    /// It was given back.
    Returned,
    /// It is approved as it stands.
    Approved,
    /// An approved revision holds while a newer one is written.
    Changing,
    /// It is approved, and a new look is asked for.
    RefreshNeeded,
    /// It is approved, and its review is overdue.
    Overdue,
    /// It is worked on; nothing is approved in its register.
    Open,
    /// It is worked on, and the day by whose end it was due is over.
    PastDue,
    /// It waits for a second person to close it or to send it back.
    ToClose,
    /// Nothing changes any more.
    Ended,
    /// What says so can no longer be read.
    Unknown,
}

/// An item in a list. What was erased is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterItemSummary")]
pub struct ItemSummary {
    /// The register.
    pub register: String,
    /// Its id.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// The system it is about.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// The system's name.
    pub system_name: Option<String>,
    /// Whether it is about no system although the register is about systems: one document for the whole organisation says nothing about any system.
    pub organisation_wide: bool,
    /// Its name.
    pub name: Option<String>,
    /// Who answers for it.
    #[schemars(with = "Option<IdForm>")]
    pub owner: Option<String>,
    /// The last day on which it is in time.
    pub due: Option<String>,
    /// The clauses and controls that it names.
    pub references: Vec<String>,
    /// How it stands.
    pub standing: Standing,
    /// Where it stands, a word of the register.
    pub state: Option<String>,
    /// How far the newest revision has come.
    #[schemars(extend("enum" = ["draft", "in_review", "approved", "returned", null]))]
    pub review: Option<&'static str>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// Number of the newest revision.
    pub revision: u64,
    /// Who saved it.
    #[schemars(with = "IdForm")]
    pub saved_by: String,
    /// When it was last changed.
    pub changed_at: Time,
    /// The approval that holds.
    pub approval: Option<ApprovalShown>,
    /// Whether a new look is asked for.
    pub refresh_open: bool,
}

/// A page of items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RegisterItems")]
pub struct ItemSummaries {
    /// The items.
    pub items: Vec<ItemSummary>,
    /// How many there are on all pages.
    pub total: u64,
}

impl Desk {
    /// Items of one register that `actor` may see.
    pub fn register_items(
        &self,
        actor: &Actor,
        register: &str,
        query: &ItemQuery,
    ) -> Result<ItemSummaries, Refusal> {
        let register = self.register(register)?;
        let filter =
            self.within_reach(actor, Permission::ReadRegisters, filter(register, query, self.now())?)?;
        let sort = match query.sort.unwrap_or_default() {
            Order::Changed => ItemSort::Changed,
            Order::Name => ItemSort::Name,
            Order::Due => ItemSort::Due,
        };
        let limit = query.limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(PAGE);
        let page = ItemPage { sort, skip: query.skip.unwrap_or(0), limit };
        let found = self.views.register_items(&filter, page)?;
        let items = found.rows.iter().map(|row| self.summary(register, row)).collect();
        Ok(ItemSummaries { items, total: found.total })
    }

    /// `filter` for what `actor` may do `permission` to.
    pub(super) fn within_reach(
        &self,
        actor: &Actor,
        permission: Permission,
        filter: ItemFilter,
    ) -> Result<ItemFilter, Refusal> {
        let within = self.systems_within(actor, permission)?;
        let own = within.is_some() && actor.reach(permission) == Reach::Own;
        Ok(ItemFilter { or_owner: actor.credential().filter(|_| own), within, ..filter })
    }

    /// One item.
    pub fn register_item(&self, actor: &Actor, register: &str, item: ItemId) -> Result<Item, Refusal> {
        let register = self.register(register)?;
        let row = self.reach_item(actor, Permission::ReadRegisters, register, item)?;
        self.whole_item(actor, register, &row)
    }

    pub(super) fn item_now(&self, actor: &Actor, register: &Register, item: ItemId) -> Result<Item, Refusal> {
        self.whole_item(actor, register, &self.item_row(register, item)?)
    }

    fn whole_item(&self, actor: &Actor, register: &Register, row: &ItemRow) -> Result<Item, Refusal> {
        let life = self.views.register_life(&row.register, &row.item)?;
        let content = self.views.register_content(row.saved.entry)?;
        let checked = content.as_ref().map(|content| register.check(content)).unwrap_or_default();
        Ok(Item {
            summary: self.summary(register, row),
            digest: life.saving.as_ref().map(|saving| saving.digest.clone()),
            incomplete_sections: register.incomplete_sections(&checked.missing),
            missing: checked.missing,
            authors: life.authors.iter().map(ToString::to_string).collect(),
            opened_by: row.created.by.to_hex(),
            submitter: life.submitter.map(|person| person.to_hex()),
            may_decide: self.then().is_none()
                && !is_ended(register, row)
                && life.review == Some(Review::InReview)
                && self.may_item(actor, Permission::DecideRegisters, row)?
                && super::deciding::deciding_role(actor, register).is_ok()
                && super::deciding::check_second_person(&self.second_person(actor)?, register, &life).is_ok(),
            next_states: self.next_states(actor, register, row, &life)?,
            refreshes: self.open_refreshes_of(row, &life)?,
            created: self.reference(row.created.entry)?,
            saved: self.reference(row.saved.entry)?,
            content,
        })
    }

    fn next_states(
        &self,
        actor: &Actor,
        register: &Register,
        row: &ItemRow,
        life: &Life,
    ) -> Result<Vec<String>, Refusal> {
        if self.then().is_some() || !self.may_item(actor, Permission::MoveRegisters, row)? {
            return Ok(Vec::new());
        }
        let second = self.second_person(actor)?;
        let states = register.states.iter().map(|state| state.name.as_str());
        let open = |to: &&str| self.check_step(actor, &second, register, row, life, to).is_ok();
        Ok(states.filter(open).map(str::to_owned).collect())
    }

    fn open_refreshes_of(&self, row: &ItemRow, life: &Life) -> Result<Vec<RefreshShown>, Refusal> {
        if life.refreshes.is_empty() {
            return Ok(Vec::new());
        }
        let acts = self.views.register_acts(&row.register, &row.item)?;
        let open = acts.into_iter().filter(|act| life.refreshes.contains(&act.done.entry));
        open.map(|act| {
            Ok(RefreshShown {
                at: Time(act.done.at),
                trigger: act.trigger.map(RefreshTrigger::as_str),
                model: act.model,
                fields: act.fields.unwrap_or_default(),
                cause: act.cause.map(|cause| cause.to_hex()),
                recorded: self.reference(act.done.entry)?,
            })
        })
        .collect()
    }

    pub(super) fn summary(&self, register: &Register, row: &ItemRow) -> ItemSummary {
        ItemSummary {
            register: row.register.clone(),
            id: row.item.to_hex(),
            system: row.system.map(|system| system.to_hex()),
            system_name: row.system_name.clone(),
            organisation_wide: is_organisation_wide(register, row.system),
            name: row.name.clone(),
            owner: row.owner.map(|owner| owner.to_hex()),
            due: row.due.map(|day| day.to_string().chars().take(10).collect()),
            references: row.references.clone().unwrap_or_default(),
            standing: standing(register, row, self.now()),
            state: state_of(register, row).map(str::to_owned),
            review: row.review.map(Review::as_str),
            version: row.version,
            revision: row.revision,
            saved_by: row.saved.by.to_hex(),
            changed_at: Time(row.changed_at),
            approval: row.approval.as_ref().map(approval),
            refresh_open: row.approval.is_some() && row.refresh_open,
        }
    }
}

/// Whether an item speaks for the whole organisation although its register is about systems.
pub(super) fn is_organisation_wide(register: &Register, system: Option<SystemId>) -> bool {
    system.is_none() && register.about == tabellion_model::register::About::ManyPerSystem
}

fn approval(row: &ApprovalRow) -> ApprovalShown {
    ApprovalShown {
        digest: row.digest.clone(),
        at: Time(row.done.at),
        by: row.done.by.to_hex(),
        conditions: row.conditions.clone(),
        next_review_at: row.next_review_at.map(Time),
        index: row.done.entry,
    }
}

fn standing(register: &Register, row: &ItemRow, now: Micros) -> Standing {
    if is_ended(register, row) {
        return Standing::Ended;
    }
    if state_of(register, row).is_none() {
        return Standing::Unknown;
    }
    if !register.approves() {
        return worked_on(register, row, now);
    }
    match (row.review, &row.approval) {
        (None, _) | (Some(Review::Approved), None) => Standing::Unknown,
        (Some(Review::InReview), _) => Standing::InReview,
        (Some(Review::Returned), _) => Standing::Returned,
        (Some(Review::Draft), None) => Standing::Draft,
        (Some(Review::Draft), Some(_)) => Standing::Changing,
        (Some(Review::Approved), Some(approval)) => {
            if approval.next_review_at.is_some_and(|due| due <= now) {
                Standing::Overdue
            } else if row.refresh_open {
                Standing::RefreshNeeded
            } else {
                Standing::Approved
            }
        }
    }
}

/// How an item stands that nobody approves.
fn worked_on(register: &Register, row: &ItemRow, now: Micros) -> Standing {
    if waits(register, row) == Some(Waits::SecondPerson) {
        Standing::ToClose
    } else if row.due.is_some_and(|due| now.since(due) >= DAY_US) {
        Standing::PastDue
    } else {
        Standing::Open
    }
}

/// Whose turn it is.
pub(super) fn waits(register: &Register, row: &ItemRow) -> Option<Waits> {
    state_of(register, row).and_then(|state| register.state(state)).and_then(|state| state.waits)
}

fn filter(register: &Register, query: &ItemQuery, now: Micros) -> Result<ItemFilter, Refusal> {
    let malformed = |what: String| Refusal::new(Code::Malformed, what);
    if let Some(state) = query.state.as_deref().filter(|state| register.state(state).is_none()) {
        return Err(malformed(format!("the register {} has no state {state:?}", register.name)));
    }
    let overdue = query.overdue.is_some();
    let left_out = register.states.iter().filter(|state| {
        (state.ended && (query.open.is_some() || overdue))
            || (overdue && !register.approves() && state.waits != Some(Waits::Owner))
    });
    // A day is over when the next one begins.
    let over = if register.approves() { now } else { Micros(now.0.saturating_sub(DAY_US) + 1) };
    let due_before = query.due_before.map(|time| time.0).into_iter().chain(overdue.then_some(over)).min();
    Ok(ItemFilter {
        register: Some(register.name.clone()),
        system: query.system,
        reference: query.reference.clone(),
        not_in: left_out.map(|state| state.name.clone()).collect(),
        state: query.state.clone().map(|state| {
            let first = state == register.first_state();
            (state, first)
        }),
        review: query
            .review
            .as_deref()
            .and_then(|word| Review::ALL.into_iter().find(|known| known.as_str() == word)),
        owner: query.owner,
        text: query.text.clone(),
        fields: query.fields.as_deref().map(|pairs| fields(register, pairs)).transpose()?.unwrap_or_default(),
        refresh_open: query.refresh.is_some(),
        due_before,
        about_none: query.organisation_wide.is_some(),
        ..ItemFilter::default()
    })
}

/// `field:word` pairs, separated by commas.
fn fields(register: &Register, pairs: &str) -> Result<Vec<(String, String)>, Refusal> {
    let malformed = |what: String| Refusal::new(Code::Malformed, format!("where in the query: {what}"));
    let pairs: Vec<&str> = pairs.split(',').collect();
    if pairs.len() > MAX_PAIRS {
        return Err(malformed(format!("it has {} pairs; at most {MAX_PAIRS} are possible", pairs.len())));
    }
    let pair = |pair: &&str| {
        let (field, word) = pair
            .split_once(':')
            .ok_or_else(|| malformed(format!("{pair:?} is not of the form field:word")))?;
        if register.field(field).is_none() {
            let near = crate::nearest::nearest(field, register.fields().map(|field| field.name.as_str()));
            return Err(malformed(format!("there is no field {field:?}; did you mean {near}?")));
        }
        Ok((field.to_owned(), word.to_owned()))
    };
    pairs.iter().map(pair).collect()
}
