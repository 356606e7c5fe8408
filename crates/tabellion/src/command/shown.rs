//! Members of a resource, as commands print them for somebody to read.
//!
//! Must never: print a control character that somebody else wrote, or make up what is not there.

use serde_json::Value;

use crate::terminal;

/// What stands at a JSON pointer; null when nothing does.
pub(crate) fn at<'a>(resource: &'a Value, pointer: &str) -> &'a Value {
    resource.pointer(pointer).unwrap_or(&Value::Null)
}

/// The text there, made printable; `otherwise` when there is none.
pub(crate) fn text(resource: &Value, pointer: &str, otherwise: &str) -> String {
    terminal::printable(at(resource, pointer).as_str().unwrap_or(otherwise))
}

/// Whether it says `true` there.
pub(crate) fn holds(resource: &Value, pointer: &str) -> bool {
    at(resource, pointer) == &Value::Bool(true)
}

/// What is listed there; nothing when nothing is.
pub(crate) fn rows<'a>(resource: &'a Value, pointer: &str) -> &'a [Value] {
    at(resource, pointer).as_array().map(Vec::as_slice).unwrap_or_default()
}
