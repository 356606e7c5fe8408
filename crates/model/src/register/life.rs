//! The life of an item, from the records about it.
//!
//! Promises: a pure fold; what can no longer be read makes an approval unknown, never better. Must never: count a decision over a digest that is not
//! the one of the revision it was made on.

use std::collections::BTreeSet;

use super::words::{Decision, RefreshTrigger, Review};
use crate::body::Role;
use crate::{CredentialId, Micros, RecordId};

/// One record about an item. What a record says is none once its content was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Its entry.
    pub entry: u64,
    /// Its commit time.
    pub at: Micros,
    /// Who did it.
    pub by: CredentialId,
    /// The session in which they did it; none: not by a person's session, or a record of before sessions were named.
    pub session: Option<RecordId>,
    /// What was done.
    pub act: Act,
}

/// What a record did to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A revision was saved.
    Saved(Option<Saving>),
    /// The newest revision was put before an approver: its digest.
    Submitted(Option<String>),
    /// It was decided on.
    Decided(Option<Ruling>),
    /// The item moved to another state: its word.
    Moved(Option<String>),
    /// A new look was asked for: by what.
    RefreshOpened(Option<RefreshTrigger>),
}

/// What a saved revision is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saving {
    /// Digest of its content, hex.
    pub digest: String,
    /// Models it names.
    pub models: Vec<String>,
    /// Required fields it lacked, by the definition of the time.
    pub missing: Vec<String>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Approved or returned.
    pub decision: Decision,
    /// The digest that was decided on, hex.
    pub digest: String,
    /// The role under which.
    pub role: Role,
    /// Conditions of an approval; empty: none.
    pub conditions: String,
    /// When approved content is due for review.
    pub next_review_at: Option<Micros>,
}

/// Approved content that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// Entry of the approval.
    pub entry: u64,
    /// Its commit time.
    pub at: Micros,
    /// Who approved.
    pub by: CredentialId,
    /// What exactly.
    pub ruling: Ruling,
    /// Number of the revision.
    pub revision: u64,
    /// Entry of the revision.
    pub revision_entry: u64,
    /// What the revision is.
    pub saving: Saving,
    /// Who wrote any revision since the approval before.
    pub authors: BTreeSet<CredentialId>,
    /// The sessions in which they wrote.
    pub sessions: BTreeSet<RecordId>,
    /// Who put it forward.
    pub submitter: Option<CredentialId>,
}

impl Approved {
    /// Whether the approver neither wrote any of it nor put it forward.
    pub fn is_independent(&self) -> bool {
        !self.authors.contains(&self.by) && self.submitter != Some(self.by)
    }
}

/// How an item stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Life {
    /// Number of the newest revision; 0: none.
    pub revision: u64,
    /// Entry of the newest revision.
    pub revision_entry: u64,
    /// What the newest revision is; none: erased.
    pub saving: Option<Saving>,
    /// How far it has come; none: a decision on it can no longer be read.
    pub review: Option<Review>,
    /// Who wrote any revision since the last approval; while there is none, who wrote what was approved.
    pub authors: BTreeSet<CredentialId>,
    /// The sessions in which they wrote, as far as records name them.
    pub sessions: BTreeSet<RecordId>,
    /// Who put the newest revision forward.
    pub submitter: Option<CredentialId>,
    /// The session in which that was done.
    pub submitted_in: Option<RecordId>,
    /// The newest approval, when it can be read. It holds while a later revision is written.
    pub approved: Option<Approved>,
    /// Where the item was moved to: none when it never was, an inner none when that can no longer be read.
    pub moved: Option<Option<String>>,
    /// Who moved it there.
    pub mover: Option<CredentialId>,
    /// The session in which that was done.
    pub moved_in: Option<RecordId>,
    /// Entries of refreshes opened since the last approval.
    pub refreshes: Vec<u64>,
}

impl Life {
    /// The life that `deeds`, in the order of the log, make.
    pub fn of<'a>(deeds: impl IntoIterator<Item = &'a Deed>) -> Self {
        let mut life = Self::default();
        for deed in deeds {
            life.take(deed);
        }
        life
    }

    /// The state, for a register whose items begin in `first`; none: it can no longer be read.
    pub fn state<'a>(&'a self, first: &'a str) -> Option<&'a str> {
        match &self.moved {
            None => Some(first),
            Some(state) => state.as_deref(),
        }
    }

    fn take(&mut self, deed: &Deed) {
        match &deed.act {
            Act::Saved(saving) => {
                if self.approved.as_ref().is_some_and(|approved| approved.revision == self.revision) {
                    self.authors.clear();
                    self.sessions.clear();
                }
                self.revision += 1;
                self.revision_entry = deed.entry;
                self.saving.clone_from(saving);
                self.review = Some(Review::Draft);
                self.authors.insert(deed.by);
                self.sessions.extend(deed.session);
                self.submitter = None;
                self.submitted_in = None;
            }
            Act::Submitted(_) => {
                self.review = Some(Review::InReview);
                self.submitter = Some(deed.by);
                self.submitted_in = deed.session;
            }
            Act::Decided(ruling) => self.decide(deed, ruling.as_ref()),
            Act::Moved(state) => {
                self.moved = Some(state.clone());
                self.mover = Some(deed.by);
                self.moved_in = deed.session;
            }
            Act::RefreshOpened(_) => self.refreshes.push(deed.entry),
        }
    }

    fn decide(&mut self, deed: &Deed, ruling: Option<&Ruling>) {
        let Some(ruling) = ruling else {
            // It may have approved or returned; neither is known, so nothing is approved.
            self.review = None;
            self.approved = None;
            return;
        };
        if ruling.decision == Decision::Returned {
            self.review = Some(Review::Returned);
            return;
        }
        let fits = |saving: &Saving| saving.digest == ruling.digest;
        let Some(saving) = self.saving.clone().filter(fits) else {
            self.review = None;
            self.approved = None;
            return;
        };
        self.review = Some(Review::Approved);
        self.approved = Some(Approved {
            entry: deed.entry,
            at: deed.at,
            by: deed.by,
            ruling: ruling.clone(),
            revision: self.revision,
            revision_entry: self.revision_entry,
            saving,
            authors: self.authors.clone(),
            sessions: self.sessions.clone(),
            submitter: self.submitter,
        });
        self.refreshes.clear();
    }
}
