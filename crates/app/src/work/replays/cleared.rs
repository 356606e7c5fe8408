//! Whether a change of policies may be made: nothing turns and all is known, or whoever makes it acknowledged what does.
//!
//! Promises: what was acknowledged is computed again over the same prefix of the log and compared by its digest, so nobody needs to remember it; it is of the
//! policies as they are where the change is recorded. Must never: take an acknowledgement of something else, or of long ago.

use tabellion_model::body::PolicyReplayed;

use super::asked::versions;
use super::{Acknowledged, Asked, Found};
use crate::refusal::{Code, Refusal};
use crate::work::writing::{Earlier, foreign, key_of};
use crate::work::{Actor, Desk, Given};

/// How long somebody may think over what they were shown, once other decisions follow: a working day with its night.
const FRESH_US: u64 = 24 * 60 * 60 * 1_000_000;

/// A change that may be made, as long as the policies are what they were.
#[derive(Debug, Clone)]
pub(in crate::work) struct Cleared {
    policies: Vec<(String, u64)>,
    said: PolicyReplayed,
}

impl Cleared {
    fn of(found: Found, acknowledged: bool) -> Self {
        let said = PolicyReplayed {
            size: found.size,
            decisions: found.decisions,
            replayed: found.replayed,
            by_no_rule: found.by_no_rule,
            not_asked: found.not_asked(),
            beyond: found.beyond,
            now_denied: found.now_denied(),
            now_permitted: found.now_permitted(),
            digest: found.digest,
            acknowledged,
        };
        Self { policies: found.policies, said }
    }
}

impl Desk {
    /// Clears a change by `actor`; none: the same request was recorded before, and nothing is asked of it any more. The views are to be as new as they can be.
    pub(in crate::work) fn clear_change(
        &self,
        actor: &Actor,
        (operation, given): (&str, &Given),
        (name, text): (&str, Option<&str>),
        acknowledged: Option<&Acknowledged>,
    ) -> Result<Option<Cleared>, Refusal> {
        let newest = Asked { name, text, pack: None, size: self.replayable_size(), from: None, to: None };
        self.clear_asked(actor, (operation, given), newest, acknowledged)
    }

    /// The same for any change; `newest` is of all decisions that there are.
    pub(in crate::work) fn clear_asked(
        &self,
        actor: &Actor,
        (operation, given): (&str, &Given),
        newest: Asked<'_>,
        acknowledged: Option<&Acknowledged>,
    ) -> Result<Option<Cleared>, Refusal> {
        let key = key_of(actor, operation, given)?;
        if self.earlier(key.as_deref(), false)?.is_some() {
            return Ok(None);
        }
        let Some(acknowledged) = acknowledged else {
            let found = self.asked_again(&newest)?;
            if found.needs_acknowledgement() {
                return Err(Refusal::at(Code::ReplayNeeded, "/replay", needed(&found)));
            }
            return Ok(Some(Cleared::of(found, false)));
        };
        let outdated = |what: &str| Err(Refusal::at(Code::ReplayOutdated, "/replay", what));
        if acknowledged.size > newest.size {
            return outdated("the log is not as long as the size that it names");
        }
        let since = self.views.decided_after(acknowledged.size)?;
        if since.is_some_and(|first| self.now().0.saturating_sub(first.0) > FRESH_US) {
            return outdated("it leaves out decisions that are more than a day old");
        }
        let found = self.asked_again(&Asked { size: acknowledged.size, ..newest })?;
        if found.digest != acknowledged.digest {
            return outdated(
                "it is not what this change comes to: the text, a policy or what can be read of the decisions is another one",
            );
        }
        if !found.needs_acknowledgement() && self.asked_again(&newest)?.needs_acknowledgement() {
            return outdated("it shows nothing of what this change comes to by now");
        }
        Ok(Some(Cleared::of(found, true)))
    }

    /// What the record of a change says of its replay, if the policies still are what it was cleared for; of a request that was recorded before, what it said then.
    pub(in crate::work) fn replay_said(
        &self,
        cleared: Option<&Cleared>,
        earlier: Option<&Earlier>,
    ) -> Result<Option<PolicyReplayed>, Refusal> {
        if let Some(earlier) = earlier {
            let said = earlier.fields.get("replay").cloned();
            return said.map(serde_json::from_value).transpose().map_err(|_| foreign());
        }
        let now = versions(&self.policy_rows(u64::MAX)?, &self.pack_rows()?);
        match cleared {
            Some(cleared) if cleared.policies == now => Ok(Some(cleared.said.clone())),
            _ => Err(Refusal::at(
                Code::ReplayOutdated,
                "/replay",
                "the policies were changed while this change was replayed",
            )),
        }
    }
}

/// What has to be acknowledged, in a sentence.
fn needed(found: &Found) -> String {
    let parts = [
        (found.now_denied(), "would be denied now"),
        (found.now_permitted(), "would be permitted now"),
        (found.not_asked(), "could not be asked again"),
        (found.beyond, "are older than those that were asked again"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    format!("of {} recorded decisions {}", found.decisions, parts.join(", "))
}
