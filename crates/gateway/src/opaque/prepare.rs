//! What must hold before a call on a declared route is let through, and what it becomes: opened, read as far as it is read at all, decided.
//!
//! Promises: nothing of a body is used that could be read in two ways. Must never: send anything, or let a call through whose opening cannot be read.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use memchr::memmem;
use tabellion_mask::json::{Limits as JsonLimits, Path, RawString, Scalar, Visitor, walk};
use tabellion_model::OpeningId;
use tabellion_model::body::{BatchRequests, FileModel, Guarded, Masked, RouteClass};
use tabellion_model::charge::{Reserved, Tokens};
use tabellion_views::gate::GatePrice;

use super::{batch, form, masking_not_run, own};
use crate::budget::{Charge, batch as of_batch, bound};
use crate::call::Call;
use crate::code::Code;
use crate::config::Limits;
use crate::decide::{self, Asked, InForce, Permission, Refusal};
use crate::declared::{BodyKind, Counts, Found, ModelAt, NO_MODEL, Special, is_id};
use crate::dialect::sent_on::SentOn;
use crate::guards::rego::Sent;
use crate::surface::Surface;
use crate::upstream::catalogue::Target;
use crate::words::{self, UNRECOGNISED};

/// Header that names the provider where no model does.
const PROVIDER: &str = "tabellion-provider";
/// Longest string of a body's own members that is looked at.
const MAX_MEMBER_BYTES: usize = 256;
/// What shows that a body may stand for more than is in it: files, addresses and searches that the provider follows, kept content, and what is packed, in both
/// ways of writing them. A prompt that has such a word in its text is reserved too much, and settled by what it took.
const ELSEWHERE: [&[u8]; 24] = [
    b"ileData",
    b"ile_data",
    b"ileUri",
    b"ile_uri",
    b"ileId",
    b"ile_id",
    b"achedContent",
    b"ached_content",
    b"s3Location",
    b"\"url\"",
    b"http",
    b"HTTP",
    b"rlContext",
    b"rl_context",
    b"Search",
    b"_search",
    b"etrieval",
    b"nlineData",
    b"nline_data",
    b"base64",
    b"\"bytes\"",
    b"\"file\"",
    b"gs://",
    b"s3://",
];
/// Where a body of Google's interfaces says how many answers it asks for: each is paid.
const CANDIDATES: [[&str; 2]; 4] = [
    ["generationConfig", "candidateCount"],
    ["generationConfig", "candidate_count"],
    ["generation_config", "candidateCount"],
    ["generation_config", "candidate_count"],
];
/// What shows that another tier than the ordinary one may be asked for, whose price is not that of the list.
const TIERS: [&[u8]; 2] = [b"service_tier", b"erviceTier"];
/// Members that are looked at: one that is written otherwise might be read as one of them.
const LOOKED_AT: [&str; 4] = ["model", "input_file_id", "endpoint", "stream"];
/// How an escape of a plain letter begins: nobody needs one, and one could hide such a member.
const ESCAPE: &[u8] = b"\\u00";
/// With which digit it goes on: signs, digits and letters, or letters alone, of which names of members are.
const FIRST_OF_SIGNS: u8 = b'2';
const FIRST_OF_LETTERS: u8 = b'4';

/// What was decided, ready to be sent.
pub(super) struct Prepared {
    pub(super) permission: Permission,
    pub(super) model: String,
    pub(super) opening: OpeningId,
    pub(super) body: Bytes,
    pub(super) content_type: Option<HeaderValue>,
    /// The same without its parameters.
    pub(super) kind: Option<&'static str>,
    pub(super) masked: Vec<Masked>,
    pub(super) passed: Vec<Masked>,
    /// Rules of masking that were for it.
    pub(super) masking: Vec<String>,
    /// What the requests ask for that a batch's file holds, or a batch itself.
    pub(super) batch: Option<batch::Asks>,
    /// What the requests of a batch may take that it begins.
    pub(super) begun: Option<BatchRequests>,
    pub(super) guards: Vec<Guarded>,
    pub(super) charge: Charge,
    pub(super) sent_on: SentOn,
}

/// A body, read as far as it is.
pub(super) struct Read<'b> {
    pub(super) parts: Vec<form::Part<'b>>,
    pub(super) boundary: Option<&'b str>,
    /// Strings that are members at the top of a JSON object.
    members: BTreeMap<String, String>,
    asks_stream: bool,
    /// Answers that it asks for.
    candidates: u64,
    kind: Option<&'static str>,
}

/// What the requests of a batch may take, and their price.
type Begins<'c> = (BatchRequests, Option<&'c GatePrice>);
/// A refusal, with the model asked for when it could be read.
pub(super) type Refused = (Refusal, Option<String>);

/// Everything that must hold before budgets are asked.
pub(super) async fn prepare(
    call: &Call,
    found: &Found,
    body: &Bytes,
    rules: &InForce,
) -> Result<Prepared, Refused> {
    let plain = |refusal| (refusal, None);
    decide::live(&call.caller).map_err(plain)?;
    // Asked before a byte of the body is looked at: whoever may not use the class learns nothing else.
    opening_of(call, found, None).map_err(plain)?;
    let read = read_of(call, found, body).map_err(plain)?;
    let (model, target) = target(call, found, body, &read)?;
    // What stands for no model leads nowhere by its name.
    let refused = |refusal| (refusal, Some(model.clone()).filter(|model| model != NO_MODEL));
    let opening = opening_of(call, found, Some(&target.upstream.name)).map_err(refused)?;
    let purpose = call.purpose().map_err(refused)?;
    let asked = Asked {
        action: found.declared.action(),
        surface: found.declared.name,
        model: &model,
        instead_of: None,
        purpose,
        stream: false,
        received_bytes: body.len() as u64,
        tools: &[],
        at: call.at,
        is_recorded: true,
    };
    let shared = &call.worker.shared;
    let permission = if found.declared.model == ModelAt::Nowhere {
        decide::decide_at(&call.caller, &asked, target, rules)
    } else {
        decide::decide(&call.caller, &asked, &shared.catalogue, rules)
    }
    .map_err(refused)?;
    let refused = |refusal: Refusal| {
        (refusal.after(&permission), Some(model.clone()).filter(|model| model != NO_MODEL))
    };
    own::check(call, found, &permission.target.upstream.name).map_err(refused)?;
    let file = batch::outgoing(call, found, body, &read, &permission, rules).await.map_err(refused)?;
    let batch::Outgoing { bytes, masked, passed, masking, mut batch } = file;
    let asks = batch.as_ref();
    let (begun, price) = begun(call, found, &read, (&permission, rules), (&model, asks)).map_err(refused)?;
    let sent = Sent { bytes: bytes.len() as u64, masked: &masked, passed: &passed, refers_to: &[] };
    let most = reserved(found, &bytes, (read.candidates, begun.as_ref()), (price, &shared.limits));
    let charge = Charge::new(most, price);
    let mut guards = call.guarded_unread(&asked, &permission, sent, &charge).map_err(refused)?;
    if let Some(asks) = &mut batch {
        std::mem::take(&mut asks.said).join(&mut guards);
    }
    guards.extend(batch.is_none().then(masking_not_run));
    Ok(Prepared {
        charge,
        sent_on: SentOn::of(&call.headers, found.declared.api),
        content_type: content_type_of(&read),
        kind: read.kind,
        body: bytes,
        opening,
        permission,
        model,
        masked,
        passed,
        masking,
        batch,
        begun,
        guards,
    })
}

/// A body that is not packed, read as far as it is.
fn read_of<'b>(call: &'b Call, found: &Found, body: &'b Bytes) -> Result<Read<'b>, Refusal> {
    let malformed = |why: String| Refusal::new(Code::MalformedBody, why);
    if call.headers.contains_key(CONTENT_ENCODING) {
        return Err(malformed(
            "the body is compressed, so that nobody here could say what it is; send it as it is".to_owned(),
        ));
    }
    let content_type =
        call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Read::of(found, content_type, body, call.worker.shared.limits.depth).map_err(malformed)
}

/// The opening that lets the call through: for `provider`, once that is known.
fn opening_of(call: &Call, found: &Found, provider: Option<&str>) -> Result<OpeningId, Refusal> {
    let now = call.worker.shared.now();
    let (system, class) = (call.caller.system_id, found.declared.class);
    let opens = |opening: &&tabellion_views::gate::GateOpening| match provider {
        Some(provider) => opening.opens(system, class, provider, now),
        None => opening.system == system && opening.class == class && now < opening.until,
    };
    let opening = call.caller.gate.openings.iter().find(opens);
    opening.map(|opening| opening.opening).ok_or_else(|| {
        let code = Code::OpaqueNotEnabled;
        Refusal::new(code, format!("{} ({}): {}", found.declared.name, class.as_str(), code.explain()))
    })
}

/// The model and where it is served; without a model the provider that the header names, or the only one.
fn target(call: &Call, found: &Found, body: &Bytes, read: &Read<'_>) -> Result<(String, Target), Refused> {
    let catalogue = &call.worker.shared.catalogue;
    let api = found.declared.api;
    let unknown = |why: &str, model: Option<String>| (Refusal::new(Code::UnknownModel, why), model);
    let named = match found.declared.model {
        ModelAt::Nowhere => None,
        ModelAt::Path => found.model.clone(),
        ModelAt::Query => {
            let why = "the address names no model, or twice; ask for one with ?model=";
            Some(found.model.clone().ok_or_else(|| (Refusal::new(Code::MalformedBody, why), None))?)
        }
        ModelAt::Body => {
            let member = read.members.get("model").cloned();
            let named = member.or_else(|| form::field(body, &read.parts, "model").map(str::to_owned));
            let why = "the body names no model, or twice; name the one that is asked";
            Some(named.ok_or_else(|| (Refusal::new(Code::MalformedBody, why), None))?)
        }
    };
    let Some(model) = named else {
        let mut values = call.headers.get_all(PROVIDER).iter();
        let (name, more) = (values.next().map(|name| name.to_str().unwrap_or_default()), values.next());
        let target = catalogue.provider(api, name).filter(|_| more.is_none());
        let why = "no provider has these routes, or several do; name one by its name in the configuration in the header tabellion-provider";
        return target.map(|target| (NO_MODEL.to_owned(), target)).ok_or_else(|| unknown(why, None));
    };
    if !catalogue.is_named(&model) && !words::is_model(&model) {
        let why = "model is neither a configured name nor of letters, digits and . _ : / -, at most 128";
        return Err(unknown(why, Some(UNRECOGNISED.to_owned())));
    }
    let Some(target) = catalogue.resolve(&model) else {
        return Err(unknown("no upstream is configured for the model", Some(model)));
    };
    if target.upstream.api != api {
        let why = "the provider of this model does not have this interface; ask on a route of its own, or for another model";
        return Err(unknown(why, Some(model)));
    }
    if target.model.is_some() {
        let why = "nothing is written into what passes here, so no alias is; ask for the model by its provider's own name";
        return Err(unknown(why, Some(model)));
    }
    Ok((model, target))
}

/// A batch is begun of a file that was masked on its way, for a route that is governed, and of models that may still be asked. Gives what its requests may take, and their price.
fn check_batch<'c>(
    call: &'c Call,
    read: &Read<'_>,
    permission: &Permission,
    rules: &InForce,
) -> Result<Begins<'c>, Refusal> {
    let refused = |why: &str| Err(Refusal::new(Code::MalformedBody, why));
    let Some(file) = read.members.get("input_file_id").filter(|file| is_id(file)) else {
        return refused(
            "input_file_id is missing or no id of a file; send a batch's file through this gateway first",
        );
    };
    let governed = read.members.get("endpoint").is_some_and(|url| batch::surface_of(url).is_some());
    if !governed {
        return refused(
            "endpoint is none of /v1/chat/completions, /v1/responses and /v1/embeddings; a batch is of requests that are governed",
        );
    }
    let shared = &call.worker.shared;
    let provider = &permission.target.upstream.name;
    let known = shared.opaque.kept.find(&shared.gate.load(), provider, RouteClass::Files, file);
    // A file of which nobody knows any more what it asks for is as good as none.
    let own = known.filter(|known| known.system == call.caller.system_id);
    let Some(asked) = own.and_then(|known| known.models()).filter(|asked| !asked.is_empty()) else {
        return refused(
            "input_file_id names no file that was sent through this gateway for a batch of this system; send it with the purpose batch first",
        );
    };
    batch::decide_again(call, &asked, permission, rules)?;
    begun_of(call, &asked, permission)
}

/// What the requests of a batch may take, where the call begins one, and the price of what it asks for.
fn begun<'c>(
    call: &'c Call,
    found: &Found,
    read: &Read<'_>,
    (permission, rules): (&Permission, &InForce),
    (model, asks): (&str, Option<&batch::Asks>),
) -> Result<(Option<BatchRequests>, Option<&'c GatePrice>), Refusal> {
    let (requests, price) = match (found.declared.special, asks) {
        (Special::Batch, _) => check_batch(call, read, permission, rules)?,
        (Special::MessageBatch, Some(asks)) => begun_of(call, &asks.models, permission)?,
        _ => {
            let (prices, upstream) = (&call.caller.gate.prices, &permission.target.upstream.name);
            return Ok((None, bound::price(prices, upstream, model, call.worker.shared.now())));
        }
    };
    Ok((Some(requests), price))
}

/// What the requests of a batch may take that `asked` for this, and their price; refused where a budget would count too little.
fn begun_of<'c>(call: &'c Call, asked: &[FileModel], permission: &Permission) -> Result<Begins<'c>, Refusal> {
    let provider = &permission.target.upstream.name;
    let now = call.worker.shared.now();
    let Some((requests, price)) = of_batch::reserve(asked, &call.caller.gate.prices, provider, now) else {
        return Err(Refusal::new(
            Code::MalformedBody,
            "input_file_id names a file that was sent before it was recorded what its requests may take; send it again with the purpose batch",
        ));
    };
    of_batch::check(&requests, &call.caller.gate.budgets, call.caller.budgeted())?;
    Ok((requests, price))
}

/// The most that it may take: of a route that counts tokens as a call does, what a call would; of a batch that is begun what its requests may; of a conversation what
/// its model's price lets one take, or a limit; of the others the call itself.
fn reserved(
    found: &Found,
    body: &Bytes,
    (candidates, begun): (u64, Option<&BatchRequests>),
    (price, limits): (Option<&GatePrice>, &Limits),
) -> Reserved {
    // Nothing is looked into, so whatever might stand for a file or another tier, or hide that it does, is taken for one.
    let has = |signs: &[&[u8]]| signs.iter().any(|sign| memmem::find(body, sign).is_some());
    let escapes = |from: u8| {
        let escaped =
            |at: usize| body.get(at + ESCAPE.len()).is_some_and(|digit| (from..=b'7').contains(digit));
        memmem::find_iter(body, ESCAPE).any(escaped)
    };
    // But for the requests of a batch: each was read, and it is known of each whether it asks for another tier.
    let is_read = found.declared.special == Special::MessageBatch;
    let other_tier = !is_read && (has(&TIERS) || escapes(FIRST_OF_LETTERS));
    let by = price.filter(|_| !other_tier).map(|price| price.record);
    if found.declared.is_session() {
        let input = price.and_then(|price| price.input_limit).unwrap_or(limits.session_input_tokens);
        let output = price.and_then(|price| price.output_limit).unwrap_or(limits.session_output_tokens);
        let tokens = Tokens { input, output, ..Tokens::default() }.bounded();
        return Reserved { input: tokens.input, output: tokens.output, price: by };
    }
    if let Some(BatchRequests { input, output, .. }) = begun {
        let tokens = Tokens { input: *input, output: *output, ..Tokens::default() }.bounded();
        return Reserved { input: tokens.input, output: tokens.output, price: by };
    }
    if found.declared.class != RouteClass::Passthrough || found.declared.counts == Counts::Nothing {
        return Reserved { input: 0, output: 0, price: by };
    }
    let elsewhere = has(&ELSEWHERE) || escapes(FIRST_OF_SIGNS);
    let kept = price.and_then(|price| price.input_limit).unwrap_or(bound::DEFAULT_INPUT_LIMIT);
    let input = (body.len() as u64).max(if elsewhere { kept } else { 0 });
    let output = price.and_then(|price| price.output_limit).unwrap_or(bound::DEFAULT_OUTPUT_LIMIT);
    let output = output.saturating_mul(candidates);
    let tokens = Tokens { input, output, ..Tokens::default() }.bounded();
    Reserved { input: tokens.input, output: tokens.output, price: by }
}

fn content_type_of(read: &Read<'_>) -> Option<HeaderValue> {
    match (read.kind, read.boundary) {
        (Some(kind), Some(boundary)) => HeaderValue::from_str(&format!("{kind}; boundary={boundary}")).ok(),
        (Some(kind), None) => Some(HeaderValue::from_static(kind)),
        (None, _) => None,
    }
}

impl<'b> Read<'b> {
    fn of(found: &Found, content_type: &'b str, body: &'b Bytes, depth: usize) -> Result<Self, String> {
        let mut read = Self {
            parts: Vec::new(),
            boundary: None,
            members: BTreeMap::new(),
            asks_stream: false,
            candidates: 1,
            kind: None,
        };
        let is_json = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case("application/json");
        match found.declared.body {
            BodyKind::Nothing if body.is_empty() => {}
            BodyKind::Nothing => return Err("this route takes no body; send none".to_owned()),
            BodyKind::Json | BodyKind::JsonOrMultipart if is_json => {
                let mut top = Top::default();
                let limits = JsonLimits { max_bytes: body.len(), max_depth: depth };
                walk(body, &limits, &mut top).map_err(|fault| fault.to_string())?;
                if !top.is_object {
                    return Err("the body is no JSON object; send one".to_owned());
                }
                if top.has_alike {
                    return Err(format!(
                        "a member is one of {} but for its letters' case; write it so",
                        LOOKED_AT.join(", ")
                    ));
                }
                read.candidates =
                    top.most().ok_or("candidateCount is no whole number; send one, or leave it out")?;
                (read.members, read.asks_stream) = (top.members, top.asks_stream);
                read.kind = Some("application/json");
            }
            BodyKind::Json => {
                return Err("the body's type is not application/json; send JSON, and say so".to_owned());
            }
            BodyKind::Multipart | BodyKind::JsonOrMultipart => {
                let why = "the body's type is no multipart/form-data with a plain boundary; use your library's own upload";
                let boundary = form::boundary(content_type).ok_or(why)?;
                read.parts = form::parse(body, boundary)?;
                read.boundary = Some(boundary);
                read.kind = Some("multipart/form-data");
            }
        }
        if read.asks_stream && found.declared.counts == Counts::Raw {
            return Err("this route has no streams; leave out stream".to_owned());
        }
        Ok(read)
    }
}

/// Sees the members at the top of an object.
#[derive(Default)]
struct Top {
    is_object: bool,
    asks_stream: bool,
    /// Whether a member is one that is looked at, but for the case of its letters.
    has_alike: bool,
    /// Answers asked for, wherever it says; none: it is no whole number.
    candidates: Vec<Option<u64>>,
    members: BTreeMap<String, String>,
}

impl Top {
    /// Keeps what it says of the answers that it asks for.
    fn count(&mut self, path: Path<'_, '_>, count: Option<u64>) {
        if CANDIDATES.iter().any(|place| path.is(place)) {
            self.candidates.push(count);
        }
    }

    /// The most answers that it asks for; none: it says something else than a whole number.
    fn most(&self) -> Option<u64> {
        self.candidates.iter().try_fold(1, |most: u64, count| Some(most.max((*count)?)))
    }
}

impl<'b> Visitor<'b> for Top {
    fn name(&mut self, path: Path<'_, 'b>, _: RawString<'b>, _: Range<usize>) {
        let alike =
            |name: &str| LOOKED_AT.iter().any(|known| name != *known && name.eq_ignore_ascii_case(known));
        self.has_alike |= path.top().is_some_and(alike);
    }

    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        let whole = if let Scalar::Number(number) = scalar { number.parse().ok() } else { None };
        self.count(path, whole);
        let Some(name) = path.top() else { return };
        self.is_object = true;
        match scalar {
            Scalar::String(text) if text.raw().len() <= MAX_MEMBER_BYTES => {
                self.members.insert(name.to_owned(), text.value().into_owned());
            }
            Scalar::Bool(value) if name == "stream" => self.asks_stream = value,
            _ => {}
        }
    }

    fn close(&mut self, path: Path<'_, 'b>, kind: tabellion_mask::json::Kind, _: Range<usize>) {
        self.count(path, None);
        if path.steps().is_empty() {
            self.is_object = kind == tabellion_mask::json::Kind::Object;
        }
    }
}

/// The interface of the surface that a batch's line or a batch is for.
pub(super) const fn is_of_openai(surface: Surface) -> bool {
    matches!(surface, Surface::OpenAiChat | Surface::OpenAiResponses | Surface::OpenAiEmbeddings)
}
