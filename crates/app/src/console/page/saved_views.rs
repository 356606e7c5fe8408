//! Views of tables that the reader keeps: saved and removed by forms beside the table, without a page of their own.

use tabellion_model::ViewId;

use crate::api::Access;
use crate::api::dispatch::query_pairs;
use crate::console::answer::{Answered, Reply};
use crate::console::block::{Block, Note};
use crate::console::form::{Field, Form, Kind, sentence};
use crate::console::own_views::kept_in_views;
use crate::console::pages::{Method, PAGES};
use crate::console::pairs::Pairs;
use crate::console::visit::{Content, Visit};
use crate::console::words::Tone;
use crate::permission::Reach;
use crate::refusal::{Code, Refusal};
use crate::work::saved_views::NewView;

/// Keeps the list that the form stood beside, and goes back to it.
pub(crate) fn save(visit: &Visit<'_>) -> Answered {
    let page = list(visit)?;
    let link = kept_in_views(&Pairs::new(query_pairs(visit.form.text("query"))?)).at(page);
    let new = NewView {
        name: visit.form.text("name").to_owned(),
        replace: visit.form.get("replace") == Some("yes"),
        page: page.to_owned(),
        query: link.query(),
    };
    match visit.desk.save_view(visit.actor()?, &visit.given(), &new) {
        Ok(written) => Ok(Reply::See(link.with("recorded", &written.index.to_string()).href()).into()),
        Err(refusal) if refusal.code == Code::Conflict && refusal.pointer.is_some() => {
            same_name(visit, page, &new, &refusal)
        }
        Err(refusal) => Err(refusal),
    }
}

/// Asks what is meant where a view has the name already: nothing is replaced unseen.
fn same_name(visit: &Visit<'_>, page: &str, new: &NewView, refusal: &Refusal) -> Answered {
    let replace = vec![("yes".to_owned(), "Replace the one that I keep under this name".to_owned())];
    let fields = vec![
        Field::new("name", "Name of the view", Kind::Line).value(new.name.clone()),
        Field::new("replace", "Or under the same name", Kind::Checks(replace)).optional(),
    ];
    let mut form = Form::new("view", "/views".to_owned(), "Save this view", fields);
    form.said = vec![("page", page.to_owned()), ("query", new.query.clone())];
    form.cancel = format!("{page}?{}", new.query);
    let note = Note {
        tone: Tone::Fair,
        title: sentence(&refusal.detail),
        text: "Nothing was saved yet. Give this one another name, or say that it takes the other's place."
            .to_owned(),
        action: None,
    };
    let content = Content {
        blocks: vec![Block::of(&note)?, form.block(visit, None)?],
        ..Content::titled("Save this view")
    };
    visit.show_with(refusal.code.status(), content)
}

/// Keeps a view no longer, and goes back to the list.
pub(crate) fn remove(visit: &Visit<'_>) -> Answered {
    let page = list(visit)?;
    let view = ViewId::from_hex(visit.parts.text("view")).ok_or_else(|| Refusal::not_found("view"))?;
    let written = visit.desk.remove_view(visit.actor()?, &visit.given(), view)?;
    Ok(visit.recorded(page, &written))
}

/// The page that the form names, when it is one that its sender may open.
fn list<'v>(visit: &'v Visit<'_>) -> Result<&'v str, Refusal> {
    let path = visit.form.text("page");
    let fits = |pattern: &str| {
        let (wanted, given) = (pattern.split('/'), path.split('/'));
        wanted.clone().count() == given.clone().count()
            && wanted
                .zip(given)
                .all(|(wanted, given)| wanted == given || (wanted.starts_with('{') && !given.is_empty()))
    };
    let page = PAGES.iter().find(|page| page.method == Method::Get && fits(page.path));
    let open =
        |access| matches!(access, Access::Needs(permission) if visit.reach(permission) != Reach::Nothing);
    match page {
        Some(page) if open(page.access) => Ok(path),
        _ => Err(Refusal::at(Code::Malformed, "/page", "there is no list at this address for you")),
    }
}
