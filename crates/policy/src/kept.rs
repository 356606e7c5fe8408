//! Verdicts of late. To put a question to Cedar and to evaluate it takes longer than the rest of what a call is asked, and most calls of an application
//! are the same question: same key, model, purpose and route, within the same hour.
//!
//! Promises: a verdict that is found is the one that would be computed, because it was computed by these very rules from equal answers to everything a
//! rule may look at. Must never: be asked by rules that look at the size of a body, which no two calls need share.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

use cedar_policy::Policy;
use tabellion_model::CredentialId;
use tabellion_model::body::Chain;

use crate::question::{Action, Question};
use crate::scene::Scene;
use crate::verdict::Verdict;

/// Verdicts kept, below 1 KB each without tools. When there are so many they all go: those of past hours are among them and are never asked for again.
const MAX_VERDICTS: usize = 1024;
/// Most bytes that the names of a question's tools may have for its verdict to be kept: 4 MB for all.
const MAX_KEPT_TOOL_BYTES: usize = 4096;
/// What rules call the size of the body.
const SIZE: &str = "received_bytes";

/// Whether `policy` may look at the size of the body. The attribute's name stands in its JSON wherever it is used, in whatever form; a policy that has no
/// JSON may.
pub(crate) fn looks_at_size(policy: &Policy) -> bool {
    policy.to_json().map_or(true, |json| json.to_string().contains(SIZE))
}

/// One question and its answer.
#[derive(Debug)]
struct Kept {
    scene: Arc<Scene>,
    action: Action,
    key: CredentialId,
    chain: Chain,
    purpose: String,
    surface: String,
    stream: bool,
    hour_of_week: u64,
    tools: Vec<String>,
    verdict: Verdict,
}

impl Kept {
    /// Whether this is `question`, but for the size of its body.
    fn is_of(&self, question: &Question<'_>) -> bool {
        self.scene.is_of(question)
            && self.action == question.action
            && self.key == question.key
            && self.chain == *question.chain
            && self.purpose == question.purpose
            && self.surface == question.surface
            && self.stream == question.stream
            && self.hour_of_week == question.hour_of_week()
            && self.tools == question.tools
    }
}

/// The verdicts of one set of rules.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    hashing: RandomState,
    kept: RwLock<HashMap<u64, Kept>>,
}

impl Verdicts {
    /// The verdict of an earlier question that was this one.
    pub(crate) fn find(&self, question: &Question<'_>) -> Option<Verdict> {
        // A panic cannot leave the map half-written: the lock is held for one look-up or one insertion.
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(&self.hash(question)).filter(|kept| kept.is_of(question)).map(|kept| kept.verdict.clone())
    }

    /// Keeps `verdict`, given to `question` in `scene`.
    pub(crate) fn keep(&self, question: &Question<'_>, scene: &Arc<Scene>, verdict: &Verdict) {
        if question.tools.iter().map(String::len).sum::<usize>() > MAX_KEPT_TOOL_BYTES {
            return;
        }
        let answered = Kept {
            scene: Arc::clone(scene),
            action: question.action,
            key: question.key,
            chain: question.chain.clone(),
            purpose: question.purpose.to_owned(),
            surface: question.surface.to_owned(),
            stream: question.stream,
            hour_of_week: question.hour_of_week(),
            tools: question.tools.to_vec(),
            verdict: verdict.clone(),
        };
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_VERDICTS {
            kept.clear();
        }
        kept.insert(self.hash(question), answered);
    }

    fn hash(&self, question: &Question<'_>) -> u64 {
        let who = (question.system, question.key, question.purpose, question.chain);
        let what = (question.model, question.asked_as, question.upstream, question.surface, question.stream);
        self.hashing.hash_one((who, what, question.action.name(), question.hour_of_week(), question.tools))
    }
}
