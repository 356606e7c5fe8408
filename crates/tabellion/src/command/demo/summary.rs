//! What the requests came to, in one table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::requests::{Peer, counted, masked};
use crate::terminal::printable;

/// What all requests came to.
#[derive(Debug, Default)]
pub(super) struct Summary {
    sent: u64,
    answered: u64,
    streamed: u64,
    denied: BTreeMap<String, u64>,
    refused: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
    masked: BTreeMap<String, u64>,
    prompt_tokens: u64,
    completion_tokens: u64,
    /// Whole and streamed answers, by who was meant to give them.
    for_real: u64,
    for_simulated: u64,
    /// What was otherwise than the data says.
    faults: Vec<String>,
}

impl Summary {
    /// Counts one request: its end in the words of the data, who was meant to answer, and its record.
    pub(super) fn add(&mut self, end: &str, peer: Peer, call: Option<&Value>) {
        self.sent += 1;
        let by = match end.split_once(':') {
            Some(("denied", code)) => self.denied.entry(code.to_owned()),
            Some(("refused", status)) => self.refused.entry(status.to_owned()),
            Some((_, code)) => self.failed.entry(code.to_owned()),
            None => {
                match end {
                    "answered" => self.answered += 1,
                    "streamed" => self.streamed += 1,
                    _ => return,
                }
                match peer {
                    Peer::Real => self.for_real += 1,
                    Peer::Simulated => self.for_simulated += 1,
                }
                return self.content(call);
            }
        };
        *by.or_default() += 1;
        self.content(call);
    }

    /// Notes what was otherwise than the data says.
    pub(super) fn fault(&mut self, name: &str, fault: &str) {
        self.faults.push(printable(&format!("{name}: {fault}")));
    }

    /// What was otherwise than the data says.
    pub(super) fn faults(&self) -> &[String] {
        &self.faults
    }

    fn content(&mut self, call: Option<&Value>) {
        let Some(call) = call else { return };
        for (class, count) in masked(call).unwrap_or_default() {
            *self.masked.entry(class).or_default() += count;
        }
        let tokens = |pointer| call.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
        self.prompt_tokens += tokens("/evidence/prompt_tokens");
        self.completion_tokens += tokens("/evidence/completion_tokens");
    }

    /// The table; `model` is the real model's address, when there is one.
    pub(super) fn table(&self, model: Option<&str>) -> String {
        let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>();
        let mut text = String::new();
        let mut row = |name: &str, count: u64, what: &str| {
            let line = format!("   {name:<28} {count:>5}  {what}");
            let _ = writeln!(text, "{}", line.trim_end());
        };
        row("requests", self.sent, "");
        row("answered whole", self.answered, "");
        row("answered in a stream", self.streamed, "");
        row("denied by the gateway", sum(&self.denied), &told(&self.denied));
        row("refused by the provider", sum(&self.refused), &told(&self.refused));
        row("failed at the provider", sum(&self.failed), &told(&self.failed));
        row("values kept from providers", sum(&self.masked), &told(&self.masked));
        let tokens = format!(
            "{} in prompts, {} in answers, as providers counted",
            self.prompt_tokens, self.completion_tokens
        );
        row("tokens", self.prompt_tokens + self.completion_tokens, &tokens);
        let stand_in = if model.is_none() { " and those in the real model's place" } else { "" };
        let simulated = if model.is_none() { self.for_simulated + self.for_real } else { self.for_simulated };
        row(
            "answers of a real model",
            if model.is_none() { 0 } else { self.for_real },
            model.unwrap_or("there is none here"),
        );
        row("answers by rule", simulated, &format!("the simulated provider{stand_in}"));
        text
    }
}

fn told(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() { String::new() } else { counted(counts) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_counts_each_end_once_and_says_who_answered() {
        let mut summary = Summary::default();
        let call = json!({"evidence": {"masked": [{"class": "email", "count": 2}], "prompt_tokens": 5, "completion_tokens": 3}});
        summary.add("answered", Peer::Real, Some(&call));
        summary.add("streamed", Peer::Simulated, Some(&call));
        summary.add("denied:policy_denied", Peer::Simulated, None);
        summary.add("failed:upstream_broke_off", Peer::Simulated, None);
        summary.add("refused:503", Peer::Simulated, None);
        let row = |table: &str, name: &str| {
            let line =
                table.lines().find(|line| line.trim_start().starts_with(name)).expect("a row").to_owned();
            line.trim_start().trim_start_matches(name).trim().to_owned()
        };
        let table = summary.table(None);
        assert_eq!(row(&table, "requests"), "5");
        assert_eq!(row(&table, "denied by the gateway"), "1  policy_denied 1");
        assert_eq!(row(&table, "values kept from providers"), "4  email 4");
        assert_eq!(row(&table, "tokens"), "16  10 in prompts, 6 in answers, as providers counted");
        assert_eq!(
            row(&table, "answers of a real model"),
            "0  there is none here",
            "a simulation passed for a model"
        );
        assert!(row(&table, "answers by rule").starts_with("2  "), "{table}");
        let table = summary.table(Some("http://127.0.0.1:1/v1"));
        assert_eq!(row(&table, "answers of a real model"), "1  http://127.0.0.1:1/v1");
        assert!(row(&table, "answers by rule").starts_with("1  "), "{table}");
    }
}
