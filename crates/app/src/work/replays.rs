//! Changes of policies, asked of what was decided before: whom a text, or the end of one, would hit.
//!
//! Promises: decided by the engine of the gateway, over a prefix of the log, so that it can be computed again; what could not be asked again is counted as that,
//! and what is beyond the limit is said. Must never: change anything, or let a decision that is not known pass for one that stays.

mod asked;
mod cleared;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::SystemId;

pub(super) use asked::{Asked, Found, PackChange, Turned};
pub(super) use cleared::Cleared;

use super::asking::refer;
use super::forms::{DigestForm, IdForm, PolicyNameForm, Reference, Time};
use super::policies::PolicyText;
use super::{Actor, Desk, digest_of};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

/// Most decisions that are asked again, the newest. By the most rules that may be in force an answer takes a quarter of a millisecond (`MAX_RULES`), and each is
/// asked twice: five seconds of one core, and the reading of as many records. A change that is urgent never waits longer than that.
pub const MAX_REPLAYED: u64 = 10_000;
/// Decisions of one kind that are named, the newest: what a person opens.
const MAX_EXAMPLES: usize = 5;

/// What is to be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPolicyReplay")]
pub struct NewReplay {
    /// The text in place of the one in force; absent: the policy is withdrawn.
    #[serde(default)]
    #[schemars(length(min = 1, max = 65536))]
    pub text: Option<String>,
    /// Over decisions recorded at or after; with it nothing can be acknowledged.
    #[serde(default)]
    pub from: Option<Time>,
    /// Over decisions recorded before; with it nothing can be acknowledged.
    #[serde(default)]
    pub to: Option<Time>,
}

/// What whoever makes a change has looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyReplayAcknowledged")]
pub struct Acknowledged {
    /// Log size at which it was made.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub size: u64,
    /// SHA-256 over the change, the versions of all policies, and every decision that it turns.
    #[schemars(with = "DigestForm")]
    pub digest: String,
}

/// Decisions that a change turns alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyReplayChange")]
pub struct Change {
    /// `now_denied`, `now_permitted`, or `denied_otherwise`: denied before and after, for another reason.
    #[schemars(extend("enum" = ["now_denied", "now_permitted", "denied_otherwise"]))]
    pub turn: &'static str,
    /// The system whose calls they were.
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<String>,
    /// What people call it; null: erased.
    pub name: Option<String>,
    /// What would come: `permitted`, `forbidden`, `none_permits` or `erred`.
    pub verdict: &'static str,
    /// The rules that would decide.
    pub rules: Vec<String>,
    /// How many.
    pub decisions: u64,
    /// The newest of them, at most 5.
    pub newest: Vec<Reference>,
}

/// Decisions that could not be asked again for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyReplayNotAsked")]
pub struct NotAsked {
    /// Why.
    pub why: String,
    /// How many.
    pub decisions: u64,
    /// The newest.
    pub newest: Reference,
}

/// What a change of a policy comes to on recorded decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyReplay")]
pub struct Replay {
    /// The policy's name.
    #[schemars(with = "PolicyNameForm")]
    pub name: String,
    /// SHA-256 of the text, or of the pack's file; null: it was withdrawn for this.
    #[schemars(with = "Option<DigestForm>")]
    pub text_digest: Option<String>,
    /// Log size at which it was made.
    pub size: u64,
    /// Decisions there were.
    pub decisions: u64,
    /// Of these, asked again, by the policies in force now and by those that would be.
    pub replayed: u64,
    /// Of these, denied by something that no rule changes.
    pub by_no_rule: u64,
    /// Of these, not asked again: what rules look at is not known of them.
    pub not_asked: u64,
    /// Of these, not looked at: the oldest, where there are more than 10,000.
    pub beyond: u64,
    /// Permitted by the policies in force, and denied with the change.
    pub now_denied: u64,
    /// Denied by the policies in force, and permitted with the change.
    pub now_permitted: u64,
    /// What turns, by system and rule.
    pub changes: Vec<Change>,
    /// What could not be asked again, by reason.
    pub reasons: Vec<NotAsked>,
    /// Whether the change needs somebody's word: something turns, or something is not known.
    pub needs_acknowledgement: bool,
    /// What to send as `replay` with the change; null: this is not of all decisions, or the reader does not see all of it.
    pub acknowledge: Option<Acknowledged>,
}

impl Desk {
    /// What a text, or the end of one, would come to, when not too many others ask that.
    pub fn replay_policy(&self, actor: &Actor, name: &str, new: &NewReplay) -> Result<Replay, Refusal> {
        self.check_present()?;
        let _place = self.place_to_try()?;
        if let Some(text) = &new.text {
            self.check_policy(&PolicyText { text: text.clone() })?;
        } else if self.policy_row(name)?.withdrawn {
            return Err(Refusal::new(Code::AlreadySo, "the policy is not in force"));
        }
        self.refresh()?;
        let asked = Asked {
            name,
            text: new.text.as_deref(),
            pack: None,
            size: self.replayable_size(),
            from: new.from.map(|time| time.0),
            to: new.to.map(|time| time.0),
        };
        self.replay_change(actor, &asked)
    }

    /// What any change would come to.
    pub(super) fn replay_change(&self, actor: &Actor, asked: &Asked<'_>) -> Result<Replay, Refusal> {
        let found = self.asked_again(asked)?;
        self.shown_replay(actor, asked, &found)
    }

    /// The log size that can be replayed now.
    pub(super) fn replayable_size(&self) -> u64 {
        self.views.position().min(self.ledger.reader().size())
    }

    fn shown_replay(&self, actor: &Actor, asked: &Asked<'_>, found: &Found) -> Result<Replay, Refusal> {
        let within = self.systems_within(actor, Permission::ReadCalls)?;
        let seen = |system: &Option<SystemId>| {
            within.as_ref().is_none_or(|within| system.is_some_and(|system| within.contains(&system)))
        };
        let mut groups: BTreeMap<_, Vec<&Turned>> = BTreeMap::new();
        for turned in found.turned.iter().filter(|turned| seen(&turned.system)) {
            let group = (turned.turn, turned.system, turned.verdict, turned.rules.as_slice());
            groups.entry(group).or_default().push(turned);
        }
        let changes = groups.into_iter().map(|((turn, system, verdict, rules), turned)| {
            Ok(Change {
                turn: turn.as_str(),
                system: system.map(|system| system.to_hex()),
                name: system.map(|system| self.name_of(&system)).transpose()?.flatten(),
                verdict,
                rules: rules.to_vec(),
                decisions: turned.len() as u64,
                newest: turned.iter().take(MAX_EXAMPLES).map(|one| refer(one.entry, one.record_id)).collect(),
            })
        });
        let reasons = found.not_asked.iter().map(|(why, (decisions, newest))| {
            Ok(NotAsked { why: why.clone(), decisions: *decisions, newest: self.reference(*newest)? })
        });
        let whole = asked.from.is_none() && asked.to.is_none();
        let sees_all = found.turned.iter().all(|turned| seen(&turned.system));
        Ok(Replay {
            name: asked.name.to_owned(),
            text_digest: match asked.pack {
                Some(change) => change.signed.map(|signed| signed.digest().to_owned()),
                None => asked.text.map(|text| digest_of(text).to_hex()),
            },
            size: found.size,
            decisions: found.decisions,
            replayed: found.replayed,
            by_no_rule: found.by_no_rule,
            not_asked: found.not_asked(),
            beyond: found.beyond,
            now_denied: found.now_denied(),
            now_permitted: found.now_permitted(),
            changes: changes.collect::<Result<_, Refusal>>()?,
            reasons: reasons.collect::<Result<_, Refusal>>()?,
            needs_acknowledgement: found.needs_acknowledgement(),
            acknowledge: (whole && sees_all)
                .then(|| Acknowledged { size: found.size, digest: found.digest.clone() }),
        })
    }
}
