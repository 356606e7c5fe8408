//! Whether guards stop what they must: what probes showed, and for how long that counts (docs/probes.md).
//!
//! Promises: a guard counts as proven by a record alone, of the version that is set up now, and no longer than that record says. Must never: call a route guarded
//! because a configuration says so.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::Micros;
use tabellion_model::body::{MeasuredGuard, ProbeCause, ProbeResult, ProbedPlace};
use tabellion_views::query::ProbeRoundRow;

use super::Desk;
use super::asking::refer;
use super::forms::{IdForm, Reference, Time};
use super::measurements::{self, Measured, Measurement};
use crate::refusal::{Code, Refusal};

/// Microseconds of a second.
pub(super) const SECOND_US: u64 = 1_000_000;
/// How long whoever asks for a round waits for it: a request of the control plane takes no longer.
const RUN_WITHIN: Duration = Duration::from_mins(1);
/// What the rules of masking are called among guards; they alone guard no route.
const MASKING: &str = "masking";

/// In place of names that were erased.
const ERASED: &str = "their names were erased";

/// Runs a round within a time; why not, in words.
pub type RunProbes = Arc<dyn Fn(Duration) -> Result<(), String> + Send + Sync>;

/// The gateway's probes, as the desk knows them.
#[derive(Clone)]
pub struct GatewayProbes {
    /// Every place of the configuration in force, not tried.
    pub places: Vec<ProbedPlace>,
    /// How often they are tried, in seconds; none: when somebody asks.
    pub every_s: Option<u64>,
    /// Whether calls are denied while a canary gets through.
    pub denies: bool,
    /// Tries them now.
    pub run: RunProbes,
    /// Every guard and class of the configuration in force, not measured.
    pub subjects: Vec<MeasuredGuard>,
    /// How often they are measured, in seconds; none: when somebody asks.
    pub corpus_s: Option<u64>,
    /// Measures them now.
    pub measure: RunProbes,
}

/// How a place, or a route, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ProbeState")]
pub enum State {
    /// A canary was stopped, by a record that still counts.
    Proven,
    /// It is set up, and nobody has proved it, or not lately.
    Configured,
    /// A canary got through, or there is no guard.
    Bypassable,
}

/// One place at which a guard is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProbePlace")]
pub struct Place {
    /// How it stands.
    pub state: State,
    /// The route, as records of calls name it.
    pub surface: String,
    /// The provider in whose place canaries are taken.
    pub upstream: String,
    /// The guard; `masking` for the rules of masking.
    pub guard: String,
    /// Its version.
    pub version: String,
    /// The side that it looks at.
    #[schemars(extend("enum" = ["prompt", "answer"]))]
    pub side: String,
    /// Whether the answer is a stream.
    pub stream: bool,
    /// What the newest canary came to; null: none was sent.
    #[schemars(extend("enum" = ["stopped", "flagged", "got_through", "untested", null]))]
    pub result: Option<&'static str>,
    /// Why it got through, or is not known.
    pub why: Option<String>,
    /// When the newest round that tried it was recorded.
    pub at: Option<Time>,
    /// The records of the canary's call.
    #[schemars(with = "Vec<IdForm>")]
    pub calls: Vec<String>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProbedRoute")]
pub struct Route {
    /// The route, as records of calls name it.
    pub surface: String,
    /// As its worst place stands; without a guard beside masking it can be bypassed.
    pub state: State,
}

/// One round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProbeRound")]
pub struct Round {
    /// When it was recorded.
    pub at: Time,
    /// Why it was done; null: erased.
    #[schemars(extend("enum" = ["start", "schedule", "change", "asked", null]))]
    pub cause: Option<&'static str>,
    /// Places whose canaries were stopped.
    pub stopped: u64,
    /// Places whose guards only flag, and did.
    pub flagged: u64,
    /// Places whose canaries got through.
    pub got_through: u64,
    /// Places of which nobody knows.
    pub untested: u64,
    /// Its record.
    pub recorded: Reference,
}

/// How enforcement stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Probes")]
pub struct Probes {
    /// Whether a gateway runs here; without one nothing is enforced, and nothing proven.
    pub has_gateway: bool,
    /// How often places are tried, in seconds; null: when somebody asks for it, or never.
    pub every_s: Option<u64>,
    /// Whether calls are denied while a canary gets through.
    pub denies: bool,
    /// The newest round; null: there was none.
    pub newest: Option<Round>,
    /// Each route.
    pub routes: Vec<Route>,
    /// Each place of the configuration in force.
    pub places: Vec<Place>,
    /// How often guards are measured, in seconds; null: when somebody asks for it, or never.
    pub corpus_s: Option<u64>,
    /// The newest measurement; null: there was none.
    pub measurement: Option<Measurement>,
    /// Each guard and class of the configuration in force, with what it found of the corpus.
    pub measured: Vec<Measured>,
}

impl Desk {
    /// From here on the desk knows the probes of a gateway in this process. What was told first stands.
    pub fn know_probes(&self, probes: GatewayProbes) {
        drop(self.probes.set(probes));
    }

    /// How enforcement stands now.
    pub fn probes(&self) -> Result<Probes, Refusal> {
        let newest = self.views.newest_probe_round()?;
        let measurement = self.views.newest_measurement()?;
        let told = measurement.as_ref().map(measurements::measurement);
        let Some(known) = self.probes.get() else {
            let newest = newest.as_ref().map(round);
            return Ok(Probes {
                has_gateway: false,
                every_s: None,
                denies: false,
                newest,
                routes: Vec::new(),
                places: Vec::new(),
                corpus_s: None,
                measurement: told,
                measured: Vec::new(),
            });
        };
        let now = self.now();
        let places: Vec<Place> =
            known.places.iter().map(|place| standing(place, newest.as_ref(), now)).collect();
        let measured = known
            .subjects
            .iter()
            .map(|subject| measurements::standing(subject, measurement.as_ref(), now))
            .collect();
        Ok(Probes {
            has_gateway: true,
            every_s: known.every_s,
            denies: known.denies,
            newest: newest.as_ref().map(round),
            routes: routes(&places),
            places,
            corpus_s: known.corpus_s,
            measurement: told,
            measured,
        })
    }

    /// Tries every place now, and says how it stands then.
    pub fn run_probes(&self) -> Result<Probes, Refusal> {
        let known = self.probes.get().ok_or_else(|| {
            Refusal::new(Code::NoGateway, "there is no gateway in this process, so nothing can be probed")
        })?;
        (known.run)(RUN_WITHIN).map_err(|why| Refusal::new(Code::Unavailable, why))?;
        self.refresh()?;
        self.probes()
    }

    /// Whether the gateway of this process denies calls while a canary gets through.
    pub(crate) fn canary_denies(&self) -> bool {
        self.probes.get().is_some_and(|known| known.denies)
    }

    /// Guards that the newest round found to let canaries through, by name, whatever is set up now; for a banner.
    pub(crate) fn bypassed(&self) -> Result<Vec<String>, Refusal> {
        let newest = self.present().newest_probe_round()?;
        let Some(said) = newest.and_then(|row| row.said) else { return Ok(vec![ERASED.to_owned()]) };
        let through = said.places.into_iter().filter(|place| place.result == ProbeResult::GotThrough);
        let mut named: Vec<String> = through.map(|place| place.guard).collect();
        named.sort_unstable();
        named.dedup();
        Ok(named)
    }
}

/// What a round says of `place`. A guard that failed in place of a provider is not cleared by another name of it, as the gateway has it.
fn found<'r>(round: &'r [ProbedPlace], place: &ProbedPlace) -> Option<&'r ProbedPlace> {
    let elsewhere = |tried: &&ProbedPlace| {
        let renamed = ProbedPlace { upstream: tried.upstream.clone(), ..place.clone() };
        place.guard != MASKING && tried.result == ProbeResult::GotThrough && tried.is_same_place(&renamed)
    };
    let same = round.iter().find(|tried| tried.is_same_place(place));
    same.or_else(|| round.iter().find(elsewhere))
}

/// How `place` stands by the newest round.
fn standing(place: &ProbedPlace, newest: Option<&ProbeRoundRow>, now: Micros) -> Place {
    let said = newest.and_then(|row| Some((row, row.said.as_ref()?)));
    let tried = said.and_then(|(row, said)| Some((row, said, found(&said.places, place)?)));
    let state = match tried {
        Some((_, _, found)) if found.result == ProbeResult::GotThrough => State::Bypassable,
        Some((row, said, found))
            if matches!(found.result, ProbeResult::Stopped | ProbeResult::Flagged)
                && now.since(row.at) <= said.valid_s.saturating_mul(SECOND_US) =>
        {
            State::Proven
        }
        _ => State::Configured,
    };
    let found = tried.map(|(_, _, found)| found);
    Place {
        state,
        surface: place.surface.clone(),
        upstream: place.upstream.clone(),
        guard: place.guard.clone(),
        version: place.version.clone(),
        side: place.side.clone(),
        stream: place.stream,
        result: found.map(|found| result(found.result)),
        why: found.and_then(|found| found.why.clone()),
        at: tried.map(|(row, ..)| Time(row.at)),
        calls: found
            .map(|found| found.calls.iter().map(tabellion_model::Id::to_hex).collect())
            .unwrap_or_default(),
    }
}

/// Each route as its worst place.
fn routes(places: &[Place]) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for place in places {
        match routes.iter_mut().find(|route| route.surface == place.surface) {
            Some(route) => route.state = route.state.max(place.state),
            None => routes.push(Route { surface: place.surface.clone(), state: place.state }),
        }
    }
    for route in &mut routes {
        let of_it = |place: &&Place| place.surface == route.surface && place.guard != MASKING;
        if !places.iter().any(|place| of_it(&place)) {
            route.state = State::Bypassable;
        }
    }
    routes
}

fn round(row: &ProbeRoundRow) -> Round {
    Round {
        at: Time(row.at),
        cause: row.said.as_ref().map(|said| cause(said.cause)),
        stopped: row.counts.stopped,
        flagged: row.counts.flagged,
        got_through: row.counts.got_through,
        untested: row.counts.untested,
        recorded: refer(row.entry, row.record_id),
    }
}

/// The word of a cause.
pub(super) fn cause(cause: ProbeCause) -> &'static str {
    match cause {
        ProbeCause::Start => "start",
        ProbeCause::Schedule => "schedule",
        ProbeCause::Change => "change",
        ProbeCause::Asked => "asked",
    }
}

/// The word of a result.
fn result(result: ProbeResult) -> &'static str {
    match result {
        ProbeResult::Stopped => "stopped",
        ProbeResult::Flagged => "flagged",
        ProbeResult::GotThrough => "got_through",
        ProbeResult::Untested => "untested",
    }
}

#[cfg(test)]
mod tests {
    use tabellion_model::RecordId;
    use tabellion_model::probe::ProbeCounts;
    use tabellion_views::query::ProbeRoundSaid;

    use super::*;

    fn place(guard: &str, version: &str, result: ProbeResult) -> ProbedPlace {
        ProbedPlace {
            surface: "openai.chat_completions".to_owned(),
            upstream: "main".to_owned(),
            guard: guard.to_owned(),
            version: version.to_owned(),
            side: "prompt".to_owned(),
            stream: false,
            result,
            why: None,
            calls: Vec::new(),
        }
    }

    fn round_of(places: Vec<ProbedPlace>) -> ProbeRoundRow {
        ProbeRoundRow {
            entry: 7,
            record_id: RecordId::from_bytes([7; 16]),
            at: Micros(1_000 * SECOND_US),
            counts: ProbeCounts::default(),
            said: Some(ProbeRoundSaid { cause: ProbeCause::Start, valid_s: 100, places }),
        }
    }

    /// Requirement: N19. Proven by a record of this very version that still counts, and by nothing else.
    #[test]
    fn a_place_is_proven_by_a_fresh_record_of_its_own_version_alone() {
        let wanted = place("house", "words.1-a", ProbeResult::Untested);
        let state = |tried: Option<ProbedPlace>, at_s: u64| {
            let row = tried.map(|tried| round_of(vec![tried]));
            standing(&wanted, row.as_ref(), Micros(at_s * SECOND_US)).state
        };
        let stopped = |version| Some(place("house", version, ProbeResult::Stopped));
        assert_eq!(state(stopped("words.1-a"), 1_100), State::Proven);
        assert_eq!(state(stopped("words.1-a"), 1_101), State::Configured, "an old proof counts for ever");
        assert_eq!(
            state(stopped("words.1-b"), 1_001),
            State::Configured,
            "other settings are proven with it"
        );
        assert_eq!(state(None, 1_001), State::Configured, "a configuration proves itself");
        for (result, wanted) in [
            (ProbeResult::Flagged, State::Proven),
            (ProbeResult::Untested, State::Configured),
            (ProbeResult::GotThrough, State::Bypassable),
        ] {
            assert_eq!(state(Some(place("house", "words.1-a", result)), 1_001), wanted, "{result:?}");
        }
        let through = Some(place("house", "words.1-a", ProbeResult::GotThrough));
        assert_eq!(state(through, 9_999), State::Bypassable, "an alarm goes away by waiting");
        for (guard, stands) in [("house", State::Bypassable), ("masking", State::Configured)] {
            let wanted = place(guard, "words.1-a", ProbeResult::Untested);
            let through = place(guard, "words.1-a", ProbeResult::GotThrough);
            let renamed = round_of(vec![ProbedPlace { upstream: "before".to_owned(), ..through }]);
            let now = standing(&wanted, Some(&renamed), Micros(1_001 * SECOND_US));
            assert_eq!(now.state, stands, "{guard} under another name of its provider");
        }
        let erased = ProbeRoundRow { said: None, ..round_of(Vec::new()) };
        let erased = standing(&wanted, Some(&erased), Micros(1_001 * SECOND_US));
        assert_eq!(erased.state, State::Configured, "what is erased proves something");
    }

    /// Requirement: N19. Masking alone guards no route.
    #[test]
    fn a_route_is_as_good_as_its_worst_place() {
        let row = round_of(vec![
            place("house", "1", ProbeResult::Stopped),
            place("masking", "1", ProbeResult::Stopped),
            place("other", "1", ProbeResult::Untested),
        ]);
        let of = |names: &[&str]| {
            let places: Vec<Place> = names
                .iter()
                .map(|name| place(name, "1", ProbeResult::Untested))
                .map(|place| standing(&place, Some(&row), Micros(1_001 * SECOND_US)))
                .collect();
            routes(&places).remove(0).state
        };
        assert_eq!(of(&["house", "masking"]), State::Proven);
        assert_eq!(of(&["house", "masking", "other"]), State::Configured);
        assert_eq!(of(&["masking"]), State::Bypassable, "a route without a guard counts as guarded");
    }
}
