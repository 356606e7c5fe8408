//! What registers and the Statement of Applicability ask of whoever reads the inbox.

use tabellion_model::Micros;

use super::inbox::{Ask, When};
use super::registers::path;
use crate::console::cell::Cell;
use crate::console::visit::Visit;
use crate::console::words::Tone;
use crate::permission::Permission;
use crate::refusal::Refusal;
use crate::work::registers::{ItemSummary, Standing, Waiting};

/// Most lines of one kind; the register has the rest.
const LINES: usize = 50;

/// Adds what waits, what can be done only by this person first.
pub(crate) fn add(visit: &Visit<'_>, asked: &mut Vec<Ask>) -> Result<(), Refusal> {
    if !visit.can(Permission::ReadRegisters) {
        return statement(visit, asked);
    }
    let inbox = visit.desk.inbox(visit.actor()?)?;
    let mut first = Vec::new();
    lines(&mut first, &inbox.decide, |item, name| Ask {
        title: format!("Decide on {name}"),
        why: "Put forward; waits for a second person",
        href: format!("{}/decide", path(item)),
        at: When::At(item.changed_at.0),
        tone: Tone::Fair,
    });
    lines(&mut first, &inbox.returned, |item, name| Ask {
        title: format!("Correct {name}"),
        why: "Given back to you",
        href: path(item),
        at: When::At(item.changed_at.0),
        tone: Tone::Bad,
    });
    lines(&mut first, &inbox.own, |item, name| Ask {
        title: format!("Work on {name}"),
        why: if item.standing == Standing::PastDue {
            "You answer for it, and it is overdue"
        } else {
            "You answer for it"
        },
        href: path(item),
        at: due_day(item),
        tone: if item.standing == Standing::PastDue { Tone::Bad } else { Tone::Fair },
    });
    lines(&mut first, &inbox.close, |item, name| Ask {
        title: format!("Close {name}, or send it back"),
        why: "Answered; waits for a second person",
        href: path(item),
        at: When::At(item.changed_at.0),
        tone: Tone::Fair,
    });
    lines(&mut first, &inbox.refresh, |item, name| Ask {
        title: format!("Look at {name} again"),
        why: "Something changed since it was approved",
        href: path(item),
        at: When::At(item.changed_at.0),
        tone: Tone::Fair,
    });
    lines(&mut first, &inbox.due, |item, name| Ask {
        title: format!("Review {name}"),
        why: if item.standing == Standing::Overdue {
            "Its review is overdue"
        } else {
            "Its review is due soon"
        },
        href: path(item),
        at: due(item),
        tone: if item.standing == Standing::Overdue { Tone::Bad } else { Tone::Fair },
    });
    statement(visit, &mut first)?;
    asked.splice(0..0, first);
    Ok(())
}

fn due_day(item: &ItemSummary) -> When {
    item.due.as_deref().and_then(|day| Micros::parse_date(day).ok()).map_or(When::Never, When::Due)
}

fn due(item: &ItemSummary) -> When {
    let review = item.approval.as_ref().and_then(|approval| approval.next_review_at);
    review.map_or(When::Never, |due| When::Due(due.0))
}

fn lines(asked: &mut Vec<Ask>, waiting: &Waiting, line: impl Fn(&ItemSummary, &str) -> Ask) {
    let named = waiting.items.iter().take(LINES).map(|item| {
        let name = Cell::maybe(item.name.as_deref(), "an item without a name").text;
        line(item, &name)
    });
    asked.extend(named);
}

/// The statement: to be approved, or to be decided on.
fn statement(visit: &Visit<'_>, asked: &mut Vec<Ask>) -> Result<(), Refusal> {
    if visit.can(Permission::ApproveApplicability) && visit.desk.may_approve_statement(visit.actor()?)? {
        asked.push(Ask {
            title: "Approve the Statement of Applicability".to_owned(),
            why: "Every control is decided; waits for a second person",
            href: "/soa/approve".to_owned(),
            at: When::Never,
            tone: Tone::Fair,
        });
    }
    // Whoever keeps the management system both decides and approves.
    if visit.can(Permission::DecideApplicability) && visit.can(Permission::ApproveApplicability) {
        let statement = visit.desk.statement()?;
        let left = statement.rows.len() as u64 - statement.decided;
        if left > 0 {
            asked.push(Ask {
                title: format!("Decide whether {left} controls apply"),
                why: "The Statement of Applicability is not complete",
                href: "/soa".to_owned(),
                at: When::Never,
                tone: Tone::Fair,
            });
        }
    }
    Ok(())
}
