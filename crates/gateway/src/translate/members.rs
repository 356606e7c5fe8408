//! What cannot be translated, and an object that is taken apart until nothing of it is left.
//!
//! Promises: a member that nobody took is named and refused, so nothing is dropped in silence. Must never: repeat more of a body than the way to a member.

use crate::translate::tree::{Node, Value};
use crate::words::{self, is_word};

/// What the other interface has no words for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The way to the member.
    pub(crate) at: String,
    /// Why it stays here.
    pub(crate) why: &'static str,
}

/// The usual reason.
pub(crate) const NO_COUNTERPART: &str = "the provider's interface has no counterpart of it";
/// A value of a kind that the interface does not have there.
pub(crate) const NOT_AS_DESCRIBED: &str = "it is not of the kind that the interface has there";

impl Lost {
    pub(crate) fn new(at: impl Into<String>, why: &'static str) -> Self {
        Self { at: at.into(), why }
    }
}

/// An object and what of it is left.
pub(crate) struct Members<'n, 'b> {
    at: String,
    left: Vec<(&'n str, &'n Node<'b>)>,
}

impl<'n, 'b> Members<'n, 'b> {
    /// Of `node`, which stands at `at`. Members that are `null` say nothing.
    pub(crate) fn of(node: &'n Node<'b>, at: &str) -> Result<Self, Lost> {
        let Value::Object(members) = &node.value else { return Err(Lost::new(at, NOT_AS_DESCRIBED)) };
        let left = members.iter().filter(|(_, node)| !node.is_null());
        Ok(Self { at: at.to_owned(), left: left.map(|(name, node)| (name.as_ref(), node)).collect() })
    }

    /// The way to the member `name`.
    pub(crate) fn way(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<&'n Node<'b>> {
        let at = self.left.iter().position(|(known, _)| *known == name)?;
        Some(self.left.swap_remove(at).1)
    }

    /// A member that must be there.
    pub(crate) fn need(&mut self, name: &str) -> Result<&'n Node<'b>, Lost> {
        let missing = Lost::new(self.way(name), "it is missing");
        self.take(name).ok_or(missing)
    }

    /// A string, as it is written.
    pub(crate) fn string(&mut self, name: &str) -> Result<Option<&'n str>, Lost> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match node.value {
            Value::String(_) => Ok(Some(node.raw)),
            _ => Err(Lost::new(self.way(name), NOT_AS_DESCRIBED)),
        }
    }

    /// A string that must be there, as it is written.
    pub(crate) fn need_string(&mut self, name: &str) -> Result<&'n str, Lost> {
        let missing = Lost::new(self.way(name), "it is missing");
        self.string(name)?.ok_or(missing)
    }

    /// What a string says that must be there: one of the interface's own words.
    pub(crate) fn word(&mut self, name: &str) -> Result<String, Lost> {
        let node = self.need(name)?;
        node.text()
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| Lost::new(self.way(name), NOT_AS_DESCRIBED))
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Lost> {
        let Some(node) = self.take(name) else { return Ok(None) };
        node.bool().map(Some).ok_or_else(|| Lost::new(self.way(name), NOT_AS_DESCRIBED))
    }

    /// A list.
    pub(crate) fn list(&mut self, name: &str) -> Result<&'n [Node<'b>], Lost> {
        let Some(node) = self.take(name) else { return Ok(&[]) };
        node.items().ok_or_else(|| Lost::new(self.way(name), NOT_AS_DESCRIBED))
    }

    /// A member that may be there only as it is without it: `is_nothing` says when.
    pub(crate) fn nothing(
        &mut self,
        name: &str,
        is_nothing: impl Fn(&Node<'b>) -> bool,
        why: &'static str,
    ) -> Result<(), Lost> {
        match self.take(name) {
            Some(node) if !is_nothing(node) => Err(Lost::new(self.way(name), why)),
            _ => Ok(()),
        }
    }

    /// Passes over a member that changes nothing of what is asked.
    pub(crate) fn harmless(&mut self, name: &str) {
        let _ = self.take(name);
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Lost> {
        match self.left.first() {
            None => Ok(()),
            // Whoever calls chooses the names: a text could stand in one.
            Some((name, _)) => Err(Lost::new(self.way(&words::recorded(name, is_word)), NO_COUNTERPART)),
        }
    }
}
