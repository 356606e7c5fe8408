//! What pages are made of: facts, notes, texts, empty states, sections. Tables and forms have files of their own.
//!
//! Promises: a block comes about through a template alone, which escapes every value of others.

use std::borrow::Cow;

use askama::Template;

use super::cell::Cell;
use super::words::Tone;
use crate::refusal::{Code, Refusal};

/// Markup that a template made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block(String);

impl Block {
    /// What `template` makes of its values.
    pub(crate) fn of(template: &impl Template) -> Result<Self, Refusal> {
        let html = template.render();
        html.map(Self).map_err(|error| {
            Refusal::new(Code::Broken, format!("a part of the page could not be written: {error}"))
        })
    }

    /// The same as of an earlier moment, for its links.
    pub(crate) fn bound(self, as_of: &str) -> Self {
        Self(super::past::bound(&self.0, as_of))
    }

    /// Nothing.
    pub(crate) fn nothing() -> Self {
        Self(String::new())
    }

    /// The markup.
    pub(crate) fn html(&self) -> &str {
        &self.0
    }
}

/// A button that leads to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    /// What it does, the verb first.
    pub(crate) label: &'static str,
    /// Where.
    pub(crate) href: String,
}

/// Names with their values.
#[derive(Template, Default)]
#[template(path = "console/facts.html")]
pub(crate) struct Facts {
    facts: Vec<(Cow<'static, str>, Vec<Cell>)>,
}

impl Facts {
    /// One more.
    pub(crate) fn with(mut self, name: impl Into<Cow<'static, str>>, cell: Cell) -> Self {
        self.facts.push((name.into(), vec![cell]));
        self
    }

    /// One more with several values.
    pub(crate) fn with_all(mut self, name: impl Into<Cow<'static, str>>, cells: Vec<Cell>) -> Self {
        let cells = if cells.is_empty() { vec![Cell::unknown("none")] } else { cells };
        self.facts.push((name.into(), cells));
        self
    }

    /// The block.
    pub(crate) fn block(&self) -> Result<Block, Refusal> {
        Block::of(self)
    }
}

/// A few sentences that the reader must not miss.
#[derive(Template)]
#[template(path = "console/note.html")]
pub(crate) struct Note {
    pub(crate) tone: Tone,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) action: Option<Action>,
}

/// What stands where there is nothing yet: what this is for, who needs it, how to begin.
#[derive(Debug, Clone, Template)]
#[template(path = "console/empty.html")]
pub(crate) struct Empty {
    pub(crate) title: &'static str,
    /// What it is for and who needs it.
    pub(crate) text: &'static str,
    /// The one step to begin, when the reader may take it.
    pub(crate) action: Option<Action>,
    /// How it may look.
    pub(crate) sample: &'static str,
}

/// A text of others as it stands.
#[derive(Template)]
#[template(path = "console/text.html")]
pub(crate) struct Text {
    /// What it is.
    pub(crate) caption: String,
    /// Line by line.
    pub(crate) lines: Vec<Line>,
}

/// A line of a text, or of the difference of two.
pub(crate) struct Line {
    /// `same`, `gone` or `new`.
    pub(crate) class: &'static str,
    /// Its number.
    pub(crate) number: String,
    /// It.
    pub(crate) text: String,
}

impl Line {
    /// The mark before a line of a difference.
    fn mark(&self) -> &'static str {
        match self.class {
            "gone" => "−",
            "new" => "+",
            _ => " ",
        }
    }
}

/// A part of a page with its heading.
#[derive(Template)]
#[template(path = "console/section.html")]
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) lead: String,
    pub(crate) action: Option<Action>,
    pub(crate) blocks: Vec<Block>,
}

/// A section of some blocks.
pub(crate) fn section(id: &'static str, title: &str, blocks: Vec<Block>) -> Result<Block, Refusal> {
    Block::of(&Section { id, title: title.to_owned(), lead: String::new(), action: None, blocks })
}

/// Something that is done seldom, behind its own name; open when it was tried and refused.
#[derive(Template)]
#[template(path = "console/fold.html")]
struct Fold<'a> {
    id: &'static str,
    title: &'a str,
    open: bool,
    block: Block,
}

/// A folded block.
pub(crate) fn fold(id: &'static str, title: &str, open: bool, block: Block) -> Result<Block, Refusal> {
    if block.html().is_empty() {
        return Ok(block);
    }
    Block::of(&Fold { id, title, open, block })
}

/// Blocks beside each other where there is room.
#[derive(Template)]
#[template(path = "console/columns.html")]
pub(crate) struct Beside {
    pub(crate) blocks: Vec<Block>,
}
