//! What a request asks an answer to be: the schema that it names for texts, and those of the tools that it offers.
//!
//! Read from the body as it came, where it says so for the three interfaces: `response_format`, `text.format`, `output_format` and `output_config.format`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tabellion_model::SystemId;

use crate::guards::config::Side;
use crate::guards::schema::SchemaGuard;
use crate::guards::schema::compiled::Compiled;
use crate::guards::suite::{Check, Guards};

/// What is asked of a text.
pub(crate) enum Asked {
    /// Nothing.
    Nothing,
    /// To satisfy this schema.
    Schema(Compiled),
    /// Something that cannot be read as one.
    Unusable,
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
            return Self { text: Asked::Unusable, tools: BTreeMap::new() };
        };
        let tools = if with_tools { tools(&request) } else { BTreeMap::new() };
        Self { text: text(&request), tools }
    }
}

impl Guards {
    /// What such a call asks its answer to be, where a guard holds it to that.
    pub(crate) fn wanted(&self, system: SystemId, purpose: &str, body: &[u8]) -> Option<Arc<Wanted>> {
        if self.schemas.is_empty() {
            return None;
        }
        let numbers = self.that_apply(Side::Answer, system, purpose);
        let checks = numbers.iter().filter_map(|number| self.all.get(*number)).map(|guard| guard.check);
        let schemas: Vec<&SchemaGuard> = checks
            .filter_map(|check| match check {
                Check::Schema(place) => self.schemas.get(place),
                _ => None,
            })
            .filter(|schema| schema.reads_requests())
            .collect();
        let with_tools = schemas.iter().any(|schema| schema.tools);
        (!schemas.is_empty()).then(|| Arc::new(Wanted::of(body, with_tools)))
    }
}

/// The member of one of these names that says something.
fn said<'v>(of: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    of.get(name).filter(|value| !value.is_null())
}

fn text(request: &Map<String, Value>) -> Asked {
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
        (Some(format), None) => asked(format),
        // Which one the provider heeds is not known.
        (Some(_), Some(_)) => Asked::Unusable,
    }
}

fn asked(format: &Value) -> Asked {
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Asked::Nothing,
        Some("json_object") => compiled(Some(&json!({ "type": "object" }))),
        // Chats have it one level deeper than the others.
        Some("json_schema") => {
            compiled(format.get("json_schema").and_then(|inner| inner.get("schema")).or(format.get("schema")))
        }
        _ => Asked::Unusable,
    }
}

fn compiled(schema: Option<&Value>) -> Asked {
    let Some(schema) = schema else { return Asked::Unusable };
    Compiled::of(schema.clone()).map_or(Asked::Unusable, Asked::Schema)
}

fn tools(request: &Map<String, Value>) -> BTreeMap<String, Asked> {
    let list = |name: &str| request.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut tools = BTreeMap::new();
    for tool in list("tools").chain(list("functions")) {
        // Chats have it one level deeper than the others.
        let tool = tool.get("function").or(tool.get("custom")).unwrap_or(tool);
        let Some(name) = tool.get("name").and_then(Value::as_str) else { continue };
        let declared = ["parameters", "input_schema"].into_iter().find_map(|member| tool.get(member));
        let asked = match declared {
            None | Some(Value::Null) => Asked::Nothing,
            declared => compiled(declared),
        };
        // Of two that have one name nobody knows which is meant.
        let is_again = tools.contains_key(name);
        tools.insert(name.to_owned(), if is_again { Asked::Unusable } else { asked });
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
            Asked::Unusable => "unusable",
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
