//! The routes with their schemas, and the OpenAPI 3.1 document that says the same.
//!
//! Promises: the document and the checks use the same schemas. Must never: describe a route that is not there, or leave one out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::Method;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::concise::CONCISE_MEDIA;
use super::problem::{PROBLEM_MEDIA, Problem};
use super::route::{Access, Headers, JSON_MEDIA, Route, Shapes};
use super::routes::routes;
use super::strict::{self, DEFINITIONS_AT, Definitions};
use crate::refusal::{Code, Refusal};
use crate::work::writing::MAX_IDEMPOTENCY_KEY_BYTES;

/// Integers beyond this are not exact in every JSON reader, and no record holds them.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Everything that is known about the routes.
pub(super) struct Catalogue {
    pub(super) routes: Vec<(Route, Shapes)>,
    pub(super) definitions: Definitions,
    /// The document, as JSON text.
    pub(super) document: String,
}

/// The one catalogue.
pub(super) static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::new);

/// Reads the body of the route `name` from JSON that came another way than by that route, held against the same schema.
pub(crate) fn read_body<T: DeserializeOwned>(name: &str, body: Value) -> Result<T, Refusal> {
    let known = CATALOGUE.routes.iter().find(|(route, _)| route.name == name);
    let shape = known.and_then(|(_, shapes)| shapes.body.as_ref());
    let shape =
        shape.ok_or_else(|| Refusal::new(Code::Broken, format!("there is no route {name} with a body")))?;
    strict::read(body, shape, &CATALOGUE.definitions, strict::Place::Body)
}

impl Catalogue {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = DEFINITIONS_AT.into();
            settings.meta_schema = None;
        });
        let mut generator = settings.into_generator();
        let mut shape = |of: fn(&mut SchemaGenerator) -> Schema| {
            let mut value = of(&mut generator).to_value();
            exact(&mut value);
            value
        };
        let routes: Vec<(Route, Shapes)> = routes()
            .into_iter()
            .map(|route| {
                let shapes = Shapes {
                    path: shape(route.path_shape),
                    query: shape(route.query_shape),
                    body: route.body_media.map(|_| shape(route.body_shape)),
                    answer: shape(route.answer_shape),
                };
                (route, shapes)
            })
            .collect();
        shape(SchemaGenerator::subschema_for::<Problem>);
        let mut definitions = generator.take_definitions(true);
        definitions.values_mut().for_each(exact);
        let mut document = document(&routes, &definitions);
        // One form, whatever map serde_json is built with.
        document.sort_all_objects();
        let document = serde_json::to_string_pretty(&document).unwrap_or_default();
        Self { routes, definitions, document }
    }
}

/// Says the range of integers instead of naming a width that JSON does not have.
fn exact(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let wide = members.get("format").and_then(Value::as_str).is_some_and(|format| format == "uint64");
            if wide {
                members.remove("format");
                members.entry("maximum").or_insert_with(|| Value::from(MAX_INTEGER));
            }
            members.values_mut().for_each(exact);
        }
        Value::Array(items) => items.iter_mut().for_each(exact),
        _ => {}
    }
}

fn document(routes: &[(Route, Shapes)], definitions: &Definitions) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (route, shapes) in routes {
        let method = route.method.as_str().to_ascii_lowercase();
        paths.entry(documented(route.path)).or_default().insert(method, operation(route, shapes));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tabellion",
            "version": "1",
            "summary": "The control plane of a Tabellion log: systems, keys, policies, calls, records, packages, people.",
            "description": "Errors are problem details (RFC 9457) with a stable code. Every change answers with the record that it made, and takes an \
                            Idempotency-Key, sessions and packages excepted. docs/api.md shows how to use it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A session's token (tbs_…) or an API key (tbl_…)."},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "tabellion_session", "description": "A browser's session; changes also need x-csrf-token."},
            },
        },
    })
}

/// A path as the document writes it, which has no sign for a parameter with slashes in it.
pub(super) fn documented(path: &str) -> String {
    path.replace("{*", "{")
}

fn operation(route: &Route, shapes: &Shapes) -> Value {
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.summary,
        "responses": responses(route, shapes),
    });
    let Value::Object(members) = &mut operation else { return operation };
    let parameters = parameters(route, shapes);
    if !parameters.is_empty() {
        members.insert("parameters".to_owned(), Value::from(parameters));
    }
    if let Some(body) = &shapes.body {
        let media = route.body_media.unwrap_or(JSON_MEDIA);
        let content = json!({media: {"schema": body}});
        members.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    match route.access {
        Access::Public => {
            members.insert("security".to_owned(), json!([]));
            members.insert("x-tabellion-access".to_owned(), json!("public"));
        }
        Access::Loopback => {
            members.insert("security".to_owned(), json!([]));
            members.insert("x-tabellion-access".to_owned(), json!("loopback"));
        }
        Access::Log(permission) => {
            members.insert("security".to_owned(), json!([{}, {"bearer": []}, {"cookie": []}]));
            members.insert(
                "x-tabellion-access".to_owned(),
                json!(format!("{}, or public", permission.as_str())),
            );
        }
        Access::Needs(permission) => {
            members.insert("security".to_owned(), json!([{"bearer": []}, {"cookie": []}]));
            members.insert("x-tabellion-access".to_owned(), json!(permission.as_str()));
        }
    }
    operation
}

fn parameters(route: &Route, shapes: &Shapes) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (place, shape) in [("path", &shapes.path), ("query", &shapes.query)] {
        let properties = shape.get("properties").and_then(Value::as_object);
        // By name, whatever map serde_json is built with.
        let properties: BTreeMap<&String, &Value> = properties.into_iter().flatten().collect();
        for (name, schema) in properties {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            parameters.push(json!({
                "name": name, "in": place, "required": place == "path",
                "description": description.unwrap_or_default(), "schema": without_null(schema),
            }));
        }
    }
    let header = |name: &str, description: &str, schema: Value| json!({"name": name, "in": "header", "required": false, "description": description, "schema": schema});
    if route.headers != Headers::Plain {
        parameters.push(header(
            "Idempotency-Key",
            "Makes a retry safe: the same key and request give the first record, another request is refused.",
            json!({"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_BYTES, "pattern": "^[\\x21-\\x7e]+$"}),
        ));
    }
    if route.headers == Headers::Change {
        parameters.push(header(
            "If-Match",
            "The ETag of the resource as it was read; refused when it has changed since.",
            json!({"type": "string", "pattern": "^\"(0|[1-9][0-9]{0,14})\"$"}),
        ));
    }
    if matches!(route.access, Access::Needs(_) | Access::Log(_)) && route.method != Method::GET {
        parameters.push(header(
            "x-csrf-token",
            "With a session in a cookie: csrf_token of GET /api/v1/session.",
            json!({"type": "string"}),
        ));
    }
    parameters
}

/// A query's member that may be absent is not null when it is there.
fn without_null(mut schema: Value) -> Value {
    let Some(members) = schema.as_object_mut() else { return schema };
    if let Some(types) = members.get_mut("type")
        && let Some(only) =
            types.as_array().and_then(|types| types.iter().find(|name| *name != "null")).cloned()
    {
        *types = only;
    }
    if let Some(known) = members.get_mut("enum").and_then(Value::as_array_mut) {
        known.retain(|word| !word.is_null());
    }
    let only = members.get("anyOf").and_then(Value::as_array).and_then(|choices| {
        choices.iter().find(|choice| choice.get("type").and_then(Value::as_str) != Some("null")).cloned()
    });
    members.remove("default");
    only.unwrap_or(schema)
}

fn responses(route: &Route, shapes: &Shapes) -> Value {
    let mut responses = Map::new();
    let mut headers =
        Map::from_iter([("x-request-id".to_owned(), header_of("Names this answer in the access log."))]);
    if route.headers != Headers::Plain {
        headers.insert("tabellion-entry".to_owned(), header_of("Index of the entry that was made."));
        headers.insert("tabellion-record".to_owned(), header_of("Id of the record that was made."));
    }
    let mut success = json!({"description": route.summary, "headers": headers});
    if let (Some(media), Value::Object(members)) = (route.media, &mut success) {
        let media = media.split(';').next().unwrap_or(media);
        members.insert("content".to_owned(), json!({media: {"schema": shapes.answer}}));
    }
    responses.insert(route.success.to_string(), success);
    let mut by_status: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for code in route.refuses(has_input(shapes)) {
        by_status.entry(code.status()).or_default().push(code.as_str());
    }
    for (status, codes) in by_status {
        let titles: Vec<String> = codes
            .iter()
            .filter_map(|code| Code::ALL.iter().find(|known| known.as_str() == *code))
            .map(|code| format!("`{}`: {}.", code.as_str(), code.title()))
            .collect();
        let (media, schema) = if route.concise {
            (CONCISE_MEDIA, json!({"type": "string", "contentMediaType": CONCISE_MEDIA}))
        } else {
            (PROBLEM_MEDIA, json!({"$ref": format!("#{DEFINITIONS_AT}/Problem")}))
        };
        let content = json!({media: {"schema": schema}});
        responses.insert(status.to_string(), json!({"description": titles.join(" "), "content": content}));
    }
    Value::Object(responses)
}

/// Whether a route reads anything from its path or query.
pub(super) fn has_input(shapes: &Shapes) -> bool {
    let some = |shape: &Value| {
        shape.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty())
    };
    some(&shapes.path) || some(&shapes.query)
}

fn header_of(description: &str) -> Value {
    json!({"description": description, "schema": {"type": "string"}})
}
