//! `add-checkpoint`: the request's one form, and every rule by which a witness refuses.

use tabellion_tlog::{
    AddCheckpoint, Checkpoint, Hash, MAX_CONSISTENCY_HASHES, Refused, SignedCheckpoint, parse_conflict_size,
    parse_signature_lines,
};

use crate::reference::{consistency, key, leaves, root};

const ORIGIN: &str = "example.com/log/acme";

fn tree(size: u64) -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size, root: root(&leaves(size)) }
}

fn proof(old: u64, new: u64) -> Vec<Hash> {
    if old == 0 || old == new { Vec::new() } else { consistency(usize::try_from(old).unwrap(), &leaves(new)) }
}

pub(crate) fn request(old: u64, new: u64) -> AddCheckpoint {
    let note = SignedCheckpoint::sign(&tree(new), &key(1)).unwrap();
    let checkpoint = SignedCheckpoint::parse(note.as_bytes()).unwrap();
    AddCheckpoint { old_size: old, proof: proof(old, new), checkpoint }
}

#[test]
fn a_request_reads_back_and_has_one_form() {
    let text = request(3, 7).to_string();
    assert!(
        text.starts_with("old 3\n") && text.contains("\n\nexample.com/log/acme\n7\n"),
        "the form of the specification: {text}"
    );
    assert_eq!(
        AddCheckpoint::parse(text.as_bytes()),
        Ok(request(3, 7)),
        "a witness would read something else"
    );
    let first = request(0, 7).to_string();
    assert!(first.starts_with("old 0\n\nexample.com"), "a first request carries no proof: {first}");
    for (what, bad) in [
        ("a leading zero", text.replacen("old 3", "old 03", 1)),
        ("another first word", text.replacen("old", "new", 1)),
        ("no size", text.replacen("old 3\n", "", 1)),
        ("a size beyond any tree", text.replacen("old 3", "old 9223372036854775808", 1)),
        ("a short hash", text.replacen('=', "", 1)),
        ("a carriage return", text.replacen('\n', "\r\n", 1)),
        ("no signature", text.split("\n\u{2014}").next().unwrap().to_owned()),
        ("an extension line", text.replacen("\n7\n", "\n7\nmore\n", 1)),
        (
            "64 hashes",
            text.replacen('\n', &format!("\n{}", format!("{}\n", line()).repeat(MAX_CONSISTENCY_HASHES)), 1),
        ),
        ("bytes after the end", format!("{text}x")),
        ("nothing", String::new()),
    ] {
        assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{what} was accepted");
    }
}

fn line() -> String {
    request(1, 2).to_string().lines().nth(1).unwrap().to_owned()
}

/// Each row of the specification's list, in its order.
#[test]
fn a_witness_cosigns_extensions_and_nothing_else() {
    let (five, other_five) = (tree(5), Checkpoint { root: root(&leaves(6)), ..tree(5) });
    assert_eq!(request(5, 9).check(Some(&five)), Ok(()), "an honest log is refused");
    assert_eq!(request(0, 9).check(None), Ok(()), "a new log is refused");
    assert_eq!(request(5, 5).check(Some(&five)), Ok(()), "the same tree again is refused");
    assert_eq!(request(0, 0).check(None), Ok(()), "an empty log is refused");
    let larger = AddCheckpoint { old_size: 10, ..request(5, 9) };
    assert_eq!(larger.check(Some(&tree(10))), Err(Refused::Sizes { old: 10, new: 9 }), "a log went back");
    for (old, latest) in [(4, 5), (6, 5), (0, 5), (5, 0)] {
        let latest_tree = (latest > 0).then(|| tree(latest));
        let refused = request(old, 9).check(latest_tree.as_ref());
        assert_eq!(refused, Err(Refused::OtherSize { latest }), "old size {old}, newest {latest}");
    }
    let forked = request(5, 9).check(Some(&other_five));
    assert!(matches!(forked, Err(Refused::Inconsistent(_))), "two histories were cosigned");
    let same_size = request(5, 5).check(Some(&other_five));
    assert!(matches!(same_size, Err(Refused::Inconsistent(_))), "two roots of one size were cosigned");
    let padded = AddCheckpoint { proof: proof(5, 9), old_size: 0, ..request(5, 9) };
    assert!(matches!(padded.check(None), Err(Refused::Inconsistent(_))), "a proof from nothing is empty");
    let mut changed = request(5, 9);
    changed.proof[0] = Hash([7; 32]);
    assert!(
        matches!(changed.check(Some(&five)), Err(Refused::Inconsistent(_))),
        "a false proof was believed"
    );
    let text = request(0, 0).to_string();
    let root = text.lines().nth(4).unwrap().to_owned();
    let strange = text.replace(&root, &line());
    let strange = AddCheckpoint::parse(strange.as_bytes()).unwrap();
    assert_eq!(strange.check(None), Err(Refused::EmptyRoot), "an empty log has one root");
}

#[test]
fn answers_have_one_form() {
    assert_eq!(parse_conflict_size(b"20852163\n"), Some(20_852_163), "a witness's size was not read");
    for bad in [
        &b"20852163"[..],
        b"020\n",
        b"-1\n",
        b"\n",
        b"1\n\n",
        b"99999999999999999999\n",
        b"9223372036854775808\n",
    ] {
        assert_eq!(parse_conflict_size(bad), None, "{} passed for a size", bad.escape_ascii());
    }
    let line = request(0, 1).checkpoint.note.signatures[0].clone();
    assert_eq!(
        parse_signature_lines(format!("{line}\n{line}\n").as_bytes()),
        Ok(vec![line.clone(), line.clone()]),
        "lines were lost"
    );
    for bad in [
        format!("{line}"),
        format!("\n{line}\n"),
        "x\n".to_owned(),
        String::new(),
        format!("{line}\n").repeat(65),
    ] {
        assert!(parse_signature_lines(bad.as_bytes()).is_err(), "{bad:.40} passed for signature lines");
    }
}
