//! Invoices of providers: put on record, and held against what calls took by the prices on record (docs/budgets.md).
//!
//! Promises: what is only reserved, without a price or unreadable makes a comparison undetermined, never agreement; a difference beyond the tolerance that nothing of
//! that can explain opens a finding, once. Must never: add one currency to another, or show money of the whole organisation to somebody whose reach ends before that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::RecordId;
use tabellion_model::body::{FindingKind, InvoiceRecorded};
use tabellion_model::charge::Currency;
use tabellion_model::usage::DAY_US;
use tabellion_views::query::{InvoiceRow, MAX_SPEND_DAYS, Taken};

use super::asking::{all, refer};
use super::findings::Found;
use super::forms::{CurrencyForm, IdForm, Line, Reference, Time, Word};
use super::prose::Prose;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::{Permission, Reach};
use crate::printable::{is_hidden, visible};
use crate::refusal::{Code, Refusal};

/// Most upstreams that one invoice is for.
const MAX_UPSTREAMS: usize = 20;
/// Invoices that are looked at again, the newest: a year of a provider's.
const LOOKED_AT: usize = 12;
/// Largest tolerance, in thousandths: above a twentieth it is no rounding.
const MAX_TOLERANCE: u64 = 50;
/// Why a finding over an invoice is closed in whose place a later one stands.
const REPLACED: &str =
    "the invoice was recorded anew under its number, and the later one is compared in its place";
/// Most characters of a name that a refusal repeats.
const MAX_NAMED: usize = 64;

/// An invoice to put on record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoice {
    /// The provider.
    pub provider: Word,
    /// Its number at the provider; one that is recorded again takes the place of the one before.
    pub number: Line,
    /// From when on its calls are; a day is its midnight in UTC.
    pub from: Time,
    /// Before when.
    pub until: Time,
    /// What it asks for, in millionths, without taxes.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub micros: u64,
    /// In which currency.
    #[schemars(with = "CurrencyForm")]
    pub currency: Currency,
    /// The upstreams whose calls it is for; absent: the one of the provider's name.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub upstreams: Vec<Line>,
    /// Difference that is let pass as rounding, in thousandths of what it asks for.
    #[serde(default)]
    #[schemars(range(max = 50))]
    pub tolerance_per_mille: u64,
    /// What it is, in words.
    pub note: Prose,
}

/// How an invoice stands to what calls took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "InvoiceVerdict")]
pub enum Verdict {
    /// Within the tolerance, and all that calls took is known.
    Agrees,
    /// It asks for more than calls can have taken.
    MoreThere,
    /// It asks for less than calls took.
    MoreHere,
    /// Calls that are only reserved, without a price or unreadable may make the difference.
    Undetermined,
}

/// What calls took of the time and the upstreams of an invoice, by the prices on record now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "InvoiceCompared")]
pub struct Compared {
    /// How it stands.
    pub verdict: Verdict,
    /// Calls with a price in its currency.
    pub calls: u64,
    /// Money for what was counted, in millionths.
    pub settled_micros: u64,
    /// Money for what is only reserved.
    pub reserved_micros: u64,
    /// Calls without a price in its currency.
    pub calls_unpriced: u64,
    /// Calls of which nobody can read any more to which upstream they went.
    pub calls_unreadable: u64,
    /// By how much it differs at least beyond what is known; 0: it need not differ.
    pub difference_micros: u64,
    /// The difference that is let pass.
    pub tolerance_micros: u64,
}

/// An invoice on record. What was erased is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Its record.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// The provider.
    pub provider: String,
    /// Its number there.
    pub number: Option<String>,
    /// From when on its calls are.
    pub from: Option<Time>,
    /// Before when.
    pub until: Option<Time>,
    /// What it asks for, in millionths.
    pub micros: Option<u64>,
    /// In which currency.
    #[schemars(with = "Option<CurrencyForm>")]
    pub currency: Option<Currency>,
    /// The upstreams whose calls it is for.
    pub upstreams: Option<Vec<String>>,
    /// What it is, in words.
    pub note: Option<String>,
    /// Whether a later one of the same number stands in its place.
    pub superseded: bool,
    /// Who put it on record.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
    /// How it stands to what calls took, as it is now; null: erased.
    pub compared: Option<Compared>,
    /// Where.
    pub recorded: Reference,
}

/// Invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invoices {
    /// The newest first, 100 at most.
    pub invoices: Vec<Invoice>,
}

/// Most invoices of one answer: each is compared anew.
const MAX_SHOWN: usize = 100;

impl Desk {
    /// Puts an invoice on record and holds it against the calls.
    pub fn record_invoice(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewInvoice,
    ) -> Result<(Invoice, Written), Refusal> {
        let body = self.invoice_body(new)?;
        let written = self.once(actor, "record-invoice", given, |earlier| {
            let version = self.views.invoices_version(&body.provider)?;
            let stream = format!("invoice/{}", body.provider);
            let mut draft = draft_of(&body, stream, given.expected(earlier, version))?;
            // What a provider is paid may have to go before the other records of its month.
            draft.erasable_alone = true;
            Ok(vec![draft])
        })?;
        let row = self.invoice_row(written.record_id)?;
        self.reconcile_invoice(&row)?;
        for before in all(|page| self.views.invoices(page))? {
            let is_of =
                |said: &InvoiceRecorded| before.provider == row.provider && said.number == body.number;
            if before.entry != row.entry && before.said.as_ref().is_some_and(is_of) {
                self.reconcile_invoice(&before)?;
            }
        }
        Ok((self.shown_invoice(row)?, written))
    }

    /// Invoices, the newest first.
    pub fn invoices(&self, actor: &Actor) -> Result<Invoices, Refusal> {
        check_reach(actor)?;
        let rows = all(|page| self.views.invoices(page))?;
        let shown = rows.into_iter().take(MAX_SHOWN).map(|row| self.shown_invoice(row));
        Ok(Invoices { invoices: shown.collect::<Result<_, _>>()? })
    }

    /// One invoice.
    pub fn invoice(&self, actor: &Actor, id: RecordId) -> Result<Invoice, Refusal> {
        check_reach(actor)?;
        self.shown_invoice(self.invoice_row(id)?)
    }

    /// Looks at the newest invoices again: prices may have been corrected since, and calls may have ended. Gives how many findings it opened.
    pub fn reconcile_invoices(&self) -> Result<usize, Refusal> {
        self.refresh()?;
        let rows = all(|page| self.views.invoices(page))?;
        let mut opened = 0;
        for row in rows.iter().take(LOOKED_AT) {
            opened += usize::from(self.reconcile_invoice(row)?);
        }
        Ok(opened)
    }

    /// Opens a finding where an invoice differs beyond its tolerance and nothing that is not known can explain it; closes it where a later invoice stands in its place.
    /// Whether one was opened now.
    fn reconcile_invoice(&self, row: &InvoiceRow) -> Result<bool, Refusal> {
        let Some(said) = row.said.as_ref() else { return Ok(false) };
        if let Some(later) = self.superseded_by(row, said)? {
            self.close_replaced(row.record_id, later.entry, REPLACED)?;
            return Ok(false);
        }
        let compared = compare(said, self.views.taken_of(said)?);
        if !matches!(compared.verdict, Verdict::MoreThere | Verdict::MoreHere) {
            return Ok(false);
        }
        self.open_finding(&Found {
            kind: FindingKind::InvoiceDiffers,
            provider: Some(said.provider.clone()),
            // One that is recorded anew under its number is another one.
            account: Some(format!("{} #{}", said.number, row.version)),
            model: None,
            window: Some((said.from, said.until)),
            beyond: None,
            money: Some((compared.difference_micros, said.currency)),
            cause: row.record_id,
        })
    }

    fn invoice_row(&self, id: RecordId) -> Result<InvoiceRow, Refusal> {
        self.views.invoice(&id)?.ok_or_else(|| Refusal::not_found("invoice"))
    }

    /// The invoice that stands in the place of this one; none: it stands itself.
    fn superseded_by(&self, row: &InvoiceRow, said: &InvoiceRecorded) -> Result<Option<InvoiceRow>, Refusal> {
        let rows = all(|page| self.views.invoices(page))?;
        let same = |later: &InvoiceRow| {
            later.provider == row.provider
                && later.said.as_ref().is_some_and(|other| other.number == said.number)
        };
        Ok(rows.into_iter().find(same).filter(|newest| newest.entry != row.entry))
    }

    fn shown_invoice(&self, row: InvoiceRow) -> Result<Invoice, Refusal> {
        let said = row.said.clone();
        let (superseded, compared) = match &said {
            Some(said) => {
                (self.superseded_by(&row, said)?.is_some(), Some(compare(said, self.views.taken_of(said)?)))
            }
            None => (false, None),
        };
        let said = said.as_ref();
        Ok(Invoice {
            id: row.record_id.to_hex(),
            number: said.map(|said| said.number.clone()),
            from: said.map(|said| Time(said.from)),
            until: said.map(|said| Time(said.until)),
            micros: said.map(|said| said.micros),
            currency: said.map(|said| said.currency),
            upstreams: said.map(|said| said.upstreams.clone()),
            note: said.map(|said| said.note.clone()),
            superseded,
            by: row.by.to_hex(),
            at: Time(row.at),
            compared,
            recorded: refer(row.entry, row.record_id),
            provider: row.provider,
        })
    }

    /// The record of an invoice, checked.
    fn invoice_body(&self, new: &NewInvoice) -> Result<InvoiceRecorded, Refusal> {
        let malformed = |at: &str, what: &str| Err(Refusal::at(Code::Malformed, at, what));
        let (from, until) = (new.from.0, new.until.0);
        if until <= from || until.0 - from.0 > MAX_SPEND_DAYS * DAY_US {
            return malformed(
                "/until",
                "an invoice is for a time that ends after it begins, 367 days at most",
            );
        }
        if until > self.ledger.reader().now() {
            return malformed("/until", "its time is not over, and calls of it may follow; record it then");
        }
        if new.tolerance_per_mille > MAX_TOLERANCE || new.upstreams.len() > MAX_UPSTREAMS {
            return malformed("/tolerance_per_mille", "at most 50 thousandths, and 20 upstreams");
        }
        // One that looks like another's number would stand beside it and not in its place.
        let number = new.number.as_str().trim();
        if number.chars().any(|one| is_hidden(one) || (one.is_whitespace() && one != ' ')) {
            return malformed("/number", "its number has characters that nobody sees; write it without them");
        }
        let provider = new.provider.as_str().to_owned();
        let mut upstreams: Vec<String> =
            new.upstreams.iter().map(|upstream| upstream.as_str().to_owned()).collect();
        if upstreams.is_empty() {
            upstreams.push(provider.clone());
        }
        upstreams.sort_unstable();
        upstreams.dedup();
        self.check_invoiced(&upstreams)?;
        Ok(InvoiceRecorded {
            provider,
            number: number.to_owned(),
            from,
            until,
            micros: new.micros,
            currency: new.currency,
            upstreams,
            tolerance_per_mille: new.tolerance_per_mille,
            note: new.note.to_text(),
        })
    }

    /// Refuses an upstream that nobody knows: all of the invoice would be beyond its calls, since it has none.
    fn check_invoiced(&self, upstreams: &[String]) -> Result<(), Refusal> {
        let Some(configured) = self.upstreams.get() else { return Ok(()) };
        for name in upstreams {
            if !configured.contains(name) && !self.views.has_called(name)? {
                let what = format!(
                    "no upstream {} is configured, and no call went to one; name the upstreams that call this provider",
                    visible(name, MAX_NAMED)
                );
                return Err(Refusal::at(Code::Malformed, "/upstreams", what));
            }
        }
        Ok(())
    }
}

/// Holds what an invoice asks for against what calls took: at least what was counted, at most with what is reserved, and without a bound where a call has no price
/// or cannot be read.
fn compare(said: &InvoiceRecorded, taken: Taken) -> Compared {
    let low = taken.settled_micros;
    let high = (taken.unpriced + taken.unreadable == 0).then(|| low.saturating_add(taken.reserved_micros));
    let tolerance = u64::try_from(u128::from(said.micros) * u128::from(said.tolerance_per_mille) / 1000)
        .unwrap_or(u64::MAX);
    let above = high.map_or(0, |high| said.micros.saturating_sub(high));
    let below = low.saturating_sub(said.micros);
    let verdict = if above > tolerance {
        Verdict::MoreThere
    } else if below > tolerance {
        Verdict::MoreHere
    } else if high.is_some_and(|high| high.abs_diff(said.micros) <= tolerance)
        && low.abs_diff(said.micros) <= tolerance
    {
        Verdict::Agrees
    } else {
        Verdict::Undetermined
    };
    Compared {
        verdict,
        calls: taken.calls,
        settled_micros: taken.settled_micros,
        reserved_micros: taken.reserved_micros,
        calls_unpriced: taken.unpriced,
        calls_unreadable: taken.unreadable,
        difference_micros: above.max(below),
        tolerance_micros: tolerance,
    }
}

/// What providers ask for is of the whole organisation.
fn check_reach(actor: &Actor) -> Result<(), Refusal> {
    if actor.reach(Permission::ReadSpend) == Reach::All {
        return Ok(());
    }
    let what =
        "invoices are of the whole organisation; your role sees what systems spend that you answer for";
    Err(Refusal::new(Code::NotPermitted, what))
}

#[cfg(test)]
mod tests {
    use tabellion_model::Micros;

    use super::*;

    fn of(micros: u64, tolerance_per_mille: u64) -> InvoiceRecorded {
        InvoiceRecorded {
            provider: "local".to_owned(),
            number: "1".to_owned(),
            from: Micros(0),
            until: Micros(1),
            micros,
            currency: Currency::parse("EUR").expect("a currency"),
            upstreams: Vec::new(),
            tolerance_per_mille,
            note: String::new(),
        }
    }

    /// Requirement: N24. What is not known never makes an invoice agree, nor differ.
    #[test]
    fn a_verdict_is_given_only_where_nothing_unknown_can_change_it() {
        use Verdict::{Agrees, MoreHere, MoreThere, Undetermined};
        let taken = |settled_micros, reserved_micros, unpriced, unreadable| Taken {
            calls: 1,
            settled_micros,
            reserved_micros,
            unpriced,
            unreadable,
        };
        for (micros, tolerance, taken, verdict, difference) in [
            (1000, 0, taken(1000, 0, 0, 0), Agrees, 0),
            (1010, 10, taken(1000, 0, 0, 0), Agrees, 10),
            (1011, 10, taken(1000, 0, 0, 0), MoreThere, 11),
            (1000, 10, taken(1011, 0, 0, 0), MoreHere, 11),
            (1000, 0, taken(900, 200, 0, 0), Undetermined, 0),
            (1101, 0, taken(900, 200, 0, 0), MoreThere, 1),
            (5000, 0, taken(900, 0, 1, 0), Undetermined, 0),
            (5000, 0, taken(900, 0, 0, 1), Undetermined, 0),
            (800, 0, taken(900, 0, 1, 0), MoreHere, 100),
            (0, 0, taken(0, 0, 0, 0), Agrees, 0),
            (900, 0, taken(900, 0, 1, 0), Undetermined, 0),
        ] {
            let compared = compare(&of(micros, tolerance), taken);
            assert_eq!(
                (compared.verdict, compared.difference_micros),
                (verdict, difference),
                "{micros}: {taken:?}"
            );
        }
    }
}
