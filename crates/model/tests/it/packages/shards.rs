//! What a root log's package says of its shards.

use tabellion_model::key::rotate;
use tabellion_model::registry::{
    Divergence, Facts, KeyInfo, Purpose, ShardCheckpoint, ShardConflict, ShardKeyRotated, ShardRegistered,
    shard_stream,
};
use tabellion_model::{
    AspectStanding, Assurance, CredentialId, KeyId, Outcome, ProducerId, Report, SealedRecord, Statement,
    StreamName, verify,
};
use tabellion_tlog::{Hash, Policy, SigningKey, sha256};

use super::cut::Cut;
use super::fixture::{Log, key};

/// A root log, and the key that signs for its one shard.
struct Root {
    log: Log,
    /// Name of that key.
    signer: &'static str,
    version: u64,
}

impl Root {
    /// A root log by the keys of every golden file, whose first batch ends before anything about the shard.
    fn new() -> Self {
        let mut log = Log::new("notary.example", "a");
        log.open_epoch(1);
        log.seal();
        Self { log, signer: "shard log", version: 0 }
    }

    fn key(&self) -> SigningKey {
        key(self.signer)
    }

    fn origin() -> tabellion_model::Origin {
        tabellion_model::Origin::with("shard.example", "acme").unwrap()
    }

    fn say(&mut self, facts: &Facts) -> u64 {
        self.version += 1;
        let mut header = self.log.header(facts.kind().name(), self.log.own(), 1, None);
        header.stream = Some((StreamName::new(&shard_stream(&Self::origin())).unwrap(), self.version));
        header.clear = facts.to_clear();
        self.log.push_record(header)
    }

    fn register(&mut self) -> u64 {
        let (key, root_key) = (self.key().public(), key("shard root").public());
        self.say(&Facts::ShardRegistered(Box::new(ShardRegistered {
            key: KeyInfo::of(key),
            origin: Self::origin(),
            root_key: KeyInfo::of(root_key),
        })))
    }

    /// Another key signs from here on; `agreed`: and the one so far agreed.
    fn rotate(&mut self, agreed: bool) -> u64 {
        let new = key("shard log second");
        let old = if agreed { self.key() } else { key("somebody") };
        let credential = CredentialId::from_bytes([6; 16]);
        let mut rotation = rotate(credential, &Self::origin(), Purpose::Log, &old, &new).unwrap();
        rotation.old = KeyId::of(&self.key().public());
        self.signer = "shard log second";
        let record_sha256 = sha256(b"the shard's own record");
        let origin = Self::origin();
        self.say(&Facts::ShardKeyRotated(Box::new(ShardKeyRotated { origin, rotation, record_sha256 })))
    }

    /// What the shard signs for a tree of `size`, in its history `history`.
    fn shown(&self, size: u64, history: &str) -> ShardCheckpoint {
        let root: Hash = sha256(format!("root {size} of {history}").as_bytes());
        let mut shown = ShardCheckpoint {
            key: KeyId::of(&self.key().public()),
            origin: Self::origin(),
            root,
            signature: [0; 64],
            size,
        };
        shown.signature = self.key().sign(shown.checkpoint().text().as_bytes());
        shown
    }

    fn take(&mut self, size: u64) -> u64 {
        let shown = self.shown(size, "one history");
        self.say(&Facts::ShardCheckpointRecorded(shown))
    }

    fn conflict(&mut self, kind: Divergence, size: u64, known_size: u64) -> u64 {
        let (shown, proved) = (self.shown(size, "another"), kind == Divergence::Forked);
        self.say(&Facts::ShardConflictFound(ShardConflict { shown, kind, known_size, proved }))
    }

    /// A package of what came since the last seal.
    fn last_batch(&mut self) -> Vec<u8> {
        self.log.seal();
        let last = self.log.seals.len() - 1;
        self.log.package(&Cut { batches: (last, last), ..Cut::default() })
    }

    /// The verdict of a package of the batches from `first` on.
    fn report(&mut self, first: usize) -> Report {
        self.log.seal();
        let cut = Cut { batches: (first, self.log.seals.len() - 1), ..Cut::default() };
        verify(&self.log.package(&cut), Some(&Policy::parse(self.log.trust()).unwrap()))
    }
}

/// A batch in which a shard is registered, grows and rotates its key. With `conflict` the root log refused one of its checkpoints.
pub(super) fn rooted(conflict: bool) -> Vec<u8> {
    let mut root = Root::new();
    root.register();
    root.take(3);
    root.take(8);
    root.rotate(true);
    root.take(11);
    if conflict {
        root.conflict(Divergence::Forked, 8, 11);
        root.take(12);
    }
    root.last_batch()
}

/// A package that begins after the shard was registered, so that nothing in it says whose key signed.
pub(super) fn unregistered() -> Vec<u8> {
    let mut root = Root::new();
    root.register();
    root.take(3);
    root.log.seal();
    root.take(8);
    root.rotate(true);
    root.take(11);
    root.last_batch()
}

fn judged(report: &Report) -> (u8, Option<Outcome>, &str) {
    let check = report.check("shards");
    (report.exit_code(), check.map(|check| check.outcome), check.map_or("", |check| check.detail.as_str()))
}

fn inclusion(report: &Report) -> AspectStanding {
    report.aspects.iter().find(|aspect| aspect.name == "ledger inclusion").unwrap().standing
}

/// Requirement: B02. A reader of a root log's package learns what it says of each shard, and what of that was not checked.
#[test]
fn a_shard_that_only_grew_under_its_key_holds_and_what_was_not_checked_is_counted() {
    let mut root = Root::new();
    root.register();
    root.take(3);
    root.take(3);
    root.rotate(true);
    root.take(11);
    let report = root.report(2);
    let (exit, outcome, detail) = judged(&report);
    assert_eq!((exit, outcome), (0, Some(Outcome::Holds)), "{}", report.to_text());
    assert!(detail.starts_with("shards: 1, checkpoints: 3; not checked"), "{detail}");
    assert!(detail.ends_with("signatures of 0 records"), "what was checked is called unchecked: {detail}");
    // The batch before shows the key. Without it a rotation brings one, and what stands before that stays unchecked.
    let policy = Policy::parse(root.log.trust()).unwrap();
    let report = verify(&unregistered(), Some(&policy));
    let (exit, outcome, detail) = judged(&report);
    assert_eq!((exit, outcome), (0, Some(Outcome::Holds)), "{}", report.to_text());
    assert!(detail.ends_with("signatures of 2 records"), "a signature that nobody checked passes: {detail}");
    let plain = verify(&super::fixture::plain().package(&Cut::default()), Some(&policy));
    assert_eq!(plain.check("shards").map(|check| check.name), None, "a log without shards is asked for some");
}

/// Requirement: B02, A16. A root log that contradicts itself about a shard is found out by whoever holds its package.
#[test]
fn a_root_log_that_contradicts_itself_about_a_shard_is_broken() {
    type Act = fn(&mut Root) -> u64;
    let cases: [(&str, Act, &str); 6] = [
        ("a smaller tree", |root| root.take(2), "has 2 entries, and had 8 in entry"),
        (
            "another root for one size",
            |root| {
                let shown = root.shown(8, "another");
                root.say(&Facts::ShardCheckpointRecorded(shown))
            },
            "has another root for 8 entries than in entry",
        ),
        (
            "a signature of nobody",
            |root| {
                let shown = ShardCheckpoint { signature: [0; 64], ..root.shown(9, "one history") };
                root.say(&Facts::ShardCheckpointRecorded(shown))
            },
            "not signed by the key of shard.example/log/acme",
        ),
        (
            "another key's signature",
            |root| {
                root.signer = "somebody";
                root.take(9)
            },
            "not signed by the key of shard.example/log/acme",
        ),
        ("a key that nobody agreed to", |root| root.rotate(false), "did not sign for its successor"),
        (
            "a conflict that the shard never signed",
            |root| {
                let shown = ShardCheckpoint { signature: [0; 64], ..root.shown(8, "another") };
                let found = ShardConflict { shown, kind: Divergence::Forked, known_size: 8, proved: true };
                root.say(&Facts::ShardConflictFound(found))
            },
            "is not signed by its key",
        ),
    ];
    for (what, act, words) in cases {
        let mut root = Root::new();
        root.register();
        root.take(8);
        let index = act(&mut root);
        let report = root.report(2);
        let (exit, outcome, detail) = judged(&report);
        assert_eq!((exit, outcome), (1, Some(Outcome::Broken)), "{what} passes: {}", report.to_text());
        assert!(detail.contains(&format!("entry {index}: ")) && detail.contains(words), "{what}: {detail}");
        assert_eq!(inclusion(&report), AspectStanding::Broken, "{what} is in no aspect");
    }
}

/// Requirement: B02, R16. Nothing lifts a conflict of a shard, and it never passes for nothing.
#[test]
fn a_conflict_on_record_is_named_and_leaves_the_package_undetermined() {
    for (kind, words) in [
        (Divergence::Forked, "forked, at size 5, proved by its own signatures"),
        (Divergence::RolledBack, "rolled back, at size 5, not proved"),
    ] {
        let mut root = Root::new();
        root.register();
        root.take(5);
        root.take(8);
        let index = root.conflict(kind, 5, 8);
        root.take(9);
        let report = root.report(2);
        let (exit, outcome, detail) = judged(&report);
        assert_eq!((exit, outcome), (3, Some(Outcome::Undetermined)), "{}", report.to_text());
        assert!(detail.starts_with(&format!("entry {index}: ")) && detail.contains(words), "{detail}");
        assert_eq!(inclusion(&report), AspectStanding::NotChecked, "the conflict is in no aspect");
    }
}

/// Requirement: A16. A person who may sign statements cannot put words about a shard into the root log's mouth.
#[test]
fn what_an_actor_signed_is_not_the_root_log_s_word() {
    let mut root = Root::new();
    root.register();
    root.take(8);
    let facts = Facts::ShardCheckpointRecorded(root.shown(2, "one history"));
    let producer = ProducerId::of_key(&KeyId::of(&root.log.keys[&Purpose::Actor].public()));
    let mut header = root.log.header(facts.kind().name(), producer, 1, None);
    header.assurance = Assurance::Signed;
    header.clear = facts.to_clear();
    let entry = Statement::sign(&SealedRecord { header }, &root.log.keys[&Purpose::Actor]).unwrap();
    root.log.push(entry);
    let report = root.report(2);
    let (exit, outcome, detail) = judged(&report);
    assert_eq!((exit, outcome), (0, Some(Outcome::Holds)), "{}", report.to_text());
    assert!(detail.starts_with("shards: 1, checkpoints: 1;"), "a statement counts as taken: {detail}");
}
