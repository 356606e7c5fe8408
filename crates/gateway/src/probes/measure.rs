//! Measuring: the whole corpus is sent through every guard and through masking, and what came of it is one record.
//!
//! Promises: each input is a probe like a canary, judged by the same verdict. Must never: count as found what was not tested.

use std::time::Duration;

use tabellion_mask::{Class, Operator};
use tabellion_model::body::{GuardMeasured, MeasuredGuard, ProbeCause, ProbeResult};
use tabellion_model::probe::PROBE_SYSTEM;
use tokio::time::Instant;

use super::canary::Canary;
use super::corpus::{CLASSES, CORPUS, Input, Set};
use super::places::{self, Place};
use super::round::Prober;
use super::{PURPOSE, ProbeError};
use crate::config::GatewayConfig;
use crate::evidence;
use crate::guards::Guards;
use crate::guards::config::Side;
use crate::masking::Masking;
use crate::surface::Surface;
use crate::upstream::catalogue::Catalogue;

/// Most calls of one measurement: sixteen guards and all classes take fewer.
const MAX_CALLS: usize = 2048;
/// Longest that one takes: services of others are asked about each input too.
const MAX_SPAN: Duration = Duration::from_mins(10);
/// For how long one counts: a day longer than the rarest that can be set.
const VALID_S: u64 = 8 * 24 * 60 * 60;
/// What the verdict says of a text that the guard passed.
const NOT_FOUND: &str = "not_found";

/// One guard, or one class of masking, and what it is measured with.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// Where its inputs go, without any of them.
    place: Place,
    class: Option<&'static str>,
    is_blocked: bool,
    set: Result<Set, &'static str>,
}

impl Subject {
    /// As records have it, not measured.
    pub(super) fn unmeasured(&self) -> MeasuredGuard {
        MeasuredGuard {
            guard: self.place.guard.clone(),
            version: self.place.version.clone(),
            class: self.class.map(str::to_owned),
            surface: self.place.surface.name().to_owned(),
            upstream: self.place.upstream.clone(),
            why: self.set.as_ref().err().map(|why| (*why).to_owned()),
            ..MeasuredGuard::default()
        }
    }

    fn bad(&self, input: &Input) -> Place {
        let canary = match self.class {
            None => Canary::Text(input.text.clone()),
            Some(class) => Canary::Personal {
                text: input.text.clone(),
                cores: vec![(class, input.core.clone().into())],
                is_blocked: self.is_blocked,
            },
        };
        Place { canary, ..self.place.clone() }
    }

    fn benign(&self, input: &Input) -> Place {
        let canary = match self.class {
            None => Canary::Text(input.text.clone()),
            // Of masking it must arrive as it is.
            Some(_) => Canary::Personal {
                text: input.text.clone(),
                cores: vec![("benign", input.core.clone().into())],
                is_blocked: false,
            },
        };
        Place { canary, ..self.place.clone() }
    }
}

/// Every guard and every class of masking, on the first route that has a provider and that it is for, with the first provider that it reaches.
pub(super) fn subjects(
    config: &GatewayConfig,
    catalogue: &Catalogue,
    guards: &Guards,
    masking: &Masking,
) -> Vec<Subject> {
    let ways = || {
        Surface::ALL.into_iter().filter_map(|surface| {
            let upstream = places::reached(surface, catalogue).first()?.upstream;
            Some((surface, upstream))
        })
    };
    let Some((surface, upstream)) = ways().next() else { return Vec::new() };
    let mut subjects = Vec::new();
    for (number, made) in guards.all.iter().enumerate() {
        // The first of the routes that it is for.
        let mut of_ways = ways().map(|way| places::of_guard(config, guards, number, way));
        let Some(places) = of_ways.find(|places| !places.is_empty()) else { continue };
        let Some(guard) = config.guards.iter().find(|guard| guard.name == made.name) else { continue };
        let prompt = places.iter().find(|place| place.side == Side::Prompt && !place.stream);
        let Some(any) = prompt.or(places.first()) else { continue };
        let set = if prompt.is_some() { Set::of_guard(guard) } else { Err("answers_only") };
        subjects.push(Subject { place: any.clone(), class: None, is_blocked: false, set });
    }
    let plan = masking.of(PROBE_SYSTEM, PURPOSE, upstream).plan;
    let place = places::of_masking(masking, surface, upstream);
    for name in CLASSES {
        let operator = Class::from_name(name).and_then(|class| plan.operator(class));
        let set = match operator {
            // Nobody looks for it: nothing is said of it.
            None => continue,
            Some(Operator::Pass) => Err("passes_by_rule"),
            Some(_) => Ok(Set::of_class(name)),
        };
        let is_blocked = operator == Some(Operator::Block);
        subjects.push(Subject { place: place.clone(), class: Some(name), is_blocked, set });
    }
    subjects
}

/// What is left for a measurement.
struct Budget {
    calls: usize,
    until: Instant,
}

impl Budget {
    /// Takes one call; the error is why there is none.
    fn take(&mut self) -> Result<(), &'static str> {
        if Instant::now() >= self.until {
            return Err("timeout");
        }
        self.calls = self.calls.checked_sub(1).ok_or("too_many")?;
        Ok(())
    }
}

impl Prober {
    /// Sends the corpus and records what came of it.
    pub(super) async fn measure(&self, cause: ProbeCause) -> Result<(), ProbeError> {
        let mut budget = Budget { calls: MAX_CALLS, until: Instant::now() + MAX_SPAN };
        let mut guards = Vec::with_capacity(self.subjects.len());
        for subject in &self.subjects {
            guards.push(self.measured(subject, &mut budget).await?);
        }
        let body = GuardMeasured { cause, corpus: CORPUS.to_owned(), valid_s: VALID_S, guards };
        let recorded = match evidence::measured(&body) {
            Ok(draft) => self.serving.worker.shared.evidence.append(&draft).await.map(drop),
            Err(error) => Err(error),
        };
        recorded.map_err(|error| ProbeError::Unrecorded(error.to_string()))
    }

    async fn measured(&self, subject: &Subject, budget: &mut Budget) -> Result<MeasuredGuard, ProbeError> {
        let mut row = subject.unmeasured();
        let Ok(set) = &subject.set else { return Ok(row) };
        let inputs =
            set.bad.iter().map(|input| (input, true)).chain(set.benign.iter().map(|one| (one, false)));
        for (done, (input, is_bad)) in inputs.enumerate() {
            if self.is_ending() {
                return Err(ProbeError::Busy);
            }
            if let Err(why) = budget.take() {
                row.counts.untested += set.len().saturating_sub(done) as u64;
                row.why.get_or_insert_with(|| why.to_owned());
                break;
            }
            let place = if is_bad { subject.bad(input) } else { subject.benign(input) };
            let probed = Box::pin(self.tried(&place)).await;
            let came_to = (probed.result, probed.why.as_deref());
            let untested =
                if is_bad { bad(&mut row, input, came_to) } else { benign(&mut row, input, came_to) };
            if let Some(why) = untested {
                row.counts.untested += 1;
                row.why.get_or_insert(why);
            }
        }
        Ok(row)
    }
}

/// Counts what came of an input that must be found; gives why nobody knows.
fn bad(row: &mut MeasuredGuard, input: &Input, came_to: (ProbeResult, Option<&str>)) -> Option<String> {
    match came_to {
        (ProbeResult::Stopped, _) => row.counts.stopped += 1,
        (ProbeResult::Flagged, _) => row.counts.flagged += 1,
        (ProbeResult::GotThrough, _) => {
            row.counts.got_through += 1;
            row.missed.push(input.name.clone());
        }
        (ProbeResult::Untested, why) => return Some(why.unwrap_or_default().to_owned()),
    }
    row.counts.tried += 1;
    None
}

/// Counts what came of a benign input; gives why nobody knows.
fn benign(row: &mut MeasuredGuard, input: &Input, came_to: (ProbeResult, Option<&str>)) -> Option<String> {
    match came_to {
        (ProbeResult::Stopped | ProbeResult::Flagged, _) => {
            row.counts.benign_hit += 1;
            row.hit.push(input.name.clone());
        }
        // Masking let it arrive as it is; a guard said that it found nothing.
        (ProbeResult::GotThrough, why) if row.class.is_some() || why == Some(NOT_FOUND) => {}
        (ProbeResult::GotThrough | ProbeResult::Untested, why) => {
            return Some(why.unwrap_or_default().to_owned());
        }
    }
    row.counts.benign_tried += 1;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Input {
        Input { name: "injection-07".to_owned(), text: "a text".to_owned(), core: "a text".to_owned() }
    }

    /// Requirement: B07. What was not tested is neither found nor missed, and what a guard could not look at is no clean bill.
    #[test]
    fn what_is_not_known_is_counted_as_nothing_else() {
        let mut row = MeasuredGuard::default();
        assert_eq!(bad(&mut row, &input(), (ProbeResult::Stopped, None)), None);
        assert_eq!(bad(&mut row, &input(), (ProbeResult::Flagged, None)), None);
        assert_eq!(bad(&mut row, &input(), (ProbeResult::GotThrough, Some("not_found"))), None);
        let denied = (ProbeResult::Untested, Some("policy_denied"));
        assert_eq!(bad(&mut row, &input(), denied), Some("policy_denied".to_owned()));
        assert_eq!(benign(&mut row, &input(), denied), Some("policy_denied".to_owned()));
        let unseen = (ProbeResult::GotThrough, Some("unseen"));
        assert_eq!(benign(&mut row, &input(), unseen), Some("unseen".to_owned()), "nobody looked");
        assert_eq!(benign(&mut row, &input(), (ProbeResult::GotThrough, Some(NOT_FOUND))), None);
        assert_eq!(benign(&mut row, &input(), (ProbeResult::Stopped, None)), None);
        let counts = row.counts;
        assert_eq!((counts.tried, counts.stopped, counts.flagged, counts.got_through), (3, 1, 1, 1));
        assert_eq!((counts.benign_tried, counts.benign_hit, counts.untested), (2, 1, 0));
        assert_eq!((row.missed.len(), row.hit.len()), (1, 1));
    }

    /// Requirement: B07. Calls and time end; what is left then is not called found.
    #[tokio::test]
    async fn a_measurement_has_an_end() {
        let mut few = Budget { calls: 1, until: Instant::now() + MAX_SPAN };
        assert_eq!((few.take(), few.take()), (Ok(()), Err("too_many")));
        let mut late = Budget { calls: 1, until: Instant::now() };
        assert_eq!(late.take(), Err("timeout"));
    }
}
