//! Packages from outside: made from real logs, checked by the verifier, by `openssl`, and by eye.

mod export;
mod fixture;
mod instructions;
mod report;
