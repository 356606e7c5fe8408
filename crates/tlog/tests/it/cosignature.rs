//! ML-DSA-44 cosignatures: held against a second implementation, and every part of what they sign.

use fips204::ml_dsa_44::{KG, PublicKey};
use fips204::traits::{KeyGen as _, SerDes as _, Signer as _, Verifier as _};
use tabellion_tlog::{
    Checkpoint, MlDsaPublicKey, MlDsaSigningKey, Note, NoteError, SignatureType, SignedCheckpoint,
    VerifierKey, VerifierKeyError, cosign_ml_dsa, leaf_hash,
};

use crate::reference::key;

const NAME: &str = "witness.example/w1";
const TIME: u64 = 1_679_315_147;

pub(crate) fn secret(number: u8) -> MlDsaSigningKey {
    MlDsaSigningKey::from_seed(&[number; 32])
}

pub(crate) fn witness(number: u8) -> VerifierKey {
    VerifierKey::ml_dsa(NAME, secret(number).public().clone()).unwrap()
}

pub(crate) fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "example.com/log/acme".to_owned(), size: 7, root: leaf_hash(b"root") }
}

fn signed() -> SignedCheckpoint {
    let note = SignedCheckpoint::sign(&checkpoint(), &key(1)).unwrap();
    SignedCheckpoint::parse(note.as_bytes()).unwrap()
}

/// What the specification says is signed, written from its text alone.
fn message(name: &str, time: u64, checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = b"subtree/v1\n\0".to_vec();
    bytes.push(u8::try_from(name.len()).unwrap());
    bytes.extend(name.as_bytes());
    bytes.extend(time.to_be_bytes());
    bytes.push(u8::try_from(checkpoint.origin.len()).unwrap());
    bytes.extend(checkpoint.origin.as_bytes());
    bytes.extend([0; 8]);
    bytes.extend(checkpoint.size.to_be_bytes());
    bytes.extend(checkpoint.root.as_bytes());
    bytes
}

#[test]
fn a_second_implementation_makes_the_same_keys_and_signatures() {
    for number in 1..=5 {
        let (theirs, their_secret) = KG::keygen_from_seed(&[number; 32]);
        let ours = secret(number);
        let bytes = theirs.clone().into_bytes();
        assert_eq!(ours.public().as_bytes(), &bytes, "one seed gives two keys");
        assert_eq!(*ours.seed(), [number; 32], "a key file would hold another key");
        let text = [number; 100];
        let signature = ours.sign(&text).unwrap();
        let again = their_secret.try_sign_with_seed(&[0; 32], &text, &[]).unwrap();
        assert!(signature == again, "the deterministic signature of FIPS 204 is another one elsewhere");
        assert!(theirs.verify(&text, &signature, &[]), "our signature is refused elsewhere");
        let hedged = their_secret.try_sign_with_seed(&[9; 32], &text, &[]).unwrap();
        let read = MlDsaPublicKey::from_bytes(&bytes);
        assert_eq!(
            read.verify(&text, &hedged),
            Ok(()),
            "a randomised signature of another implementation is refused"
        );
        assert!(read.verify(b"other", &hedged).is_err(), "a signature fits another text");
        let other_context = their_secret.try_sign_with_seed(&[9; 32], &text, b"x").unwrap();
        assert!(read.verify(&text, &other_context).is_err(), "a signature made for another use was believed");
    }
}

#[test]
fn a_cosignature_signs_name_time_origin_size_and_root() {
    let line = cosign_ml_dsa(&checkpoint(), NAME, TIME, &secret(3)).unwrap();
    let theirs = PublicKey::try_from_bytes(*secret(3).public().as_bytes()).unwrap();
    let signature: [u8; 2420] = line.signature[8..].try_into().unwrap();
    assert_eq!(line.signature[..8], TIME.to_be_bytes(), "the time stands first");
    assert!(
        theirs.verify(&message(NAME, TIME, &checkpoint()), &signature, &[]),
        "not what the specification says is signed"
    );

    let cosigned = signed().with_signatures(std::slice::from_ref(&line));
    let read = SignedCheckpoint::parse(cosigned.bytes.as_bytes()).unwrap();
    let verified = read.verify_any(&[witness(3)]).unwrap();
    assert_eq!(
        (verified[0].kind, verified[0].timestamp),
        (SignatureType::MlDsa44, Some(TIME)),
        "who and when"
    );
    assert_eq!(
        cosigned.with_signatures(std::slice::from_ref(&line)).note.signatures.len(),
        2,
        "a line stands twice"
    );

    let others: [fn(&mut Checkpoint); 3] = [
        |other| other.origin.push('x'),
        |other| other.size += 1,
        |other| other.root = leaf_hash(b"other root"),
    ];
    for change in others {
        let mut other = checkpoint();
        change(&mut other);
        let note = SignedCheckpoint::sign(&other, &key(1)).unwrap();
        let other =
            SignedCheckpoint::parse(note.as_bytes()).unwrap().with_signatures(std::slice::from_ref(&line));
        assert!(
            other.verify_any(&[witness(3)]).is_err(),
            "a witness would vouch for a tree that it never saw"
        );
    }
    for at in [0, 7, 8, 100, 2427] {
        let mut changed = line.clone();
        changed.signature[at] ^= 1;
        let changed = signed().with_signatures(&[changed]);
        assert!(changed.verify_any(&[witness(3)]).is_err(), "byte {at} of a cosignature does not matter");
    }
    let mut renamed = line.clone();
    let elsewhere = VerifierKey::ml_dsa("witness.example/w2", secret(3).public().clone()).unwrap();
    (renamed.name, renamed.key_id) = (elsewhere.name().to_owned(), elsewhere.id());
    let renamed = signed().with_signatures(&[renamed]);
    assert!(renamed.verify_any(&[elsewhere]).is_err(), "one witness's cosignature passed for another's");
}

#[test]
fn a_cosignature_without_a_time_or_over_more_than_a_checkpoint_witnesses_nothing() {
    assert_eq!(cosign_ml_dsa(&checkpoint(), NAME, 0, &secret(3)), Err(NoteError::Timestamp(0)), "no time");
    let long = "w".repeat(256);
    assert!(
        matches!(
            cosign_ml_dsa(&checkpoint(), &long, TIME, &secret(3)),
            Err(NoteError::Key(VerifierKeyError::CosignerName))
        ),
        "a name that its length byte cannot hold"
    );
    // Zero is allowed to cosigners that are no witnesses.
    let mut line = cosign_ml_dsa(&checkpoint(), NAME, TIME, &secret(3)).unwrap();
    line.signature = [[0; 8].as_slice(), &secret(3).sign(&message(NAME, 0, &checkpoint())).unwrap()].concat();
    let verified = signed().with_signatures(&[line]).verify_any(&[witness(3)]).unwrap();
    assert_eq!(verified[0].timestamp, None, "a time was made up");
    // It says nothing about extension lines, so it is not believed beside them.
    let text = format!("{}extension\n", checkpoint().text());
    let line = cosign_ml_dsa(&checkpoint(), NAME, TIME, &secret(3)).unwrap();
    let note = Note::parse(format!("{text}\n{line}\n").as_bytes()).unwrap();
    assert!(note.verify(&[witness(3)]).is_err(), "a text that nobody signed was believed");
}

#[test]
fn a_key_of_type_06_is_read_back_and_belongs_to_no_other_type() {
    let text = witness(3).to_string();
    let read: VerifierKey = text.parse().unwrap();
    assert_eq!(
        (&read, read.kind()),
        (&witness(3), SignatureType::MlDsa44),
        "a policy could not name this witness"
    );
    assert_eq!(read.ed25519(), None, "an ML-DSA key is no Ed25519 key");
    assert_eq!(
        VerifierKey::with_type(NAME, key(1).public(), SignatureType::MlDsa44),
        Err(VerifierKeyError::OtherType),
        "32 bytes passed for 1,312"
    );
    assert!(!format!("{:?}", secret(3)).contains(&hex::encode([3; 32])), "a secret was printed");
}
