//! What a package says about ISO/IEC 42001: statuses with their reasons, the Statement of Applicability, systems, and an index by clause and control.
//!
//! Promises: computed as of the checkpoint's size and its last commit, so that the same request gives the same bytes; whatever was left out is named.
//! Must never: show content that the package's disclosure does not, or call a status evidence; a verifier checks records, not these files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tabellion_model::applicability::{Row, digest};
use tabellion_model::catalogue::Reference;
use tabellion_model::package::{BUNDLE_ENTRIES, FrameworkContents};
use tabellion_model::register::Registers;
use tabellion_model::status::facts::{ItemFacts, SystemFacts};
use tabellion_model::status::rules::{FRAMEWORK, Rule, Rules, Window};
use tabellion_model::status::{Part, Status, Target, evaluate_all};
use tabellion_model::{DisclosurePolicy, Manifest, to_jcs};
use tabellion_views::query::SoaRow;
use tabellion_views::{AsOf, RegisterRecord, ViewsError, as_of};

use super::{ExportError, ExportRequest, Subject};

/// What these files are, in every one of them.
pub(crate) const NOTE: &str = "Computed by the exporter from the log as of this size, by the rules whose digest stands here. A verifier checks the records \
and that this file is the one the manifest lists; it does not compute statuses. They say what is evidenced, not that anybody conforms to a standard.";

/// Everything that the files and the report say.
pub(crate) struct Framework {
    pub(crate) stood: AsOf,
    /// In the standard's order, the selected ones alone.
    pub(crate) statuses: Vec<Status>,
    /// Clauses and controls that nobody asked for.
    pub(crate) left_out: Vec<Reference>,
    /// Digest of the statement as it stood; none: not every control was decided.
    pub(crate) statement_digest: Option<String>,
}

/// Whether the request asks for these files and its disclosure lets their content be shown.
pub(super) fn wanted(request: &ExportRequest) -> bool {
    request.framework.as_deref() == Some(FRAMEWORK)
        && request.disclosure != DisclosurePolicy::None
        && request.content_of.is_none()
}

/// Computes what stood at the checkpoint, when it is asked for.
pub(super) fn framework(subject: &Subject<'_>) -> Result<Option<Framework>, ExportError> {
    let request = subject.request;
    if !wanted(request) {
        return Ok(None);
    }
    let registers = Registers::built_in().map_err(|fault| ExportError::Inconsistent(fault.to_string()))?;
    let stood = as_of(subject.reader, subject.span.size, &registers).map_err(|error| match error {
        ViewsError::Log(error) => ExportError::Ledger(error),
        other => ExportError::Inconsistent(other.to_string()),
    })?;
    let is_selected =
        |reference: Reference| request.references.is_empty() || request.references.contains(&reference);
    let mut statuses = evaluate_all(Rules::built_in(), &stood.facts, stood.at);
    statuses.retain(|status| is_selected(status.reference));
    let left_out = Reference::all().filter(|reference| !is_selected(*reference)).collect();
    let rows: Vec<Row> = stood.soa.iter().filter_map(SoaRow::stated).collect();
    let statement_digest = digest(&rows)
        .map_err(|error| ExportError::Inconsistent(error.to_string()))?
        .map(|digest| digest.to_hex());
    Ok(Some(Framework { stood, statuses, left_out, statement_digest }))
}

impl Framework {
    /// The files, in the order of [`tabellion_model::package::FRAMEWORK_FILES`]; the error: which could not be written, and why.
    pub(super) fn files(&self, manifest: &Manifest) -> Result<FrameworkContents, ExportError> {
        Ok([
            self.file("index", "references", self.index(manifest))?,
            Rules::built_in_text().as_bytes().to_vec(),
            self.file("soa", "statement", self.statement())?,
            self.file("status", "statuses", self.statuses.iter().map(status_json).collect())?,
            self.file("systems", "systems", self.systems())?,
        ])
    }

    fn file(&self, name: &str, member: &str, content: Value) -> Result<Vec<u8>, ExportError> {
        let rules = Rules::built_in();
        let mut whole = json!({
            "format": format!("tabellion.{name}/1"),
            "framework": FRAMEWORK,
            "note": NOTE,
            "as_of": {"size": self.stood.facts.size, "at": self.stood.at},
            "rules": {"version": rules.version, "digest": rules.digest.to_hex()},
            "left_out": self.left_out,
        });
        if let Some(members) = whole.as_object_mut() {
            members.insert(member.to_owned(), content);
        }
        to_jcs(&whole).map_err(|error| ExportError::Inconsistent(format!("framework/{name}.json: {error}")))
    }

    /// For each clause and control: the records behind its status with the file that holds each, and how many records of the range bear on it.
    fn index(&self, manifest: &Manifest) -> Value {
        let range = manifest.first..manifest.end();
        let lines = self.statuses.iter().map(|status| {
            let entries: Vec<Value> = self
                .behind(status)
                .into_iter()
                .map(|index| {
                    let file = range.contains(&index).then(|| bundle_of(index - manifest.first));
                    json!({"index": index, "file": file})
                })
                .collect();
            let record_types = self.bearing(Rules::built_in().of(status.reference), manifest);
            let mut files = vec!["framework/status.json"];
            if status.reference.is_control() || status.reference.as_str() == "6.1.3" {
                files.push("framework/soa.json");
            }
            if !status.systems.is_empty() {
                files.push("framework/systems.json");
            }
            json!({
                "reference": status.reference,
                "title": status.reference.item().title,
                "overall": status.overall,
                "entries": entries,
                "record_types": record_types,
                "files": files,
            })
        });
        lines.collect()
    }

    /// Entries behind a status: those that its reasons name, and where a reason counts and names none, the newest of what it counts.
    fn behind(&self, status: &Status) -> BTreeSet<u64> {
        let mut entries = BTreeSet::new();
        for reason in &status.because {
            let trail = &self.stood.trail;
            let counted = match reason.target {
                _ if !reason.entries.is_empty() => &reason.entries,
                Some(Target::People) => &trail.grants,
                Some(Target::Policies) => &trail.policies,
                Some(Target::Systems) => &trail.systems,
                Some(Target::Calls) => &trail.calls,
                _ => &reason.entries,
            };
            entries.extend(counted);
            if (reason.part, &reason.target) == (Part::Operation, &Some(Target::Ledger)) {
                // The tree holds every entry; the last shows how far it was computed.
                entries.extend(self.stood.facts.size.checked_sub(1));
            }
            if (reason.part, &reason.target) == (Part::Operation, &Some(Target::Applicability)) {
                entries.extend(self.stood.soa.iter().map(|row| row.entry));
            }
        }
        entries
    }

    /// How many records of the range bear on a reference, by type; of registers those that its rule looks at, or all where it looks at none in particular.
    fn bearing(&self, rule: &Rule, manifest: &Manifest) -> BTreeMap<String, u64> {
        let range = manifest.first..manifest.end();
        let registers = rule.registers();
        let counted = |name: &String| {
            let count = match name.strip_prefix("register.") {
                Some(event) => {
                    let is_one = |record: &&RegisterRecord| {
                        record.event == event
                            && range.contains(&record.entry)
                            && (registers.is_empty() || registers.contains(record.register.as_str()))
                    };
                    self.stood.trail.registers.iter().filter(is_one).count() as u64
                }
                None => manifest.summary.types.get(name).copied().unwrap_or(0),
            };
            (count > 0).then(|| (name.clone(), count))
        };
        rule.records.iter().filter_map(counted).collect()
    }

    fn statement(&self) -> Value {
        let approval = self.stood.approval.as_ref();
        let rows = Reference::controls().map(|control| {
            let row = self.stood.soa.iter().find(|row| row.control == control);
            let content = row.and_then(|row| row.content.as_ref());
            let signed = approval.filter(|approval| approval.digest.is_some());
            json!({
                "control": control,
                "title": control.item().title,
                "decision": content.map(|content| content.decision),
                "reason": content.map(|content| &content.reason),
                "evidence": content.and_then(|content| content.evidence.as_ref()),
                "entry": row.map(|row| row.entry),
                "at": row.map(|row| row.at),
                "by": row.map(|row| row.by),
                "approved": row.zip(signed).is_some_and(|(row, approval)| approval.entry > row.entry),
            })
        });
        let rows: Vec<Value> = rows.collect();
        let approval = approval.map(|approval| {
            json!({
                "entry": approval.entry,
                "at": approval.at,
                "by": approval.by,
                "digest": approval.digest,
                "is_current": approval.digest.is_some() && approval.digest == self.statement_digest,
            })
        });
        json!({"rows": rows, "digest": self.statement_digest, "approval": approval})
    }

    fn systems(&self) -> Value {
        let facts = &self.stood.facts;
        let rows: Vec<Value> = facts
            .systems
            .iter()
            .map(|system| {
                let items = facts
                    .items
                    .iter()
                    .filter(|item| item.system == Some(system.system))
                    .map(|item| item_json(item));
                let items: Vec<Value> = items.collect();
                system_json(system, &items)
            })
            .collect();
        let ledger = &facts.ledger;
        json!({
            "rows": rows,
            "counted": facts.systems_counted,
            "log": {
                "records": ledger.records,
                "missing": ledger.missing,
                "proved": ledger.proved,
                "calls_without_end": ledger.calls_without_end,
            },
        })
    }
}

/// The bundle file of the entry at `place` of the range.
fn bundle_of(place: u64) -> String {
    format!("entries/{:08}.bundle", place / BUNDLE_ENTRIES)
}

fn status_json(status: &Status) -> Value {
    let parts: BTreeMap<&str, &str> =
        status.parts.iter().map(|(part, mark)| (part.as_str(), mark.as_str())).collect();
    let rule = Rules::built_in().of(status.reference);
    json!({
        "reference": status.reference,
        "title": status.reference.item().title,
        "overall": status.overall,
        "qualifiers": status.qualifiers,
        "parts": parts,
        "window_days": rule.window.days(),
        "cap": rule.cap,
        "population": status.population,
        "because": status.because,
        "would_change": status.would_change,
        "would_change_left_out": status.would_change_left_out,
        "no_source": status.no_source,
        "systems": status.systems,
        "not_automated": rule.not_automated,
    })
}

fn system_json(system: &SystemFacts, items: &[Value]) -> Value {
    let calls = Window::ALL.map(|window| {
        let calls = system.calls_in(window);
        json!({
            "days": window.days(), "permitted": calls.permitted, "denied": calls.denied, "completed": calls.completed,
            "broken": calls.broken,
        })
    });
    let models: Vec<Value> =
        system.models.iter().map(|seen| json!({"model": seen.model, "last": seen.last})).collect();
    json!({
        "system": system.system,
        "name": system.name,
        "stage": system.stage,
        "in_scope": system.in_scope(Window::Year),
        "owner_known": system.owner_known,
        "calls": calls,
        "models": models,
        "items": items,
    })
}

fn item_json(item: &ItemFacts) -> Value {
    let approved = item.approved.as_ref();
    json!({
        "register": item.register,
        "item": item.item,
        "approved_entry": approved.map(|approval| approval.entry),
        "approved_at": approved.map(|approval| approval.at),
        "approved_by": approved.map(|approval| approval.by),
        "review_at": approved.and_then(|approval| approval.review_at),
        "refresh_since": item.refresh_since,
    })
}
