//! Presidio's `/analyze` and `/anonymize`, served with what the mask finds: for applications that have a client of it already.
//!
//! Promises: requests and answers have the form of Presidio 2.2, positions count code points as Python does; what is not served is refused and never passed
//! over; each request is on record before its answer leaves, by class and count. Must never: keep a text, a part of one, or a digest that one could be guessed by.

mod analysis;
mod anonymizing;
mod conflicts;
pub(crate) mod credentials;
mod elsewhere;
mod entities;
mod letters;
mod operators;
mod reading;

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, Uri};
use serde_json::json;
use tabellion_ledger::{Entropy as _, OsEntropy};
use tabellion_mask::Classes;
use tabellion_model::body::{CallAuthorised, Capture, Delivered, Masked, Outcome};

use crate::body::AnswerBody;
use crate::budget::Pace;
use crate::call::Call;
use crate::code::Code;
use crate::decide::{self, Refusal};
use crate::dialect::headers::retry_count;
use crate::ending::{CAPTURE_OFF, End, Kept};
use crate::salt::Commitment;

/// Below it are all of its routes.
pub(crate) const ROOT: &str = "/presidio/";
/// What to tell whoever asks for another.
pub(crate) const KNOWN_ROUTES: &str = "of Presidio's routes these are served: POST /presidio/analyze and /presidio/anonymize, and GET /presidio/recognizers, /presidio/supportedentities, /presidio/anonymizers, /presidio/deanonymizers and /presidio/health; what was encrypted elsewhere is not decrypted here";
/// Most bytes of text of one request: what the mask reads in some thirty milliseconds, names included.
const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most findings of one request, the same in both directions: what was analysed can be anonymised.
const MAX_FINDINGS: usize = 4096;
/// The one thing that a query may say: which language is meant. It changes nothing here.
const LANGUAGE_QUERY: &str = "language=";
const JSON: &str = "application/json";

/// One of its routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// `POST /analyze`: what is found in a text, and where.
    Analyze,
    /// `POST /anonymize`: a text without what was found.
    Anonymize,
    /// `GET /recognizers`: what looks.
    Recognizers,
    /// `GET /supportedentities`: what can be looked for.
    SupportedEntities,
    /// `GET /anonymizers`: what can take the place of a value.
    Anonymizers,
    /// `GET /deanonymizers`: what can give it back. Nothing can.
    Deanonymizers,
    /// `GET /health`.
    Health,
}

impl Tool {
    const ALL: [Self; 7] = [
        Self::Analyze,
        Self::Anonymize,
        Self::Recognizers,
        Self::SupportedEntities,
        Self::Anonymizers,
        Self::Deanonymizers,
        Self::Health,
    ];

    /// The tool that a request asks for.
    pub(crate) fn of(method: &Method, target: &Uri) -> Option<Self> {
        let path = target.path().strip_prefix(ROOT)?;
        Self::ALL.into_iter().find(|tool| tool.path() == path && *method == tool.method())
    }

    fn method(self) -> Method {
        if self.looks() { Method::POST } else { Method::GET }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Anonymize => "anonymize",
            Self::Recognizers => "recognizers",
            Self::SupportedEntities => "supportedentities",
            Self::Anonymizers => "anonymizers",
            Self::Deanonymizers => "deanonymizers",
            Self::Health => "health",
        }
    }

    /// Its name in records.
    pub(crate) const fn surface(self) -> &'static str {
        match self {
            Self::Analyze => "presidio.analyze",
            Self::Anonymize => "presidio.anonymize",
            Self::Recognizers => "presidio.recognizers",
            Self::SupportedEntities => "presidio.supportedentities",
            Self::Anonymizers => "presidio.anonymizers",
            Self::Deanonymizers => "presidio.deanonymizers",
            Self::Health => "presidio.health",
        }
    }

    /// Whether a query means no more than it is known to mean.
    pub(crate) fn takes(self, query: &str) -> bool {
        let names_language = || query.strip_prefix(LANGUAGE_QUERY).is_some_and(reading::is_language);
        query.is_empty() || (matches!(self, Self::Recognizers | Self::SupportedEntities) && names_language())
    }

    /// Whether a text is looked at for it.
    fn looks(self) -> bool {
        matches!(self, Self::Analyze | Self::Anonymize)
    }

    /// What comes of it, and the place that it takes among requests of its caller until it is answered.
    async fn done(self, call: &Call, body: Bytes) -> Result<(Done, Option<Pace>), Refusal> {
        let shared = &call.worker.shared;
        let classes = shared.classes;
        if !self.looks() {
            return Ok((self.work(classes, &body)?, None));
        }
        // Before a text is looked at: that is what a rate keeps somebody from having done for them.
        let pace = shared.budgets.pace(&shared.gate, call.caller.budgeted(), shared.now())?;
        let done = elsewhere::look(body.len(), move || self.work(classes, &body)).await?;
        Ok((done, Some(pace)))
    }

    fn work(self, classes: Classes, body: &[u8]) -> Result<Done, Refusal> {
        let list = |names: serde_json::Value| Done::list(&names);
        Ok(match self {
            Self::Analyze => analysis::analyze(body, classes)?,
            Self::Anonymize => anonymizing::anonymize(body, &mut random_salt)?,
            Self::Recognizers => list(json!(analysis::RECOGNIZERS)),
            Self::SupportedEntities => list(json!(entities::all())),
            Self::Anonymizers => list(json!(operators::SERVED)),
            Self::Deanonymizers => list(json!([])),
            Self::Health => Done::text("Presidio's requests are answered here"),
        })
    }
}

/// Values by class and by what became of them.
type Counts = BTreeMap<(String, Option<&'static str>), u64>;

/// What a tool came to.
struct Done {
    answer: Bytes,
    content_type: &'static str,
    /// What was replaced.
    masked: Counts,
    /// What was found and left as it was.
    passed: Counts,
}

impl Done {
    fn list(names: &serde_json::Value) -> Self {
        Self::of(JSON, Bytes::from(names.to_string()))
    }

    fn text(text: &'static str) -> Self {
        Self::of("text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
    }

    fn of(content_type: &'static str, answer: Bytes) -> Self {
        Self { answer, content_type, masked: Counts::new(), passed: Counts::new() }
    }
}

/// Runs a request to its end.
pub(crate) async fn run(call: Call, tool: Tool, body: Bytes) {
    let permitted = decide::live(&call.caller).and_then(|()| {
        let claimed = call.purpose()?;
        decide::purpose(&call.caller, claimed).map(str::to_owned)
    });
    let received = body.len();
    let worked = match permitted {
        Ok(purpose) => tool.done(&call, body).await.map(|done| (purpose, done)),
        Err(refusal) => Err(refusal),
    };
    // Its place is kept to the end.
    let (purpose, (done, _pace)) = match worked {
        Ok(worked) => worked,
        Err(refusal) => return call.deny(&refusal, None).await,
    };
    let record = record(&call, purpose, received, &done);
    let Some(mut running) = call.authorise((&record, &[]), Capture::None, None).await else { return };
    let end = End {
        outcome: Outcome::Answered,
        code: None,
        status: 200,
        delivered: Delivered::Whole,
        released: Commitment::OfNothing,
        masked: Vec::new(),
        answer: Kept::Withheld(CAPTURE_OFF),
    };
    if running.authorised.complete(&running.worker, &end).await.is_err() {
        return running.without_end(end).await;
    }
    let mut answer = Response::new(AnswerBody::from(done.answer));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(done.content_type));
    running.dialect.refer(answer.headers_mut(), &running.authorised.ack);
    drop(running.reply.send(answer));
}

/// What is on record: who, for what, how much, and how many values of which class. The digests are those of nothing.
fn record(call: &Call, purpose: String, received: usize, done: &Done) -> CallAuthorised {
    let (nothing, _) = Commitment::OfNothing.members();
    CallAuthorised {
        caller: call.caller.shown(),
        surface: call.target.route.surface().to_owned(),
        // No model is asked and nothing leaves: the gateway answers by itself.
        model: String::new(),
        upstream: String::new(),
        upstream_model: None,
        terms: None,
        attempt: None,
        translated: None,
        budgets: Vec::new(),
        purpose,
        stream: false,
        received_bytes: received as u64,
        received_sha256: nothing.clone(),
        received_salted_sha256: None,
        forwarded_sha256: nothing,
        forwarded_salted_sha256: None,
        forwarded_headers_sha256: None,
        pseudonyms: None,
        masked: counted(&done.masked),
        passed: counted(&done.passed),
        masking: Vec::new(),
        guards: Vec::new(),
        policies: decide::policy_digests(&call.caller.gate),
        rules: Vec::new(),
        guards_after: Vec::new(),
        observed: None,
        references: Vec::new(),
        opened: None,
        retry: retry_count(&call.headers),
        prompt: None,
        prompt_withheld: Some(CAPTURE_OFF.to_owned()),
    }
}

fn counted(counts: &Counts) -> Vec<Masked> {
    let told = |((class, operator), count): (&(String, Option<&'static str>), &u64)| Masked {
        class: class.clone(),
        count: *count,
        operator: operator.map(str::to_owned),
    };
    counts.iter().map(told).collect()
}

/// That the body is not what the route takes. `why` says what to send instead and repeats nothing of it.
fn malformed(why: impl Into<String>) -> Refusal {
    Refusal::new(Code::MalformedBody, why)
}

/// That a request, or what would come of it, is larger than a limit.
fn too_large(why: impl Into<String>) -> Refusal {
    Refusal::new(Code::BodyTooLarge, why)
}

/// Bytes that nobody knows, for a hash without a salt of its caller's.
fn random_salt() -> Option<[u8; operators::SALT_BYTES]> {
    let mut salt = [0; operators::SALT_BYTES];
    OsEntropy.fill(&mut salt).ok().map(|()| salt)
}
