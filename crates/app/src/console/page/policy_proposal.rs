//! Changes of policies that two people make: what waits, what it changes, and the form by which a second person confirms it.
//!
//! Promises: whoever confirms is shown exactly what they confirm, beside what is in force. Must never: say that something is in force that only waits.

use serde_json::json;
use tabellion_model::CredentialId;
use tabellion_views::query::PolicyVersion;

use super::difference::difference;
use super::policies::path;
use super::policy_replay;
use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Facts, Note, Section, Text, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::Link;
use crate::console::page::inbox::{Ask, When};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::permission::Permission;
use crate::printable::visible;
use crate::refusal::{Code, Refusal};
use crate::work::Written;
use crate::work::policies::{NewPolicy, Withdrawal};
use crate::work::proposing::{Confirmation, NewProposal, Proposal, TakingBack};
use crate::work::replays::NewReplay;

/// The form by which a second person confirms.
const CONFIRM: &str = "confirm-policy";
/// The form by which whoever put it forward takes it back.
const TAKE_BACK: &str = "take-back-policy";
/// Longest text that is shown, in characters: the longest that can be published.
const MAX_TEXT_CHARS: usize = 65_536;
/// What follows of putting a change forward.
const FORWARD: (&str, &str) =
    ("Put it forward", "Nothing changes by that: a second person confirms it. It is checked first.");

/// What the button of a form says, and what follows: of a change by one person `alone`, where one may.
pub(super) fn said(visit: &Visit<'_>, alone: (&'static str, &'static str)) -> (&'static str, &'static str) {
    if visit.desk.policies_take_two() { FORWARD } else { alone }
}

/// The version that a form was read at: of the policy, or where two people change it, of what waits.
pub(super) fn version(visit: &Visit<'_>, name: &str, of_policy: u64) -> Result<Option<u64>, Refusal> {
    if !visit.desk.policies_take_two() {
        return Ok(Some(of_policy));
    }
    Ok(open(visit, name)?.map(|proposal| proposal.version))
}

/// Brings a text into force, or puts it forward; gives the page that shows what came of it.
pub(super) fn publish(visit: &Visit<'_>, name: &str, new: &NewPolicy) -> Result<(String, Written), Refusal> {
    if visit.desk.policies_take_two() {
        let (text, note) = (Some(new.text.clone()), new.note.clone());
        return forward(visit, name, &NewProposal { text, note });
    }
    let (policy, written) = visit.desk.publish_policy(visit.actor()?, &visit.given(), name, new)?;
    Ok((path(&policy.name), written))
}

/// The same of the end of a policy.
pub(super) fn withdraw(
    visit: &Visit<'_>,
    name: &str,
    why: &Withdrawal,
) -> Result<(String, Written), Refusal> {
    if visit.desk.policies_take_two() {
        return forward(visit, name, &NewProposal { text: None, note: why.reason.clone() });
    }
    let (policy, written) = visit.desk.withdraw_policy(visit.actor()?, &visit.given(), name, why)?;
    Ok((path(&policy.name), written))
}

fn forward(visit: &Visit<'_>, name: &str, new: &NewProposal) -> Result<(String, Written), Refusal> {
    let (proposal, written) = visit.desk.propose_policy(visit.actor()?, &visit.given(), name, new)?;
    Ok((place(&proposal.name), written))
}

/// What stands above the list: who can change policies, and what waits.
pub(super) fn above_list(visit: &Visit<'_>) -> Result<Vec<Block>, Refusal> {
    if visit.moment.is_some() {
        return Ok(Vec::new());
    }
    let mut blocks = Vec::new();
    if !visit.desk.policies_take_two() {
        let text = "Whoever may publish policies brings a text into force, or takes one out, without anybody else. With two_people = true in the section [policies] of the \
configuration each change waits for a second person.";
        blocks.push(Block::of(&Note {
            tone: Tone::Fair,
            title: "One person can publish".to_owned(),
            text: text.to_owned(),
            action: None,
        })?);
    }
    let waiting = visit.desk.policy_proposals()?;
    if !waiting.is_empty() {
        let mut facts = Facts::default();
        for proposal in &waiting {
            let what = Cell::text(what(proposal)).to(place(&proposal.name));
            let cells = vec![what, who(visit, &proposal.by)?, visit.time(proposal.at.0)];
            facts = facts.with_all(Cell::text(&proposal.name).text, cells);
        }
        blocks.push(section("waiting", "Waits for a second person", vec![facts.block()?])?);
    }
    Ok(blocks)
}

/// What stands on the page of a policy of which something waits.
pub(super) fn above_policy(visit: &Visit<'_>, name: &str) -> Result<Option<Block>, Refusal> {
    let Some(proposal) = open(visit, name)?.filter(|_| visit.moment.is_none()) else { return Ok(None) };
    Block::of(&Note {
        tone: Tone::Fair,
        title: what(&proposal).to_owned(),
        text: "It waits for a second person. Until then, what is in force stays.".to_owned(),
        action: Some(Action { label: "See what waits", href: place(name) }),
    })
    .map(Some)
}

/// Who put forward what this version made, where two people made it.
pub(super) fn proposer(visit: &Visit<'_>, version: &PolicyVersion) -> Result<Cell, Refusal> {
    let confirmed = version.content.as_ref().and_then(|content| content.confirmed.as_ref());
    let Some(confirmed) = confirmed else { return Ok(Cell::unknown("nobody")) };
    let by = visit.desk.views().policy_proposer(confirmed.proposed)?;
    by.map_or_else(|| Ok(Cell::unknown("not known")), |by| visit.who(by))
}

/// What is asked of whoever may confirm.
pub(super) fn asks(visit: &Visit<'_>, asked: &mut Vec<Ask>) -> Result<(), Refusal> {
    let actor = visit.actor()?;
    for proposal in visit.desk.policy_proposals()? {
        let own = CredentialId::from_hex(&proposal.by).is_some_and(|by| actor.is(by));
        if !own {
            asked.push(Ask {
                title: format!("Confirm a change of the policy {}", Cell::text(&proposal.name).text),
                why: "Put forward; waits for a second person",
                href: place(&proposal.name),
                at: When::At(proposal.at.0),
                tone: Tone::Fair,
            });
        }
    }
    Ok(())
}

fn open(visit: &Visit<'_>, name: &str) -> Result<Option<Proposal>, Refusal> {
    match visit.desk.policy_proposal(name) {
        Ok(proposal) => Ok(Some(proposal).filter(|proposal| proposal.waiting)),
        Err(refusal) if refusal.code == Code::NotFound => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

fn place(name: &str) -> String {
    format!("{}/proposal", path(name))
}

fn what(proposal: &Proposal) -> &'static str {
    match proposal.withdraws {
        Some(false) => "A text is to come into force",
        Some(true) => "The policy is to go out of force",
        None => "A change that is erased",
    }
}

fn who(visit: &Visit<'_>, by: &str) -> Result<Cell, Refusal> {
    CredentialId::from_hex(by).map_or_else(|| Ok(Cell::id(by)), |id| visit.who(id))
}

/// What was put forward last of a policy.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Has it come about.
pub(crate) fn confirm(visit: &Visit<'_>) -> Answered {
    let name = visit.parts.text("policy");
    let body = json!({
        "proposed": visit.form.text("proposed"), "reason": visit.form.text("reason").trim(), "replay": policy_replay::typed(visit),
    });
    let done = visit
        .read::<Confirmation>("confirmPolicy", body)
        .and_then(|wanted| visit.desk.confirm_policy(visit.actor()?, &visit.given(), name, &wanted));
    match done {
        Ok((policy, written)) => Ok(visit.recorded(&path(&policy.name), &written)),
        Err(refusal) => {
            let refused = Refused { id: CONFIRM, typed: &visit.form, refusal: &refusal };
            page(visit, refusal.code.status(), Some(&refused))
        }
    }
}

/// Takes it back.
pub(crate) fn take_back(visit: &Visit<'_>) -> Answered {
    let name = visit.parts.text("policy");
    let body = json!({"proposed": visit.form.text("proposed"), "reason": visit.form.text("reason").trim()});
    let done = visit
        .read::<TakingBack>("withdrawPolicyProposal", body)
        .and_then(|wanted| visit.desk.take_back_policy(visit.actor()?, &visit.given(), name, &wanted));
    visit.after(TAKE_BACK, done, |proposal| place(&proposal.name), page)
}

/// The form for it, for whoever put it forward.
fn taking_back(
    visit: &Visit<'_>,
    proposal: &Proposal,
    refused: Option<&Refused<'_>>,
) -> Result<Block, Refusal> {
    let fields = vec![Field::new("reason", "Why", Kind::Area(2))];
    let action = format!("{}/withdraw", place(&proposal.name));
    let mut form = Form::new(TAKE_BACK, action, "Take it back", fields);
    form.version = Some(proposal.version);
    form.said = vec![("proposed", proposal.proposed.clone())];
    form.consequence = "Nobody can confirm it any more. What is in force stays.";
    section("take-back", "Take it back", vec![form.block(visit, refused)?])
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let proposal = visit.desk.policy_proposal(visit.parts.text("policy"))?;
    let mut facts = Facts::default()
        .with("Put forward by", who(visit, &proposal.by)?)
        .with("When", visit.time(proposal.at.0))
        .with("Why", Cell::maybe(proposal.note.as_deref(), "erased"))
        .with("Digest", proposal.digest.as_deref().map_or_else(|| Cell::unknown("no text"), Cell::id))
        .with("Record", visit.entry(proposal.recorded.index));
    if let Some(back) = &proposal.taken_back {
        facts = facts
            .with("Taken back", visit.time(back.at.0))
            .with("Why it was taken back", Cell::maybe(back.reason.as_deref(), "erased"))
            .with("Record of that", visit.entry(back.recorded.index));
    }
    let mut blocks = vec![facts.block()?, changes(visit, &proposal)?];
    let own = CredentialId::from_hex(&proposal.by)
        .is_some_and(|by| visit.actor.as_ref().is_some_and(|actor| actor.is(by)));
    if proposal.waiting && own {
        blocks.push(taking_back(visit, &proposal, refused)?);
    }
    if proposal.waiting && visit.can(Permission::PublishPolicies) {
        let part = deciding(visit, &proposal, refused)?;
        // What was refused is read before anything else.
        blocks.insert(if refused.is_some() { 0 } else { blocks.len() }, part);
    }
    let name = Cell::text(&proposal.name).text;
    let lead = if proposal.taken_back.is_some() {
        "Who put it forward took it back; nothing waits."
    } else if proposal.waiting {
        "It waits for a second person. Until then, what is in force stays."
    } else {
        "The policy was changed since; nothing waits."
    };
    let content = Content {
        trail: vec![("Policies".to_owned(), "/policies".to_owned()), (name.clone(), path(&proposal.name))],
        lead: lead.to_owned(),
        blocks,
        ..Content::titled(&format!("{name}: {}", what(&proposal).to_lowercase()))
    };
    visit.show_with(status, content)
}

/// From what is in force to what would be.
fn changes(visit: &Visit<'_>, proposal: &Proposal) -> Result<Block, Refusal> {
    let now = match visit.desk.policy(&proposal.name) {
        Ok(policy) => policy.text.unwrap_or_default(),
        Err(refusal) if refusal.code == Code::NotFound => String::new(),
        Err(refusal) => return Err(refusal),
    };
    let shown = |text: &str| visible(text, MAX_TEXT_CHARS).replace('↵', "");
    let lines = difference(&shown(&now), &shown(proposal.text.as_deref().unwrap_or_default()));
    let changed = lines.iter().filter(|line| line.class != "same").count();
    let differ = counted(changed as u64, "line differs", "lines differ");
    let caption = format!("What is in force now (−) and what was put forward (+): {differ}");
    section("changes", "What it changes", vec![Block::of(&Text { caption, lines })?])
}

/// What it comes to on recorded decisions, once that is asked for, and the form that confirms it.
fn deciding(visit: &Visit<'_>, proposal: &Proposal, refused: Option<&Refused<'_>>) -> Result<Block, Refusal> {
    let mut fields = vec![
        Field::new("reason", "Why it is to be so", Kind::Area(2))
            .hint("What you looked at. It is on record under your name."),
    ];
    let (mut blocks, mut action) = (Vec::new(), None);
    let asked_for = refused
        .is_some_and(|refused| matches!(refused.refusal.code, Code::ReplayNeeded | Code::ReplayOutdated));
    if asked_for || visit.query.get("replay").is_some() {
        let new = NewReplay { text: proposal.text.clone(), from: None, to: None };
        let replay = visit.desk.replay_policy(visit.actor()?, &proposal.name, &new)?;
        let (shown, tick) = policy_replay::with_tick(visit, &replay)?;
        blocks.push(shown);
        fields.extend(tick);
    } else {
        let href = Link::to(&place(&proposal.name)).with("replay", "yes").href();
        action = Some(Action { label: "See what it comes to", href });
    }
    let mut form = Form::new(CONFIRM, place(&proposal.name), "Have it so", fields);
    form.version = Some(proposal.version);
    form.said = vec![("proposed", proposal.proposed.clone())];
    form.consequence =
        "It counts from the next call on. Whoever put it forward cannot do this; an attempt is recorded.";
    blocks.push(form.block(visit, refused)?);
    Block::of(&Section {
        id: "decide",
        title: "Confirm it".to_owned(),
        lead: "By somebody who did not put it forward, nor was let in by whoever did.".to_owned(),
        action,
        blocks,
    })
}
