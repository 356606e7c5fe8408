//! JSON as it stands in a body: walked strictly and never written anew.
//!
//! Promises that what the walk shows is what any other reader of the same bytes will see, by refusing where readers differ:
//! duplicate member names (also when one is escaped), bytes that are not UTF-8, lone surrogates, numbers beyond a double,
//! anything behind the value. Nothing is copied unless it has an escape; nothing recurses.

mod fault;
mod reader;
mod string;
mod walk;

pub use fault::{JsonFault, Problem};
pub use string::{RawString, Unescaped, escaped};
pub use walk::{Kind, Limits, Path, Scalar, Step, Visitor, walk};
