//! What is true of a record, a unit, a statement, a seal, a key, a receipt and a package (`docs/formats.md`).
//!
//! Promises: pure functions without files, clock, network or randomness. Every parser refuses what its writer would not have written. Nothing
//! here sees content except as the value of a [`Disclosure`], and secrets are wiped when dropped.

mod anchor;
pub mod applicability;
pub mod attestation;
pub mod body;
mod bounds;
pub mod catalogue;
pub mod charge;
pub mod digests;
mod directory;
mod entry;
pub mod envelope;
mod form;
mod header;
mod id;
mod jcs;
pub mod key;
mod manifest;
pub mod measure;
mod number;
mod origin;
pub mod package;
mod placed;
pub mod probe;
mod receipt;
mod record;
pub mod register;
pub mod registry;
mod root_log;
pub mod sd_jwt;
mod seal;
mod second_key;
mod secret;
pub mod shards;
mod source;
mod statement;
pub mod status;
pub mod text;
mod time;
pub mod tombstone;
mod transparent;
mod trust;
mod typed;
mod unit;
pub mod usage;
mod verdict;
mod verification_run;
mod verify;
mod workers;
pub mod zip;

pub use anchor::{ANCHOR_FORMAT, AnchorFile, AnchorFileError};
pub use directory::{
    DIRECTORY_FORMAT, DirectoryError, KeyDirectory, MAX_DIRECTORY_BYTES, MAX_DIRECTORY_KEYS,
};
pub use entry::{Entry, EntryError};
pub use form::FormFault;
pub use header::{
    Assurance, Env, Header, HeaderError, MAX_PARENTS, MAX_UNITS, Parent, RecordType, StreamName, WordError,
    is_role,
};
pub use id::{
    ConfigurationChangeId, ConfigurationChangeKind, CredentialId, CredentialKind, ErasureRequestId,
    ErasureRequestKind, FindingId, FindingKind, HoldId, HoldKind, Id, IdKind, ItemId, ItemKind, KeyId,
    OpeningId, OpeningKind, ProducerId, ProducerKind, RecordId, RecordKind, StopId, StopKind, SystemId,
    SystemKind, UnitId, UnitKind, VaultKeyId, VaultKeyKind, ViewId, ViewKind,
};
pub use jcs::{JcsError, Json, MAX_INTEGER, MAX_NESTING, check as check_json, parse_jcs, to_jcs};
pub use key::{KeyChain, KeyEnd, KeyError, KeyGrant, KeyStatus, Standing};
pub use manifest::{
    DisclosurePolicy, EpochRow, FileRow, MANIFEST_FORMAT, Manifest, ManifestError, PACKAGE_SCOPE, Period,
    RangeSummary, Totals, is_label,
};
pub use number::{Coverage, EpochReport, NumberError, NumberLedger, SystemCount};
pub use origin::{MAX_ORIGIN_BYTES, MAX_TENANT_BYTES, Origin, OriginError};
pub use placed::PlacedEntry;
pub use receipt::{
    MAX_RECEIPT_FILE_BYTES, RECEIPT_FORMAT, RECEIPT_MAGIC, Receipt, ReceiptAnchor, ReceiptFormError,
    SealProof, verify_receipt,
};
pub use record::{
    DIGEST_ALG, Numbers, NumbersError, RECORD_FORMAT, RecordError, RecordTemplate, SealedRecord,
};
pub use registry::{KeyInfo, Purpose};
pub use root_log::{shard_checkpoint_of, verify_anchor};
pub use seal::{BatchSeal, BatchSealEntry, SEAL_CONTENT_TYPE, SEAL_FORMAT, SealError};
pub use second_key::{
    SECOND_KEY_STREAM, SecondKeyEnd, SecondKeyError, SecondKeyGrant, SecondKeys, introduce_second_key,
    rotate_second_key,
};
pub use secret::{UnitKeys, derive_data_key, derive_idem_key, derive_seed, fingerprint, idem_tag, salt};
pub use source::{
    MAX_NAMED_GAPS, SOURCE_MEMBER, SourceEpoch, SourceLedger, SourceNumber, SourceRow, Spans, Withheld,
};
pub use statement::{STATEMENT_CONTENT_TYPE, Statement, StatementError};
pub use time::{Micros, TimeError};
pub use transparent::verify_transparent;
pub use trust::Pins;
pub use unit::{
    Disclosure, MAX_DISCLOSURE_BYTES, MAX_FIELD_NAME_BYTES, MAX_UNIT_BYTES, MAX_UNIT_FIELDS, Shown,
    UnitDigests, UnitError, check_names, digest, is_field_name, open_unit_plaintext, parse_unit_plaintext,
    seal_fields, seal_unit, unit_plaintext,
};
pub use verdict::{
    Aspect, AspectStanding, Check, CheckPlan, Finding, Outcome, REPORT_FORMAT, Report, Subject,
};
pub use verification_run::{
    MAX_RUN_ENTRIES, MAX_RUN_FILE_BYTES, RUN_FORMAT, RUN_MAGIC, RunEnd, RunFormError, RunVerdict,
    VerificationRun, run_detail, verify_run,
};
pub use verify::{Reader, verify, verify_for};
