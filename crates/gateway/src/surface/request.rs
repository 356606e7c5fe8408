//! A request to a model, read where it stands: what must be known to decide, and every string that may hold personal data.
//!
//! Promises: the body is walked strictly and once; what is sent on are the bytes received, with edits at named places; every string is masked
//! but the few that cannot be text. Must never: serialise a body again, or guess at a member that has the wrong type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use tabellion_mask::json::{Kind, Limits, Path, RawString, Scalar, Step, Visitor, escaped, walk};
use tabellion_mask::{
    Class, Classes, Content, Context, EditError, Edits, Operator, Place, Plan, Role, SHORTEST_NAMED_NUMBER,
    SHORTEST_NUMBER, Scope, is_base64, mask_field, scan, scan_number_with, telling_field,
};
use tabellion_model::body::Masked;

use crate::route::MAX_MODEL_BYTES;
use crate::surface::alike::MISTAKABLE;
use crate::surface::asks::{Asks, WEB_SEARCH};
use crate::surface::identifiers::is_identifier;
use crate::surface::kept::{Kept, TOO_MANY};
use crate::surface::offers::{Offers, Said, TOOLS_KEPT, is_named_kind};

/// Shorter names of members cannot hold a value of any class: the shortest, an e-mail address, has six characters.
const SHORTEST_NAME: usize = 6;

/// Signatures are longer, account numbers (34 characters) and cards shorter.
const SHORTEST_OPAQUE: usize = 64;

/// What the requests of one route look like.
pub(crate) struct Form {
    /// Members at the top without which it is no request.
    pub(crate) required: &'static [Required],
    /// Where tools are offered.
    pub(crate) tools: Offers,
    /// Members that hold pictures, files and sound in base64, each with the member that holds it (`*`: any).
    pub(crate) encoded: &'static [(&'static str, &'static str)],
    /// Text that must go on byte for byte: the provider made it and checks it.
    pub(crate) sealed: &'static [&'static [&'static str]],
    /// The same of what only the provider can read. It goes on untouched where it has that form indeed: any text can stand under any name.
    pub(crate) opaque: &'static [&'static [&'static str]],
    /// Members at the top that limit the tokens of an answer here. One of another interface limits nothing: providers pass over what they do not know.
    pub(crate) limits: &'static [&'static str],
    /// Members at the top that ask for what is not governed here.
    pub(crate) refused: &'static [Refused],
    /// Whether an answer can be asked for as a stream.
    pub(crate) streams: bool,
    /// Whether a stream tells token counts only when asked to (`stream_options.include_usage`).
    pub(crate) asks_usage: bool,
}

/// A member that a request must have.
#[derive(Clone, Copy)]
pub(crate) enum Required {
    /// An array.
    Array(&'static str),
    /// An array, or one text.
    ArrayOrString(&'static str),
    /// A text, or an array of texts, and nothing else.
    Text(&'static str),
}

/// A member that must not be there, or only with one value.
pub(crate) struct Refused {
    pub(crate) member: &'static str,
    /// The value, as JSON, with which it is nothing. `null` never is anything.
    pub(crate) unless: &'static str,
    pub(crate) why: &'static str,
}

impl Required {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Array(name) | Self::ArrayOrString(name) | Self::Text(name) => name,
        }
    }

    /// Whether a prompt that the provider keeps may stand in its place (`prompt` of responses).
    fn may_be_stored(self) -> bool {
        matches!(self, Self::ArrayOrString(_))
    }

    /// What to tell whoever left it out.
    fn missing(self) -> String {
        match self {
            Self::Array(name) => format!("the member {name} is missing or no array; send the conversation"),
            Self::ArrayOrString(name) => {
                format!(
                    "the member {name} is missing, or neither a text nor an array; send what the model is to answer"
                )
            }
            Self::Text(name) => {
                format!("the member {name} is missing, or neither a text nor an array of texts")
            }
        }
    }
}

/// What is asked for, and where.
pub(crate) struct Request<'b> {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// Names of the tools that the model is offered.
    pub(crate) tools: Vec<String>,
    /// Whether the client asked for token counts in its stream.
    pub(crate) usage_wanted: bool,
    /// How much it may take.
    pub(crate) asks: Asks,
    /// What it names that the provider keeps.
    pub(crate) kept: Kept,
    form: &'static Form,
    body: &'b Bytes,
    parts: Parts<'b>,
}

/// Members anywhere whose text names a file that the provider has.
const FILES_ELSEWHERE: [&str; 2] = ["file_id", "file_url"];
/// A part of a conversation that stands for an earlier one.
const REFERENCE: &str = "item_reference";

/// The body to send, and what was replaced in it.
pub(crate) struct Outgoing {
    pub(crate) bytes: Bytes,
    /// What something else stands for.
    pub(crate) masked: Vec<Masked>,
    /// What was found and stays.
    pub(crate) passed: Vec<Masked>,
    /// Classes that were found and may not be sent.
    pub(crate) blocked: Vec<Class>,
}

/// How the request is changed on its way.
pub(crate) struct Changes<'a> {
    /// The provider's name of the model, where it is another.
    pub(crate) model: Option<&'a str>,
    /// Ask for token counts in a stream.
    pub(crate) ask_usage: bool,
}

impl<'b> Request<'b> {
    /// Every text of it that a model may read, names of members among them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (Cow<'b, str>, tabellion_guard::Content)> {
        let places = self.parts.strings.iter().map(|found| &found.place).chain(&self.parts.unmasked);
        places.map(|place| (place.string.value(), guard_content(place.content)))
    }

    /// Its long numbers, as they are written.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &'b str> {
        self.parts.numbers.iter().map(|(_, number, _)| *number)
    }

    /// Reads `body` as `form` has it. The error says, in one line, what is wrong.
    pub(crate) fn read(form: &'static Form, body: &'b Bytes, limits: &Limits) -> Result<Self, String> {
        let mut parts = Parts::of(form);
        walk(body, limits, &mut parts).map_err(|fault| fault.to_string())?;
        if let Some(wrong) = parts.wrong {
            return Err(wrong.clone());
        }
        let Some((model, _)) = &parts.model else {
            return Err("the member model is missing; name the model to ask".to_owned());
        };
        if model.is_empty() || model.len() > MAX_MODEL_BYTES {
            return Err(format!("model has {} bytes; 1 to {MAX_MODEL_BYTES} are possible", model.len()));
        }
        let is_there = |required: &Required| {
            parts.present.contains(&required.name()) || (required.may_be_stored() && parts.kept.has_prompt())
        };
        if let Some(missing) = form.required.iter().find(|required| !is_there(required)) {
            return Err(missing.missing());
        }
        if parts.stream && !form.streams {
            return Err("this route has no streams; leave out stream".to_owned());
        }
        if parts.kept.is_over() {
            return Err(TOO_MANY.to_owned());
        }
        parts.asks.offers_tools = !parts.tools.is_empty();
        Ok(Self {
            model: model.clone(),
            stream: parts.stream,
            tools: std::mem::take(&mut parts.tools),
            usage_wanted: matches!(parts.include_usage, Some((true, _))),
            asks: parts.asks,
            kept: std::mem::take(&mut parts.kept),
            form,
            body,
            parts,
        })
    }

    /// The bytes to send: personal data treated as `plan` has it, with placeholders of `scope`, and `changes` made.
    pub(crate) fn outgoing(
        &self,
        changes: &Changes<'_>,
        plan: &Plan,
        scope: &mut Scope,
    ) -> Result<Outgoing, String> {
        let mut edits = Edits::new();
        let mut counts = BTreeMap::new();
        self.mask(plan, scope, &mut edits, &mut counts).map_err(|error| error.to_string())?;
        self.change(changes, &mut edits).map_err(|error| error.to_string())?;
        let bytes = if edits.is_empty() { self.body.clone() } else { Bytes::from(edits.apply(self.body)) };
        let is = |wanted| move |((_, operator), _): &(&(Class, Operator), &u64)| *operator == wanted;
        let passed =
            counts.iter().filter(is(Operator::Pass)).map(|((class, _), count)| found(*class, *count, None));
        let masked = counts.iter().filter(|((_, operator), _)| *operator != Operator::Pass);
        let masked = masked.map(|((class, operator), count)| {
            // The usual one goes without saying, as it always did.
            let said = (*operator != Operator::Pseudonymise).then(|| operator.name());
            found(*class, *count, said)
        });
        Ok(Outgoing {
            bytes,
            masked: masked.collect(),
            passed: passed.collect(),
            blocked: counts.iter().filter(is(Operator::Block)).map(|((class, _), _)| *class).collect(),
        })
    }

    fn mask(
        &self,
        plan: &Plan,
        scope: &mut Scope,
        edits: &mut Edits,
        counts: &mut BTreeMap<(Class, Operator), u64>,
    ) -> Result<(), EditError> {
        for Found { place, field, is_identifier } in &self.parts.strings {
            let plan = if *is_identifier { plan.except(Classes::NAMES) } else { *plan };
            for masked in mask_field(*place, field.as_deref(), plan, scope, edits)? {
                *counts.entry((masked.class, masked.operator)).or_default() += 1;
            }
        }
        let blocked = plan.blocked();
        for place in self.parts.unmasked.iter().chain(&self.parts.passed_over) {
            // Not a byte of these may change, and nothing has to for a call that is not sent.
            for finding in scan(&place.string.value(), blocked) {
                *counts.entry((finding.class, Operator::Block)).or_default() += 1;
            }
        }
        for (at, number, field) in &self.parts.numbers {
            let context = Context { field: field.as_deref() };
            if let Some((class, value)) = scan_number_with(number, context, plan.looked_for()) {
                if let Some(stands) = plan.replacement(class, &value, Role::Value, scope)? {
                    edits.replace(*at..*at + number.len(), format!("\"{stands}\""))?;
                }
                *counts.entry((class, plan.applied(class, Role::Value))).or_default() += 1;
            }
        }
        Ok(())
    }

    fn change(&self, changes: &Changes<'_>, edits: &mut Edits) -> Result<(), tabellion_mask::OverlapError> {
        if let (Some(model), Some((_, range))) = (changes.model, &self.parts.model) {
            edits.replace(range.clone(), format!("\"{}\"", escaped(model)))?;
        }
        if !changes.ask_usage || !self.form.asks_usage || !self.stream || self.usage_wanted {
            return Ok(());
        }
        let parts = &self.parts;
        match (&parts.include_usage, &parts.stream_options) {
            (Some((_, range)), _) => edits.replace(range.clone(), "true"),
            (None, Options::Object { range, empty }) => {
                let comma = if *empty { "" } else { "," };
                let at = range.end - 1;
                edits.replace(at..at, format!("{comma}\"include_usage\":true"))
            }
            (None, Options::Null(range)) => edits.replace(range.clone(), "{\"include_usage\":true}"),
            (None, Options::Absent) => {
                let at = parts.end;
                edits.replace(at..at, ",\"stream_options\":{\"include_usage\":true}")
            }
        }
    }
}

/// How guards read what masking reads.
pub(crate) fn guard_content(content: Content) -> tabellion_guard::Content {
    match content {
        Content::Text | Content::Name => tabellion_guard::Content::Text,
        Content::Json => tabellion_guard::Content::Json,
    }
}

/// Counts by class, as records hold them.
pub(crate) fn counted(counts: &BTreeMap<Class, u64>) -> Vec<Masked> {
    counts.iter().map(|(class, count)| found(*class, *count, None)).collect()
}

/// One class, as records hold it.
fn found(class: Class, count: u64, operator: Option<&str>) -> Masked {
    Masked { class: class.name().to_owned(), count, operator: operator.map(str::to_owned) }
}

/// The member `stream_options`.
#[derive(Default)]
enum Options {
    #[default]
    Absent,
    Null(Range<usize>),
    Object {
        range: Range<usize>,
        empty: bool,
    },
}

/// A string that may hold personal data.
struct Found<'b> {
    place: Place<'b>,
    /// The name of its field, where that says what it is.
    field: Option<Cow<'b, str>>,
    /// What programs compare and look up: no names are looked for in it.
    is_identifier: bool,
}

/// What the walk finds.
struct Parts<'b> {
    form: &'static Form,
    model: Option<(String, Range<usize>)>,
    stream: bool,
    stream_options: Options,
    include_usage: Option<(bool, Range<usize>)>,
    options_members: usize,
    asks: Asks,
    kept: Kept,
    tools: Vec<String>,
    /// Required members that are there, in their form.
    present: Vec<&'static str>,
    /// Strings and numbers that may hold personal data, a number with the name of its field where that says what it is.
    strings: Vec<Found<'b>>,
    numbers: Vec<(usize, &'b str, Option<Cow<'b, str>>)>,
    /// Texts that are not masked: what has to go on byte for byte, and names of members that can hold no value.
    unmasked: Vec<Place<'b>>,
    /// What is passed over because it is no text: signatures, pictures. What may not be sent may not be sent there either.
    passed_over: Vec<Place<'b>>,
    /// Where the outermost object's closing brace stands.
    end: usize,
    wrong: Option<String>,
}

impl<'b> Parts<'b> {
    fn of(form: &'static Form) -> Self {
        Self {
            form,
            model: None,
            stream: false,
            stream_options: Options::default(),
            include_usage: None,
            options_members: 0,
            asks: Asks::default(),
            kept: Kept::default(),
            tools: Vec::new(),
            present: Vec::new(),
            strings: Vec::new(),
            numbers: Vec::new(),
            unmasked: Vec::new(),
            passed_over: Vec::new(),
            end: 0,
            wrong: None,
        }
    }

    fn refuse(&mut self, why: &str) {
        self.wrong.get_or_insert_with(|| why.to_owned());
    }

    /// Members that decide what happens, by their exact types.
    fn top(&mut self, name: &str, scalar: Scalar<'_>, range: &Range<usize>) {
        match (name, scalar) {
            ("model", Scalar::String(string)) => {
                self.model = Some((string.value().into_owned(), range.clone()));
            }
            ("model", _) => self.refuse("model is no string"),
            ("stream", Scalar::Bool(stream)) => self.stream = stream,
            ("stream", Scalar::Null) => {}
            ("stream", _) => self.refuse("stream is neither true nor false"),
            ("stream_options", Scalar::Null) => self.stream_options = Options::Null(range.clone()),
            ("stream_options", _) => self.refuse("stream_options is no object"),
            _ => {}
        }
        self.refuse_member(name, scalar);
        if let Err(why) = self.asks.scalar(self.form.limits, name, scalar) {
            self.refuse(why);
        }
        let Some(required) = self.required(name) else { return };
        match (required, scalar) {
            (Required::ArrayOrString(name) | Required::Text(name), Scalar::String(_)) => {
                self.present.push(name);
            }
            _ => self.refuse(&required.missing()),
        }
    }

    fn refuse_member(&mut self, name: &str, scalar: Scalar<'_>) {
        let Some(refused) = self.form.refused.iter().find(|refused| refused.member == name) else { return };
        let is_nothing = match scalar {
            Scalar::Null => true,
            Scalar::Bool(value) => refused.unless == if value { "true" } else { "false" },
            Scalar::Number(_) | Scalar::String(_) => false,
        };
        if !is_nothing {
            self.refuse(refused.why);
        }
    }

    fn required(&self, name: &str) -> Option<Required> {
        self.form.required.iter().copied().find(|required| required.name() == name)
    }

    /// Whether a value stands in an array of which only texts can be read.
    fn must_be_text(&self, path: Path<'_, '_>) -> bool {
        let [Step::Name(name), ..] = path.steps() else { return false };
        path.steps().len() > 1 && matches!(self.required(name), Some(Required::Text(_)))
    }

    /// An offered tool's name, or the kind of one that has none of ours.
    fn offered(&mut self, path: Path<'_, '_>, string: RawString<'_>) {
        if self.tools.len() >= TOOLS_KEPT {
            return;
        }
        match self.form.tools.said_at(path.steps()) {
            Some(Said::Name) => self.tools.push(string.value().into_owned()),
            Some(Said::Kind) if !is_named_kind(&string.value()) => {
                self.asks.reads_elsewhere = true;
                self.asks.acts = true;
                self.tools.push(string.value().into_owned());
            }
            Some(Said::Kind) | None => {}
        }
    }

    fn string(&mut self, path: Path<'_, 'b>, string: RawString<'b>, at: usize) {
        self.asks.reads_elsewhere |= is_elsewhere(path.steps(), string);
        self.kept.take(path.steps(), string);
        self.offered(path, string);
        let stands_in = |places: &[&[&str]]| places.iter().any(|place| path.is(place));
        let place = Place { string, at, content: content(path.steps(), string) };
        if stands_in(self.form.sealed) {
            self.unmasked.push(place);
            return;
        }
        let is_opaque = stands_in(self.form.opaque) && is_opaque(&string.value());
        let is_encoded = is_encoded(self.form, path.steps(), string);
        // A small picture can have more tokens than bytes.
        self.asks.reads_elsewhere |= is_encoded;
        if is_opaque || is_encoded {
            self.passed_over.push(place);
        } else {
            let is_identifier = is_identifier(path.steps());
            self.strings.push(Found { place, field: telling_field(path), is_identifier });
        }
    }
}

impl<'b> Visitor<'b> for Parts<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        if path.steps().is_empty() {
            return self.refuse("the body is no object");
        }
        if let Some(name) = path.top() {
            self.top(name, scalar, &range);
            if name == "model" {
                return;
            }
        }
        if !matches!(scalar, Scalar::String(_)) && self.must_be_text(path) {
            self.refuse("input holds numbers: text that comes as its tokens cannot be read here, and so not be masked; send it as text");
        }
        match scalar {
            Scalar::Bool(value) if path.is(&["stream_options", "include_usage"]) => {
                self.include_usage = Some((value, range));
            }
            _ if path.is(&["stream_options", "include_usage"]) => {
                self.refuse("stream_options.include_usage is neither true nor false");
            }
            Scalar::String(string) => self.string(path, string, range.start),
            Scalar::Number(number) if number.len() >= SHORTEST_NAMED_NUMBER => {
                let field = telling_field(path);
                if number.len() >= SHORTEST_NUMBER || field.is_some() {
                    self.numbers.push((range.start, number, field));
                }
            }
            Scalar::Number(_) | Scalar::Null | Scalar::Bool(_) => {}
        }
    }

    fn name(&mut self, path: Path<'_, 'b>, name: RawString<'b>, range: Range<usize>) {
        if path.starts_with(&["stream_options"]) && path.steps().len() == 2 {
            self.options_members += 1;
        }
        if self.form.is_mistakable(path.steps()) {
            self.refuse(MISTAKABLE);
        }
        let place = Place { string: name, at: range.start, content: Content::Name };
        if name.raw().len() > SHORTEST_NAME {
            self.strings.push(Found { place, field: None, is_identifier: true });
        } else {
            self.unmasked.push(place);
        }
    }

    fn open(&mut self, path: Path<'_, 'b>, kind: Kind, _: usize) {
        if path.steps().is_empty() && kind == Kind::Array {
            self.refuse("the body is no object");
        }
        let Some(name) = path.top() else { return };
        if let Err(why) = self.asks.opened(self.form.limits, name) {
            self.refuse(why);
        }
        if name == WEB_SEARCH {
            self.tools.push(name.to_owned());
        }
        match (name, kind) {
            ("model", _) => self.refuse("model is no string"),
            ("stream", _) => self.refuse("stream is neither true nor false"),
            ("stream_options", Kind::Array) => self.refuse("stream_options is no object"),
            ("tools", Kind::Object) => self.refuse("tools is no array"),
            _ => {}
        }
        if let Some(refused) = self.form.refused.iter().find(|refused| refused.member == name) {
            self.refuse(refused.why);
        }
        match (self.required(name), kind) {
            (Some(required), Kind::Array) => self.present.push(required.name()),
            (Some(required), Kind::Object) => self.refuse(&required.missing()),
            (None, _) => {}
        }
    }

    fn close(&mut self, path: Path<'_, 'b>, kind: Kind, range: Range<usize>) {
        if path.steps().is_empty() {
            self.end = range.end.saturating_sub(1);
        }
        if path.top() == Some("stream_options") && kind == Kind::Object {
            self.stream_options = Options::Object { range, empty: self.options_members == 0 };
        }
    }
}

/// Whether a string is encoded binary, in which no text can be found: pictures, files and sound, where it is base64 indeed.
fn is_encoded(form: &Form, steps: &[Step<'_>], string: RawString<'_>) -> bool {
    let mut names = steps.iter().rev().map(|step| match step {
        Step::Name(name) => name.as_ref(),
        Step::Index(_) => "",
    });
    let (name, holder) = (names.next(), names.next());
    let fits =
        |(known, around): &(&str, &str)| name == Some(*known) && (*around == "*" || holder == Some(*around));
    form.encoded.iter().any(fits) && is_base64(&string.value(), Classes::FORMS)
}

/// Whether a string names a file, an address or something earlier, and not what is in it.
fn is_elsewhere(steps: &[Step<'_>], string: RawString<'_>) -> bool {
    let Some(Step::Name(name)) = steps.last() else { return false };
    let is_address = name == "url" || name.ends_with("_url");
    is_address || FILES_ELSEWHERE.contains(&name.as_ref()) || (name == "type" && string.value() == REFERENCE)
}

/// Whether a string is one long token as signatures and encrypted text are: base 64 of either alphabet (RFC 4648, 4 and 5). A value of any class in that
/// form is shorter; what is shorter is read.
pub(crate) fn is_opaque(text: &str) -> bool {
    text.len() >= SHORTEST_OPAQUE
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
}

/// Whether a string holds JSON of its own: arguments of tools always, any other when it looks so. Escapes within it are then read too.
fn content(steps: &[Step<'_>], string: RawString<'_>) -> Content {
    let arguments = matches!(steps.last(), Some(Step::Name(name)) if name == "arguments");
    let inner = string.raw().get(1..).unwrap_or_default();
    if arguments || inner.starts_with('{') || inner.starts_with('[') { Content::Json } else { Content::Text }
}
