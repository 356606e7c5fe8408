//! Everything that must hold before a request is let through, and what it becomes on the way: decided, masked, looked at by guards.
//!
//! Promises: the same for every attempt of a call; a refusal says what and what to do, and nothing of the text. Must never: send anything to the provider.

use std::sync::Arc;

use bytes::Bytes;
use tabellion_mask::json::Limits as JsonLimits;
use tabellion_mask::{Classes, Plan, Scope};
use tabellion_model::body::{Guarded, Masked};

use crate::budget::{Charge, Hold, bound};
use crate::call::{Call, why};
use crate::code::Code;
use crate::decide::{self, Asked, InForce, Permission, Refusal};
use crate::dialect::sent_on::SentOn;
use crate::forward::NoAnswer;
use crate::guards::asking::{Waiting, shown_of_prompt};
use crate::guards::config::Side;
use crate::guards::outside::{About, Matter};
use crate::guards::rego::Sent;
use crate::guards::schema::wanted::Wanted;
use crate::guards::suite::Prompt;
use crate::masking;
use crate::masking::answers::OfAnswers;
use crate::masking::pseudonyms::{Settled, Settling};
use crate::names::Named;
use crate::opaque::own;
use crate::references::References;
use crate::stops::StoppedBy;
use crate::surface::Surface;
use crate::surface::asks::Asks;
use crate::surface::request::{Changes, Outgoing, Request};
use crate::translate::{self, Translation};
use crate::words::{self, UNRECOGNISED};
use crate::worker::Worker;

/// Header that claims a purpose.
pub(crate) const PURPOSE: &str = "tabellion-purpose";

/// What was decided, ready to be sent.
pub(crate) struct Ready {
    pub(crate) surface: Surface,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) usage_wanted: bool,
    /// How much it may take, as its caller sent it.
    pub(crate) asks: Asks,
    /// Whether the provider may do something for it beside answering.
    pub(crate) acts: bool,
    pub(crate) permission: Permission,
    pub(crate) treated: Treated,
    /// What it names that the provider keeps, beside files.
    pub(crate) names: Vec<Named>,
    pub(crate) scope: Scope,
    /// What the rules of masking say of its placeholders; none: nothing.
    pub(crate) pseudonyms: Option<Box<Settled>>,
    pub(crate) sent_on: SentOn,
    /// How it crosses to a provider that has another interface.
    pub(crate) translation: Option<Translation>,
    /// The body that is sent: what was treated, in the provider's interface.
    pub(crate) sent: Bytes,
    pub(crate) guards: Vec<Guarded>,
    pub(crate) charge: Charge,
    /// What it asks its answer to be, where a guard holds it to that.
    pub(crate) wanted: Option<Arc<Wanted>>,
}

/// A body as it may be sent, and what became of personal data in it.
pub(crate) struct Treated {
    pub(crate) bytes: Bytes,
    pub(crate) masked: Vec<Masked>,
    pub(crate) passed: Vec<Masked>,
    pub(crate) rules: Vec<String>,
    /// The body as records and guards of others may have it, where what is sent holds what passed.
    pub(crate) kept: Option<Bytes>,
    /// What was looked for.
    pub(crate) classes: Classes,
    /// What becomes of what the model brings up itself; none: it goes on.
    pub(crate) of_answers: Option<Box<OfAnswers>>,
}

impl Call {
    /// Everything that must hold before budgets are asked. A refusal comes with the model asked for, when it could be read.
    pub(crate) async fn ready(
        &mut self,
        surface: Surface,
        body: &Bytes,
        rules: &InForce,
    ) -> Result<Ready, (Refusal, Option<String>)> {
        let mut ready = self.prepare(surface, body, rules)?;
        let upstream = &ready.permission.target.upstream;
        let named =
            own::check_others(&self.worker.shared, self.caller.system_id, &ready.names, upstream).await;
        if let Err(refusal) = named {
            let refusal = Refusal { guards: ready.guards, ..refusal }.after(&ready.permission);
            return Err((refusal, Some(ready.model)));
        }
        let guards = &self.worker.shared.guards;
        let (whose, purpose) = (self.caller.stands_for, &ready.permission.purpose);
        let numbers = guards.that_apply(Side::Prompt, whose, purpose, surface.name());
        if guards.ask_any(&numbers) {
            let asked = Box::pin(self.asked(surface, &numbers, &mut ready)).await;
            asked.map_err(|refusal| (refusal.after(&ready.permission), Some(ready.model.clone())))?;
        }
        Ok(ready)
    }

    /// Reads, decides and masks. A refusal comes with the model asked for, when it could be read.
    pub(crate) fn prepare(
        &self,
        surface: Surface,
        body: &Bytes,
        rules: &InForce,
    ) -> Result<Ready, (Refusal, Option<String>)> {
        decide::live(&self.caller).map_err(|refusal| (refusal, None))?;
        let limits = &self.worker.shared.limits;
        let limits = JsonLimits { max_bytes: limits.body_bytes, max_depth: limits.depth };
        let request = Request::read(surface.form(), body, &limits)
            .map_err(|why| (Refusal::new(Code::MalformedBody, why), None))?;
        // A further attempt is a decision of its own, over the model that it is for.
        let model = self.again.as_ref().map_or(&request.model, |again| &again.model);
        if !self.worker.shared.catalogue.is_named(model) && !words::is_model(model) {
            let reason = "model is neither a configured name nor of letters, digits and . _ : / -, at most 128; GET /v1/models lists those that are";
            return Err((Refusal::new(Code::UnknownModel, reason), Some(UNRECOGNISED.to_owned())));
        }
        let refused = |refusal| (refusal, Some(model.clone()));
        let purpose = self.purpose().map_err(refused)?;
        let asked = Asked {
            action: surface.action(),
            surface: surface.name(),
            model,
            instead_of: self.again.as_ref().map(|_| request.model.as_str()),
            purpose,
            stream: request.stream,
            received_bytes: body.len() as u64,
            tools: &request.tools,
            at: self.at,
            is_recorded: true,
        };
        let shared = &self.worker.shared;
        let permission = decide::decide(&self.caller, &asked, &shared.catalogue, rules).map_err(refused)?;
        let refused = |refusal: Refusal| (refusal.after(&permission), Some(model.clone()));
        self.check_provider(&permission, &request, surface).map_err(refused)?;
        let translation =
            translate::translation(surface, &permission.target.upstream, self.at).map_err(refused)?;
        let sent_on = translate::sent_on(translation, &self.headers, surface);
        let (mut scope, settling) = self.scope(&permission).map_err(refused)?;
        let again = self.again.as_ref().map(|again| again.model.as_str());
        let changes = Changes {
            model: permission.target.model.as_deref().or(again),
            ask_usage: permission.target.upstream.usage_in_streams,
        };
        let treated = self.treat(&request, &changes, &permission, &mut scope).map_err(refused)?;
        let pseudonyms = settling.settle(&mut scope, self.caller.is_probe());
        let sent = translate::sent(translation, &treated.bytes, request.asks, &limits).map(|(sent, asks)| {
            let bytes = treated.bytes.len().max(sent.len());
            let charge = self.charge(surface, &asks, bytes, &permission, model);
            (sent, charge)
        });
        let charge = sent.as_ref().ok().map(|(_, charge)| charge);
        let guards = self.guarded((&request, &treated), &permission, &asked, charge).map_err(refused)?;
        let whose = (self.caller.stands_for, permission.purpose.as_str(), surface.name());
        let wanted = shared.guards.wanted(whose, body, &guards).map_err(refused)?;
        // What cannot be said to the provider is told after what guards have against it.
        let (sent, charge) =
            sent.map_err(|refusal| refused(Refusal { guards: guards.clone(), ..refusal }))?;
        Ok(Ready {
            surface,
            wanted,
            guards,
            charge,
            stream: request.stream,
            usage_wanted: request.usage_wanted,
            treated,
            names: request.kept.others(),
            asks: request.asks,
            acts: request.asks.acts,
            model: model.clone(),
            permission,
            scope,
            pseudonyms,
            sent_on,
            translation,
            sent,
        })
    }

    /// What a body of `bytes` bytes would reserve that asks for `model`.
    pub(crate) fn charge(
        &self,
        surface: Surface,
        asks: &Asks,
        bytes: usize,
        permission: &Permission,
        model: &str,
    ) -> Charge {
        let target = &permission.target;
        let given = target.model.as_deref().unwrap_or(model);
        let now = self.worker.shared.now();
        let price = bound::price(&self.caller.gate.prices, &target.upstream.name, given, now);
        Charge::new(bound::reserve(surface, asks, bytes, price), price)
    }

    /// Refused where the provider may not be asked this: what is for it is failing, or it keeps a file for somebody else that the request names.
    fn check_provider(
        &self,
        permission: &Permission,
        request: &Request<'_>,
        surface: Surface,
    ) -> Result<(), Refusal> {
        self.check_failing(permission, surface)?;
        own::check_files(self, &request.kept, &permission.target.upstream.name)
    }

    /// Refused where a guard that is for the call, on either side, or masking for its provider, let a canary through.
    fn check_failing(&self, permission: &Permission, surface: Surface) -> Result<(), Refusal> {
        let Worker { shared, .. } = self.worker.as_ref();
        let applies = |number: usize| {
            [Side::Prompt, Side::Answer].into_iter().any(|side| {
                let (whose, purpose) = (self.caller.stands_for, &permission.purpose);
                shared.guards.that_apply(side, whose, purpose, surface.name()).contains(&number)
            })
        };
        shared.failing.check(applies, &permission.target.upstream.name)
    }

    /// An empty scope for placeholders, as the rules of masking have it for this call.
    pub(crate) fn scope(&self, permission: &Permission) -> Result<(Scope, Settling), Refusal> {
        let Worker { shared, .. } = self.worker.as_ref();
        let upstream = &permission.target.upstream.name;
        let applied = shared.masking.of(self.caller.stands_for, &permission.purpose, upstream);
        applied.treatment().open(self.worker.placeholder_key(), self.caller.system_id, &self.headers)
    }

    /// Masks the request as the rules of masking have it; refused where it holds what may not be sent.
    pub(crate) fn treat(
        &self,
        request: &Request<'_>,
        changes: &Changes<'_>,
        permission: &Permission,
        scope: &mut Scope,
    ) -> Result<Treated, Refusal> {
        let mut outgoing = |plan: &Plan| {
            request.outgoing(changes, plan, scope).map_err(|why| Refusal::new(Code::MalformedBody, why))
        };
        let upstream = &permission.target.upstream.name;
        let masking = &self.worker.shared.masking;
        let applied = masking.of(self.caller.stands_for, &permission.purpose, upstream);
        let Outgoing { bytes, masked, passed, blocked } = outgoing(&applied.plan)?;
        if !blocked.is_empty() {
            let guards = applied.stopped(&blocked);
            let reason = masking::refusal(&blocked, upstream, &guards);
            return Err(Refusal { guards, ..Refusal::new(Code::DataNotPermitted, reason) });
        }
        // Of what a rule lets pass, records and guards of others get a placeholder all the same.
        let kept = (!passed.is_empty()).then(|| outgoing(&applied.plan.with_nothing_passed())).transpose()?;
        Ok(Treated {
            bytes,
            masked,
            passed,
            rules: applied.rules(),
            kept: kept.map(|kept| kept.bytes),
            classes: applied.plan.looked_for(),
            of_answers: applied.of_answers(),
        })
    }

    /// What the guards say of what is about to be sent; refused where one stops it.
    fn guarded(
        &self,
        (request, treated): (&Request<'_>, &Treated),
        permission: &Permission,
        asked: &Asked<'_>,
        charge: Option<&Charge>,
    ) -> Result<Vec<Guarded>, Refusal> {
        let guards = &self.worker.shared.guards;
        let (whose, purpose) = (self.caller.stands_for, &permission.purpose);
        let numbers = guards.that_apply(Side::Prompt, whose, purpose, asked.surface);
        let bytes = treated.bytes.len() as u64;
        let references = &References::of(&self.headers);
        let found = [treated.masked.as_slice(), &treated.passed].concat();
        let prompt =
            Prompt { texts: request.texts(), found: &found, bytes, tools: &request.tools, references };
        let mut results = guards.prompt(&numbers, prompt);
        self.ask_rego_of_prompt(&numbers, &mut results, (request, treated), permission, asked);
        if let Some(charge) = charge {
            self.ask_cost(&numbers, &mut results, charge);
        }
        let Some(stop) = guards.stop(&results, Side::Prompt) else { return Ok(results) };
        // Rules had permitted it, so none is named, and nothing is said of what observed ones would have done.
        Err(Refusal { guards: results, ..Refusal::new(stop.code, stop.text) })
    }

    /// What policies in Rego say of a prompt, those that are shown texts by what came.
    pub(crate) fn ask_rego_of_prompt(
        &self,
        numbers: &[usize],
        results: &mut [Guarded],
        (request, treated): (&Request<'_>, &Treated),
        permission: &Permission,
        asked: &Asked<'_>,
    ) {
        let guards = &self.worker.shared.guards;
        if !guards.asks_rego(numbers) {
            return;
        }
        let shown = guards.rego_reads(numbers).then(|| request.texts());
        let texts: Vec<_> = shown.into_iter().flatten().map(|(text, _)| text).collect();
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let Treated { bytes, masked, passed, .. } = treated;
        let refers_to = &request.kept.kinds();
        let sent = Sent { bytes: bytes.len() as u64, masked, passed, refers_to };
        self.ask_rego(numbers, results, asked, permission, (sent, Some(&texts)));
    }

    /// Has the guards that others run asked about what is about to be sent, when no other stops it.
    async fn asked(&mut self, surface: Surface, numbers: &[usize], ready: &mut Ready) -> Result<(), Refusal> {
        let worker = Arc::clone(&self.worker);
        let shown = ready.treated.kept.as_ref().unwrap_or(&ready.treated.bytes);
        let texts = shown_of_prompt(surface, shown, worker.shared.limits.depth);
        let about = About::new(&ready.model, &ready.permission.purpose, self.caller.system_id);
        let matter =
            Matter { side: Side::Prompt, about: &about, texts: &texts, classes: ready.treated.classes };
        self.heed(ready);
        let waiting = Waiting { worker: &worker, watch: &mut self.watch, stopwatch: &mut self.stopwatch };
        let waited = waiting.ask(numbers, &mut ready.guards, &matter).await;
        let waited = waited.map(|proposals| {
            self.edit(surface, ready, &matter, &proposals);
            // What was put in may have made it longer.
            self.ask_cost(numbers, &mut ready.guards, &ready.charge);
        });
        let (code, reason) = match (waited, worker.shared.guards.stop(&ready.guards, Side::Prompt)) {
            (Err(interrupt), _) => {
                let none = NoAnswer::Interrupted(interrupt);
                let (_, code) = why(none);
                let stops = self.watch.orders().take(none);
                let stopped_by = (!stops.is_empty()).then(|| Box::new(StoppedBy(stops)));
                let guards = std::mem::take(&mut ready.guards);
                return Err(Refusal { guards, stopped_by, ..Refusal::new(code, code.explain()) });
            }
            (Ok(()), Some(stop)) => (stop.code, stop.text),
            (Ok(()), None) => return Ok(()),
        };
        Err(Refusal { guards: std::mem::take(&mut ready.guards), ..Refusal::new(code, reason) })
    }

    /// Reserves what the call may take of every budget that holds for it; `instead_of` is what the attempt before reserved.
    pub(crate) fn reserve(&self, ready: &Ready, instead_of: Option<&Hold>) -> Result<Hold, Refusal> {
        let shared = &self.worker.shared;
        let who = self.caller.budgeted();
        let held = shared.budgets.reserve(&shared.gate, who, ready.charge, instead_of, shared.now());
        held.map_err(|refusal| Refusal { guards: ready.guards.clone(), ..refusal }.after(&ready.permission))
    }

    /// The purpose that the request claims.
    pub(crate) fn purpose(&self) -> Result<Option<&str>, Refusal> {
        let mut values = self.headers.get_all(PURPOSE).iter();
        let (first, second) = (values.next(), values.next());
        let unreadable = Refusal::new(
            Code::PurposeNotPermitted,
            "the header tabellion-purpose is there twice or is no purpose (a-z, 0-9 and -, at most 63); send one purpose",
        );
        match (first.map(|value| value.to_str()), second) {
            (None, _) => Ok(None),
            (Some(Ok(purpose)), None) if words::is_purpose(purpose) => Ok(Some(purpose)),
            _ => Err(unreadable),
        }
    }
}
