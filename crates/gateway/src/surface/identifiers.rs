//! Which strings of a request are identifiers of the interface and not text: what programs compare and look up.
//!
//! Promises: only names of people, places and organisations are not looked for in them, since a tool called `jordan` must stay one; numbers,
//! addresses and secrets are. Must never: depend on what a string says.

use tabellion_mask::json::Step;

/// Members that hold an identifier, wherever they stand in the interface.
const IDENTIFIERS: &[&str] = &[
    "call_id",
    "container",
    "detail",
    "effort",
    "encoding_format",
    "file_id",
    "format",
    "id",
    "media_type",
    "mime_type",
    "model",
    "name",
    "object",
    "previous_response_id",
    "prompt_cache_key",
    "role",
    "server_label",
    "server_url",
    "service_tier",
    "status",
    "tool_call_id",
    "tool_choice",
    "tool_use_id",
    "truncation",
    "type",
    "url",
    "verbosity",
    "voice",
];
/// Members at the top that describe tools and formats: code, but for what it says to the model.
const DEFINITIONS: &[&str] =
    &["functions", "mcp_servers", "output_format", "response_format", "text", "tool_choice", "tools"];
/// What is text within a definition.
const DESCRIPTION: &str = "description";
/// Members that hold what a tool is called with: data of the application, whatever its members are called.
const CALLED_WITH: &[&str] = &["input", "arguments"];

/// Whether a string at these steps is an identifier. `steps` are those of the value, the outermost first.
pub(crate) fn is_identifier(steps: &[Step<'_>]) -> bool {
    let name =
        |step: &Step<'_>, names: &[&str]| matches!(step, Step::Name(name) if names.contains(&name.as_ref()));
    let Some((top, inner)) = steps.split_first() else { return false };
    let Some(last) = steps.last() else { return false };
    if inner.is_empty() {
        return name(top, IDENTIFIERS);
    }
    if name(top, DEFINITIONS) {
        return !name(last, &[DESCRIPTION]);
    }
    name(last, IDENTIFIERS) && !inner.iter().any(|step| name(step, CALLED_WITH))
}
