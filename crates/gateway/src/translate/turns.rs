//! The turns of a conversation with messages: what several tools answered at once is one turn there, and one message each in a chat.

use crate::translate::tree::{Object, list};

/// The turns so far.
#[derive(Default)]
pub(crate) struct Turns {
    written: Vec<String>,
    /// Answers of tools that stand in one turn.
    results: Vec<String>,
    last: &'static str,
}

impl Turns {
    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty() && self.results.is_empty()
    }

    /// Whether the last turn is of `role`.
    pub(crate) fn ends_with(&self, role: &str) -> bool {
        self.last == role
    }

    /// A turn of its own.
    pub(crate) fn add(&mut self, role: &'static str, blocks: &[String]) {
        self.close();
        self.last = role;
        self.written.push(Object::new().text("role", role).raw("content", &list(blocks)).end());
    }

    /// What a tool answered.
    pub(crate) fn add_result(&mut self, result: String) {
        self.last = "user";
        self.results.push(result);
    }

    fn close(&mut self) {
        let results = std::mem::take(&mut self.results);
        if !results.is_empty() {
            self.written.push(Object::new().text("role", "user").raw("content", &list(&results)).end());
        }
    }

    /// All of them, as a list.
    pub(crate) fn end(mut self) -> String {
        self.close();
        list(&self.written)
    }
}
