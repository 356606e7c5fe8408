//! Findings: what happened past the gateway, or is in traffic and in no inventory. Opened once by the program, closed by a person with a reason (docs/unseen.md).
//!
//! Promises: one subject has one open finding; one that was closed is opened anew only for more than what was closed. Must never: close one by itself, but for what
//! is over an invoice in whose place a later one stands; or be waited for by a call.

mod unknown;

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_ledger::DraftParent;
use tabellion_model::body::{FindingClosed, FindingKind, FindingOpened};
use tabellion_model::charge::Currency;
use tabellion_model::usage::Amounts;
use tabellion_model::{FindingId, Micros, RecordId};
use tabellion_tlog::leaf_hash;
use tabellion_views::query::FindingRow;

use super::asking::{all, refer};
use super::forms::{CurrencyForm, IdForm, Reason, Reference, Time};
use super::noticing::noticed;
use super::usage::AmountsForm;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written, digest_of};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};

pub use unknown::{Unknown, Unknowns};

/// Something that was found.
pub(super) struct Found {
    pub(super) kind: FindingKind,
    pub(super) provider: Option<String>,
    pub(super) account: Option<String>,
    pub(super) model: Option<String>,
    pub(super) window: Option<(Micros, Micros)>,
    pub(super) beyond: Option<Amounts>,
    /// Of an invoice, by how much it differs, in millionths of the currency.
    pub(super) money: Option<(u64, Currency)>,
    pub(super) cause: RecordId,
}

/// How a finding was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FindingClosed")]
pub struct Closed {
    /// When.
    pub at: Time,
    /// Who; the program itself, where a later invoice stands in the place of the one that differed.
    #[schemars(with = "Option<IdForm>")]
    pub by: Option<String>,
    /// Why; null: erased.
    pub reason: Option<String>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its id.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// What was found; null, as what follows: erased.
    #[schemars(extend("enum" = ["off_gateway", "unknown_model", "unknown_route", "invoice_differs", null]))]
    pub kind: Option<&'static str>,
    /// The provider that counted.
    pub provider: Option<String>,
    /// The account or key at the provider; of an invoice its number.
    pub account: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Where the window begins.
    pub from: Option<Time>,
    /// Where it ends.
    pub until: Option<Time>,
    /// What was counted beyond everything that can have come through the gateway.
    pub beyond: Option<AmountsForm>,
    /// Of an invoice, by how much it differs at least, in millionths.
    pub micros: Option<u64>,
    /// The currency of that.
    #[schemars(with = "Option<CurrencyForm>")]
    pub currency: Option<Currency>,
    /// The record that showed it: the export or invoice, or the first call.
    #[schemars(with = "Option<IdForm>")]
    pub cause: Option<String>,
    /// When it was opened.
    pub at: Time,
    /// How it was closed; null: it is open.
    pub closed: Option<Closed>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record that opened it.
    pub recorded: Reference,
}

/// Findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// Those that are open first, then the newest first.
    pub findings: Vec<Finding>,
}

impl Desk {
    /// Every finding.
    pub fn findings(&self, actor: &Actor) -> Result<Findings, Refusal> {
        check_reach(actor)?;
        let mut rows = all(|page| self.views.findings(page))?;
        rows.sort_by_key(|row| row.closed_at.is_some());
        Ok(Findings { findings: rows.into_iter().map(shown).collect() })
    }

    /// One finding.
    pub fn finding(&self, actor: &Actor, id: FindingId) -> Result<Finding, Refusal> {
        check_reach(actor)?;
        Ok(shown(self.finding_row(id)?))
    }

    /// Closes a finding.
    pub fn close_finding(
        &self,
        actor: &Actor,
        given: &Given,
        id: FindingId,
        why: &Reason,
    ) -> Result<(Finding, Written), Refusal> {
        let written = self.once(actor, "close-finding", given, |earlier| {
            let row = self.finding_row(id)?;
            if earlier.is_none() && row.closed_at.is_some() {
                return Err(Refusal::new(Code::AlreadySo, "the finding was closed before"));
            }
            let body = FindingClosed { finding: id, reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(id), given.expected(earlier, row.version))?])
        })?;
        Ok((shown(self.finding_row(id)?), written))
    }

    /// Closes what is open because of `cause`, in whose place the entry `later` stands, with `reason`; once each.
    pub(super) fn close_replaced(&self, cause: RecordId, later: u64, reason: &str) -> Result<(), Refusal> {
        for row in all(|page| self.views.findings(page))? {
            let is_of = row.said.as_ref().is_some_and(|said| said.cause == cause);
            if !is_of || row.closed_at.is_some() {
                continue;
            }
            let body = FindingClosed { finding: row.finding, reason: reason.to_owned() };
            // In whichever version: somebody may close it at the same time, and the first to do so did.
            let mut draft = noticed(&body, stream(row.finding), None)?;
            let view = self.ledger.reader().entry(later)?;
            if let Some(header) = view.entry.header() {
                draft.parents.push(DraftParent {
                    hash: leaf_hash(&view.bytes).to_hex(),
                    record_id: header.record_id.to_hex(),
                    role: "replaced_by".to_owned(),
                });
            }
            draft.idempotency_key = Some(format!("finding-replaced/{}", row.finding));
            self.record_found(draft)?;
        }
        Ok(())
    }

    fn finding_row(&self, id: FindingId) -> Result<FindingRow, Refusal> {
        self.views.finding(&id)?.ok_or_else(|| Refusal::not_found("finding"))
    }

    /// Opens a finding, unless one of the same subject is open, or was closed over as much. Whether it was recorded now.
    pub(super) fn open_finding(&self, found: &Found) -> Result<bool, Refusal> {
        let rows = all(|page| self.views.findings(page))?;
        let mut same = rows.iter().filter(|row| is_of(row, found));
        if same.clone().any(|row| row.closed_at.is_none() || covers(row, found)) {
            return Ok(false);
        }
        // A first one is known by its subject, a further one by its amounts too.
        let amounts = same.next().and(found.beyond);
        let finding = FindingId::from_bytes(self.random_id()?);
        let body = FindingOpened {
            finding,
            kind: found.kind,
            provider: found.provider.clone(),
            account: found.account.clone(),
            model: found.model.clone(),
            from: found.window.map(|(from, _)| from),
            until: found.window.map(|(_, until)| until),
            beyond: found.beyond,
            micros: found.money.map(|(micros, _)| micros),
            currency: found.money.map(|(_, currency)| currency),
            cause: found.cause,
        };
        let subject = format!(
            "{:?}",
            (found.kind, &found.provider, &found.account, &found.model, found.window, amounts)
        );
        let mut draft = noticed(&body, stream(finding), None)?;
        // Opened before, under another id: once is enough.
        draft.idempotency_key = Some(format!("finding/{}", digest_of(&subject)));
        self.record_found(draft)
    }
}

/// Findings are of the whole organisation.
fn check_reach(actor: &Actor) -> Result<(), Refusal> {
    if actor.reach(Permission::ReadRegisters) == Reach::All {
        return Ok(());
    }
    let what =
        "findings are of the whole organisation; your role sees registers of systems that you answer for";
    Err(Refusal::new(Code::NotPermitted, what))
}

fn is_of(row: &FindingRow, found: &Found) -> bool {
    row.said.as_ref().is_some_and(|said| {
        (said.kind, &said.provider, &said.account, &said.model)
            == (found.kind, &found.provider, &found.account, &found.model)
            && said.from.zip(said.until) == found.window
    })
}

/// Whether a finding was over as much as is found now.
fn covers(row: &FindingRow, found: &Found) -> bool {
    let said = row.said.as_ref().and_then(|said| said.beyond);
    match (said, found.beyond) {
        (Some(said), Some(now)) => {
            now.requests <= said.requests && now.input <= said.input && now.output <= said.output
        }
        (_, now) => now.is_none(),
    }
}

fn shown(row: FindingRow) -> Finding {
    let said = row.said;
    let said = said.as_ref();
    Finding {
        id: row.finding.to_hex(),
        kind: said.map(|said| said.kind.as_str()),
        provider: said.and_then(|said| said.provider.clone()),
        account: said.and_then(|said| said.account.clone()),
        model: said.and_then(|said| said.model.clone()),
        from: said.and_then(|said| said.from).map(Time),
        until: said.and_then(|said| said.until).map(Time),
        beyond: said.and_then(|said| said.beyond).map(AmountsForm::from),
        micros: said.and_then(|said| said.micros),
        currency: said.and_then(|said| said.currency),
        cause: said.map(|said| said.cause.to_hex()),
        at: Time(row.at),
        closed: row.closed_at.map(|at| Closed {
            at: Time(at),
            by: row.closed_by.map(|by| by.to_hex()),
            reason: row.closed_reason.clone(),
        }),
        version: row.version,
        recorded: refer(row.entry, row.record_id),
    }
}

fn stream(finding: FindingId) -> String {
    format!("finding/{finding}")
}
