//! Emergency stops: which hold for a call, what its caller is told, and how a call that runs hears of one (docs/stops.md).
//!
//! Promises: a stop that is in the snapshot refuses every call of its scope and interrupts every wait of those that run, without anybody looking again and
//! again. Must never: tell a caller why somebody stopped them, or pass over a stop that cannot be read.

use std::future::pending;
use std::sync::Arc;

use tabellion_model::body::{CallerShown, Chain, NOBODY, StopSubject};
use tabellion_model::{CredentialId, SystemId};
use tabellion_views::gate::{GateCell, GateStop};
use tabellion_views::query::Reference;
use tokio::sync::watch;

use crate::authenticate::Caller;
use crate::code::Code;
use crate::decide::Refusal;
use crate::forward::NoAnswer;
use crate::race::Interrupt;

/// Most stops that a record names, the oldest first: with eight the room for the end of a call suffices, and nobody lifts so many to let one call through.
const MAX_NAMED: usize = 8;

/// The stops in force.
pub(crate) type Stops = Arc<Vec<GateStop>>;

/// The records of stops that hold for a call; behind a box, since most refusals have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoppedBy(pub(crate) Vec<Reference>);

/// Where a call is to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Going<'a> {
    /// Model asked for.
    pub(crate) asked: &'a str,
    /// Model that the caller asked for, where `asked` stands in for it.
    pub(crate) instead_of: Option<&'a str>,
    /// Model as the provider is given it.
    pub(crate) given: &'a str,
    /// The provider, by its name in the configuration.
    pub(crate) provider: &'a str,
}

/// The stops of the newest snapshot of `gate`, from now on.
pub(crate) fn of(gate: &GateCell) -> watch::Receiver<Stops> {
    let (tell, told) = watch::channel(Stops::default());
    gate.listen(move |gate| {
        tell.send_if_modified(|known| {
            let is_other = *known != gate.stops;
            if is_other {
                *known = Arc::clone(&gate.stops);
            }
            is_other
        });
        // Whoever asked is gone once nobody can hear it.
        !tell.is_closed()
    });
    told
}

/// Refuses a call for which its caller's snapshot has a stop; `going` once it is known where it goes.
pub(crate) fn check(caller: &Caller, going: Option<Going<'_>>) -> Result<(), Refusal> {
    let who = Who { system: caller.system_id, key: caller.key_id, chain: caller.chain() };
    let held = holding(&caller.gate.stops, &subject(who, going));
    if held.is_empty() {
        return Ok(());
    }
    let code = Code::Stopped;
    Err(Refusal { stopped_by: Some(Box::new(StoppedBy(held))), ..Refusal::new(code, code.explain()) })
}

/// Whose a call is.
#[derive(Clone, Copy)]
struct Who<'a> {
    system: SystemId,
    key: CredentialId,
    chain: &'a Chain,
}

fn subject<'a>(who: Who<'a>, going: Option<Going<'a>>) -> StopSubject<'a> {
    let Who { system, key, chain } = who;
    StopSubject {
        system,
        key,
        person: chain.person.as_deref(),
        agent: chain.agent.as_deref(),
        asked: going.map(|going| going.asked),
        instead_of: going.and_then(|going| going.instead_of),
        given: going.map(|going| going.given),
        provider: going.map(|going| going.provider),
    }
}

/// The records of those that hold for `call`.
fn holding(stops: &[GateStop], call: &StopSubject<'_>) -> Vec<Reference> {
    stops.iter().filter(|stop| stop.holds(call)).map(|stop| stop.ordered).take(MAX_NAMED).collect()
}

/// What a call that runs is, for as long as it runs.
struct Heeding {
    system: SystemId,
    key: CredentialId,
    shown: Option<Arc<CallerShown>>,
    asked: String,
    instead_of: Option<String>,
    given: String,
    provider: String,
}

impl Heeding {
    fn held_by(&self, stops: &[GateStop]) -> Vec<Reference> {
        let Self { system, key, shown, asked, instead_of, given, provider } = self;
        let chain = shown.as_deref().map_or(&NOBODY, |shown| &shown.chain);
        let who = Who { system: *system, key: *key, chain };
        let going = Going { asked, instead_of: instead_of.as_deref(), given, provider };
        holding(stops, &subject(who, Some(going)))
    }
}

/// The stops as one call hears of them.
pub(crate) struct Orders {
    stops: watch::Receiver<Stops>,
    /// What it is; none: it hears of none, being decided anew, or ended already.
    heeding: Option<Box<Heeding>>,
    /// Those that hold for it, once it heard of any.
    held: Vec<Reference>,
}

impl Orders {
    /// For a call that heeds none yet.
    pub(crate) fn new(stops: watch::Receiver<Stops>) -> Self {
        Self { stops, heeding: None, held: Vec::new() }
    }

    /// From here on the call of `caller` that is `going` there is held against every stop.
    pub(crate) fn heed(&mut self, caller: &Caller, going: Going<'_>) {
        self.heeding = Some(Box::new(Heeding {
            system: caller.system_id,
            key: caller.key_id,
            shown: caller.shown.clone(),
            asked: going.asked.to_owned(),
            instead_of: going.instead_of.map(str::to_owned),
            given: going.given.to_owned(),
            provider: going.provider.to_owned(),
        }));
    }

    /// From here on none interrupts it: how it ended is certain.
    pub(crate) fn heed_none(&mut self) {
        self.heeding = None;
    }

    /// Whether one holds for the call by now.
    pub(crate) fn is_stopped(&mut self) -> bool {
        let Some(heeding) = &self.heeding else { return false };
        self.held = heeding.held_by(&self.stops.borrow());
        !self.held.is_empty()
    }

    /// Ends when one holds for the call.
    pub(crate) async fn stopped(&mut self) {
        let Self { stops, heeding, held } = self;
        let Some(heeding) = heeding else { return pending().await };
        // Nobody tells any more: the snapshot is gone, and with it all that could permit the call.
        let Ok(found) = stops.wait_for(|stops| !heeding.held_by(stops).is_empty()).await else { return };
        *held = heeding.held_by(&found);
    }

    /// The records of the stops that ended the call, where they did.
    pub(crate) fn take(&mut self, why: NoAnswer) -> Vec<Reference> {
        let stopped = why == NoAnswer::Interrupted(Interrupt::Stopped);
        std::mem::take(&mut self.held).into_iter().filter(|_| stopped).collect()
    }
}
