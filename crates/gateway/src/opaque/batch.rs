//! Batches: many requests at once, each of which is decided and masked as a call by itself.
//!
//! Promises: a request that cannot be read, may not be asked, or holds what may not be sent refuses the whole batch, with its number; what is sent is written here and
//! holds nothing of a request but what was looked at. Must never: let a batch through as something else because it could not be read.

mod file;
mod messages;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use tabellion_mask::Scope;
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_model::body::{FileModel, Masked};

use super::asks::{Asking, FileAsks};
use super::own;
use super::prepare::{Read, is_of_openai};
use super::said::SaidOfLines;
use crate::budget::{Charge, batch as of_batch, bound};
use crate::call::Call;
use crate::code::Code;
use crate::decide::{self, Asked, InForce, Permission, Refusal};
use crate::declared::{Found, Special};
use crate::names::Named;
use crate::surface::Surface;
use crate::surface::request::{Changes, Request};
use crate::words;

pub(super) use file::surface_of;

/// Most requests of a batch: what `OpenAI` takes, and half of what Anthropic does.
const MAX_REQUESTS: usize = 50_000;
/// So many requests are looked at before others get a turn: some milliseconds.
const REQUESTS_AT_ONCE: usize = 64;
/// Most things of the provider's that the requests of a batch name together: each is looked up. A request may name that many by itself.
const MAX_NAMED: usize = 10_000;
/// Longest name that a request has for itself.
const MAX_CUSTOM_ID_BYTES: usize = 64;

/// A body as it may be sent.
pub(super) struct Outgoing {
    pub(super) bytes: Bytes,
    pub(super) masked: Vec<Masked>,
    pub(super) passed: Vec<Masked>,
    /// Rules of masking that were for any request.
    pub(super) masking: Vec<String>,
    /// What the requests of a batch ask for; none: it holds none.
    pub(super) batch: Option<Asks>,
}

/// What the requests of a batch ask for.
pub(super) struct Asks {
    /// How many there are.
    pub(super) lines: u64,
    /// What they ask for.
    pub(super) models: Vec<FileModel>,
    /// What guards said of them.
    pub(super) said: SaidOfLines,
}

/// What was found in all requests together.
#[derive(Default)]
struct Sums {
    masked: BTreeMap<(String, Option<String>), u64>,
    passed: BTreeMap<(String, Option<String>), u64>,
    masking: BTreeSet<String>,
    asked: FileAsks,
    /// What they name that the provider keeps, each with the number of the first request that does.
    named: BTreeMap<Named, usize>,
    said: SaidOfLines,
}

impl Sums {
    fn list(sums: BTreeMap<(String, Option<String>), u64>) -> Vec<Masked> {
        sums.into_iter().map(|((class, operator), count)| Masked { class, count, operator }).collect()
    }
}

impl Outgoing {
    /// A body without requests.
    fn as_it_came(body: &Bytes) -> Self {
        Self { bytes: body.clone(), masked: Vec::new(), passed: Vec::new(), masking: Vec::new(), batch: None }
    }
}

/// The body as it may be sent: requests of a batch masked one by one, every other as it came.
pub(super) async fn outgoing(
    call: &Call,
    found: &Found,
    body: &Bytes,
    read: &Read<'_>,
    permission: &Permission,
    rules: &InForce,
) -> Result<Outgoing, Refusal> {
    let batch = Batch { call, permission, rules };
    match found.declared.special {
        Special::BatchFile => file::outgoing(batch, body, read).await,
        Special::MessageBatch => messages::outgoing(batch, body).await,
        Special::File => file::alone(body, read),
        Special::Nothing | Special::Batch | Special::Results | Special::Session => {
            Ok(Outgoing::as_it_came(body))
        }
    }
}

/// A batch on its way.
#[derive(Clone, Copy)]
struct Batch<'a> {
    call: &'a Call,
    permission: &'a Permission,
    rules: &'a InForce,
}

/// The requests of a batch so far.
struct Requests<'a> {
    batch: Batch<'a>,
    /// What one of them is where it came from: what errors number.
    each: &'static str,
    scope: Scope,
    ids: BTreeSet<String>,
    sums: Sums,
}

/// A request that is to be taken in.
#[derive(Clone, Copy)]
struct One<'b> {
    /// Counted from one, as its sender counts.
    number: usize,
    /// Its own name.
    id: &'b str,
    surface: Surface,
    body: &'b Bytes,
}

impl<'a> Requests<'a> {
    fn new(batch: Batch<'a>, each: &'static str) -> Result<Self, Refusal> {
        // Its answers come later, where nothing is put into them; so nothing of it is kept either.
        let (scope, _) = batch.call.scope(batch.permission)?;
        Ok(Self { batch, each, scope, ids: BTreeSet::new(), sums: Sums::default() })
    }

    /// How a request is read.
    fn json(&self) -> JsonLimits {
        let limits = &self.batch.call.worker.shared.limits;
        JsonLimits { max_bytes: limits.body_bytes, max_depth: limits.depth }
    }

    /// That the request with this number cannot be read.
    fn unread(&self, number: usize, why: &str) -> Refusal {
        self.numbered(number, Refusal::new(Code::MalformedBody, why))
    }

    fn numbered(&self, number: usize, refusal: Refusal) -> Refusal {
        let reason = format!("{} {number} of the batch: {}", self.each, refusal.reason);
        Refusal { reason: reason.into_boxed_str(), ..refusal }
    }

    /// Decides and masks one more; gives its body as it may be sent.
    async fn take(&mut self, one: One<'_>) -> Result<Bytes, Refusal> {
        if self.ids.len() == MAX_REQUESTS {
            return Err(too_many());
        }
        if !self.ids.insert(one.id.to_owned()) {
            let why = "custom_id stands on an earlier one too; give each request one of its own";
            return Err(self.unread(one.number, why));
        }
        let masked = self
            .batch
            .masked(&one, &self.json(), &mut self.scope, &mut self.sums)
            .map_err(|refusal| self.numbered(one.number, refusal))?;
        if self.ids.len().is_multiple_of(REQUESTS_AT_ONCE) {
            tokio::task::yield_now().await;
        }
        Ok(masked)
    }

    /// The batch as it may be sent, written as `bytes`.
    async fn outgoing(self, bytes: Bytes) -> Result<Outgoing, Refusal> {
        if self.ids.is_empty() {
            let why = "the batch holds no request; send at least one";
            return Err(Refusal::new(Code::MalformedBody, why));
        }
        self.check_named().await?;
        let Self { ids, sums, .. } = self;
        Ok(Outgoing {
            bytes,
            masked: Sums::list(sums.masked),
            passed: Sums::list(sums.passed),
            masking: sums.masking.into_iter().collect(),
            batch: Some(Asks { lines: ids.len() as u64, models: sums.asked.into_models(), said: sums.said }),
        })
    }

    /// Refused where a request names what the provider keeps and is not on record as the system's.
    async fn check_named(&self) -> Result<(), Refusal> {
        let named = &self.sums.named;
        if named.len() > MAX_NAMED {
            let why = format!(
                "its requests name more than {MAX_NAMED} things that the provider keeps; send several batches"
            );
            return Err(Refusal::new(Code::MalformedBody, why));
        }
        let wanted: Vec<Named> = named.keys().cloned().collect();
        let Batch { call, permission, .. } = self.batch;
        let (shared, system) = (&call.worker.shared, call.caller.system_id);
        let foreign = own::foreign(shared, system, &wanted, &permission.target.upstream).await?;
        let Some(number) = foreign.iter().filter_map(|name| named.get(*name)).min() else { return Ok(()) };
        Err(self.numbered(*number, own::names_unknown(&foreign)))
    }
}

/// That a batch has more requests than are looked at.
fn too_many() -> Refusal {
    let why = format!("the batch has more than {MAX_REQUESTS} requests; send several");
    Refusal::new(Code::MalformedBody, why)
}

/// A request's own name. It goes on as it came, so it may hold nothing that would be masked.
fn check_id(id: &str) -> Result<(), &'static str> {
    if id.len() > MAX_CUSTOM_ID_BYTES || !words::is_word(id) {
        return Err(
            "custom_id is no plain word of at most 64 letters, digits and _ . : -, or holds what would be masked; number your requests",
        );
    }
    Ok(())
}

impl Batch<'_> {
    /// Decides and masks one request.
    fn masked(
        &self,
        one: &One<'_>,
        json: &JsonLimits,
        scope: &mut Scope,
        sums: &mut Sums,
    ) -> Result<Bytes, Refusal> {
        let malformed = |why: String| Refusal::new(Code::MalformedBody, why);
        let One { number, surface, body, .. } = *one;
        let request = Request::read(surface.form(), body, json).map_err(malformed)?;
        if request.stream {
            return Err(malformed("a batch has no streams; leave out stream".to_owned()));
        }
        let permission = self.decided(surface, &request, body.len())?;
        own::check_files(self.call, &request.kept, &permission.target.upstream.name)?;
        if sums.named.len() <= MAX_NAMED {
            for name in request.kept.others() {
                sums.named.entry(name).or_insert(number);
            }
        }
        let changes = Changes { model: None, ask_usage: false };
        let treated = self.call.treat(&request, &changes, &permission, scope)?;
        let tokens = of_batch::of_request(surface, &request.asks, treated.bytes.len().max(body.len()));
        let (model, tools) = (&request.model, &request.tools);
        let asking = Asking { surface: surface.name(), model, tools, tokens };
        sums.asked.take(&asking, body.len() as u64).map_err(malformed)?;
        let asked = self.asked(surface, &request.model, body.len(), &request.tools);
        let charge = self.charge(surface, &request, treated.bytes.len());
        let said = self.call.line_passes(&request, &treated, &permission, &asked, &charge)?;
        sums.said.take(number as u64, said);
        for (sum, found) in [(&mut sums.masked, &treated.masked), (&mut sums.passed, &treated.passed)] {
            for masked in found {
                *sum.entry((masked.class.clone(), masked.operator.clone())).or_default() += masked.count;
            }
        }
        sums.masking.extend(treated.rules);
        Ok(treated.bytes)
    }

    /// Whether the caller may ask this, at the provider that gets the batch.
    fn decided(&self, surface: Surface, request: &Request<'_>, bytes: usize) -> Result<Permission, Refusal> {
        let model = &request.model;
        let catalogue = &self.call.worker.shared.catalogue;
        if !catalogue.is_named(model) && !words::is_model(model) {
            let why = "model is neither a configured name nor of letters, digits and . _ : / -, at most 128";
            return Err(Refusal::new(Code::UnknownModel, why));
        }
        self.may_ask(surface, model, bytes, &request.tools)
    }

    /// What it would reserve as a call.
    fn charge(&self, surface: Surface, request: &Request<'_>, bytes: usize) -> Charge {
        let shared = &self.call.worker.shared;
        let (prices, upstream) = (&self.call.caller.gate.prices, &self.permission.target.upstream.name);
        let price = bound::price(prices, upstream, &request.model, shared.now());
        Charge::new(bound::reserve(surface, &request.asks, bytes, price), price)
    }

    /// What a request asks for.
    fn asked<'l>(&'l self, surface: Surface, model: &'l str, bytes: usize, tools: &'l [String]) -> Asked<'l> {
        Asked {
            action: surface.action(),
            surface: surface.name(),
            model,
            instead_of: None,
            purpose: Some(&self.permission.purpose),
            stream: false,
            received_bytes: bytes as u64,
            tools,
            at: self.call.at,
            is_recorded: false,
        }
    }

    /// Whether the caller may ask for `model` on `surface` now, at the provider that has the batch or its file.
    fn may_ask(
        &self,
        surface: Surface,
        model: &str,
        bytes: usize,
        tools: &[String],
    ) -> Result<Permission, Refusal> {
        let call = self.call;
        let catalogue = &call.worker.shared.catalogue;
        let asked = self.asked(surface, model, bytes, tools);
        let permission = decide::decide(&call.caller, &asked, catalogue, self.rules)?;
        let here = permission.target.upstream.number == self.permission.target.upstream.number;
        if !here || permission.target.model.is_some() {
            let why = "the model is served by another provider than the one that gets the batch, or is an alias; name one of this provider's own";
            return Err(Refusal::new(Code::UnknownModel, why));
        }
        Ok(permission)
    }
}

/// Whether what a kept file asks for may still be asked: stops, rules and the key's models may be others than when it was sent. Each kind of request is decided as a
/// call of its smallest and of its largest would be.
pub(super) fn decide_again(
    call: &Call,
    asked: &[FileModel],
    permission: &Permission,
    rules: &InForce,
) -> Result<(), Refusal> {
    let batch = Batch { call, permission, rules };
    for FileModel { surface, model, tools, bytes, .. } in asked {
        let known = Surface::ALL.into_iter().find(|known| known.name() == surface && is_of_openai(*known));
        let unknown = || {
            let why = "the file asks on a surface that is not known here, or was kept before its sizes were; send it again";
            Refusal::new(Code::MalformedBody, why)
        };
        let (known, bytes) = (known.ok_or_else(unknown)?, bytes.as_ref().ok_or_else(unknown)?);
        for bytes in [bytes.least, bytes.most] {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            batch.may_ask(known, model, bytes, tools).map_err(|refusal| Refusal {
                reason: format!("{model}, which the batch asks for: {}", refusal.reason).into_boxed_str(),
                ..refusal
            })?;
        }
    }
    Ok(())
}
