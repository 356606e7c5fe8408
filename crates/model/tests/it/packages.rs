//! Packages, receipts and transparent statements, and every way to tamper with them.

mod cut;
mod fixture;
mod golden;
mod receipts;
mod tampering;
mod whole;
