//! The checks of a package, in the order of formats §12, with what each proves and what it does not.
//!
//! Text only; a second verifier may copy it word for word.

use crate::verdict::CheckPlan;

pub(crate) const CONTAINER: &str = "container";
pub(crate) const MANIFEST: &str = "manifest";
pub(crate) const FILES: &str = "files";
pub(crate) const ENTRIES: &str = "entries";
pub(crate) const TREE: &str = "tree";
pub(crate) const KEYS: &str = "keys";
pub(crate) const SIGNATURE: &str = "manifest signature";
pub(crate) const ISSUER: &str = "issuer";
pub(crate) const CHECKPOINT: &str = "checkpoint signature";
pub(crate) const SEALS: &str = "seals";
pub(crate) const STATEMENTS: &str = "statements";
pub(crate) const DISCLOSURES: &str = "disclosures";
pub(crate) const ERASURES: &str = "erasures";
pub(crate) const NUMBERS: &str = "numbers";
pub(crate) const EDGES: &str = "period edges";
pub(crate) const TOTALS: &str = "totals";

/// All checks of a package.
pub(crate) const PACKAGE_CHECKS: [CheckPlan; 16] = [
    CheckPlan {
        name: CONTAINER,
        proves: "The file has the one byte form of a package, the files it must hold and no others, and each file has the \
                 check sum of its header.",
        does_not_prove: "Who wrote it: anybody can write a container.",
    },
    CheckPlan {
        name: MANIFEST,
        proves: "The manifest has the one form of a manifest.",
        does_not_prove: "That it is true or signed: its signature and what it counts are checked below.",
    },
    CheckPlan {
        name: FILES,
        proves: "Every file is the one that the signed manifest lists, byte for byte.",
        does_not_prove: "That the readable report tells the truth; only the entries are checked.",
    },
    CheckPlan {
        name: ENTRIES,
        proves: "Every entry of the range is there and is a sealed record, a statement or a seal in its one byte form.",
        does_not_prove: "That what a record says is true.",
    },
    CheckPlan {
        name: TREE,
        proves: "These entries, in this order and at these indexes, are part of the tree whose root the checkpoint names; none \
                 was changed, removed, added or moved.",
        does_not_prove: "That nobody was shown another tree of the same log: witnesses do, where the trust file asks for them (issuer).",
    },
    CheckPlan {
        name: KEYS,
        proves: "Every key comes from the log's first entry by records that its root key signed, and no key record is left out.",
        does_not_prove: "Who holds the root key: the trust file says that.",
    },
    CheckPlan {
        name: SIGNATURE,
        proves: "The package key that the log's key records name signed this manifest, and so the list of all files.",
        does_not_prove: "That the manifest is true: what it counts is counted again below.",
    },
    CheckPlan {
        name: ISSUER,
        proves: "The trust file names a key that vouches for this log, and the witnesses it asks for cosigned the checkpoint.",
        does_not_prove: "That the trust file is right: it is as good as the way it reached you.",
    },
    CheckPlan {
        name: CHECKPOINT,
        proves: "The log key in force signed this root and size.",
        does_not_prove: "When: a checkpoint carries no outside time.",
    },
    CheckPlan {
        name: SEALS,
        proves: "The writer key in force sealed every batch of the range whole, in order, at the commit times stated.",
        does_not_prove: "That the log's clock was right: see the witnesses and anchors, where there are any.",
    },
    CheckPlan {
        name: STATEMENTS,
        proves: "Each statement was signed by an actor's key that was in force at its place in the log.",
        does_not_prove: "Which person held the key, and who caused the records that carry no signature of their own: the writer \
                         vouches for those.",
    },
    CheckPlan {
        name: DISCLOSURES,
        proves: "Everything shown is what was sealed, field by field.",
        does_not_prove: "Anything about what is withheld, or that what was sealed is true.",
    },
    CheckPlan {
        name: ERASURES,
        proves: "Each unit reported as erased has a tombstone in the log.",
        does_not_prove: "That no copy survives outside the log's vault.",
    },
    CheckPlan {
        name: NUMBERS,
        proves: "No record is missing between the first and the last number of each producer and epoch in the range.",
        does_not_prove: "That everything that happened was recorded, nor anything after the last number of an epoch without close.",
    },
    CheckPlan {
        name: EDGES,
        proves: "The range consists of whole batches and, where a period was asked for, holds every batch of that period.",
        does_not_prove: "Anything about batches committed after the checkpoint.",
    },
    CheckPlan {
        name: TOTALS,
        proves: "Every number in the manifest is the number counted from the entries.",
        does_not_prove: "That a system made as many records as it should have.",
    },
];
