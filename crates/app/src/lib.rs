//! Evidence packages out of a ledger: what is chosen, shown and explained to whoever receives one.
//!
//! Promises: a package says only what the log holds, the same bytes for the same size of the same log, and it explains itself to a reader who
//! has nothing of ours. Must never: write to the log, read a clock, or state a verdict; only a verifier does that.
//!
//! Start at [`export`]; `docs/formats.md` §11 describes the file.

mod export;
mod instructions;
mod printable;
mod report;

pub use export::{ExportError, ExportRequest, Exported, export, package_key_at};
