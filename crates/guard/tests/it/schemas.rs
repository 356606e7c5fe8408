//! Which schemas are taken, and that the work of holding a text against one is known before.

use proptest::prelude::*;
use serde_json::{Value, json};
use tabellion_guard::schema::{
    Examined, MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH, MAX_TEXT_DEPTH, SchemaFault, read,
};

/// Where each byte of a pattern is a state.
fn examine(schema: &Value) -> Result<Examined, SchemaFault> {
    Examined::of(schema, |pattern| Some(pattern.len() as u64))
}

fn fault(schema: &Value) -> SchemaFault {
    examine(schema).expect_err("it is taken")
}

fn nested(levels: usize, innermost: Value, wrap: impl Fn(Value) -> Value) -> Value {
    (0..levels).fold(innermost, |inner, _| wrap(inner))
}

#[test]
fn ordinary_schemas_are_taken() {
    let order = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/order", "type": "object",
        "properties": {
            "id": { "type": "string", "pattern": "^[A-Z]{3}-[0-9]+$", "format": "uuid" },
            "lines": { "type": "array", "items": { "$ref": "#/$defs/line" }, "minItems": 1, "uniqueItems": true },
            "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
        },
        "required": ["id", "lines"], "additionalProperties": false,
        "$defs": { "line": { "type": "object", "properties": { "count": { "type": "integer", "minimum": 1 } }, "required": ["count"] } },
    });
    let tree =
        json!({ "type": "object", "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
    let of_zod = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "definitions": { "a/b~": true },
        "properties": { "x": { "$ref": "#/definitions/a~1b~0" } } });
    for schema in [order, tree, of_zod, json!(true), json!({})] {
        assert!(examine(&schema).is_ok(), "{schema}");
    }
}

#[test]
fn what_cannot_be_bounded_or_read_is_not_taken() {
    let circle = json!({ "$defs": { "a": { "allOf": [{ "$ref": "#/$defs/b" }] }, "b": { "not": { "$ref": "#/$defs/a" } } },
        "properties": { "x": { "$ref": "#/$defs/a" } } });
    // Each is two of the next one: 2^14 of the last, in one kilobyte.
    let doubled: serde_json::Map<String, Value> = (0..14)
        .map(|level| {
            let next = format!("#/$defs/d{}", level + 1);
            (format!("d{level}"), json!({ "properties": { "a": { "$ref": next }, "b": { "$ref": next } } }))
        })
        .chain([("d14".to_owned(), json!(true))])
        .collect();
    let doubled = json!({ "$defs": doubled, "$ref": "#/$defs/d0" });
    let chain: serde_json::Map<String, Value> = (0..500)
        .map(|level| (format!("c{level}"), json!({ "$ref": format!("#/$defs/c{}", level + 1) })))
        .chain([("c500".to_owned(), json!(true))])
        .collect();
    let cases = [
        (json!({ "$ref": "#" }), SchemaFault::Circle),
        (circle, SchemaFault::Circle),
        (doubled, SchemaFault::TooMany),
        (json!({ "$defs": chain, "$ref": "#/$defs/c0" }), SchemaFault::TooDeep),
        (nested(MAX_SCHEMA_DEPTH + 1, json!(true), |inner| json!({ "not": inner })), SchemaFault::TooDeep),
        (json!({ "$ref": "https://example.org/other" }), SchemaFault::Reference),
        (json!({ "$ref": "file:///etc/passwd" }), SchemaFault::Reference),
        (json!({ "$ref": "#/$defs/none" }), SchemaFault::Reference),
        (json!({ "$ref": "#name" }), SchemaFault::Reference),
        (json!({ "$ref": "#/%24defs/a", "$defs": { "a": true } }), SchemaFault::Reference),
        (json!({ "$dynamicRef": "#a" }), SchemaFault::Keyword("$dynamicRef")),
        (json!({ "items": { "$id": "https://example.org/inner" } }), SchemaFault::Keyword("$id")),
        (
            json!({ "properties": { "a": { "$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/$defs/n", "maximum": 5 } }, "$defs": { "n": true } }),
            SchemaFault::Keyword("$schema"),
        ),
        (json!({ "unevaluatedProperties": false }), SchemaFault::Keyword("unevaluatedProperties")),
        (json!({ "$schema": "http://json-schema.org/draft-04/schema#" }), SchemaFault::Draft),
        (json!({ "items": [true] }), SchemaFault::NoSchema("/items".to_owned())),
        (json!({ "properties": [] }), SchemaFault::Form("properties")),
        (json!({ "allOf": {} }), SchemaFault::Form("allOf")),
        (json!("string"), SchemaFault::NoSchema("the top".to_owned())),
    ];
    for (schema, wanted) in cases {
        assert_eq!(fault(&schema), wanted, "{schema}");
    }
    assert_eq!(read("{"), Err(SchemaFault::NotJson));
    assert_eq!(read(&" ".repeat(MAX_SCHEMA_BYTES + 1)), Err(SchemaFault::TooLarge));
}

#[test]
fn work_is_known_before_it_is_done() {
    let work = |schema: &Value, text: &Value| examine(schema).expect("a schema").effort(text).whole;
    let tree =
        json!({ "type": "object", "properties": { "left": { "$ref": "#" }, "right": { "$ref": "#" } } });
    let deep = nested(MAX_TEXT_DEPTH - 1, json!({}), |inner| json!({ "left": inner }));
    assert!(work(&tree, &deep) < 100_000, "an honest tree would be refused: {}", work(&tree, &deep));
    // Looks at each level twice, so at the last one 2^31 times.
    let twice = json!({ "allOf": [{ "properties": { "left": { "$ref": "#" } } }, { "properties": { "left": { "$ref": "#" } } }] });
    assert!(
        work(&twice, &deep) > 1 << 31,
        "what doubles at each level would be begun: {}",
        work(&twice, &deep)
    );
    let contains = json!({ "contains": { "contains": { "enum": (0..5_000).collect::<Vec<_>>() } } });
    let wide = json!(vec![vec![0; 1_000]; 1_000]);
    assert!(work(&contains, &wide) > 5_000_000_000, "{}", work(&contains, &wide));
    let counted = |size: u64| {
        let examined = Examined::of(&json!({ "pattern": "x" }), |_| Some(size)).expect("a schema");
        examined.effort(&json!("x".repeat(10_000))).whole
    };
    assert!(counted(5_000) > 50_000_000, "half a minute would be begun: {}", counted(5_000));
    assert!(counted(50) < 1_000_000, "an honest pattern would be refused: {}", counted(50));
    let of_names = json!({ "patternProperties": { "aaaaaaaaaa": true } });
    let named = json!({ "b".repeat(1_000): 1 });
    assert!(work(&of_names, &named) > 20_000, "names are not counted: {}", work(&of_names, &named));
    let unique = json!({ "uniqueItems": true });
    let alike = json!(vec![json!([[]]); 2_000]);
    assert!(
        work(&unique, &alike) > 4_000_000,
        "lists with one digest are compared in pairs: {}",
        work(&unique, &alike)
    );
    let words: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
    assert!(work(&unique, &json!(words)) < 500_000, "an honest list would be refused");
    let too_deep = nested(MAX_TEXT_DEPTH + 1, json!(1), |inner| json!([inner]));
    assert_eq!(work(&json!(true), &too_deep), u64::MAX, "what is too deep would be looked at");
}

#[test]
fn a_label_names_the_keyword_and_no_word_of_the_text() {
    let schema = json!({ "properties": { "lines": { "items": { "properties": { "count": true } } } } });
    let examined = examine(&schema).expect("a schema");
    let line = json!({ "count": 1, "4111111111111111": "x" });
    let text = json!({ "lines": [line, line], "Ada Lovelace": { "lines": 1 }, "0": 1 });
    let label = |keyword: &str, place: &str| examined.label(keyword, place, &text, |name| name != "count");
    assert_eq!(label("required", ""), "required");
    assert_eq!(label("minimum", "/lines/1/count"), "minimum /lines/1/*");
    assert_eq!(label("type", "/lines/0/4111111111111111"), "type /lines/0/*", "a card number is no index");
    assert_eq!(
        (label("type", "/0"), label("type", "/lines/2")),
        ("type /*".to_owned(), "type /lines/*".to_owned())
    );
    assert_eq!(label("type", "/Ada Lovelace/lines"), "type /*/lines");
    assert_eq!(label("Ada Lovelace", "/lines"), "false /lines", "a name became a keyword");
    let inner = (0..40).fold(json!(1), |inner, _| json!({ "lines": inner }));
    let far = examined.label("pattern", &"/lines".repeat(40), &inner, |_| true);
    assert!(far.len() <= 54 && far.starts_with("pattern ../") && far.ends_with("/lines"), "{far}");
}

fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({ "type": "integer" })),
        Just(json!({ "$ref": "#" })),
        Just(json!({ "$ref": "#/properties/a" })),
        Just(json!({ "enum": [1, [2]] })),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({ "allOf": all })),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({ "properties": { "a": a, "b": b } })),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({ "items": a, "contains": b })),
            inner.prop_map(
                |inner| json!({ "additionalProperties": inner, "propertyNames": { "not": false } })
            ),
        ]
    })
}

/// Looks as a schema has it, and counts.
fn looks(root: &Value, schema: &Value, text: &Value) -> u64 {
    let Some(members) = schema.as_object() else { return 1 };
    let each = |schemas: &Value| {
        schemas.as_array().into_iter().flatten().map(|schema| looks(root, schema, text)).sum::<u64>()
    };
    let mut count = 1;
    for (keyword, value) in members {
        count += match (keyword.as_str(), text) {
            ("$ref", _) => {
                looks(root, root.pointer(&value.as_str().expect("text")[1..]).expect("a place"), text)
            }
            ("allOf", _) => each(value),
            ("properties", Value::Object(texts)) => {
                let pairs = value.as_object().expect("a table").iter();
                pairs.filter_map(|(name, schema)| Some(looks(root, schema, texts.get(name)?))).sum()
            }
            ("additionalProperties", Value::Object(texts)) => {
                texts.values().map(|text| looks(root, value, text)).sum()
            }
            ("propertyNames", Value::Object(texts)) => {
                texts.keys().map(|name| looks(root, value, &json!(name))).sum()
            }
            ("items" | "contains", Value::Array(texts)) => {
                texts.iter().map(|text| looks(root, value, text)).sum()
            }
            _ => 0,
        };
    }
    count
}

proptest! {
    /// Whatever the schema and the text, looking takes no more than was said.
    #[test]
    fn no_look_takes_more_than_was_said(schema in schemas(), levels in 0_usize..6, leaf in prop_oneof![Just(json!(1)), Just(json!([1, [2], {}]))]) {
        let Ok(examined) = examine(&schema) else { return Ok(()) };
        let text = nested(levels, leaf, |inner| json!({ "a": inner, "b": [inner] }));
        let said = examined.effort(&text).whole;
        if said < 1_000_000 {
            // Of what was said most is for looking again.
            let once = said / MAX_SCHEMA_DEPTH as u64;
            prop_assert!(looks(&schema, &schema, &text) <= once, "{schema} on {text}: {once}");
        }
    }
}
