//! Views of tables that the reader keeps: saved and removed by forms beside the table, without a page of their own.

use tabellion_model::ViewId;

use crate::api::Access;
use crate::api::dispatch::query_pairs;
use crate::console::answer::{Answered, Reply};
use crate::console::own_views::kept_in_views;
use crate::console::pages::{Method, PAGES};
use crate::console::pairs::Pairs;
use crate::console::visit::Visit;
use crate::permission::Reach;
use crate::refusal::{Code, Refusal};
use crate::work::saved_views::NewView;

/// Keeps the list that the form stood beside, and goes back to it.
pub(crate) fn save(visit: &Visit<'_>) -> Answered {
    let page = list(visit)?;
    let link = kept_in_views(&Pairs::new(query_pairs(visit.form.text("query"))?)).at(page);
    let new =
        NewView { name: visit.form.text("name").to_owned(), page: page.to_owned(), query: link.query() };
    let written = visit.desk.save_view(visit.actor()?, &visit.given(), &new)?;
    Ok(Reply::See(link.with("recorded", &written.index.to_string()).href()).into())
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
