//! Read models of the log.
//!
//! Promises: state is a fold of the committed log and of what is still disclosed; a view that is thrown away and rebuilt is the same. Must never:
//! know anything that is not in the log, or be written by anything but the projector.

pub mod gate;
