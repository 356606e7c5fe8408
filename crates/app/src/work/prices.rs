//! Prices of models: set, corrected, withdrawn; every version stays readable. What a version says rates all calls of its price.
//!
//! Promises: a price names its source and from when it holds. Must never: change a version that was recorded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::{PriceSet, PriceWithdrawn};
use tabellion_model::charge::{Currency, Rates};
use tabellion_views::query::PriceVersion as Recorded;

use super::asking::all;
use super::forms::{CurrencyForm, IdForm, Line, Reason, Reference, Time, Word};
use super::prose::Prose;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::refusal::{Code, Refusal};

/// A price to hold, or to correct the one before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPrice {
    /// The upstream, by its name in the configuration.
    pub upstream: Word,
    /// The model as the upstream is given it.
    pub model: Line,
    /// Currency of all rates.
    #[schemars(with = "CurrencyForm")]
    pub currency: Currency,
    /// A million tokens of the prompt, in millionths of the currency's unit.
    #[schemars(range(max = 10_000_000_000_u64))]
    pub input: u64,
    /// A million tokens of the answer.
    #[schemars(range(max = 10_000_000_000_u64))]
    pub output: u64,
    /// A million tokens of the prompt taken from the provider's cache; absent: as `input`.
    #[serde(default)]
    #[schemars(range(max = 10_000_000_000_u64))]
    pub cached: Option<u64>,
    /// A million tokens of the prompt put into the provider's cache; absent: as `input`.
    #[serde(default)]
    #[schemars(range(max = 10_000_000_000_u64))]
    pub cache_write: Option<u64>,
    /// From when on calls are rated by it.
    pub from: Time,
    /// Until when; absent: until another price of the model begins.
    #[serde(default)]
    pub until: Option<Time>,
    /// Most tokens that the model answers with: reserved where a request names no limit of its own.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000_000_u64))]
    pub output_limit: Option<u64>,
    /// Most tokens that the model reads: reserved where what it reads is not in the request.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000_000_u64))]
    pub input_limit: Option<u64>,
    /// Where the price is from, and what changed.
    pub source: Prose,
}

/// What a version of a price says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PriceRates")]
pub struct Shown {
    /// Currency of all rates.
    #[schemars(with = "CurrencyForm")]
    pub currency: Currency,
    /// A million tokens of the prompt, in millionths of the currency's unit.
    pub input: u64,
    /// A million tokens of the answer.
    pub output: u64,
    /// A million tokens taken from the provider's cache.
    pub cached: u64,
    /// A million tokens put into it.
    pub cache_write: u64,
    /// From when on.
    pub from: Time,
    /// Until when; null: until another begins.
    pub until: Option<Time>,
}

/// A price as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Its name.
    #[schemars(with = "Word")]
    pub name: String,
    /// Whether calls are rated by it from now on.
    pub in_force: bool,
    /// The upstream; null: withdrawn, or erased.
    pub upstream: Option<String>,
    /// The model; null: withdrawn, or erased.
    pub model: Option<String>,
    /// What tokens cost; null: withdrawn.
    pub rates: Option<Shown>,
    /// Most tokens of an answer.
    pub output_limit: Option<u64>,
    /// Most tokens of a prompt.
    pub input_limit: Option<u64>,
    /// Where it is from, or why it was withdrawn; null: erased.
    pub source: Option<String>,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record of the newest change.
    pub changed: Reference,
}

/// Prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// By name; withdrawn ones too.
    pub prices: Vec<Price>,
}

/// One change of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceVersion {
    /// When.
    pub at: Time,
    /// Who.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// What stood from then on.
    pub price: Price,
}

/// The history of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceHistory {
    /// Oldest first.
    pub versions: Vec<PriceVersion>,
}

impl Desk {
    /// All prices.
    pub fn prices(&self) -> Result<Prices, Refusal> {
        let mut rows = all(|page| self.views.prices(page))?;
        rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let prices = rows.into_iter().map(|row| self.shown_price(row));
        Ok(Prices { prices: prices.collect::<Result<_, _>>()? })
    }

    /// One price.
    pub fn price(&self, name: &str) -> Result<Price, Refusal> {
        self.shown_price(self.price_row(name)?)
    }

    /// Every change of one price.
    pub fn price_history(&self, name: &str) -> Result<PriceHistory, Refusal> {
        self.price_row(name)?;
        let newest_first = all(|page| self.views.price_versions(name, page))?;
        let versions = newest_first.into_iter().rev().map(|row| {
            Ok(PriceVersion { at: Time(row.at), by: row.by.to_hex(), price: self.shown_price(row)? })
        });
        Ok(PriceHistory { versions: versions.collect::<Result<_, Refusal>>()? })
    }

    /// Sets a price, or corrects the one of this name: calls that were rated by it are rated anew.
    pub fn set_price(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &NewPrice,
    ) -> Result<(Price, Written), Refusal> {
        if new.until.is_some_and(|until| until <= new.from) {
            return Err(Refusal::at(Code::Malformed, "/until", "a price ends after it begins"));
        }
        let rates = Rates {
            currency: new.currency,
            input: new.input,
            cached: new.cached.unwrap_or(new.input),
            cache_write: new.cache_write.unwrap_or(new.input),
            output: new.output,
            from: new.from.0,
            until: new.until.map(|until| until.0),
        };
        let body = PriceSet {
            name: name.to_owned(),
            upstream: new.upstream.as_str().to_owned(),
            model: new.model.as_str().to_owned(),
            output_limit: new.output_limit,
            input_limit: new.input_limit,
            source: new.source.to_text(),
        };
        let written = self.once(actor, "set-price", given, |earlier| {
            let current = self.views.price(name)?;
            if earlier.is_none() && given.version.is_none() && current.is_some() {
                return Err(Refusal::new(Code::VersionRequired, "a price of this name was set before"));
            }
            if earlier.is_none() && current.is_some() {
                self.check_correction(&body, rates.currency)?;
            }
            let version = current.map_or(0, |row| row.version);
            let mut draft = draft_of(&body, stream(name), given.expected(earlier, version))?;
            draft.clear = rates.to_clear();
            Ok(vec![draft])
        })?;
        Ok((self.price(name)?, written))
    }

    /// Takes a price out of force; calls that were rated by it stay so.
    pub fn withdraw_price(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        why: &Reason,
    ) -> Result<(Price, Written), Refusal> {
        let written = self.once(actor, "withdraw-price", given, |earlier| {
            let row = self.price_row(name)?;
            if earlier.is_none() && row.rates.is_none() {
                return Err(Refusal::new(Code::AlreadySo, "the price is not in force"));
            }
            let body = PriceWithdrawn { name: name.to_owned(), reason: why.reason.to_text() };
            Ok(vec![draft_of(&body, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.price(name)?, written))
    }

    /// Refuses what would make the price of a name one of another model, or in other money: calls of before are rated by it. Also after it was withdrawn, since
    /// those calls stay its own.
    fn check_correction(&self, new: &PriceSet, currency: Currency) -> Result<(), Refusal> {
        let versions = all(|page| self.views.price_versions(&new.name, page))?;
        let mut said = versions.iter().filter_map(|row| row.said.as_ref());
        if said.next().is_some_and(|said| (&said.upstream, &said.model) != (&new.upstream, &new.model)) {
            let what = "a correction is of the same upstream and model; set another price for another model";
            return Err(Refusal::at(Code::StateImpossible, "/model", what));
        }
        let mut rates = versions.iter().filter_map(|row| row.rates);
        if let Some(before) = rates.next().filter(|before| before.currency != currency) {
            let what = format!(
                "this price is in {}, and so is what its calls were charged; a correction keeps the currency: set a price of another name for {currency}",
                before.currency
            );
            return Err(Refusal::at(Code::StateImpossible, "/currency", what));
        }
        Ok(())
    }

    fn price_row(&self, name: &str) -> Result<Recorded, Refusal> {
        self.views.price(name)?.ok_or_else(|| Refusal::not_found("price"))
    }

    fn shown_price(&self, row: Recorded) -> Result<Price, Refusal> {
        let limits = row.said.as_ref().map(|said| (said.output_limit, said.input_limit)).unwrap_or_default();
        let (upstream, model) = row.said.map(|said| (said.upstream, said.model)).unzip();
        Ok(Price {
            in_force: row.rates.is_some() && model.is_some(),
            upstream,
            model,
            rates: row.rates.map(|rates| Shown {
                currency: rates.currency,
                input: rates.input,
                output: rates.output,
                cached: rates.cached,
                cache_write: rates.cache_write,
                from: Time(rates.from),
                until: rates.until.map(Time),
            }),
            output_limit: limits.0,
            input_limit: limits.1,
            source: row.source,
            version: row.version,
            changed: self.reference(row.entry)?,
            name: row.name,
        })
    }
}

fn stream(name: &str) -> String {
    format!("price/{name}")
}
