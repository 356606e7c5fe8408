//! Batches in the interface of Anthropic: one body that holds all requests, each with a name and the members of a request for a message.
//!
//! Form: the API reference of Anthropic, "Create a Message Batch" (`POST /v1/messages/batches`). Must never: send a member of a body that is not known here.

use std::ops::Range;

use bytes::{BufMut as _, Bytes, BytesMut};
use tabellion_mask::json::{Kind, Limits as JsonLimits, Path, Scalar, Step, Visitor, escaped, walk};

use super::{Batch, MAX_REQUESTS, One, Outgoing, Requests, check_id, too_many};
use crate::code::Code;
use crate::decide::Refusal;
use crate::surface::Surface;

/// The one member of the body.
const REQUESTS: &str = "requests";
/// The members of a request.
const CUSTOM_ID: &str = "custom_id";
const PARAMS: &str = "params";

/// The body as it may be sent: each request masked by itself, and written anew.
pub(super) async fn outgoing(batch: Batch<'_>, body: &Bytes) -> Result<Outgoing, Refusal> {
    let mut requests = Requests::new(batch, "request")?;
    let json = JsonLimits { max_bytes: body.len(), ..requests.json() };
    let framed = Frame::read(body, &json).map_err(|why| Refusal::new(Code::MalformedBody, why))?;
    if framed.len() > MAX_REQUESTS {
        return Err(too_many());
    }
    let mut written = BytesMut::with_capacity(body.len());
    written.put_slice(format!(r#"{{"{REQUESTS}":["#).as_bytes());
    for (at, framed) in framed.into_iter().enumerate() {
        let number = at + 1;
        let (id, params) = framed.parts().map_err(|why| requests.unread(number, why))?;
        let one = One { number, id: &id, surface: Surface::AnthropicMessages, body: &body.slice(params) };
        let masked = requests.take(one).await?;
        let comma = if at == 0 { "" } else { "," };
        let head = format!(r#"{comma}{{"{CUSTOM_ID}":"{}","{PARAMS}":"#, escaped(&id));
        written.put_slice(head.as_bytes());
        written.put_slice(&masked);
        written.put_slice(b"}");
    }
    written.put_slice(b"]}");
    requests.outgoing(written.freeze()).await
}

/// A request as it stands in the body.
#[derive(Default)]
struct Framed {
    id: Option<String>,
    params: Option<Range<usize>>,
    has_others: bool,
}

impl Framed {
    /// Its own name, and where its members stand.
    fn parts(self) -> Result<(String, Range<usize>), &'static str> {
        if self.has_others {
            return Err(
                "a request is an object with custom_id, a text, and params, an object, and nothing else",
            );
        }
        let id = self.id.ok_or("custom_id is missing or no text")?;
        check_id(&id)?;
        Ok((id, self.params.ok_or("params is missing or no object")?))
    }
}

/// Sees where the requests stand.
#[derive(Default)]
struct Frame {
    /// The requests, as far as they are counted.
    requests: Vec<Framed>,
    has_list: bool,
    has_others: bool,
}

impl Frame {
    /// The requests of a body; one more than may be counted where there are too many.
    fn read(body: &[u8], limits: &JsonLimits) -> Result<Vec<Framed>, String> {
        let mut frame = Self::default();
        walk(body, limits, &mut frame).map_err(|fault| fault.to_string())?;
        if frame.has_others || !frame.has_list {
            return Err("the body has requests, an array, and nothing else; leave out the rest".to_owned());
        }
        Ok(frame.requests)
    }

    fn begin(&mut self, is_object: bool) {
        // Whoever sends very many empty ones would have each of them held.
        if self.requests.len() <= MAX_REQUESTS {
            self.requests.push(Framed { has_others: !is_object, ..Framed::default() });
        }
    }
}

/// Where a value stands.
enum Place<'p> {
    /// The body itself.
    Body,
    /// The list of requests.
    List,
    /// A request.
    Request,
    /// A member of a request, by its name.
    Member(&'p str),
    /// Within a member of a request, which is known by its own place.
    Within,
    /// Anywhere else.
    Elsewhere,
}

fn place<'p>(path: Path<'p, '_>) -> Place<'p> {
    match path.steps() {
        [] => Place::Body,
        [Step::Name(top), rest @ ..] if top == REQUESTS => match rest {
            [] => Place::List,
            [Step::Index(_)] => Place::Request,
            [Step::Index(_), Step::Name(member)] => Place::Member(member),
            [Step::Index(_), ..] => Place::Within,
            _ => Place::Elsewhere,
        },
        _ => Place::Elsewhere,
    }
}

impl<'b> Visitor<'b> for Frame {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        match (place(path), scalar) {
            (Place::Request, _) => self.begin(false),
            (Place::Member(member), scalar) => {
                let Some(request) = self.requests.last_mut() else { return };
                match scalar {
                    Scalar::String(text) if member == CUSTOM_ID => {
                        request.id = Some(text.value().into_owned());
                    }
                    _ => request.has_others = true,
                }
            }
            (Place::Within, _) => {}
            (Place::Body | Place::List | Place::Elsewhere, _) => self.has_others = true,
        }
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        if matches!(place(path), Place::Request) {
            self.begin(kind == Kind::Object);
        }
    }

    fn close(&mut self, path: Path<'_, 'b>, kind: Kind, range: Range<usize>) {
        match place(path) {
            Place::Body => self.has_others |= kind == Kind::Array,
            Place::List => {
                self.has_list = kind == Kind::Array;
                self.has_others |= kind == Kind::Object;
            }
            Place::Member(member) => {
                let Some(request) = self.requests.last_mut() else { return };
                if member == PARAMS && kind == Kind::Object {
                    request.params = Some(range);
                } else {
                    request.has_others = true;
                }
            }
            Place::Request | Place::Within => {}
            Place::Elsewhere => self.has_others = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"requests":[{"custom_id":"r-1","params":{"model":"m","messages":[{"custom_id":1}]}},{"params":{},"custom_id":"r-2"}]}"#;

    /// The requests of a body, by their names and members; an error says why there are none.
    fn read(body: &str) -> Result<Vec<(String, String)>, String> {
        let framed = Frame::read(body.as_bytes(), &JsonLimits::default())?;
        let parts = framed.into_iter().map(|framed| {
            let (id, params) = framed.parts()?;
            Ok((id, body[params].to_owned()))
        });
        parts.collect::<Result<_, &str>>().map_err(str::to_owned)
    }

    /// Requirement: N22. A batch is what its requests' two members say, and nothing is beside them.
    #[test]
    fn a_batch_is_read_in_one_way_only() {
        let due = [("r-1", r#"{"model":"m","messages":[{"custom_id":1}]}"#), ("r-2", "{}")];
        let due = due.map(|(id, params)| (id.to_owned(), params.to_owned()));
        assert_eq!(read(GOOD).expect("a batch"), due, "a request is another one's");
        for (body, why) in [
            (GOOD.replace("r-1", "ada@example.org"), "a name that would be masked"),
            (GOOD.replace("\"r-1\"", "1"), "a name that is no text"),
            (GOOD.replace("\"custom_id\":\"r-1\",", ""), "no name"),
            (GOOD.replace("\"params\":{}", "\"params\":[]"), "members that are no object"),
            (GOOD.replace("\"params\":{},", ""), "no members"),
            (GOOD.replace("\"params\":{}", "\"params\":{},\"note\":\"ada\""), "a place to hide text"),
            (GOOD.replace("\"params\":{}", "\"params\":{},\"note\":[\"ada\"]"), "a place to hide a list"),
            (GOOD.replace("\"params\":{}", "\"params\":{},\"params\":{}"), "a member twice"),
            (GOOD.replace("{\"requests\"", "{\"note\":\"ada\",\"requests\""), "a text beside the requests"),
            (GOOD.replace("{\"requests\"", "{\"note\":{},\"requests\""), "an object beside the requests"),
            (GOOD.replace("{\"requests\"", "{\"Requests\":[],\"requests\""), "a list of another spelling"),
            (
                GOOD.replace("[{\"custom_id\":\"r-1\"", "[7,{\"custom_id\":\"r-1\""),
                "a request that is a number",
            ),
            (GOOD.replace("[{\"custom_id\":\"r-1\"", "[[{}],{\"custom_id\":\"r-1\""), "a list for a request"),
            (format!("[{GOOD}]"), "a list of batches"),
            (r#"{"requests":{"custom_id":"r-1","params":{}}}"#.to_owned(), "no list"),
            (r#"{"requests":null}"#.to_owned(), "no requests"),
            ("{}".to_owned(), "nothing"),
        ] {
            assert!(read(&body).is_err(), "{why} goes to the provider: {body}");
        }
    }

    /// Requirement: N22. However many requests somebody sends, no more are held than may be asked, and one that shows that there are more.
    #[test]
    fn no_more_requests_are_held_than_may_be_asked() {
        let body = format!("{{\"requests\":[{}{{}}]}}", "{},".repeat(MAX_REQUESTS + 1_000));
        let held = Frame::read(body.as_bytes(), &JsonLimits::default()).expect("a list").len();
        assert_eq!(held, MAX_REQUESTS + 1, "a caller says how much is held");
    }
}
