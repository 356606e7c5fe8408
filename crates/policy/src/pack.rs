//! Packs: policies that somebody else publishes, in one signed file with their cases and their sources.
//!
//! A pack is a signed note (C2SP signed-note, as checkpoints are): two lines of text, the second the canonical JSON of [`Pack`], and a signature line for each
//! who signed. Promises: one byte form; a file that would be written differently is refused; what is loaded passed every case that it carries, each rule
//! decided at least one of them and says where it comes from. Must never: take a publisher's key from the file, or a rule that its author did not try.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use tabellion_model::body::PolicyLayer;
use tabellion_model::to_jcs;
use tabellion_tlog::{Note, NoteError, NoteSignature, Signer, VerifierKey, sha256, sign_note};

use crate::compile::{Effect, NamedPolicy, PolicySet, is_name};
use crate::fault::PolicyFault;
use crate::lint::lint;
use crate::table::{CaseTable, said_of};

/// Most bytes of a pack: four of the largest policies, with room for their cases.
pub const MAX_PACK_BYTES: usize = 256 << 10;
/// The first line of every pack.
const FIRST_LINE: &str = "tabellion policy pack v1";
/// Most characters of a word that is written for people: a licence, a version, a source.
const MAX_WORD_CHARS: usize = 500;

/// One policy of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackPolicy {
    /// Its name within the pack.
    pub name: String,
    /// SHA-256 of the text, lower-case hex.
    pub sha256: String,
    /// The whole text, in Cedar.
    pub text: String,
}

/// Where the fact that a rule stands on comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackSource {
    /// The rule: `<policy>.<rule>`.
    pub rule: String,
    /// A law's article, a contract, a decision; for people.
    pub source: String,
}

/// What a pack says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Calls and what must come of them by the pack's rules alone; rules are named without the pack.
    pub cases: CaseTable,
    /// Where it stands.
    pub layer: PolicyLayer,
    /// Under which licence.
    pub licence: String,
    /// Its name, `[a-z0-9][a-z0-9-]{0,62}`.
    pub name: String,
    /// Its policies, by name.
    pub policies: Vec<PackPolicy>,
    /// Who publishes it: the name of their key.
    pub publisher: String,
    /// Where each rule comes from.
    pub sources: Vec<PackSource>,
    /// A whole number that rises from 1.
    pub version: u64,
    /// What people call the version.
    pub version_text: String,
}

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PackFaultKind {
    /// Not a pack, or one that would be written differently.
    Malformed,
    /// Nobody signed it.
    Unsigned,
    /// Nobody who is known signed it.
    UnknownPublisher,
    /// A signature by a known key is wrong.
    WrongSignature,
    /// A policy of it would not be published.
    Faulty,
    /// A case does not come out as the pack says, or a rule has none.
    Tests,
    /// It permits what a layer above forbids.
    Widens,
}

/// Why a pack is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFault {
    /// What kind.
    pub kind: PackFaultKind,
    /// What is wrong and what to do, in one line.
    pub what: String,
}

impl PackFault {
    fn new(kind: PackFaultKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }

    fn malformed(what: impl Into<String>) -> Self {
        Self::new(PackFaultKind::Malformed, what)
    }
}

impl fmt::Display for PackFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for PackFault {}

impl From<PolicyFault> for PackFault {
    fn from(fault: PolicyFault) -> Self {
        Self::new(PackFaultKind::Faulty, format!("{fault} [{}]", fault.kind.code()))
    }
}

impl PackPolicy {
    /// A policy of this text.
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), sha256: sha256(text.as_bytes()).to_hex(), text: text.to_owned() }
    }
}

impl Pack {
    /// What one of its policies is called in force, in rule ids and records.
    pub fn name_in_force(&self, policy: &str) -> String {
        format!("{}/{policy}", self.name)
    }

    /// The whole file, signed by `signer` under the name of its publisher.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, PackFault> {
        let text = self.text()?;
        let file = sign_note(&text, &self.publisher, signer)
            .map_err(|error| PackFault::malformed(error.to_string()))?;
        if file.len() > MAX_PACK_BYTES {
            return Err(too_long(file.len()));
        }
        Ok(file)
    }

    /// What is signed.
    fn text(&self) -> Result<String, PackFault> {
        let json = serde_json::to_value(self).map_err(|error| PackFault::malformed(error.to_string()))?;
        let bytes = to_jcs(&json).map_err(|error| PackFault::malformed(error.to_string()))?;
        let line = String::from_utf8(bytes).map_err(|error| PackFault::malformed(error.to_string()))?;
        Ok(format!("{FIRST_LINE}\n{line}\n"))
    }

    /// Reads what was signed; refuses a text that would be written differently.
    fn of_text(text: &str) -> Result<Self, PackFault> {
        let line = text.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix('\n'));
        let line = line.and_then(|rest| rest.strip_suffix('\n')).filter(|line| !line.contains('\n'));
        let line = line.ok_or_else(|| {
            PackFault::malformed(format!(
                "a pack has the line {FIRST_LINE:?}, a line of JSON, an empty line and signatures; make one: tabellion policy pack build"
            ))
        })?;
        let pack: Self = serde_json::from_str(line)
            .map_err(|error| PackFault::malformed(format!("the pack's second line: {error}")))?;
        if pack.text()? != text {
            return Err(PackFault::malformed(
                "the pack is not in its canonical form; build it again: tabellion policy pack build",
            ));
        }
        pack.check_words()?;
        Ok(pack)
    }

    /// Names, digests and numbers.
    fn check_words(&self) -> Result<(), PackFault> {
        if self.version == 0 {
            return Err(PackFault::malformed("versions are whole numbers from 1"));
        }
        if self.policies.is_empty() {
            return Err(PackFault::malformed("the pack has no policy"));
        }
        if !is_name(&self.name) || !is_name(&self.publisher) {
            return Err(PackFault::malformed(
                "pack and publisher are named by 1 to 63 of a-z, 0-9 and -, not starting with -",
            ));
        }
        if !self.policies.is_sorted_by(|a, b| a.name < b.name) {
            return Err(PackFault::malformed("the pack's policies do not stand by name, each once"));
        }
        for policy in &self.policies {
            if policy.sha256 != sha256(policy.text.as_bytes()).to_hex() {
                return Err(PackFault::malformed(format!("{} is not the text of its digest", policy.name)));
            }
        }
        let words = [&self.licence, &self.version_text].into_iter();
        for word in words.chain(self.sources.iter().map(|source| &source.source)) {
            // A line break would let a pack write lines of its own where it is shown.
            if word.trim().is_empty()
                || word.chars().count() > MAX_WORD_CHARS
                || word.contains(char::is_control)
            {
                return Err(PackFault::malformed(format!(
                    "licence, version and sources are words of 1 to {MAX_WORD_CHARS} characters, none of them a control character"
                )));
            }
        }
        Ok(())
    }

    /// Checks everything that the pack says of itself: its policies as publication does, its cases, and that each rule has a case and a source. Gives the ids
    /// of its rules, as records would name them.
    pub fn check(&self) -> Result<Vec<String>, PackFault> {
        let rules = self.compiled()?;
        self.check_sources(&rules)?;
        self.check_cases(&rules)?;
        let in_force = rules.rules().iter().filter_map(|rule| rule.id.split_once('.'));
        Ok(in_force.map(|(policy, rule)| format!("{}.{rule}", self.name_in_force(policy))).collect())
    }

    /// Whether any of its rules permits.
    pub fn permits(&self) -> Result<bool, PackFault> {
        Ok(self.compiled()?.rules().iter().any(|rule| rule.effect == Effect::Permit))
    }

    fn compiled(&self) -> Result<PolicySet, PackFault> {
        let named = self.policies.iter().map(|policy| NamedPolicy { name: &policy.name, text: &policy.text });
        Ok(PolicySet::compile(&named.collect::<Vec<_>>())?)
    }

    fn check_sources(&self, rules: &PolicySet) -> Result<(), PackFault> {
        let sources: BTreeSet<&str> = self.sources.iter().map(|source| source.rule.as_str()).collect();
        let ids: BTreeSet<&str> = rules.rules().iter().map(|rule| rule.id.as_str()).collect();
        if let Some(rule) = ids.difference(&sources).next() {
            let what = format!("{rule} does not say where it comes from; add a source");
            return Err(PackFault::new(PackFaultKind::Tests, what));
        }
        if let Some(source) = sources.difference(&ids).next() {
            let what = format!("there is a source for {source}, and no such rule");
            return Err(PackFault::new(PackFaultKind::Tests, what));
        }
        Ok(())
    }

    fn check_cases(&self, rules: &PolicySet) -> Result<(), PackFault> {
        let failed = |what: String| PackFault::new(PackFaultKind::Tests, what);
        let mut idle: BTreeSet<&str> = rules.rules().iter().map(|rule| rule.id.as_str()).collect();
        for case in self.cases.cases().map_err(failed)? {
            let verdict = rules.decide(&case.case.question());
            if !case.expected.is_met(&verdict) {
                return Err(failed(format!(
                    "the case {:?} expects {} and comes out {}",
                    case.name,
                    case.expected.said(),
                    said_of(&verdict)
                )));
            }
            for rule in verdict.rules() {
                idle.remove(rule.as_str());
            }
        }
        match idle.into_iter().next() {
            Some(rule) => Err(failed(format!("no case is decided by {rule}; add one"))),
            None => Ok(()),
        }
    }

    /// Refuses a pack below the organisation that permits what one rule of `above` forbids altogether: such a permission is never any, and whoever wrote it
    /// meant to undo the prohibition.
    pub fn check_tightens(&self, above: &[NamedPolicy<'_>]) -> Result<(), PackFault> {
        if self.layer == PolicyLayer::Organisation {
            return Ok(());
        }
        let names: Vec<String> =
            self.policies.iter().map(|policy| self.name_in_force(&policy.name)).collect();
        let own: Vec<NamedPolicy<'_>> = names
            .iter()
            .zip(&self.policies)
            .map(|(name, policy)| NamedPolicy { name, text: &policy.text })
            .collect();
        let alone: BTreeSet<Option<String>> = undone(&own).into_iter().map(|(rule, _)| rule).collect();
        let together: Vec<NamedPolicy<'_>> = above.iter().chain(&own).copied().collect();
        let by_above = undone(&together).into_iter().find(|(rule, _)| {
            let is_own =
                |id: &str| names.iter().any(|name| id.split_once('.').is_some_and(|(of, _)| of == name));
            rule.as_deref().is_some_and(is_own) && !alone.contains(rule)
        });
        match by_above {
            Some((_, what)) => Err(PackFault::new(
                PackFaultKind::Widens,
                format!("{what}, in a layer above; a lower layer only tightens: leave the permission out"),
            )),
            None => Ok(()),
        }
    }
}

/// Permissions of which one prohibition leaves nothing, with what is to be said of each.
fn undone(policies: &[NamedPolicy<'_>]) -> Vec<(Option<String>, String)> {
    let findings = lint(policies).into_iter();
    findings
        .filter(|finding| matches!(finding.code, "policy_unreachable" | "policy_conflict"))
        .map(|finding| (finding.rule, finding.what))
        .collect()
}

/// A pack as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPack {
    pack: Pack,
    note: Note,
    digest: String,
}

impl SignedPack {
    /// Reads a file, signed or not. Nothing is said of its signatures, nor of its rules.
    pub fn read(file: &[u8]) -> Result<Self, PackFault> {
        if file.len() > MAX_PACK_BYTES {
            return Err(too_long(file.len()));
        }
        let text = std::str::from_utf8(file).map_err(|_| PackFault::malformed("a pack is UTF-8 text"))?;
        let note = if text.contains("\n\n") {
            Note::parse(file).map_err(|error| PackFault::malformed(error.to_string()))?
        } else {
            Note { text: text.to_owned(), signatures: Vec::new() }
        };
        Ok(Self { pack: Pack::of_text(&note.text)?, note, digest: sha256(file).to_hex() })
    }

    /// What it says.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// SHA-256 of the file, lower-case hex: what decisions name.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Who its signature lines say signed it.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.note.signatures
    }

    /// The whole file with one signature more, under `name`: of somebody who looked at it, or of its publisher where nobody signed it yet.
    pub fn signed_also(&self, name: &str, signer: &dyn Signer) -> Result<String, PackFault> {
        let malformed = |error: NoteError| PackFault::malformed(error.to_string());
        let own = sign_note(&self.note.text, name, signer).map_err(malformed)?;
        let own = Note::parse(own.as_bytes()).map_err(malformed)?.signatures;
        if own.iter().any(|line| self.note.signatures.contains(line)) {
            return Err(PackFault::malformed("this key signed the pack already"));
        }
        let signatures = [self.note.signatures.as_slice(), &own].concat();
        let file = Note { text: self.note.text.clone(), signatures }.to_string();
        if file.len() > MAX_PACK_BYTES { Err(too_long(file.len())) } else { Ok(file) }
    }

    /// Whether its publisher signed it with one of `keys`. Signatures of others are no fault, and are not looked at.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<(), PackFault> {
        if self.note.signatures.is_empty() {
            return Err(PackFault::new(
                PackFaultKind::Unsigned,
                "nobody signed the pack; ask its publisher for it",
            ));
        }
        let publisher = &self.pack.publisher;
        let theirs: Vec<VerifierKey> = keys
            .iter()
            .filter(|key| key.name() == publisher && !key.kind().is_cosignature())
            .cloned()
            .collect();
        match self.note.verify(&theirs) {
            Ok(_) => Ok(()),
            Err(NoteError::NoKnownKey { .. }) => Err(PackFault::new(
                PackFaultKind::UnknownPublisher,
                format!("no key of {publisher} that is trusted here signed the pack"),
            )),
            Err(error) => Err(PackFault::new(PackFaultKind::WrongSignature, error.to_string())),
        }
    }
}

fn too_long(bytes: usize) -> PackFault {
    PackFault::malformed(format!("a pack of {bytes} bytes is too long; {MAX_PACK_BYTES} at most"))
}

#[cfg(test)]
mod tests;
