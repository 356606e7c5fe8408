//! The ledger from outside: what it promises, on real and simulated disks.

mod append;
mod crash;
mod damage;
mod erasure;
mod fixture;
mod keys;
