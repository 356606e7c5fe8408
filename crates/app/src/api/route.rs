//! What a route is: data that the router and the OpenAPI document are both made from.
//!
//! Promises: the types that a handler takes and gives are the ones that are published; there is no route without a word on who may use it.

use std::any::TypeId;
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::catalogue::CATALOGUE;
use super::numbers::Requests;
use super::settings::Settings;
use super::strict::{self, Definitions, Place};
use crate::permission::Permission;
use crate::refusal::{Code, Refusal};
use crate::work::{Actor, Desk, Given, Written};

/// The media type of a JSON body.
pub(super) const JSON_MEDIA: &str = "application/json";
/// The media type of a COSE message.
pub(super) const COSE_MEDIA: &str = "application/cose";

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody who reaches the port.
    Public,
    /// Anybody on this machine.
    Loopback,
    /// Whoever has this permission for at least one thing; the rules decide for which.
    Needs(Permission),
    /// Anybody, where the log is declared public; else whoever has this permission.
    Log(Permission),
}

impl Access {
    /// The permission that it takes.
    pub(crate) fn needs(self, public_log: bool) -> Option<Permission> {
        match self {
            Self::Public | Self::Loopback => None,
            Self::Needs(permission) => Some(permission),
            Self::Log(permission) => Some(permission).filter(|_| !public_log),
        }
    }
}

/// What a change takes in its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    /// Nothing.
    Plain,
    /// `Idempotency-Key`: something comes into being.
    Once,
    /// `Idempotency-Key` and `If-Match`: something that is there changes.
    Change,
}

/// No path parameters, no query, no body.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// What a handler is given besides the parts of the request.
pub(super) struct Asked<'a> {
    pub(super) desk: &'a Desk,
    pub(super) settings: &'a Settings,
    pub(super) requests: &'a Requests,
    /// Present on every route that needs a permission.
    pub(super) actor: Option<Actor>,
    pub(super) given: Given,
    /// Where the session came in a cookie: what its pages have to send with a change.
    pub(super) csrf_token: Option<String>,
    /// Whether a browser says that another site's page made it ask.
    pub(super) cross_site: bool,
}

impl Asked<'_> {
    /// Who is asking.
    pub(super) fn actor(&self) -> Result<&Actor, Refusal> {
        self.actor.as_ref().ok_or_else(|| Refusal::new(Code::NotSignedIn, "nobody is signed in"))
    }
}

/// The parts of a request.
pub(super) struct Input<P, Q, B> {
    pub(super) path: P,
    pub(super) query: Q,
    pub(super) body: B,
}

/// What a handler answers.
pub(super) struct Reply<A> {
    pub(super) answer: A,
    pub(super) version: Option<u64>,
    pub(super) written: Option<Written>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl<A> Reply<A> {
    pub(super) fn of(answer: A) -> Self {
        Self { answer, version: None, written: None, headers: Vec::new() }
    }

    /// With the version that its `ETag` says.
    pub(super) fn version(self, version: u64) -> Self {
        Self { version: Some(version), ..self }
    }

    /// With the record that was made.
    pub(super) fn written(self, written: Written) -> Self {
        Self { written: Some(written), ..self }
    }

    /// The same with its answer's bytes.
    fn written_out(self) -> Result<Reply<Vec<u8>>, Refusal>
    where
        A: Answer,
    {
        let Self { answer, version, written, headers } = self;
        Ok(Reply { answer: answer.bytes()?, version, written, headers })
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The body of an answer.
pub(super) trait Answer {
    /// Its media type; `None`: no body.
    const MEDIA: Option<&'static str>;
    /// Its schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
    /// Its bytes.
    fn bytes(self) -> Result<Vec<u8>, Refusal>;
}

/// JSON.
pub(super) struct Json<T>(pub(super) T);
/// A COSE message as a body. Handlers are given its bytes; on the way there it is base64, as JSON would hold it.
pub(super) struct CoseBody(pub(super) Vec<u8>);
/// A COSE message.
pub(super) struct CoseAnswer(pub(super) Vec<u8>);
/// CBOR of a format that is described elsewhere.
pub(super) struct Cbor(pub(super) Vec<u8>);
/// Text.
pub(super) struct Plain(pub(super) Vec<u8>);
/// A table (RFC 4180).
pub(super) struct Csv(pub(super) Vec<u8>);
/// Bytes of a format that is described elsewhere.
pub(super) struct Octets(pub(super) Vec<u8>);
/// A package.
pub(super) struct Zip(pub(super) Vec<u8>);
/// Nothing.
pub(super) struct Empty;

impl<T: Serialize + JsonSchema> Answer for Json<T> {
    const MEDIA: Option<&'static str> = Some("application/json");

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        serde_json::to_vec(&self.0)
            .map_err(|error| Refusal::new(Code::Broken, format!("the answer cannot be written: {error}")))
    }
}

impl<'de> Deserialize<'de> for CoseBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for CoseBody {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cose".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "contentMediaType": COSE_MEDIA})
    }
}

impl Answer for CoseAnswer {
    const MEDIA: Option<&'static str> = Some(COSE_MEDIA);

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "contentMediaType": COSE_MEDIA})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(self.0)
    }
}

impl Answer for Cbor {
    const MEDIA: Option<&'static str> = Some("application/cbor");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "contentMediaType": "application/cbor"})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(self.0)
    }
}

impl Answer for Plain {
    const MEDIA: Option<&'static str> = Some("text/plain; charset=utf-8");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string"})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(self.0)
    }
}

impl Answer for Csv {
    const MEDIA: Option<&'static str> = Some("text/csv; charset=utf-8");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string"})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(self.0)
    }
}

impl Answer for Octets {
    const MEDIA: Option<&'static str> = Some("application/octet-stream");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "contentMediaType": "application/octet-stream"})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(self.0)
    }
}

impl Answer for Zip {
    const MEDIA: Option<&'static str> = Some("application/zip");

    fn schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": "string", "contentMediaType": "application/zip"})
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(self.0)
    }
}

impl Answer for Empty {
    const MEDIA: Option<&'static str> = None;

    fn schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }

    fn bytes(self) -> Result<Vec<u8>, Refusal> {
        Ok(Vec::new())
    }
}

/// A request before its types are read.
pub(super) struct Raw {
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

/// The schemas of one route.
pub(super) struct Shapes {
    pub(super) path: Value,
    pub(super) query: Value,
    pub(super) body: Option<Value>,
    pub(super) answer: Value,
}

type Shape = fn(&mut SchemaGenerator) -> Schema;
type Handler =
    dyn Fn(&Asked<'_>, Raw, &Shapes, &Definitions) -> Result<Reply<Vec<u8>>, Refusal> + Send + Sync;

/// A handler with its types; [`Handler`] is the same with the types read and written.
type TypedHandler<P, Q, B, A> = fn(&Asked<'_>, &Input<P, Q, B>) -> Result<Reply<A>, Refusal>;

/// A handler that waits for the log alone, and without a thread.
type Prompt = dyn Fn(Arc<Desk>, Actor, Given, Raw, &'static Shapes) -> Prompted + Send + Sync;
/// What it answers in the end.
pub(super) type Prompted = Pin<Box<dyn Future<Output = Result<Reply<Vec<u8>>, Refusal>> + Send>>;

/// A route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) headers: Headers,
    /// `operationId` in the document.
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) success: u16,
    /// Codes of its own, besides those that follow from its form.
    pub(super) codes: &'static [Code],
    pub(super) media: Option<&'static str>,
    /// The media type of the body that it takes.
    pub(super) body_media: Option<&'static str>,
    /// Its refusals are told as SCITT's clients read them, in CBOR.
    pub(super) concise: bool,
    /// It can take authority away, and is therefore open also while the views stand still.
    pub(super) takes_authority: bool,
    pub(super) path_shape: Shape,
    pub(super) query_shape: Shape,
    pub(super) body_shape: Shape,
    pub(super) answer_shape: Shape,
    pub(super) handler: Box<Handler>,
    /// The same for API keys, without a thread that waits.
    pub(super) prompt: Option<Box<Prompt>>,
}

impl Route {
    /// Whether it tells a supervisor how the program is: asked all the more when everything is busy, so it takes nobody's place and waits for none.
    pub(super) fn is_probe(&self) -> bool {
        matches!(self.path, "/healthz" | "/readyz" | "/metrics")
    }
}

/// The columns of a route besides its handler.
pub(super) struct Columns {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) headers: Headers,
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) success: u16,
    pub(super) codes: &'static [Code],
}

impl Columns {
    /// The route that `handler` answers; what it takes and gives follows from the handler's types.
    pub(super) fn by<P, Q, B, A>(self, handler: TypedHandler<P, Q, B, A>) -> Route
    where
        P: DeserializeOwned + JsonSchema + 'static,
        Q: DeserializeOwned + JsonSchema + 'static,
        B: DeserializeOwned + JsonSchema + 'static,
        A: Answer + 'static,
    {
        Route {
            method: self.method,
            path: self.path,
            access: self.access,
            headers: self.headers,
            name: self.name,
            summary: self.summary,
            success: self.success,
            codes: self.codes,
            media: A::MEDIA,
            body_media: body_media::<B>(),
            concise: false,
            takes_authority: false,
            path_shape: P::json_schema,
            query_shape: Q::json_schema,
            body_shape: |generator| generator.subschema_for::<B>(),
            answer_shape: A::schema,
            handler: Box::new(move |asked, raw, shapes, definitions| {
                let path = named(raw.path, &shapes.path, definitions, Place::Path)?;
                let query = named(raw.query, &shapes.query, definitions, Place::Query)?;
                let body = read_body(raw.body, shapes, definitions)?;
                handler(asked, &Input { path, query, body })?.written_out()
            }),
            prompt: None,
        }
    }
}

/// Reads a body into its type.
fn read_body<B: DeserializeOwned>(
    body: Option<Value>,
    shapes: &Shapes,
    definitions: &Definitions,
) -> Result<B, Refusal> {
    if let Some(shape) = &shapes.body {
        return strict::read(body.unwrap_or_default(), shape, definitions, Place::Body);
    }
    let nothing = Value::Object(serde_json::Map::new());
    strict::read(nothing.clone(), &nothing, definitions, Place::Body)
}

/// The media type of a body of type `B`; none: the route takes no body.
fn body_media<B: 'static>() -> Option<&'static str> {
    let body = TypeId::of::<B>();
    if body == TypeId::of::<Nothing>() {
        return None;
    }
    Some(if body == TypeId::of::<CoseBody>() { COSE_MEDIA } else { JSON_MEDIA })
}

impl Route {
    /// The route, as one of SCITT's reference API.
    pub(super) fn for_scitt(self) -> Self {
        Self { concise: true, ..self }
    }

    /// The route, answered to API keys by `handler`, which takes the same body and gives the same answer.
    pub(super) fn promptly<B, A, F>(self, handler: fn(Arc<Desk>, Actor, Given, B) -> F) -> Self
    where
        B: DeserializeOwned + 'static,
        A: Answer + 'static,
        F: Future<Output = Result<Reply<A>, Refusal>> + Send + 'static,
    {
        let prompt = move |desk, actor, given, raw: Raw, shapes: &'static Shapes| -> Prompted {
            match read_body(raw.body, shapes, &CATALOGUE.definitions) {
                Ok(body) => {
                    let answered = handler(desk, actor, given, body);
                    Box::pin(async move { answered.await?.written_out() })
                }
                Err(refusal) => Box::pin(std::future::ready(Err(refusal))),
            }
        };
        Self { prompt: Some(Box::new(prompt)), ..self }
    }

    /// The route, as one that can take authority away.
    pub(super) fn taking_authority(self) -> Self {
        Self { takes_authority: true, ..self }
    }

    /// Every code that this route may refuse with.
    pub(super) fn refuses(&self, has_input: bool) -> Vec<Code> {
        let mut codes = vec![Code::Broken, Code::Unavailable];
        if self.method != Method::GET {
            codes.push(Code::StorageFull);
        }
        let takes_json = self.body_media == Some(JSON_MEDIA);
        if has_input || takes_json || self.headers != Headers::Plain {
            codes.push(Code::Malformed);
        }
        match self.access {
            Access::Public => {}
            Access::Loopback => codes.push(Code::NotPermitted),
            Access::Needs(_) | Access::Log(_) => {
                codes.extend([Code::NotSignedIn, Code::NotPermitted]);
                if self.method != Method::GET {
                    codes.push(Code::CrossSite);
                }
            }
        }
        if self.body_media.is_some() {
            let other = if takes_json { Code::NotJson } else { Code::NotCose };
            codes.extend([Code::TooLarge, other, Code::EncodingUnsupported, Code::TooSlow]);
        }
        if self.headers != Headers::Plain {
            codes.extend([
                Code::IdempotencyConflict,
                Code::IdempotencyErased,
                Code::Conflict,
                Code::ViewBehind,
            ]);
        }
        if self.headers == Headers::Change {
            codes.push(Code::Stale);
        }
        codes.extend(self.codes);
        codes.sort();
        codes.dedup();
        codes
    }
}

/// Reads names and texts of a path or a query into their type.
fn named<T: DeserializeOwned>(
    pairs: Vec<(String, String)>,
    shape: &Value,
    definitions: &Definitions,
    place: Place,
) -> Result<T, Refusal> {
    let mut object = serde_json::Map::new();
    for (name, text) in pairs {
        let property = shape.get("properties").and_then(|properties| properties.get(&name));
        let numeric = property.is_some_and(|property| {
            strict::resolved(property, definitions).get("type").is_some_and(|types| {
                types == "integer" || types.as_array().is_some_and(|t| t.contains(&"integer".into()))
            })
        });
        // One spelling of a number only: no sign, no leading zero.
        let number = text.parse::<u64>().ok().filter(|number| numeric && number.to_string() == text);
        let value = number.map_or_else(|| Value::from(text), Value::from);
        if object.insert(name.clone(), value).is_some() {
            return Err(Refusal::new(Code::Malformed, format!("{name} occurs twice in the query")));
        }
    }
    strict::read(Value::Object(object), shape, definitions, place)
}
