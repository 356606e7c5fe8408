//! How much of what guards must find they find: the newest measurement, and for which guards it counts (docs/probes.md).
//!
//! Promises: a share is given with the numbers that it is of, and only while they count for the version that is set up now. Must never: show an old number, or one of
//! another version, as how a guard is.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::Micros;
use tabellion_model::body::MeasuredGuard;
use tabellion_views::query::MeasurementRow;

use super::Desk;
use super::asking::refer;
use super::forms::{Reference, Time};
use super::probes::{Probes, SECOND_US, cause};
use crate::refusal::{Code, Refusal};

/// How long whoever asks for a measurement waits for it: a request of the control plane takes no longer, and what takes longer goes on.
const MEASURE_WITHIN: Duration = Duration::from_mins(1);
/// Hundredths.
const PERCENT: u64 = 100;

/// What a measurement says of a guard as it is set up now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MeasureState")]
pub enum State {
    /// It was measured in this version, and that counts.
    Measured,
    /// It was measured too long ago, or in another version: nothing follows from it now.
    Stale,
    /// Nobody has measured it, or nothing of it could be tested.
    Unmeasured,
}

/// One guard, or one class of masking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MeasuredGuard")]
pub struct Measured {
    /// What its numbers are worth.
    pub state: State,
    /// The guard; `masking` for the rules of masking.
    pub guard: String,
    /// The version that is set up now.
    pub version: String,
    /// Of masking, the class that is looked for.
    pub class: Option<String>,
    /// Inputs that it must find and of which it is known what came of them.
    pub tried: u64,
    /// Of these, stopped or masked.
    pub stopped: u64,
    /// Of these, found and let go on, as it is set up to.
    pub flagged: u64,
    /// Of these, not found.
    pub got_through: u64,
    /// Inputs of which nobody knows.
    pub untested: u64,
    /// Benign inputs of which it is known what came of them.
    pub benign_tried: u64,
    /// Of these, those in which it found something all the same.
    pub benign_hit: u64,
    /// Stopped and flagged of those tried, in whole percent, rounded down; null: not measured, or stale.
    pub found_percent: Option<u64>,
    /// Hits of the benign ones, in whole percent, rounded up; null: not measured, or stale.
    pub false_percent: Option<u64>,
    /// Inputs that it did not find, by their names in the corpus.
    pub missed: Vec<String>,
    /// Benign inputs that it hit, by their names in the corpus.
    pub hit: Vec<String>,
    /// Why some or all could not be tested.
    pub why: Option<String>,
    /// When the measurement that these numbers are of was recorded; null: there is none.
    pub at: Option<Time>,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// When it was recorded.
    pub at: Time,
    /// Why it was done; null: erased.
    #[schemars(extend("enum" = ["start", "schedule", "change", "asked", null]))]
    pub cause: Option<&'static str>,
    /// The corpus; null: erased.
    pub corpus: Option<String>,
    /// Its record.
    pub recorded: Reference,
}

impl Desk {
    /// Measures every guard now, and says how it stands then.
    pub fn measure_guards(&self) -> Result<Probes, Refusal> {
        let known = self.probes.get().ok_or_else(|| {
            Refusal::new(Code::NoGateway, "there is no gateway in this process, so nothing can be measured")
        })?;
        (known.measure)(MEASURE_WITHIN).map_err(|why| Refusal::new(Code::Unavailable, why))?;
        self.refresh()?;
        self.probes()
    }
}

pub(super) fn measurement(row: &MeasurementRow) -> Measurement {
    Measurement {
        at: Time(row.at),
        cause: row.said.as_ref().map(|said| cause(said.cause)),
        corpus: row.said.as_ref().map(|said| said.corpus.clone()),
        recorded: refer(row.entry, row.record_id),
    }
}

/// How the guard `subject`, as it is set up now, stands by the newest measurement.
pub(super) fn standing(subject: &MeasuredGuard, newest: Option<&MeasurementRow>, now: Micros) -> Measured {
    let said = newest.and_then(|row| Some((row, row.said.as_ref()?)));
    let found = said.and_then(|(row, said)| {
        let is_of_it =
            |known: &&MeasuredGuard| (&known.guard, &known.class) == (&subject.guard, &subject.class);
        let found = said.guards.iter().find(is_of_it)?;
        let is_fresh = now.since(row.at) <= said.valid_s.saturating_mul(SECOND_US);
        Some((row, found, is_fresh && found.is_same(subject)))
    });
    let counts = found.map(|(_, found, _)| found.counts).unwrap_or_default();
    let is_empty = counts.tried == 0 && counts.benign_tried == 0;
    let state = match found {
        None => State::Unmeasured,
        Some((_, _, false)) => State::Stale,
        Some((_, _, true)) if is_empty => State::Unmeasured,
        Some((_, _, true)) => State::Measured,
    };
    let is_measured = state == State::Measured;
    let caught = counts.stopped.saturating_add(counts.flagged).saturating_mul(PERCENT);
    let hits = counts.benign_hit.saturating_mul(PERCENT);
    let list = |of: fn(&MeasuredGuard) -> &Vec<String>| {
        found.map(|(_, found, _)| of(found).clone()).unwrap_or_default()
    };
    Measured {
        state,
        guard: subject.guard.clone(),
        version: subject.version.clone(),
        class: subject.class.clone(),
        tried: counts.tried,
        stopped: counts.stopped,
        flagged: counts.flagged,
        got_through: counts.got_through,
        untested: counts.untested,
        benign_tried: counts.benign_tried,
        benign_hit: counts.benign_hit,
        found_percent: caught.checked_div(counts.tried).filter(|_| is_measured),
        false_percent: (is_measured && counts.benign_tried > 0).then(|| hits.div_ceil(counts.benign_tried)),
        missed: list(|found| &found.missed),
        hit: list(|found| &found.hit),
        why: found.map_or_else(|| subject.why.clone(), |(_, found, _)| found.why.clone()),
        at: found.map(|(row, ..)| Time(row.at)),
    }
}

#[cfg(test)]
mod tests {
    use tabellion_model::RecordId;
    use tabellion_model::body::ProbeCause;
    use tabellion_model::measure::MeasureCounts;
    use tabellion_views::query::MeasurementSaid;

    use super::*;

    fn guard(version: &str, counts: MeasureCounts) -> MeasuredGuard {
        MeasuredGuard {
            guard: "house".to_owned(),
            version: version.to_owned(),
            counts,
            ..MeasuredGuard::default()
        }
    }

    fn row(guards: Vec<MeasuredGuard>) -> MeasurementRow {
        let said = MeasurementSaid {
            cause: ProbeCause::Schedule,
            corpus: "corpus".to_owned(),
            valid_s: 100,
            guards,
        };
        MeasurementRow {
            entry: 7,
            record_id: RecordId::from_bytes([7; 16]),
            at: Micros(1_000 * SECOND_US),
            counts: MeasureCounts::default(),
            said: Some(said),
        }
    }

    /// Requirement: B07. A share is given for this version while it counts, and for nothing else; misses are never rounded away, nor are false hits.
    #[test]
    fn a_share_is_given_only_while_it_counts_for_this_version() {
        let counts = MeasureCounts {
            tried: 300,
            stopped: 298,
            flagged: 1,
            got_through: 1,
            benign_tried: 300,
            benign_hit: 1,
            ..MeasureCounts::default()
        };
        let subject = guard("words.1-a", MeasureCounts::default());
        let of = |row: Option<&MeasurementRow>, at_s: u64| {
            let measured = standing(&subject, row, Micros(at_s * SECOND_US));
            (measured.state, measured.found_percent, measured.false_percent)
        };
        let same = row(vec![guard("words.1-a", counts)]);
        assert_eq!(of(Some(&same), 1_100), (State::Measured, Some(99), Some(1)));
        assert_eq!(of(Some(&same), 1_101), (State::Stale, None, None), "an old number counts for ever");
        let other = row(vec![guard("words.1-b", counts)]);
        assert_eq!(of(Some(&other), 1_001), (State::Stale, None, None), "another version's number counts");
        assert_eq!(of(None, 1_001), (State::Unmeasured, None, None));
        let untested = MeasureCounts { untested: 54, ..MeasureCounts::default() };
        let nothing = row(vec![guard("words.1-a", untested)]);
        assert_eq!(
            of(Some(&nothing), 1_001),
            (State::Unmeasured, None, None),
            "nothing tried is nothing missed"
        );
        let erased = MeasurementRow { said: None, ..same };
        assert_eq!(of(Some(&erased), 1_001), (State::Unmeasured, None, None), "what is erased counts");
    }
}
