//! A file put on record for the auditor: its name, digest and size, what it shows and where it is; a small one whole, when that is wanted.
//!
//! Promises: a status is not changed by it, and the page says so. The digest is computed in the browser: a file that is not to be kept never comes here.

use askama::Template;
use serde_json::{Map, Value, json};
use tabellion_model::SystemId;

use super::systems;
use crate::console::answer::Answered;
use crate::console::block::Block;
use crate::console::form::{Field, Form, Kind, Refused};
use crate::console::link::Link;
use crate::console::pairs::Pairs;
use crate::console::visit::{Content, Visit};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::work::records::{MadeRecord, NewRecord, Purpose};
use crate::work::{Given, Written};

/// Largest file that this page takes whole, in bytes: as base64, percent-encoded, it fits into one form.
const MAX_WHOLE_BYTES: u64 = 512 << 10;
/// What a file can be, by the kinds of record that there are.
const KINDS: [(&str, &str); 5] = [
    ("document", "Document"),
    ("technical_document", "Technical documentation of a system"),
    ("impact_assessment", "Impact assessment made elsewhere"),
    ("audit_report", "Audit report"),
    ("event_log", "Event log"),
];

#[derive(Template)]
#[template(path = "console/keep.html")]
struct Keep {
    max: u64,
    form: Block,
}

/// Where the page is, for a clause or control.
pub(crate) fn place(reference: &str) -> String {
    Link::to("/records/new").with("serves", reference).href()
}

/// The form.
pub(crate) fn form(visit: &Visit<'_>) -> Answered {
    page(visit, 200, None)
}

/// Records the file.
pub(crate) fn record(visit: &Visit<'_>) -> Answered {
    match recorded(visit) {
        Ok((_, written)) => Ok(visit.recorded(&after(visit, written.index), &written)),
        Err(refusal) => {
            let refusal = at_field(refusal);
            visit.again("keep", &refusal, page)
        }
    }
}

fn recorded(visit: &Visit<'_>) -> Result<(MadeRecord, Written), Refusal> {
    let said = |name: &str| Some(visit.form.text(name).trim().to_owned()).filter(|text| !text.is_empty());
    let mut file = Map::new();
    for name in ["name", "media_type", "sha256"] {
        file.extend(said(name).map(|text| (name.to_owned(), Value::from(text))));
    }
    if let Some(text) = said("size_bytes") {
        let size: u64 = text.replace(',', "").parse().map_err(|_| {
            Refusal::at(Code::Malformed, "/size_bytes", "the size is a whole number of bytes, such as 48213")
        })?;
        file.insert("size_bytes".to_owned(), Value::from(size));
    }
    if visit.form.get("whole") == Some("yes") {
        let content = said("content").ok_or_else(|| {
            let text = "the file did not come with the form: choose it again, or record its digest alone";
            Refusal::at(Code::Malformed, "/whole", text)
        })?;
        file.insert("content".to_owned(), Value::from(content));
    }
    let mut body = json!({"kind": visit.form.text("kind"), "file": file});
    if let (Some(system), Some(body)) = (said("system"), body.as_object_mut()) {
        body.insert("system".to_owned(), Value::from(system));
    }
    let new: NewRecord = visit.read("record", body)?;
    let purpose = Purpose { serves: said("serves"), note: said("note") };
    visit.desk.record_for(visit.actor()?, &Given { version: None, ..visit.given() }, &new, &purpose)
}

/// The form has the fields of a file beside the others.
fn at_field(refusal: Refusal) -> Refusal {
    let pointer = refusal.pointer.as_deref().and_then(|pointer| pointer.strip_prefix("/file"));
    match pointer {
        None => refusal,
        Some("") => Refusal { pointer: Some("/sha256".to_owned()), ..refusal },
        Some("/content") => Refusal { pointer: Some("/whole".to_owned()), ..refusal },
        Some(field) => Refusal { pointer: Some(field.to_owned()), ..refusal },
    }
}

/// Back to what it was kept for; else to its entry, for whoever may open that.
fn after(visit: &Visit<'_>, index: u64) -> String {
    match visit.form.get("serves").map(str::trim) {
        Some(reference) if visit.can(Permission::ReadControls) => format!("/controls/{reference}"),
        _ if visit.opens(index) => format!("/ledger/{index}"),
        _ => "/records/new".to_owned(),
    }
}

fn page(visit: &Visit<'_>, status: u16, refused: Option<&Refused<'_>>) -> Answered {
    let source = refused.map_or(&visit.query, |refused| refused.typed);
    let mut form = Form::new("keep", "/records/new".to_owned(), "Put it on record", fields(visit, source)?);
    form.consequence = "It is on record under your name: that this file was there, exactly so, at this time. The status of a clause or control is not changed by it.";
    form.said = vec![("content", String::new())];
    let content = Content {
        lead: "What shows something and lies elsewhere: a contract, minutes, a report. Its digest is recorded, so that anybody can check later that the file is still the same. The file itself stays with you, unless you keep it here too.".to_owned(),
        blocks: vec![Block::of(&Keep { max: MAX_WHOLE_BYTES, form: form.block(visit, refused)? })?],
        ..Content::titled("Keep a file for the auditor")
    };
    visit.show_with(status, content)
}

fn fields(visit: &Visit<'_>, typed: &Pairs) -> Result<Vec<Field>, Refusal> {
    let said = |name: &str| typed.text(name).to_owned();
    let kinds = KINDS.map(|(word, label)| (word.to_owned(), label.to_owned()));
    let kind = Some(said("kind")).filter(|kind| !kind.is_empty()).unwrap_or_else(|| "document".to_owned());
    let whole = "Keep the file itself in this log, too";
    Ok(vec![
        Field::new("name", "Name of the file", Kind::Line).value(said("name")),
        Field::new("sha256", "SHA-256", Kind::Line)
            .hint("64 hex digits. Choosing the file above fills it in; so does: sha256sum FILE.")
            .value(said("sha256")),
        Field::new("size_bytes", "Size in bytes", Kind::Line).value(said("size_bytes")),
        Field::new("media_type", "Media type", Kind::Line)
            .hint("Such as application/pdf.")
            .optional()
            .value(said("media_type")),
        Field::new("kind", "What it is", Kind::Select(kinds.into())).value(kind),
        Field::new("serves", "Clause or control", Kind::Line)
            .hint("Which it shows something about: 8.4, A.5.2.")
            .optional()
            .value(said("serves")),
        system(visit)?.value(said("system")),
        Field::new("note", "What it shows, and where it is", Kind::Area(3))
            .hint("For whoever looks for it years later.")
            .optional()
            .value(said("note")),
        Field::new("whole", "The file itself", Kind::Checks(vec![("yes".to_owned(), whole.to_owned())]))
            .hint("At most 512 KiB. Whoever may read business content in this log reads it then.")
            .optional()
            .value(said("whole")),
    ])
}

/// The systems that it can be about.
fn system(visit: &Visit<'_>) -> Result<Field, Refusal> {
    let own = visit.reach(Permission::Record) == Reach::Own;
    let label = "System that it is about";
    let Some(mut all) = systems::to_choose(visit)? else {
        let field = Field::new("system", label, Kind::Line).hint("Its id, as its page shows it.");
        return Ok(if own { field } else { field.optional() });
    };
    if !own {
        all.insert(0, (String::new(), "None: the organisation".to_owned()));
        return Ok(Field::new("system", label, Kind::Select(all)).optional());
    }
    let within = visit.desk.systems_within(visit.actor()?, Permission::Record)?.unwrap_or_default();
    all.retain(|(id, _)| SystemId::from_hex(id).is_some_and(|id| within.contains(&id)));
    Ok(Field::new("system", label, Kind::Select(all)))
}
