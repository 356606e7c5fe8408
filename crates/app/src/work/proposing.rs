//! Changes of policies that two people make: put forward by one, confirmed by another (docs/decisions/0057-who-publishes-a-policy.md).
//!
//! Promises: nothing of what is put forward is in force by that; what is confirmed is the record that was shown, by somebody who is not who put it forward, as far
//! as anybody can tell. Must never: let one person change what is in force where the configuration says that two do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_ledger::Draft;
use tabellion_model::RecordId;
use tabellion_model::body::{
    Body as _, PolicyConfirmed, PolicyProposalWithdrawn, PolicyProposed, PolicyPublished, PolicyReplayed,
    PolicyWithdrawn,
};
use tabellion_views::query::{PackSaid, Proposed};

use super::asking::all;
use super::forms::{DigestForm, IdForm, PolicyNameForm, Reference, Time};
use super::policies::{Policy, PolicyText, stream as policy_stream};
use super::prose::Prose;
use super::replays::{Acknowledged, Cleared};
use super::second_person::NotAnother;
use super::writing::{Earlier, draft_of, foreign, key_of};
use super::{Actor, Desk, Given, Written};
use crate::refusal::{Code, Refusal};

/// What confirming is called in idempotency keys.
const CONFIRM: &str = "confirm-policy";
/// What is said to whoever is no second person.
const NOT_ANOTHER: NotAnother = NotAnother {
    own_work: "you put this forward, and a second person has to decide on it; it stays as it was",
    own_link: "you and whoever put this forward let one another in, so that nobody could tell that you are two; somebody else decides on it",
};

/// A change of a policy to put forward.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPolicyProposal")]
pub struct NewProposal {
    /// The text that is to come into force, in Cedar; absent: the policy is to go out of force.
    #[serde(default)]
    #[schemars(length(min = 1, max = 65536))]
    pub text: Option<String>,
    /// What changes and why.
    pub note: Prose,
}

/// What a second person confirms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyConfirmation")]
pub struct Confirmation {
    /// The record of what was put forward, as it was shown.
    #[schemars(with = "IdForm")]
    pub proposed: RecordId,
    /// Why.
    pub reason: Prose,
    /// What was looked at of what the change comes to, where that is needed.
    #[serde(default)]
    pub replay: Option<Acknowledged>,
}

/// What is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyProposalWithdrawal")]
pub struct TakingBack {
    /// The record of what was put forward, as it was shown.
    #[schemars(with = "IdForm")]
    pub proposed: RecordId,
    /// Why.
    pub reason: Prose,
}

/// That what was put forward was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyProposalTakenBack")]
pub struct TakenBack {
    /// When.
    pub at: Time,
    /// Why; null: erased.
    pub reason: Option<String>,
    /// Its record.
    pub recorded: Reference,
}

/// What was put forward last of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PolicyProposal")]
pub struct Proposal {
    /// The policy's name.
    #[schemars(with = "PolicyNameForm")]
    pub name: String,
    /// Its record: what is decided on.
    #[schemars(with = "IdForm")]
    pub proposed: String,
    /// Whether it waits for a second person; else it was taken back, or the policy was changed since.
    pub waiting: bool,
    /// How who put it forward took it back; null: they did not.
    pub taken_back: Option<TakenBack>,
    /// Whether the policy is to go out of force; null: erased.
    pub withdraws: Option<bool>,
    /// The text that is to come into force; null: none is, or it was erased.
    pub text: Option<String>,
    /// SHA-256 of the text.
    #[schemars(with = "Option<DigestForm>")]
    pub digest: Option<String>,
    /// What changes and why; null: erased.
    pub note: Option<String>,
    /// Who put it forward.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
    /// Version, as in the `ETag`.
    pub version: u64,
    /// The record.
    pub recorded: Reference,
}

impl Desk {
    /// Whether a change of policies takes two people here.
    pub fn policies_take_two(&self) -> bool {
        self.tools.observation.two_people
    }

    /// Whether nothing is in force that could permit a call: no policy with a text, and no pack.
    pub fn is_without_policy(&self) -> Result<bool, Refusal> {
        let policies = self.policy_rows(u64::MAX)?;
        let has_text =
            policies.iter().any(|row| row.content.as_ref().is_some_and(|said| said.text.is_some()));
        let loaded = |packs: &[tabellion_views::query::PackVersion]| {
            packs.iter().any(|pack| matches!(pack.said, PackSaid::Loaded(_)))
        };
        Ok(!has_text && !loaded(&self.pack_rows()?))
    }

    /// What waits for a second person, the last put forward first.
    pub fn policy_proposals(&self) -> Result<Vec<Proposal>, Refusal> {
        let rows = all(|page| self.views.policies_proposed(page))?;
        rows.into_iter().filter(|row| row.open).map(|row| self.shown_proposal(row)).collect()
    }

    /// What was put forward last of a policy.
    pub fn policy_proposal(&self, name: &str) -> Result<Proposal, Refusal> {
        self.shown_proposal(self.proposal_row(name)?)
    }

    /// Puts a change forward. Nothing is in force by that.
    pub fn propose_policy(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        new: &NewProposal,
    ) -> Result<(Proposal, Written), Refusal> {
        let checked = new.text.as_ref().map(|text| self.check_policy(&PolicyText { text: text.clone() }));
        let digest = checked.transpose()?.map(|checked| checked.digest);
        let said = PolicyProposed {
            name: name.to_owned(),
            text: new.text.clone(),
            digest,
            note: new.note.to_text(),
        };
        let _held = self.hold_observations();
        let written = self.once(actor, "propose-policy", given, |earlier| {
            let current = self.views.policy_proposed(name)?;
            if earlier.is_none() {
                self.check_proposable(&said)?;
                if given.version.is_none() && current.as_ref().is_some_and(|row| row.open) {
                    let text = "something else waits for a second person under this name; read it first";
                    return Err(Refusal::new(Code::VersionRequired, text));
                }
            }
            let version = current.map_or(0, |row| row.version);
            Ok(vec![draft_of(&said, stream(name), given.expected(earlier, version))?])
        })?;
        Ok((self.policy_proposal(name)?, written))
    }

    /// Has come about what somebody else put forward.
    pub fn confirm_policy(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &Confirmation,
    ) -> Result<(Policy, Written), Refusal> {
        let written = self.cleared_confirmation(actor, given, name, wanted).and_then(|cleared| {
            let _held = self.hold_observations();
            self.confirmed(actor, given, (name, wanted), cleared.as_ref())
        });
        if let Err(refusal) = &written
            && matches!(refusal.code, Code::OwnWork | Code::OwnLink)
        {
            let meant = self.proposal_row(name)?.said.and_then(|said| said.digest).unwrap_or_default();
            self.record_policy_refusal(actor, name, &meant, refusal.code)?;
        }
        let written = written?;
        Ok((self.policy(name)?, written))
    }

    /// Takes back what `actor` put forward and nobody confirmed yet.
    pub fn take_back_policy(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &TakingBack,
    ) -> Result<(Proposal, Written), Refusal> {
        let said = PolicyProposalWithdrawn {
            name: name.to_owned(),
            proposed: wanted.proposed,
            reason: wanted.reason.to_text(),
        };
        let _held = self.hold_observations();
        let written = self.once(actor, "take-back-policy", given, |earlier| {
            let row = self.proposal_row(name)?;
            if earlier.is_none() {
                self.check_own(actor, &row, wanted.proposed)?;
            }
            Ok(vec![draft_of(&said, stream(name), given.expected(earlier, row.version))?])
        })?;
        Ok((self.policy_proposal(name)?, written))
    }

    /// Whether what waits is `actor`'s own, and what was shown to them.
    fn check_own(
        &self,
        actor: &Actor,
        row: &Proposed<PolicyProposed>,
        wanted: RecordId,
    ) -> Result<(), Refusal> {
        if !row.open {
            return Err(Refusal::new(
                Code::AlreadySo,
                "nothing is put forward: it was decided or taken back",
            ));
        }
        if row.record_id != wanted {
            return Err(Refusal::at(
                Code::NotWhatWasShown,
                "/proposed",
                "something else is put forward by now",
            ));
        }
        let own = match actor {
            Actor::Operator => self.ledger.is_operator(&row.by),
            Actor::Person { .. } | Actor::Key { .. } => actor.is(row.by),
        };
        if own {
            return Ok(());
        }
        let text = "who put it forward takes it back; leave it unconfirmed, or put something else forward in its place";
        Err(Refusal::new(Code::NotPermitted, text))
    }

    /// Whether `actor` may decide on what waits: another than who put it forward, as far as anybody can tell, and over exactly what was shown to them. The
    /// operator counts as one, as with openings: neither over what they put forward, nor over what somebody did in a session that they let in.
    fn check_second(
        &self,
        actor: &Actor,
        row: &Proposed<PolicyProposed>,
        wanted: RecordId,
    ) -> Result<(), Refusal> {
        if actor.is_key() {
            return Err(Refusal::new(Code::NotPermitted, "a second person brings it into force: sign in"));
        }
        if !row.open {
            return Err(Refusal::new(Code::AlreadySo, "nothing is put forward: it was decided already"));
        }
        if row.record_id != wanted {
            return Err(Refusal::at(
                Code::NotWhatWasShown,
                "/proposed",
                "something else is put forward by now",
            ));
        }
        self.check_another(actor, row.by, row.session.as_ref(), &NOT_ANOTHER)
    }

    /// Refuses a change by one person where it takes two.
    pub(super) fn check_one_person_may(&self) -> Result<(), Refusal> {
        if !self.policies_take_two() {
            return Ok(());
        }
        let text = "two people change policies here ([policies] two_people): put it forward, and somebody else confirms it";
        Err(Refusal::new(Code::SecondPersonNeeded, text))
    }

    /// Clears a confirmation. What refuses it anyway is said first: nobody acknowledges what then does not happen.
    fn cleared_confirmation(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &Confirmation,
    ) -> Result<Option<Cleared>, Refusal> {
        self.refresh()?;
        let key = key_of(actor, CONFIRM, given)?;
        if self.earlier(key.as_deref(), false)?.is_some() {
            return Ok(None);
        }
        let said = self.confirmable(actor, given, name, wanted)?;
        self.clear_change(actor, (CONFIRM, given), (name, said.text.as_deref()), wanted.replay.as_ref())
    }

    fn confirmed(
        &self,
        actor: &Actor,
        given: &Given,
        (name, wanted): (&str, &Confirmation),
        cleared: Option<&Cleared>,
    ) -> Result<Written, Refusal> {
        self.once(actor, CONFIRM, given, |earlier| {
            if let Some(earlier) = earlier {
                return confirmed_before(earlier, name);
            }
            let said = self.confirmable(actor, given, name, wanted)?;
            let replay = self.replay_said(cleared, None)?;
            let current = self.views.policy(name)?.map_or(0, |policy| policy.version);
            Ok(vec![draft_of_change(said, wanted, replay, current)?])
        })
    }

    /// What waits, when `actor` may confirm it and it still can come about; the order of the checks is the order in which the sentences help.
    fn confirmable(
        &self,
        actor: &Actor,
        given: &Given,
        name: &str,
        wanted: &Confirmation,
    ) -> Result<PolicyProposed, Refusal> {
        let row = self.proposal_row(name)?;
        if given.version.is_some_and(|version| version != row.version) {
            return Err(Refusal::new(Code::Stale, "something else waits by now"));
        }
        self.check_second(actor, &row, wanted.proposed)?;
        let said = row.said.ok_or_else(|| {
            Refusal::new(Code::StateImpossible, "what was put forward is erased; put it forward again")
        })?;
        self.check_proposable(&said)?;
        if let Some(text) = &said.text {
            self.check_policy(&PolicyText { text: text.clone() })?;
        }
        Ok(said)
    }

    /// Whether nothing else stands against a change, whoever makes it.
    fn check_proposable(&self, said: &PolicyProposed) -> Result<(), Refusal> {
        if said.text.is_some() {
            return self.check_unobserved(&said.name);
        }
        if self.policy_row(&said.name)?.withdrawn {
            return Err(Refusal::new(Code::AlreadySo, "the policy is not in force"));
        }
        Ok(())
    }

    fn proposal_row(&self, name: &str) -> Result<Proposed<PolicyProposed>, Refusal> {
        self.views.policy_proposed(name)?.ok_or_else(|| Refusal::not_found("policy that was put forward"))
    }

    fn shown_proposal(&self, row: Proposed<PolicyProposed>) -> Result<Proposal, Refusal> {
        let recorded = self.reference(row.entry)?;
        let back = self.views.policy_taken_back(&row.name)?;
        let taken_back = back.map(|back| {
            let recorded = self.reference(back.entry)?;
            Ok::<_, Refusal>(TakenBack { at: Time(back.at), reason: back.reason, recorded })
        });
        let taken_back = taken_back.transpose()?;
        let withdraws = row.said.as_ref().map(|said| said.text.is_none());
        let (text, digest, note) = match row.said {
            Some(said) => (said.text, said.digest, Some(said.note)),
            None => (None, None, None),
        };
        Ok(Proposal {
            name: row.name,
            proposed: row.record_id.to_hex(),
            waiting: row.open,
            taken_back,
            withdraws,
            text,
            digest,
            note,
            by: row.by.to_hex(),
            at: Time(row.at),
            version: row.version,
            recorded,
        })
    }
}

/// The record by which what was put forward comes about: in the words of who put it forward, and with those of the second person.
fn draft_of_change(
    said: PolicyProposed,
    wanted: &Confirmation,
    replay: Option<PolicyReplayed>,
    current: u64,
) -> Result<Draft, Refusal> {
    let PolicyProposed { name, text, digest, note } = said;
    let confirmed = Some(PolicyConfirmed { proposed: wanted.proposed, reason: wanted.reason.to_text() });
    let stream = policy_stream(&name);
    match (text, digest) {
        (Some(text), Some(digest)) => {
            draft_of(&PolicyPublished { name, text, digest, note, replay, confirmed }, stream, current)
        }
        (None, _) => draft_of(&PolicyWithdrawn { name, reason: note, replay, confirmed }, stream, current),
        (Some(_), None) => Err(foreign()),
    }
}

/// The draft of an earlier request of the same key.
fn confirmed_before(earlier: &Earlier, name: &str) -> Result<Vec<Draft>, Refusal> {
    let version = earlier.version_before().ok_or_else(foreign)?;
    let (fields, stream) = (earlier.fields.clone(), policy_stream(name));
    let draft = if earlier.header.record_type.as_str() == PolicyWithdrawn::TYPE {
        draft_of(&PolicyWithdrawn::read(fields).map_err(|_| foreign())?, stream, version)?
    } else {
        draft_of(&PolicyPublished::read(fields).map_err(|_| foreign())?, stream, version)?
    };
    Ok(vec![draft])
}

fn stream(name: &str) -> String {
    format!("{}/proposed", policy_stream(name))
}
