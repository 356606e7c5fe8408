//! Alarms in the log itself: a witness knows another history of it (formats §8, §12).
//!
//! Promises that an alarm counts until a later record lifts it, and that an open one is named and never passes for nothing. Which of two histories is the
//! right one nobody can say from a package, so an open alarm leaves the whole undetermined.

use std::collections::HashMap;

use crate::header::Header;
use crate::id::RecordId;
use crate::registry::{ConflictFound, Divergence, Facts, Kind, Recognition, facts, recognise};
use crate::time::Micros;
use crate::verdict::{CheckPlan, Problems, Report};

pub(crate) const ALARMS: &str = "alarms";
/// The check, which a report has when the package holds an alarm.
const ALARMS_PLAN: CheckPlan = CheckPlan {
    name: ALARMS,
    proves: "Every alarm in the log that is shown here, of a witness that saw another history of it, was answered for and lifted.",
    does_not_prove: "That the answer was right, or that no witness saw another history later.",
};

/// An alarm and where it stands.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    index: u64,
    record: RecordId,
    at: Micros,
    found: ConflictFound,
}

/// What the records at hand say of alarms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alarms {
    raised: Vec<Alarm>,
    /// Of each alarm's record that is lifted, the largest index of a record that does.
    lifted: HashMap<RecordId, u64>,
}

/// Whether a record raises or lifts an alarm, so that a package may bring it along from outside its range.
pub(crate) fn is_alarm(header: &Header) -> bool {
    matches!(recognise(header), Recognition::Known(Kind::ConflictFound | Kind::ConflictLifted))
}

impl Alarms {
    /// Takes note of one record, in any order.
    pub(crate) fn observe(&mut self, index: u64, header: &Header) {
        if !is_alarm(header) {
            return;
        }
        match facts(header) {
            Ok(Some(Facts::ConflictFound(found))) => {
                let (record, at) = (header.record_id, header.observed_at);
                self.raised.push(Alarm { index, record, at, found });
            }
            Ok(Some(Facts::ConflictLifted(record))) => self.lift(record, index),
            _ => {}
        }
    }

    /// Adds what others saw.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.raised.extend(other.raised);
        other.lifted.into_iter().for_each(|(record, index)| self.lift(record, index));
    }

    fn lift(&mut self, record: RecordId, index: u64) {
        let last = self.lifted.entry(record).or_insert(index);
        *last = index.max(*last);
    }

    fn is_lifted(&self, alarm: &Alarm) -> bool {
        self.lifted.get(&alarm.record).is_some_and(|index| *index > alarm.index)
    }

    /// Reports the alarms, when there are any.
    pub(crate) fn check(mut self, report: &mut Report) {
        if self.raised.is_empty() {
            return;
        }
        self.raised.sort_by_key(|alarm| alarm.index);
        let mut problems = Problems::default();
        for alarm in self.raised.iter().filter(|alarm| !self.is_lifted(alarm)) {
            problems.undetermined(|| alarm.text());
        }
        report.plan_required(&ALARMS_PLAN);
        let lifted = format!("alarms: {}, each lifted by a later record", self.raised.len());
        report.settle(ALARMS, &problems, lifted);
    }
}

impl Alarm {
    fn text(&self) -> String {
        let kind = match self.found.kind {
            Divergence::Forked => "forked",
            Divergence::RolledBack => "rolled back",
        };
        let who =
            if self.found.proved { "under the log's own signature" } else { "by the witness's word alone" };
        format!(
            "entry {}: a witness saw another history of this log at {}: {kind}, its tree has {} entries, {who}; not lifted",
            self.index, self.at, self.found.size
        )
    }
}
