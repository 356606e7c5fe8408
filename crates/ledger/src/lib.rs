//! The one write path of Tabellion: seal a record, append it durably, hand out its receipt, keep its content erasable.
//!
//! Promises: an acknowledged append survives `kill -9` and power loss; a checkpoint is never released before what it covers is durable and
//! never signed for a smaller or different tree; content never enters the log in clear. Must never: know a record type's business
//! meaning, or write anything except by appending.
//!
//! Start at [`Ledger`]; `docs/formats.md` §13 describes what lies on disk.

pub mod anchor;
mod backup;
mod batch_io;
mod batches;
mod clock;
mod commit;
mod derive;
pub mod disk;
mod draft;
mod entropy;
mod erase;
mod error;
mod fsck;
mod head;
mod holds;
mod hybrid;
mod idempotency;
mod in_place;
mod init;
mod keeper;
pub mod keyring;
mod ledger;
mod level;
pub mod lock;
mod lookup;
mod lost;
mod numbers;
mod opening;
mod overlay;
mod own_records;
mod pipeline;
mod place;
mod postings;
mod prepare;
mod queue;
mod read;
mod reader;
mod recover;
mod reread;
mod retired;
mod room;
mod rotate;
mod rotate_vault;
mod saved;
mod scan;
mod shared;
mod stage;
mod state;
mod tiles;
mod tree;
mod vault;
mod wal;
mod witnessed;

pub use backup::{
    BACKUP_LIST, BackupContent, BackupError, BackupFile, BackupList, DEFAULT_CONTENT_DAYS, LaterErasures,
    MAX_CONTENT_DAYS, VaultBack, back_up, back_up_for, backup_list, put_back, restore_content, restore_vault,
    restore_without_content,
};
pub use clock::{Clock, SystemClock};
pub use commit::{Ack, GroupResult};
pub use draft::{Draft, DraftParent, DraftStream, MAX_DRAFT_BYTES, OfCall, SubjectFields};
pub use entropy::{Entropy, OsEntropy};
pub use erase::access::{AboutSubject, SoughtName};
pub use erase::by_two::{By, MAX_GRACE_SECONDS, PendingErasure, WantedErasure};
pub use erase::clock::{ClockDoubt, MAX_UNSEEN};
pub use erase::daily::DailyExpiry;
pub use erase::expire::{Expired, Expiry, RetentionRule, Waiting};
pub use erase::going::Going;
pub use erase::rules::{EarlierRules, MAX_RULE_GRACE, MIN_RULE_GRACE, RetentionPlan};
pub use erase::{Erasure, ErasureTarget, Purge};
pub use error::{LedgerError, OpenError, RejectCode};
pub use fsck::{FsckProgress, FsckReport, FsckUnit, FsckWatch, fsck, fsck_tree, fsck_watched};
pub use holds::HoldView;
pub use init::{NewLog, create};
pub use ledger::{Ledger, OpenOptions, Prepared, SubjectNames};
pub use level::{AckLevel, AnchoredBy, Reached};
pub use lookup::IdempotencyTag;
pub use lost::loss_said;
pub use queue::Done;
pub use reader::{CommitView, ComparedReader, EntryView, Reader, UnitContent, UnitView};
pub use retired::{retire, retired};
pub use room::Reservation;
pub use rotate_vault::VaultRotation;
pub use scan::{PlainContent, PlainUnit, RawEntry};
pub use stage::ContentKeys;
pub use witnessed::{Conflict, NewConflict};
