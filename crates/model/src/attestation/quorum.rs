//! Counting independent attestations: how many known organisations say which level of each entry.
//!
//! Promises: an organisation counts once, however many files and keys it sends; one that says broken, or saw another entry at the same place, decides against all
//! others; whoever is not known is told apart and counts for nothing; what nobody speaks of is never better than undetermined. Must never: believe a file about
//! who it is from: the reader's own key directory says whose a key is.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_tlog::Hash;

use super::{Attested, SignedAttestation};
use crate::directory::KeyDirectory;
use crate::id::KeyId;
use crate::verdict::{AspectStanding, Outcome};

/// Most files that are counted together.
pub const MAX_BUNDLES: usize = 1_000;

/// What is asked.
#[derive(Debug)]
pub struct QuorumAsked<'a> {
    /// The attestations, each with the name that it is called by.
    pub bundles: Vec<(&'a str, &'a [u8])>,
    /// Whose keys the reader knows.
    pub signers: &'a KeyDirectory,
    /// How many independent known organisations are enough.
    pub need: usize,
    /// At which level, 1 to 3.
    pub level: u8,
    /// Entries, by log and index, that have to be spoken of beside those that are.
    pub expected: Vec<(String, u64)>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleRow {
    /// What it is called.
    pub name: String,
    /// The key that signed it, where it can be read.
    pub key: Option<KeyId>,
    /// Whose key that is; `None`: it counts for nothing.
    pub organisation: Option<String>,
    /// `holds`: it counts; `undetermined`: its signer is not known; `broken`: its signature is wrong; `malformed`: it cannot be read.
    pub outcome: Outcome,
    /// The same in words.
    pub detail: String,
}

/// What one organisation says of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The highest level that it attests; 0 where it attests none.
    pub level: u8,
    /// What it found broken, in its words.
    pub broken: Option<String>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// The log.
    pub log: String,
    /// Where it stands.
    pub index: u64,
    /// Its leaf hash, where those who attest it agree on one.
    pub leaf: Option<Hash>,
    /// `holds`, `undetermined` or `broken`.
    pub outcome: Outcome,
    /// How many known, independent organisations attest level 1, 2 and 3 at least.
    pub counts: [usize; 3],
    /// What each of them says.
    pub by: BTreeMap<String, Standing>,
    /// Contradictions, each in a sentence.
    pub contradictions: Vec<String>,
    /// Who says something and does not count, and what.
    pub apart: Vec<String>,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// How many are enough.
    pub need: usize,
    /// At which level.
    pub level: u8,
    /// Every file.
    pub bundles: Vec<BundleRow>,
    /// Every entry, by log and index.
    pub items: Vec<ItemRow>,
}

impl Quorum {
    /// The outcome of the whole: broken before malformed before undetermined; without an entry nothing was attested.
    pub fn verdict(&self) -> Outcome {
        let files = self.bundles.iter().map(|bundle| bundle.outcome);
        let found: Vec<Outcome> = files
            .filter(|one| *one != Outcome::Undetermined)
            .chain(self.items.iter().map(|item| item.outcome))
            .collect();
        let first = [Outcome::Broken, Outcome::Malformed, Outcome::Undetermined];
        let worst = first.into_iter().find(|one| found.contains(one));
        worst.unwrap_or(if self.items.is_empty() { Outcome::Undetermined } else { Outcome::Holds })
    }

    /// The exit code of a command that counts: as a verifier's.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Outcome::Holds => 0,
            Outcome::Broken => 1,
            Outcome::Malformed => 2,
            Outcome::Undetermined | Outcome::NotRun => 3,
        }
    }
}

/// Counts.
pub fn quorum(asked: &QuorumAsked<'_>) -> Quorum {
    let mut found: BTreeMap<(String, u64), Gathered> =
        asked.expected.iter().cloned().map(|place| (place, Gathered::default())).collect();
    let mut bundles = Vec::new();
    for (name, bytes) in &asked.bundles {
        let (row, items) = read(name, bytes, asked.signers);
        for item in items {
            let place = (item.log.as_str().to_owned(), item.index);
            found.entry(place).or_default().add(&row, item, asked.signers);
        }
        bundles.push(row);
    }
    let items = found.into_iter().map(|(place, gathered)| gathered.judge(place, asked)).collect();
    Quorum { need: asked.need, level: asked.level, bundles, items }
}

/// A file, and what it says where its signature is right.
fn read(name: &str, bytes: &[u8], signers: &KeyDirectory) -> (BundleRow, Vec<Attested>) {
    let row = |key, organisation, outcome, detail| BundleRow {
        name: name.to_owned(),
        key,
        organisation,
        outcome,
        detail,
    };
    let signed = match SignedAttestation::parse(bytes) {
        Err(error) => return (row(None, None, Outcome::Malformed, error.to_string()), Vec::new()),
        Ok(signed) => signed,
    };
    let key = signed.said.signer.key_id;
    if !signed.is_signed() {
        let text = format!("key {key}, which it names, did not sign it: nothing of it counts");
        return (row(Some(key), None, Outcome::Broken, text), Vec::new());
    }
    let row = match signers.speaker(&key, signed.said.made_at) {
        Ok(organisation) => {
            let text = format!("signed by {organisation}, {} entries", signed.said.items.len());
            row(Some(key), Some(organisation.to_owned()), Outcome::Holds, text)
        }
        Err(why) => {
            let text = format!("valid signature by key {key}, {why}: counted apart");
            row(Some(key), None, Outcome::Undetermined, text)
        }
    };
    (row, signed.said.items)
}

/// What was said of one entry.
#[derive(Default)]
struct Gathered {
    by: BTreeMap<String, Standing>,
    /// Who says that it is in the log, with which leaf under which root.
    seen: BTreeMap<(Hash, Option<KeyId>), BTreeSet<String>>,
    apart: BTreeSet<String>,
}

impl Gathered {
    fn add(&mut self, from: &BundleRow, item: Attested, signers: &KeyDirectory) {
        let level = item.level();
        let said =
            if item.is_broken() { format!("broken ({})", item.detail) } else { format!("level {level}") };
        let Some(organisation) = &from.organisation else {
            self.apart.insert(format!("{}, not known, says {said}", from.name));
            return;
        };
        let whose = item.root_key.and_then(|root| signers.organisation(&root));
        if item.is_broken() {
            let standing = self.by.entry(organisation.clone()).or_default();
            standing.broken.get_or_insert(item.detail);
            return;
        }
        if item.existence == AspectStanding::Holds {
            let who = self.seen.entry((item.leaf, item.root_key)).or_default();
            who.insert(organisation.clone());
        }
        if whose == Some(organisation.as_str()) {
            self.apart.insert(format!("{organisation}, whose log it is, says {said}"));
            return;
        }
        let standing = self.by.entry(organisation.clone()).or_default();
        standing.level = standing.level.max(level);
    }

    fn judge(self, (log, index): (String, u64), asked: &QuorumAsked<'_>) -> ItemRow {
        let mut contradictions = Vec::new();
        for (organisation, standing) in &self.by {
            if let Some(why) = &standing.broken {
                contradictions.push(format!("{organisation} says broken: {why}"));
            }
        }
        if self.seen.len() > 1 {
            let sides = self.seen.iter().map(|((leaf, root), who)| {
                let who: Vec<&str> = who.iter().map(String::as_str).collect();
                let root = root.map_or_else(|| "no root".to_owned(), |root| format!("root {root}"));
                format!("{} saw leaf {leaf} under {root}", who.join(", "))
            });
            let sides: Vec<String> = sides.collect();
            contradictions.push(format!("there are different entries at this place: {}", sides.join("; ")));
        }
        let count = |level: u8| {
            self.by.values().filter(|standing| standing.broken.is_none() && standing.level >= level).count()
        };
        let counts = [count(1), count(2), count(3)];
        let outcome = if !contradictions.is_empty() {
            Outcome::Broken
        } else if asked.need > 0 && (1..=3).contains(&asked.level) && count(asked.level) >= asked.need {
            Outcome::Holds
        } else {
            Outcome::Undetermined
        };
        let leaf = self.seen.keys().next().map(|(leaf, _)| *leaf).filter(|_| self.seen.len() == 1);
        let apart = self.apart.into_iter().collect();
        ItemRow { log, index, leaf, outcome, counts, by: self.by, contradictions, apart }
    }
}
