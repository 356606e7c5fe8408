//! Evidence packages: writing and verifying them (formats §11, §12).
//!
//! Promises that the writer and the verifier count with the same code, that a verifier needs nothing but the bytes and a trust
//! file, and that it believes nothing a package says about itself. No files and no network are touched here.

mod alarms;
mod anchors;
mod build;
mod check;
mod container;
mod files;
mod findings;
mod fold;
mod keys;
mod lines;
mod numbers;
mod outside;
mod plan;
mod proof;
mod range;
mod seals;
mod shards;
mod source_keys;
mod sources;
mod statements;
mod tree;

pub(crate) use alarms::ALARMS;
pub(crate) use anchors::{ANCHORS, ANCHORS_PLAN};
pub use build::{
    FrameworkContents, PackageInput, PackageWriteError, WrittenPackage, range_proof, sign_manifest,
    write_package,
};
pub use check::verify_package;
pub(crate) use check::verify_package_for;
pub use container::{BUNDLE_ENTRIES, ContainerError, FRAMEWORK_FILES, MAX_ANCHOR_FILES};
pub use lines::{ErasedUnit, ShownSource, ShownUnit};
pub use proof::{PROOF_FORMAT, RangeProof, RangeProofError};
pub(crate) use shards::SHARDS;
pub(crate) use source_keys::SOURCE_SIGNATURES;
pub use tree::{TreeFault, TreeFigures, verify_tree};
