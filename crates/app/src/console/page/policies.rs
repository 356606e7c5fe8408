//! Policies: the list, one with its text, versions and their differences, and the forms that publish and withdraw.

use serde_json::json;
use tabellion_views::query::{PolicyVersion, Subject};

use crate::console::answer::Answered;
use crate::console::block::{Action, Block, Empty, Facts, Line, Note, Text, section};
use crate::console::cell::Cell;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::segment;
use crate::console::page::difference::difference;
use crate::console::page::{happened, policy_proposal, policy_replay};
use crate::console::table::{Column, Listing, Row, Rows, column, more, nothing};
use crate::console::visit::{Content, Visit};
use crate::console::words::{Tone, counted};
use crate::permission::Permission;
use crate::printable::visible;
use crate::refusal::{Code, Refusal};
use crate::work::forms::Word;
use crate::work::policies::{NewPolicy, Withdrawal};

/// Longest text that is shown, in characters: the longest that can be published.
const MAX_TEXT_CHARS: usize = 65_536;
const COLUMNS: &[Column] = &[
    column("name", "Name"),
    column("state", "State"),
    column("note", "Latest change"),
    column("by", "By"),
    column("when", "When"),
    more("digest", "Digest"),
    column("entry", "Entry"),
];

/// The list.
pub(crate) fn list(visit: &Visit<'_>) -> Answered {
    let publish = || {
        (visit.can(Permission::PublishPolicies) && visit.moment.is_none())
            .then(|| Action { label: "Publish a policy", href: "/policies/new".to_owned() })
    };
    let mut rows = Vec::new();
    for row in visit.desk.policy_rows(visit.size())? {
        let href = visit.to(&path(&row.name));
        let content = row.content.as_ref();
        let cells = vec![
            Cell::text(&row.name).to(href.clone()),
            state(&row),
            Cell::maybe(content.map(|content| content.note.as_str()), "erased"),
            visit.who(row.by)?,
            visit.time(row.at),
            content
                .and_then(|content| content.digest.as_deref())
                .map_or_else(|| Cell::unknown("–"), Cell::id),
            visit.entry(row.entry),
        ];
        rows.push(Row { href, cells });
    }
    let empty = Empty {
        title: "No policy yet",
        text: "Policies say which system may ask which model for what, in Cedar. Without one in force every call is denied. A prohibition always wins over a permission.",
        action: publish(),
        sample: "permit (principal, action, resource)\nwhen { context.purpose == \"loan-support\" };",
    };
    let listing = Listing::plain("policies", "Policies", COLUMNS, empty).searched("name or change");
    if visit.wants_csv() {
        return Ok(listing.csv(visit, Rows::All(rows)).into());
    }
    let mut blocks = policy_proposal::above_list(visit)?;
    blocks.push(listing.table(visit, Rows::All(rows))?);
    let content = Content {
        lead: "Which system may ask which model for what. Every version stays readable.".to_owned(),
        action: publish(),
        blocks,
        ..Content::titled("Policies")
    };
    visit.show(content)
}

pub(super) fn path(name: &str) -> String {
    format!("/policies/{}", segment(name))
}

fn state(row: &PolicyVersion) -> Cell {
    Cell::state(match (row.withdrawn, row.content.is_some()) {
        (true, _) => ("Withdrawn", Tone::Quiet),
        (false, true) => ("In force", Tone::Good),
        (false, false) => ("Erased", Tone::Bad),
    })
}

/// One policy.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let name = visit.parts.text("policy");
    let mut versions = visit.desk.policy_version_rows(name)?;
    versions.retain(|version| version.entry < visit.size());
    let Some(newest) = versions.first() else { return Err(Refusal::not_found("policy")) };
    let publish = visit.can(Permission::PublishPolicies) && visit.moment.is_none();
    let mut blocks =
        vec![facts(visit, newest)?, happened::to(visit, &[Subject::Policy(name.to_owned())], None)?];
    if let Some(waiting) = policy_proposal::above_policy(visit, name)? {
        blocks.insert(0, waiting);
    }
    blocks.push(text(visit, &versions)?);
    blocks.push(history(visit, &versions)?);
    if publish && !newest.withdrawn {
        let mut fields =
            vec![Field::new("reason", "Reason", Kind::Line).hint("For the reader of the history.")];
        let of_withdrawal = refused.filter(|refused| refused.id == "withdraw");
        if let Some((shown, tick)) = policy_replay::asked_for(visit, of_withdrawal, name, None)? {
            blocks.push(shown);
            fields.push(tick);
        }
        let alone = (
            "Withdraw the policy",
            "Its rules count for no call from the next one on. Its text stays readable, and it can be published again.",
        );
        let (submit, follows) = policy_proposal::said(visit, alone);
        let mut form = Form::new("withdraw", format!("{}/withdraw", path(name)), submit, fields);
        form.version = policy_proposal::version(visit, name, newest.version)?;
        form.ends = true;
        form.consequence = follows;
        blocks.push(form.folded(visit, "Take it out of force", refused)?);
    }
    let content = Content {
        trail: vec![("Policies".to_owned(), "/policies".to_owned())],
        badges: vec![state(newest)],
        action: publish
            .then(|| Action { label: "Publish a new version", href: format!("{}/edit", path(name)) }),
        blocks,
        ..Content::titled(&Cell::text(name).text)
    };
    visit.show_with(status, content)
}

fn facts(visit: &Visit<'_>, newest: &PolicyVersion) -> Result<Block, Refusal> {
    let digest = newest.content.as_ref().and_then(|content| content.digest.as_deref());
    Facts::default()
        .with("Version", Cell::number(newest.version))
        .with("Changed", visit.time(newest.at))
        .with("By", visit.who(newest.by)?)
        .with("Why", Cell::maybe(newest.content.as_ref().map(|content| content.note.as_str()), "erased"))
        .with("Digest that decisions name", digest.map_or_else(|| Cell::unknown("none in force"), Cell::id))
        .with("Record", visit.entry(newest.entry))
        .block()
}

/// The text of the version asked for, or what changed from one to another.
fn text(visit: &Visit<'_>, versions: &[PolicyVersion]) -> Result<Block, Refusal> {
    let find = |name: &str| {
        let wanted = visit.query.number(name)?;
        versions.iter().find(|version| version.version == wanted)
    };
    let text_of = |version: &PolicyVersion| version.content.as_ref().and_then(|content| content.text.clone());
    if let (Some(before), Some(after)) = (find("from"), find("version")) {
        let (old, new) = (text_of(before).unwrap_or_default(), text_of(after).unwrap_or_default());
        let lines = difference(
            &visible(&old, MAX_TEXT_CHARS).replace('↵', ""),
            &visible(&new, MAX_TEXT_CHARS).replace('↵', ""),
        );
        let changed = lines.iter().filter(|line| line.class != "same").count();
        let caption = format!(
            "From version {} to {}: {}",
            before.version,
            after.version,
            counted(changed as u64, "line differs", "lines differ")
        );
        return section("text", "What changed", vec![Block::of(&Text { caption, lines })?]);
    }
    let chosen = find("version")
        .or_else(|| versions.iter().find(|version| text_of(version).is_some()))
        .or(versions.first());
    let Some((chosen, body)) = chosen.and_then(|chosen| Some((chosen, text_of(chosen)?))) else {
        let text = "This version has no text: it withdrew the policy, or its text was erased.";
        return Block::of(&Note {
            tone: Tone::Quiet,
            title: "No text".into(),
            text: text.into(),
            action: None,
        });
    };
    let lines = visible(&body, MAX_TEXT_CHARS)
        .replace('↵', "")
        .lines()
        .zip(1..)
        .map(|(text, number): (&str, u32)| Line {
            class: "same",
            number: number.to_string(),
            text: text.to_owned(),
        })
        .collect();
    let caption = format!("Version {}, in Cedar", chosen.version);
    section("text", "Text", vec![Block::of(&Text { caption, lines })?])
}

fn history(visit: &Visit<'_>, versions: &[PolicyVersion]) -> Result<Block, Refusal> {
    let mut rows = Vec::new();
    for (position, row) in versions.iter().enumerate() {
        let version = row.version.to_string();
        let base = visit.here().with_some("as_of", visit.query.get("as_of"));
        let href = base.clone().with("version", &version).href();
        let compare = versions
            .get(position + 1)
            .map(|before| base.with("from", &before.version.to_string()).with("version", &version).href());
        let cells = vec![
            Cell::quantity(&version, row.version).to(href.clone()),
            visit.time(row.at),
            visit.who(row.by)?,
            policy_proposal::proposer(visit, row)?,
            Cell::maybe(row.content.as_ref().map(|content| content.note.as_str()), "erased"),
            compare.map_or_else(|| Cell::unknown("the first"), |href| Cell::text("what changed").to(href)),
            visit.entry(row.entry),
        ];
        rows.push(Row { href, cells });
    }
    let listing = Listing::plain(
        "versions",
        "Versions",
        const {
            &[
                column("version", "Version"),
                column("when", "When"),
                column("by", "By"),
                column("proposed", "Put forward by"),
                column("note", "Why"),
                column("diff", "Difference"),
                column("entry", "Entry"),
            ]
        },
        nothing("No version", "Every version of the policy stands here.", None),
    );
    section("versions", "Versions", vec![listing.table(visit, Rows::All(rows))?])
}

/// The form for a first version.
pub(crate) fn new(visit: &Visit<'_>) -> Answered {
    new_page(visit, 200, None)
}

fn new_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let mut fields = vec![
        Field::new("name", "Name", Kind::Line)
            .hint("A short word such as house-rules. Decisions name their rules by it."),
    ];
    fields.extend(text_fields(""));
    let typed = (visit.form.text("name").trim(), visit.form.text("text"));
    let replay = policy_replay::asked_for(visit, refused, typed.0, Some(typed.1))?;
    let (shown, tick) = replay.unzip();
    fields.extend(tick);
    let alone = ("Publish the policy", "It is checked first, and in force from the next call on.");
    let (submit, follows) = policy_proposal::said(visit, alone);
    let mut form = Form::new("policy", "/policies/new".to_owned(), submit, fields);
    form.consequence = follows;
    "/policies".clone_into(&mut form.cancel);
    let content = Content {
        trail: vec![("Policies".to_owned(), "/policies".to_owned())],
        blocks: shown.into_iter().chain([form.block(visit, refused)?]).collect(),
        ..Content::titled("Publish a policy")
    };
    visit.show_with(status, content)
}

fn text_fields(text: &str) -> [Field; 2] {
    [
        Field::new("text", "Text", Kind::Code(16))
            .hint("In Cedar: permit and forbid, with conditions. A prohibition wins.")
            .value(text),
        Field::new("note", "What changed and why", Kind::Area(2))
            .hint("For whoever reads the history, years later."),
    ]
}

/// Publishes a first version.
pub(crate) fn publish_first(visit: &Visit<'_>) -> Answered {
    let name = visit.form.text("name").trim().to_owned();
    let done = || {
        if !Word::fits(&name) {
            return Err(Refusal::at(
                Code::Malformed,
                "/name",
                "a short word has 1 to 63 lower-case letters, digits and hyphens, the first no hyphen",
            ));
        }
        policy_proposal::publish(visit, &name, &typed(visit)?)
    };
    match done() {
        Ok((shown, written)) => Ok(visit.recorded(&shown, &written)),
        Err(refusal) => {
            let refusal = match refusal.code {
                Code::VersionRequired if !visit.desk.policies_take_two() => Refusal::at(
                    Code::Conflict,
                    "/name",
                    "there is a policy of this name; open it and publish a new version",
                ),
                _ => refusal,
            };
            visit.again("policy", &refusal, new_page)
        }
    }
}

/// The form for a new version.
pub(crate) fn edit(visit: &Visit<'_>) -> Answered {
    edit_page(visit, 200, None)
}

fn edit_page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let policy = visit.desk.policy(visit.parts.text("policy"))?;
    let mut blocks = Vec::new();
    if let Some(refused) = refused.filter(|refused| refused.refusal.code == Code::Stale) {
        let now = visible(policy.text.as_deref().unwrap_or_default(), MAX_TEXT_CHARS).replace('↵', "");
        let lines = difference(&now, &visible(refused.typed.text("text"), MAX_TEXT_CHARS).replace('↵', ""));
        let caption = "What is in force now (−) and what you typed (+)".to_owned();
        blocks.push(section(
            "now",
            "It changed while you were writing",
            vec![Block::of(&Text { caption, lines })?],
        )?);
    }
    let mut fields = Vec::from(text_fields(policy.text.as_deref().unwrap_or_default()));
    let text = Some(visit.form.text("text"));
    if let Some((shown, tick)) = policy_replay::asked_for(visit, refused, &policy.name, text)? {
        blocks.push(shown);
        fields.push(tick);
    }
    let action = format!("{}/edit", path(&policy.name));
    let alone = (
        "Publish the new version",
        "It is checked first, and in force from the next call on, in place of the one before.",
    );
    let (submit, follows) = policy_proposal::said(visit, alone);
    let mut form = Form::new("policy", action, submit, fields);
    form.version = policy_proposal::version(visit, &policy.name, policy.version)?;
    form.consequence = follows;
    form.cancel = path(&policy.name);
    blocks.push(form.block(visit, refused)?);
    let name = Cell::text(&policy.name).text;
    let content = Content {
        trail: vec![("Policies".to_owned(), "/policies".to_owned()), (name.clone(), path(&policy.name))],
        blocks,
        ..Content::titled(&format!("New version of {name}"))
    };
    visit.show_with(status, content)
}

/// Publishes a new version.
pub(crate) fn publish(visit: &Visit<'_>) -> Answered {
    let name = visit.parts.text("policy");
    let done = typed(visit).and_then(|new| policy_proposal::publish(visit, name, &new));
    match done {
        Ok((shown, written)) => Ok(visit.recorded(&shown, &written)),
        Err(refusal) => {
            let refused = Refused { id: "policy", typed: &visit.form, refusal: &refusal };
            edit_page(visit, refusal.code.status(), Some(&refused))
        }
    }
}

fn typed(visit: &Visit<'_>) -> Result<NewPolicy, Refusal> {
    visit.read(
        "publishPolicy",
        json!({
            "text": visit.form.text("text"), "note": visit.form.text("note").trim(), "replay": policy_replay::typed(visit),
        }),
    )
}

/// Takes it out of force.
pub(crate) fn withdraw(visit: &Visit<'_>) -> Answered {
    let name = visit.parts.text("policy");
    let done = visit
        .read::<Withdrawal>(
            "withdrawPolicy",
            json!({"reason": visit.form.text("reason").trim(), "replay": policy_replay::typed(visit)}),
        )
        .and_then(|why| policy_proposal::withdraw(visit, name, &why));
    match done {
        Ok((shown, written)) => Ok(visit.recorded(&shown, &written)),
        Err(refusal) => {
            let refused = Refused { id: "withdraw", typed: &visit.form, refusal: &refusal };
            page(visit, refusal.code.status(), Some(&refused))
        }
    }
}
