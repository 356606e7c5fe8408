//! Costs: what calls took in money and tokens, by day, system, key or model, what had no price apart, and the prices that rated them.
//!
//! Promises: sums are those of the API, exact and never of two currencies. Must never: show a call without a price as one that cost nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tabellion_model::charge::Currency;
use tabellion_model::{Micros, SystemId};

use super::calls;
use super::traffic::can_be_asked_for;
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Section};
use crate::console::cell::Cell;
use crate::console::chart::{Levels, OverTime};
use crate::console::link::Link;
use crate::console::money;
use crate::console::table::{
    Column, Filter, Listing, Row, Rows, Takes, choices, column, in_order, more, nothing,
};
use crate::console::visit::{Content, Visit};
use crate::console::words::{DAY, Tone, counted, day, machine_time, moment};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::prices::Price;
use crate::work::spend::{ByForm, Spend, SpendQuery, Sum};

/// Charts of one page, one for each currency.
const CHARTS: [&str; 3] = ["money", "money-2", "money-3"];
/// From so many millionths on, a chart counts in whole units; below, in hundredths or millionths.
const WHOLE_FROM: u64 = 100_000_000;
/// From so many millionths on, a chart counts in hundredths.
const HUNDREDTHS_FROM: u64 = 100_000;
/// Colours of a chart of money, from the top of a bar down.
const KINDS: [(&str, &str); 2] = [("Reserved", "quiet"), ("Counted", "accent")];

const COLUMNS: &[Column] = &[
    column("of", "Of"),
    column("currency", "Currency"),
    column("counted", "Counted"),
    column("reserved", "Reserved"),
    column("calls", "Calls let through"),
    more("calls_reserved", "Charged by reserve"),
    column("tokens_in", "Tokens in"),
    column("tokens_out", "Tokens out"),
    more("first", "By the prices of then"),
];
const UNPRICED: &[Column] = &[
    column("unpriced", "Of"),
    column("unpriced_calls", "Calls let through"),
    column("unpriced_in", "Tokens in"),
    column("unpriced_out", "Tokens out"),
];
const PRICES: &[Column] = &[
    column("price", "Price"),
    column("price_state", "State"),
    column("upstream", "Provider"),
    column("model", "Model"),
    column("input", "Million tokens in"),
    column("output", "Million tokens out"),
    column("holds_from", "From"),
    column("holds_until", "Until"),
    column("source", "Source"),
    column("price_entry", "Entry"),
];

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let query = query(visit)?;
    let spend = visit.desk.spend(visit.actor()?, &query)?;
    let (priced, unpriced): (Vec<&Sum>, Vec<&Sum>) =
        spend.sums.iter().partition(|sum| sum.currency.is_some());
    let rows = priced.iter().map(|sum| row(visit, sum, &query, &spend)).collect::<Result<Vec<_>, _>>()?;
    let listing = listing(visit);
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = charts(visit, &query)?;
    blocks.push(without_price(visit, &unpriced, &query, &spend)?);
    if visit.can(Permission::ReadPrices) {
        blocks.push(prices(visit)?);
    }
    let content = Content {
        lead: format!(
            "What calls let through from {} to {} took. Money counts where a price is known; what calls may take that are under way, or ended without counts, is reserved.",
            moment(spend.from.0),
            moment(spend.to.0)
        ),
        action: visit.moment.is_none().then(|| whole_csv(&query, &spend)),
        blocks: vec![
            totals(&spend)?,
            listing.table(visit, Rows::All(rows))?,
            Block::of(&OverTime { blocks })?,
        ],
        charts: true,
        ..Content::titled("Costs")
    };
    visit.show(content)
}

/// What the address asks for.
fn query(visit: &Visit<'_>) -> Result<SpendQuery, Refusal> {
    let mut asked = Map::new();
    asked.extend(visit.query.get("by").map(|by| ("by".to_owned(), Value::from(by))));
    let read: Result<SpendQuery, _> = serde_json::from_value(Value::Object(asked));
    let mut query = read.map_err(|error| {
        Refusal::new(Code::Malformed, format!("costs cannot be added up by that: {error}"))
    })?;
    query.from = visit.query.get("from").map(calls::time).transpose()?;
    query.to = visit.query.get("to").map(calls::until).transpose()?;
    Ok(query)
}

/// The file that the API gives for the same question.
fn whole_csv(query: &SpendQuery, spend: &Spend) -> Action {
    let by = match query.by {
        ByForm::Day => "day",
        ByForm::System => "system",
        ByForm::CostCentre => "cost_centre",
        ByForm::Key => "key",
        ByForm::Model => "model",
        ByForm::Budget => "budget",
    };
    let link = Link::to("/api/v1/spend.csv")
        .with("by", by)
        .with("from", &machine_time(spend.from.0))
        .with("to", &machine_time(spend.to.0));
    Action { label: "Download as CSV", href: link.href() }
}

fn listing(visit: &Visit<'_>) -> Listing {
    let mut by = vec![
        ("day", "Day"),
        ("system", "System"),
        ("cost_centre", "Cost centre"),
        ("key", "API key"),
        ("model", "Model"),
    ];
    // These budgets reach systems of others.
    if visit.reach(Permission::ReadSpend) == Reach::All {
        by.push(("budget", "Budget of a person, team or agent"));
    }
    Listing {
        id: "costs",
        caption: "Costs",
        columns: COLUMNS,
        filters: vec![
            Filter { name: "by", label: "Added up by", takes: choices(by) },
            Filter { name: "from", label: "From", takes: Takes::Day },
            Filter { name: "to", label: "Until", takes: Takes::Day },
        ],
        search: "day, system, cost centre, key, model or budget",
        views: vec![
            ("By day", Vec::new()),
            ("By system", vec![("by", "system".to_owned())]),
            ("By cost centre", vec![("by", "cost_centre".to_owned())]),
            ("By key", vec![("by", "key".to_owned())]),
            ("By model", vec![("by", "model".to_owned())]),
        ],
        empty: nothing(
            "No call with a price in this window",
            "A price is set over the API for each model of a provider, with the day from which it holds and its source. Calls of a model without one stand below, with their tokens and without money.",
            None,
        ),
    }
}

fn row(visit: &Visit<'_>, sum: &Sum, query: &SpendQuery, spend: &Spend) -> Result<Row, Refusal> {
    let of = of(visit, sum, query, spend)?;
    let amount = |micros: Option<u64>| match micros {
        Some(micros) => {
            Cell { whole: money::plain(micros), ..Cell::quantity(&money::amount(micros), micros) }
        }
        None => Cell::unknown("unknown"),
    };
    let currency = sum.currency.map(|currency| currency.to_string());
    Ok(Row {
        href: of.href.clone(),
        cells: vec![
            of,
            Cell::maybe(currency.as_deref(), "no price"),
            amount(sum.settled_micros),
            amount(sum.reserved_micros),
            Cell::number(sum.calls),
            Cell::number(sum.calls_reserved),
            Cell::number(sum.input_tokens),
            Cell::number(sum.output_tokens),
            amount(sum.first_micros),
        ],
    })
}

/// What a sum is of, with the way to it.
fn of(visit: &Visit<'_>, sum: &Sum, query: &SpendQuery, spend: &Spend) -> Result<Cell, Refusal> {
    let Some(text) = sum.of.as_deref() else {
        return Ok(Cell::unknown(if query.by == ByForm::CostCentre { "no cost centre" } else { "erased" }));
    };
    let reads_calls = visit.can(Permission::ReadCalls);
    let (from, to) = (machine_time(spend.from.0), machine_time(spend.to.0));
    Ok(match query.by {
        ByForm::Day => match Micros::parse_date(text) {
            Ok(at) => {
                let until = machine_time(Micros(at.0 + DAY));
                let cell = Cell { whole: day(at), ..Cell::quantity(&day(at), at.0) };
                let list = Link::to("/calls").with("from", &machine_time(at)).with("to", &until);
                if reads_calls { cell.to(list.href()) } else { cell }
            }
            Err(_) => Cell::text(text),
        },
        ByForm::System => match SystemId::from_hex(text) {
            Some(id) => visit.names.system(visit.desk, id)?,
            None => Cell::unknown("none"),
        },
        ByForm::CostCentre => Cell::text(text),
        ByForm::Key => visit.who_by_id(text)?,
        ByForm::Model => {
            let cell = Cell::text(text);
            match text.split_once('/').filter(|_| reads_calls && can_be_asked_for(text)) {
                Some((upstream, model)) => {
                    let list = Link::to("/calls").with("upstream", upstream).with("model", model);
                    cell.to(list.with("from", &from).with("to", &to).href())
                }
                None => cell,
            }
        }
        ByForm::Budget => Cell::text(text).to(visit.to(&format!("/budgets/{text}"))),
    })
}

/// All of it by currency, and how much of it had no price.
fn totals(spend: &Spend) -> Result<Block, Refusal> {
    let mut by_currency: BTreeMap<String, (Option<Currency>, u64, u64, u64)> = BTreeMap::new();
    for sum in &spend.sums {
        let name = sum.currency.map(|currency| currency.to_string()).unwrap_or_default();
        let total = by_currency.entry(name).or_insert((sum.currency, 0, 0, 0));
        total.1 += sum.settled_micros.unwrap_or_default();
        total.2 += sum.reserved_micros.unwrap_or_default();
        total.3 += sum.calls;
    }
    let mut facts = Facts::default();
    if by_currency.is_empty() {
        facts = facts.with("Calls let through", Cell::text("none in this window"));
    }
    for (currency, counted_micros, reserved_micros, calls) in by_currency.into_values() {
        let calls = counted(calls, "call", "calls");
        facts = match currency {
            Some(currency) => {
                let said = format!(
                    "{} counted, {} reserved, in {calls}",
                    money::shown(counted_micros, currency),
                    money::amount(reserved_micros)
                );
                facts.with(currency.to_string(), Cell::text(&said))
            }
            None => {
                facts.with("Without a price", Cell::state((&format!("{calls}, money unknown"), Tone::Fair)))
            }
        };
    }
    facts.block()
}

/// Where a day begins, what was counted on it and what was reserved, in millionths.
type Day = (Micros, u64, u64);

/// Money by day, a chart for each currency.
fn charts(visit: &Visit<'_>, query: &SpendQuery) -> Result<Vec<Block>, Refusal> {
    let by_day = SpendQuery { by: ByForm::Day, ..query.clone() };
    let spend = visit.desk.spend(visit.actor()?, &by_day)?;
    let mut days: BTreeMap<String, (Currency, Vec<Day>)> = BTreeMap::new();
    for sum in &spend.sums {
        let at = sum.of.as_deref().and_then(|day| Micros::parse_date(day).ok());
        if let (Some(currency), Some(at)) = (sum.currency, at) {
            let (_, days) = days.entry(currency.to_string()).or_insert((currency, Vec::new()));
            days.push((at, sum.settled_micros.unwrap_or_default(), sum.reserved_micros.unwrap_or_default()));
        }
    }
    let mut blocks = Vec::new();
    for (id, (currency, days)) in CHARTS.into_iter().zip(days.into_values()) {
        blocks.extend(chart(visit, id, currency, days)?);
    }
    Ok(blocks)
}

fn chart(
    visit: &Visit<'_>,
    id: &'static str,
    currency: Currency,
    mut days: Vec<Day>,
) -> Result<Option<Block>, Refusal> {
    days.sort_unstable_by_key(|(at, ..)| *at);
    let most = days.iter().map(|(_, counted, reserved)| counted + reserved).max().unwrap_or_default();
    let (divisor, unit) = match most {
        WHOLE_FROM.. => (1_000_000, "units of the currency a day"),
        HUNDREDTHS_FROM.. => (10_000, "hundredths of the currency's unit a day"),
        _ => (1, "millionths of the currency's unit a day"),
    };
    let total: u64 = days.iter().map(|(_, counted, _)| counted).sum();
    let reads_calls = visit.can(Permission::ReadCalls);
    let stretch = |(at, counted, reserved): Day| {
        let list = Link::to("/calls").with("from", &machine_time(at));
        let list = list.with("to", &machine_time(Micros(at.0 + DAY)));
        let href = if reads_calls { list.href() } else { String::new() };
        (at, href, vec![reserved / divisor, counted / divisor])
    };
    Levels {
        id,
        title: "Money by day",
        said: format!("{} counted in the window; days are those of UTC.", money::shown(total, currency)),
        unit,
        kinds: &KINDS,
        step_us: DAY,
        stretches: days.into_iter().map(stretch).collect(),
    }
    .chart()
}

fn without_price(
    visit: &Visit<'_>,
    sums: &[&Sum],
    query: &SpendQuery,
    spend: &Spend,
) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for sum in sums {
        let of = of(visit, sum, query, spend)?;
        let cells = vec![
            of.clone(),
            Cell::number(sum.calls),
            Cell::number(sum.input_tokens),
            Cell::number(sum.output_tokens),
        ];
        rows.push(Row { href: of.href, cells });
    }
    let listing = Listing::plain(
        "unpriced",
        "Calls without a price",
        UNPRICED,
        nothing(
            "Every call had a price",
            "A call of a model without a price is unpriced, never free: it would stand here with its tokens.",
            None,
        ),
    );
    let part = Section {
        id: "unpriced",
        title: "Without a price".to_owned(),
        lead: "What these cost is unknown, and in no sum above.".to_owned(),
        action: None,
        blocks: vec![listing.table(visit, in_order(rows))?],
    };
    Block::of(&part)
}

fn prices(visit: &Visit<'_>) -> Result<Block, Refusal> {
    let all = visit.desk.prices()?.prices;
    let listing = Listing::plain(
        "prices",
        "Prices",
        PRICES,
        nothing(
            "No price is set",
            "PUT /api/v1/prices/NAME sets one, with its source and the day from which it holds. Without a price money is unknown.",
            None,
        ),
    );
    let rows = all.iter().map(|price| price_row(visit, price)).collect();
    let part = Section {
        id: "prices",
        title: "Prices".to_owned(),
        lead: format!(
            "{} on record. A wrong one is corrected under its own name, and every call that it rated is rated anew.",
            counted(all.len() as u64, "price", "prices")
        ),
        action: None,
        blocks: vec![listing.table(visit, in_order(rows))?],
    };
    Block::of(&part)
}

fn price_row(visit: &Visit<'_>, price: &Price) -> Row {
    let rates = price.rates.as_ref();
    let rate = |micros: Option<u64>| match (micros, rates) {
        (Some(micros), Some(rates)) => Cell::quantity(&money::shown(micros, rates.currency), micros),
        _ => Cell::unknown("–"),
    };
    let from = rates.map(|rates| rates.from.0);
    let state = match (price.in_force, rates) {
        (true, Some(rates)) if rates.until.is_some_and(|until| until.0 <= visit.now()) => {
            ("Over", Tone::Quiet)
        }
        (true, Some(_)) if from.is_some_and(|from| from > visit.now()) => ("To come", Tone::Fair),
        (true, _) => ("Holds", Tone::Good),
        (false, Some(_)) => ("Erased", Tone::Bad),
        (false, None) => ("Withdrawn", Tone::Quiet),
    };
    let date = |at: Option<Micros>, otherwise: &str| {
        at.map_or_else(|| Cell::unknown(otherwise), |at| Cell::quantity(&day(at), at.0))
    };
    let cells = vec![
        Cell::text(&price.name),
        Cell::state(state),
        Cell::maybe(price.upstream.as_deref(), "–"),
        Cell::maybe(price.model.as_deref(), "–"),
        rate(rates.map(|rates| rates.input)),
        rate(rates.map(|rates| rates.output)),
        date(from, "–"),
        date(rates.and_then(|rates| rates.until).map(|until| until.0), "until another"),
        Cell::maybe(price.source.as_deref(), "erased"),
        visit.entry(price.changed.index),
    ];
    Row { href: String::new(), cells }
}
