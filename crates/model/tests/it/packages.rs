//! Packages, receipts and transparent statements, and every way to tamper with them.

mod anchors;
mod attested;
mod cut;
mod fixture;
mod forging;
mod golden;
mod issuers;
mod levels;
mod outside;
mod receipts;
mod registered;
mod root_log;
mod runs;
mod shards;
mod sources;
mod tampering;
mod whole;
