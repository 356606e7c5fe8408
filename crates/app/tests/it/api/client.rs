//! A plain HTTP/1.1 client that sends exactly what a test says, and holds every answer against the OpenAPI document.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;

/// The document that every answer has to keep to.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(tabellion_app::api::openapi()).expect("the document is JSON"));

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    /// The stable code of a refusal.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("no problem: {}", self.text())).to_owned()
    }

    /// The answer to a request that had to succeed.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.status < 300, "refused with {}: {}", self.status, self.text());
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.code().as_str()),
            (status, code),
            "a program could not tell what happened: {}",
            self.text()
        );
        self
    }
}

/// A request in the making.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        Self { address, method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    pub(crate) fn raw(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Sends it and reads the whole answer.
    pub(crate) fn send(self) -> Answer {
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a time limit can be set");
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.method, self.path, self.address
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self.body.is_empty() && !self.headers.iter().any(|(name, _)| name == "content-length") {
            let _ = write!(head, "content-length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).expect("the head is taken");
        // A server that refuses by the head may close before it has read the body.
        let _ = stream.write_all(&self.body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let answer = parse(&bytes);
        keeps_to_the_document(&self, &answer);
        answer
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut body = bytes[end + 4..].to_vec();
    if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
        body = unchunked(&body);
    }
    Answer { status: status.expect("a status"), headers, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size =
            usize::from_str_radix(std::str::from_utf8(&rest[..end]).expect("text"), 16).expect("a size");
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}

/// The operation of a path, by the templates of the document.
fn operation<'a>(method: &str, path: &str) -> Option<&'a Value> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (known, given): (Vec<&str>, Vec<&str>) =
            (template.split('/').collect(), path.split('/').collect());
        known.len() == given.len()
            && known.iter().zip(&given).all(|(known, given)| known.starts_with('{') || known == given)
    };
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    // A literal segment comes before a parameter, as in the router.
    let found =
        paths.get(path).or_else(|| paths.iter().find(|(template, _)| fits(template)).map(|(_, item)| item));
    found.and_then(|item| item.get(method.to_ascii_lowercase()))
}

/// An answer whose status or form the document does not name would surprise every generated client.
fn keeps_to_the_document(ask: &Ask, answer: &Answer) {
    let Some(operation) = operation(&ask.method, &ask.path) else { return };
    let described = &operation["responses"][answer.status.to_string()];
    let at = format!("{} {} {}", ask.method, ask.path, answer.status);
    assert!(described.is_object(), "{at} is not in the document: {}", answer.text());
    assert!(answer.header("x-request-id").is_some(), "{at}: nobody could find the answer in the log");
    let Some(content) = described.get("content").and_then(Value::as_object) else {
        assert!(answer.body.is_empty(), "{at}: a body that nobody expects");
        return;
    };
    let (media, form) = content.iter().next().expect("a media type");
    let given = answer.header("content-type").unwrap_or_default();
    assert!(given.starts_with(media.as_str()), "{at}: {given} instead of {media}");
    if media.ends_with("json") {
        conforms(&answer.json(), &form["schema"], &at);
    }
}

/// A small checker of its own, so that the product's is not its own judge: types, closedness, required members, enums.
fn conforms(value: &Value, schema: &Value, at: &str) {
    let mut schema = schema;
    while let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        schema = &DOCUMENT["components"]["schemas"][name.rsplit('/').next().expect("a name")];
        assert!(schema.is_object(), "{at}: {name} is not in the document");
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let choice = choices
            .iter()
            .find(|choice| (choice.get("type").and_then(Value::as_str) == Some("null")) == value.is_null());
        return conforms(value, choice.unwrap_or_else(|| panic!("{at}: {value} is none of {choices:?}")), at);
    }
    if let Some(types) = schema.get("type") {
        let names: Vec<&str> = match types {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let actual = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(names.contains(&actual), "{at}: {value} is not of type {names:?}");
    }
    if let (Some(known), false) = (schema.get("enum").and_then(Value::as_array), value.is_null()) {
        assert!(known.contains(value), "{at}: {value} is none of {known:?}");
    }
    if let (Value::Array(items), Some(of)) = (value, schema.get("items")) {
        items.iter().enumerate().for_each(|(index, item)| conforms(item, of, &format!("{at}/{index}")));
    }
    if let (Value::Object(members), Some(properties)) =
        (value, schema.get("properties").and_then(Value::as_object))
    {
        assert_eq!(schema["additionalProperties"], Value::Bool(false), "{at}: an open form promises nothing");
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(members.contains_key(required.as_str().expect("a name")), "{at}: {required} is missing");
        }
        for (name, member) in members {
            let form = properties.get(name).unwrap_or_else(|| panic!("{at}: {name} is in no schema"));
            conforms(member, form, &format!("{at}/{name}"));
        }
    }
}
