//! People, their roles, and how they come in: by a link that works once.

use serde::{Deserialize, Serialize};

use crate::{CredentialId, Micros};

/// What a person may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the installation: people, roles, settings.
    Administrator,
    /// Builds with the gateway: own systems and keys, own calls.
    Developer,
    /// Writes policies.
    GovernanceEngineer,
    /// Keeps the management system.
    ComplianceOfficer,
    /// Answers for systems.
    BusinessOwner,
    /// Decides on what is put before them.
    Approver,
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Administrator,
        Self::Developer,
        Self::GovernanceEngineer,
        Self::ComplianceOfficer,
        Self::BusinessOwner,
        Self::Approver,
        Self::Auditor,
    ];

    /// The word in records and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Developer => "developer",
            Self::GovernanceEngineer => "governance_engineer",
            Self::ComplianceOfficer => "compliance_officer",
            Self::BusinessOwner => "business_owner",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
        }
    }
}

/// `person.added`, stream `person/<id>`: what is not about them. Their name and address are [`PersonDetails`], in a unit of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAdded {
    /// The person: the credential id they act under.
    pub person: CredentialId,
}

/// The fields of `person.added` that are about the person, erased together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonDetails {
    /// Name.
    pub name: String,
    /// E-mail address; empty when none was given.
    pub email: String,
}

/// `role.granted`, stream `person/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGranted {
    /// Who gets it.
    pub person: CredentialId,
    /// What.
    pub role: Role,
}

/// `role.revoked`, stream `person/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRevoked {
    /// Who loses it.
    pub person: CredentialId,
    /// What.
    pub role: Role,
    /// Why.
    pub reason: String,
}

/// `link.issued`, stream `person/<id>`: a link that lets the person in once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkIssued {
    /// Who may use it.
    pub person: CredentialId,
    /// SHA-256 of its token (256 random bits), hex.
    pub token_sha256: String,
    /// Until when.
    pub expires_at: Micros,
}

/// `session.opened`, stream `person/<id>`: the link was used; whoever used it holds the session's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// Who.
    pub person: CredentialId,
    /// The link that was used up, by the SHA-256 of its token.
    pub link_sha256: String,
    /// SHA-256 of the session's token (256 random bits), hex.
    pub token_sha256: String,
    /// Until when.
    pub expires_at: Micros,
}

/// `session.closed`, stream `person/<id>`: by the person, or by whoever may let people in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClosed {
    /// Whose.
    pub person: CredentialId,
    /// Which, by the SHA-256 of its token. Empty: every session opened, and every link handed out, before this record.
    pub token_sha256: String,
}
