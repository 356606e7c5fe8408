//! For tests only: a disk that loses what was not synced, sources of repeatable time and randomness.
//!
//! Everything here takes a seed and repeats exactly. Must never: be a dependency of anything but tests.

mod forgetful;
mod random;
mod read_only;
mod sim_disk;
mod sources;

pub use forgetful::ForgetfulDisk;
pub use random::Random;
pub use read_only::ReadOnlyDisk;
pub use sim_disk::{Fault, Image, SECTOR, SimDisk};
pub use sources::{ManualClock, SeededEntropy};
