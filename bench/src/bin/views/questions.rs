//! Every question that pages ask, over the views of a large log.

use std::time::{Duration, Instant};

use tabellion_bench::percentile;
use tabellion_model::body::{Outcome as Ended, SystemStage};
use tabellion_model::register::{Registers, Review};
use tabellion_model::status::evaluate_all;
use tabellion_model::status::rules::Rules;
use tabellion_model::{Micros, RecordId};
use tabellion_views::Views;
use tabellion_views::query::{CallFilter, CallState, ItemFilter, ItemPage, ItemSort, Page, SystemFilter};

use crate::Outcome;
use crate::house::{key, model, person, system};

/// Times each question is asked.
const ROUNDS: usize = 7;

/// A row of the table: the first time, and the others.
fn time(what: &str, mut ask: impl FnMut() -> Outcome<usize>) -> Outcome<()> {
    let mut times = Vec::new();
    let mut rows = 0;
    for _ in 0..=ROUNDS {
        let began = Instant::now();
        rows = ask()?;
        times.push(began.elapsed());
    }
    let first = times.remove(0);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (p50, most) = (percentile(&mut times, 50), percentile(&mut times, 100));
    println!("| {what} | {rows} | {:.1} | {:.1} | {:.1} |", ms(first), ms(p50), ms(most));
    Ok(())
}

/// Asks everything; `now` is when pages are looked at.
pub(crate) fn ask(views: &Views, now: Micros) -> Outcome<()> {
    println!("\n| question | rows | first ms | p50 ms | most ms |\n|---|---|---|---|---|");
    calls(views, now)?;
    items(views, now)?;
    others(views, now)
}

fn calls(views: &Views, now: Micros) -> Outcome<()> {
    let day = Micros(now.0 - 86_400_000_000);
    let all = CallFilter::default;
    let filters = [
        ("calls", all()),
        ("calls, open", CallFilter { state: Some(CallState::Open), ..all() }),
        ("calls, broken", CallFilter { state: Some(CallState::Broken), ..all() }),
        ("calls, denied", CallFilter { state: Some(CallState::Denied), ..all() }),
        ("calls, failed", CallFilter { outcome: Some(Ended::Failed), ..all() }),
        ("calls, cut", CallFilter { outcome: Some(Ended::Cut), ..all() }),
        ("calls, end erased", CallFilter { end_erased: true, ..all() }),
        ("calls, busy system", CallFilter { system: Some(system(0)), ..all() }),
        ("calls, quiet system", CallFilter { system: Some(system(49)), ..all() }),
        (
            "calls, quiet system denied",
            CallFilter { system: Some(system(49)), state: Some(CallState::Denied), ..all() },
        ),
        ("calls, of a key", CallFilter { key: Some(key(30, 2)), ..all() }),
        ("calls, a model", CallFilter { model: Some(model(3)), ..all() }),
        ("calls, a model nobody used", CallFilter { model: Some("gpt-x".to_owned()), ..all() }),
        ("calls, a purpose", CallFilter { purpose: Some("translation".to_owned()), ..all() }),
        ("calls, a code", CallFilter { code: Some("purpose_not_allowed".to_owned()), ..all() }),
        ("calls, a code nobody gave", CallFilter { code: Some("nobody_gave".to_owned()), ..all() }),
        ("calls, one day", CallFilter { from: Some(Micros(day.0 - 86_400_000_000)), to: Some(day), ..all() }),
        ("calls, search", CallFilter { text: Some("transl".to_owned()), ..all() }),
        ("calls, search for nothing", CallFilter { text: Some("xyzzy".to_owned()), ..all() }),
        (
            "calls, search in a system",
            CallFilter { system: Some(system(1)), text: Some("xyzzy".to_owned()), ..all() },
        ),
        (
            "calls, within three systems",
            CallFilter { within: Some([system(1), system(2), system(49)].into()), ..all() },
        ),
    ];
    for (what, filter) in filters {
        time(what, || Ok(views.calls(&filter, Page::default())?.rows.len()))?;
    }
    let oldest = Page { before: Some(2000), limit: 50 };
    time("calls, last page", || Ok(views.calls(&all(), oldest)?.rows.len()))?;
    let some = views.calls(&all(), Page { before: Some(500_000), limit: 1 })?.rows;
    let id = some.first().map_or(RecordId::from_bytes([0; 16]), |row| row.record_id);
    time("one call", || Ok(usize::from(views.call(&id)?.is_some())))?;
    time("sums of a day", || Ok(views.overview(day, now)?.models.len()))?;
    let month = Micros(now.0.saturating_sub(40 * 86_400_000_000));
    time("sums of all calls", || Ok(views.overview(month, now)?.models.len()))?;
    time("models seen", || Ok(views.models_seen()?.len()))
}

fn items(views: &Views, now: Micros) -> Outcome<()> {
    let of = || ItemFilter { register: Some("impact_assessment".to_owned()), ..ItemFilter::default() };
    let page = ItemPage::default();
    let lists = [
        ("items", of(), page),
        ("items by name", of(), ItemPage { sort: ItemSort::Name, ..page }),
        ("items by due date", of(), ItemPage { sort: ItemSort::Due, ..page }),
        ("items, last page", of(), ItemPage { skip: 9_900, ..page }),
        ("items, search", ItemFilter { text: Some("assessment 99".to_owned()), ..of() }, page),
        (
            "items, a field",
            ItemFilter { fields: vec![("result".to_owned(), "not_acceptable".to_owned())], ..of() },
            page,
        ),
        ("items, in review", ItemFilter { review: Some(Review::InReview), ..of() }, page),
        ("items, refresh open", ItemFilter { refresh_open: true, ..of() }, page),
        ("items, due", ItemFilter { due_before: Some(Micros(now.0 + 30 * 86_400_000_000)), ..of() }, page),
        ("items, of an owner", ItemFilter { owner: Some(person(3)), ..of() }, page),
        ("items, of a system", ItemFilter { system: Some(system(7)), ..of() }, page),
    ];
    for (what, filter, page) in lists {
        time(what, || Ok(views.register_items(&filter, page)?.rows.len()))?;
    }
    time("how all items stand", || Ok(views.register_facts(None)?.len()))
}

fn others(views: &Views, now: Micros) -> Outcome<()> {
    let page = Page { before: None, limit: 200 };
    time("systems", || Ok(views.systems(&SystemFilter::default(), page)?.rows.len()))?;
    let live = SystemFilter { stage: Some(SystemStage::Live), ..SystemFilter::default() };
    time("systems, live", || Ok(views.systems(&live, page)?.rows.len()))?;
    time("keys", || Ok(views.credentials(None, page)?.rows.len()))?;
    time("people", || Ok(views.people(None, page)?.rows.len()))?;
    time("policies", || Ok(views.policies(page)?.rows.len()))?;
    time("history of everything", || Ok(views.history(None, page)?.rows.len()))?;
    let registers = Registers::built_in()?;
    time("facts, kept", || Ok(views.facts(&registers, now)?.items.len()))?;
    let facts = views.facts(&registers, now)?;
    time("statuses by given facts", || Ok(evaluate_all(Rules::built_in(), &facts, now).len()))
}
