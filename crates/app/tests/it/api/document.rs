//! The OpenAPI document: complete, closed, and the one that was reviewed.

use serde_json::Value;
use tabellion_app::api::{Access, openapi, routes};

use super::client::DOCUMENT;
use super::house::House;
use crate::golden::golden;

#[test]
fn the_document_is_the_one_that_was_reviewed_and_the_one_that_is_served() {
    let text = format!("{}\n", openapi());
    golden("openapi.json", &text);
    let house = House::new();
    let served = house.ask("GET", "/api/openapi.json").send().ok();
    assert_eq!(served.text(), openapi(), "clients would be generated from something else");
}

#[test]
fn every_route_says_who_may_use_it_and_stands_in_the_document() {
    let public = [
        "/healthz",
        "/readyz",
        "/api/openapi.json",
        "/api/v1/session",
        "/.well-known/scitt-keys",
        "/.well-known/scitt-keys/{kid}",
    ];
    let mut described = 0;
    for (method, path, access) in routes() {
        let operation = &DOCUMENT["paths"][&path][method.to_ascii_lowercase()];
        assert!(operation["operationId"].is_string(), "{method} {path} is not in the document");
        let said = operation["x-tabellion-access"].as_str().unwrap_or_default();
        match access {
            Access::Public => {
                assert!(
                    public.contains(&path.as_str()),
                    "{method} {path} is open to everybody; is it meant to be?"
                );
                assert_eq!(said, "public");
            }
            Access::Loopback => assert_eq!((path.as_str(), said), ("/metrics", "loopback")),
            Access::Log(permission) => {
                assert!(path.starts_with("/log/"), "{method} {path} would be open where the log is public");
                assert_eq!(said, format!("{}, or public", permission.as_str()), "{method} {path}");
            }
            Access::Needs(permission) => assert_eq!(said, permission.as_str(), "{method} {path}"),
        }
        let given = path.matches('{').count();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let named: Vec<&Value> = parameters.iter().filter(|parameter| parameter["in"] == "path").collect();
        assert_eq!(named.len(), given, "{method} {path}: its path and its parameters differ");
        for parameter in named {
            let name = parameter["name"].as_str().expect("a name");
            assert!(path.contains(&format!("{{{name}}}")), "{method} {path} has no {name}");
        }
        described += 1;
    }
    let written: usize = DOCUMENT["paths"]
        .as_object()
        .expect("paths")
        .values()
        .map(|item| item.as_object().map_or(0, serde_json::Map::len))
        .sum();
    assert_eq!(written, described, "the document describes what is not there");
}

#[test]
fn every_form_is_closed_and_every_reference_leads_somewhere() {
    fn walk(value: &Value, at: &str) {
        match value {
            Value::Object(members) => {
                if members.get("properties").is_some() && members.get("type").is_some() {
                    assert_eq!(
                        members.get("additionalProperties"),
                        Some(&Value::Bool(false)),
                        "{at} is open"
                    );
                }
                if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                    let name = name.strip_prefix("#/components/schemas/").expect("a schema of the document");
                    assert!(
                        DOCUMENT["components"]["schemas"][name].is_object(),
                        "{at} refers to {name}, which is not there"
                    );
                }
                members.iter().for_each(|(name, member)| walk(member, &format!("{at}/{name}")));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, at)),
            _ => {}
        }
    }
    walk(&DOCUMENT["components"], "components");
    walk(&DOCUMENT["paths"], "paths");
}
