//! The walk against `serde_json`: what we accept it accepts, and both read the same values.

use std::ops::Range;

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::select;
use serde_json::Value;
use tabellion_mask::json::{self, Kind, Limits, Path, Scalar, Step, Visitor, escaped};

/// Builds the value that a walk shows.
#[derive(Default)]
struct Builder {
    open: Vec<(Value, Option<Step<'static>>)>,
    done: Option<Value>,
}

fn last(path: Path<'_, '_>) -> Option<Step<'static>> {
    path.steps().last().map(|step| match step {
        Step::Name(name) => Step::Name(name.clone().into_owned().into()),
        Step::Index(index) => Step::Index(*index),
    })
}

impl Builder {
    fn put(&mut self, step: Option<Step<'static>>, value: Value) {
        match (self.open.last_mut(), step) {
            (Some((Value::Object(object), _)), Some(Step::Name(name))) => {
                assert_eq!(object.insert(name.into_owned(), value), None, "a name was shown twice");
            }
            (Some((Value::Array(array), _)), Some(Step::Index(index))) => {
                assert_eq!(array.len(), index, "elements are shown in order");
                array.push(value);
            }
            (None, None) => self.done = Some(value),
            _ => panic!("a value without its container"),
        }
    }
}

impl<'b> Visitor<'b> for Builder {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        let value = match scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(truth) => Value::Bool(truth),
            Scalar::Number(number) => serde_json::from_str(number).unwrap(),
            Scalar::String(string) => Value::String(string.value().into_owned()),
        };
        self.put(last(path), value);
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        let empty = if kind == Kind::Object {
            Value::Object(serde_json::Map::new())
        } else {
            Value::Array(Vec::new())
        };
        self.open.push((empty, last(path)));
    }

    fn close(&mut self, _: Path<'_, 'b>, _: Kind, _: Range<usize>) {
        let (value, step) = self.open.pop().unwrap();
        self.put(step, value);
    }
}

fn walked(text: &[u8]) -> Option<Value> {
    let mut builder = Builder::default();
    json::walk(text, &Limits::default(), &mut builder).ok()?;
    builder.done
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..24)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Text that is nearly JSON: its tokens in any order.
fn nearly() -> impl Strategy<Value = String> {
    let tokens = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"\\u0061\"",
        "\"b\":",
        "\\",
        "\\u",
        "\\ud800",
        "\\udc00",
        "0",
        "1",
        "-",
        ".",
        "e",
        "E5",
        "+",
        "null",
        "true",
        "false",
        " ",
        "\n",
        "\u{0}",
        "é",
        "\u{feff}",
        "1e999",
        "[]",
        "{}",
        "\"a\":1",
    ][..];
    proptest::collection::vec(select(tokens), 0..10).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_another_reader_accepts_with_the_same_value(text in nearly()) {
        if let Some(ours) = walked(text.as_bytes()) {
            let theirs = serde_json::from_str::<Value>(&text);
            prop_assert!(theirs.is_ok(), "the receiver would refuse or misread {:?}", text);
            prop_assert_eq!(ours, theirs.unwrap());
        }
    }

    #[test]
    fn changed_bytes_are_refused_or_read_alike(value in value(), place in any::<usize>(), byte in any::<u8>()) {
        let mut text = value.to_string().into_bytes();
        let place = place % text.len();
        text[place] = byte;
        if let Some(ours) = walked(&text) {
            prop_assert_eq!(Some(ours), serde_json::from_slice::<Value>(&text).ok());
        }
    }

    #[test]
    fn what_another_writes_is_read(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        // Read again, since it does not read every double as it wrote it.
        let theirs = serde_json::from_str::<Value>(&text).ok();
        prop_assert_eq!(walked(text.as_bytes()), theirs, "a valid request would be refused");
    }

    #[test]
    fn what_we_escape_another_reads(text in any::<String>()) {
        let written = format!("\"{}\"", escaped(&text));
        prop_assert_eq!(serde_json::from_str::<String>(&written).ok(), Some(text));
    }
}
