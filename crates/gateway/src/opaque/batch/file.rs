//! Files of batches in the interface of `OpenAI`, one request on each line, and files of which no batch can be begun.
//!
//! Must never: pass a field of a form that nobody knows, or take a file for another kind than its form says.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::{BufMut as _, Bytes, BytesMut};
use memchr::memmem;
use tabellion_mask::json::{Kind, Limits as JsonLimits, Path, Scalar, Visitor, escaped, walk};

use super::{Batch, One, Outgoing, Requests, check_id};
use crate::code::Code;
use crate::decide::Refusal;
use crate::opaque::form;
use crate::opaque::prepare::{Read, is_of_openai};
use crate::surface::Surface;
use crate::words;

/// The purpose of a file that holds a batch.
const BATCH: &str = "batch";
/// What else a file may be for; all others are refused, since a provider might read one as a batch.
const PURPOSES: [&str; 5] = ["assistants", "vision", "user_data", "evals", "fine-tune"];
/// The field that says what a file is for.
const PURPOSE: &str = "purpose";
/// What a form with a file may say beside it; all else is refused, since nobody looks at it. Values are plain words.
const FIELDS: [&str; 3] = [PURPOSE, "expires_after[anchor]", "expires_after[seconds]"];
/// The same in the interface of Anthropic.
const FIELDS_OF_ANTHROPIC: [&str; 1] = ["expires_in_seconds"];
/// The field that is the file.
const FILE: &str = "file";

/// The surface that a line or a batch is for, by its address.
pub(in crate::opaque) fn surface_of(url: &str) -> Option<Surface> {
    let path = url.strip_prefix("/v1")?;
    Surface::ALL.into_iter().find(|surface| is_of_openai(*surface) && surface.path() == path)
}

/// A file as it may be sent: that of a batch masked line by line, every other as it came.
pub(super) async fn outgoing(batch: Batch<'_>, body: &Bytes, read: &Read<'_>) -> Result<Outgoing, Refusal> {
    let refused = |why: String| Err(Refusal::new(Code::MalformedBody, why));
    let file = the_file(read)?;
    let fields = fields(body, read, &FIELDS)?;
    match form::field(body, &read.parts, PURPOSE) {
        Some(BATCH) => {}
        Some(purpose) if PURPOSES.contains(&purpose) => return Ok(Outgoing::as_it_came(body)),
        _ => return refused(format!("the field purpose is none of {BATCH}, {}", PURPOSES.join(", "))),
    }
    let Some(content) = body.get(file.content.clone()) else {
        return refused("the form holds no file".to_owned());
    };
    let mut requests = Requests::new(batch, "line")?;
    let mut written = BytesMut::with_capacity(content.len());
    for (at, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let number = at + 1;
        let line = Line::read(line, &requests.json()).map_err(|why| requests.unread(number, &why))?;
        let one = One { number, id: &line.id, surface: line.surface, body: &line.body };
        let masked = requests.take(one).await?;
        write(&mut written, (&line.id, &line.url), &masked);
    }
    let boundary = read.boundary.unwrap_or_default();
    // Readers that are less strict take a line feed alone for the end of a line.
    if memmem::find(&written, format!("\n--{boundary}").as_bytes()).is_some() {
        return refused("the file holds the boundary of its form; send it again".to_owned());
    }
    // Nothing of the form that came goes on: a reader who sees more in it than the one here would find what nobody masked.
    requests.outgoing(form::written(boundary, &fields, &written).into()).await
}

/// A file in the interface of Anthropic, where no batch is begun of one: as it came.
pub(super) fn alone(body: &Bytes, read: &Read<'_>) -> Result<Outgoing, Refusal> {
    the_file(read)?;
    fields(body, read, &FIELDS_OF_ANTHROPIC)?;
    Ok(Outgoing::as_it_came(body))
}

/// The one file of a form.
fn the_file<'r, 'b>(read: &'r Read<'b>) -> Result<&'r form::Part<'b>, Refusal> {
    let mut files = read.parts.iter().filter(|part| part.is_file);
    let (Some(file), None) = (files.next().filter(|file| file.name == FILE), files.next()) else {
        let why = "the form holds no file with the name file, or several files; send one";
        return Err(Refusal::new(Code::MalformedBody, why));
    };
    Ok(file)
}

/// The fields beside the file, each of which is `known` and a plain word.
fn fields<'b>(
    body: &'b [u8],
    read: &'b Read<'_>,
    known: &[&str],
) -> Result<Vec<(&'b str, &'b str)>, Refusal> {
    let own = read.parts.iter().filter(|part| !part.is_file);
    own.map(|part| {
        let value = body.get(part.content.clone()).and_then(|value| std::str::from_utf8(value).ok());
        let is_known = known.contains(&part.name);
        value.filter(|value| is_known && words::is_word(value)).map(|value| (part.name, value))
    })
    .collect::<Option<_>>()
    .ok_or_else(|| {
        let why = format!(
            "the form holds more than {FILE}, {}, or one of these is no plain word; leave out the rest",
            known.join(", ")
        );
        Refusal::new(Code::MalformedBody, why)
    })
}

/// Writes a line with the masked body of its request.
fn write(written: &mut BytesMut, (id, url): (&str, &str), masked: &[u8]) {
    // A line feed between two members would make two lines of one, and so would a carriage return to some readers.
    let plain = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
    let body: Vec<u8> = masked.iter().map(plain).collect();
    let head = format!(r#"{{"custom_id":"{}","method":"POST","url":"{url}","body":"#, escaped(id));
    written.put_slice(head.as_bytes());
    written.put_slice(&body);
    written.put_slice(b"}\n");
}

/// One request of a file.
struct Line {
    id: String,
    url: String,
    surface: Surface,
    body: Bytes,
}

impl Line {
    fn read(line: &[u8], limits: &JsonLimits) -> Result<Self, String> {
        let mut seen = Members::default();
        walk(line, limits, &mut seen).map_err(|fault| fault.to_string())?;
        if seen.has_others {
            return Err("a request has custom_id, method, url and body, and nothing else".to_owned());
        }
        let mut text =
            |name: &str| seen.texts.remove(name).ok_or_else(|| format!("{name} is missing or no text"));
        let (id, method, url) = (text("custom_id")?, text("method")?, text("url")?);
        if method != "POST" {
            return Err("method is not POST".to_owned());
        }
        check_id(&id)?;
        let body = seen.body.and_then(|range| line.get(range)).ok_or("body is missing or no object")?;
        let surface = surface_of(&url).ok_or(
            "url is none of /v1/chat/completions, /v1/responses and /v1/embeddings; only requests that are governed go into a batch",
        )?;
        Ok(Self { id, url, surface, body: Bytes::copy_from_slice(body) })
    }
}

/// Sees the members of a line.
#[derive(Default)]
struct Members {
    texts: BTreeMap<String, String>,
    body: Option<Range<usize>>,
    has_others: bool,
}

impl<'b> Visitor<'b> for Members {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        match (path.top(), scalar) {
            (Some(name @ ("custom_id" | "method" | "url")), Scalar::String(text)) => {
                self.texts.insert(name.to_owned(), text.value().into_owned());
            }
            (Some(_), _) => self.has_others = true,
            (None, _) => self.has_others |= path.steps().is_empty(),
        }
    }

    fn close(&mut self, path: Path<'_, 'b>, kind: Kind, range: Range<usize>) {
        match path.top() {
            Some("body") if kind == Kind::Object => self.body = Some(range),
            Some(_) => self.has_others = true,
            None => self.has_others |= path.steps().is_empty() && kind == Kind::Array,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Line, String> {
        Line::read(line.as_bytes(), &JsonLimits::default())
    }

    /// Requirement: N22. A line is what its four members say, and nothing is beside them.
    #[test]
    fn a_line_is_read_in_one_way_only() {
        let good = r#"{"custom_id":"r-1","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}"#;
        let line = read(good).expect("a request");
        assert_eq!((line.id.as_str(), line.url.as_str()), ("r-1", "/v1/chat/completions"));
        assert_eq!(&line.body[..], br#"{"model":"m"}"#);
        for (line, why) in [
            (good.replace("r-1", "ada@example.org"), "a name that would be masked"),
            (good.replace("\"method\"", "\"url\":\"/v1/files\",\"method\""), "an address twice"),
            (good.replace("POST", "GET"), "another method"),
            (good.replace("{\"model\":\"m\"}", "[]"), "a body that is none"),
            (good.replace("\"body\"", "\"note\":\"ada@example.org\",\"body\""), "a place to hide text"),
            (format!("[{good}]"), "an array"),
            (format!("{good}{good}"), "two in one line"),
            (good.replace("/v1/chat/completions", "/v1/messages"), "an address that is not governed here"),
        ] {
            assert!(read(&line).is_err(), "{why} goes to the provider: {line}");
        }
    }

    /// Requirement: N22.
    #[test]
    fn a_batch_is_for_what_is_governed_alone() {
        assert_eq!(surface_of("/v1/chat/completions"), Some(Surface::OpenAiChat));
        for url in ["/v1/completions", "/v1/messages", "/chat/completions", "/v1/files", ""] {
            assert_eq!(surface_of(url), None, "{url} would be asked where nobody looks");
        }
    }
}
