//! Where the results of a batch of messages are fetched, as an answer about the batch says.
//!
//! Anthropic's libraries fetch them from `results_url`, with the key of whoever uses them. The provider says its own address there, so they would go past the gateway and hand
//! the provider a key of its callers. Hence the address becomes one of the gateway, without a host: libraries put it behind the address that they ask at.
//!
//! Promises: nothing of such an answer goes on before it was read whole, and nothing else of it is changed. Must never: let an address pass that could not be read.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use tabellion_mask::json::{Kind, Limits, Path, Scalar, Visitor, walk};
use tabellion_model::body::RouteClass;

use crate::config::Api;
use crate::declared::{Declared, is_id};

/// Largest answer about a batch that is read: those of today have less than a kilobyte.
const MAX_BYTES: usize = 64 << 10;
/// Deepest one: those of today have two levels.
const MAX_DEPTH: usize = 16;
/// The member that says where results are fetched.
const RESULTS_URL: &str = "results_url";

/// That an answer is none about a batch that can be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// An answer about a batch, as far as it has come.
pub(super) struct AboutBatch(BytesMut);

impl AboutBatch {
    /// Of a route whose answers are about one; none: they are not, or it says no address.
    pub(super) fn of(declared: &Declared) -> Option<Self> {
        let is_one = declared.api == Api::Anthropic && declared.class == RouteClass::Batches;
        (is_one && declared.names_own()).then(|| Self(BytesMut::new()))
    }

    /// Takes a piece in.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        if self.0.len() + piece.len() > MAX_BYTES {
            return Err(Unreadable);
        }
        self.0.extend_from_slice(piece);
        Ok(())
    }

    /// The answer as it may go on.
    pub(super) fn finish(self) -> Result<Bytes, Unreadable> {
        let mut seen = Seen::default();
        let limits = Limits { max_bytes: MAX_BYTES, max_depth: MAX_DEPTH };
        walk(&self.0, &limits, &mut seen).map_err(|_| Unreadable)?;
        let bytes = self.0.freeze();
        let Some(at) = seen.address else {
            return if seen.is_readable { Ok(bytes) } else { Err(Unreadable) };
        };
        let id = seen.id.filter(|id| seen.is_readable && is_id(id)).ok_or(Unreadable)?;
        let (Some(before), Some(behind)) = (bytes.get(..at.start), bytes.get(at.end..)) else {
            return Err(Unreadable);
        };
        let own = format!("\"/v1/messages/batches/{id}/results\"");
        Ok([before, own.as_bytes(), behind].concat().into())
    }
}

/// What is looked at.
#[derive(Default)]
struct Seen {
    id: Option<String>,
    /// Where the address stands, with its quotes; none: there is none, or it is `null`.
    address: Option<Range<usize>>,
    /// Whether it is an object whose address is one.
    is_readable: bool,
}

impl<'b> Visitor<'b> for Seen {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        match (path.top(), scalar) {
            (Some("id"), Scalar::String(id)) => self.id = Some(id.value().into_owned()),
            (Some(RESULTS_URL), Scalar::Null) => {}
            // Of another type than a text it could be anything to somebody.
            (Some(RESULTS_URL), _) => self.address = Some(range),
            _ => {}
        }
    }

    fn close(&mut self, path: Path<'_, 'b>, kind: Kind, range: Range<usize>) {
        if path.top() == Some(RESULTS_URL) {
            self.address = Some(range);
        } else if path.steps().is_empty() {
            self.is_readable = kind == Kind::Object;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Result<String, Unreadable> {
        let mut about = AboutBatch(BytesMut::new());
        for piece in text.as_bytes().chunks(7) {
            about.push(piece)?;
        }
        about.finish().map(|bytes| String::from_utf8(bytes.to_vec()).expect("text"))
    }

    /// Requirement: N22. Results are fetched through the gateway, whatever address the provider names; nothing else of its answer is changed.
    #[test]
    fn results_are_fetched_here() {
        let before = r#"{"id":"msgbatch_1", "type":"message_batch","results_url" : "#;
        let behind = r#" ,"request_counts":{"succeeded":1,"note":"results_url"}}"#;
        for said in [
            "\"https://api.anthropic.com/v1/messages/batches/msgbatch_1/results\"",
            "\"\\u0068ttp://elsewhere.example\"",
            "\"/v1/messages/batches/other/results\"",
            "\"\"",
            "7",
            "[\"https://elsewhere.example\"]",
            "{\"url\":\"https://elsewhere.example\"}",
        ] {
            let due = format!("{before}\"/v1/messages/batches/msgbatch_1/results\"{behind}");
            assert_eq!(answer(&format!("{before}{said}{behind}")), Ok(due), "{said} leads past the gateway");
        }
        for same in [
            format!("{before}null{behind}"),
            r#"{"id":"msgbatch_1","type":"message_batch_deleted"}"#.to_owned(),
            r#"{"id":"b","error":{"results_url":"https://elsewhere.example"}}"#.to_owned(),
        ] {
            assert_eq!(answer(&same), Ok(same.clone()), "an answer was changed");
        }
    }

    /// Requirement: N22. An answer in which somebody might find an address that is not found here does not go on.
    #[test]
    fn what_cannot_be_read_does_not_go_on() {
        let url = "\"results_url\":\"https://elsewhere.example\"";
        for (text, why) in [
            (format!("{{\"id\":\"b\",{url},{url}}}"), "an address twice"),
            (format!("{{{url}}}"), "a batch without a name"),
            (format!("{{\"id\":\"../files\",{url}}}"), "a name that is a way"),
            (format!("[{{\"id\":\"b\",{url}}}]"), "a list"),
            (format!("{{\"id\":\"b\",{url}}}{{}}"), "something behind it"),
            ("<html>".to_owned(), "no JSON"),
            (format!("{{\"id\":\"b\",\"note\":\"{}\"}}", "a".repeat(MAX_BYTES)), "a very long one"),
        ] {
            assert_eq!(answer(&text), Err(Unreadable), "{why} goes on");
        }
    }
}
