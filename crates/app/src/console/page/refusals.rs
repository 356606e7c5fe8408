//! The page that says why there is no page, and what to do.

use askama::Template;

use crate::console::answer::{Answer, Reply};
use crate::console::assets::ASSETS;
use crate::console::block::{Action, Block, Note};
use crate::console::form::sentence;
use crate::console::link::Link;
use crate::console::page::typed;
use crate::console::pages::{Area, History, Method};
use crate::console::past::NOW;
use crate::console::visit::{Content, Visit};
use crate::console::words::Tone;
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};

#[derive(Template)]
#[template(path = "console/bare.html")]
struct Bare {
    style: &'static str,
    mark: &'static str,
    title: String,
    detail: String,
    remedy: &'static str,
    /// Where the browser goes on to by itself; empty: nowhere.
    again: String,
}

/// A refusal before anything is known of the visit.
pub(crate) fn bare(refusal: &Refusal) -> Answer {
    let page = Bare {
        style: &ASSETS.style.href,
        mark: &ASSETS.mark.href,
        title: refusal.code.title().to_owned(),
        detail: sentence(&refusal.detail),
        remedy: remedy(refusal.code),
        again: String::new(),
    };
    Reply::Html(refusal.code.status(), page.render().unwrap_or_default()).into()
}

/// A visit that followed another site's link: browsers keep the session's cookie back until a page of ours asks.
pub(crate) fn ask_again(href: &str) -> Answer {
    let page = Bare {
        style: &ASSETS.style.href,
        mark: &ASSETS.mark.href,
        title: "Opening the page".to_owned(),
        detail: "A link of another site led here; your session is asked for anew.".to_owned(),
        remedy: "",
        again: href.to_owned(),
    };
    Reply::Html(200, page.render().unwrap_or_default()).into()
}

/// A refusal to somebody who is here.
pub(crate) fn page(visit: &Visit<'_>, refusal: &Refusal) -> Answer {
    shown(visit, refusal).unwrap_or_else(|_| bare(refusal))
}

fn shown(visit: &Visit<'_>, refusal: &Refusal) -> Result<Answer, Refusal> {
    let past = refusal.pointer.as_deref() == Some("/as_of");
    let typed = typed::block(visit, refusal)?;
    let (title, detail, remedy, action) = if past && refusal.code == Code::NotFound {
        let now = format!("{}{NOW}", visit.here().keep(&visit.query, &["as_of"]).href());
        let action = match visit.moment.filter(|_| may_pack(visit)) {
            Some(moment) => Action {
                label: "Build a package as of then",
                href: format!("/packages?at={}&framework=iso42001{NOW}", moment.size),
            },
            None => Action { label: "Show the present", href: now },
        };
        ("Not as of then", sentence(&refusal.detail), "The present is not shown in its place.", Some(action))
    } else if past {
        let now = format!("{}{NOW}", visit.here().keep(&visit.query, &["as_of"]).href());
        (
            "There is no such moment",
            sentence(&refusal.detail),
            "Name a day, a time or a size of the log.",
            Some(Action { label: "Show the present", href: now }),
        )
    } else if typed.is_some() && matches!(refusal.code, Code::NotFound | Code::NotPermitted) {
        let why = match refusal.code {
            Code::NotFound => {
                "Somebody else answers for it since, or your role was changed while you were writing. It is as if it were not there for you."
                    .to_owned()
            }
            _ => sentence(&refusal.detail),
        };
        (
            "You can no longer write this",
            why,
            "Nothing was recorded. Give what you typed to whoever answers for it now, or ask an administrator.",
            action(visit, refusal.code),
        )
    } else if refusal.code == Code::Stale {
        (
            "It changed while you were writing",
            "Nothing was recorded: somebody else changed it meanwhile".to_owned(),
            remedy(refusal.code),
            action(visit, refusal.code),
        )
    } else if refusal.code == Code::NotSignedIn && visit.page.method == Method::Post {
        (
            "Your session is over",
            "What you just sent was not recorded".to_owned(),
            "The session ran out, or it was ended. Sign in with a new link and send it again.",
            action(visit, refusal.code),
        )
    } else if refusal.code == Code::NotPermitted && visit.page.method == Method::Get {
        (
            "Not open to your role",
            sentence(&refusal.detail),
            remedy(refusal.code),
            action(visit, refusal.code),
        )
    } else {
        (refusal.code.title(), sentence(&refusal.detail), remedy(refusal.code), action(visit, refusal.code))
    };
    let note = Note { tone: Tone::Fair, title: detail, text: remedy.to_owned(), action };
    let blocks = std::iter::once(Block::of(&note)?).chain(typed).collect();
    let unsent = visit.page.method == Method::Post;
    visit.show_with(refusal.code.status(), Content { blocks, unsent, ..Content::titled(title) })
}

/// Whether a package says what the page cannot.
fn may_pack(visit: &Visit<'_>) -> bool {
    let is_too_long = visit.page.history != History::Present;
    (is_too_long || visit.page.area == Area::Packages) && visit.can(Permission::BuildPackages)
}

fn action(visit: &Visit<'_>, code: Code) -> Option<Action> {
    let from = visit.from.as_deref();
    match (code, from) {
        // Back to the form: the browser kept what was typed into it.
        (Code::NotSignedIn, _) => {
            Some(Action { label: "Sign in", href: Link::to("/login").with_some("next", from).href() })
        }
        (Code::CrossSite, Some(from)) if visit.actor.is_some() => {
            Some(Action { label: "Open the page anew", href: from.to_owned() })
        }
        _ if visit.actor.is_some() => Some(Action { label: "Go home", href: "/".to_owned() }),
        _ => None,
    }
}

/// What to do, as a person does it; the API's words are for programs.
fn remedy(code: Code) -> &'static str {
    match code {
        Code::NotSignedIn => "Sign in with a new link.",
        Code::CrossSite => {
            "Nothing was recorded. If you did not come from another site, open the page anew and send the form again. If you did, somebody tried to act in your name: tell an administrator."
        }
        Code::NotPermitted => {
            "Ask somebody who has such a role to do it, or an administrator to give you one. Nothing was changed, and nothing is wrong with your session."
        }
        Code::NotFound => {
            "Check the address. What lies outside your reach looks the same as what is not there."
        }
        Code::Malformed => "Correct the address, or go back and correct the form.",
        Code::VersionRequired | Code::Stale => {
            "Open the page anew and look at what changed before you change it."
        }
        Code::StateImpossible => "Its page says how it stands and what can be done.",
        Code::Unavailable | Code::ViewBehind => "Try again in a moment.",
        code => code.remedy(),
    }
}
