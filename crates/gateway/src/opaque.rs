//! Calls on declared routes: authenticated, opened, decided, budgeted and recorded as every other, and not looked into.
//!
//! Promises: what is sent was read whole and has its digest in the record that permits it; what comes back is passed on piece by piece, its last one after
//! the record of the end; each guard and the masking that did not look is on record as that. Must never: hold more bodies at once than are named here.

mod about_batch;
mod asks;
mod batch;
mod form;
mod frames;
mod kept;
mod lines;
mod meter;
pub(crate) mod own;
mod prepare;
mod relay;
mod room;
mod said;
mod session;
mod settle;

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderValue;
use tabellion_model::body::{CallAuthorised, Capture, GuardOutcome, Guarded, Opened};
use tabellion_model::{OpeningId, SystemId};

use crate::attempts::health;
use crate::authenticate::Caller;
use crate::call::{Call, Received, Running};
use crate::code::Code;
use crate::config::Limits;
use crate::decide::{self, Refusal, declared as declared_terms};
use crate::declared::{Found, NO_MODEL};
use crate::dialect::headers::retry_count;
use crate::ending::CAPTURE_OFF;
use crate::enrich::Pending;
use crate::forward::{self, Inbound, NoAnswer, Outbound};
use crate::guards::config::Side;
use crate::guards::suite::Guard;
use crate::references::References;
use crate::route::{Route, Target};
use crate::stops::Going;
use crate::stopwatch::Phase;
use crate::words::hex_of;
use crate::worker::Shared;
use kept::KeptFiles;
use prepare::Prepared;
use room::{BODIES_AT_ONCE, Place, Places, ROOM_WITHIN};
use session::{SESSIONS_AT_ONCE, Wanted};

/// When a client that found no room may ask again.
const RETRY_AFTER_SECONDS: u32 = 1;
/// In the place of a guard's name in records: masking, which no configuration can name so.
const MASKING: &str = "masking.opaque";
/// Number of what it would have done.
const MASKING_VERSION: &str = "1";
/// Why content of such a call is not kept.
const NOT_LOOKED_INTO: &str = "opaque";

/// What calls on declared routes share.
pub(crate) struct Opaque {
    bodies: Places,
    sessions: Places,
    pub(crate) kept: KeptFiles,
}

impl Default for Opaque {
    fn default() -> Self {
        Self {
            bodies: Places::new(BODIES_AT_ONCE),
            sessions: Places::new(SESSIONS_AT_ONCE),
            kept: KeptFiles::default(),
        }
    }
}

/// How a request's body is read.
pub(crate) struct Reading<'a> {
    limit: usize,
    /// A body that may be large waits for room, with others of its system.
    room: Option<(&'a Places, SystemId)>,
}

/// A body and its room.
struct Roomed {
    bytes: Bytes,
    _place: Place,
}

impl AsRef<[u8]> for Roomed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Reading<'a> {
    /// For a request of `caller`.
    pub(crate) fn of(target: &Target, caller: &Caller, shared: &'a Shared) -> Self {
        let limit = body_limit(target, caller, &shared.limits);
        let room = (limit > shared.limits.body_bytes).then_some((&shared.opaque.bodies, caller.system_id));
        Self { limit, room }
    }

    /// Most bytes of it.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Reads when there is room; waiting for room takes nothing from the time that reading has.
    pub(crate) async fn within(self, read: impl Future<Output = Option<Received>>) -> Option<Received> {
        let Some((bodies, system)) = self.room else { return read.await };
        let Some(place) = bodies.place(system, ROOM_WITHIN).await else { return Some(Received::NoRoom) };
        Some(match read.await? {
            // The room is free again when nobody needs the bytes any more.
            Received::Whole(bytes) if !bytes.is_empty() => {
                Received::Whole(Bytes::from_owner(Roomed { bytes, _place: place }))
            }
            other => other,
        })
    }
}

/// That no room for a body came free in time.
pub(crate) fn no_room() -> Refusal {
    let why = "too many bodies of requests on declared routes are on their way, of this system or of all; try again in a moment";
    Refusal { retry_after_s: Some(RETRY_AFTER_SECONDS), ..Refusal::new(Code::RateLimited, why) }
}

/// The largest body of a request: more on a declared route that sends one and is open to the caller's system.
pub(crate) fn body_limit(target: &Target, caller: &Caller, limits: &Limits) -> usize {
    let Route::Declared(found) = &target.route else { return limits.body_bytes };
    let opened = caller
        .gate
        .openings
        .iter()
        .any(|opening| opening.system == caller.system_id && opening.class == found.declared.class);
    if opened && found.declared.has_body() {
        limits.opaque_body_bytes.max(limits.body_bytes)
    } else {
        limits.body_bytes
    }
}

/// Whether the opening still is one, in the newest snapshot.
pub(crate) fn is_open(shared: &Shared, opening: OpeningId) -> bool {
    let now = shared.now();
    shared.gate.load().openings.iter().any(|known| known.opening == opening && now < known.until)
}

/// Runs a call to its end.
pub(crate) async fn run(mut call: Call, found: Box<Found>, body: Bytes) {
    let rules = match call.worker.shared.rules.of(&call.caller.gate).await {
        Ok(rules) => rules,
        Err(refusal) => return call.deny(&refusal, None).await,
    };
    let mut prepared = match Box::pin(prepare::prepare(&call, &found, &body, &rules)).await {
        Ok(prepared) => prepared,
        Err((refusal, model)) => return call.deny(&refusal, model).await,
    };
    let wanted = match Wanted::of(&mut call, &found).await {
        Ok(wanted) => wanted,
        Err(refusal) => return call.deny(&refusal, Some(prepared.model)).await,
    };
    let shared = &call.worker.shared;
    let who = call.caller.budgeted();
    let hold = shared.budgets.reserve(&shared.gate, who, prepared.charge, None, shared.now());
    let hold = match hold {
        Ok(hold) => hold,
        Err(refusal) => {
            let refusal = refusal.after(&prepared.permission);
            return call.deny(&refusal, Some(prepared.model).filter(|model| model != NO_MODEL)).await;
        }
    };
    let record = authorisation(&call, &found, &prepared, hold.names(), &body);
    let upstream = &prepared.permission.target.upstream;
    let going =
        Going { asked: &prepared.model, instead_of: None, given: &prepared.model, provider: &upstream.name };
    call.watch.orders().heed(&call.caller, going);
    drop(body);
    // Nothing of its content is kept, whatever the system's capture says.
    let Some(mut running) = call.authorise((&record, &[]), Capture::None, Some(Box::new(hold))).await else {
        return;
    };
    if let Some(interrupt) = running.interrupted() {
        return running.fail(NoAnswer::Interrupted(interrupt)).await;
    }
    if let Some(code) = running.worker.shared.withdrawn(&running.authorised.caller) {
        return running.fail(NoAnswer::Withdrawn(code)).await;
    }
    if !is_open(&running.worker.shared, prepared.opening) {
        return running.fail(NoAnswer::Withdrawn(Code::OpaqueNotEnabled)).await;
    }
    running.authorised.facts.guards = not_run(&running, &prepared, found.declared.name);
    let (enrichments, caller) = (&running.worker.shared.enrichments, &running.authorised.caller);
    running.authorised.pending =
        Pending::unseen(enrichments, caller, &prepared.model, &prepared.permission.purpose);
    if let Some(after) = &mut running.authorised.after {
        after.opaque();
    }
    if let Some(wanted) = wanted {
        return Box::pin(session::run(running, wanted, &found, prepared)).await;
    }
    match Box::pin(send(&mut running, &found, &mut prepared)).await {
        Ok(inbound) => Box::pin(relay::relay(running, inbound, &found, prepared)).await,
        Err(none) => running.fail(none).await,
    }
}

/// What is on record of the permission.
fn authorisation(
    call: &Call,
    found: &Found,
    prepared: &Prepared,
    budgets: &[String],
    body: &Bytes,
) -> CallAuthorised {
    let permission = &prepared.permission;
    let path = found.route.split('?').next().unwrap_or_default();
    let (received_sha256, received_salted_sha256) = call.salt.commit(body).members();
    let (forwarded_sha256, forwarded_salted_sha256) = call.salt.commit(&prepared.body).members();
    let mut caller = call.caller.shown();
    let input = permission.input.as_ref().map(|given| Box::new(given.permitted(&call.salt, caller.as_mut())));
    CallAuthorised {
        surface: found.declared.name.to_owned(),
        model: prepared.model.clone(),
        upstream: permission.target.upstream.name.clone(),
        upstream_model: None,
        translated: None,
        caller,
        terms: declared_terms(&permission.target.upstream.terms),
        attempt: None,
        budgets: budgets.to_vec(),
        purpose: permission.purpose.clone(),
        stream: false,
        received_bytes: body.len() as u64,
        received_sha256,
        received_salted_sha256,
        forwarded_sha256,
        forwarded_salted_sha256,
        forwarded_headers_sha256: Some(hex_of(prepared.sent_on.sha256())),
        masked: prepared.masked.clone(),
        passed: prepared.passed.clone(),
        masking: prepared.masking.clone(),
        pseudonyms: None,
        policies: decide::policy_digests(&call.caller.gate),
        rules: permission.rules.clone(),
        input,
        guards: prepared.guards.clone(),
        guards_after: call.awaited(&permission.purpose),
        observed: permission.observed.clone(),
        references: References::of(&call.headers).to_record(),
        opened: Some(Opened {
            opening: prepared.opening,
            class: found.declared.class,
            target: format!("{} {path}", found.declared.method),
            content_type: prepared.kind.map(str::to_owned),
            lines: prepared.batch.as_ref().map(|batch| batch.lines),
        }),
        retry: retry_count(&call.headers),
        prompt: None,
        prompt_withheld: Some(
            if permission.capture.keeps_prompts() { NOT_LOOKED_INTO } else { CAPTURE_OFF }.to_owned(),
        ),
    }
}

/// That masking did not look.
fn masking_not_run() -> Guarded {
    Guarded {
        guard: MASKING.to_owned(),
        version: MASKING_VERSION.to_owned(),
        outcome: GuardOutcome::NotRun,
        found: Vec::new(),
        edits: None,
    }
}

/// That nothing looked at the answer: the guards of answers, and masking.
fn not_run(running: &Running, prepared: &Prepared, route: &str) -> Vec<Guarded> {
    let guards = &running.worker.shared.guards;
    let (system, purpose) = (running.authorised.caller.system_id, &prepared.permission.purpose);
    let numbers = guards.that_apply(Side::Answer, system, purpose, route);
    let own = numbers.iter().filter_map(|number| guards.all.get(*number)).map(Guard::not_run);
    own.chain([masking_not_run()]).collect()
}

/// Sends it, unless the circuit to its provider is open.
async fn send(running: &mut Running, found: &Found, prepared: &mut Prepared) -> Result<Inbound, NoAnswer> {
    let worker = Arc::clone(&running.worker);
    let shared = &worker.shared;
    let upstream = &prepared.permission.target.upstream;
    let Some(pass) = shared.circuits.admit(upstream.number, shared.now()) else {
        return Err(NoAnswer::Failed(Code::UpstreamCircuitOpen));
    };
    let mut outbound = Outbound {
        upstream,
        route: &found.route,
        // INVARIANT: the table of declared routes holds methods that are some.
        method: Method::from_bytes(found.declared.method.as_bytes()).unwrap_or(Method::POST),
        sent_on: &prepared.sent_on,
        // Its room is for others as soon as it left, however long the answer takes to come.
        body: std::mem::take(&mut prepared.body),
        content_type: prepared.content_type.clone(),
        accept: HeaderValue::from_static("*/*"),
        at: shared.clock.now(),
    };
    let authorised = &mut running.authorised;
    authorised.facts.sent = true;
    authorised.stopwatch.enter(Phase::Upstream);
    let sent = forward::send(&mut outbound, &worker.pool, &mut running.watch, &shared.limits).await;
    authorised.stopwatch.enter(Phase::Own);
    match &sent {
        Ok(inbound) => {
            authorised.facts.first_byte = Some(authorised.stopwatch.elapsed());
            authorised.facts.upstream_status = Some(inbound.head.status().as_u16());
        }
        Err(none) => authorised.facts.sent = !none.is_unsent(),
    }
    let report = shared.circuits.report(&shared.evidence, upstream.number, pass, health(&sent), shared.now());
    Box::pin(report).await;
    sent
}
