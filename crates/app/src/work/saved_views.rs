//! Views of tables that people keep for themselves: a list's filters, search, order and columns under a name.
//!
//! Promises: only their person sees, replaces or removes them, in every browser; what they are called is content about that person, and is erased with it.
//! Must never: let one person keep so many that everybody's views grow slow.

use std::sync::PoisonError;

use tabellion_ledger::SubjectFields;
use tabellion_model::body::{ViewRemoved, ViewSaved};
use tabellion_model::{CredentialId, ViewId};
use tabellion_views::query::SavedViewRow;

use super::forms::Line;
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::refusal::{Code, Refusal};

/// Views of one list that a person may keep: what a line above a table shows.
pub const MAX_VIEWS_OF_PAGE: usize = 20;
/// Views of all lists that a person may keep: each is a row that every page with a table reads.
pub const MAX_VIEWS_OF_PERSON: usize = 200;
/// Longest name, in characters: it stands beside others.
pub const MAX_VIEW_NAME_CHARS: usize = 60;
/// Longest address of a view, its query and the path each, in bytes: every column and filter of the widest list, filled in.
const MAX_ADDRESS_BYTES: usize = 2000;

/// A view to keep. Path and query are the page's own, as it made them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewView {
    /// What to call it.
    pub(crate) name: String,
    /// Whether it takes the place of the one that has this name; without, that one stays and this is refused.
    pub(crate) replace: bool,
    /// Path of the list's page.
    pub(crate) page: String,
    /// The query of its address.
    pub(crate) query: String,
}

impl Desk {
    /// Keeps a view.
    pub(crate) fn save_view(&self, actor: &Actor, given: &Given, new: &NewView) -> Result<Written, Refusal> {
        let person = keeper(actor)?;
        let name = checked(new)?;
        let _one = self.saving_views.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = ViewId::from_bytes(self.random_id()?);
        self.once(actor, "save-view", given, |earlier| {
            let kept = self.views.saved_views(&person)?;
            let same = kept.iter().find(|row| row.page == new.page && row.name == name);
            let (view, version) = match (earlier, same) {
                (Some(earlier), _) => {
                    let view = earlier.drawn_id()?;
                    (view, earlier.version_before().unwrap_or_default())
                }
                (None, Some(same)) if same.query == new.query => {
                    return Err(Refusal::new(Code::AlreadySo, format!("the view {name:?} says the same")));
                }
                (None, Some(_)) if !new.replace => {
                    let text = format!("you keep another view of this list under the name {name:?}");
                    return Err(Refusal::at(Code::Conflict, "/name", text));
                }
                (None, Some(same)) => (same.view, same.version),
                (None, None) => {
                    check_room(&kept, &new.page)?;
                    (drawn, 0)
                }
            };
            let body = ViewSaved { name: name.clone(), page: new.page.clone(), query: new.query.clone() };
            let mut draft = draft_of(&body, stream(person, view), version)?;
            let fields = std::mem::take(&mut draft.body);
            draft.subjects = vec![SubjectFields { subject: person.to_hex(), fields }];
            Ok(vec![draft])
        })
    }

    /// Keeps a view no longer.
    pub(crate) fn remove_view(&self, actor: &Actor, given: &Given, view: ViewId) -> Result<Written, Refusal> {
        let person = keeper(actor)?;
        self.once(actor, "remove-view", given, |earlier| {
            let version = if let Some(earlier) = earlier {
                earlier.version_before().unwrap_or_default()
            } else {
                let found = self.views.saved_view_version(&person, &view)?;
                found.ok_or_else(|| Refusal::not_found("view"))?
            };
            Ok(vec![draft_of(&ViewRemoved {}, stream(person, view), version)?])
        })
    }

    /// The views of the list at `page` that `actor` keeps, also where the list is shown as of an earlier moment.
    pub(crate) fn saved_views(&self, actor: &Actor, page: &str) -> Result<Vec<SavedViewRow>, Refusal> {
        let Actor::Person { id, .. } = actor else { return Ok(Vec::new()) };
        let mut rows = self.present().saved_views(id)?;
        rows.retain(|row| row.page == page);
        Ok(rows)
    }
}

fn keeper(actor: &Actor) -> Result<CredentialId, Refusal> {
    match actor {
        Actor::Person { id, .. } => Ok(*id),
        Actor::Key { .. } | Actor::Operator => {
            Err(Refusal::new(Code::NotPermitted, "views are a person's: sign in to keep one"))
        }
    }
}

/// The name, when everything has its form.
fn checked(new: &NewView) -> Result<String, Refusal> {
    let name = new.name.trim();
    let fits = Line::new(name).is_some() && name.chars().count() <= MAX_VIEW_NAME_CHARS;
    if !fits {
        let text = format!(
            "give the view a name of 1 to {MAX_VIEW_NAME_CHARS} characters that can be seen, on one line"
        );
        return Err(Refusal::at(Code::Malformed, "/name", text));
    }
    let plain =
        |text: &str| text.len() <= MAX_ADDRESS_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
    if new.query.is_empty() || !plain(&new.query) || !plain(&new.page) {
        let text = "there is nothing to keep of this list, or more than a view holds: filter, sort or choose columns first";
        return Err(Refusal::at(Code::Malformed, "/query", text));
    }
    Ok(name.to_owned())
}

fn check_room(kept: &[SavedViewRow], page: &str) -> Result<(), Refusal> {
    let here = kept.iter().filter(|row| row.page == page).count();
    let (count, most) = if here >= MAX_VIEWS_OF_PAGE {
        (here, "of this list")
    } else if kept.len() >= MAX_VIEWS_OF_PERSON {
        (kept.len(), "in all")
    } else {
        return Ok(());
    };
    Err(Refusal::new(
        Code::Conflict,
        format!("you keep {count} views {most}, and no more are kept: remove one first"),
    ))
}

fn stream(person: CredentialId, view: ViewId) -> String {
    format!("view/{person}/{view}")
}
