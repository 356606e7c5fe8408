//! Read models of the log (`docs/views.md`).
//!
//! Promises: state is a fold of the committed log and of what is still disclosed; a view that is thrown away and rebuilt is the same, row for
//! row, also after an erasure. Must never: know anything that is not in the log, or be written by anything but the projector.

mod as_of;
mod database;
mod digest;
mod error;
mod fold;
pub mod gate;
pub mod lag;
mod past;
mod pool;
pub mod projection;
mod projector;
pub mod query;
mod read;
mod rebuild;
mod record;
mod values;
mod views;
mod written;

pub use as_of::{AsOf, RegisterRecord, Trail, as_of};
pub use digest::ViewsDigest;
pub use error::{ViewsError, WaitError};
pub use past::{Depth, PAST_ENTRIES, Past};
pub use projector::Note;
pub use rebuild::{Compared, Rebuilt};
pub use views::{VIEWS_FILE, Views};
