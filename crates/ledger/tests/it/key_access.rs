//! Keys that do not lie in the open: files under a passphrase, and a token that comes and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tabellion_ledger::disk::Disk;
use tabellion_ledger::keyring::{KeyAccess, Passphrase, Token, are_encrypted, encrypt_keys};
use tabellion_ledger::{Draft, Ledger, LedgerError, OpenOptions, OsEntropy, fsck};
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
