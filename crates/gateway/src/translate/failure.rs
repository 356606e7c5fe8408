//! A provider's own error, in the words of the other interface.

use crate::dialect::anthropic::error_type;
use crate::translate::tree::{Node, Object, Value};

/// Said where a provider gives no message.
const NO_MESSAGE: &str = "\"the provider gave no message\"";
/// Of an error that names no kind.
const NO_KIND: &str = "\"api_error\"";

/// The error's own kind and message, as they are written.
pub(crate) struct Failure<'b> {
    kind: &'b str,
    message: &'b str,
}

/// The error that a body is; `None`: it is none.
pub(crate) fn of<'b>(body: &Node<'b>) -> Option<Failure<'b>> {
    let error = body.get("error")?;
    let string = |name: &str| {
        error.get(name).filter(|node| matches!(node.value, Value::String(_))).map(|node| node.raw)
    };
    // Some providers say it in one text.
    let whole = matches!(error.value, Value::String(_)).then_some(error.raw);
    let message = whole.or_else(|| string("message")).unwrap_or(NO_MESSAGE);
    Some(Failure { kind: string("type").unwrap_or(NO_KIND), message })
}

impl Failure<'_> {
    /// As a chat has it.
    pub(crate) fn as_chat(&self) -> String {
        let error = Object::new()
            .raw("message", self.message)
            .raw("type", self.kind)
            .raw("param", "null")
            .raw("code", "null");
        Object::new().raw("error", &error.end()).end()
    }

    /// As a message has it: of the kind that goes with the status.
    pub(crate) fn as_message(&self, status: u16) -> String {
        let error = Object::new().text("type", error_type(status)).raw("message", self.message);
        Object::new().text("type", "error").raw("error", &error.end()).end()
    }
}
