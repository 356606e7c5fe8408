//! What somebody typed into a form that cannot be taken any more, so that it can be copied.
//!
//! Promises: every text that was typed stands there whole. Must never: show it to anybody but its sender, or keep it.

use askama::Template;
use tabellion_model::register::{Field, Kind};

use crate::console::block::Block;
use crate::console::pages::Method;
use crate::console::visit::Visit;
use crate::refusal::{Code, Refusal};

/// What stands before the names of a register's fields.
const OF_REGISTER: &str = "field.";
/// Fields that are chosen, not written.
const CHOSEN: [&str; 10] =
    ["state", "stage", "decision", "capture", "role", "kind", "system", "owner", "class", "surface"];
/// Fields that nobody types: proofs, versions, places to go on to, and a file's bytes.
const NOT_TYPED: [&str; 12] = [
    "csrf", "once", "form", "version", "proposed", "revision", "digest", "page", "query", "next", "content",
    "link",
];
/// Fewest and most lines that a text is shown on.
const LINES: (usize, usize) = (1, 12);
/// Characters of a line, to guess how many a text takes.
const LINE_CHARS: usize = 80;

struct Written {
    id: String,
    label: String,
    text: String,
    lines: usize,
}

#[derive(Template)]
#[template(path = "console/typed.html")]
struct Typed {
    texts: Vec<Written>,
}

/// What was typed; none: nothing was sent by somebody who is here.
pub(crate) fn block(visit: &Visit<'_>, refusal: &Refusal) -> Result<Option<Block>, Refusal> {
    // What another site may have sent is nobody's text.
    if visit.page.method != Method::Post || visit.actor.is_none() || refusal.code == Code::CrossSite {
        return Ok(None);
    }
    let typed = visit.form.iter().filter(|(name, text)| !text.trim().is_empty() && is_written(visit, name));
    let texts: Vec<Written> = typed
        .enumerate()
        .map(|(position, (name, text))| Written {
            id: format!("typed-{position}"),
            label: label(visit, name),
            text: text.to_owned(),
            lines: text
                .lines()
                .map(|line| line.chars().count() / LINE_CHARS + 1)
                .sum::<usize>()
                .clamp(LINES.0, LINES.1),
        })
        .collect();
    if texts.is_empty() { Ok(None) } else { Block::of(&Typed { texts }).map(Some) }
}

/// Whether somebody writes in the field of this name, rather than chooses.
fn is_written(visit: &Visit<'_>, name: &str) -> bool {
    let Some(plain) = name.strip_prefix(OF_REGISTER) else {
        return !NOT_TYPED.contains(&name) && !CHOSEN.contains(&name);
    };
    field(visit, plain).is_some_and(|field| {
        matches!(field.kind, Kind::Line | Kind::Text | Kind::List | Kind::References | Kind::Number)
    })
}

/// The field of the register that the address names.
fn field<'v>(visit: &'v Visit<'_>, name: &str) -> Option<&'v Field> {
    visit.desk.register(visit.parts.get("register")?).ok()?.field(name)
}

/// What the field is called: as its register says, or by its name.
fn label(visit: &Visit<'_>, name: &str) -> String {
    let plain = name.strip_prefix(OF_REGISTER).unwrap_or(name);
    if let Some(field) = field(visit, plain) {
        return field.label.clone();
    }
    let mut characters = plain.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}", characters.as_str().replace('_', " "))
}
