//! The command line: one variant per subcommand, each in a file of its own below `command/`.

use clap::{Parser, Subcommand};

use crate::command::{
    access, anchor, backup, configuration, demo, doctor, envelope, erase, export, fsck, hold, init, issuer,
    key, log, mask, opening, person, policy, probe, rebuild, record, restore, retain, serve, shard,
    statement, stop, system, usage, vault, witness,
};
use crate::failure::Failure;
use crate::verifying;

/// Tabellion, a notary for AI: keeps an append-only, publicly checkable record of what happened,
/// and hands out evidence that anyone verifies offline
#[derive(Debug, Parser)]
#[command(name = "tabellion", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a log: its keys, its genesis, its configuration and its trust file
    Init(init::Options),
    /// Seal files or drafts as records, append them durably, and write receipts
    Record(record::Options),
    /// Show the head, an entry, a proof, or what is appended
    #[command(subcommand)]
    Log(log::Action),
    /// Write an evidence package
    Export(export::Options),
    /// Write what is kept about one person, with a receipt for each record
    Access(access::Options),
    /// Check a package, receipt, transparent statement or verification run offline
    #[command(after_help = verifying::EXIT_CODES)]
    Verify(verifying::Options),
    /// Check, record or make event envelopes of the ar.io family
    #[command(subcommand)]
    Envelope(envelope::Action),
    /// Check a whole data directory against its own hashes and signatures; changes nothing
    #[command(after_help = fsck::EXIT_CODES)]
    Fsck(fsck::Options),
    /// Copy a log, also while it is served
    Backup(backup::Options),
    /// Make a data directory from a backup, checked before it is there
    Restore(restore::Options),
    /// Throw the views away and make them again from the log
    Rebuild(rebuild::Options),
    /// Destroy the keys of content that must go, and record that; every proof stays valid
    Erase(erase::Options),
    /// Place, release or list legal holds, which no erasure passes
    #[command(subcommand)]
    Hold(hold::Action),
    /// Erase content that has been kept for its time
    Retain(retain::Options),
    /// Delete an AI system's content after a time of grace, or take that back
    #[command(subcommand)]
    System(system::Action),
    /// List what starts changed of guards, rules of masking and other safeguards; say why
    #[command(subcommand)]
    Configuration(configuration::Action),
    /// Lint, test and compare policies as files; put changes of them forward, confirm them and take them back
    #[command(subcommand)]
    Policy(policy::Action),
    /// Try the rules of masking on text and on a table of cases; nothing is sent
    #[command(subcommand)]
    Mask(mask::Action),
    /// Make people known and let them in; there is no password, and no person before the first is added
    #[command(subcommand)]
    Person(person::Action),
    /// Stop calls at once, by system, key, model, provider or altogether; list stops and lift them
    #[command(subcommand)]
    Stop(stop::Action),
    /// Hold what providers say they counted against the calls that went through the gateway
    #[command(subcommand)]
    Usage(usage::Action),
    /// Send canaries to the gateway's guards, and list which of them are proven to stop what they must
    #[command(subcommand)]
    Probe(probe::Action),
    /// Open declared routes that nothing looks into to one system until a day; list openings, confirm and withdraw them
    #[command(subcommand)]
    Opening(opening::Action),
    /// Say whose signed statements are registered (SCITT)
    #[command(subcommand)]
    Issuer(issuer::Action),
    /// As a root log: say which logs hand in their checkpoints here
    #[command(subcommand)]
    Shard(shard::Action),
    /// State a large file by its digest; register what others signed (SCITT)
    #[command(subcommand)]
    Statement(statement::Action),
    /// List, show, create, rotate or revoke keys
    #[command(subcommand)]
    Key(key::Action),
    /// Change the key that the keys of content are wrapped under
    #[command(subcommand)]
    Vault(vault::Action),
    /// Have somebody outside vouch for checkpoints: what is covered, what waits, once more now
    #[command(subcommand)]
    Anchor(anchor::Action),
    /// Check what a server needs: permissions, configuration, keys, space, the lock
    Doctor(doctor::Options),
    /// Hold the log and serve the control plane and the local socket until told to stop
    Serve(serve::Options),
    /// Be a witness: cosign the checkpoints of other logs (C2SP tlog-witness)
    Witness(witness::Options),
    /// The whole story on sample data of a fictional bank
    Demo(demo::Options),
}

impl Cli {
    /// Carries the command out.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Init(options) => init::run(&options),
            Command::Record(options) => record::run(&options),
            Command::Log(action) => log::run(&action),
            Command::Export(options) => export::run(&options),
            Command::Verify(options) => verifying::run(&options),
            Command::Envelope(action) => envelope::run(&action),
            Command::Fsck(options) => fsck::run(&options),
            Command::Backup(options) => backup::run(&options),
            Command::Restore(options) => restore::run(&options),
            Command::Rebuild(options) => rebuild::run(&options),
            Command::Erase(options) => erase::run(&options),
            Command::Hold(action) => hold::run(&action),
            Command::Access(options) => access::run(&options),
            Command::Retain(options) => retain::run(&options),
            Command::System(action) => system::run(&action),
            Command::Configuration(action) => configuration::run(&action),
            Command::Policy(action) => policy::run(&action),
            Command::Mask(action) => mask::run(&action),
            Command::Person(action) => person::run(&action),
            Command::Stop(action) => stop::run(&action),
            Command::Usage(action) => usage::run(&action),
            Command::Probe(action) => probe::run(&action),
            Command::Opening(action) => opening::run(&action),
            Command::Issuer(action) => issuer::run(&action),
            Command::Shard(action) => shard::run(&action),
            Command::Statement(action) => statement::run(&action),
            Command::Key(action) => key::run(&action),
            Command::Vault(action) => vault::run(&action),
            Command::Anchor(action) => anchor::run(&action),
            Command::Doctor(options) => doctor::run(&options),
            Command::Serve(options) => serve::run(&options),
            Command::Witness(options) => witness::run(&options),
            Command::Demo(options) => demo::run(&options),
        }
    }
}
