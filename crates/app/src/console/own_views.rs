//! The reader's own views of a list: links beside those that every reader has, each with the button that removes it, and the form that keeps another.
//!
//! Promises: a view holds filters, search, order and columns, and never a page of the list or a moment of the log. Must never: show a view to anybody but its
//! person.

use super::cell::Cell;
use super::form::once;
use super::link::Link;
use super::pairs::Pairs;
use super::visit::Visit;
use crate::refusal::Refusal;

/// Parameters that no view holds: where in the list somebody was, as of when, and what led there.
const NOT_KEPT: [&str; 5] = ["page", "before", "format", "as_of", "recorded"];

/// A view that the reader keeps.
pub(crate) struct OwnView {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) current: bool,
    /// Where the form that removes it is sent.
    pub(crate) remove: String,
}

/// What a form beside the table keeps.
pub(crate) struct Keep {
    pub(crate) once: String,
    pub(crate) query: String,
}

/// What of an address a view holds.
pub(crate) fn kept_in_views(query: &Pairs) -> Link {
    Link::to("").keep(query, &NOT_KEPT)
}

/// The views of this page that the reader keeps.
pub(crate) fn own(visit: &Visit<'_>) -> Result<Vec<OwnView>, Refusal> {
    let Some(actor) = &visit.actor else { return Ok(Vec::new()) };
    let now = kept_in_views(&visit.query).query();
    let rows = visit.desk.saved_views(actor, &visit.path)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let moment = visit.query.get("as_of").map(|as_of| Link::to("").with("as_of", as_of).query());
            let moment = moment.map(|moment| format!("&{moment}")).unwrap_or_default();
            OwnView {
                href: format!("{}?{}{moment}", row.page, row.query),
                current: row.query == now,
                remove: format!("/views/{}/remove", row.view),
                name: Cell::text(&row.name).text,
            }
        })
        .collect())
}

/// The form that keeps the list as it is looked at; none where there is nothing to keep, or it is kept.
pub(crate) fn keep(visit: &Visit<'_>, own: &[OwnView]) -> Result<Option<Keep>, Refusal> {
    let query = kept_in_views(&visit.query).query();
    let kept = own.iter().any(|view| view.current);
    if visit.actor.is_none() || visit.moment.is_some() || query.is_empty() || kept {
        return Ok(None);
    }
    Ok(Some(Keep { once: once(visit, None)?, query }))
}
