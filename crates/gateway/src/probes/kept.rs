//! What is kept of the round before: a guard that let a canary through fails until it stops one at the same place, also over rounds that cannot try it and over a
//! restart.
//!
//! Must never: take a round that tried nothing for one that found nothing.

use tabellion_model::body::{ProbeResult, ProbedPlace};
use tabellion_views::query::ProbeRoundRow;

use super::canary::Canary;
use super::places::{MASKING, Place};
use super::verdict::UNSEEN;

/// Why a canary counts as one that got through: it did once, and nobody could try it since.
pub(super) const NOT_TRIED: &str = "not_tried_since";

/// What the newest round of probes on record came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RoundBefore {
    /// There was none, or nothing got through in it.
    #[default]
    None,
    /// These places.
    Said(Vec<ProbedPlace>),
    /// A canary got through, and where was erased: every place that can be tried counts as one of them.
    Erased,
}

impl From<Option<ProbeRoundRow>> for RoundBefore {
    fn from(row: Option<ProbeRoundRow>) -> Self {
        match row {
            Some(ProbeRoundRow { said: Some(said), .. }) => Self::Said(said.places),
            Some(row) if row.counts.got_through > 0 => Self::Erased,
            _ => Self::None,
        }
    }
}

/// Whether what came of a place denies what its guard is for. Whoever lets go on what a guard could not look at has decided that already.
pub(super) fn fails(place: &ProbedPlace) -> bool {
    place.result == ProbeResult::GotThrough && place.why.as_deref() != Some(UNSEEN)
}

/// `tried`, or that its canary got through `before` where nothing that was tried now says otherwise.
pub(super) fn carried(tried: ProbedPlace, before: &[ProbedPlace]) -> ProbedPlace {
    let Some(known) = found(before, &tried).filter(|known| known.result == ProbeResult::GotThrough) else {
        return tried;
    };
    let is_known_to_fail = fails(known);
    let is_unseen = tried.result == ProbeResult::GotThrough && !fails(&tried);
    let why = match tried.result {
        ProbeResult::Stopped | ProbeResult::Flagged => return tried,
        ProbeResult::GotThrough if !(is_unseen && is_known_to_fail) => return tried,
        ProbeResult::GotThrough | ProbeResult::Untested if is_known_to_fail => NOT_TRIED,
        ProbeResult::GotThrough | ProbeResult::Untested => UNSEEN,
    };
    ProbedPlace { result: ProbeResult::GotThrough, why: Some(why.to_owned()), ..tried }
}

/// What is known of `places` at a start, before anybody tried them; empty: nothing.
pub(super) fn at_start(places: &[Place], before: &RoundBefore) -> Vec<ProbedPlace> {
    let known = |place: &Place| {
        let untested = place.came_to(ProbeResult::Untested, None);
        match (before, &place.canary) {
            (RoundBefore::Said(before), _) => match found(before, &untested) {
                Some(known) => ProbedPlace {
                    result: known.result,
                    why: known.why.clone(),
                    calls: known.calls.clone(),
                    ..untested
                },
                None => untested,
            },
            // It can never be tried, and so never be cleared.
            (_, Canary::None(why)) => place.came_to(ProbeResult::Untested, Some((*why).to_owned())),
            _ => place.came_to(ProbeResult::GotThrough, Some(NOT_TRIED.to_owned())),
        }
    };
    match before {
        RoundBefore::None => Vec::new(),
        _ => places.iter().map(known).collect(),
    }
}

/// What `before` says of the place. A guard that failed in place of one provider is not cleared by another name of it; masking is another for each provider.
fn found<'k>(before: &'k [ProbedPlace], place: &ProbedPlace) -> Option<&'k ProbedPlace> {
    let elsewhere = |known: &&ProbedPlace| {
        let renamed = ProbedPlace { upstream: known.upstream.clone(), ..place.clone() };
        place.guard != MASKING && known.result == ProbeResult::GotThrough && known.is_same_place(&renamed)
    };
    let same = before.iter().find(|known| known.is_same_place(place));
    same.or_else(|| before.iter().find(elsewhere))
}

#[cfg(test)]
mod tests {
    use tabellion_model::probe::PROBE_SYSTEM;

    use super::*;
    use crate::guards::config::Side;
    use crate::surface::Surface;

    fn place(guard: &str, canary: Canary) -> Place {
        Place {
            surface: Surface::OpenAiChat,
            upstream: "main".to_owned(),
            model: "tabellion-probe/main".to_owned(),
            guard: guard.to_owned(),
            version: "http.1-a".to_owned(),
            number: Some(0),
            blocks: true,
            side: Side::Prompt,
            stream: false,
            stands_for: PROBE_SYSTEM,
            purpose: "probe".to_owned(),
            canary,
        }
    }

    fn came_to(result: ProbeResult, why: Option<&str>) -> ProbedPlace {
        place("others", Canary::Text("a text".to_owned())).came_to(result, why.map(str::to_owned))
    }

    /// Requirement: N19. Only a canary that was stopped, or flagged where that is set up, ends what one that got through began.
    #[test]
    fn what_got_through_is_kept_until_it_was_stopped() {
        use ProbeResult::{Flagged, GotThrough, Stopped, Untested};
        let blind = [came_to(GotThrough, Some("not_found"))];
        let unseen = [came_to(GotThrough, Some(UNSEEN))];
        let after = |before: &[ProbedPlace], result, why| {
            let place = carried(came_to(result, why), before);
            (place.result, place.why)
        };
        let through = |why: &str| (GotThrough, Some(why.to_owned()));
        assert_eq!(after(&blind, Untested, Some("errored")), through(NOT_TRIED));
        assert_eq!(after(&blind, GotThrough, Some(UNSEEN)), through(NOT_TRIED), "an error clears a guard");
        assert_eq!(after(&blind, GotThrough, Some("sent")), through("sent"));
        assert_eq!(after(&blind, Stopped, None), (Stopped, None));
        assert_eq!(after(&blind, Flagged, None), (Flagged, None));
        assert_eq!(after(&unseen, Untested, Some("stopped")), through(UNSEEN), "it begins to deny");
        assert_eq!(after(&unseen, GotThrough, Some("not_found")), through("not_found"));
        let carried_on = [came_to(GotThrough, Some(NOT_TRIED))];
        assert_eq!(after(&carried_on, Untested, Some("stopped")), through(NOT_TRIED), "two rounds clear it");
        let stopped = [came_to(Stopped, None)];
        assert_eq!(after(&stopped, Untested, Some("errored")), (Untested, Some("errored".to_owned())));
    }

    /// Requirement: N19. Another version is another guard; another name of the provider is not.
    #[test]
    fn a_place_is_the_same_under_another_name_of_its_provider_and_not_in_another_version() {
        let untested = || came_to(ProbeResult::Untested, None);
        let blind = came_to(ProbeResult::GotThrough, Some("not_found"));
        let renamed = [ProbedPlace { upstream: "before".to_owned(), ..blind.clone() }];
        assert_eq!(carried(untested(), &renamed).why.as_deref(), Some(NOT_TRIED), "a new name clears it");
        let mended = [ProbedPlace { version: "http.1-b".to_owned(), ..blind }];
        assert_eq!(carried(untested(), &mended), untested(), "what was mended stays denied");
        let masking = |upstream: &str| ProbedPlace {
            guard: MASKING.to_owned(),
            upstream: upstream.to_owned(),
            ..untested()
        };
        let leaked = [ProbedPlace { result: ProbeResult::GotThrough, ..masking("before") }];
        assert_eq!(carried(masking("main"), &leaked), masking("main"), "masking is for each provider");
    }

    /// Requirement: N19. An erasure of where a canary got through clears nothing, and denies nothing that could never be cleared.
    #[test]
    fn what_was_erased_counts_as_got_through_wherever_it_can_be_tried() {
        let places =
            [place("others", Canary::Text("a text".to_owned())), place("none", Canary::None("no_canary"))];
        let known = at_start(&places, &RoundBefore::Erased);
        assert_eq!(known.iter().map(fails).collect::<Vec<_>>(), [true, false]);
        assert!(at_start(&places, &RoundBefore::None).is_empty(), "what nobody knows is told");
        let said = RoundBefore::Said(vec![came_to(ProbeResult::GotThrough, Some("not_found"))]);
        let known = at_start(&places, &said);
        assert_eq!(known.iter().map(fails).collect::<Vec<_>>(), [true, false]);
    }
}
