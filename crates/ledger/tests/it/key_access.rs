//! Keys that do not lie in the open: files under a passphrase, and a token that comes and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tabellion_ledger::disk::{self, Disk};
use tabellion_ledger::keyring::{KeyAccess, Passphrase, Token, WrappedSecret, are_encrypted, encrypt_keys};
use tabellion_ledger::{
    BackupError, BackupList, By, Draft, LaterErasures, Ledger, LedgerError, OpenOptions, OsEntropy, Reader,
    UnitContent, back_up, backup_list, fsck, put_back, restore_content,
};
use tabellion_model::body::{Body as _, VaultKeyKeeping, VaultRotationBegun};
use tabellion_model::{KeyId, Purpose, verify};
use tabellion_testkit::{Fault, Image, SimDisk};
use tabellion_tlog::{PublicKey, Signer, SignerError, SigningKey};
use zeroize::Zeroizing;

use crate::fixture::{new_log, options, real, trust};

fn under(passphrase: &'static str) -> KeyAccess {
    KeyAccess::default().with_passphrase(Box::new(move || {
        Ok(Passphrase::new(Zeroizing::new(passphrase.to_owned())).expect("a passphrase"))
    }))
}

fn with(keys: KeyAccess) -> OpenOptions {
    OpenOptions { keys, background: false, ..options() }
}

const OLD: &str = "the first passphrase";
const NEW: &str = "the second passphrase";

#[test]
fn encrypting_that_is_cut_short_anywhere_leaves_every_key_usable_and_is_made_good() {
    let disk = SimDisk::new();
    let files: Arc<dyn Disk> = Arc::new(disk.clone());
    Ledger::create(Arc::clone(&files), &new_log(), &with(KeyAccess::default()))
        .expect("a log")
        .close()
        .expect("a clean end");
    let base = disk.image();
    // Each file is written, synced, renamed, and its directory synced. Each step opens keys a dozen times, which is made slow on purpose: so not every one.
    let steps = (0..).step_by(9).take_while(|at| cut_short(&base, *at)).count();
    assert!(steps >= 3, "eight files are replaced one by one; only {steps} steps failed");
}

/// The power goes at the operation `at`; `false`: it was over before.
fn cut_short(base: &Image, at: u64) -> bool {
    let disk = SimDisk::from_image(base.clone());
    disk.fail_at(at, Fault::PowerOff, at);
    let failed = encrypt_keys(&disk, &KeyAccess::default(), &under(OLD), &OsEntropy).is_err();
    disk.crash(at);
    let after = SimDisk::from_image(disk.image());
    let files: Arc<dyn Disk> = Arc::new(after.clone());
    let ledger = Ledger::open(Arc::clone(&files), &with(under(OLD)))
        .unwrap_or_else(|error| panic!("after step {at} failed, the log does not open: {error}"));
    ledger.append(&Draft::new("document.captured").with("number", 1)).expect("and records");
    ledger.close().expect("a clean end");
    encrypt_keys(&after, &KeyAccess::default(), &under(OLD), &OsEntropy).expect("a second run makes it good");
    assert!(
        are_encrypted(&after).expect("a vault key"),
        "after step {at} a second run left keys in the open"
    );
    Ledger::open(files, &with(under(NEW))).map(drop).expect_err("any passphrase opens the log");
    failed
}

/// A token in memory that can be taken away.
#[derive(Default)]
struct Drawer {
    is_away: Arc<AtomicBool>,
    keys: std::sync::Mutex<Vec<Arc<SigningKey>>>,
    wrapped: std::sync::Mutex<Vec<[u8; 32]>>,
}

struct Drawn(Arc<SigningKey>, Arc<AtomicBool>);

impl Signer for Drawn {
    fn public(&self) -> PublicKey {
        self.0.public()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        if self.1.load(Ordering::SeqCst) {
            return Err(SignerError("the token is away".to_owned()));
        }
        Ok(self.0.sign(message))
    }
}

impl Token for Drawer {
    fn create(&self, _: Purpose) -> Result<Arc<dyn Signer>, String> {
        let mut keys = self.keys.lock().expect("nobody panicked");
        let key = Arc::new(SigningKey::from_seed(&[keys.len() as u8 + 1; 32]));
        keys.push(Arc::clone(&key));
        Ok(Arc::new(Drawn(key, Arc::clone(&self.is_away))))
    }

    fn signer(&self, _: &KeyId, public: &PublicKey) -> Result<Arc<dyn Signer>, String> {
        let keys = self.keys.lock().expect("nobody panicked");
        let key =
            keys.iter().find(|key| key.public() == *public).ok_or("the token does not hold this key")?;
        Ok(Arc::new(Drawn(Arc::clone(key), Arc::clone(&self.is_away))))
    }

    fn wrap(&self, key: Option<[u8; 16]>, secret: &[u8; 32]) -> Result<WrappedSecret, String> {
        let mut wrapped = self.wrapped.lock().expect("nobody panicked");
        wrapped.push(*secret);
        Ok(WrappedSecret { key: key.unwrap_or([7; 16]), bytes: vec![wrapped.len() as u8] })
    }

    fn unwrap(&self, wrapped: &WrappedSecret) -> Result<Zeroizing<[u8; 32]>, String> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err("the token is away".to_owned());
        }
        let number = usize::from(wrapped.bytes.first().copied().unwrap_or(0));
        let secret = self.wrapped.lock().expect("nobody panicked").get(number.wrapping_sub(1)).copied();
        secret.map(Zeroizing::new).ok_or_else(|| "the token does not hold the wrapping key".to_owned())
    }
}

#[test]
fn without_its_token_the_log_signs_nothing_and_goes_on_when_it_is_back() {
    for background in [false, true] {
        let (_dir, disk, ledger) = real();
        ledger.close().expect("a clean end");
        let token = Arc::new(Drawer::default());
        let is_away = Arc::clone(&token.is_away);
        let keys = KeyAccess::default().with_token(token, vec![Purpose::Log, Purpose::Writer]);
        let options = OpenOptions { background, ..with(keys) };
        let ledger = Ledger::open(Arc::clone(&disk), &options).expect("an old log opens beside a new token");
        let draft = Draft::new("document.captured").with("number", 1);
        let before = ledger.append(&draft).expect("the old key still signs");
        ledger.rotate_key(Purpose::Log).expect("the log key moves into the token");
        ledger.rotate_key(Purpose::Writer).expect("and the writer's");
        let ack = ledger.append(&draft).expect("the token signs");

        is_away.store(true, Ordering::SeqCst);
        let (size, checkpoint) = (ledger.reader().size(), ledger.reader().checkpoint());
        for _ in 0..3 {
            let refused = ledger.append(&draft).expect_err("something was recorded without a signature");
            assert!(matches!(refused, LedgerError::Unavailable(_)), "the log must not die of it: {refused}");
            assert!(
                refused.to_string().contains("the token is away"),
                "the operator must learn why: {refused}"
            );
        }
        assert_eq!(ledger.reader().size(), size, "an entry without a checkpoint appeared");
        assert_eq!(ledger.reader().checkpoint(), checkpoint, "a checkpoint appeared");
        is_away.store(false, Ordering::SeqCst);
        let later = ledger.append(&draft).expect("the token is back");
        for index in [before.index, ack.index, later.index] {
            let receipt = ledger.reader().receipt(index).expect("a receipt").to_bytes().expect("its bytes");
            assert_eq!(
                verify(&receipt, Some(&trust(&ledger))).exit_code(),
                0,
                "entry {index} lost its proof"
            );
        }
        ledger.close().expect("a clean end");
        assert!(fsck(&disk, &options, &[]).is_sound(), "the log is damaged");
        Ledger::open(Arc::clone(&disk), &with(KeyAccess::default()))
            .map(drop)
            .expect_err("a log whose key is in a token opened without the token");
    }
}

fn shown(reader: &Reader) -> usize {
    let units = (0..reader.size()).flat_map(|index| reader.entry(index).expect("an entry").units);
    units.filter(|unit| matches!(unit.content, UnitContent::Shown(_))).count()
}

/// The files of a backup beside the keys of the log, and its list.
fn beside_keys_of(disk: &dyn Disk, backup: &SimDisk) -> (SimDisk, BackupList) {
    let there = SimDisk::new();
    let list = backup_list(backup).expect("a list");
    put_back(backup, &there, &list).expect("files");
    disk::create_dir_durably(&there, "keys").expect("a directory");
    for name in disk.list("keys").expect("keys") {
        let path = format!("keys/{name}");
        let bytes = disk::read_all(disk, &path, 4096).expect("a key");
        disk::write_file_durably(&there, &path, &bytes).expect("a key");
    }
    (there, list)
}

/// While the token is away neither backup opens, whatever key somebody makes up.
fn opens_nowhere(disk: &dyn Disk, backups: [&SimDisk; 2], options: &OpenOptions) {
    for backup in backups {
        let (there, list) = beside_keys_of(disk, backup);
        let refused = restore_content(&there, &list, options, &LaterErasures::default());
        assert!(
            matches!(refused, Err(BackupError::Open(_))),
            "a backup opens without the customer's key: {refused:?}"
        );
        // Whoever has the files makes up a key of the vault's, which a restored table would be wrapped under.
        let made_up = SimDisk::new();
        Ledger::create(Arc::new(made_up.clone()), &new_log(), &with(KeyAccess::default())).expect("a log");
        let key = disk::read_all(&made_up, "keys/vault.key", 4096).expect("a key");
        disk::write_file_durably(&there, "keys/vault.key", &key).expect("a key");
        let refused = restore_content(&there, &list, options, &LaterErasures::default());
        assert!(
            matches!(refused, Err(BackupError::Open(_))),
            "the key of a backup lies open beside the token: {refused:?}"
        );
    }
}

/// A customer keeps the key that the vault opens with. Taking it away closes all content, of backups as well, and the log still verifies; giving it back
/// brings everything back.
///
/// Requirement: P18
#[test]
fn without_the_customers_key_no_content_opens_and_the_log_still_verifies() {
    let (_dir, disk, ledger) = real();
    let trust = trust(&ledger);
    let draft = Draft::new("document.captured").with("number", 1);
    let before = ledger.append(&draft).expect("an append");
    ledger.close().expect("a clean end");
    let earlier = SimDisk::new();
    back_up(&disk, &with(KeyAccess::default()), &earlier).expect("a backup from before");
    let token = Arc::new(Drawer::default());
    let is_away = Arc::clone(&token.is_away);
    let keys = KeyAccess::default().with_token(token, Vec::new()).with_vault_in_token();
    let options = with(keys);
    let ledger = Ledger::open(Arc::clone(&disk), &options).expect("a vault of before opens beside the token");
    ledger
        .rotate_vault_key("the customer keeps it", &By::default())
        .expect("the vault's key moves into the token");
    let after = ledger.append(&draft).expect("an append");
    let receipts = [before.index, after.index]
        .map(|index| ledger.reader().receipt(index).expect("a receipt").to_bytes().expect("its bytes"));
    let content = shown(ledger.reader());
    ledger.close().expect("a clean end");
    let file = disk::read_all(disk.as_ref(), "keys/vault.key", 4096).expect("the key's file");
    let file = String::from_utf8(file).expect("text");
    assert!(file.contains("pkcs11") && !file.contains("secret"), "the key lies beside the token");
    let backup = SimDisk::new();
    back_up(&disk, &options, &backup).expect("a backup");

    is_away.store(true, Ordering::SeqCst);
    let refused = [
        Ledger::open(Arc::clone(&disk), &options).map(drop).expect_err("opened for writing without the key"),
        Reader::open(Arc::clone(&disk), &options).map(drop).expect_err("opened for reading without the key"),
    ];
    for refused in refused.map(|refused| refused.to_string()) {
        assert!(refused.contains("[vault_key_withdrawn]"), "no program can tell: {refused}");
        assert!(refused.contains("the token is away"), "the operator must learn why: {refused}");
    }
    for receipt in &receipts {
        assert_eq!(verify(receipt, Some(&trust)).exit_code(), 0, "a receipt hangs on the customer's key");
    }
    let report = fsck(&disk, &options, &[]);
    assert!(
        report.findings.iter().all(|found| found.contains("[vault_key_withdrawn]")),
        "{:?}",
        report.findings
    );
    assert!(
        report.counts.get("entries").is_some_and(|entries| *entries > after.index),
        "{:?}",
        report.counts
    );
    opens_nowhere(disk.as_ref(), [&earlier, &backup], &options);

    is_away.store(false, Ordering::SeqCst);
    for backup in [&earlier, &backup] {
        let (there, list) = beside_keys_of(disk.as_ref(), backup);
        restore_content(&there, &list, &options, &LaterErasures::default()).expect("the backup opens again");
    }
    let ledger = Ledger::open(Arc::clone(&disk), &options).expect("it opens again");
    assert_eq!(shown(ledger.reader()), content, "something was lost meanwhile");
    ledger.append(&draft).expect("and goes on");
    ledger.close().expect("a clean end");
    assert!(fsck(&disk, &options, &[]).is_sound(), "the log is damaged");
}

/// Requirement: P18. That the vault's key leaves the token stands on record, with the account of whoever had it done.
#[test]
fn the_record_of_a_rotation_says_who_and_how_the_key_is_kept() {
    let (_dir, disk, ledger) = real();
    ledger.append(&Draft::new("document.captured").with("number", 1)).expect("an append");
    ledger.close().expect("a clean end");
    let token = Arc::new(Drawer::default());
    let beside = || under(OLD).with_token(Arc::clone(&token) as Arc<dyn Token>, Vec::new());
    let steps = [
        (beside().with_vault_in_token(), VaultKeyKeeping::File, VaultKeyKeeping::Token),
        (beside(), VaultKeyKeeping::Token, VaultKeyKeeping::File),
        (beside().encrypting(), VaultKeyKeeping::File, VaultKeyKeeping::Passphrase),
    ];
    for (keys, from, to) in steps {
        let ledger = Ledger::open(Arc::clone(&disk), &with(keys)).expect("it opens");
        let size = ledger.reader().size();
        for reason in ["", " "] {
            let refused = ledger.rotate_vault_key(reason, &By::default());
            assert!(matches!(refused, Err(LedgerError::Rejected { .. })), "no reason: {refused:?}");
        }
        assert_eq!(ledger.reader().size(), size, "what was refused is on record");
        let done = ledger.rotate_vault_key("moved", &By::at_the_machine(Some("notary"))).expect("a rotation");
        let view = ledger.reader().entry(done.begun).expect("the record");
        let fields = view.units.iter().filter_map(|unit| match &unit.content {
            UnitContent::Shown(fields) => Some(fields),
            UnitContent::Erased | UnitContent::Missing => None,
        });
        let fields = fields.flatten().map(|field| (field.name().to_owned(), field.value().clone())).collect();
        let begun = VaultRotationBegun::read(fields).expect("its body");
        assert_eq!((begun.from, begun.to), (Some(from), Some(to)), "nobody sees that the key lies elsewhere");
        assert_eq!(begun.account.as_deref(), Some("notary"), "nobody sees who had it done");
        ledger.close().expect("a clean end");
    }
}
