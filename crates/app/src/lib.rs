//! The control plane: what people and programs ask of a log over HTTP, and the evidence packages that are made from it.
//!
//! Promises: whatever changes, changes by a record that names who did it; a package says only what the log holds, the same bytes for the same
//! size of the same log, and explains itself to a reader who has nothing of ours. Must never: keep state that the log does not say, or state a
//! verdict; only a verifier does that.
//!
//! Start at [`work::Desk`] for the rules, at [`api`] for HTTP (`docs/api.md`), at `console` for the pages (`docs/console.md`), at [`export()`] for packages (`docs/formats.md` §11).

mod access;
pub mod api;
mod captured;
pub mod console;
mod cose_receipt;
mod export;
mod instructions;
pub mod nearest;
pub mod permission;
mod printable;
pub mod refusal;
mod report;
pub mod running;
mod trust;
mod verification;
pub mod work;

pub use access::{
    AccessError, AccessFile, AccessRequest, AskedNames, MAX_ACCESS_BYTES, MAX_ACCESS_RECORDS, Sought, access,
    sought,
};
pub use cose_receipt::{CoseReceiptError, LoadKey, cose_receipt, transparent_statement};
pub use export::{
    ExportError, ExportRequest, Exported, MAX_COUNTED, Surveyed, Units, export, package_key_at,
};
pub use trust::{TrustTextError, trust_text};
pub use verification::{AskedEntry, Permanent, verification_page, verify_batch};
pub use work::access::access_draft;
