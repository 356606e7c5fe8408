//! One visit to a page: who, what they asked for, and how a page is put together for them.

use serde::de::DeserializeOwned;
use serde_json::Value;
use tabellion_model::{CredentialId, Micros, RecordId, SystemId};

use super::answer::{Answer, Answered, Reply};
use super::block::{Action, Block};
use super::cell::{Cell, Look};
use super::form::Refused;
use super::link::Link;
use super::moment::Moment;
use super::names::Names;
use super::pages::Page;
use super::pairs::Pairs;
use super::shell::{self, Shell};
use crate::api::Settings;
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::{Actor, Desk, Given, Written};

/// A colour scheme that somebody chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// Its word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// By its word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == word)
    }
}

/// A visit.
pub(crate) struct Visit<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) settings: &'a Settings,
    pub(crate) page: &'static Page,
    /// Who; on public pages perhaps nobody.
    pub(crate) actor: Option<Actor>,
    /// What the forms of this session carry.
    pub(crate) csrf: Option<String>,
    /// The path as it was asked for.
    pub(crate) path: String,
    /// Its parts that stand for something.
    pub(crate) parts: Pairs,
    pub(crate) query: Pairs,
    /// What was sent; empty for a page that is only read.
    pub(crate) form: Pairs,
    /// As of when.
    pub(crate) moment: Option<Moment>,
    pub(crate) theme: Option<Theme>,
    /// The page of ours that led here, as the browser says; none: another site's, or it does not say.
    pub(crate) from: Option<String>,
    /// What people, keys and systems are called.
    pub(crate) names: Names,
}

/// A page in the making.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) title: String,
    /// Where the page stands: label and address of each step above it.
    pub(crate) trail: Vec<(String, String)>,
    pub(crate) lead: String,
    /// States beside the title.
    pub(crate) badges: Vec<Cell>,
    /// The one thing that most come here to do.
    pub(crate) action: Option<Action>,
    pub(crate) blocks: Vec<Block>,
    /// Whether it has a chart, or may get one by its filters.
    pub(crate) charts: bool,
    /// Whether a form led here that was neither taken nor is shown again.
    pub(crate) unsent: bool,
}

impl Content {
    /// A page with a title.
    pub(crate) fn titled(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }
}

impl Visit<'_> {
    /// Who is here.
    pub(crate) fn actor(&self) -> Result<&Actor, Refusal> {
        self.actor.as_ref().ok_or_else(|| Refusal::new(Code::NotSignedIn, "nobody is signed in"))
    }

    /// How far a permission goes for whoever is here.
    pub(crate) fn reach(&self, permission: Permission) -> Reach {
        self.actor.as_ref().map_or(Reach::Nothing, |actor| actor.reach(permission))
    }

    /// Whether a permission goes as far as anything.
    pub(crate) fn can(&self, permission: Permission) -> bool {
        self.reach(permission) != Reach::Nothing
    }

    /// Whether a permission goes as far as `system`, and this is the present.
    pub(crate) fn can_change(&self, permission: Permission, system: SystemId) -> Result<bool, Refusal> {
        Ok(self.moment.is_none() && self.desk.may(self.actor()?, permission, Some(system))?)
    }

    /// What time it is, or was then.
    pub(crate) fn now(&self) -> Micros {
        self.moment.map_or_else(|| self.desk.now(), |moment| moment.at)
    }

    /// Log size: now, or then.
    pub(crate) fn size(&self) -> u64 {
        self.moment.map_or_else(|| self.desk.ledger().reader().size(), |moment| moment.size)
    }

    /// This page's address without parameters.
    pub(crate) fn here(&self) -> Link {
        Link::to(&self.path)
    }

    /// Another page's address, as of the same moment.
    pub(crate) fn to(&self, path: &str) -> String {
        Link::to(path).with_some("as_of", self.query.get("as_of")).href()
    }

    /// Whether the table is wanted as CSV.
    pub(crate) fn wants_csv(&self) -> bool {
        self.query.get("format") == Some("csv")
    }

    /// Idempotency key and version that came with a form.
    pub(crate) fn given(&self) -> Given {
        Given {
            idempotency_key: self.form.get("once").map(str::to_owned),
            version: self.form.number("version"),
        }
    }

    #[expect(clippy::unused_self, reason = "a form is read by the visit that brought it")]
    /// A body of the API's route `name`, held against the same schema.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str, body: Value) -> Result<T, Refusal> {
        crate::api::read_body(name, body)
    }

    /// A part of the path that names a system.
    pub(crate) fn system(&self) -> Result<SystemId, Refusal> {
        SystemId::from_hex(self.parts.text("system")).ok_or_else(|| Refusal::not_found("system"))
    }

    /// A part of the path that names a key or person.
    pub(crate) fn credential(&self, name: &'static str) -> Result<CredentialId, Refusal> {
        CredentialId::from_hex(self.parts.text(name)).ok_or_else(|| Refusal::not_found(name))
    }

    /// A part of the path that names a call.
    pub(crate) fn record(&self, name: &'static str) -> Result<RecordId, Refusal> {
        RecordId::from_hex(self.parts.text(name)).ok_or_else(|| Refusal::not_found(name))
    }

    /// A time as a cell.
    pub(crate) fn time(&self, at: Micros) -> Cell {
        Cell::time(at, self.now())
    }

    /// Who stands behind an id.
    pub(crate) fn who(&self, id: CredentialId) -> Result<Cell, Refusal> {
        self.names.who(self.desk, self.actor()?, id)
    }

    /// Who stands behind an id as the API writes it; what is none stands as it is.
    pub(crate) fn who_by_id(&self, id: &str) -> Result<Cell, Refusal> {
        CredentialId::from_hex(id).map_or_else(|| Ok(Cell::id(id)), |id| self.who(id))
    }

    /// Who stands behind an id as the API writes it, where there is one.
    pub(crate) fn who_or(&self, id: Option<&str>, otherwise: &str) -> Result<Cell, Refusal> {
        let id = id.and_then(CredentialId::from_hex);
        id.map_or_else(|| Ok(Cell::unknown(otherwise)), |id| self.who(id))
    }

    /// Who let somebody's session in, to be said beside what they did in it; none: nobody is named.
    pub(crate) fn let_in_by(&self, id: Option<CredentialId>) -> Result<Option<Cell>, Refusal> {
        let Some(id) = id else { return Ok(None) };
        let who = self.who(id)?;
        Ok(Some(Cell { text: format!("let in by {}", who.text), look: Look::Aside, ..who }))
    }

    /// An entry as a cell that leads to it, where the reader may open it.
    pub(crate) fn entry(&self, index: u64) -> Cell {
        let cell = Cell::quantity(&format!("#{}", super::words::count(index)), index);
        if self.opens(index) { cell.to(self.to(&format!("/ledger/{index}"))) } else { cell }
    }

    /// Whether the reader may open an entry: any, or one of their own systems'.
    pub(crate) fn opens(&self, index: u64) -> bool {
        match self.reach(Permission::ReadEntries) {
            Reach::All => true,
            // What cannot be read cannot be opened either.
            Reach::Own => self.actor().is_ok_and(|actor| self.desk.reach_entry(actor, index).is_ok()),
            Reach::Nothing => false,
        }
    }

    /// The page.
    pub(crate) fn show(&self, content: Content) -> Answered {
        self.show_with(200, content)
    }

    /// The page with another status.
    pub(crate) fn show_with(&self, status: u16, content: Content) -> Answered {
        let html = shell::page(&Shell::of(self)?, self, content)?;
        Ok(Reply::Html(status, html).into())
    }

    #[expect(clippy::unused_self, reason = "an answer is given by the visit that asked")]
    /// On to the page of what was changed, which says where it was recorded.
    pub(crate) fn recorded(&self, path: &str, written: &Written) -> Answer {
        Reply::See(Link::to(path).with("recorded", &written.index.to_string()).href()).into()
    }

    /// What follows the form `form`: on to the page of what was done, or `page` once more with what was typed and why it was refused.
    pub(crate) fn after<T>(
        &self,
        form: &'static str,
        done: Result<(T, Written), Refusal>,
        path: impl FnOnce(&T) -> String,
        page: impl FnOnce(&Self, u16, Option<&Refused<'_>>) -> Answered,
    ) -> Answered {
        match done {
            Ok((what, written)) => Ok(self.recorded(&path(&what), &written)),
            Err(refusal) => self.again(form, &refusal, page),
        }
    }

    /// `page` once more, with what was typed into the form `form` and why it was refused.
    pub(crate) fn again(
        &self,
        form: &'static str,
        refusal: &Refusal,
        page: impl FnOnce(&Self, u16, Option<&Refused<'_>>) -> Answered,
    ) -> Answered {
        let refused = Refused { id: form, typed: &self.form, refusal };
        page(self, refusal.code.status(), Some(&refused))
    }
}
