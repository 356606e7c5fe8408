//! Whether a second person is one: neither an author, nor in a session that an author let in, nor somebody who let an author in.
//!
//! Whoever hands out a link can use it, so of two people one of whom let the other in nobody could tell that they are two
//! (docs/decisions/0013-who-let-the-approver-in.md). Promises: what cannot be followed to its end counts as an author's. Must never: rest on content, which
//! an erasure could take away.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::iter::{empty, once};

use tabellion_model::{CredentialId, RecordId};
use tabellion_views::query::LetIn;

use super::{Actor, Desk};
use crate::refusal::{Code, Refusal};

/// Somebody who wants to decide on what others wrote.
pub(super) struct SecondPerson<'d> {
    desk: &'d Desk,
    person: Option<CredentialId>,
    /// Who let in the session in which they decide.
    let_in: LetIn,
    /// Who let in the sessions of authors, as far as they were looked up: a list asks for the same ones again.
    authors_let_in: RefCell<BTreeMap<RecordId, LetIn>>,
}

impl Desk {
    /// `actor`, as the one who is to decide; no link lets keys and the operator in.
    pub(super) fn second_person(&self, actor: &Actor) -> Result<SecondPerson<'_>, Refusal> {
        let let_in = match actor {
            // Nothing is decided in the past, and the session of who looks back may not have been there.
            _ if self.then().is_some() => LetIn { whole: true, ..LetIn::default() },
            Actor::Person { session, .. } => {
                self.views.let_in_by(&self.open_session_of(session)?.record_id)?
            }
            Actor::Key { .. } | Actor::Operator => LetIn { whole: true, ..LetIn::default() },
        };
        Ok(SecondPerson {
            desk: self,
            person: actor.credential(),
            let_in,
            authors_let_in: RefCell::default(),
        })
    }
}

/// What is said to whoever is not another.
pub(super) struct NotAnother {
    /// They asked for it themselves.
    pub(super) own_work: &'static str,
    /// One of the two let the other in.
    pub(super) own_link: &'static str,
}

impl Desk {
    /// Whether `actor` is another than who asked, `by` in `session`: neither let the other in. The operator is no person of the log and lets everybody in at
    /// the beginning, so for them a session counts that begins with a link of theirs alone.
    pub(super) fn check_another(
        &self,
        actor: &Actor,
        by: CredentialId,
        session: Option<&RecordId>,
        otherwise: &NotAnother,
    ) -> Result<(), Refusal> {
        let second = self.second_person(actor)?;
        let is_operators = |by: &CredentialId| self.ledger.is_operator(by);
        let by_operator = is_operators(&by);
        if second.is(by) || (by_operator && matches!(actor, Actor::Operator)) {
            return Err(Refusal::new(Code::OwnWork, otherwise.own_work));
        }
        let apart = if by_operator {
            second
                .check_let_in_by_others(empty(), empty())
                .and_then(|()| second.check_not_let_in_by(is_operators))
        } else {
            second.check_let_in_by_others(once(&by), session.into_iter()).and_then(|()| match actor {
                Actor::Operator => second.check_others_not_let_in_by(session.into_iter(), is_operators),
                Actor::Person { .. } | Actor::Key { .. } => Ok(()),
            })
        };
        apart.map_err(|refusal| match refusal.code {
            Code::OwnLink => Refusal::new(Code::OwnLink, otherwise.own_link),
            _ => refusal,
        })
    }
}

impl SecondPerson<'_> {
    /// Whether `person` is who decides.
    pub(super) fn is(&self, person: CredentialId) -> bool {
        self.person == Some(person)
    }

    /// Refuses who decides when one of `authors` let their session in, or they let in one of `sessions`, in which the authors wrote.
    pub(super) fn check_let_in_by_others<'a>(
        &self,
        mut authors: impl Iterator<Item = &'a CredentialId>,
        sessions: impl Iterator<Item = &'a RecordId>,
    ) -> Result<(), Refusal> {
        if !self.let_in.whole || authors.any(|author| self.let_in.by.contains(author)) {
            return Err(Refusal::new(
                Code::OwnLink,
                "the link that began this session goes back to somebody who wrote some of it or put it forward, so nobody could tell the two of you \
apart",
            ));
        }
        for session in sessions {
            if self.may_have_let_in(session)? {
                return Err(Refusal::new(
                    Code::OwnLink,
                    "the link by which an author of it came in goes back to you, so nobody could tell the two of you apart",
                ));
            }
        }
        Ok(())
    }

    /// Refuses who decides when one of `them` alone let their session in: by a link of theirs that no session stands behind.
    pub(super) fn check_not_let_in_by(&self, them: impl Fn(&CredentialId) -> bool) -> Result<(), Refusal> {
        if self.let_in.by.iter().all(them) {
            return Err(Refusal::new(
                Code::OwnLink,
                "the link that began this session is the operator's, who asked for it: come in by an administrator's link; nothing was erased",
            ));
        }
        Ok(())
    }

    /// Refuses who decides, one of `them`, when they alone let in one of `sessions`.
    pub(super) fn check_others_not_let_in_by<'a>(
        &self,
        mut sessions: impl Iterator<Item = &'a RecordId>,
        them: impl Fn(&CredentialId) -> bool,
    ) -> Result<(), Refusal> {
        let theirs = |session: &RecordId| {
            let let_in = self.desk.views.let_in_by(session)?;
            Ok::<_, Refusal>(!let_in.whole || let_in.by.iter().all(&them))
        };
        if sessions.try_fold(false, |found, session| Ok::<_, Refusal>(found || theirs(session)?))? {
            return Err(Refusal::new(
                Code::OwnLink,
                "whoever asked came in by a link of the operator's, so nobody could tell the two apart: somebody with a session of their own has to confirm it; nothing was erased",
            ));
        }
        Ok(())
    }

    fn may_have_let_in(&self, session: &RecordId) -> Result<bool, Refusal> {
        let Some(person) = self.person else { return Ok(false) };
        let mut known = self.authors_let_in.borrow_mut();
        if !known.contains_key(session) {
            known.insert(*session, self.desk.views.let_in_by(session)?);
        }
        Ok(known.get(session).is_none_or(|let_in| !let_in.whole || let_in.by.contains(&person)))
    }
}
