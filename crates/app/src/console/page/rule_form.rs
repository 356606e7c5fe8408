//! Setting and ending a rule over a number: the same work as the API's, from a form.
//!
//! Promises: a threshold is typed in the unit that people use, and one that is no number is refused at its field. Must never: round what was typed.

use serde_json::json;
use tabellion_model::body::{RuleComparison, RuleMeasure, RuleMetric};

use super::rules::{self, label, path};
use crate::console::answer::Answered;
use crate::console::block::Block;
use crate::console::body::{Body, name_taken};
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::visit::{Content, Visit};
use crate::refusal::Refusal;
use crate::work::forms::Reason;
use crate::work::rules::{NewRule, Rule, RuleSays, StateForm};

/// The form that sets one.
const SET: &str = "set-rule";
/// The form that ends one.
const END: &str = "end-rule";
/// Members that are texts, and left out where nothing is typed.
const TEXTS: [&str; 6] = ["metric", "system", "guard", "upstream", "model", "currency"];

/// The form for a new one.
pub(crate) fn new(visit: &Visit<'_>) -> Answered {
    new_page(visit, 200, None)
}

fn new_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let name = Field::new("name", "Name", Kind::Line)
        .hint("Small letters, digits and hyphens, such as loans-denied. It stands in the log for ever.");
    let mut fields = vec![name];
    fields.extend(rule_fields(visit, None));
    let mut form = Form::new(SET, "/rules/new".to_owned(), "Set the rule", fields);
    "/rules".clone_into(&mut form.cancel);
    form.consequence =
        "It is looked at within half a minute, and from then on again and again. It stops no call.";
    let content = Content {
        trail: vec![("Metric rules".to_owned(), "/rules".to_owned())],
        blocks: vec![form.block(visit, refused)?],
        ..Content::titled("Set a rule")
    };
    visit.show_with(status, content)
}

/// Sets a new one.
pub(crate) fn create(visit: &Visit<'_>) -> Answered {
    let done = || {
        let name = visit.form.text("name").trim();
        let mut body = Body::default();
        body.check_name(name);
        typed(visit, &mut body);
        let new: NewRule = visit.read("setRule", body.whole()?)?;
        visit.desk.set_rule(visit.actor()?, &visit.given(), name, &new)
    };
    let taken = "a rule of this name was set before; open it to change it";
    visit.after(SET, done().map_err(|refusal| name_taken(refusal, taken)), path, new_page)
}

/// The forms that change `rule`.
pub(super) fn forms(
    visit: &Visit<'_>,
    rule: &Rule,
    refused: Option<&Refused<'_>>,
) -> Result<Vec<Block>, Refusal> {
    let path = path(rule);
    let mut set = Form::new(SET, path.clone(), "Set it so", rule_fields(visit, rule.says.as_ref()));
    set.version = Some(rule.version);
    set.consequence = "The new version takes the place of the one before at the next look; where its number is beyond, that is recorded anew.";
    let mut blocks = vec![set.folded(visit, "Set it anew", refused)?];
    if rule.state != StateForm::Ended {
        let consequence = "It is looked at no more; its history stays.";
        let end = Form::ending(END, format!("{path}/end"), "End the rule", rule.version, consequence);
        blocks.push(end.folded(visit, "End it", refused)?);
    }
    Ok(blocks)
}

/// Sets one anew.
pub(crate) fn set(visit: &Visit<'_>) -> Answered {
    let done = || {
        let mut body = Body::default();
        typed(visit, &mut body);
        let new: NewRule = visit.read("setRule", body.whole()?)?;
        visit.desk.set_rule(visit.actor()?, &visit.given(), visit.parts.text("rule"), &new)
    };
    visit.after(SET, done(), path, rules::one)
}

/// Ends one.
pub(crate) fn end(visit: &Visit<'_>) -> Answered {
    let done = || {
        let why: Reason = visit.read("endRule", json!({"reason": visit.form.text("reason").trim()}))?;
        visit.desk.end_rule(visit.actor()?, &visit.given(), visit.parts.text("rule"), &why)
    };
    visit.after(END, done(), path, rules::one)
}

/// All but the name, with what it is now.
fn rule_fields(visit: &Visit<'_>, says: Option<&RuleSays>) -> Vec<Field> {
    let metrics = RuleMetric::ALL.map(|metric| (metric.as_str().to_owned(), label(metric).to_owned()));
    let sides = [("above", "is larger than the threshold"), ("below", "is smaller than the threshold")];
    let sides = sides.map(|(value, label)| (value.to_owned(), label.to_owned()));
    let text = |of: fn(&RuleSays) -> Option<&String>| says.and_then(of).cloned().unwrap_or_default();
    let line = |name, label| Field::new(name, label, Kind::Line).optional();
    let metric = says.map_or(RuleMetric::Denied, |says| says.metric);
    let comparison = says.map_or(RuleComparison::Above, |says| says.comparison);
    let system = text(|says| says.system.as_ref());
    let system = if system.is_empty() { visit.query.text("system").to_owned() } else { system };
    vec![
        Field::new("why", "What for", Kind::Area(2))
            .value(says.map(|says| says.why.clone()).unwrap_or_default())
            .hint("What it means when it fires, for whoever reads that."),
        Field::new("metric", "Number", Kind::Select(metrics.into())).value(metric.as_str()),
        Field::new("comparison", "Fires when it", Kind::Select(sides.into())).value(comparison.as_str()),
        Field::new("threshold", "Threshold", Kind::Line)
            .value(says.map(|says| plain(says.metric, says.threshold)).unwrap_or_default())
            .hint("A share in per cent, such as 2.5; a duration in milliseconds; money in the currency's unit; calls and tokens as whole numbers."),
        Field::new("window_minutes", "Window, in minutes", Kind::Line)
            .value(says.map_or(60, |says| says.window_minutes).to_string())
            .hint("1 to 44640, which are 31 days. It ends whenever the rule is looked at."),
        line("at_least", "Least number of observations")
            .value(says.map(|says| says.at_least.to_string()).unwrap_or_default())
            .hint("With fewer nothing is said. Left empty: 20 for shares and durations, 0 for sums."),
        line("system", "System").value(system).hint("Its id, as its page has it; nothing for all."),
        line("guard", "Guard")
            .value(text(|says| says.guard.as_ref()))
            .hint("Its name in the configuration, for what guards came to; nothing for all together."),
        line("upstream", "Provider")
            .value(text(|says| says.upstream.as_ref()))
            .hint("Its name in the configuration; not for denials and guards."),
        line("model", "Model")
            .value(text(|says| says.model.as_ref()))
            .hint("As it is asked for; not for guards."),
        line("currency", "Currency")
            .value(says.and_then(|says| says.currency).map(|currency| currency.to_string()).unwrap_or_default())
            .hint("Of money: three letters, such as EUR."),
        Field::new("note", "Why so", Kind::Area(2)).hint("What changed and why, for the reader of the history."),
    ]
}

/// What was typed.
fn typed(visit: &Visit<'_>, body: &mut Body) {
    let form = &visit.form;
    let text = |name: &str| form.text(name).trim();
    for name in TEXTS {
        body.set_some(name, Some(text(name)).filter(|text| !text.is_empty()));
    }
    body.set("comparison", text("comparison"));
    let metric = text("metric");
    let digits = RuleMetric::ALL.into_iter().find(|known| known.as_str() == metric).map_or(0, digits);
    match read(text("threshold"), digits) {
        Some(threshold) => body.set("threshold", threshold),
        None => body.fault(
            "threshold",
            "write a number such as 250, or 2.5 where the unit can be parted: per cent have two digits behind the point, milliseconds three, money six",
        ),
    }
    body.set_number("window_minutes", text("window_minutes"));
    if !text("at_least").is_empty() {
        body.set_number("at_least", text("at_least"));
    }
    body.set_said("why", text("why"), "say what it is for, for whoever reads that it fired");
    body.set_said("note", text("note"), "say why, for the reader of the history");
}

/// Digits behind the point of a metric's unit as people type it.
fn digits(metric: RuleMetric) -> usize {
    match metric.measure() {
        RuleMeasure::Share => 2,
        RuleMeasure::Rank => 3,
        RuleMeasure::Sum if metric == RuleMetric::Cost => 6,
        RuleMeasure::Sum => 0,
    }
}

/// `2.5` with two digits behind the point is 250; none: it is no such number.
fn read(text: &str, digits: usize) -> Option<u64> {
    let (whole, behind) = text.split_once('.').unwrap_or((text, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(behind) || behind.len() > digits || text.ends_with('.') {
        return None;
    }
    format!("{whole}{behind:0<digits$}").parse().ok()
}

/// A threshold as the form takes it.
fn plain(metric: RuleMetric, threshold: u64) -> String {
    let digits = digits(metric);
    let text = format!("{threshold:0>width$}", width = digits + 1);
    let (whole, behind) = text.split_at(text.len() - digits);
    let behind = behind.trim_end_matches('0');
    if behind.is_empty() { whole.to_owned() } else { format!("{whole}.{behind}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: P32. A threshold is read as it is shown, in each unit, and nothing of it is rounded away.
    #[test]
    fn a_threshold_is_read_as_it_is_shown() {
        for (metric, threshold, text) in [
            (RuleMetric::Denied, 250, "2.5"),
            (RuleMetric::Denied, 1, "0.01"),
            (RuleMetric::Duration95, 1_500_000, "1500"),
            (RuleMetric::DurationMedian, 1, "0.001"),
            (RuleMetric::Cost, 12_500_000, "12.5"),
            (RuleMetric::Calls, 100, "100"),
            (RuleMetric::Tokens, 0, "0"),
        ] {
            assert_eq!(plain(metric, threshold), text);
            assert_eq!(
                read(text, digits(metric)),
                Some(threshold),
                "{text} would be set as another threshold"
            );
        }
        for wrong in ["", "NaN", "-1", "1e3", "2.555", "2,5", "2.", ".5", "inf", "99999999999999999999"] {
            assert_eq!(read(wrong, 2), None, "{wrong:?} would be taken for a threshold");
        }
        assert_eq!(read("2.5", 0), None, "a count would be rounded");
    }
}
