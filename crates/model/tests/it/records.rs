//! Records, units, statements, seals, keys and numbers.

mod fixture;
mod golden;
mod jcs;
mod key;
mod number;
mod record;
mod registry;
mod secret;
mod signed;
mod template;
mod unit;
