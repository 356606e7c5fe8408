//! Services that want texts changed, in each of the shapes that a guard asks: what is wanted is said by a test, whoever says it.

use std::any::Any;

use serde_json::{Value, json};
use tabellion_gateway::{GuardConfig, GuardServiceConfig, GuardShape, GuardSide};
use tabellion_testkit::Upstream;
use tabellion_testkit::upstream::{Answer, Script};

use crate::grpc_guards;
use crate::grpc_server::{GrpcServer, Reply};
use crate::outside_guards::{guard, service};

/// One change, as services say it: which text, from where to where, what goes there.
pub(crate) type Edit = (usize, usize, usize, String);

/// What is wanted of texts that were shown.
pub(crate) type Wish = fn(&[String]) -> Vec<Edit>;

/// The word that each change is said with where the shape has one.
pub(crate) const LABEL: &str = "place";

/// How a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Own,
    Grpc,
    Presidio,
    Litellm,
}

impl Wire {
    pub(crate) const ALL: [Self; 4] = [Self::Own, Self::Grpc, Self::Presidio, Self::Litellm];

    /// What comes in place of what a service found, and the label of that.
    pub(crate) fn put(self) -> (&'static str, &'static str) {
        match self {
            Self::Own | Self::Grpc => ("[x]", LABEL),
            Self::Presidio => ("<PLACE>", "PLACE"),
            Self::Litellm => ("[x]", "intervened"),
        }
    }

    /// A guard that may have texts changed, with a service of this shape that wants so. It lives as long as what comes with it.
    pub(crate) fn editor(self, name: &str, on: GuardSide, wish: Wish) -> (GuardConfig, Box<dyn Any>) {
        if self == Self::Grpc {
            let server = GrpcServer::start(move |asked| {
                let message = asked.body.get(5..).unwrap_or_default();
                Reply::message(&grpc_answer(&wish(&grpc_texts(message))))
            });
            let config = grpc_guards::guard(name, on, grpc_guards::service(&server));
            return (GuardConfig { may_edit: true, ..config }, Box::new(server));
        }
        let server = Upstream::start(Script::by(move |request, _| {
            let asked: Value = serde_json::from_slice(&request.body).expect("a question");
            Answer::json(200, self.answer(&asked, wish).to_string())
        }));
        let (shape, path, entities) = match self {
            Self::Presidio => (GuardShape::Presidio, "analyze", vec!["PLACE".to_owned()]),
            Self::Litellm => (GuardShape::Litellm, "guardrail", Vec::new()),
            Self::Own | Self::Grpc => (GuardShape::Tabellion, "check", Vec::new()),
        };
        let url = format!("{}/{path}", server.base_url());
        let asked = GuardServiceConfig { url, shape, entities, ..service(&server) };
        (GuardConfig { may_edit: true, ..guard(name, on, asked) }, Box::new(server))
    }

    fn answer(self, asked: &Value, wish: Wish) -> Value {
        if self == Self::Presidio {
            let text = asked["text"].as_str().expect("a text");
            let chars = |bytes: usize| text.get(..bytes).expect("a border").chars().count();
            let finding = |(_, start, end, _): Edit| json!({ "entity_type": "PLACE", "start": chars(start), "end": chars(end), "score": 0.9, "analysis_explanation": null });
            return wish(&[text.to_owned()]).into_iter().map(finding).collect();
        }
        let texts: Vec<String> = serde_json::from_value(asked["texts"].clone()).expect("texts");
        let edits = wish(&texts);
        if self == Self::Litellm {
            let mut texts = texts;
            for (text, start, end, new) in edits.iter().rev() {
                texts[*text].replace_range(*start..*end, new);
            }
            let action = if edits.is_empty() { "NONE" } else { "GUARDRAIL_INTERVENED" };
            return json!({ "action": action, "texts": texts });
        }
        assert_eq!(asked["may_edit"], true, "a service that may is not told so");
        let edit = |(text, start, end, new): Edit| json!({ "text": text, "start": start, "end": end, "replacement": new, "label": LABEL });
        let edits: Vec<Value> = edits.into_iter().map(edit).collect();
        json!({ "verdict": if edits.is_empty() { "pass" } else { "flag" }, "edits": edits })
    }
}

/// Wherever a text holds `word`, [`Wire::put`] goes.
pub(crate) fn each_place(texts: &[String], word: &str) -> Vec<Edit> {
    let found = texts.iter().enumerate().flat_map(|(number, text)| {
        text.match_indices(word)
            .map(move |(at, word)| (number, at, at + word.len(), "[x]".to_owned()))
            .collect::<Vec<_>>()
    });
    found.collect()
}

/// Field 7 of a question, each time it is there.
fn grpc_texts(mut message: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let value = varint(&mut message);
        if tag & 7 == 2 {
            let (piece, rest) = message.split_at(usize::try_from(value).expect("a length"));
            message = rest;
            if tag >> 3 == 7 {
                texts.push(String::from_utf8(piece.to_vec()).expect("text"));
            }
        } else if tag >> 3 == 8 {
            assert_eq!(value, 1, "a service that may is not told so");
        }
    }
    texts
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, rest) = bytes.split_first().expect("a number goes on");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

/// A verdict with these edits; numbers that are 0 are left out, as generated code leaves them out.
fn grpc_answer(edits: &[Edit]) -> Vec<u8> {
    let mut answer = vec![0x08, if edits.is_empty() { 1 } else { 2 }];
    for (text, start, end, new) in edits {
        let mut edit = Vec::new();
        for (tag, number) in [(0x08, *text), (0x10, *start), (0x18, *end)] {
            if number > 0 {
                edit.push(tag);
                write_varint(&mut edit, number);
            }
        }
        for (tag, said) in [(0x22, new.as_str()), (0x2a, LABEL)] {
            edit.push(tag);
            write_varint(&mut edit, said.len());
            edit.extend_from_slice(said.as_bytes());
        }
        answer.push(0x2a);
        write_varint(&mut answer, edit.len());
        answer.extend_from_slice(&edit);
    }
    answer
}

fn write_varint(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits"));
}
