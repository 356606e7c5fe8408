//! Names by which prompts refer to what providers keep: of which kinds there are, as which digests records have them, and whose the newest ones are.
//!
//! Promises: a name is told from another by its kind, its provider and every byte. Must never: keep or record a name in the clear.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tabellion_model::SystemId;

/// Kinds of things that a prompt may name and a provider keeps, but for files, which have records of their own.
pub(crate) const KINDS: [&str; 8] =
    ["audio", "container", "conversation", "item", "prompt", "response", "skill", "vector_store"];
/// Most names that one answer puts on record: what an end record has room for. An answer of today has a few; what is beyond is nobody's.
const MAX_OF_ANSWER: usize = 64;
/// Longest name that is taken from an answer. Providers' have fewer than a hundred bytes.
const MAX_NAME_BYTES: usize = 256;
/// Most names beside those that the views have read, milliseconds after they were recorded; older ones are nobody's until then.
const MAX_RECENT: usize = 16_384;
/// Bytes of a digest that records keep: names are drawn at random by their providers, and nobody finds a second one for one that is known.
const DIGEST_BYTES: usize = 16;

/// A name, of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
}

impl Named {
    pub(crate) fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }

    /// As records have it that `provider` keeps something by this name.
    pub(crate) fn digest(&self, provider: &str) -> String {
        let digest = Sha256::digest(format!("{}\n{provider}\n{}", self.kind, self.id));
        hex::encode(digest.iter().take(DIGEST_BYTES).copied().collect::<Vec<u8>>())
    }
}

/// The names that an answer says, each once.
#[derive(Debug, Default)]
pub(crate) struct OfAnswer(Vec<Named>);

impl OfAnswer {
    /// Takes in what an answer, or an event of one, says.
    pub(crate) fn take(&mut self, said: &[Named]) {
        for name in said {
            let fits = (1..=MAX_NAME_BYTES).contains(&name.id.len());
            if fits && self.0.len() < MAX_OF_ANSWER && !self.0.contains(name) {
                self.0.push(name.clone());
            }
        }
    }

    /// As records have them.
    pub(crate) fn digests(&self, provider: &str) -> Vec<String> {
        self.0.iter().map(|name| name.digest(provider)).collect()
    }
}

/// Names that calls of this process were answered with, beside those that the views have read.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<Recorded>>);

struct Recorded {
    /// Entry of the record that has it.
    index: u64,
    name: String,
    system: SystemId,
}

impl Recent {
    /// Some more, on record at `index`; what the views have read up to `position`, which is asked for where there are any, is theirs to tell.
    pub(crate) fn add(&self, index: u64, names: &[String], system: SystemId, position: impl FnOnce() -> u64) {
        if names.is_empty() {
            return;
        }
        let position = position();
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while recent.front().is_some_and(|oldest| oldest.index < position) {
            recent.pop_front();
        }
        for name in names {
            if recent.len() == MAX_RECENT {
                recent.pop_front();
            }
            recent.push_back(Recorded { index, name: name.clone(), system });
        }
    }

    /// Whose those of `wanted` are that were recorded at `position` or later, by the first of each. What is older was read, or erased since.
    pub(crate) fn owners(&self, wanted: &BTreeSet<&str>, position: u64) -> BTreeMap<String, SystemId> {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newer =
            recent.iter().filter(|name| name.index >= position && wanted.contains(name.name.as_str()));
        let mut first: BTreeMap<String, (u64, SystemId)> = BTreeMap::new();
        for name in newer {
            let owner = first.entry(name.name.clone()).or_insert((name.index, name.system));
            if name.index < owner.0 {
                *owner = (name.index, name.system);
            }
        }
        first.into_iter().map(|(name, (_, system))| (name, system)).collect()
    }
}

/// What a configuration lets prompts name at a provider although no record says whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unrecorded(Vec<(String, Option<String>)>);

impl Unrecorded {
    /// Reads entries: a kind, or one thing as `kind:name`. The error says which is neither.
    pub(crate) fn read(entries: &[String]) -> Result<Self, String> {
        let read = entries.iter().map(|entry| {
            let (kind, id) = match entry.split_once(':') {
                None => (entry.as_str(), None),
                Some((kind, id)) => (kind, Some(id)),
            };
            let is_named = id.is_none_or(|id| !id.is_empty() && id.len() <= MAX_NAME_BYTES);
            if KINDS.contains(&kind) && is_named {
                return Ok((kind.to_owned(), id.map(str::to_owned)));
            }
            Err(format!(
                "{entry:?} in unrecorded is no kind of thing that a provider keeps, nor one as kind:name: the kinds are {}",
                KINDS.join(", ")
            ))
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// Whether it is named one by one: every system's then, whoever was answered with it.
    pub(crate) fn names(&self, name: &Named) -> bool {
        self.0.iter().any(|(kind, id)| kind == name.kind && id.as_ref() == Some(&name.id))
    }

    /// Whether a prompt may name it.
    pub(crate) fn holds(&self, name: &Named) -> bool {
        self.0.iter().any(|(kind, id)| kind == name.kind && id.as_ref().is_none_or(|id| *id == name.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: SystemId = SystemId::from_bytes([1; 16]);

    /// Requirement: N22. Two things are never taken for each other, and what is on record can be computed again by whoever has the name (docs/records.md).
    #[test]
    fn a_name_is_of_its_kind_and_provider() {
        let name = Named::new("response", "resp_1");
        assert_eq!(name.digest("main"), hex::encode(&Sha256::digest(b"response\nmain\nresp_1")[..16]));
        for other in [
            Named::new("item", "resp_1").digest("main"),
            Named::new("response", "resp_2").digest("main"),
            name.digest("beside"),
        ] {
            assert_ne!(other, name.digest("main"));
        }
    }

    /// Requirement: N22. An answer that says very many names, or a very long one, makes no record larger than its room.
    #[test]
    fn an_answer_says_so_many_names_and_no_more() {
        let mut names = OfAnswer::default();
        names.take(&[Named::new("item", "x".repeat(MAX_NAME_BYTES + 1)), Named::new("item", "")]);
        assert_eq!(names.digests("main"), [""; 0]);
        for number in 0..2 * MAX_OF_ANSWER {
            names.take(&[Named::new("item", number.to_string()), Named::new("item", "0")]);
        }
        assert_eq!(names.digests("main").len(), MAX_OF_ANSWER);
    }

    /// Requirement: N22. Beside the views stands what they have not read yet, and nothing that was erased from them since.
    #[test]
    fn what_the_views_have_read_is_theirs_to_tell() {
        let recent = Recent::default();
        let (first, second) = ("a".to_owned(), "b".to_owned());
        recent.add(7, std::slice::from_ref(&first), SYSTEM, || 7);
        let wanted: BTreeSet<&str> = ["a", "b"].into();
        assert_eq!(recent.owners(&wanted, 7).get("a"), Some(&SYSTEM), "it is not known at once");
        assert!(recent.owners(&wanted, 8).is_empty(), "an erased name is known until the next start");
        recent.add(9, std::slice::from_ref(&second), SYSTEM, || 8);
        // Threads tell of their records in any order.
        for (index, byte) in [(11, 11), (8, 8)] {
            recent.add(index, std::slice::from_ref(&second), SystemId::from_bytes([byte; 16]), || 8);
        }
        let owner = recent.owners(&wanted, 0).remove("b");
        assert_eq!(
            owner,
            Some(SystemId::from_bytes([8; 16])),
            "whoever is answered with a name later takes it"
        );
        assert_eq!(recent.owners(&wanted, 0).len(), 1, "what was read is kept for good");
        for index in 10..20 + MAX_RECENT as u64 {
            recent.add(index, &[index.to_string()], SYSTEM, || 0);
        }
        assert!(recent.owners(&wanted, 0).is_empty(), "it grows without end");
    }

    /// Requirement: N22.
    #[test]
    fn what_is_let_pass_is_a_kind_or_one_thing() {
        let entries = ["prompt", "vector_store:vs_1"].map(str::to_owned);
        let let_pass = Unrecorded::read(&entries).expect("a kind and a thing");
        assert!(let_pass.holds(&Named::new("prompt", "pmpt_9")));
        assert!(let_pass.holds(&Named::new("vector_store", "vs_1")));
        assert!(let_pass.names(&Named::new("vector_store", "vs_1")));
        assert!(!let_pass.names(&Named::new("prompt", "pmpt_9")), "a kind makes nothing every system's");
        for other in [Named::new("vector_store", "vs_2"), Named::new("response", "vs_1")] {
            assert!(!let_pass.holds(&other), "{other:?}");
        }
        for wrong in ["file", "responses", "", "prompt:", ":x"] {
            let refused = Unrecorded::read(&[wrong.to_owned()]).expect_err(wrong);
            assert!(refused.contains("vector_store"), "{refused}");
        }
    }
}
