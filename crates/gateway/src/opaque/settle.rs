//! What batches took: told by their provider when they are over, or line by line in the file with their answers.
//!
//! Promises: a batch is settled once, by what was told whole; of a request of which nothing was told the most is charged that one may take. Must never: give back what was reserved
//! because nobody asked, or hold more of a file than its newest line.

use serde::Deserialize;
use serde_json::{Map, Value};
use tabellion_model::RecordId;
use tabellion_model::body::{BatchRequests, BatchSettled, BatchToldBy, RouteClass};
use tabellion_model::charge::{Spent, Tokens};
use tabellion_views::gate::{Begun, GateFile, OfBatch};

use super::lines::Lines;
use super::meter::{Named, said_by};
use crate::answer::parts::Tokens as Counted;
use crate::config::Api;
use crate::declared::{Counts, Found, Special};
use crate::worker::Shared;

/// Longest line with an answer that is read: the longest texts of today take a tenth. One that is longer was not counted.
const MAX_LINE_BYTES: usize = 8 << 20;
/// Words for a batch of which nothing more comes.
const OVER: [&str; 4] = ["completed", "failed", "expired", "cancelled"];
/// How the path ends on which a file is read.
const CONTENT: &str = "/content";
/// What a batch of messages says that it is, and that nothing more comes of it.
const MESSAGE_BATCH: &str = "message_batch";
const ENDED: &str = "ended";

/// A batch of which it is not on record what it took.
pub(super) struct Unsettled {
    file: GateFile,
    pub(super) begun: Begun,
}

/// What came of one.
pub(super) struct Settlement {
    pub(super) unsettled: Unsettled,
    pub(super) spent: Spent,
    told_by: BatchToldBy,
    uncounted: u64,
}

impl Unsettled {
    /// The batch whose answers a call reads from `provider`.
    pub(super) fn of_answers(shared: &Shared, found: &Found, provider: &str) -> Option<Self> {
        if found.declared.special == Special::Results {
            return Self::named(shared, found.id.as_deref()?, provider);
        }
        let is_content = found.declared.class == RouteClass::Files && found.declared.path.ends_with(CONTENT);
        let id = found.id.as_deref().filter(|_| is_content)?;
        let known = shared.opaque.kept.find(&shared.gate.load(), provider, RouteClass::Files, id)?;
        match known.of_batch {
            Some(OfBatch::Answers(batch)) => Self::named(shared, &batch, provider),
            _ => None,
        }
    }

    /// The batch that an answer of `provider` is about.
    pub(super) fn of_batch(shared: &Shared, named: &Named, provider: &str) -> Option<Self> {
        Self::named(shared, named.id.as_deref()?, provider)
    }

    fn named(shared: &Shared, batch: &str, provider: &str) -> Option<Self> {
        let file = shared.opaque.kept.find(&shared.gate.load(), provider, RouteClass::Batches, batch)?;
        let Some(OfBatch::Begun(begun)) = &file.of_batch else { return None };
        let begun = begun.clone();
        (!begun.is_settled).then_some(Self { file, begun })
    }

    /// What the provider says of the batch itself; none: it is not over, or only its answers can tell.
    pub(super) fn told(self, named: &Named) -> Option<Settlement> {
        let over = named.over.as_ref()?;
        let (spent, uncounted) = over.spent(&self.begun.requests, named.output_file.is_some())?;
        Some(Settlement { unsettled: self, spent, told_by: BatchToldBy::Batch, uncounted })
    }

    /// As it is known from now on.
    pub(super) fn into_settled(self) -> GateFile {
        let begun = Begun { is_settled: true, ..self.begun };
        GateFile { of_batch: Some(OfBatch::Begun(begun)), ..self.file }
    }
}

impl Settlement {
    /// As the record has it; `call` told it.
    pub(super) fn body(&self, call: RecordId) -> BatchSettled {
        let Unsettled { file, begun } = &self.unsettled;
        BatchSettled {
            batch: file.file.clone(),
            provider: file.provider.clone(),
            call,
            told_by: self.told_by,
            requests: begun.requests.count,
            uncounted: self.uncounted,
        }
    }
}

/// What was `counted`, and for each of the `uncounted` requests the most that one may take: together not more than was reserved, unless more was counted.
fn charged(requests: &BatchRequests, counted: Tokens, uncounted: u64) -> Spent {
    let rest = |most: u64, all: u64, counted: u64| {
        counted.saturating_add(uncounted.saturating_mul(most).min(all.saturating_sub(counted)))
    };
    let input = rest(requests.most_input, requests.input, counted.input);
    let output = rest(requests.most_output, requests.output, counted.output);
    Spent::Counted(Tokens { input, output, ..counted }.bounded())
}

/// What a provider says of a batch that is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Over {
    usage: Counted,
    /// Requests that were answered, and those that failed.
    requests: Option<(u64, u64)>,
    /// Of a batch of messages in which nothing was answered: how many requests cost nothing.
    free: Option<u64>,
}

impl Over {
    /// Of an answer about a batch; none: it is not over, or the answer is about something else.
    pub(super) fn of(json: &Value) -> Option<Self> {
        if json.get("type").and_then(Value::as_str) == Some(MESSAGE_BATCH) {
            return Self::of_messages(json);
        }
        let is_over = json.get("status").and_then(Value::as_str).is_some_and(|word| OVER.contains(&word));
        let count = |name: &str| json.get("request_counts")?.get(name)?.as_u64();
        let usage = said_by(Counts::OpenAi, json);
        is_over.then(|| Self { usage, requests: count("completed").zip(count("failed")), free: None })
    }

    /// The same of a batch of messages. It never says what it took, but how its requests ended: where none was answered nothing was, since Anthropic takes nothing for the others
    /// ("Batch processing", the table of result types). None: its results have to tell.
    fn of_messages(json: &Value) -> Option<Self> {
        if json.get("processing_status").and_then(Value::as_str) != Some(ENDED) {
            return None;
        }
        let count = |name: &str| json.get("request_counts")?.get(name)?.as_u64();
        if count("succeeded")? != 0 || count("processing")? != 0 {
            return None;
        }
        let [errored, canceled, expired] = ["errored", "canceled", "expired"].map(count);
        let free = errored?.checked_add(canceled?)?.checked_add(expired?)?;
        Some(Self { usage: Counted::default(), requests: None, free: Some(free) })
    }

    fn spent(&self, requests: &BatchRequests, has_answers: bool) -> Option<(Spent, u64)> {
        if let Some(free) = self.free {
            // Counts of another number of requests are of something else.
            return (free == requests.count).then_some((Spent::Nothing, 0));
        }
        if let Some(Tokens { input, output, cached, cache_write }) = self.usage.charged() {
            return Some((Spent::Counted(Tokens { input, cached, cache_write, output }.bounded()), 0));
        }
        // Where any were answered, their lines say what they took.
        match self.requests {
            Some((0, 0)) if !has_answers => Some((Spent::Nothing, 0)),
            Some((0, failed)) if !has_answers => Some((charged(requests, Tokens::default(), failed), failed)),
            _ => None,
        }
    }
}

/// The answers of a batch, read as the file with them passes.
pub(super) struct AnswersOf {
    unsettled: Unsettled,
    counting: Counting,
}

impl AnswersOf {
    /// Of a batch in the interface `api`.
    pub(super) fn new(unsettled: Unsettled, api: Api) -> Self {
        let reads: Reads = if api == Api::Anthropic { counted_of_message } else { counted };
        Self { unsettled, counting: Counting::new(reads) }
    }

    /// Takes in a piece of the file.
    pub(super) fn push(&mut self, data: &[u8]) {
        self.counting.push(data);
    }

    /// The file is there whole; none: it told nothing.
    pub(super) fn settled(self) -> Option<Settlement> {
        let Sum { counted, tokens } = self.counting.finish();
        let requests = self.unsettled.begun.requests;
        let uncounted = requests.count.saturating_sub(counted);
        let spent = (counted > 0).then(|| charged(&requests, tokens, uncounted))?;
        Some(Settlement { unsettled: self.unsettled, spent, told_by: BatchToldBy::Answers, uncounted })
    }
}

/// What the answer in a line took; none: it does not say.
type Reads = fn(&[u8]) -> Option<Tokens>;

/// What the lines of a file say together.
struct Counting {
    lines: Lines,
    reads: Reads,
    sum: Sum,
}

/// The lines that were counted, and what they took.
#[derive(Default)]
struct Sum {
    counted: u64,
    tokens: Tokens,
}

impl Counting {
    fn new(reads: Reads) -> Self {
        Self { lines: Lines::new(MAX_LINE_BYTES), reads, sum: Sum::default() }
    }

    fn push(&mut self, data: &[u8]) {
        let Self { lines, reads, sum } = self;
        lines.push(data, |line| sum.take(line.and_then(*reads)));
    }

    /// The file is there whole, and its last line with it.
    fn finish(mut self) -> Sum {
        self.sum.take(self.lines.rest().as_deref().and_then(self.reads));
        self.sum
    }
}

impl Sum {
    /// Takes in what a line says; none: it was too long, or says nothing.
    fn take(&mut self, told: Option<Tokens>) {
        let Some(more) = told else { return };
        self.counted = self.counted.saturating_add(1);
        let Tokens { input, cached, cache_write, output } = &mut self.tokens;
        for (sum, more) in [
            (input, more.input),
            (cached, more.cached),
            (cache_write, more.cache_write),
            (output, more.output),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// A line with an answer.
#[derive(Deserialize)]
struct Line {
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    status_code: Option<u16>,
    body: Option<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    object: Option<String>,
    usage: Option<Value>,
}

/// What `object` of an answer with vectors is: it has no tokens of its own.
const VECTORS: &str = "list";

/// What the answer in a line took; none: it does not say.
fn counted(line: &[u8]) -> Option<Tokens> {
    let response = serde_json::from_slice::<Line>(line).ok()?.response?;
    // As of a call: what was refused cost nothing.
    if response.status_code.is_some_and(|status| (400..500).contains(&status)) {
        return Some(Tokens::default());
    }
    let answer = response.body?;
    let said = Value::Object(Map::from_iter([("usage".to_owned(), answer.usage?)]));
    let prompt_alone = answer.object.as_deref() == Some(VECTORS);
    Counted { prompt_alone, ..said_by(Counts::OpenAi, &said) }.charged()
}

/// A line with the result of a request for a message (API reference of Anthropic, "Retrieve Message Batch results").
#[derive(Deserialize)]
struct ResultLine {
    result: RequestResult,
}

#[derive(Deserialize)]
struct RequestResult {
    #[serde(rename = "type")]
    kind: String,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    usage: Option<Value>,
}

/// The same of a line with the result of a request for a message. Anthropic takes nothing for what was not answered ("Batch processing", the table of result types).
fn counted_of_message(line: &[u8]) -> Option<Tokens> {
    let RequestResult { kind, message } = serde_json::from_slice::<ResultLine>(line).ok()?.result;
    let message = match (kind.as_str(), message) {
        ("succeeded", Some(message)) => message,
        ("errored" | "canceled" | "expired", None) => return Some(Tokens::default()),
        _ => return None,
    };
    let said = Value::Object(Map::from_iter([("usage".to_owned(), message.usage?)]));
    said_by(Counts::Raw, &said).charged()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REQUESTS: BatchRequests =
        BatchRequests { count: 4, input: 400, output: 200, most_input: 120, most_output: 60 };

    fn answered(usage: &Value) -> String {
        json!({ "id": "r", "custom_id": "a", "error": null,
            "response": { "status_code": 200, "body": { "object": "chat.completion", "usage": usage } } })
        .to_string()
    }

    /// Requirement: N23. However a file is cut on its way, each line counts once, and one that says nothing, is too long or was refused counts as what it is.
    #[test]
    fn lines_are_counted_however_they_come() {
        let chat = answered(&json!({ "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 }));
        let response = answered(&json!({ "input_tokens": 3, "output_tokens": 4, "total_tokens": 9 }));
        let refused = r#"{"custom_id":"b","response":{"status_code":400,"body":{"error":{}}}}"#;
        let vectors = r#"{"response":{"status_code":200,"body":{"object":"list","data":[{"embedding":[1]}],"usage":{"prompt_tokens":8,"total_tokens":8}}}}"#;
        let silent = answered(&Value::Null);
        let file = format!("{chat}\n{response}\n{refused}\n\nno JSON\n{silent}\n{vectors}");
        for size in [1, 7, file.len()] {
            let mut counting = Counting::new(counted);
            for piece in file.as_bytes().chunks(size) {
                counting.push(piece);
            }
            let Sum { counted, tokens } = counting.finish();
            assert_eq!(counted, 4, "by {size}");
            assert_eq!((tokens.input, tokens.output), (16, 13), "by {size}");
        }
        let mut counting = Counting::new(counted);
        counting.push(&vec![b' '; MAX_LINE_BYTES]);
        counting.push(format!("{chat}\n{chat}\n").as_bytes());
        assert_eq!(counting.finish().counted, 1, "a line that was too long was held, or taken with the next");
    }

    /// Requirement: N23. Of results of messages each counts with what was read from and put into the cache; what was not answered is nothing, and what cannot be read is not counted.
    #[test]
    fn results_of_messages_are_counted_however_they_come() {
        let line = |result: Value| json!({ "custom_id": "a", "result": result }).to_string();
        let usage = json!({ "input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 3, "service_tier": "batch" });
        let answered = |usage: &Value| {
            line(json!({ "type": "succeeded", "message": { "type": "message", "usage": usage } }))
        };
        let error = json!({ "type": "error", "error": { "type": "invalid_request_error" } });
        let lines = [
            answered(&usage),
            line(json!({ "type": "errored", "error": error })),
            line(json!({ "type": "canceled" })),
            line(json!({ "type": "expired" })),
            answered(&Value::Null),
            answered(&json!({ "output_tokens": 9 })),
            answered(&json!({ "input_tokens": "5", "output_tokens": 9 })),
            line(json!({ "type": "paused" })),
            line(json!({ "type": "errored", "message": { "usage": usage } })),
            line(json!("expired")),
            "no JSON".to_owned(),
        ];
        let file = lines.join("\n");
        for size in [1, 7, file.len()] {
            let mut counting = Counting::new(counted_of_message);
            for piece in file.as_bytes().chunks(size) {
                counting.push(piece);
            }
            let Sum { counted, tokens } = counting.finish();
            assert_eq!(counted, 4, "by {size}: what nobody counted is free");
            assert_eq!(tokens, Tokens { input: 28, cached: 20, cache_write: 3, output: 7 }, "by {size}");
        }
    }

    /// Requirement: N23. A batch of messages tells by itself only that nothing was answered, and only in counts that are of its requests.
    #[test]
    fn a_batch_of_messages_is_told_free_alone() {
        let spent = |status: &str, [processing, succeeded, errored, canceled, expired]: [u64; 5]| {
            let counts = json!({ "processing": processing, "succeeded": succeeded, "errored": errored,
                "canceled": canceled, "expired": expired });
            let said = json!({ "id": "b", "type": MESSAGE_BATCH, "processing_status": status,
                "request_counts": counts });
            Over::of(&said).and_then(|over| over.spent(&REQUESTS, false))
        };
        assert_eq!(spent("ended", [0, 0, 1, 2, 1]), Some((Spent::Nothing, 0)), "it stays reserved for ever");
        for (status, counts, why) in [
            ("ended", [0, 1, 1, 1, 1], "what was answered would be free"),
            ("ended", [0, 0, 1, 1, 1], "a request that nobody counted would be free"),
            ("ended", [0, 0, 4, 1, 0], "counts of another batch are believed"),
            ("ended", [1, 0, 4, 0, 0], "it is not the end"),
            ("canceling", [0, 0, 4, 0, 0], "it is not the end"),
            ("in_progress", [4, 0, 0, 0, 0], "it is not the end"),
        ] {
            assert_eq!(spent(status, counts), None, "{why}");
        }
        let silent = json!({ "type": MESSAGE_BATCH, "processing_status": "ended" });
        assert_eq!(Over::of(&silent), None, "silence would free it");
        let other = json!({ "type": MESSAGE_BATCH, "status": "completed",
            "usage": { "input_tokens": 1, "output_tokens": 1 } });
        assert_eq!(Over::of(&other), None, "words of another interface are believed");
    }

    /// Requirement: N23. What nobody counted is charged as the most that one request may take, and all of it as no more than was reserved, unless more was counted.
    #[test]
    fn what_is_not_told_is_charged_as_the_most() {
        let tokens = |input, output| Tokens { input, output, ..Tokens::default() };
        let charge = |counted, uncounted| match charged(&REQUESTS, counted, uncounted) {
            Spent::Counted(Tokens { input, output, .. }) => (input, output),
            other => panic!("{other:?}"),
        };
        assert_eq!(charge(tokens(10, 10), 0), (10, 10));
        assert_eq!(charge(tokens(10, 10), 1), (130, 70));
        assert_eq!(charge(tokens(10, 10), 4), (400, 200), "a batch would cost more than was reserved for it");
        assert_eq!(charge(tokens(900, 900), 1), (900, 900), "what was counted is charged");
    }

    /// Requirement: N23. A provider's word on a batch holds once it is over, and only where it says what it took, or that nothing was done.
    #[test]
    fn a_batch_that_is_over_is_told_by_its_provider() {
        let spent = |json: Value| Over::of(&json).and_then(|over| over.spent(&REQUESTS, false));
        let usage = json!({ "input_tokens": 30, "output_tokens": 12, "total_tokens": 42 });
        let counts = |completed, failed| json!({ "total": 4, "completed": completed, "failed": failed });
        let counted = Tokens { input: 30, output: 12, ..Tokens::default() };
        for status in OVER {
            let told = spent(json!({ "status": status, "usage": usage, "request_counts": counts(3, 1) }));
            assert_eq!(told, Some((Spent::Counted(counted), 0)), "{status}");
        }
        for status in ["validating", "in_progress", "finalizing", "cancelling"] {
            assert_eq!(spent(json!({ "status": status, "usage": usage })), None, "{status} is not the end");
        }
        let over =
            |counts: Value| spent(json!({ "status": "cancelled", "usage": null, "request_counts": counts }));
        assert_eq!(over(counts(0, 0)), Some((Spent::Nothing, 0)), "nothing was done, and it stays reserved");
        assert_eq!(over(counts(2, 0)), None, "what was answered would be free");
        assert_eq!(over(Value::Null), None, "silence would free it");
        let failed = Tokens { input: 240, output: 120, ..Tokens::default() };
        assert_eq!(over(counts(0, 2)), Some((Spent::Counted(failed), 2)), "what failed may have been paid");
    }
}
