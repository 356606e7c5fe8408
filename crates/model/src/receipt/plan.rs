//! The checks of a receipt, with what each proves and what it does not.

use crate::verdict::CheckPlan;

pub(crate) const FORM: &str = "form";
pub(crate) const ENTRY: &str = "entry";
pub(crate) const INCLUSION: &str = "inclusion";
pub(crate) const KEYS: &str = "keys";
pub(crate) const ISSUER: &str = "issuer";
pub(crate) const CHECKPOINT: &str = "checkpoint signature";
pub(crate) const SEAL: &str = "seal";
pub(crate) const STATEMENT: &str = "statement";
pub(crate) const DISCLOSURES: &str = "disclosures";

/// What a receipt shows and what it does not (requirement A21).
pub(super) const SCOPE: &str = "This receipt shows that the entry existed in this log in this form when the checkpoint was signed, and \
who signed it. It does not show that what the entry says is true, that anything outside the log did not happen, that no key was \
revoked, or that a management system conforms to any standard. Tabellion is not a certification body.";

pub(super) const RECEIPT_CHECKS: [CheckPlan; 9] = [
    CheckPlan {
        name: FORM,
        proves: "The file has the one form of a receipt.",
        does_not_prove: "Who wrote it: anybody can write one.",
    },
    CheckPlan {
        name: ENTRY,
        proves: "The entry is a sealed record, a statement or a seal in its one byte form, made for the log of the checkpoint.",
        does_not_prove: "That what it says is true.",
    },
    CheckPlan {
        name: INCLUSION,
        proves: "The entry, its seal and the key records stand at these indexes in the tree whose root the checkpoint names.",
        does_not_prove: "That nobody was shown another tree of the same log: witnesses do, where the trust file asks for them (issuer).",
    },
    CheckPlan {
        name: KEYS,
        proves: "The keys used here come from the log's first entry by records that its root key signed.",
        does_not_prove: "That no key was revoked: a receipt holds only the records that bring its keys in; a package holds all.",
    },
    CheckPlan {
        name: ISSUER,
        proves: "The trust file names a key that vouches for this log, and the witnesses it asks for cosigned the checkpoint.",
        does_not_prove: "That the trust file is right: it is as good as the way it reached you.",
    },
    CheckPlan {
        name: CHECKPOINT,
        proves: "The log key signed this root and size.",
        does_not_prove: "When: a checkpoint carries no outside time.",
    },
    CheckPlan {
        name: SEAL,
        proves: "The writer key sealed a batch that holds the entry, at the commit time stated.",
        does_not_prove: "That the log's clock was right: see the witnesses and anchors, where there are any.",
    },
    CheckPlan {
        name: STATEMENT,
        proves: "The actor's key signed the statement.",
        does_not_prove: "Which person held the key.",
    },
    CheckPlan {
        name: DISCLOSURES,
        proves: "Everything shown is what was sealed, field by field.",
        does_not_prove: "Anything about what is withheld, or that what was sealed is true.",
    },
];
