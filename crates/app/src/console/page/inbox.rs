//! What is asked of whoever reads it: found in the views each time, so that what was done is gone.

use tabellion_model::Micros;
use tabellion_model::body::SystemStage;

use crate::console::answer::Answered;
use crate::console::block::{Block, Empty};
use crate::console::cell::Cell;
use crate::console::table::{Listing, Row, Rows, column};
use crate::console::visit::{Content, Visit};
use crate::console::words::{self, DAY, Tone};
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::keys::works_at;
use crate::work::systems::stage_of;

/// A key that ends so soon is somebody's task.
const ENDS_SOON: u64 = 14 * DAY;

/// Something that is asked.
pub(crate) struct Ask {
    /// What to do, the verb first.
    pub(crate) title: String,
    /// Why.
    pub(crate) why: &'static str,
    /// Where.
    pub(crate) href: String,
    /// Since when, or until when.
    pub(crate) at: When,
    pub(crate) tone: Tone,
}

/// When something was asked, or until when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// No day.
    Never,
    /// It happened, or will, at this moment.
    At(Micros),
    /// It is in time until the day that begins with this moment is over.
    Due(Micros),
}

impl When {
    fn cell(self, visit: &Visit<'_>) -> Cell {
        match self {
            Self::Never => Cell::unknown("–"),
            Self::At(at) => visit.time(at),
            Self::Due(day) => {
                Cell { text: words::due(day, visit.now()), title: words::day(day), ..visit.time(day) }
            }
        }
    }
}

/// The page.
pub(crate) fn show(visit: &Visit<'_>) -> Answered {
    let asked = asked(visit)?;
    let lead = "Approvals, reviews and tasks that wait for you. What is done leaves this list by itself.";
    let content =
        Content { lead: lead.to_owned(), blocks: vec![table(visit, &asked)?], ..Content::titled("Inbox") };
    visit.show(content)
}

/// The list as a table.
pub(crate) fn table(visit: &Visit<'_>, asked: &[Ask]) -> Result<Block, Refusal> {
    let rows = asked.iter().map(|ask| Row {
        href: ask.href.clone(),
        cells: vec![
            Cell::text(&ask.title).to(ask.href.clone()),
            Cell::state((ask.why, ask.tone)),
            ask.at.cell(visit),
        ],
    });
    let listing = Listing::plain(
        "inbox",
        "Asked of you",
        const { &[column("task", "What to do"), column("why", "Why"), column("when", "When")] },
        Empty {
            title: "Nothing waits for you",
            text: "Approvals, reviews and tasks come here: systems without a known owner, keys that end soon, drafts that you answer for. Each line leads to the place where it is decided.",
            action: None,
            sample: "",
        },
    );
    listing.table(visit, Rows::All(rows.collect()))
}

/// Everything that is asked.
pub(crate) fn asked(visit: &Visit<'_>) -> Result<Vec<Ask>, Refusal> {
    let mut asked = Vec::new();
    if visit.can(Permission::PublishPolicies) {
        super::policy_proposal::asks(visit, &mut asked)?;
        super::configuration::asks(visit, &mut asked)?;
    }
    if visit.can(Permission::PublishPolicies) && !visit.desk.policy_rows(u64::MAX)?.iter().any(in_force) {
        asked.push(Ask {
            title: "Publish a first policy".into(),
            why: "No policy is in force: every call is denied",
            href: "/policies/new".into(),
            at: When::Never,
            tone: Tone::Bad,
        });
    }
    if visit.can(Permission::ChangeSystems) {
        systems(visit, &mut asked)?;
    }
    if visit.can(Permission::ChangeKeys) {
        keys(visit, &mut asked)?;
    }
    if visit.can(Permission::ChangePeople) {
        let idle = visit.desk.people_rows()?.into_iter().filter(|row| row.roles.is_empty());
        asked.extend(idle.filter_map(|row| {
            let name = row.details?.name;
            Some(Ask {
                title: format!("Give {name} a role"),
                why: "Known, and may do nothing yet",
                href: format!("/people/{}", row.person),
                at: When::At(row.added_at),
                tone: Tone::Fair,
            })
        }));
    }
    super::waiting::add(visit, &mut asked)?;
    Ok(asked)
}

fn in_force(row: &tabellion_views::query::PolicyVersion) -> bool {
    row.content.as_ref().is_some_and(|content| content.text.is_some())
}

fn systems(visit: &Visit<'_>, asked: &mut Vec<Ask>) -> Result<(), Refusal> {
    let actor = visit.actor()?;
    for row in visit.desk.system_rows(actor)? {
        let (Some(said), stage) = (&row.described, stage_of(&row)) else { continue };
        if stage == SystemStage::Retired {
            continue;
        }
        let href = format!("/systems/{}", row.system);
        if said.owner_name.is_none() {
            asked.push(Ask {
                title: format!("Name an owner for {}", said.name),
                why: "Nobody who is known answers for it",
                href: format!("{href}/edit"),
                at: When::At(row.changed_at),
                tone: Tone::Bad,
            });
        }
        if stage == SystemStage::Draft && actor.is(said.owner) {
            asked.push(Ask {
                title: format!("Take {} live, or retire it", said.name),
                why: "A draft that you answer for",
                href,
                at: When::At(row.registered_at),
                tone: Tone::Fair,
            });
        }
    }
    Ok(())
}

fn keys(visit: &Visit<'_>, asked: &mut Vec<Ask>) -> Result<(), Refusal> {
    let (actor, now) = (visit.actor()?, visit.desk.now());
    for row in visit.desk.key_rows(actor)? {
        let (Some(ends_at), Some(issued)) = (row.ends_at, &row.issued) else { continue };
        let replaced = !row.revocations.is_empty();
        if works_at(&row, now)
            && !replaced
            && ends_at.since(now) < ENDS_SOON
            && visit.can_change(Permission::ChangeKeys, row.system)?
        {
            asked.push(Ask {
                title: format!("Rotate the key {}", issued.name),
                why: "It ends soon",
                href: format!("/keys/{}", row.credential),
                at: When::At(ends_at),
                tone: Tone::Fair,
            });
        }
    }
    Ok(())
}
