//! Transparency log proofs: one byte form, and the inclusion that they show.

use tabellion_tlog::{
    Checkpoint, MAX_PATH_HASHES, MAX_PROOF_BYTES, SignedCheckpoint, TlogProof, TlogProofError,
    inclusion_path_of, root_of,
};

use crate::reference::{key, leaves};

pub(crate) fn proof(extra: Option<&[u8]>) -> TlogProof {
    let leaves = leaves(11);
    let checkpoint = Checkpoint {
        origin: "example.com/log/acme".to_owned(),
        size: 11,
        root: root_of(leaves.iter().copied()),
    };
    TlogProof {
        extra: extra.map(<[u8]>::to_vec),
        index: 6,
        path: inclusion_path_of(&leaves, 6).unwrap(),
        checkpoint: SignedCheckpoint::sign(&checkpoint, &key(1)).unwrap(),
    }
}

#[test]
fn what_is_written_is_read_and_proves_the_entry() {
    for extra in [None, Some(b"extra data".as_slice())] {
        let proof = proof(extra);
        let text = proof.to_string();
        assert_eq!(
            TlogProof::parse(text.as_bytes()),
            Ok(proof.clone()),
            "a proof was read differently than written"
        );
        let checkpoint = proof.signed_checkpoint().unwrap().checkpoint;
        assert_eq!(
            proof.verify_inclusion(&leaves(11)[6], &checkpoint),
            Ok(()),
            "the proof does not prove its entry"
        );
        assert!(
            proof.verify_inclusion(&leaves(11)[7], &checkpoint).is_err(),
            "the proof proves another entry"
        );
    }
    let mut lone = proof(None);
    lone.path.clear();
    assert_eq!(
        TlogProof::parse(lone.to_string().as_bytes()),
        Ok(lone),
        "a log of one entry has an empty path"
    );
}

#[test]
fn other_forms_of_a_proof_are_refused() {
    let good = proof(Some(b"extra")).to_string();
    let hash = good.lines().nth(3).unwrap().to_owned();
    let refused = [
        (1, String::new()),
        (1, good.replace("@v1", "@v2")),
        (1, format!("\n{good}")),
        (2, good.replace("extra ", "extra  ")),
        (2, good.replace("extra ZXh0cmE=", "extra ")),
        (2, good.replace("extra ZXh0cmE=", "extra ZXh0cmE")),
        (2, good.replace("extra ZXh0cmE=", "extra ZXh0cmF=")),
        (2, good.replace("extra ZXh0cmE=\n", "\n")),
        (3, good.replace("index 6", "index 06")),
        (3, good.replace("index 6", "index +6")),
        (3, good.replace("index 6", "index 6 ")),
        (3, good.replace("index 6", "Index 6")),
        (3, good.replace("index 6", "index 18446744073709551616")),
        (4, good.replace(&hash, "AAAA")),
        (4, good.replace(&hash, &format!("{hash} "))),
    ];
    for (line, text) in refused {
        assert_ne!(text, good, "the test changes nothing");
        let error = TlogProof::parse(text.as_bytes());
        let named = matches!(error, Err(TlogProofError::Line { line: found, .. }) if found == line);
        assert!(named, "{text:?} was read, or line {line} not named: {error:?}");
    }
    for text in [
        format!("{good}x"),
        format!("{good}\n"),
        good.trim_end().to_owned(),
        good.replace("\n\n", "\n\n\n"),
        good.replace('\n', "\r\n"),
    ] {
        assert!(TlogProof::parse(text.as_bytes()).is_err(), "{text:?} was read as a proof");
    }
    for end in 0..good.len() {
        assert!(TlogProof::parse(&good.as_bytes()[..end]).is_err(), "a proof cut at byte {end} was read");
    }
}

#[test]
fn proofs_have_limits() {
    let mut long = proof(None);
    long.path = vec![leaves(1)[0]; MAX_PATH_HASHES];
    assert!(
        TlogProof::parse(long.to_string().as_bytes()).is_ok(),
        "the longest path of any tree was refused"
    );
    long.path.push(leaves(1)[0]);
    assert!(TlogProof::parse(long.to_string().as_bytes()).is_err(), "an endless path was read");
    let big = proof(Some(&vec![0; MAX_PROOF_BYTES])).to_string();
    assert!(
        matches!(TlogProof::parse(big.as_bytes()), Err(TlogProofError::TooLong(_))),
        "an endless proof was read"
    );
}
