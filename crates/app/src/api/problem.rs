//! Refusals as RFC 9457 problem details.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::refusal::{Code, FieldError, Refusal};

/// The media type of problem details.
pub(super) const PROBLEM_MEDIA: &str = "application/problem+json";

/// The form of every error.
pub(super) struct Problem;

impl JsonSchema for Problem {
    fn schema_name() -> Cow<'static, str> {
        "Problem".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        json_schema!({
            "type": "object",
            "description": "Why a request was not carried out (RFC 9457).",
            "additionalProperties": false,
            "required": ["type", "title", "status", "code", "detail", "remedy", "request_id"],
            "properties": {
                "type": {"type": "string", "description": "urn:tabellion:problem:<code>"},
                "title": {"type": "string", "description": "What happened, without the case."},
                "status": {"type": "integer", "description": "The HTTP status."},
                "code": {"type": "string", "enum": codes, "description": "The stable code: what programs may rely on."},
                "detail": {"type": "string", "description": "What failed, on what."},
                "remedy": {"type": "string", "description": "What to do."},
                "request_id": {"type": "string", "description": "The x-request-id of this answer."},
                "pointer": {"type": "string", "description": "Where in the request's body, as a JSON Pointer."},
                "errors": {
                    "type": "array",
                    "description": "Every field at fault, where a form has several.",
                    "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["pointer", "detail"],
                        "properties": {
                            "pointer": {"type": "string", "description": "Where in the request's body, as a JSON Pointer."},
                            "detail": {"type": "string", "description": "What is wrong there."}
                        }
                    }
                }
            }
        })
    }
}

/// The problem details of `refusal`.
pub(super) fn of(refusal: &Refusal, request_id: &str) -> Value {
    let code = refusal.code;
    let mut problem = json!({
        "type": format!("urn:tabellion:problem:{}", code.as_str()),
        "title": code.title(),
        "status": code.status(),
        "code": code.as_str(),
        "detail": refusal.detail,
        "remedy": code.remedy(),
        "request_id": request_id,
    });
    if let (Some(pointer), Value::Object(members)) = (&refusal.pointer, &mut problem) {
        members.insert("pointer".to_owned(), Value::from(pointer.as_str()));
    }
    if let (false, Value::Object(members)) = (refusal.errors.is_empty(), &mut problem) {
        let error = |error: &FieldError| json!({"pointer": error.pointer, "detail": error.detail});
        members.insert("errors".to_owned(), refusal.errors.iter().map(error).collect());
    }
    problem
}
