//! Files of batches: many requests, one on each line, each of which is decided and masked as a call by itself.
//!
//! Promises: a line that cannot be read, may not be asked, or holds what may not be sent refuses the whole file, with its number; what is sent is written here and
//! holds nothing of a line but what was looked at. Must never: let a file through as another kind because it could not be read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::{BufMut as _, Bytes, BytesMut};
use memchr::memmem;
use tabellion_mask::Scope;
use tabellion_mask::json::{Kind, Limits as JsonLimits, Path, Scalar, Visitor, escaped, walk};
use tabellion_model::body::{FileModel, Masked};

use super::asks::{Asking, FileAsks};
use super::form;
use super::own;
use super::prepare::{Read, is_of_openai};
use super::said::SaidOfLines;
use crate::budget::{Charge, batch as of_batch, bound};
use crate::call::Call;
use crate::code::Code;
use crate::decide::{self, Asked, InForce, Permission, Refusal};
use crate::declared::{Found, Special};
use crate::names::Named;
use crate::surface::Surface;
use crate::surface::request::{Changes, Request};
use crate::words;

/// Most requests of a batch: what providers take.
const MAX_LINES: usize = 50_000;
/// So many lines are looked at before others get a turn: some milliseconds.
const LINES_AT_ONCE: usize = 64;
/// Most things of the provider's that the lines of a file name together: each is looked up. A line may name that many by itself.
const MAX_NAMED: usize = 10_000;
/// The purpose of a file that holds a batch.
const BATCH: &str = "batch";
/// What else a file may be for; all others are refused, since a provider might read one as a batch.
const PURPOSES: [&str; 5] = ["assistants", "vision", "user_data", "evals", "fine-tune"];
/// What a form with a file may say beside its purpose; all else is refused, since nobody looks at it. Values are plain words.
const EXPIRY: [&str; 2] = ["expires_after[anchor]", "expires_after[seconds]"];
/// The field that says what a file is for.
const PURPOSE: &str = "purpose";
/// The field that is the file.
const FILE: &str = "file";
/// Longest name that a line has for itself.
const MAX_CUSTOM_ID_BYTES: usize = 64;

/// A body as it may be sent.
pub(super) struct Outgoing {
    pub(super) bytes: Bytes,
    pub(super) masked: Vec<Masked>,
    pub(super) passed: Vec<Masked>,
    /// Rules of masking that were for any line.
    pub(super) masking: Vec<String>,
    /// What a batch's file asks for; none: it is none.
    pub(super) batch: Option<Asks>,
}

/// What a batch's file asks for.
pub(super) struct Asks {
    /// Requests in it.
    pub(super) lines: u64,
    /// What they ask for.
    pub(super) models: Vec<FileModel>,
    /// What guards said of them.
    pub(super) said: SaidOfLines,
}

/// What was found in all lines together.
#[derive(Default)]
struct Sums {
    masked: BTreeMap<(String, Option<String>), u64>,
    passed: BTreeMap<(String, Option<String>), u64>,
    masking: BTreeSet<String>,
    asked: FileAsks,
    /// What they name that the provider keeps, each with the first line that does.
    named: BTreeMap<Named, usize>,
    said: SaidOfLines,
}

impl Sums {
    fn list(sums: BTreeMap<(String, Option<String>), u64>) -> Vec<Masked> {
        sums.into_iter().map(|((class, operator), count)| Masked { class, count, operator }).collect()
    }
}

/// The surface that a line or a batch is for, by its address.
pub(super) fn surface_of(url: &str) -> Option<Surface> {
    let path = url.strip_prefix("/v1")?;
    Surface::ALL.into_iter().find(|surface| is_of_openai(*surface) && surface.path() == path)
}

/// The body as it may be sent: that of a batch's file masked line by line, every other as it came.
pub(super) async fn outgoing(
    call: &Call,
    found: &Found,
    body: &Bytes,
    read: &Read<'_>,
    permission: &Permission,
    rules: &InForce,
) -> Result<Outgoing, Refusal> {
    let as_it_came = || Outgoing {
        bytes: body.clone(),
        masked: Vec::new(),
        passed: Vec::new(),
        masking: Vec::new(),
        batch: None,
    };
    let refused = |why: String| Err(Refusal::new(Code::MalformedBody, why));
    if found.declared.special != Special::BatchFile {
        return Ok(as_it_came());
    }
    let mut files = read.parts.iter().filter(|part| part.is_file);
    let (Some(file), None) = (files.next().filter(|file| file.name == FILE), files.next()) else {
        return refused("the form holds no file with the name file, or several files; send one".to_owned());
    };
    let fields = fields(body, read).map_err(|why| Refusal::new(Code::MalformedBody, why))?;
    match form::field(body, &read.parts, PURPOSE) {
        Some(BATCH) => {}
        Some(purpose) if PURPOSES.contains(&purpose) => return Ok(as_it_came()),
        _ => return refused(format!("the field purpose is none of {BATCH}, {}", PURPOSES.join(", "))),
    }
    let Some(content) = body.get(file.content.clone()) else {
        return refused("the form holds no file".to_owned());
    };
    let batch = Batch { call, permission, rules };
    let (written, lines, sums) = batch.written(content).await?;
    let boundary = read.boundary.unwrap_or_default();
    // Readers that are less strict take a line feed alone for the end of a line.
    if memmem::find(&written, format!("\n--{boundary}").as_bytes()).is_some() {
        return refused("the file holds the boundary of its form; send it again".to_owned());
    }
    Ok(Outgoing {
        // Nothing of the form that came goes on: a reader who sees more in it than the one here would find what nobody masked.
        bytes: form::written(boundary, &fields, &written).into(),
        masked: Sums::list(sums.masked),
        passed: Sums::list(sums.passed),
        masking: sums.masking.into_iter().collect(),
        batch: Some(Asks { lines, models: sums.asked.into_models(), said: sums.said }),
    })
}

/// The fields beside the file, each of which is known and a plain word.
fn fields<'b>(body: &'b [u8], read: &'b Read<'_>) -> Result<Vec<(&'b str, &'b str)>, &'static str> {
    let why = "the form holds more than file, purpose, expires_after[anchor] and expires_after[seconds], or one of these is no plain word; leave out the rest";
    let own = read.parts.iter().filter(|part| !part.is_file);
    own.map(|part| {
        let known = part.name == PURPOSE || EXPIRY.contains(&part.name);
        let value = body.get(part.content.clone()).and_then(|value| std::str::from_utf8(value).ok());
        value.filter(|value| known && words::is_word(value)).map(|value| (part.name, value)).ok_or(why)
    })
    .collect()
}

/// A file of a batch on its way.
struct Batch<'a> {
    call: &'a Call,
    permission: &'a Permission,
    rules: &'a InForce,
}

impl Batch<'_> {
    async fn written(&self, content: &[u8]) -> Result<(Vec<u8>, u64, Sums), Refusal> {
        let (mut written, mut sums) = (BytesMut::with_capacity(content.len()), Sums::default());
        // Its answers come later, as files that nothing is put into; so nothing of it is kept either.
        let (mut scope, _) = self.call.scope(self.permission)?;
        let mut ids = BTreeSet::new();
        let mut lines = 0_usize;
        for (at, line) in content.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            lines += 1;
            if lines > MAX_LINES {
                let why = format!("the file has more than {MAX_LINES} requests; send several");
                return Err(Refusal::new(Code::MalformedBody, why));
            }
            let numbered = |refusal: Refusal| Refusal {
                reason: format!("line {} of the batch: {}", at + 1, refusal.reason).into_boxed_str(),
                ..refusal
            };
            let id = self.line((at, line), &mut scope, &mut written, &mut sums).map_err(numbered)?;
            if !ids.insert(id) {
                let why = "custom_id stands on an earlier line too; give each request one of its own";
                return Err(numbered(Refusal::new(Code::MalformedBody, why)));
            }
            if lines.is_multiple_of(LINES_AT_ONCE) {
                tokio::task::yield_now().await;
            }
        }
        if lines == 0 {
            let why = "the file holds no request; write one on each line";
            return Err(Refusal::new(Code::MalformedBody, why));
        }
        self.check_named(&sums.named).await?;
        Ok((written.to_vec(), lines as u64, sums))
    }

    /// Refused where a line names what the provider keeps and is not on record as the system's.
    async fn check_named(&self, lines: &BTreeMap<Named, usize>) -> Result<(), Refusal> {
        if lines.len() > MAX_NAMED {
            let why = format!(
                "the lines name more than {MAX_NAMED} things that the provider keeps; send several files"
            );
            return Err(Refusal::new(Code::MalformedBody, why));
        }
        let names: Vec<Named> = lines.keys().cloned().collect();
        let (shared, system) = (&self.call.worker.shared, self.call.caller.system_id);
        let foreign = own::foreign(shared, system, &names, &self.permission.target.upstream).await?;
        let Some(line) = foreign.iter().filter_map(|name| lines.get(*name)).min() else { return Ok(()) };
        let refusal = own::names_unknown(&foreign);
        let reason = format!("line {} of the batch: {}", line + 1, refusal.reason);
        Err(Refusal { reason: reason.into_boxed_str(), ..refusal })
    }

    /// Decides and masks one line, and writes it; gives its own name.
    fn line(
        &self,
        (at, line): (usize, &[u8]),
        scope: &mut Scope,
        written: &mut BytesMut,
        sums: &mut Sums,
    ) -> Result<String, Refusal> {
        let malformed = |why: String| Refusal::new(Code::MalformedBody, why);
        let limits = &self.call.worker.shared.limits;
        let json = JsonLimits { max_bytes: limits.body_bytes, max_depth: limits.depth };
        let line = Line::read(line, &json).map_err(malformed)?;
        let surface = surface_of(&line.url).ok_or_else(|| {
            malformed("url is none of /v1/chat/completions, /v1/responses and /v1/embeddings; only requests that are governed go into a batch".to_owned())
        })?;
        let request = Request::read(surface.form(), &line.body, &json).map_err(malformed)?;
        if request.stream {
            return Err(malformed("a batch has no streams; leave out stream".to_owned()));
        }
        let permission = self.decided(surface, &request, line.body.len())?;
        own::check_files(self.call, &request.kept, &permission.target.upstream.name)?;
        if sums.named.len() <= MAX_NAMED {
            for name in request.kept.others() {
                sums.named.entry(name).or_insert(at);
            }
        }
        let changes = Changes { model: None, ask_usage: false };
        let treated = self.call.treat(&request, &changes, &permission, scope)?;
        let tokens = of_batch::of_request(surface, &request.asks, treated.bytes.len().max(line.body.len()));
        let (model, tools) = (&request.model, &request.tools);
        let asking = Asking { surface: surface.name(), model, tools, tokens };
        sums.asked.take(&asking, line.body.len() as u64).map_err(malformed)?;
        let asked = self.asked(surface, &request.model, line.body.len(), &request.tools);
        let charge = self.charge(surface, &request, treated.bytes.len());
        let said = self.call.line_passes(&request, &treated, &permission, &asked, &charge)?;
        sums.said.take(at as u64 + 1, said);
        for (sum, found) in [(&mut sums.masked, &treated.masked), (&mut sums.passed, &treated.passed)] {
            for masked in found {
                *sum.entry((masked.class.clone(), masked.operator.clone())).or_default() += masked.count;
            }
        }
        sums.masking.extend(treated.rules);
        // A line feed between two members would make two lines of one, and so would a carriage return to some readers.
        let plain = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
        let body: Vec<u8> = treated.bytes.iter().map(plain).collect();
        let head =
            format!(r#"{{"custom_id":"{}","method":"POST","url":"{}","body":"#, escaped(&line.id), line.url);
        written.put_slice(head.as_bytes());
        written.put_slice(&body);
        written.put_slice(b"}\n");
        Ok(line.id)
    }

    /// Whether the caller may ask this, at the provider that gets the file.
    fn decided(&self, surface: Surface, request: &Request<'_>, bytes: usize) -> Result<Permission, Refusal> {
        let model = &request.model;
        let catalogue = &self.call.worker.shared.catalogue;
        if !catalogue.is_named(model) && !words::is_model(model) {
            let why = "model is neither a configured name nor of letters, digits and . _ : / -, at most 128";
            return Err(Refusal::new(Code::UnknownModel, why));
        }
        self.may_ask(surface, model, bytes, &request.tools)
    }

    /// What it would reserve as a call.
    fn charge(&self, surface: Surface, request: &Request<'_>, bytes: usize) -> Charge {
        let shared = &self.call.worker.shared;
        let (prices, upstream) = (&self.call.caller.gate.prices, &self.permission.target.upstream.name);
        let price = bound::price(prices, upstream, &request.model, shared.now());
        Charge::new(bound::reserve(surface, &request.asks, bytes, price), price)
    }

    /// What a line asks for.
    fn asked<'l>(&'l self, surface: Surface, model: &'l str, bytes: usize, tools: &'l [String]) -> Asked<'l> {
        Asked {
            action: surface.action(),
            surface: surface.name(),
            model,
            instead_of: None,
            purpose: Some(&self.permission.purpose),
            stream: false,
            received_bytes: bytes as u64,
            tools,
            at: self.call.at,
            is_recorded: false,
        }
    }

    /// Whether the caller may ask for `model` on `surface` now, at the provider that has the file.
    fn may_ask(
        &self,
        surface: Surface,
        model: &str,
        bytes: usize,
        tools: &[String],
    ) -> Result<Permission, Refusal> {
        let call = self.call;
        let catalogue = &call.worker.shared.catalogue;
        let asked = self.asked(surface, model, bytes, tools);
        let permission = decide::decide(&call.caller, &asked, catalogue, self.rules)?;
        let here = permission.target.upstream.number == self.permission.target.upstream.number;
        if !here || permission.target.model.is_some() {
            let why = "the model is served by another provider than the one that gets the file, or is an alias; name one of this provider's own";
            return Err(Refusal::new(Code::UnknownModel, why));
        }
        Ok(permission)
    }
}

/// Whether what a kept file asks for may still be asked: stops, rules and the key's models may be others than when it was sent. Each kind of request is decided as a
/// call of its smallest and of its largest would be.
pub(super) fn decide_again(
    call: &Call,
    asked: &[FileModel],
    permission: &Permission,
    rules: &InForce,
) -> Result<(), Refusal> {
    let batch = Batch { call, permission, rules };
    for FileModel { surface, model, tools, bytes, .. } in asked {
        let known = Surface::ALL.into_iter().find(|known| known.name() == surface && is_of_openai(*known));
        let unknown = || {
            let why = "the file asks on a surface that is not known here, or was kept before its sizes were; send it again";
            Refusal::new(Code::MalformedBody, why)
        };
        let (known, bytes) = (known.ok_or_else(unknown)?, bytes.as_ref().ok_or_else(unknown)?);
        for bytes in [bytes.least, bytes.most] {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            batch.may_ask(known, model, bytes, tools).map_err(|refusal| Refusal {
                reason: format!("{model}, which the batch asks for: {}", refusal.reason).into_boxed_str(),
                ..refusal
            })?;
        }
    }
    Ok(())
}

/// One request of a batch.
struct Line {
    id: String,
    url: String,
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
        // It goes on as it came, so it may hold nothing that would be masked.
        if id.len() > MAX_CUSTOM_ID_BYTES || !words::is_word(&id) {
            return Err("custom_id is no plain word of at most 64 letters, digits and _ . : -, or holds what would be masked; number your requests".to_owned());
        }
        let body = seen.body.and_then(|range| line.get(range)).ok_or("body is missing or no object")?;
        Ok(Self { id, url, body: Bytes::copy_from_slice(body) })
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
