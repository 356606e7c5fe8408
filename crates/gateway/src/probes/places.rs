//! Where guards and masking are tried: every route that has a provider, as it is and translated, each guard on the sides that it looks at, whole and as a stream.

use sha2::{Digest as _, Sha256};
use tabellion_model::SystemId;
use tabellion_model::body::{ProbeResult, ProbedPlace};
use tabellion_model::probe::PROBE_SYSTEM;

use super::canary::Canary;
use super::{PURPOSE, model_of};
use crate::config::GatewayConfig;
use crate::guards::Guards;
use crate::guards::config::{GuardConfig, Mode, Side};
use crate::masking::Masking;
use crate::surface::Surface;
use crate::translate::Translation;
use crate::upstream::catalogue::{Catalogue, Upstream};
use crate::words::hex_of;

/// What rules of masking are called as one guard.
pub(super) const MASKING: &str = "masking";
/// Most places that are tried in a round: sixteen guards on every route, translated too, are 352, the rest is for providers. One record has room for what came of them.
const MAX_PLACES: usize = 1024;
/// Characters of the digest in the version of masking.
const VERSION_DIGITS: usize = 12;

/// One place.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) surface: Surface,
    pub(super) upstream: String,
    pub(super) model: String,
    pub(super) guard: String,
    pub(super) version: String,
    /// Its number among the guards; none: masking.
    pub(super) number: Option<usize>,
    /// Whether what it finds is refused or cut, as it is set up.
    pub(super) blocks: bool,
    pub(super) side: Side,
    pub(super) stream: bool,
    /// The system that the canary stands in for, so that the guard is for it.
    pub(super) stands_for: SystemId,
    pub(super) purpose: String,
    pub(super) canary: Canary,
}

impl Place {
    /// As records have it, with what came of it.
    pub(super) fn came_to(&self, result: ProbeResult, why: Option<String>) -> ProbedPlace {
        ProbedPlace {
            surface: self.surface.name().to_owned(),
            upstream: self.upstream.clone(),
            guard: self.guard.clone(),
            version: self.version.clone(),
            side: match self.side {
                Side::Prompt => "prompt".to_owned(),
                Side::Answer => "answer".to_owned(),
            },
            stream: self.stream,
            result,
            why,
            calls: Vec::new(),
        }
    }
}

/// Every place of a configuration, in the order of its guards.
pub(super) fn places(
    config: &GatewayConfig,
    catalogue: &Catalogue,
    guards: &Guards,
    masking: &Masking,
) -> Vec<Place> {
    let mut places = Vec::new();
    for surface in Surface::ALL {
        let reached = reached(surface, catalogue);
        // Whoever answers in an interface, guards look the same; a translated path is one of its own. Rules of masking may be for some providers alone.
        let native = reached.iter().find(|way| !way.is_translated);
        let translated = reached.iter().find(|way| way.is_translated);
        for way in native.into_iter().chain(translated) {
            for number in 0..guards.all.len() {
                places.extend(of_guard(config, guards, number, (surface, way.upstream)));
            }
        }
        for way in &reached {
            let place = of_masking(masking, surface, way.upstream);
            places.extend(streams(surface).iter().map(|stream| Place { stream: *stream, ..place.clone() }));
        }
    }
    for beyond in places.iter_mut().skip(MAX_PLACES) {
        beyond.canary = Canary::None("too_many");
    }
    places
}

/// A provider that a route reaches.
#[derive(Clone, Copy)]
pub(super) struct Way<'c> {
    pub(super) upstream: &'c str,
    /// Its interface is another than the route's.
    is_translated: bool,
}

/// The providers that `surface` reaches, in the order of the configuration.
pub(super) fn reached(surface: Surface, catalogue: &Catalogue) -> Vec<Way<'_>> {
    let way = |upstream: &Upstream| Translation::of(surface, upstream, 0).ok().map(|way| way.is_some());
    let reached = catalogue
        .upstreams
        .iter()
        .filter_map(|upstream| Some(Way { is_translated: way(upstream)?, upstream: upstream.name.as_str() }));
    reached.collect()
}

/// The places of one guard on one way; none: it is not for the route.
pub(super) fn of_guard(
    config: &GatewayConfig,
    guards: &Guards,
    number: usize,
    (surface, upstream): (Surface, &str),
) -> Vec<Place> {
    let made = guards.all.get(number).filter(|made| made.is_for_route(surface.name()));
    let Some(made) = made else { return Vec::new() };
    // The configuration has them in an order of its own.
    let Some(guard) = config.guards.iter().find(|guard| guard.name == made.name) else {
        return Vec::new();
    };
    let mut places = Vec::new();
    for side in guard.on.iter().copied().filter(|side| looks(*side, surface)) {
        places.extend(streams(surface).iter().map(|stream| Place {
            surface,
            upstream: upstream.to_owned(),
            model: model_of(upstream),
            guard: guard.name.clone(),
            version: made.version.clone(),
            number: Some(number),
            // One that may have a text changed may do that instead.
            blocks: guard.mode == Mode::Block && !guard.may_edit,
            side,
            stream: *stream,
            stands_for: stands_for(guard),
            purpose: guard.purposes.first().cloned().unwrap_or_else(|| PURPOSE.to_owned()),
            canary: Canary::of(guard, side),
        }));
    }
    places
}

/// Where masking for `upstream` is tried on `surface`, whole.
pub(super) fn of_masking(masking: &Masking, surface: Surface, upstream: &str) -> Place {
    let applied = masking.of(PROBE_SYSTEM, PURPOSE, upstream);
    let written = format!("{}\n{}", applied.rules().join("\n"), classes(&applied.plan));
    let digest: String = hex_of(Sha256::digest(written).into()).chars().take(VERSION_DIGITS).collect();
    Place {
        surface,
        upstream: upstream.to_owned(),
        model: model_of(upstream),
        guard: MASKING.to_owned(),
        version: format!("masking.1-{digest}"),
        number: None,
        blocks: true,
        side: Side::Prompt,
        stream: false,
        stands_for: PROBE_SYSTEM,
        purpose: PURPOSE.to_owned(),
        canary: Canary::of_masking(&applied.plan),
    }
}

/// Whether there is text to look at.
fn looks(side: Side, surface: Surface) -> bool {
    side == Side::Prompt || surface.form().streams
}

fn streams(surface: Surface) -> &'static [bool] {
    if surface.form().streams { &[false, true] } else { &[false] }
}

fn stands_for(guard: &GuardConfig) -> SystemId {
    guard.systems.first().and_then(|id| SystemId::from_hex(id)).unwrap_or(PROBE_SYSTEM)
}

fn classes(plan: &tabellion_mask::Plan) -> String {
    let looked_for = tabellion_mask::Class::all().filter_map(|class| {
        let operator = plan.operator(class)?;
        Some(format!("{}={}", class.name(), operator.name()))
    });
    looked_for.collect::<Vec<_>>().join(" ")
}
