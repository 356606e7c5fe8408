//! For tests only: a disk that loses what was not synced, sources of repeatable time and randomness, and a model provider
//! that misbehaves on command.
//!
//! Everything here repeats exactly, by seed or by script. Must never: be a dependency of anything but tests.

mod hooked;
mod random;
mod read_only;
mod sim_disk;
mod sources;
pub mod upstream;

pub use hooked::{Change, Fate, Hook, HookedDisk};
pub use random::Random;
pub use read_only::ReadOnlyDisk;
pub use sim_disk::{Act, Fault, Image, SECTOR, Side, SimDisk, Step, Thing};
pub use sources::{ManualClock, SeededEntropy};
pub use upstream::Upstream;
