//! Guards that ask a service of somebody else's.
//!
//! Promises: all that apply are asked at once; each has its time, its number of questions at once and its largest answer; no redirect is followed and no proxy
//! asked. Whatever is no verdict is `errored`, with one of a few words for it. Must never: take a word of an answer over that could hold what it was shown.

mod batch;
pub(crate) mod config;
mod grpc;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use tabellion_guard::service::{Fault, MAX_ANSWER_BYTES, Of, Question, Ruling, Service, TextEdit, Verdict};
use tabellion_mask::Classes;
use tabellion_model::SystemId;
use tabellion_model::body::{GuardOutcome, Guarded};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::answer::whole::is_plain;
use crate::config::{StartError, span};
use crate::dialect::sent_on::OUR_USER_AGENT;
use crate::guards::config::{Mode, Side};
use crate::guards::edits::{Proposals, Wanted};
use crate::guards::gathered::Gathered;
use crate::guards::outside::config::{OnError, ServiceConfig, Shape};
use crate::guards::suite::{Check, Guard, Guards};
use crate::race::together;
use crate::upstream::connect::{Address, ConnectError, Endpoint, KeyIn, Sender};
use crate::upstream::pool::Pool;
use crate::upstream::reach::Reach;
use crate::upstream::tls::SystemTls;
use crate::words::is_impersonal;

/// One service, ready to be asked.
pub(crate) struct Outside {
    /// Its place among them, and that of its connections in a pool.
    number: usize,
    endpoint: Endpoint,
    target: Uri,
    /// Where it is asked many questions together.
    batch_target: Uri,
    service: Service,
    version: String,
    time: Duration,
    at_once: Semaphore,
    pub(crate) on_error: OnError,
}

/// What is asked, of every service the same.
pub(crate) struct Matter<'a> {
    pub(crate) side: Side,
    pub(crate) about: &'a About,
    pub(crate) texts: &'a Gathered,
    /// What masking looks for in it, so that no service brings any in.
    pub(crate) classes: Classes,
}

/// The call that texts are of.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) model: String,
    pub(crate) purpose: String,
    /// Id of the system that calls.
    pub(crate) system: String,
}

impl About {
    /// A call of this model for this purpose.
    pub(crate) fn new(model: &str, purpose: &str, system: SystemId) -> Self {
        Self { model: model.to_owned(), purpose: purpose.to_owned(), system: system.to_hex() }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unable {
    /// Nobody is there.
    Unreachable,
    /// Somebody is there whose certificate is not good.
    Untrusted,
    /// Its name leads to an address where it may not be.
    OutOfReach,
    /// It is asked too much already.
    Busy,
    /// It took too long.
    Timeout,
    /// The connection ended before the answer did.
    BrokeOff,
    /// It answered with this status.
    Status(StatusCode),
    /// It did not answer with JSON.
    NoJson,
    /// It did not answer as gRPC has it.
    NoGrpc,
    /// It answered with this status of gRPC.
    GrpcStatus(u32),
    /// More was to be shown than is shown.
    Unshown,
    /// What it answered is no verdict.
    Answer(Fault),
}

impl Unable {
    /// Whether it may be otherwise the next time: what somebody answers who is there and well stays as it is.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            Self::Unreachable | Self::Busy | Self::Timeout | Self::BrokeOff => true,
            Self::Status(status) => status.is_server_error() || matches!(status.as_u16(), 408 | 429),
            // DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE.
            Self::GrpcStatus(status) => matches!(status, 4 | 8 | 10 | 14),
            Self::Untrusted
            | Self::OutOfReach
            | Self::NoJson
            | Self::NoGrpc
            | Self::Unshown
            | Self::Answer(_) => false,
        }
    }

    /// The word for it in records.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Unreachable => "unreachable",
            Self::Untrusted => "untrusted",
            Self::OutOfReach => "out_of_reach",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::BrokeOff => "broke_off",
            Self::Status(status) if status.is_redirection() => "redirected",
            Self::Status(status) => return format!("status_{}", status.as_u16()),
            Self::NoJson => "no_json",
            Self::NoGrpc => "no_grpc",
            Self::GrpcStatus(status) => return format!("grpc_{status}"),
            Self::Unshown => "too_much",
            Self::Answer(fault) => fault.as_str(),
        }
        .to_owned()
    }
}

impl From<ConnectError> for Unable {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Unreachable => Self::Unreachable,
            ConnectError::Untrusted(_) => Self::Untrusted,
            ConnectError::OutOfReach => Self::OutOfReach,
        }
    }
}

impl Outside {
    /// Reads the service of the guard `name`, and the key and authorities that it refers to.
    pub(crate) fn new(
        name: &str,
        config: &ServiceConfig,
        number: usize,
        system: &mut SystemTls,
    ) -> Result<Self, StartError> {
        let refused = |why: &str| StartError::Setting(format!("[guard.{name}] {why}"));
        let service = config.service().map_err(|why| refused(&why))?;
        let is_grpc = config.shape == Shape::Grpc;
        let address = Address {
            who: format!("[guard.{name}]"),
            url: &config.url,
            setting: "url",
            form: if is_grpc { "https://host:port" } else { "https://host/check" },
            key_env: config.key_env.as_deref(),
            key_file: config.key_file.as_deref(),
            key_in: if config.shape == Shape::Litellm { KeyIn::Plain } else { KeyIn::Bearer },
            ca_file: config.ca_file.as_deref(),
            reach: if config.private_network { Reach::Private } else { Reach::Public },
        };
        let endpoint = Endpoint::new(&address, system)?;
        let at = |method| if is_grpc { called(&config.url, method) } else { posted_to(&config.url) };
        let no_path = || refused("url has no path that can be asked, or one that gRPC has no use for");
        Ok(Self {
            number,
            endpoint: if is_grpc { endpoint.over_http2() } else { endpoint },
            target: at(grpc::METHOD).ok_or_else(no_path)?,
            batch_target: at(grpc::BATCH_METHOD).ok_or_else(no_path)?,
            service,
            version: config.version.clone(),
            time: span(config.timeout_ms),
            at_once: Semaphore::new(usize::try_from(config.at_once).unwrap_or(1)),
            on_error: config.on_error,
        })
    }

    /// What it says, as the result of `guard`, and what it wants changed.
    async fn says(&self, guard: &Guard, matter: &Matter<'_>, pool: &Pool) -> (Guarded, Vec<TextEdit>) {
        match self.verdict(guard, matter, pool).await {
            Ok(mut verdict) => {
                let edits = std::mem::take(&mut verdict.edits);
                (said(guard, verdict), edits)
            }
            Err(unable) => (guard.says(GuardOutcome::Errored, vec![unable.label()]), Vec::new()),
        }
    }

    async fn verdict(&self, guard: &Guard, matter: &Matter<'_>, pool: &Pool) -> Result<Verdict, Unable> {
        if matter.texts.is_over() {
            return Err(Unable::Unshown);
        }
        let _place = self.at_once.try_acquire().map_err(|_| Unable::Busy)?;
        let texts = matter.texts.texts();
        let question = self.question(guard, matter.side, matter.about, &texts);
        let body = Bytes::from(self.service.ask(&question));
        let answer = self.in_time((body, &self.target), pool).await?;
        let verdict = self.service.read(&question, &answer).map_err(Unable::Answer)?;
        let verdict = impersonal(verdict)?;
        let wanted = Wanted::of(&texts, &verdict.edits);
        let checked = wanted.and_then(|wanted| wanted.check(matter.classes));
        checked.map_err(|fault| Unable::Answer(Fault::Edit(fault)))?;
        Ok(verdict)
    }

    fn question<'q>(
        &'q self,
        guard: &'q Guard,
        side: Side,
        about: &'q About,
        texts: &'q [&'q str],
    ) -> Question<'q> {
        Question {
            guard: &guard.name,
            version: &self.version,
            of: match side {
                Side::Prompt => Of::Prompt,
                Side::Answer => Of::Answer,
            },
            model: &about.model,
            purpose: &about.purpose,
            system: &about.system,
            texts,
            may_edit: guard.may_edit,
        }
    }

    /// What it answers to a body that is sent there, in the time that it has.
    async fn in_time(&self, asked: (Bytes, &Uri), pool: &Pool) -> Result<Bytes, Unable> {
        let answer = timeout(self.time, self.asked(asked, pool)).await;
        if answer.is_err() {
            // Somebody may be gone without a word.
            pool.share(self.number, None);
        }
        answer.map_err(|_| Unable::Timeout)?
    }

    async fn asked(&self, asked: (Bytes, &Uri), pool: &Pool) -> Result<Bytes, Unable> {
        match self.service {
            Service::Grpc => grpc::exchange(self, asked, pool).await,
            _ => self.exchange(asked.0, pool).await,
        }
    }

    async fn exchange(&self, body: Bytes, pool: &Pool) -> Result<Bytes, Unable> {
        let mut request = self.request(body);
        let (answer, sender) = loop {
            let (mut sender, reused) = match pool.take(self.number) {
                Some(sender) => (sender, true),
                None => (self.endpoint.connect().await?, false),
            };
            match sender.try_send_request(request).await {
                Ok(answer) => break (answer, sender),
                Err(mut error) => match error.take_message() {
                    // It had closed the idle connection; nothing of the request left.
                    Some(unsent) if reused => request = unsent,
                    Some(_) => return Err(Unable::Unreachable),
                    None => return Err(Unable::BrokeOff),
                },
            }
        };
        self.read(answer, sender, pool).await
    }

    async fn read(&self, answer: Response<Incoming>, sender: Sender, pool: &Pool) -> Result<Bytes, Unable> {
        let (head, body) = answer.into_parts();
        if head.status != StatusCode::OK {
            return Err(Unable::Status(head.status));
        }
        if !is_json(&head.headers) || !is_plain(&head.headers) {
            return Err(Unable::NoJson);
        }
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { Unable::Answer(Fault::TooLarge) } else { Unable::BrokeOff }
        })?;
        pool.put(self.number, sender);
        Ok(body.to_bytes())
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.endpoint.authority.clone());
        for (name, value) in [
            (CONTENT_TYPE, "application/json"),
            (ACCEPT, "application/json"),
            (ACCEPT_ENCODING, "identity"),
            (USER_AGENT, OUR_USER_AGENT),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some((name, value)) = &self.endpoint.credential {
            headers.insert(name.clone(), value.clone());
        }
        request
    }
}

/// A verdict that counts: none of its words is somebody's.
fn impersonal(verdict: Verdict) -> Result<Verdict, Unable> {
    let mut words = verdict.labels.iter().chain(&verdict.detector).chain(&verdict.version);
    // A card's number has the form of a word.
    if words.all(|word| is_impersonal(word)) { Ok(verdict) } else { Err(Unable::Answer(Fault::Malformed)) }
}

/// A verdict as the result of `guard`.
fn said(guard: &Guard, verdict: Verdict) -> Guarded {
    let outcome = match (verdict.ruling, guard.mode) {
        (Ruling::Pass, _) => GuardOutcome::Passed,
        (Ruling::Block, Mode::Block) => GuardOutcome::Blocked,
        (Ruling::Flag, _) | (Ruling::Block, Mode::Flag) => GuardOutcome::Flagged,
    };
    let calls_itself: Vec<String> = verdict.detector.into_iter().chain(verdict.version).collect();
    let mut said = guard.says(outcome, verdict.labels);
    if !calls_itself.is_empty() {
        said.version = format!("{} ({})", said.version, calls_itself.join(" "));
    }
    said
}

/// What is asked for where a service takes `POST`, as it is written: one may tell `/check` from `/check/`.
fn posted_to(url: &str) -> Option<Uri> {
    url.parse::<Uri>().ok().and_then(|url| url.path().parse().ok())
}

/// What is asked for over gRPC: with HTTP/2 a request names scheme and host. A path of its own leads nowhere there.
fn called(url: &str, method: &str) -> Option<Uri> {
    let url = url.parse::<Uri>().ok().filter(|url| matches!(url.path(), "" | "/"))?;
    let parts = Uri::builder().scheme(url.scheme()?.clone()).authority(url.authority()?.clone());
    parts.path_and_query(method).build().ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return false };
    let kind = kind.to_str().unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

impl Guards {
    /// Whether any of these asks a service.
    pub(crate) fn ask_any(&self, numbers: &[usize]) -> bool {
        numbers.iter().any(|number| self.outside_of(*number).is_some())
    }

    /// Has the services of these guards asked, all at once; what each says takes the place of what stands for it in `results`. What they want changed is given
    /// back, by their places there.
    pub(crate) async fn ask(
        &self,
        numbers: &[usize],
        results: &mut [Guarded],
        matter: &Matter<'_>,
        pool: &Pool,
    ) -> Proposals {
        let mut all: Vec<Vec<TextEdit>> = numbers.iter().map(|_| Vec::new()).collect();
        let asked = numbers.iter().zip(results).zip(&mut all).filter_map(|((number, result), edits)| {
            let (guard, outside) = self.outside_of(*number)?;
            Some(async move { (*result, *edits) = outside.says(guard, matter, pool).await })
        });
        together(asked).await;
        Proposals(all.into_iter().enumerate().filter(|(_, edits)| !edits.is_empty()).collect())
    }

    pub(crate) fn outside_of(&self, number: usize) -> Option<(&Guard, &Outside)> {
        let guard = self.all.get(number)?;
        let Check::Outside(place) = guard.check else { return None };
        Some((guard, self.outside.get(place)?))
    }
}
