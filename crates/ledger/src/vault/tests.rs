//! The key table by itself: its bytes, its life cycle, and what torn and damaged slots do to it.

use std::io;
use std::sync::atomic::{AtomicU16, Ordering};

use tabellion_model::{Micros, SystemId, VaultKeyId};
use tabellion_tlog::{Hash, sha256};
use zeroize::Zeroizing;

use super::slot::{IDENTITY, SECRET, SLOT};
use super::{Found, KeyFilter, KeyScope, KeyTable, MasterKey, MasterKeys, RetentionClass, VAULT_DIR};
use crate::disk::real::RealDisk;
use crate::disk::{self, Disk as _, OpenMode};
use crate::entropy::Entropy;
use crate::error::OpenError;

const TABLE: &str = "vault/keys";
const MASTER: [u8; 32] = [42; 32];
const NOW: Micros = Micros(1_790_000_000_000_000);

/// Bytes that repeat and never recur: the n-th fill is all n, up to 255.
#[derive(Default)]
struct Counting(AtomicU16);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        let [low, high] = (self.0.fetch_add(1, Ordering::SeqCst) + 1).to_le_bytes();
        bytes.fill(low);
        if let Some(first) = bytes.first_mut() {
            *first ^= high;
        }
        Ok(())
    }
}

struct Bench {
    disk: RealDisk,
    entropy: Counting,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> (Self, KeyTable) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let disk = RealDisk::create(dir.path()).expect("a data directory");
        disk.create_dir_all(VAULT_DIR).expect("a directory");
        let table = KeyTable::create(&disk, &origin(), MasterKey::new(&MASTER)).expect("a new table");
        (Self { disk, entropy: Counting::default(), _dir: dir }, table)
    }

    fn open(&self, dying: &[VaultKeyId]) -> Result<KeyTable, OpenError> {
        KeyTable::open(&self.disk, &origin(), masters(MASTER), dying)
    }

    fn key(&self, table: &mut KeyTable, scope: &KeyScope) -> (VaultKeyId, Zeroizing<[u8; 32]>) {
        table.key_for(scope, NOW, &self.entropy).expect("a key")
    }

    fn bytes(&self) -> Vec<u8> {
        disk::read_all(&self.disk, TABLE, 1 << 20).expect("the table can be read")
    }

    fn put(&self, bytes: &[u8]) {
        self.disk.remove(TABLE).expect("the table is there");
        let file = self.disk.open(TABLE, OpenMode::CreateNew).expect("a new file");
        file.write_at(0, bytes).expect("a write");
    }
}

fn masters(key: [u8; 32]) -> MasterKeys {
    MasterKeys { vault: MasterKey::new(&key), next: None }
}

fn origin() -> Hash {
    sha256(b"test.example/log/acme")
}

fn scope(subject: u8) -> KeyScope {
    KeyScope {
        system: Some(SystemId::from_bytes([7; 16])),
        class: RetentionClass::new("standard").expect("a class"),
        month: 202_610,
        subject: Some([subject; 32]),
        call: None,
        own: false,
    }
}

fn refusal(result: Result<KeyTable, OpenError>) -> String {
    result.err().map(|error| error.to_string()).expect("this table must be refused")
}

fn is(table: &KeyTable, id: &VaultKeyId, key: &[u8; 32]) -> bool {
    matches!(table.get(id), Found::Live(found) if *found == *key)
}

#[test]
fn a_slot_has_the_bytes_that_the_format_page_says() {
    let (bench, mut table) = Bench::new();
    let (id, _) = bench.key(&mut table, &scope(9));
    table.make_durable().expect("durable");
    let bytes = bench.bytes();
    let slot = bytes.get(SLOT..2 * SLOT).expect("one slot after the header");
    let mut expected = vec![1, 0, 0, 0];
    expected.extend_from_slice(id.as_bytes());
    expected.extend_from_slice(&NOW.0.to_le_bytes());
    expected.extend_from_slice(&[1, 8]); // kind subject, eight letters
    expected.extend_from_slice(b"standard");
    expected.resize(60, 0);
    expected.extend_from_slice(&202_610_u32.to_le_bytes());
    expected.extend_from_slice(&[0; 4]);
    expected.extend_from_slice(&[9; 32]);
    expected.extend_from_slice(&[7; 16]);
    expected.resize(124, 0);
    assert_eq!(
        slot.get(4..IDENTITY),
        Some(expected.as_slice()),
        "another version could not read this key's scope"
    );
    assert_eq!(
        slot.get(..4),
        Some(crc32c::crc32c(&expected).to_le_bytes().as_slice()),
        "the checksum is elsewhere"
    );
    assert_eq!(slot.get(128..132), Some([1, 0, 0, 0].as_slice()), "a live key would read as destroyed");
    assert_eq!(
        slot.get(132..144),
        Some([3; 12].as_slice()),
        "the nonce, third of the random draws, is elsewhere"
    );
    assert_eq!(slot.get(192..), Some([0; 64].as_slice()), "bytes of no meaning are not zero");
    assert_eq!(bytes.get(..12), Some(b"TBLVKEY1\x01\0\0\0".as_slice()), "the header names another format");
    assert_eq!(bytes.get(16..48), Some(origin().as_bytes().as_slice()), "the table is bound to no log");
    let crc = crc32c::crc32c(bytes.get(..252).expect("a header")).to_le_bytes();
    assert_eq!(bytes.get(252..256), Some(crc.as_slice()), "the header's checksum is elsewhere");
    assert!(!bytes.windows(32).any(|window| window == [2; 32]), "the key itself stands on disk in the clear");
}

#[test]
fn a_durable_key_comes_back_and_one_scope_has_one_key() {
    let (bench, mut table) = Bench::new();
    let (ada, ada_key) = bench.key(&mut table, &scope(1));
    let (bob, bob_key) = bench.key(&mut table, &scope(2));
    assert_eq!(
        bench.key(&mut table, &scope(1)).0,
        ada,
        "each record of a subject would get a key of its own"
    );
    let own = KeyScope { own: true, ..scope(1) };
    let (alone, again) = (bench.key(&mut table, &own).0, bench.key(&mut table, &own).0);
    assert_ne!(alone, again, "two records that are erasable alone would be erased together");
    assert_ne!(*ada_key, *bob_key, "two subjects share a key");
    table.make_durable().expect("durable");
    let mut table = bench.open(&[]).expect("the table opens");
    assert!(is(&table, &ada, &ada_key) && is(&table, &bob, &bob_key), "content would be lost");
    assert_eq!(bench.key(&mut table, &scope(2)).0, bob, "a subject's key is not found again after a start");
    assert!(matches!(table.get(&VaultKeyId::from_bytes([0xee; 16])), Found::Unknown), "a key from nowhere");
    assert_eq!((table.live_keys(), table.notes().len()), (4, 0), "keys are lost or made up");
}

#[test]
fn a_destroyed_key_is_gone_from_disk_and_its_scope_starts_anew() {
    let (bench, mut table) = Bench::new();
    let (ada, _) = bench.key(&mut table, &scope(1));
    let (bob, bob_key) = bench.key(&mut table, &scope(2));
    table.destroy(&[ada]).expect("destroyed, though it was not even durable yet");
    table.destroy(&[ada]).expect("destroying twice changes nothing");
    assert!(
        matches!(table.get(&ada), Found::Destroyed) && !table.is_live(&ada),
        "the key is still in memory"
    );
    let secret = bench.bytes().get(SLOT + SECRET..2 * SLOT).map(<[u8]>::to_vec);
    assert_eq!(secret, Some(vec![0; SLOT - SECRET]), "the wrapped key is still on disk");
    let (fresh, _) = bench.key(&mut table, &scope(1));
    assert_ne!(fresh, ada, "new content would be sealed under a destroyed key");
    table.make_durable().expect("durable");
    let mut table = bench.open(&[]).expect("the table opens");
    assert!(matches!(table.get(&ada), Found::Destroyed), "a destroyed key came back");
    assert!(is(&table, &bob, &bob_key), "another subject's content went with it");
    assert_eq!(bench.key(&mut table, &scope(1)).0, fresh, "the scope's new key is not found again");
    assert_eq!(
        table.scope(&ada).map(|scope| scope.month),
        Some(202_610),
        "what the key was for is forgotten"
    );
}

#[test]
fn keys_are_found_by_what_they_are_for() {
    let (bench, mut table) = Bench::new();
    let old = KeyScope { month: 202_601, ..scope(1) };
    let foreign = KeyScope { system: None, subject: None, ..scope(1) };
    let [old, ada, bob, foreign] =
        [old, scope(1), scope(2), foreign].map(|scope| bench.key(&mut table, &scope).0);
    let class = |name| RetentionClass::new(name).expect("a class");
    let subject = KeyFilter { subject: Some([1; 32]), ..KeyFilter::default() };
    assert_eq!(
        table.find(&subject),
        [old, ada],
        "erasing a subject would miss a month or hit another subject"
    );
    let system = KeyFilter { system: Some(SystemId::from_bytes([7; 16])), ..KeyFilter::default() };
    assert_eq!(
        table.find(&system),
        [old, ada, bob],
        "deleting a system would miss content or take another's"
    );
    let expired = KeyFilter { class: Some((class("standard"), 202_609)), ..KeyFilter::default() };
    assert_eq!(table.find(&expired), [old], "retention would expire the wrong months");
    let other = KeyFilter { class: Some((class("evidence"), 999_912)), ..KeyFilter::default() };
    assert!(table.find(&other).is_empty(), "one class's retention would expire another's content");
    table.destroy(&[ada, foreign]).expect("destroyed");
    assert_eq!(table.find(&subject), [old], "a destroyed key is ordered destroyed again");
}

/// Requirement: P48
#[test]
fn a_calls_keys_are_found_by_the_call_and_are_nobody_elses() {
    let (bench, mut table) = Bench::new();
    let of_call = |call: u8| KeyScope { subject: None, call: Some([call; 12]), ..scope(1) };
    let person = KeyScope { subject: Some([1; 32]), ..of_call(3) };
    let (first, first_key) = bench.key(&mut table, &of_call(3));
    let (of_person, _) = bench.key(&mut table, &person);
    let (other, _) = bench.key(&mut table, &of_call(4));
    let shared = bench.key(&mut table, &KeyScope { subject: None, ..scope(1) }).0;
    assert_eq!(bench.key(&mut table, &of_call(3)).0, first, "the end of a call would outlive its erasure");
    table.make_durable().expect("durable");
    let slot = bench.bytes().get(SLOT..2 * SLOT).expect("a slot").to_vec();
    assert_eq!(
        (slot.get(32), slot.get(68..72), slot.get(120..128)),
        (Some(&4), Some([3; 4].as_slice()), Some([3; 8].as_slice())),
        "another version could not tell whose call it is"
    );
    let mut table = bench.open(&[]).expect("the table opens");
    let call = |call: u8| KeyFilter { call: Some([call; 12]), ..KeyFilter::default() };
    assert_eq!(table.find(&call(3)), [first, of_person], "erasing a call would miss what is kept of it");
    assert!(is(&table, &first, &first_key), "content would be lost");
    let subject = KeyFilter { subject: Some([1; 32]), ..KeyFilter::default() };
    assert_eq!(table.find(&subject), [of_person], "erasing a person would miss their calls");
    table.destroy(&table.find(&call(3))).expect("destroyed");
    assert!(table.is_live(&other) && table.is_live(&shared), "another call's content went with it");
}

#[test]
fn another_master_key_and_another_log_are_told_apart() {
    let (bench, mut table) = Bench::new();
    bench.key(&mut table, &scope(1));
    table.make_durable().expect("durable");
    let wrong = refusal(KeyTable::open(&bench.disk, &origin(), masters([1; 32]), &[]));
    assert!(wrong.contains("vault.key"), "the operator is not told which file is wrong: {wrong}");
    let foreign = refusal(KeyTable::open(&bench.disk, &sha256(b"other"), masters(MASTER), &[]));
    assert!(foreign.contains("another log"), "the operator is not told what is mixed up: {foreign}");
    for at in 0..SLOT {
        let mut bytes = bench.bytes();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 4;
        }
        let whole = bench.bytes();
        bench.put(&bytes);
        refusal(bench.open(&[]));
        bench.put(&whole);
    }
}

#[test]
fn a_key_whose_writing_was_cut_short_is_left_out_and_hurts_no_other() {
    let (bench, mut table) = Bench::new();
    let (ada, ada_key) = bench.key(&mut table, &scope(1));
    table.make_durable().expect("durable");
    let before = bench.bytes();
    let (bob, bob_key) = bench.key(&mut table, &scope(2));
    let (eve, eve_key) = bench.key(&mut table, &scope(3));
    table.make_durable().expect("durable");
    let after = bench.bytes();
    for torn in before.len()..=after.len() {
        bench.put(after.get(..torn).expect("a prefix"));
        let mut table = bench.open(&[]).unwrap_or_else(|error| panic!("torn at byte {torn}: {error}"));
        assert!(is(&table, &ada, &ada_key), "torn at byte {torn}: an older key is lost");
        for (id, key) in [(&bob, &bob_key), (&eve, &eve_key)] {
            let harmless = is(&table, id, key) || !table.is_live(id);
            assert!(harmless, "torn at byte {torn}: content would be sealed under a key that is not on disk");
        }
        // The table goes on: a new key overwrites what was cut short, and both come back.
        let (next, next_key) = bench.key(&mut table, &scope(4));
        table.make_durable().expect("durable");
        let table = bench.open(&[]).unwrap_or_else(|error| panic!("torn at byte {torn}, one later: {error}"));
        assert!(
            is(&table, &ada, &ada_key) && is(&table, &next, &next_key),
            "torn at byte {torn}: the next key is lost"
        );
    }
    // The later of two slots may reach the disk alone.
    let mut reordered = after.clone();
    for byte in reordered.iter_mut().skip(before.len()).take(SLOT) {
        *byte = 0;
    }
    bench.put(&reordered);
    let table = bench.open(&[]).expect("the table opens");
    assert!(
        is(&table, &ada, &ada_key) && is(&table, &eve, &eve_key) && !table.knows(&bob),
        "a slot took another's place"
    );
    assert!(table.notes().iter().any(|note| note.contains("slot 2")), "the operator is not told of the slot");
}

#[test]
fn a_flipped_bit_never_gives_another_key() {
    let (bench, mut table) = Bench::new();
    let (ada, key) = bench.key(&mut table, &scope(1));
    bench.key(&mut table, &scope(2));
    table.make_durable().expect("durable");
    let whole = bench.bytes();
    for at in SLOT..2 * SLOT {
        let mut bytes = whole.clone();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 0x20;
        }
        bench.put(&bytes);
        let table = bench.open(&[]).expect("the log decides whether the key is needed");
        assert!(
            is(&table, &ada, &key) || !table.knows(&ada),
            "byte {at}: content would read as erased or as garbage"
        );
    }
}

#[test]
fn a_destruction_that_was_cut_short_is_finished() {
    let (bench, mut table) = Bench::new();
    let (ada, key) = bench.key(&mut table, &scope(1));
    table.make_durable().expect("durable");
    let before = bench.bytes();
    table.destroy(&[ada]).expect("destroyed");
    let after = bench.bytes();
    for torn in SLOT + SECRET..=2 * SLOT {
        let mixed = [after.get(..torn), before.get(torn..)].map(Option::unwrap_or_default).concat();
        bench.put(&mixed);
        let mut table = bench.open(&[ada]).unwrap_or_else(|error| panic!("torn at byte {torn}: {error}"));
        assert!(
            is(&table, &ada, &key) || matches!(table.get(&ada), Found::Destroyed),
            "torn at byte {torn}: neither"
        );
        table.destroy(&[ada]).expect("destroyed");
        assert_eq!(bench.bytes(), after, "torn at byte {torn}: part of a destroyed key stays on disk");
    }
}

#[test]
fn settling_writes_what_was_seen_and_changes_nothing() {
    let (bench, mut table) = Bench::new();
    let (ada, _) = bench.key(&mut table, &scope(1));
    bench.key(&mut table, &scope(2));
    table.make_durable().expect("durable");
    let before = bench.bytes();
    let mut table = bench.open(&[]).expect("the table opens");
    table.settle(0, |id| *id == ada).and_then(|()| table.settle(0, |_| false)).expect("settled");
    assert_eq!(bench.bytes(), before, "settling changed a key");
}
