//! Signed notes and vkeys: the specification's example, the rules on known and unknown keys, one byte form.

use tabellion_tlog::{
    MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, PublicKeyError, SignatureType, SigningKey, VerifierKey,
    VerifierKeyError, cosign, sign_note,
};

use crate::reference::key;

/// The example of C2SP signed-note.
const SPEC_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

const TEXT: &str = "one\n\ntwo\n";

fn vkey(name: &str, number: u8) -> VerifierKey {
    VerifierKey::new(name, key(number).public()).unwrap()
}

fn signed() -> String {
    sign_note(TEXT, "example.com/log", &key(1)).unwrap()
}

#[test]
fn the_example_of_the_specification_verifies() {
    let key: VerifierKey = SPEC_KEY.parse().unwrap();
    assert_eq!(key.to_string(), SPEC_KEY, "a vkey that was read is written differently");
    assert_eq!((key.name(), key.id()), ("example.com/foo", 0x530d_903a), "the parts of a vkey");
    let note = Note::parse(SPEC_NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), SPEC_NOTE, "a note that was read is written differently");
    let verified = note.verify(&[key]).unwrap();
    assert_eq!(verified[0].name, "example.com/foo", "the published note was not signed by its key");
    assert_eq!(verified[0].timestamp, None, "a note signature claims no time");
}

#[test]
fn a_signed_note_is_read_and_believed() {
    let note = Note::parse(signed().as_bytes()).unwrap();
    assert_eq!(note.text, TEXT, "an empty line in the text was taken for its end");
    assert_eq!(note.verify(&[vkey("example.com/log", 1)]).unwrap().len(), 1, "our own note is not believed");
    for bad in ["", "no newline", "control\u{1}\n", "tab\t\n", "return\r\n"] {
        assert_eq!(
            sign_note(bad, "n", &key(1)),
            Err(NoteError::NotText),
            "{bad:?} was signed and nobody can read it"
        );
    }
    assert!(sign_note(TEXT, "a name", &key(1)).is_err(), "a name with a space was put into a signature line");
    assert!(
        matches!(sign_note(&"x\n".repeat(MAX_NOTE_BYTES), "n", &key(1)), Err(NoteError::TooLong(_))),
        "an endless note was made"
    );
}

#[test]
fn unknown_signatures_are_ignored_and_wrong_known_ones_refuse_the_note() {
    let known = vkey("example.com/log", 1);
    let keys = std::slice::from_ref(&known);
    let mut note = Note::parse(signed().as_bytes()).unwrap();
    let good = note.signatures[0].clone();

    let mut other_name = good.clone();
    other_name.name = "example.com/other".to_owned();
    let mut other_id = good.clone();
    other_id.key_id ^= 1;
    note.signatures = vec![other_name.clone(), other_id.clone(), good.clone()];
    assert!(
        note.verify(keys).is_ok(),
        "lines that share only a name or only an id with a known key were not ignored"
    );

    note.signatures = vec![other_name, other_id];
    let error = NoteError::NoKnownKey { signers: "example.com/other, example.com/log".to_owned() };
    assert_eq!(note.verify(keys), Err(error), "a note without a known signature was believed");
    assert!(note.verify(&[]).is_err(), "a note was believed without any key");

    let bad_signature = Err(NoteError::BadSignature { name: "example.com/log".to_owned() });
    for broken in
        [vec![1], vec![0; 64], good.signature[..63].to_vec(), [good.signature.as_slice(), &[0]].concat()]
    {
        let mut wrong = good.clone();
        wrong.signature = broken;
        note.signatures = vec![good.clone(), wrong.clone()];
        assert_eq!(
            note.verify(keys),
            bad_signature,
            "a wrong signature by a known key behind a good one was accepted"
        );
        note.signatures = vec![wrong];
        assert_eq!(note.verify(keys), bad_signature, "a wrong signature by a known key was accepted");
    }
    note.signatures = vec![good.clone(), good.clone()];
    assert_eq!(note.verify(keys).unwrap().len(), 1, "one key counted twice");
    note.signatures = vec![good];
    note.text = "one\n\ntwO\n".to_owned();
    assert_eq!(note.verify(keys), bad_signature, "a changed text was believed");
}

#[test]
fn cosignatures_bind_text_and_time() {
    let witness =
        VerifierKey::with_type("witness.example", key(2).public(), SignatureType::CosignatureV1).unwrap();
    let mut note = Note::parse(signed().as_bytes()).unwrap();
    let line = cosign(TEXT, "witness.example", 1_679_315_147, &key(2)).unwrap();
    note.signatures.push(line.clone());
    let note_again = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(note_again, note, "a cosigned note was read differently");
    let verified = note.verify(&[vkey("example.com/log", 1), witness.clone()]).unwrap();
    assert_eq!(verified.len(), 2, "the log or the witness is missing");
    assert_eq!(verified[1].timestamp, Some(1_679_315_147), "the witness's time was lost");
    for at in [0, 7, 8, 71] {
        note.signatures[1] = line.clone();
        note.signatures[1].signature[at] ^= 1;
        assert!(
            note.verify(std::slice::from_ref(&witness)).is_err(),
            "byte {at} of a cosignature does not matter"
        );
    }
    assert_eq!(
        cosign(TEXT, "w", 1 << 63, &key(2)),
        Err(NoteError::Timestamp(1 << 63)),
        "a time beyond the specification"
    );
    let late = 1u64 << 63;
    let message = format!("cosignature/v1\ntime {late}\n{TEXT}");
    note.signatures[1].signature = [late.to_be_bytes().as_slice(), &key(2).sign(message.as_bytes())].concat();
    assert!(
        note.verify(std::slice::from_ref(&witness)).is_err(),
        "a time beyond the specification was believed"
    );
    // The same key as a note key has another id, so its cosignature is not taken for a note signature.
    note.signatures = vec![line];
    let as_note_key = vkey("witness.example", 2);
    assert!(
        matches!(note.verify(&[as_note_key]), Err(NoteError::NoKnownKey { .. })),
        "a cosignature passed for a signature"
    );
}

/// Two keys found by trial whose ids under one name are the same.
#[test]
fn keys_that_cannot_be_told_apart_are_named() {
    let twin = |number: u32| {
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        SigningKey::from_seed(&seed)
    };
    let twins = [twin(114_838), twin(116_370)];
    let keys = twins.each_ref().map(|key| VerifierKey::new("example.com/log", key.public()).unwrap());
    assert_eq!(keys[0].id(), keys[1].id(), "the test's keys are no twins");
    let note = Note::parse(sign_note(TEXT, "example.com/log", &twins[0]).unwrap().as_bytes()).unwrap();
    let error = NoteError::Ambiguous { name: "example.com/log".to_owned(), id: 0x6138_629e };
    assert_eq!(note.verify(&keys), Err(error), "which of two keys signed was guessed");
    assert!(note.verify(&keys[..1]).is_ok(), "a key was refused for a twin that nobody trusts");
    let bad = NoteError::BadSignature { name: "example.com/log".to_owned() };
    assert_eq!(note.verify(&keys[1..]), Err(bad), "a twin passed for the key that signed");
    assert!(note.verify(&[keys[0].clone(), keys[0].clone()]).is_ok(), "one key listed twice is one key");
}

#[test]
fn other_forms_of_a_note_are_refused() {
    let good = signed();
    let line = good.rsplit_once("\n\n").unwrap().1.to_owned();
    let base64 = line.trim_end().rsplit(' ').next().unwrap().to_owned();
    let no_signatures = [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        &format!("text\n{line}"),
        good.trim_end(),
        &format!("\n{line}"),
    ];
    for note in no_signatures {
        assert!(Note::parse(note.as_bytes()).is_err(), "{note:?} was read as a note");
    }
    let lines = [
        "-",
        "\u{2014}",
        "\u{2014} name",
        "\u{2014} name ",
        "\u{2014} name AAAAAA==",
        "\u{2014} name AAAA",
        "\u{2014}  name AAAAAAA=",
        "\u{2014} na+me AAAAAAA=",
        "\u{2014} n\u{a0}e AAAAAAA=",
        "\u{2014} name AAAAAAB=",
        "\u{2014} name AAAAAAA",
        "- name AAAAAAA=",
        "\u{2014} name AAAAAAA= ",
        " \u{2014} name AAAAAAA=",
        "\u{2014} name AAAAAAA= x",
    ];
    for bad in lines {
        let note = format!("text\n\n{bad}\n");
        assert!(Note::parse(note.as_bytes()).is_err(), "{note:?} was read as a note");
    }
    assert!(
        Note::parse("text\n\n\u{2014} name AAAAAAA=\n".as_bytes()).is_ok(),
        "the shortest signature line was refused"
    );
    for (from, to) in [("one", "o\u{7}ne"), ("one", "o\u{1f}ne"), ("one", "one\r"), ("one", "o\tne")] {
        assert_eq!(
            Note::parse(good.replace(from, to).as_bytes()),
            Err(NoteError::NotText),
            "a control character was read"
        );
    }
    assert_eq!(
        Note::parse(&[good.as_bytes(), &[0xff]].concat()),
        Err(NoteError::NotText),
        "bytes that are no text were read"
    );
    let url_safe = good.replace(&base64, &base64.replace('+', "-").replace('/', "_"));
    assert!(url_safe == good || Note::parse(url_safe.as_bytes()).is_err(), "another base64 was read");
}

#[test]
fn notes_have_limits() {
    let line = signed().rsplit_once("\n\n").unwrap().1.to_owned();
    let most = format!("text\n\n{}", line.repeat(MAX_SIGNATURES));
    assert_eq!(Note::parse(most.as_bytes()).unwrap().signatures.len(), 64, "64 signatures have to be read");
    let more = format!("text\n\n{}", line.repeat(MAX_SIGNATURES + 1));
    assert_eq!(
        Note::parse(more.as_bytes()),
        Err(NoteError::TooManySignatures(65)),
        "endless signatures were read"
    );
    let long = format!("{}\n\n{line}", "x".repeat(MAX_NOTE_BYTES));
    assert!(matches!(Note::parse(long.as_bytes()), Err(NoteError::TooLong(_))), "an endless note was read");
}

#[test]
fn wrong_verifier_keys_are_named() {
    let good = vkey("example.com/log", 1).to_string();
    assert_eq!(good.parse(), Ok(vkey("example.com/log", 1)), "our own vkey was refused");
    let material = good.rsplit_once('+').unwrap().1;
    for bad in [
        "",
        "+",
        "++",
        "name",
        "name+00000000",
        &good.to_uppercase(),
        &format!(" {good}"),
        &format!("{good} "),
        &good[..good.len() - 1],
    ] {
        assert!(bad.parse::<VerifierKey>().is_err(), "{bad:?} was read as a key");
    }
    let id = format!("{:08x}", vkey("example.com/log", 1).id());
    let renamed = good.replace("/log", "/lag").parse::<VerifierKey>();
    assert!(
        matches!(renamed, Err(VerifierKeyError::KeyId { .. })),
        "a key under a changed name was accepted: {renamed:?}"
    );
    let upper = good.replace(&id, &id.to_uppercase());
    assert!(upper == good || upper.parse::<VerifierKey>().is_err(), "a second spelling of a key id was read");
    assert!(format!("a b+{id}+{material}").parse::<VerifierKey>().is_err(), "a name with a space was read");

    // Type 0x06 (ML-DSA-44) with three bytes of key.
    let unknown = "example.com/log+00000000+BwECAw==".parse::<VerifierKey>().unwrap_err();
    assert_eq!(
        unknown,
        VerifierKeyError::UnknownType { name: "example.com/log".to_owned(), kind: 7 },
        "an unknown type"
    );
    assert!(unknown.to_string().contains("0x06"), "the error does not name the type: {unknown}");
    let short = "example.com/log+00000000+AQECAw==".parse::<VerifierKey>();
    assert_eq!(
        short,
        Err(VerifierKeyError::KeyLength { name: "example.com/log".to_owned(), found: 3, needed: 32 }),
        "a short key"
    );
    let weak = "example.com/log+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse::<VerifierKey>();
    let error =
        VerifierKeyError::Key { name: "example.com/log".to_owned(), source: PublicKeyError::SmallOrder };
    assert_eq!(weak, Err(error), "a key of small order was accepted");
}
