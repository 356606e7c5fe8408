//! Charts over time: bars for each stretch of a window, and the numbers that they are drawn from.
//!
//! Promises: the numbers stand in the page as a table, from which the browser draws; without scripts the table is what there is. A chart that would
//! show nothing is not there. Must never: draw what no row of the table says.

use askama::Template;
use tabellion_model::Micros;
use tabellion_views::query::{COUNTED_CALLS, Stretch, Traffic};

use super::block::Block;
use super::link::Link;
use super::visit::Visit;
use super::words::{DAY, count, counted, day, machine_time};
use crate::refusal::Refusal;
use crate::report::words::row_time;

const MILLISECOND: u64 = 1000;
const SECOND: u64 = 1000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// One kind of bar, stacked on those after it.
struct Series {
    label: &'static str,
    /// `accent`, `good`, `fair`, `bad`, `faint` or `quiet`: its colour in the style sheet; the order of the stack tells them apart without.
    tone: &'static str,
}

struct Row {
    /// Milliseconds since 1970, where the stretch begins.
    at_ms: u64,
    label: String,
    href: String,
    values: Vec<u64>,
}

#[derive(Template)]
#[template(path = "console/chart.html")]
struct Chart {
    id: &'static str,
    title: String,
    /// What is seen in words, with how many things were counted.
    said: String,
    /// What the upright axis counts.
    unit: String,
    step_ms: u64,
    from_ms: u64,
    to_ms: u64,
    /// Where a window that is dragged open leads; empty: none can be.
    select: String,
    series: Vec<Series>,
    rows: Vec<Row>,
}

/// What of some calls is drawn, and where its bars lead.
pub(crate) struct Calls<'a> {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) traffic: &'a Traffic,
    /// The list of exactly these calls, without a window; none: the reader may not open it.
    pub(crate) list: Option<Link>,
}

/// How many of one kind there were in a stretch.
type Value = fn(&Stretch) -> u64;

impl Calls<'_> {
    /// Calls by how they ended; `None` when there is nothing to see.
    pub(crate) fn chart(&self) -> Result<Option<Block>, Refusal> {
        let total = self.traffic.total();
        let kinds: [(Series, u64, Value); 3] = [
            (Series { label: "Let through", tone: "accent" }, total.passed, |one| one.passed),
            (Series { label: "Not answered", tone: "fair" }, total.failed, |one| one.failed),
            (Series { label: "Denied", tone: "bad" }, total.denied, |one| one.denied),
        ];
        let shown: Vec<_> = kinds.into_iter().filter(|(_, sum, _)| *sum > 0).collect();
        let parts: Vec<String> = shown
            .iter()
            .map(|(series, sum, _)| format!("{} {}", count(*sum), series.label.to_lowercase()))
            .collect();
        let said = format!("{}: {}.", counted(total.calls(), "call", "calls"), parts.join(", "));
        let values: Vec<Value> = shown.iter().map(|(_, _, value)| *value).collect();
        self.draw("calls", &said, shown.into_iter().map(|(series, ..)| series).collect(), &values)
    }

    /// Tokens that providers counted; `None` when there is nothing to see.
    pub(crate) fn tokens(&self) -> Result<Option<Block>, Refusal> {
        let total = self.traffic.total();
        let tokens = total.prompt_tokens + total.completion_tokens;
        if tokens == 0 {
            return Ok(None);
        }
        let series = vec![
            Series { label: "In prompts", tone: "accent" },
            Series { label: "In answers", tone: "quiet" },
        ];
        let said = format!(
            "{} as providers counted them: {} in prompts, {} in answers.",
            counted(tokens, "token", "tokens"),
            count(total.prompt_tokens),
            count(total.completion_tokens)
        );
        self.draw("tokens", &said, series, &[|one| one.prompt_tokens, |one| one.completion_tokens])
    }

    fn draw(
        &self,
        unit: &str,
        said: &str,
        series: Vec<Series>,
        values: &[Value],
    ) -> Result<Option<Block>, Refusal> {
        let traffic = self.traffic;
        if traffic.stretches.len() < 2 || series.is_empty() {
            return Ok(None);
        }
        let left_out = if traffic.partial {
            format!(
                " Only the newest {} calls were counted; choose a window to see others.",
                count(COUNTED_CALLS.into())
            )
        } else {
            String::new()
        };
        let rows = traffic.stretches.iter().map(|(at, stretch)| Row {
            at_ms: at.0 / MILLISECOND,
            label: begins(*at, traffic.step_us),
            href: self.stretch(*at).unwrap_or_default(),
            values: values.iter().map(|value| value(stretch)).collect(),
        });
        let chart = Chart {
            id: self.id,
            title: self.title.to_owned(),
            said: format!(
                "{said} From {} to {} UTC.{left_out}",
                begins(traffic.from, traffic.step_us),
                begins(traffic.to, traffic.step_us)
            ),
            unit: format!("{unit} per {}", length(traffic.step_us)),
            step_ms: traffic.step_us / MILLISECOND,
            from_ms: traffic.from.0 / MILLISECOND,
            to_ms: traffic.to.0 / MILLISECOND,
            select: self.list.as_ref().map(Link::href).unwrap_or_default(),
            series,
            rows: rows.collect(),
        };
        Block::of(&chart).map(Some)
    }

    fn stretch(&self, at: Micros) -> Option<String> {
        let list = self.list.clone()?;
        let (from, to) = (machine_time(at), machine_time(Micros(at.0 + self.traffic.step_us)));
        Some(list.with("from", &from).with("to", &to).href())
    }
}

/// How many stood how at the end of each stretch of time.
pub(crate) struct Levels<'a> {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What is seen, in words.
    pub(crate) said: String,
    /// What the upright axis counts.
    pub(crate) unit: &'static str,
    /// Each kind: its label, and its colour in the style sheet.
    pub(crate) kinds: &'a [(&'static str, &'static str)],
    /// Length of a stretch, microseconds.
    pub(crate) step_us: u64,
    /// Each stretch: where it begins, where it leads, how many of each kind there were at its end.
    pub(crate) stretches: Vec<(Micros, String, Vec<u64>)>,
}

impl Levels<'_> {
    /// The chart; `None` when there is nothing to see.
    pub(crate) fn chart(self) -> Result<Option<Block>, Refusal> {
        let step_us = self.step_us;
        let (Some((first, ..)), Some((last, ..))) = (self.stretches.first(), self.stretches.last()) else {
            return Ok(None);
        };
        if self.stretches.len() < 2 {
            return Ok(None);
        }
        let chart = Chart {
            id: self.id,
            title: self.title.to_owned(),
            said: self.said,
            unit: self.unit.to_owned(),
            step_ms: step_us / MILLISECOND,
            from_ms: first.0 / MILLISECOND,
            to_ms: (last.0 + step_us) / MILLISECOND,
            select: String::new(),
            series: self.kinds.iter().map(|(label, tone)| Series { label, tone }).collect(),
            rows: self
                .stretches
                .into_iter()
                .map(|(at, href, values)| Row {
                    at_ms: at.0 / MILLISECOND,
                    label: begins(at, step_us),
                    href,
                    values,
                })
                .collect(),
        };
        Block::of(&chart).map(Some)
    }
}

/// The shortest length that people count in of which at most `most` make up `span_us`.
pub(crate) fn step_for(span_us: u64, most: u64) -> u64 {
    const LENGTHS: [u64; 16] = [
        100 * MILLISECOND,
        500 * MILLISECOND,
        SECOND,
        5 * SECOND,
        15 * SECOND,
        MINUTE,
        5 * MINUTE,
        15 * MINUTE,
        HOUR,
        3 * HOUR,
        6 * HOUR,
        DAY,
        7 * DAY,
        28 * DAY,
        84 * DAY,
        364 * DAY,
    ];
    LENGTHS.into_iter().find(|length| span_us / length < most).unwrap_or(3640 * DAY)
}

/// Where what follows the filters of a list stands, so that it changes with them.
#[derive(Template)]
#[template(
    source = r#"<div id="over-time">{% for block in blocks %}{{ block.html()|safe }}{% endfor %}</div>"#,
    ext = "html"
)]
pub(crate) struct OverTime {
    pub(crate) blocks: Vec<Block>,
}

/// The list of calls with the filters of this address, without a window.
pub(crate) fn list_here(visit: &Visit<'_>) -> Link {
    visit.here().keep(&visit.query, &["from", "to", "before", "page", "recorded", "format"])
}

/// When a stretch begins, as exactly as it is long.
fn begins(at: Micros, step_us: u64) -> String {
    let text = row_time(at);
    match step_us {
        _ if step_us >= DAY => day(at),
        _ if step_us >= MINUTE => text.get(..16).unwrap_or(&text).to_owned(),
        _ if step_us >= SECOND => text,
        _ => format!("{text}.{:03}", at.0 % SECOND / MILLISECOND),
    }
}

/// A length as an axis says it.
fn length(step_us: u64) -> String {
    let (number, unit) = match step_us {
        _ if step_us >= DAY => (step_us / DAY, if step_us == DAY { "day" } else { "days" }),
        _ if step_us >= HOUR => (step_us / HOUR, "h"),
        _ if step_us >= MINUTE => (step_us / MINUTE, "min"),
        _ if step_us >= SECOND => (step_us / SECOND, "s"),
        _ => (step_us / MILLISECOND, "ms"),
    };
    if number == 1 { unit.to_owned() } else { format!("{number} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(stretches: &[(u64, Stretch)]) -> Traffic {
        let stretches: Vec<_> = stretches.iter().map(|(at, stretch)| (Micros(at * HOUR), *stretch)).collect();
        Traffic { step_us: HOUR, to: Micros(3 * HOUR), stretches, ends_known: true, ..Traffic::default() }
    }

    #[test]
    fn a_chart_leads_to_the_calls_of_each_bar_and_says_them_in_words() {
        let one = Stretch { passed: 1200, denied: 3, ..Stretch::default() };
        let traffic = traffic(&[(0, one), (2, one)]);
        let calls = Calls {
            id: "calls",
            title: "Calls over time",
            traffic: &traffic,
            list: Some(Link::to("/calls").with("state", "denied")),
        };
        let html = calls.chart().expect("a chart").expect("two stretches are a chart").html().to_owned();
        assert!(
            html.contains("2,406 calls: 2,400 let through, 6 denied."),
            "whoever cannot see it learns nothing: {html}"
        );
        assert!(
            html.contains("/calls?state=denied&#38;from=1970-01-01T02%3A00%3A00"),
            "a bar does not lead to its calls: {html}"
        );
        assert!(!html.contains("Not answered"), "a kind that did not happen is drawn");
        assert!(!html.contains("style="), "the content policy refuses inline styles");
        assert_eq!(calls.tokens().expect("an answer"), None, "a chart of no tokens is drawn");
    }

    #[test]
    fn one_bar_is_no_chart() {
        let traffic = traffic(&[(1, Stretch { passed: 4, ..Stretch::default() })]);
        let calls = Calls { id: "calls", title: "Calls", traffic: &traffic, list: None };
        assert_eq!(calls.chart().expect("an answer"), None, "a chart with one bar says nothing");
    }
}
