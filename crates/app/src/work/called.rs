//! How a call came: who was behind its key, by which opening it went past what looks into calls, and its further attempts.
//!
//! Promises: said as the record has it. Must never: show what lies outside the reader's reach.

use schemars::JsonSchema;
use serde::Serialize;
use tabellion_model::RecordId;
use tabellion_model::body::{CallerShown, Opened};
use tabellion_views::query::CallRow;

use super::calls::word;
use super::forms::{DigestForm, IdForm};
use super::openings::ClassForm;
use super::{Actor, Desk};
use crate::permission::Permission;
use crate::refusal::Refusal;

/// Who was behind the key of a call, and what they showed in place of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The person, after the name of whoever vouches for them and a bar; null: nobody is told.
    pub person: Option<String>,
    /// The program, likewise.
    pub agent: Option<String>,
    /// What they belong to, likewise.
    pub groups: Vec<String>,
    /// Why the person and what they belong to is not here, though somebody was named: `not_permitted` to whoever reads nothing about people, `erased`; null: it is here, or
    /// nobody was.
    #[schemars(extend("enum" = ["not_permitted", "erased", null]))]
    pub person_withheld: Option<&'static str>,
    /// What was shown: `token_id` and `token` of an identity provider, `certificate` of a client.
    #[schemars(extend("enum" = ["token_id", "token", "certificate"]))]
    pub shown: String,
    /// Who vouches for it, by its name in the configuration.
    pub by: String,
    /// SHA-256 of the token's identifier, of the token where it has none, or of the certificate.
    #[schemars(with = "DigestForm")]
    pub sha256: String,
}

impl Caller {
    /// As the record has it; `sees_people`: whether whoever asks is shown who they are.
    pub(super) fn of(shown: &CallerShown, sees_people: bool) -> Self {
        let CallerShown { chain, proof, person_apart, .. } = shown;
        let withheld = match chain.person {
            _ if *person_apart => Some("erased"),
            Some(_) if !sees_people => Some("not_permitted"),
            _ => None,
        };
        Self {
            person: chain.person.clone().filter(|_| withheld.is_none()),
            agent: chain.agent.clone(),
            groups: if withheld.is_none() { chain.groups.clone() } else { Vec::new() },
            person_withheld: withheld,
            shown: word(&proof.kind).unwrap_or_default(),
            by: proof.by.clone(),
            sha256: proof.sha256.clone(),
        }
    }
}

/// What a call through an opening was, as far as its record can say without looking into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThroughOpening {
    /// The opening that let it through.
    #[schemars(with = "IdForm")]
    pub opening: String,
    /// Its class.
    pub class: ClassForm,
    /// Method and path, below the provider's address.
    pub target: String,
    /// The body that came, by its kind; null: nothing came.
    pub content_type: Option<String>,
    /// Requests in a batch's file, each decided and masked by itself; null: it is no such file.
    pub lines: Option<u64>,
}

impl ThroughOpening {
    pub(super) fn of(opened: &Opened) -> Self {
        Self {
            opening: opened.opening.to_hex(),
            class: opened.class.into(),
            target: opened.target.clone(),
            content_type: opened.content_type.clone(),
            lines: opened.lines,
        }
    }
}

impl Desk {
    /// The attempts of the call that `first` is the first of, oldest first; where there was one alone, it.
    pub(crate) fn attempt_rows(&self, actor: &Actor, first: RecordId) -> Result<Vec<CallRow>, Refusal> {
        let row = self.views.call(&first)?.ok_or_else(|| Refusal::not_found("call"))?.row;
        if !self.may(actor, Permission::ReadCalls, row.system)? {
            return Err(Refusal::not_found("call"));
        }
        let further = self.views.further_attempts(&first)?;
        Ok(std::iter::once(row).chain(further).collect())
    }
}
