//! The sample requests: sent through the gateway as an application would, each held against what the data says of it.
//!
//! Promises: what a call came to is judged by what its client got; what was masked, by its record. Must never: take a different end for the
//! expected one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::Value;

use super::client::{Answer, Api, Outgoing, list, send};
use super::organisation::Secrets;
use super::progress::Progress;
use super::summary::Summary;
use crate::failure::Failure;
use crate::simulated::{self, OPENING};

const REQUESTS: &str = include_str!("../../../../../examples/demo/loan-support/requests.jsonl");
/// Header with the word of docs/records.md, on errors of the gateway's own.
const CODE: &str = "tabellion-code";
/// Header with the record that decided the call.
const RECORD: &str = "tabellion-record";
/// The one end without a record: whoever has no key is counted, not recorded.
const NOBODYS: &str = "denied:invalid_api_key";
/// What a code of the provider's side begins with.
const PROVIDER_SIDE: &str = "upstream_";

/// One request of the sample.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// Its name.
    pub(super) name: String,
    #[expect(dead_code, reason = "for the reader of the file")]
    why: String,
    key: String,
    #[serde(default)]
    purpose: Option<String>,
    /// Who is meant to answer.
    pub(super) peer: Peer,
    expect: String,
    #[serde(default)]
    masks: Option<BTreeMap<String, u64>>,
    #[serde(default)]
    request: Option<Value>,
    #[serde(default)]
    body: Option<String>,
}

/// Who is meant to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Peer {
    /// The real model, when there is one.
    Real,
    /// The simulated provider.
    Simulated,
}

/// Where requests go.
pub(super) struct Route<'a> {
    pub(super) gateway: SocketAddr,
    pub(super) api: &'a Api,
    pub(super) secrets: &'a Secrets,
}

/// What a client got.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Got {
    /// In the words of `expect`.
    end: String,
    /// The text of the answer, when nothing cut it short.
    said: Option<String>,
}

/// The sample, read.
pub(super) fn read() -> Result<Vec<Line>, Failure> {
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| {
            Failure::failed(format!("sample data, requests.jsonl line {}: {error}", number + 1))
        })
    };
    REQUESTS.lines().enumerate().map(line).collect()
}

/// Sends all of them.
pub(super) fn send_all(lines: &[Line], route: &Route<'_>) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let mut progress = Progress::new(lines.len());
    for line in lines {
        let answer = line.send(route)?;
        let got = got(&answer);
        let call = answer.head.header(RECORD).map(|record| route.api.get(&format!("/api/v1/calls/{record}")));
        let call = call.transpose()?;
        for fault in line.faults(&got, call.as_ref())? {
            summary.fault(&line.name, &fault);
        }
        summary.add(&got.end, line.peer, call.as_ref());
        progress.step(&line.name);
    }
    Ok(summary)
}

impl Line {
    fn send(&self, route: &Route<'_>) -> Result<Answer, Failure> {
        let key = route.secrets.of(&self.key).ok_or_else(|| {
            Failure::failed(format!(
                "sample data, requests.jsonl: {} names the key {}, which is not there",
                self.name, self.key
            ))
        })?;
        let purpose = self.purpose.as_deref().map(|purpose| ("tabellion-purpose", purpose));
        let body = self.bytes();
        let request = Outgoing {
            method: "POST",
            path: "/v1/chat/completions",
            bearer: Some(key),
            headers: purpose.as_slice(),
            body: Some(&body),
        };
        send(route.gateway, &request).map_err(|error| {
            Failure::failed(format!(
                "the gateway at {} gave no answer to {}: {error}; run the demo again",
                route.gateway, self.name
            ))
        })
    }

    fn bytes(&self) -> Vec<u8> {
        match (&self.body, &self.request) {
            (Some(body), _) => body.clone().into_bytes(),
            (None, Some(request)) => request.to_string().into_bytes(),
            (None, None) => Vec::new(),
        }
    }

    /// What is otherwise than the data says.
    fn faults(&self, got: &Got, call: Option<&Value>) -> Result<Vec<String>, Failure> {
        let mut faults = Vec::new();
        if got.end != self.expect {
            faults.push(format!("expected {}, got {}", self.expect, got.end));
        }
        if let (Some(masks), Some(call)) = (&self.masks, call) {
            let masked = masked(call)?;
            if masked != *masks {
                faults.push(format!("expected to mask {}, masked {}", counted(masks), counted(&masked)));
            }
        }
        if call.is_none() && got.end != NOBODYS {
            faults.push("the answer names no record, so nobody could prove the call".to_owned());
        }
        // What the simulated provider says back is what it saw: with values given back, it is what was asked.
        if let Some(back) = got.said.as_deref().and_then(|said| said.strip_prefix(OPENING)) {
            let asked = serde_json::from_slice(&self.bytes()).map(|request| simulated::last_turn(&request));
            if asked.ok().is_none_or(|asked| asked != back) {
                faults.push("what came back is not what was asked".to_owned());
            }
        }
        Ok(faults)
    }
}

/// What a client got.
fn got(answer: &Answer) -> Got {
    let nothing = |end: String| Got { end, said: None };
    if answer.status >= 400 {
        return nothing(match answer.head.header(CODE) {
            Some(code) => code_end(code),
            None => format!("refused:{}", answer.status),
        });
    }
    let text = String::from_utf8_lossy(&answer.body.bytes);
    let media = answer.head.header("content-type").unwrap_or_default();
    if media.starts_with("text/event-stream") {
        return streamed(&text, answer.body.whole);
    }
    match serde_json::from_str::<Value>(&text) {
        Ok(whole) if answer.body.whole && whole.get("choices").is_some() => {
            let said = whole.pointer("/choices/0/message/content").and_then(Value::as_str);
            let said = said.filter(|_| stops_by_itself(&whole)).map(str::to_owned);
            Got { end: "answered".to_owned(), said }
        }
        _ => nothing(format!("no answer of this interface, status {}", answer.status)),
    }
}

/// How many values of which class a call's record says were replaced.
pub(super) fn masked(call: &Value) -> Result<BTreeMap<String, u64>, Failure> {
    let rows = list(call, "/evidence/masked")?;
    let row = |row: &Value| Some((row.get("class")?.as_str()?.to_owned(), row.get("count")?.as_u64()?));
    Ok(rows.iter().filter_map(row).collect())
}

/// Counts by name, in one line.
pub(super) fn counted(counts: &BTreeMap<String, u64>) -> String {
    let words: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn code_end(code: &str) -> String {
    let kind = if code.starts_with(PROVIDER_SIDE) { "failed" } else { "denied" };
    format!("{kind}:{code}")
}

/// What a stream came to. An error may be its last event; without `[DONE]` it is no whole one.
fn streamed(text: &str, whole: bool) -> Got {
    let (mut said, mut stopped, mut done) = (String::new(), false, false);
    for data in text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim) {
        if data == "[DONE]" {
            done = true;
            continue;
        }
        let Ok(event) = serde_json::from_str::<Value>(data) else {
            return Got { end: "a stream with an event that is no JSON".to_owned(), said: None };
        };
        if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
            let code = error.get("code").and_then(Value::as_str).unwrap_or("error");
            return Got { end: code_end(code), said: None };
        }
        stopped |= stops_by_itself(&event);
        said.push_str(event.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default());
    }
    let end = if done && whole { "streamed" } else { "a stream that was cut off" };
    Got { end: end.to_owned(), said: (done && whole && stopped).then_some(said) }
}

/// Whether an answer, or an event of one, says that its text is at its end and was not cut.
fn stops_by_itself(answer: &Value) -> bool {
    answer.pointer("/choices/0/finish_reason").is_some_and(|reason| reason == "stop")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Body, Head};

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = Body { bytes: body.as_bytes().to_vec(), whole: true };
        Answer { status, head: Head { first: String::new(), headers }, body }
    }

    fn line(name: &str) -> Line {
        let lines = read().expect("the sample is of its form");
        lines.into_iter().find(|line| line.name == name).expect("a line of this name")
    }

    #[test]
    fn an_end_is_what_the_client_got() {
        const EVENTS: &str = "text/event-stream";
        for (end, answer) in [
            ("answered", answer(200, &[("content-type", "application/json")], r#"{"choices":[]}"#)),
            (
                "streamed",
                answer(200, &[("content-type", EVENTS)], "data: {\"choices\":[]}\n\ndata: [DONE]\n\n"),
            ),
            (
                "a stream that was cut off",
                answer(200, &[("content-type", EVENTS)], "data: {\"choices\":[]}\n\n"),
            ),
            (
                "failed:upstream_broke_off",
                answer(
                    200,
                    &[("content-type", EVENTS)],
                    "data: {\"error\":{\"code\":\"upstream_broke_off\"}}\n\n",
                ),
            ),
            ("denied:policy_denied", answer(403, &[("tabellion-code", "policy_denied")], "{}")),
            ("failed:upstream_unreachable", answer(502, &[("tabellion-code", "upstream_unreachable")], "{}")),
            ("refused:503", answer(503, &[], "{}")),
            ("no answer of this interface, status 200", answer(200, &[], "<p>")),
        ] {
            assert_eq!(got(&answer).end, end, "the demo would tell another story than what happened");
        }
    }

    #[test]
    fn what_is_otherwise_than_the_data_says_is_a_fault() {
        let line = line("iban");
        let asked = "Pay out to DE89 3704 0044 0532 0130 00, please confirm.";
        let call = |class: &str| json!({"evidence": {"masked": [{"class": class, "count": 1}]}});
        let got = |end: &str, back: &str| Got { end: end.to_owned(), said: Some(format!("{OPENING}{back}")) };
        let faults =
            |got: &Got, call: Option<&Value>| line.faults(got, call).expect("a call of this form").len();
        assert_eq!(
            faults(&got("answered", asked), Some(&call("iban"))),
            0,
            "a call as it should be is no fault"
        );
        assert_eq!(faults(&got("streamed", asked), Some(&call("iban"))), 1, "another end went unnoticed");
        assert_eq!(faults(&got("answered", asked), Some(&call("email"))), 1, "another mask went unnoticed");
        assert_eq!(faults(&got("answered", asked), None), 1, "a call without a record went unnoticed");
        let kept = got("answered", "Pay out to <IBAN_7Q2K4F>, please confirm.");
        assert_eq!(faults(&kept, Some(&call("iban"))), 1, "a placeholder in an answer went unnoticed");
    }
}
