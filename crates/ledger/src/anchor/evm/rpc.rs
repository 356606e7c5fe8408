//! JSON-RPC 2.0 to a node, as little of it as is needed.

use serde_json::{Value, json};

use crate::anchor::AnchorFault;
use crate::anchor::exchange::{Exchange, Method, Outgoing};

/// How much of a node's error is kept.
const MAX_ERROR_CHARS: usize = 160;

/// A node.
pub(super) struct Rpc<'a>(pub(super) &'a dyn Exchange);

impl Rpc<'_> {
    /// One call; its result, which may be null.
    pub(super) fn call(&self, method: &str, parameters: &[Value]) -> Result<Value, AnchorFault> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        result(self.post(&request)?, method)
    }

    /// One call for each parameter; their results in order.
    pub(super) fn batch(&self, method: &str, parameters: &[Value]) -> Result<Vec<Value>, AnchorFault> {
        let one = |(id, parameter): (usize, &Value)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": [parameter] });
        let calls: Vec<Value> = parameters.iter().enumerate().map(one).collect();
        let Value::Array(mut answers) = self.post(&Value::Array(calls))? else {
            return Err(malformed("a list of answers"));
        };
        let id = |answer: &Value| answer.get("id").and_then(Value::as_u64);
        answers.sort_by_key(id);
        let expected = (0..parameters.len() as u64).map(Some);
        if !answers.iter().map(id).eq(expected) {
            return Err(malformed("an answer to each question"));
        }
        answers.into_iter().map(|answer| result(answer, method)).collect()
    }

    fn post(&self, request: &Value) -> Result<Value, AnchorFault> {
        let body = request.to_string();
        let answer = self.0.send(&Outgoing {
            method: Method::Post,
            path: "",
            content_type: "application/json",
            accept: "application/json",
            body: body.as_bytes(),
        });
        let answer = answer.map_err(AnchorFault::Unavailable)?.good("the node")?;
        serde_json::from_slice(&answer.body).map_err(|_| malformed("JSON"))
    }
}

fn result(mut answer: Value, method: &str) -> Result<Value, AnchorFault> {
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        let text = error.get("message").and_then(Value::as_str).unwrap_or("an error without a message");
        let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_ERROR_CHARS).collect();
        return Err(AnchorFault::refused("rpc", format!("the node refused {method}: {text}")));
    }
    answer.get_mut("result").map(Value::take).ok_or_else(|| malformed("a result"))
}

/// The node's answer lacks something.
pub(super) fn malformed(what: &str) -> AnchorFault {
    AnchorFault::refused("malformed", format!("the node's answer has no usable {what}"))
}

pub(super) fn text(value: &Value) -> Result<&str, AnchorFault> {
    value.as_str().ok_or_else(|| malformed("text"))
}

/// A number: `0x` and hex digits.
pub(super) fn quantity(value: &Value) -> Result<u128, AnchorFault> {
    let digits = text(value)?.strip_prefix("0x").ok_or_else(|| malformed("number"))?;
    u128::from_str_radix(digits, 16).map_err(|_| malformed("number"))
}

/// Bytes: `0x` and hex digits.
pub(super) fn data(value: &Value) -> Result<Vec<u8>, AnchorFault> {
    let digits = text(value)?.strip_prefix("0x").ok_or_else(|| malformed("bytes"))?;
    hex::decode(digits).map_err(|_| malformed("bytes"))
}

/// Bytes of a fixed length.
pub(super) fn fixed<const N: usize>(value: &Value) -> Result<[u8; N], AnchorFault> {
    data(value)?.try_into().map_err(|_| malformed("bytes of this length"))
}
