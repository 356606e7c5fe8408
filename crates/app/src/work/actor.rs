//! Who is asking.

use std::collections::BTreeSet;

use tabellion_model::body::Role;
use tabellion_model::{CredentialId, SystemId};

use crate::permission::{Permission, Reach, permitted, permitted_key};

/// Somebody whom the log knows, as of the views' position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person with a session.
    Person {
        /// Their credential.
        id: CredentialId,
        /// What they are now.
        roles: BTreeSet<Role>,
        /// SHA-256 of the session's token, hex.
        session: String,
    },
    /// A system's API key.
    Key {
        /// Its credential.
        id: CredentialId,
        /// The system that calls with it.
        system: SystemId,
    },
    /// Whoever runs the program on its own machine, over the local socket or the command line.
    Operator,
}

impl Actor {
    /// How far `permission` goes for this actor: the farthest of its roles. Whoever is signed in sees their own session and can end it, also without any.
    pub fn reach(&self, permission: Permission) -> Reach {
        match self {
            Self::Person { .. } if permission == Permission::OwnSession => Reach::All,
            Self::Person { roles, .. } => {
                roles.iter().map(|role| permitted(*role, permission)).max().unwrap_or(Reach::Nothing)
            }
            Self::Key { .. } => permitted_key(permission),
            Self::Operator => Reach::All,
        }
    }

    /// The credential that records name as their actor; `None`: the log's own writer.
    pub fn credential(&self) -> Option<CredentialId> {
        match self {
            Self::Person { id, .. } | Self::Key { id, .. } => Some(*id),
            Self::Operator => None,
        }
    }

    /// What keys of requests and attempts call them: by their credential.
    pub(crate) fn name(&self) -> String {
        self.credential().map_or_else(|| "operator".to_owned(), |id| id.to_hex())
    }

    /// Whether this is an API key.
    pub fn is_key(&self) -> bool {
        matches!(self, Self::Key { .. })
    }

    /// Whether this is the person `id`.
    pub fn is(&self, id: CredentialId) -> bool {
        matches!(self, Self::Person { id: own, .. } if *own == id)
    }
}
