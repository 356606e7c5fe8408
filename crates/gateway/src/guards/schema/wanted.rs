//! What a request asks an answer to be: the schema that it names for texts, and those of the tools that it offers.
//!
//! Read from the body as it came, where it says so for the three interfaces: `response_format`, `text.format`, `output_format` and `output_config.format`. Promises: what
//! is asked for is made ready before anything is sent, in a room that all schemas of the request share; what a blocking guard could not read is refused
//! while it costs nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tabellion_guard::schema::SchemaFault;
use tabellion_model::SystemId;
use tabellion_model::body::{GuardOutcome, Guarded};

use crate::code::Code;
use crate::decide::Refusal;
use crate::guards::config::{Mode, Side};
use crate::guards::schema::SchemaGuard;
use crate::guards::schema::compiled::{Compiled, Unfit};
use crate::guards::schema::room::Room;
use crate::guards::suite::{Check, Guard, Guards};

/// What is asked of a text.
pub(crate) enum Asked {
    /// Nothing.
    Nothing,
    /// To satisfy this schema.
    Schema(Compiled),
    /// Something that cannot be read as one, and why, in words that repeat none of it.
    Unusable(String),
}

/// What is asked of an answer.
pub(crate) struct Wanted {
    pub(crate) text: Asked,
    /// Tools by their names.
    pub(crate) tools: BTreeMap<String, Asked>,
}

impl Wanted {
    /// What `body`, which was read as a request before, asks for.
    pub(crate) fn of(body: &[u8], with_tools: bool) -> Self {
        let Ok(Value::Object(request)) = serde_json::from_slice(body) else {
            return Self { text: unusable("is in a request that cannot be read"), tools: BTreeMap::new() };
        };
        let mut room = Room::of_request();
        let text = text(&request, &mut room);
        let tools = if with_tools { tools(&request, &mut room) } else { BTreeMap::new() };
        Self { text, tools }
    }
}

impl Guards {
    /// What such a call asks its answer to be, where a guard holds it to that; refused where one that stops calls could not hold any answer to it.
    pub(crate) fn wanted(
        &self,
        (system, purpose, route): (SystemId, &str, &str),
        body: &[u8],
        said: &[Guarded],
    ) -> Result<Option<Arc<Wanted>>, Refusal> {
        let numbers = self.that_apply(Side::Answer, system, purpose, route);
        let guards = || numbers.iter().filter_map(|number| self.all.get(*number));
        let schemas: Vec<(&Guard, &SchemaGuard)> = guards()
            .filter_map(|guard| match guard.check {
                Check::Schema(place) => Some((guard, self.schemas.get(place)?)),
                _ => None,
            })
            .filter(|(_, schema)| schema.reads_requests())
            .collect();
        if schemas.is_empty() {
            return Ok(None);
        }
        let with_tools = schemas.iter().any(|(_, schema)| schema.tools);
        let wanted = Wanted::of(body, with_tools);
        let mut blocking = schemas.iter().filter(|(guard, _)| guard.mode == Mode::Block);
        let fault = blocking.find_map(|(guard, schema)| Some((guard, schema.cannot_read(&wanted)?)));
        let Some((guard, why)) = fault else { return Ok(Some(Arc::new(wanted))) };
        let reason = format!(
            "the guard {} holds answers to the JSON Schema that a request asks for, and what this one asks for, or declares of a tool, {why}; change it (docs/guards.md says what is read), or ask the governance engineer who keeps the guard. Nothing was sent, and asking again does not help",
            guard.name
        );
        let mut results = said.to_vec();
        results.push(guard.says(GuardOutcome::Errored, vec![Unfit::Schema.as_str().to_owned()]));
        Err(Refusal { guards: results, ..Refusal::new(Code::MalformedBody, reason) })
    }
}

/// The member of one of these names that says something.
fn said<'v>(of: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    of.get(name).filter(|value| !value.is_null())
}

fn text(request: &Map<String, Value>, room: &mut Room) -> Asked {
    let inner = |outer: &str| said(request, outer).and_then(|outer| said(outer.as_object()?, "format"));
    let formats = [
        said(request, "response_format"),
        inner("text"),
        said(request, "output_format"),
        inner("output_config"),
    ];
    let mut formats = formats.into_iter().flatten();
    match (formats.next(), formats.next()) {
        (None, _) => Asked::Nothing,
        (Some(format), None) => asked(format, room),
        // Which one the provider heeds is not known.
        (Some(_), Some(_)) => unusable("is there in two places, of which a provider may heed either"),
    }
}

fn asked(format: &Value, room: &mut Room) -> Asked {
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Asked::Nothing,
        Some("json_object") => compiled(Some(&json!({ "type": "object" })), room),
        // Chats have it one level deeper than the others.
        Some("json_schema") => {
            let inner = format.get("json_schema").and_then(|inner| inner.get("schema"));
            compiled(inner.or(format.get("schema")), room)
        }
        _ => unusable("is of a type that is not read here"),
    }
}

fn compiled(schema: Option<&Value>, room: &mut Room) -> Asked {
    let Some(schema) = schema else { return unusable("has no schema") };
    match Compiled::of(schema.clone(), room) {
        Ok(compiled) => Asked::Schema(compiled),
        // Its place has names of the caller's.
        Err(SchemaFault::NoSchema(_)) => unusable("has a schema that is neither an object nor true or false"),
        Err(fault) => Asked::Unusable(fault.to_string()),
    }
}

fn unusable(why: &str) -> Asked {
    Asked::Unusable(why.to_owned())
}

fn tools(request: &Map<String, Value>, room: &mut Room) -> BTreeMap<String, Asked> {
    let list = |name: &str| request.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut tools = BTreeMap::new();
    for tool in list("tools").chain(list("functions")) {
        // Chats have it one level deeper than the others.
        let tool = tool.get("function").or(tool.get("custom")).unwrap_or(tool);
        let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
        let declared = ["parameters", "input_schema"].into_iter().find_map(|member| tool.get(member));
        let asked = match declared {
            None | Some(Value::Null) => Asked::Nothing,
            declared => compiled(declared, room),
        };
        // Of two that have one name nobody knows which is meant.
        let is_again = tools.contains_key(name);
        tools.insert(name.to_owned(), if is_again { unusable("has two tools of one name") } else { asked });
    }
    tools
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(asked: &Asked) -> &'static str {
        match asked {
            Asked::Nothing => "nothing",
            Asked::Schema(_) => "schema",
            Asked::Unusable(_) => "unusable",
        }
    }

    #[test]
    fn what_is_asked_for_is_read_for_each_interface() {
        let schema = json!({ "type": "object" });
        let of_chat = json!({ "type": "json_schema", "json_schema": { "name": "x", "strict": true, "schema": schema } });
        let plain = json!({ "type": "json_schema", "schema": schema });
        for (request, wanted) in [
            (json!({}), "nothing"),
            (json!({ "response_format": null }), "nothing"),
            (json!({ "response_format": { "type": "text" } }), "nothing"),
            (json!({ "response_format": { "type": "json_object" } }), "schema"),
            (json!({ "response_format": of_chat }), "schema"),
            (json!({ "text": { "format": plain, "verbosity": "low" } }), "schema"),
            (json!({ "text": { "verbosity": "low" } }), "nothing"),
            (json!({ "output_format": plain }), "schema"),
            (json!({ "output_config": { "format": plain } }), "schema"),
            (json!({ "output_format": plain, "output_config": { "format": plain } }), "unusable"),
            (json!({ "response_format": { "type": "grammar" } }), "unusable"),
            (json!({ "response_format": { "type": "json_schema" } }), "unusable"),
            (
                json!({ "output_format": { "type": "json_schema", "schema": { "$ref": "http://x.example/" } } }),
                "unusable",
            ),
        ] {
            let read = Wanted::of(request.to_string().as_bytes(), true);
            assert_eq!(word(&read.text), wanted, "{request}");
        }
    }

    #[test]
    fn tools_are_read_for_each_interface() {
        let schema = json!({ "type": "object" });
        let request = json!({
            "tools": [
                { "type": "function", "function": { "name": "chat", "parameters": schema } },
                { "type": "function", "name": "responses", "parameters": schema },
                { "name": "messages", "input_schema": schema },
                { "type": "function", "function": { "name": "bare" } },
                { "type": "custom", "custom": { "name": "free" } },
                { "type": "function", "function": { "name": "bad", "parameters": { "$ref": "#" } } },
                { "name": "twice", "input_schema": schema },
                { "type": "web_search" },
            ],
            "functions": [{ "name": "old", "parameters": schema }, { "name": "twice" }],
        });
        let read = Wanted::of(request.to_string().as_bytes(), true);
        let tools: Vec<(&str, &str)> =
            read.tools.iter().map(|(name, asked)| (name.as_str(), word(asked))).collect();
        let wanted = [
            ("bad", "unusable"),
            ("bare", "nothing"),
            ("chat", "schema"),
            ("free", "nothing"),
            ("messages", "schema"),
            ("old", "schema"),
            ("responses", "schema"),
            ("twice", "unusable"),
        ];
        assert_eq!(tools, wanted);
    }
}
