//! Setting, raising and ending a budget: the same work as the API's, from a form.
//!
//! Promises: an amount that is no number is refused at its field, before anything is asked for. Must never: round what was typed.

use serde_json::json;

use super::budgets::{self, path};
use crate::console::answer::Answered;
use crate::console::block::Block;
use crate::console::body::{Body, name_taken};
use crate::console::form::{Field, Form, Kind, Refused, list};
use crate::console::money;
use crate::console::visit::{Content, Visit};
use crate::refusal::Refusal;
use crate::work::budgets::{Budget, NewBudget, Says, ScopeForm, StateForm, WindowForm};
use crate::work::forms::Reason;

/// The form that sets one.
const SET: &str = "set-budget";
/// The form that ends one.
const END: &str = "end-budget";
/// Caps that are whole numbers.
const COUNTS: [&str; 5] = ["tokens", "calls", "calls_per_minute", "calls_at_once", "alert_percent"];

/// The form for a new one.
pub(crate) fn new(visit: &Visit<'_>) -> Answered {
    new_page(visit, 200, None)
}

fn new_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let name = Field::new("name", "Name", Kind::Line)
        .hint("Small letters, digits and hyphens, such as loans-month. It is what callers are told when it is used up, and stands in the log for ever: of a person's budget it must not say who they are.");
    let mut fields = vec![name];
    fields.extend(whose(visit));
    fields.extend(caps(None));
    let mut form = Form::new(SET, "/budgets/new".to_owned(), "Set the budget", fields);
    "/budgets".clone_into(&mut form.cancel);
    form.consequence = "It holds from the next call on, and counts what its callers used before in the same window; of a person, team or agent what they use from now on. Whose calls it counts and in which window stays as it is.";
    let content = Content {
        trail: vec![("Budgets".to_owned(), "/budgets".to_owned())],
        blocks: vec![form.block(visit, refused)?],
        ..Content::titled("Set a budget")
    };
    visit.show_with(status, content)
}

/// Sets a new one.
pub(crate) fn create(visit: &Visit<'_>) -> Answered {
    let done = || {
        let name = visit.form.text("name").trim();
        let mut body = Body::default();
        body.check_name(name);
        typed(visit, None, &mut body);
        let new: NewBudget = visit.read("setBudget", body.whole()?)?;
        visit.desk.set_budget(visit.actor()?, &visit.given(), name, &new)
    };
    let taken = "a budget of this name was set before; open it to change it";
    visit.after(SET, done().map_err(|refusal| name_taken(refusal, taken)), path, new_page)
}

/// The forms that change `budget`.
pub(super) fn forms(
    visit: &Visit<'_>,
    budget: &Budget,
    refused: Option<&Refused<'_>>,
) -> Result<Vec<Block>, Refusal> {
    let path = path(budget);
    let mut fields = match budget.says {
        Some(_) => Vec::new(),
        None => whose(visit),
    };
    fields.extend(caps(budget.says.as_ref()));
    let mut set = Form::new(SET, path.clone(), "Set it so", fields);
    set.version = Some(budget.version);
    set.consequence = "The new version takes the place of the one before and holds from the next call on; what is left empty is capped no longer.";
    let mut blocks = Vec::new();
    // What was erased is ended before its name is set again.
    if budget.state != StateForm::Unreadable {
        blocks.push(set.folded(visit, "Raise it, or set it anew", refused)?);
    }
    if budget.state != StateForm::Ended {
        let consequence = "Nothing of it holds any more; its history stays.";
        let end = Form::ending(END, format!("{path}/end"), "End the budget", budget.version, consequence);
        blocks.push(end.folded(visit, "End it", refused)?);
    }
    Ok(blocks)
}

/// Sets one anew.
pub(crate) fn set(visit: &Visit<'_>) -> Answered {
    let done = || {
        let name = visit.parts.text("budget");
        let budget = visit.desk.budget(visit.actor()?, name)?;
        let mut body = Body::default();
        typed(visit, budget.says.as_ref(), &mut body);
        let new: NewBudget = visit.read("setBudget", body.whole()?)?;
        visit.desk.set_budget(visit.actor()?, &visit.given(), name, &new)
    };
    visit.after(SET, done(), path, budgets::one)
}

/// Ends one.
pub(crate) fn end(visit: &Visit<'_>) -> Answered {
    let done = || {
        let why: Reason = visit.read("endBudget", json!({"reason": visit.form.text("reason").trim()}))?;
        visit.desk.end_budget(visit.actor()?, &visit.given(), visit.parts.text("budget"), &why)
    };
    visit.after(END, done(), path, budgets::one)
}

/// Whose calls, and in which time.
fn whose(visit: &Visit<'_>) -> Vec<Field> {
    let words = |words: &[(&str, &str)]| {
        Kind::Select(words.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect())
    };
    let scopes = [
        ("system", "Those of a system"),
        ("key", "Those of one API key"),
        ("person", "Those for one person"),
        ("team", "Those for a team"),
        ("agent", "Those of one agent"),
        ("tenant", "Everybody's"),
    ];
    let windows = [("month", "A month"), ("day", "A day"), ("total", "All time")];
    vec![
        Field::new("scope", "Whose calls", words(&scopes)).value(visit.query.text("scope")),
        Field::new("subject", "Which", Kind::Line)
            .optional()
            .value(visit.query.text("subject"))
            .hint("The id of the system or key, as its page has it; the person, team or agent as calls show them, corp|4711; nothing for everybody's."),
        Field::new("window", "In", words(&windows)).value("month").hint("Days and months are those of UTC."),
    ]
}

/// The limits, with what they are now.
fn caps(says: Option<&Says>) -> Vec<Field> {
    let number =
        |of: fn(&Says) -> Option<u64>| says.and_then(of).map(|number| number.to_string()).unwrap_or_default();
    let amount = says.and_then(|says| says.micros).map(money::plain).unwrap_or_default();
    let currency = says.and_then(|says| says.currency).map(|currency| currency.to_string());
    let alert_at: Vec<String> =
        says.map(|says| says.alert_at.iter().map(u64::to_string).collect()).unwrap_or_default();
    let line = |name, label| Field::new(name, label, Kind::Line).optional();
    vec![
        line("micros", "Money")
            .value(amount)
            .hint("Such as 250 or 12.50. A budget in money alone stops calls of models without a price."),
        line("currency", "Currency")
            .value(currency.unwrap_or_default())
            .hint("Three letters, such as EUR. Once there it stays as it is."),
        line("tokens", "Tokens").value(number(|says| says.tokens)).hint("Of prompts and answers together."),
        line("calls", "Calls").value(number(|says| says.calls)),
        line("calls_per_minute", "Calls in a minute").value(number(|says| says.calls_per_minute)),
        line("calls_at_once", "Calls at the same time").value(number(|says| says.calls_at_once)),
        line("alert_percent", "Nearly used up from, in per cent").value(number(|says| says.alert_percent)),
        line("alert_at", "Record when these shares are passed")
            .value(alert_at.join(", "))
            .hint("In per cent, with commas between them."),
        Field::new("note", "Why", Kind::Area(2)).hint("What changed and why, for the reader of the history."),
    ]
}

/// What was typed. What `says` has, its scope and window, nobody types.
fn typed(visit: &Visit<'_>, says: Option<&Says>, body: &mut Body) {
    let form = &visit.form;
    let text = |name: &str| form.get(name).map(str::trim);
    if let Some(says) = says {
        body.set("scope", scope(says.scope));
        body.set("window", window(says.window));
        body.set_some("subject", says.subject.as_deref());
    } else {
        body.set_some("scope", text("scope"));
        body.set_some("window", text("window"));
        // A caller's name is taken letter for letter: with a blank at an end it is refused, and not made another.
        body.set_some("subject", form.get("subject"));
    }
    match text("micros").map(money::read) {
        Some(None) => body.fault(
            "micros",
            "write an amount such as 250 or 12.50, with a point and at most six digits behind it",
        ),
        read => body.set_some("micros", read.flatten()),
    }
    body.set_some("currency", text("currency"));
    for name in COUNTS {
        if let Some(text) = text(name) {
            body.set_number(name, text);
        }
    }
    body.set_numbers("alert_at", &list(form.text("alert_at")));
    body.set_said("note", form.text("note").trim(), "say why, for the reader of the history");
}

/// The word of a scope in a request.
fn scope(scope: ScopeForm) -> &'static str {
    match scope {
        ScopeForm::Tenant => "tenant",
        ScopeForm::System => "system",
        ScopeForm::Key => "key",
        ScopeForm::Person => "person",
        ScopeForm::Team => "team",
        ScopeForm::Agent => "agent",
    }
}

/// The word of a window in a request.
fn window(window: WindowForm) -> &'static str {
    match window {
        WindowForm::Day => "day",
        WindowForm::Month => "month",
        WindowForm::Total => "total",
    }
}
