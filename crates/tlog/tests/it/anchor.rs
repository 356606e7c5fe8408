//! Anchors' evidence: read, believed for what it shows, refused for what it does not.

mod ans104;
mod broken;
mod evm;
mod golden;
mod ots;
mod rfc3161;
mod trust;
