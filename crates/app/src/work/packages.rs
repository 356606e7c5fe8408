//! Evidence packages: built from the log, and the record that it was done.
//!
//! Promises: the package is of the log as it was before the record of its export. Must never: disclose more than was asked for and the asker
//! may see.

use std::io::{self, Write};
use std::sync::TryLockError;

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_ledger::Draft;
use tabellion_model::catalogue::Reference;
use tabellion_model::registry::{Facts, PackageExported};
use tabellion_model::{DisclosurePolicy, Micros, Purpose, SystemId};

use super::forms::{IdForm, ReferenceForm, Time};
use super::{Actor, Desk, Given, Written};
use crate::export::{Surveyed, surveyed};
use crate::permission::{Permission, Reach};
use crate::refusal::{Code, Refusal};
use crate::{ExportError, ExportRequest, Exported, export, package_key_at};

/// Largest package that is built for a download, in bytes: it is held in memory. `tabellion export` writes larger ones to a file.
pub const MAX_PACKAGE_BYTES: usize = 256 << 20;
/// The last time that a package can name: integers in signed JSON end at 2^53 − 1.
const LAST_TIME: Micros = Micros((1 << 53) - 1);

/// Whose content a package shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Disclose {
    /// All of it; takes the permissions to see content about data subjects and what was captured of prompts and answers.
    All,
    /// All but what is about a data subject and what was captured of prompts and answers.
    Business,
    /// None.
    None,
}

/// A package to build.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPackage {
    /// First commit time inside; absent: the beginning.
    #[serde(default)]
    pub from: Option<Time>,
    /// First commit time outside; absent: the end.
    #[serde(default)]
    pub to: Option<Time>,
    /// Log size whose checkpoint the package proves against; absent: the newest. The same size gives the same bytes.
    #[serde(default)]
    pub at: Option<u64>,
    /// Show the content of this system's records only. The package holds whole commits all the same, so that nothing can be left out unseen.
    #[serde(default)]
    #[schemars(with = "Option<IdForm>")]
    pub system: Option<SystemId>,
    /// Whose content is shown; absent: business.
    #[serde(default = "business")]
    pub disclose: Disclose,
    /// A label for the reader. It selects no records; with iso42001 the package also says how clauses and controls stood.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), extend("pattern" = "^[\\x20-\\x7e]+$"))]
    pub framework: Option<String>,
    /// Clauses and controls that it says that of; absent: all. Whatever is chosen, the package holds every record of the period.
    #[serde(default)]
    #[schemars(length(max = 70), with = "Vec<ReferenceForm>")]
    pub references: Vec<String>,
}

fn business() -> Disclose {
    Disclose::Business
}

/// Memory that refuses to grow without end.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_PACKAGE_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the package is too large for a download",
            ));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Desk {
    /// Builds a package and records that.
    pub fn build_package(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewPackage,
    ) -> Result<(Vec<u8>, Exported, Written), Refusal> {
        let sees_all = [Permission::ReadPersonal, Permission::ReadCaptured]
            .iter()
            .all(|permission| actor.reach(*permission) == Reach::All);
        if new.disclose == Disclose::All && !sees_all {
            return Err(Refusal::at(
                Code::NotPermitted,
                "/disclose",
                "your role does not permit content about data subjects, or prompts and answers; ask for business",
            ));
        }
        if let Some(system) = new.system
            && self.views.system(&system)?.is_none()
        {
            return Err(Refusal::at(Code::UnknownReference, "/system", "there is no system of this id"));
        }
        let references = references(new)?;
        let _one = match self.packing.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Refusal::new(Code::Unavailable, "another package is being built; one at a time"));
            }
            Ok(one) => one,
            Err(TryLockError::Poisoned(one)) => one.into_inner(),
        };
        let (bytes, exported) = self.packed(&request(new, references))?;
        let facts = Facts::PackageExported(PackageExported {
            first: exported.first,
            count: exported.count,
            size: exported.size,
            manifest_sha256: exported.manifest_sha256,
        });
        let mut draft = Draft::new(facts.kind().name());
        draft.clear = facts.to_clear().unwrap_or_default();
        let written = self.once(actor, "build-package", given, |_| Ok(vec![draft.clone()]))?;
        Ok((bytes, exported, written))
    }

    /// What a package would hold, without building or recording it.
    pub fn survey_package(&self, new: &NewPackage) -> Result<Surveyed, Refusal> {
        let reader = self.ledger.reader();
        let size = new.at.unwrap_or_else(|| reader.size());
        surveyed(reader, &request(new, references(new)?), size).map_err(refusal)
    }

    fn packed(&self, request: &ExportRequest) -> Result<(Vec<u8>, Exported), Refusal> {
        let reader = self.ledger.reader();
        let key = package_key_at(reader, request.at).map_err(refusal)?;
        let pair = self
            .ledger
            .key_pair(Purpose::Package, &key)
            .map_err(|error| Refusal::new(Code::Unavailable, error.to_string()))?;
        let mut out = Bounded(Vec::new());
        let exported = export(reader, &pair, request, &mut out).map_err(refusal)?;
        Ok((out.0, exported))
    }
}

/// The clauses and controls that were named, each once.
fn references(new: &NewPackage) -> Result<Vec<Reference>, Refusal> {
    let mut references = Vec::new();
    for (place, text) in new.references.iter().enumerate() {
        let reference = Reference::parse(text).map_err(|error| {
            Refusal::at(Code::UnknownReference, format!("/references/{place}"), error.to_string())
        })?;
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    Ok(references)
}

fn request(new: &NewPackage, references: Vec<Reference>) -> ExportRequest {
    let period = match (new.from, new.to) {
        (None, None) => None,
        (from, to) => Some((from.map_or(Micros(0), |time| time.0), to.map_or(LAST_TIME, |time| time.0))),
    };
    let disclosure = match new.disclose {
        Disclose::All => DisclosurePolicy::All,
        Disclose::Business => DisclosurePolicy::Business,
        Disclose::None => DisclosurePolicy::None,
    };
    ExportRequest {
        period,
        at: new.at,
        framework: new.framework.clone(),
        references,
        disclosure,
        content_of: new.system,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn refusal(error: ExportError) -> Refusal {
    let code = match &error {
        ExportError::Ledger(error) => {
            let refusal = Refusal::from(error.clone());
            return match refusal.code {
                Code::NotFound => Refusal { code: Code::NothingToExport, ..refusal },
                _ => refusal,
            };
        }
        ExportError::Backwards { .. } | ExportError::Empty { .. } | ExportError::NoPackageKey { .. } => {
            Code::NothingToExport
        }
        ExportError::Label => Code::Malformed,
        ExportError::PackageKey { .. } => Code::Unavailable,
        ExportError::Inconsistent(_) | ExportError::Page { .. } => Code::Broken,
        ExportError::Write(_) => Code::TooLarge,
    };
    Refusal::new(code, error.to_string())
}
