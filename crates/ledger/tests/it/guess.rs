//! What somebody who holds the whole data directory, keys included, can confirm by guessing. Written from docs/formats.md §3 and §13 alone.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use tabellion_ledger::disk::{Disk, OpenMode, read_exact_at};
use tabellion_model::{Disclosure, Header, derive_seed, salt};

/// Bytes of a slot of the vault's key table.
const SLOT: usize = 256;

/// Every byte of the data directory, file by file.
pub(crate) struct Loot(Vec<(String, Vec<u8>)>);

impl Loot {
    pub(crate) fn of(disk: &dyn Disk) -> Self {
        let mut files = Vec::new();
        for dir in ["", "log", "log/segments", "vault", "keys"] {
            for name in disk.list(dir).expect("a directory of the log") {
                let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
                let file = disk.open(&path, OpenMode::Read).expect("a file");
                let mut bytes = vec![0; usize::try_from(file.len().expect("a length")).expect("small")];
                read_exact_at(file.as_ref(), 0, &mut bytes).expect("readable");
                files.push((path, bytes));
            }
        }
        Self(files)
    }

    fn file(&self, path: &str) -> &[u8] {
        &self.0.iter().find(|(name, _)| name == path).expect("a file of every log").1
    }

    /// The vault keys that the master key opens, live or not.
    fn unwrapped(&self) -> Vec<[u8; 32]> {
        let master: serde_json::Value =
            serde_json::from_slice(self.file("keys/vault.key")).expect("a key file is one JSON line");
        let secret = master["secret"].as_str().expect("its secret");
        let secret = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, secret)
            .or_else(|_| hex::decode(secret))
            .expect("its secret is text");
        let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(<[u8; 32]>::try_from(secret).expect("256 bits")));
        let open = |slot: &[u8]| {
            let nonce: [u8; 12] = slot[132..144].try_into().expect("12 bytes");
            let payload = Payload { msg: &slot[144..192], aad: &slot[..128] };
            <[u8; 32]>::try_from(cipher.decrypt(&Nonce::from(nonce), payload).ok()?).ok()
        };
        self.file("vault/keys").chunks_exact(SLOT).skip(1).filter_map(open).collect()
    }

    /// Whether a digest of `header` can be shown to be that of field `name` with `value`: by any salt or key that lies anywhere in the directory
    /// or can be unwrapped with what does.
    pub(crate) fn confirms(&self, header: &Header, name: &str, value: &str) -> bool {
        let digest_of = |salt| Disclosure::new(salt, name, value.into()).expect("a field").digest();
        let is_there = |digest: &String| header.units.iter().any(|unit| unit.digests.contains(digest));
        let by_key = |key: &[u8; 32]| {
            let salts = header.units.iter().map(|unit| salt(&derive_seed(key, &unit.id), name));
            salts.map(digest_of).any(|digest| is_there(&digest))
        };
        let lying_about = self.0.iter().flat_map(|(_, bytes)| bytes.windows(32)).any(|window| {
            if window.iter().map(|byte| u32::from(*byte == 0)).sum::<u32>() > 8 {
                return false; // padding: eight zeros in 32 random bytes come once in 10^13
            }
            let key: [u8; 32] = window.try_into().expect("32 bytes");
            let salt: [u8; 16] = window[..16].try_into().expect("16 bytes");
            by_key(&key) || is_there(&digest_of(salt))
        });
        lying_about || self.unwrapped().iter().any(by_key)
    }
}
