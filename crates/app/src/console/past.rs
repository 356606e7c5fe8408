//! Pages as of an earlier moment: which desk answers, and where their links lead.
//!
//! Promises: every link of such a page stays at its moment; what can only be done or shown now cannot be followed. Must never: let the present be
//! taken for the past.

use tabellion_views::{Depth, PAST_ENTRIES};

use super::moment::Moment;
use super::pages::{History, Method, PAGES, Page};
use super::words::count;
use crate::refusal::{Code, Refusal};
use crate::work::Desk;

/// The end of an address that leads from the past to the present: the beginning of a page.
pub(crate) const NOW: &str = "#main";

/// The desk that answers for `page` at `moment`; `None`: the present one does, from the log's prefix alone.
pub(crate) fn desk(desk: &Desk, page: &Page, moment: Moment) -> Result<Option<Desk>, Refusal> {
    let needed = match page.history {
        History::Prefix => return Ok(None),
        History::Present => {
            return Err(refused(
                "This page is about the present: it is where something is done, or it asks what is asked now.",
            ));
        }
        History::Changes => Depth::Changes,
        History::Everything => Depth::Everything,
    };
    let past = desk
        .past(moment.size, moment.at)?
        .filter(|past| past.depth() == Depth::Everything || needed == Depth::Changes);
    past.map(Some).ok_or_else(|| refused(&too_long(needed, moment.size)))
}

fn too_long(needed: Depth, size: u64) -> String {
    let (had, of) = match needed {
        Depth::Everything => (format!("The log had {} entries then", count(size)), "entries"),
        Depth::Changes => ("More was changed until then".to_owned(), "changes"),
    };
    format!(
        "{had}, and a page as of then is folded from at most {} {of}. A package as of that log size says how everything stood, with its proofs: \
         tabellion export --at {size}.",
        count(PAST_ENTRIES)
    )
}

/// A page that is not shown as of then, and why.
fn refused(why: &str) -> Refusal {
    Refusal::at(Code::NotFound, "/as_of", why)
}

/// The markup of a page as of `as_of`: its links lead to the same moment, and those that lead to what is only there now lead nowhere.
pub(crate) fn bound(html: &str, as_of: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let mut rest = html;
    // Text of others is escaped: it has no quotation mark that could begin an attribute.
    while let Some(at) = rest.find("href=\"/") {
        let (before, from) = rest.split_at(at);
        let address = from.get("href=\"".len()..).unwrap_or_default();
        let (address, after) = address.split_once('"').unwrap_or((address, ""));
        let is_data = before.ends_with("data-");
        match leads(address) {
            Leads::Nowhere if is_data => {
                out.push_str(before.strip_suffix("data-").unwrap_or(before));
            }
            Leads::Nowhere => out.push_str(before),
            Leads::Elsewhere => {
                out.push_str(before);
                out.extend(["href=\"", address, "\""]);
            }
            Leads::There => {
                out.push_str(before);
                let (path, place) = address
                    .split_once('#')
                    .map_or((address, String::new()), |(path, place)| (path, format!("#{place}")));
                let joint = if path.contains('?') { "&amp;" } else { "?" };
                out.extend(["href=\"", path, joint, "as_of=", as_of, &place, "\""]);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

enum Leads {
    /// To a page that answers as of then.
    There,
    /// To a page that answers for the present alone.
    Nowhere,
    /// To something that has no moment, such as a file or a receipt, or that names its own.
    Elsewhere,
}

fn leads(address: &str) -> Leads {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    // What is meant to lead back to the present says so by its place.
    if address.ends_with(NOW)
        || address.contains("as_of=")
        || path.starts_with("/assets/")
        || path.starts_with("/api/")
    {
        return Leads::Elsewhere;
    }
    // Of two pages that fit, the one that names every part itself is meant.
    let mut fitting: Vec<&Page> =
        PAGES.iter().filter(|page| page.method == Method::Get && fits(page.path, path)).collect();
    fitting.sort_by_key(|page| page.path.matches('{').count());
    match fitting.first().map(|page| page.history) {
        None => Leads::Elsewhere,
        Some(History::Present) => Leads::Nowhere,
        Some(_) => Leads::There,
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given))
                if wanted == given || (wanted.starts_with('{') && !given.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_past_stay_in_the_past() {
        let html = r##"<a href="/inbox#main">Now</a><a href="/systems">All</a><tr data-href="/calls/ab?x=1"><a href="/systems/ab#part-keys">One</a>
            <a class="button" href="/systems/new">Register</a><tr data-href="/inbox"><a href="/api/v1/entries/4/receipt">Receipt</a>
            <a href="/keys?as_of=9">Then</a><a href="#here">Here</a>"##;
        let bound = bound(html, "40");
        for kept in [
            r#"<a href="/systems?as_of=40">"#,
            r#"<tr data-href="/calls/ab?x=1&amp;as_of=40">"#,
            r#"<a href="/systems/ab?as_of=40#part-keys">"#,
            r#"<a class="button" >Register"#,
            "<tr >",
            r#"<a href="/api/v1/entries/4/receipt">"#,
            r#"<a href="/keys?as_of=9">"#,
            r##"<a href="#here">"##,
            r#"<a href="/inbox#main">"#,
        ] {
            assert!(
                bound.contains(kept),
                "a reader would leave the moment without noticing: no {kept} in {bound}"
            );
        }
    }
}
