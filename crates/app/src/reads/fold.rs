//! The fold of the log into rows, in memory.
//!
//! Promises: depends on the entries alone and in their order. Must never: fail on content that is erased or of another writer; a body
//! that cannot be read leaves its row without it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};
use tabellion_ledger::{EntryView, UnitContent};
use tabellion_model::body::{
    Body, CallAuthorised, CallBroken, CallCompleted, CallDenied, CredentialIssued, CredentialRevoked,
    LinkIssued, PersonAdded, PersonDetails, PolicyPublished, PolicyWithdrawn, RoleGranted, RoleRevoked,
    SessionClosed, SessionOpened, SystemRegistered, SystemStage, SystemStageChanged,
};
use tabellion_model::{CredentialId, Header, RecordId, SystemId};

use super::rows::{
    CallEnd, CallRow, Grounds, KeyRow, LinkRow, PersonRow, Placed, PolicyChange, PolicyRow, SessionRow,
    SystemRow,
};

/// Everything, as of `position`.
#[derive(Default)]
pub(super) struct Fold {
    pub(super) position: u64,
    pub(super) systems: BTreeMap<SystemId, SystemRow>,
    pub(super) keys: BTreeMap<CredentialId, KeyRow>,
    pub(super) policies: BTreeMap<String, PolicyRow>,
    pub(super) people: BTreeMap<CredentialId, PersonRow>,
    pub(super) links: HashMap<String, CredentialId>,
    pub(super) sessions: HashMap<String, CredentialId>,
    /// By the index of the deciding entry.
    pub(super) calls: BTreeMap<u64, CallRow>,
    pub(super) call_index: HashMap<RecordId, u64>,
}

/// One record as the fold sees it.
struct Seen<'a> {
    header: &'a Header,
    placed: Placed,
    fields: Map<String, Value>,
}

impl Seen<'_> {
    fn body<B: Body>(&self) -> Option<B> {
        B::read(self.fields.clone()).ok()
    }

    /// The id in the stream's name after `family/`, and the stream's version.
    fn stream(&self, family: &str) -> Option<(&str, u64)> {
        let (name, version) = self.header.stream.as_ref()?;
        let id = name.as_str().strip_prefix(family)?.strip_prefix('/')?;
        Some((id, *version))
    }
}

impl Fold {
    /// Takes the next entry.
    pub(super) fn take(&mut self, view: &EntryView) {
        self.position = view.index + 1;
        let Some(header) = view.entry.header() else { return };
        let placed = Placed {
            index: view.index,
            record_id: header.record_id,
            at: header.observed_at,
            actor: header.actor,
        };
        let mut fields = Map::new();
        for unit in &view.units {
            if let UnitContent::Shown(disclosures) = &unit.content {
                fields.extend(
                    disclosures
                        .iter()
                        .map(|disclosure| (disclosure.name().to_owned(), disclosure.value().clone())),
                );
            }
        }
        let seen = Seen { header, placed, fields };
        match header.record_type.family() {
            "system" => drop(self.system(&seen)),
            "credential" => drop(self.credential(&seen)),
            "policy" => drop(self.policy(&seen)),
            "person" | "role" | "link" | "session" => drop(self.person(&seen)),
            "call" => drop(self.call(&seen)),
            _ => {}
        }
    }

    fn system(&mut self, seen: &Seen<'_>) -> Option<()> {
        let (id, version) = seen.stream("system")?;
        let id = SystemId::from_hex(id)?;
        match seen.header.record_type.as_str() {
            SystemRegistered::TYPE => {
                let said = seen.body();
                let row = self.systems.entry(id).or_insert_with(|| SystemRow {
                    id,
                    said: None,
                    stage: SystemStage::Draft,
                    version,
                    registered: seen.placed,
                    changed: seen.placed,
                });
                row.said = said;
                (row.version, row.changed) = (version, seen.placed);
            }
            SystemStageChanged::TYPE => {
                let row = self.systems.get_mut(&id)?;
                // What nobody can read any more lets nobody through.
                row.stage =
                    seen.body::<SystemStageChanged>().map_or(SystemStage::Paused, |changed| changed.stage);
                (row.version, row.changed) = (version, seen.placed);
            }
            _ => {}
        }
        Some(())
    }

    fn credential(&mut self, seen: &Seen<'_>) -> Option<()> {
        let (id, version) = seen.stream("credential")?;
        let id = CredentialId::from_hex(id)?;
        match seen.header.record_type.as_str() {
            CredentialIssued::TYPE => {
                let (system, _) = seen.header.system?;
                let issued = seen.body();
                self.keys.entry(id).or_insert(KeyRow {
                    id,
                    system,
                    issued,
                    revocations: Vec::new(),
                    unreadable: false,
                    version,
                    placed: seen.placed,
                });
            }
            CredentialRevoked::TYPE => {
                let row = self.keys.get_mut(&id)?;
                row.version = version;
                match seen.body() {
                    Some(revoked) => row.revocations.push(revoked),
                    None => row.unreadable = true,
                }
            }
            _ => {}
        }
        Some(())
    }

    fn policy(&mut self, seen: &Seen<'_>) -> Option<()> {
        let (name, version) = seen.stream("policy")?;
        let change = match seen.header.record_type.as_str() {
            PolicyPublished::TYPE => seen.body().map(PolicyChange::Published),
            PolicyWithdrawn::TYPE => seen.body().map(PolicyChange::Withdrawn),
            _ => return None,
        };
        let row = self.policies.entry(name.to_owned()).or_insert_with(|| PolicyRow {
            name: name.to_owned(),
            version,
            history: Vec::new(),
        });
        row.version = version;
        row.history.push((seen.placed, version, change.unwrap_or(PolicyChange::Erased)));
        Some(())
    }

    fn person(&mut self, seen: &Seen<'_>) -> Option<()> {
        let (id, version) = seen.stream("person")?;
        let id = CredentialId::from_hex(id)?;
        if seen.header.record_type.as_str() == PersonAdded::TYPE {
            let details = serde_json::from_value::<PersonDetails>(Value::Object(seen.fields.clone())).ok();
            self.people.entry(id).or_insert(PersonRow {
                id,
                details,
                roles: BTreeSet::new(),
                links: BTreeMap::new(),
                sessions: BTreeMap::new(),
                version,
                placed: seen.placed,
            });
        }
        let row = self.people.get_mut(&id)?;
        row.version = version;
        match seen.header.record_type.as_str() {
            RoleGranted::TYPE => {
                row.roles.insert(seen.body::<RoleGranted>()?.role);
            }
            RoleRevoked::TYPE => match seen.body::<RoleRevoked>() {
                Some(revoked) => {
                    row.roles.remove(&revoked.role);
                }
                // Which role it was is erased: none is kept on a guess.
                None => row.roles.clear(),
            },
            LinkIssued::TYPE => {
                let issued: LinkIssued = seen.body()?;
                self.links.insert(issued.token_sha256.clone(), id);
                row.links.insert(
                    issued.token_sha256.clone(),
                    LinkRow { issued, used: false, placed: seen.placed },
                );
            }
            SessionOpened::TYPE => {
                let Some(opened) = seen.body::<SessionOpened>() else {
                    row.links.values_mut().for_each(|link| link.used = true);
                    return None;
                };
                if let Some(link) = row.links.get_mut(&opened.link_sha256) {
                    link.used = true;
                }
                self.sessions.insert(opened.token_sha256.clone(), id);
                row.sessions.insert(opened.token_sha256.clone(), SessionRow { opened, closed: false });
            }
            SessionClosed::TYPE => match seen.body::<SessionClosed>() {
                Some(closed) => row.sessions.get_mut(&closed.token_sha256)?.closed = true,
                None => row.sessions.values_mut().for_each(|session| session.closed = true),
            },
            _ => {}
        }
        Some(())
    }

    fn call(&mut self, seen: &Seen<'_>) -> Option<()> {
        let grounds = match seen.header.record_type.as_str() {
            CallAuthorised::TYPE => {
                seen.body().map_or(Grounds::Erased { authorised: true }, Grounds::Authorised)
            }
            CallDenied::TYPE => seen.body().map_or(Grounds::Erased { authorised: false }, Grounds::Denied),
            CallCompleted::TYPE => {
                return self.call_end(
                    seen,
                    seen.body().map_or(CallEnd::Erased, |end| CallEnd::Completed(Box::new(end))),
                );
            }
            CallBroken::TYPE => {
                return self.call_end(seen, seen.body().map_or(CallEnd::Erased, CallEnd::Broken));
            }
            _ => return None,
        };
        let row = CallRow {
            decided: seen.placed,
            system: seen.header.system.map(|(system, _)| system),
            basis: seen.header.basis,
            grounds,
            end: None,
        };
        self.call_index.insert(row.decided.record_id, row.decided.index);
        self.calls.insert(row.decided.index, row);
        Some(())
    }

    fn call_end(&mut self, seen: &Seen<'_>, end: CallEnd) -> Option<()> {
        let parent = seen.header.parents.iter().find(|parent| parent.role == "authorised")?;
        let row = self.calls.get_mut(self.call_index.get(&parent.record_id)?)?;
        row.end.get_or_insert((seen.placed, end));
        Some(())
    }
}
