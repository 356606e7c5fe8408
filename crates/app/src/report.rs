//! `report.html`: what a reader looks at first. Says what the package holds and how to check it, and gives no verdict.
//!
//! Promises: one self-contained page without script, remote asset or wall clock; every value of others escaped and visible; every table bounded,
//! with a sentence that says where the rest is. Must never: be taken for evidence; it says so itself.

mod completeness;
mod events;
mod framework;
mod keys;
mod records;
pub(crate) mod words;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tabellion_model::{DisclosurePolicy, Env, Manifest, Micros, PACKAGE_SCOPE};
use tabellion_tlog::sha256;

use crate::export::{ExportError, FRAMEWORK_NOTE, Framework, Subject, Survey};
use completeness::{Completeness, completeness};
use events::{Events, events};
use framework::FrameworkPart;
use keys::{Keys, keys};
use records::{Records, records};
use words::count;

/// The page's only style sheet; its hash is the only one that the page's own policy lets in.
const STYLE: &str = include_str!("../templates/report.css");
/// Rows of record types: a log has a few dozen; more would be a table nobody reads.
const MAX_TYPE_ROWS: usize = 100;

/// Everything that is known before the entries are counted.
pub(crate) struct Page {
    origin: String,
    tenant: String,
    env: Env,
    genesis: String,
    checkpoint_root: String,
    /// The batch right after the range, or nothing when the range ends the tree.
    reaches_end: bool,
    first_commit: Micros,
    last_commit: Micros,
    batches: u64,
    shown_personal: u64,
    records: Records,
    keys: Keys,
    events: Events,
    names: completeness::Names,
    framework: Option<FrameworkPart>,
}

/// A record type and how often it occurs.
struct TypeRow {
    name: String,
    count: String,
}

/// Numbers and times in the template.
#[expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the shape that the template engine's attribute gives a filter"
)]
mod filters {
    use std::borrow::Borrow;

    use askama::Values;
    use tabellion_model::Micros;

    #[askama::filter_fn]
    pub(super) fn grouped(number: impl Borrow<u64>, _: &dyn Values) -> askama::Result<String> {
        Ok(super::words::count(*number.borrow()))
    }

    #[askama::filter_fn]
    pub(super) fn moment(time: impl Borrow<Micros>, _: &dyn Values) -> askama::Result<String> {
        Ok(super::words::moment(*time.borrow()))
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Report<'a> {
    page: &'a Page,
    manifest: &'a Manifest,
    completeness: Completeness,
    types: Vec<TypeRow>,
    more_types: usize,
    policy: String,
    style: &'static str,
    scope: &'static str,
    framework_note: &'static str,
}

/// Reads what the page shows; the counts come with the manifest.
pub(crate) fn prepare(
    subject: &Subject<'_>,
    survey: &Survey,
    framework: Option<&Framework>,
) -> Result<Page, ExportError> {
    let (span, chain) = (&subject.span, &subject.chain);
    Ok(Page {
        origin: chain.origin().to_string(),
        tenant: chain.tenant().to_owned(),
        env: chain.env(),
        genesis: chain.genesis_hash().to_hex(),
        checkpoint_root: BASE64.encode(subject.checkpoint.checkpoint.root.as_bytes()),
        reaches_end: span.seal_after.is_none(),
        first_commit: span.first_commit(),
        last_commit: span.last_commit(),
        batches: span.commits.len() as u64,
        shown_personal: survey.shown_personal,
        records: records(subject, survey)?,
        keys: keys(subject)?,
        events: events(subject, survey),
        names: completeness::Names::of(chain),
        framework: framework.map(framework::part),
    })
}

impl Page {
    /// The page for the counted `manifest`.
    pub(crate) fn render(&self, manifest: &Manifest) -> askama::Result<String> {
        let types = &manifest.summary.types;
        let rows = types.iter().take(MAX_TYPE_ROWS);
        let report = Report {
            page: self,
            manifest,
            completeness: completeness(&manifest.summary.epochs, &manifest.summary.sources, &self.names),
            types: rows.map(|(name, number)| TypeRow { name: name.clone(), count: count(*number) }).collect(),
            more_types: types.len().saturating_sub(MAX_TYPE_ROWS),
            policy: format!(
                "default-src 'none'; style-src 'sha256-{}'",
                BASE64.encode(sha256(STYLE.as_bytes()).as_bytes())
            ),
            style: STYLE,
            scope: PACKAGE_SCOPE,
            framework_note: FRAMEWORK_NOTE,
        };
        report.render()
    }

    fn is_production(&self) -> bool {
        self.env == Env::Production
    }
}

impl Report<'_> {
    fn last(&self) -> u64 {
        self.manifest.end().saturating_sub(1)
    }

    fn disclosure(&self) -> &'static str {
        match self.manifest.disclosure {
            DisclosurePolicy::All => "Everything that still exists is shown.",
            DisclosurePolicy::Business => {
                "What is known to be about persons is withheld, with all that was captured of prompts and answers; all other content that still exists \
                 is shown."
            }
            DisclosurePolicy::None => "No content is shown, only the headers of the records.",
        }
    }
}
