//! The subcommands, one file each.

pub(crate) mod anchor;
pub(crate) mod backup;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod envelope;
pub(crate) mod erase;
pub(crate) mod export;
pub(crate) mod fsck;
pub(crate) mod hold;
pub(crate) mod init;
pub(crate) mod issuer;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod mask;
pub(crate) mod person;
pub(crate) mod policy;
pub(crate) mod rebuild;
pub(crate) mod record;
pub(crate) mod restore;
pub(crate) mod retain;
pub(crate) mod serve;
pub(crate) mod shard;
pub(crate) mod statement;
pub(crate) mod stop;
pub(crate) mod system;
mod target;
pub(crate) mod witness;
