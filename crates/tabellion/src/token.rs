//! Keys in a PKCS#11 token: signing keys and keys that wrap the vault's, made there, never seen here.
//!
//! Promises: a signature is checked before it leaves, so that a token that errs signs nothing wrong; a token that went away and came back is used again; while it is
//! away nothing is signed. Must never: take a key out, or fall back to a key in a file.

use std::ffi::c_ulong;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use tabellion_ledger::keyring::{Token, WrappedSecret};
use tabellion_ledger::{Entropy as _, OsEntropy};
use tabellion_model::{KeyId, Purpose};
use tabellion_tlog::{PublicKey, Signer, SignerError};
use zeroize::Zeroizing;

use crate::config::TokenSettings;

/// `CKA_EC_PARAMS` of Ed25519: the object identifier of RFC 8410, and the name that PKCS#11 3.0 has beside it. Tokens know one or the other.
const CURVES: [&[u8]; 2] = [&[0x06, 0x03, 0x2b, 0x65, 0x70], b"\x13\x0cedwards25519"];

/// Bytes of a nonce of AES-GCM, and bits of its tag (NIST SP 800-38D).
const NONCE: usize = 12;
const TAG_BITS: c_ulong = 128;
/// Bytes of an AES-256 key.
const AES_256_BYTES: c_ulong = 32;

/// A token, used when it is first needed.
pub(crate) struct Pkcs11Token(Arc<Slot>);

/// The token as it is configured, and the session with it while there is one.
struct Slot {
    settings: TokenSettings,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Loaded once, and ended before it is loaded again: a module must not be initialised twice in a process.
    module: Option<Pkcs11>,
    session: Option<Session>,
}

impl Pkcs11Token {
    /// The token of `settings`. Nothing is loaded yet.
    pub(crate) fn new(settings: TokenSettings) -> Self {
        Self(Arc::new(Slot { settings, open: Mutex::default() }))
    }
}

impl Token for Pkcs11Token {
    fn create(&self, purpose: Purpose) -> Result<Arc<dyn Signer>, String> {
        let public = self.0.with(|session| create(session, purpose))?;
        self.signer(&KeyId(public.key_id()), &public)
    }

    fn signer(&self, key_id: &KeyId, public: &PublicKey) -> Result<Arc<dyn Signer>, String> {
        let signer = TokenKey { slot: Arc::clone(&self.0), key_id: *key_id, public: *public };
        // A key that is not there is found out now and not at the first record.
        self.0.with(|session| find(session, key_id))?;
        Ok(Arc::new(signer))
    }

    fn wrap(&self, key: Option<[u8; 16]>, secret: &[u8; 32]) -> Result<WrappedSecret, String> {
        let (mut nonce, mut fresh) = ([0; NONCE], [0; 16]);
        let drawn = OsEntropy.fill(&mut nonce).and_then(|()| OsEntropy.fill(&mut fresh));
        drawn.map_err(|error| format!("the operating system gives no random bytes: {error}"))?;
        let id = key.unwrap_or(fresh);
        let wrapped = self.0.with(|session| {
            let key =
                if key.is_some() { find_wrapping(session, &id)? } else { create_wrapping(session, &id)? };
            // The parameters are asked to be changeable: some tokens write the nonce they used.
            let mut given = nonce;
            let sealed = session.encrypt(&gcm(&mut given)?, key, secret).map_err(Trouble::Token)?;
            Ok([given.as_slice(), &sealed].concat())
        })?;
        Ok(WrappedSecret { key: id, bytes: wrapped })
    }

    fn unwrap(&self, wrapped: &WrappedSecret) -> Result<Zeroizing<[u8; 32]>, String> {
        let opened = self.0.with(|session| {
            let key = find_wrapping(session, &wrapped.key)?;
            let (nonce, sealed) = wrapped
                .bytes
                .split_first_chunk::<NONCE>()
                .ok_or_else(|| Trouble::Ours("what it wrapped is cut short".to_owned()))?;
            let mut nonce = *nonce;
            session.decrypt(&gcm(&mut nonce)?, key, sealed).map(Zeroizing::new).map_err(Trouble::Token)
        })?;
        let secret: [u8; 32] = opened
            .as_slice()
            .try_into()
            .map_err(|_| format!("{} gave something that is no key", self.0.name()))?;
        Ok(Zeroizing::new(secret))
    }
}

/// One key of the token.
struct TokenKey {
    slot: Arc<Slot>,
    key_id: KeyId,
    public: PublicKey,
}

impl Signer for TokenKey {
    fn public(&self) -> PublicKey {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerError> {
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure));
        let signed = self.slot.with(|session| {
            let key = find(session, &self.key_id)?;
            session.sign(&mechanism, key, message).map_err(Trouble::Token)
        });
        let signature = signed.map_err(SignerError)?;
        let signature: [u8; 64] = signature
            .try_into()
            .map_err(|_| SignerError(format!("{} gave something that is no signature", self.slot.name())))?;
        self.public.verify(message, &signature).map_err(|_| {
            SignerError(format!(
                "{} gave a signature that does not verify; it was not used",
                self.slot.name()
            ))
        })?;
        Ok(signature)
    }
}

/// What can go wrong inside a session.
enum Trouble {
    /// The token said so.
    Token(Error),
    /// We say so of what it holds.
    Ours(String),
}

/// Why there is no session, or why nothing came of it.
struct Refused {
    why: String,
    /// Whether to try again could do harm: tokens count wrong PINs.
    is_final: bool,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { why, is_final: false }
    }
}

impl Open {
    /// Ends the module, so that the next session starts it anew.
    fn end_module(&mut self) {
        self.session = None;
        if let Some(module) = self.module.take() {
            // Another user of it in this process may have ended it already; starting it says what is wrong.
            drop(module.finalize());
        }
    }
}

impl Slot {
    fn name(&self) -> String {
        format!("the token {:?}", self.settings.label)
    }

    /// Does `work` in a session; once more in a new one when the token refuses, and once more with the module started anew, since the token may have been
    /// away: a module looks for tokens when it starts.
    fn with<T>(&self, work: impl Fn(&Session) -> Result<T, Trouble>) -> Result<T, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Ok(done)) = open.session.as_ref().map(&work) {
            return Ok(done);
        }
        let was_started = open.module.is_some();
        let tried = match self.in_new_session(&mut open, &work) {
            Err(refused) if was_started && !refused.is_final => {
                open.end_module();
                self.in_new_session(&mut open, &work)
            }
            tried => tried,
        };
        tried.map_err(|refused| refused.why)
    }

    /// Does `work` in a new session, which is kept when that went well.
    fn in_new_session<T>(
        &self,
        open: &mut Open,
        work: &impl Fn(&Session) -> Result<T, Trouble>,
    ) -> Result<T, Refused> {
        open.session = None;
        let session = self.session(open)?;
        let done = work(&session).map_err(|trouble| match trouble {
            Trouble::Ours(why) => why,
            Trouble::Token(error) => format!("{} refuses: {error}. Look after the token", self.name()),
        })?;
        open.session = Some(session);
        Ok(done)
    }

    /// A session that is logged in.
    fn session(&self, open: &mut Open) -> Result<Session, Refused> {
        let module = match &open.module {
            Some(module) => module.clone(),
            None => open.module.insert(self.load()?).clone(),
        };
        let name = self.name();
        let refuses = |error: Error| format!("{name} cannot be used: {error}. Look after the token");
        let slots = module.get_slots_with_token().map_err(refuses)?;
        let slot = slots.into_iter().find(|slot| {
            module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == self.settings.label)
        });
        let slot = slot.ok_or_else(|| {
            format!("{name} is not there. Put it in, start what serves it, or correct [pkcs11] token")
        })?;
        let session = module.open_rw_session(slot).map_err(refuses)?;
        let pin = self.settings.pin.as_ref().ok_or_else(|| {
            format!("{name} needs a PIN. Name where it is: [pkcs11] pin_file, pin_env or pin_credential")
        })?;
        let pin = pin.read().map_err(|why| format!("the PIN of {name} is not to be had: {why}"))?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.as_str().into()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                let why = format!(
                    "{name} refuses the PIN. Correct it; most tokens lock themselves after a few wrong ones"
                );
                Err(Refused { why, is_final: true })
            }
            Err(error) => Err(refuses(error).into()),
        }
    }

    fn load(&self) -> Result<Pkcs11, String> {
        let path = self.settings.module.as_deref().unwrap_or_else(|| "".as_ref());
        let name = path.display();
        if cfg!(target_feature = "crt-static") {
            return Err(format!(
                "a static program cannot load the module {name}. Use a program that is linked to the system's C library, or keys in encrypted files"
            ));
        }
        if !path.is_file() {
            return Err(format!(
                "there is no module {name}. Install the token's PKCS#11 library, or correct [pkcs11] module"
            ));
        }
        let module = Pkcs11::new(path).map_err(|error| {
            format!("the module {name} cannot be loaded: {error}. Is it the PKCS#11 library of your token?")
        })?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, Function::Initialize)) => {
                Ok(module)
            }
            Err(error) => Err(format!(
                "the module {name} does not start: {error}. Look after the token and its configuration"
            )),
        }
    }
}

/// AES-256-GCM (`CKM_AES_GCM`) with a tag of 16 bytes.
fn gcm(nonce: &mut [u8; NONCE]) -> Result<Mechanism<'_>, Trouble> {
    let params = GcmParams::new(nonce, &[], TAG_BITS.into()).map_err(Trouble::Token)?;
    Ok(Mechanism::AesGcm(params))
}

/// Makes the key that wraps the vault's, which the token never gives out.
fn create_wrapping(session: &Session, id: &[u8; 16]) -> Result<ObjectHandle, Trouble> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen(AES_256_BYTES.into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Label(b"tabellion vault".to_vec()),
        Attribute::Id(id.to_vec()),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template).map_err(Trouble::Token)
}

fn find_wrapping(session: &Session, id: &[u8; 16]) -> Result<ObjectHandle, Trouble> {
    let wanted = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Id(id.to_vec())];
    let found = session.find_objects(&wanted).map_err(Trouble::Token)?;
    found.first().copied().ok_or_else(|| {
        Trouble::Ours(format!(
            "the token does not hold the wrapping key {}. Put in the token that does",
            hex::encode(id)
        ))
    })
}

/// Makes a key pair and gives it its id, by which it is found again.
fn create(session: &Session, purpose: Purpose) -> Result<PublicKey, Trouble> {
    let label = format!("tabellion {purpose}").into_bytes();
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::KeyType(KeyType::EC_EDWARDS),
        Attribute::Label(label.clone()),
    ];
    let mut refused = None;
    for curve in CURVES {
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Verify(true),
            Attribute::KeyType(KeyType::EC_EDWARDS),
            Attribute::EcParams(curve.to_vec()),
            Attribute::Label(label.clone()),
        ];
        match session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private) {
            Ok((public, private)) => return adopt(session, public, private),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or_else(|| Trouble::Ours("no curve was tried".to_owned()), Trouble::Token))
}

fn adopt(session: &Session, public: ObjectHandle, private: ObjectHandle) -> Result<PublicKey, Trouble> {
    let point = session.get_attributes(public, &[AttributeType::EcPoint]).map_err(Trouble::Token)?;
    let point = point.into_iter().find_map(|attribute| match attribute {
        Attribute::EcPoint(point) => Some(point),
        _ => None,
    });
    let key = point.as_deref().and_then(point_of);
    let key = key.ok_or_else(|| Trouble::Ours("the token made a key that is not Ed25519".to_owned()))?;
    let id = [Attribute::Id(key.key_id().0.to_vec())];
    for object in [public, private] {
        session.update_attributes(object, &id).map_err(Trouble::Token)?;
    }
    Ok(key)
}

/// A `CKA_EC_POINT`: the 32 bytes, in an OCTET STRING as the standard has it, or plain as some tokens do.
fn point_of(point: &[u8]) -> Option<PublicKey> {
    let bytes = point.strip_prefix(&[0x04, 0x20]).unwrap_or(point);
    PublicKey::from_bytes(bytes.try_into().ok()?).ok()
}

fn find(session: &Session, key_id: &KeyId) -> Result<ObjectHandle, Trouble> {
    let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(key_id.0.0.to_vec())];
    let found = session.find_objects(&wanted).map_err(Trouble::Token)?;
    found.first().copied().ok_or_else(|| {
        Trouble::Ours(format!(
            "the token does not hold the key {}. Put in the token that does, or revoke the key and grant a new one (tabellion key)",
            key_id.0
        ))
    })
}
