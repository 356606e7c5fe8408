//! Coming in and leaving: a link is opened by a button, so that a program that only looks at links uses none up.
//!
//! Must never: put a link's token into an address that a server sees.

use askama::Template;

use crate::api::credentials::{cleared_cookie, session_cookie};
use crate::console::answer::{Answer, Answered, Reply};
use crate::console::block::Block;
use crate::console::form::sentence;
use crate::console::link::{Link, own_path};
use crate::console::serve::THEME_COOKIE;
use crate::console::visit::{Content, Theme, Visit};
use crate::refusal::Refusal;

/// A year, in seconds: a taste, no secret.
const THEME_SECONDS: u32 = 31_536_000;

#[derive(Template)]
#[template(path = "console/login.html")]
struct Login<'a> {
    next: &'a str,
    /// A session was there and is no more.
    ended: bool,
    /// Somebody has just left.
    left: bool,
    /// Who is signed in already.
    already: bool,
    problem: String,
}

/// The page on which one comes in.
pub(crate) fn form(visit: &Visit<'_>) -> Answered {
    let next = visit.query.get("next").and_then(own_path).unwrap_or("/");
    page(visit, 200, next, String::new())
}

fn page(visit: &Visit<'_>, status: u16, next: &str, problem: String) -> Answered {
    let login = Login {
        next,
        ended: visit.query.get("ended").is_some(),
        left: visit.query.get("left").is_some(),
        already: visit.actor.is_some(),
        problem,
    };
    visit.show_with(status, Content { blocks: vec![Block::of(&login)?], ..Content::titled("Sign in") })
}

/// Uses a link up.
pub(crate) fn come_in(visit: &Visit<'_>) -> Answered {
    let typed = visit.form.get("link").unwrap_or_default().trim();
    // Somebody may paste the whole of it.
    let link = typed.rsplit_once("link=").map_or(typed, |(_, token)| token);
    let next = visit.form.get("next").and_then(own_path).unwrap_or("/").to_owned();
    match visit.desk.open_session(link) {
        Ok((token, _, _)) => {
            let cookie = session_cookie(&token, visit.settings.is_https());
            Ok(Answer::from(Reply::See(next)).cookie(cookie))
        }
        Err(refusal) => refused(visit, &next, &refusal),
    }
}

fn refused(visit: &Visit<'_>, next: &str, refusal: &Refusal) -> Answered {
    let text = format!("{} {}", sentence(&refusal.detail), refusal.code.remedy());
    page(visit, refusal.code.status(), next, text)
}

/// Ends the session.
pub(crate) fn leave(visit: &Visit<'_>) -> Answered {
    visit.desk.close_session(visit.actor()?)?;
    let cookie = cleared_cookie(visit.settings.is_https());
    Ok(Answer::from(Reply::See(Link::to("/login").with("left", "yes").href())).cookie(cookie))
}

/// Keeps the chosen colour scheme in this browser.
#[expect(clippy::unnecessary_wraps, reason = "every page has the one form that the table takes")]
pub(crate) fn theme(visit: &Visit<'_>) -> Answered {
    let back = visit.form.get("next").and_then(own_path).unwrap_or("/").to_owned();
    let secure = if visit.settings.is_https() { "; Secure" } else { "" };
    let cookie = match visit.form.get("theme").and_then(Theme::of) {
        Some(theme) => format!(
            "{THEME_COOKIE}={}; Path=/; SameSite=Strict; Max-Age={THEME_SECONDS}{secure}",
            theme.as_str()
        ),
        None => format!("{THEME_COOKIE}=; Path=/; SameSite=Strict; Max-Age=0{secure}"),
    };
    Ok(Answer::from(Reply::See(back)).cookie(cookie))
}
