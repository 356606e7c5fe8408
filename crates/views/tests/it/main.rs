//! The views from outside: real ledgers, real files, erasures in between.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a test that meets the unexpected has to stop, and says what it counted"
)]

mod assessments;
mod attempts;
mod budget_alerts;
mod budgets_of_callers;
mod call_sums;
mod calls;
mod damage;
mod enrichments;
mod erasure;
mod facts;
mod fixture;
mod gate;
mod guards;
mod histories;
mod kept_names;
mod measurements;
mod openings;
mod packs;
mod past;
mod people;
mod probes;
mod proposals;
mod registers;
mod rules;
mod spend;
mod stops;
mod traffic;
mod unmaskings;
mod usage;
