//! The calls that a sum is asked of: a window of time, and whose.

use tabellion_model::{Micros, SystemId};
use tabellion_views::query::MAX_SPEND_DAYS;

use super::forms::Time;
use super::{Actor, Desk};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Microseconds of a day.
pub(super) const DAY_US: u64 = 24 * 60 * 60 * 1_000_000;

impl Desk {
    /// From where to where: until now and `usual_days` long, unless it is said otherwise.
    pub(super) fn window(
        &self,
        from: Option<Time>,
        to: Option<Time>,
        usual_days: u64,
    ) -> Result<(Micros, Micros), Refusal> {
        let to = to.map_or_else(|| Micros(self.now().0 + 1), |to| to.0);
        let from = from.map_or(Micros(to.0.saturating_sub(usual_days * DAY_US)), |from| from.0);
        if from >= to || to.since(from) > MAX_SPEND_DAYS * DAY_US {
            let what = format!("a window begins before it ends and has at most {MAX_SPEND_DAYS} days");
            return Err(Refusal::at(Code::Malformed, "/from", what));
        }
        Ok((from, to))
    }

    /// The systems within the reach of `permission`, or `asked` of them alone; none: all.
    pub(super) fn systems_asked_for(
        &self,
        actor: &Actor,
        permission: Permission,
        asked: Option<SystemId>,
    ) -> Result<Option<Vec<SystemId>>, Refusal> {
        let within = self.systems_within(actor, permission)?;
        // A system out of reach has no calls, like one that is not there.
        Ok(match (asked, within) {
            (None, within) => within.map(|within| within.into_iter().collect()),
            (Some(system), None) => Some(vec![system]),
            (Some(system), Some(within)) => {
                Some(within.into_iter().filter(|known| *known == system).collect())
            }
        })
    }
}

/// Refuses a window in which there are more kinds of calls than are counted: what leaves some out would be taken for all of them.
pub(super) fn check_kinds(found: usize, limit: usize) -> Result<(), Refusal> {
    if found < limit {
        return Ok(());
    }
    let what = "the window holds too many kinds of calls to count; choose a shorter one, or one system";
    Err(Refusal::at(Code::Malformed, "/from", what))
}
