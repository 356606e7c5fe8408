//! What the rules of masking would make of a text, for whoever writes them: nothing is sent.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_mask::{Operator, Scope, ScopeKey, mask_text};
use tabellion_model::SystemId;

use super::Masking;
use crate::guards::config::Side;

/// The key of placeholders in a preview. Nothing is given back by it, and a gateway's own is another.
const PREVIEW_KEY: [u8; 32] = [0; 32];

/// What would become of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// As it would be sent; the codes of placeholders and digests are written `*`, since they depend on the installation's key.
    pub sent: String,
    /// Values by class and what became of them, by the names of both.
    pub found: BTreeMap<(&'static str, &'static str), u64>,
    /// Classes found that keep it from being sent; none: it would be sent.
    pub blocked: BTreeSet<&'static str>,
    /// The rules that are for it, as records name them.
    pub rules: Vec<String>,
}

impl Masking {
    /// What would become of `text` in a call of this system for this purpose to this provider. The error says that it holds too much.
    pub fn preview(
        &self,
        system: SystemId,
        purpose: &str,
        upstream: &str,
        text: &str,
    ) -> Result<Preview, String> {
        let applied = self.of(system, purpose, upstream);
        let mut scope = Scope::new(&ScopeKey::new(PREVIEW_KEY));
        let (_, values) = mask_text(text, applied.plan, &mut scope).map_err(|full| full.to_string())?;
        let mut sent = String::with_capacity(text.len());
        let mut found = BTreeMap::new();
        let mut blocked = BTreeSet::new();
        let mut kept = 0;
        for value in values {
            *found.entry((value.class.name(), value.operator.name())).or_default() += 1;
            if value.operator == Operator::Block {
                blocked.insert(value.class.name());
            }
            if value.operator != Operator::Pass {
                sent.push_str(text.get(kept..value.range.start).unwrap_or_default());
                sent.push_str(&without_code(&value.placeholder));
                kept = value.range.end;
            }
        }
        sent.push_str(text.get(kept..).unwrap_or_default());
        Ok(Preview { sent, found, blocked, rules: applied.rules_on(Side::Prompt) })
    }
}

/// `<EMAIL_7Q2K4F>` as `<EMAIL_*>`, `<EMAIL#…>` as `<EMAIL#*>`.
fn without_code(placeholder: &str) -> String {
    match placeholder.find(['_', '#']) {
        Some(sign) => format!("{}*>", placeholder.get(..=sign).unwrap_or_default()),
        None => placeholder.to_owned(),
    }
}
