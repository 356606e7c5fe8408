//! Trust policies: the whole of C2SP tlog-policy, and who is believed under one.

use tabellion_tlog::{
    Checkpoint, Policy, PolicyCheckError, PolicyFault, Quorum, SignatureType, SignedCheckpoint, VerifierKey,
    VerifierKeyError, cosign, cosign_ml_dsa, leaf_hash,
};

use crate::reference::key;

pub(crate) fn log_key(number: u8) -> VerifierKey {
    VerifierKey::new("example.com/log/acme", key(number).public()).unwrap()
}

pub(crate) fn witness_key(number: u8) -> VerifierKey {
    let name = format!("witness{number}.example");
    VerifierKey::with_type(&name, key(number).public(), SignatureType::CosignatureV1).unwrap()
}

/// The shape of the specification's example: two of X, one of Y, both groups.
pub(crate) fn spec_policy() -> String {
    let mut text = format!("log {}\n\n", log_key(1));
    for (group, first) in [("X", 11), ("Y", 21)] {
        let witness = |at: u8| format!("witness {group}{} {}\n", at + 1, witness_key(first + at));
        text.extend((0..3).map(witness));
    }
    text += "group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n";
    text + "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

#[test]
fn the_example_of_the_specification_counts_right() {
    let policy = Policy::parse(spec_policy()).unwrap();
    assert_eq!(
        (policy.logs.len(), policy.witnesses.len(), policy.groups.len()),
        (1, 6, 3),
        "lines were lost"
    );
    for seen in 0..64u32 {
        let names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"];
        let seen: Vec<_> = (0..6).filter(|at| seen >> at & 1 == 1).map(|at| names[at]).collect();
        let count = |group: char| seen.iter().filter(|name| name.starts_with(group)).count();
        let enough = count('X') >= 2 && count('Y') >= 1;
        assert_eq!(policy.satisfied(&seen), enough, "{seen:?} was counted wrongly");
    }
    assert!(!policy.satisfied(&["X-and-Y"]), "a group's name passed for a witness");
    assert!(!policy.satisfied(&["X1", "X1", "Y1"]), "a witness counted twice");
    assert!(!policy.satisfied(&["x1", "x2", "Y1"]), "names are bytes: x is not X");
}

#[test]
fn a_single_witness_or_none_can_be_the_quorum() {
    let one = format!("witness W {}\nquorum W\n", witness_key(11));
    let one = Policy::parse(one).unwrap();
    assert!(
        one.satisfied(&["W"]) && !one.satisfied(&[]) && !one.satisfied(&["V"]),
        "one witness is required"
    );
    let none = Policy::parse("quorum none\n").unwrap();
    assert_eq!(none.quorum, Quorum::None, "quorum none");
    assert!(none.satisfied(&[]), "quorum none requires nobody");
}

#[test]
fn comments_spaces_and_urls_are_read_and_one_form_is_written() {
    let text = format!(
        "# comment \u{e9}\n \t # indented\n\n  log\t{}   https://example.com/log  \n\twitness W {} \
         \ngroup G 1 W\nquorum\tG # not a comment\n",
        log_key(1),
        witness_key(11)
    );
    let error = Policy::parse(&text).unwrap_err();
    assert_eq!(
        (error.line, error.fault),
        (7, PolicyFault::Words("quorum <name> or quorum none")),
        "comments are whole lines"
    );
    let text = text.replace(" # not a comment", " ");
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.logs[0].url.as_deref(), Some("https://example.com/log"), "the URL was lost");
    let canonical = policy.to_string();
    assert_eq!(Policy::parse(&canonical), Ok(policy), "the written policy is another one");
    assert_eq!(Policy::parse(&canonical).unwrap().to_string(), canonical, "a policy has two canonical forms");
    let other_charset = [b"# caf\xe9\nquorum none\n".as_slice(), b""].concat();
    assert!(Policy::parse(other_charset).is_ok(), "bytes above 0x7f are allowed in comments");
    assert!(Policy::parse("quorum none").is_ok(), "an editor left out the last newline");
}

#[test]
fn wrong_lines_are_named() {
    let (log, w1, w2) = (log_key(1).to_string(), witness_key(11).to_string(), witness_key(12).to_string());
    let two = format!("witness a {w1}\nwitness b {w2}\n");
    let name = |name: &str| name.to_owned();
    let threshold = |threshold: &str| PolicyFault::Threshold { threshold: name(threshold), members: 2 };
    let log_words = PolicyFault::Words("log <vkey> [<url>]");
    let witness_words = PolicyFault::Words("witness <name> <vkey> [<url>]");
    let group_words = || PolicyFault::Words("group <name> any|all|<number> <name>…");
    let cases = [
        (1, String::new(), PolicyFault::Quorum),
        (1, name("quorum none\0"), PolicyFault::Control(0)),
        (1, name("quorum none\r\n"), PolicyFault::Control(b'\r')),
        (2, name("\n\x7f"), PolicyFault::Control(0x7f)),
        (1, name("Quorum none\n"), PolicyFault::Keyword(name("Quorum"))),
        (1, name("quorum\u{a0}none\n"), PolicyFault::Keyword(name("quorum\u{a0}none"))),
        (2, name("quorum none\nquorum none\n"), PolicyFault::Quorum),
        (1, name("quorum\n"), PolicyFault::Words("quorum <name> or quorum none")),
        (1, name("quorum a\n"), PolicyFault::UnknownName(name("a"))),
        (1, format!("quorum a\nwitness a {w1}\n"), PolicyFault::UnknownName(name("a"))),
        (1, name("log\n"), log_words.clone()),
        (1, format!("log {log} url more\n"), log_words),
        (1, name("witness a\n"), witness_words.clone()),
        (1, format!("witness a {w1} url more\n"), witness_words),
        (1, format!("log {w1}\n"), PolicyFault::KeyType),
        (1, format!("witness a {log}\n"), PolicyFault::KeyType),
        (1, name("log x\n"), PolicyFault::Key(VerifierKeyError::Form)),
        (2, format!("log {log}\nlog {log} url\n"), PolicyFault::DuplicateKey(name("example.com/log/acme"))),
        (
            2,
            format!("witness a {w1}\nwitness b {w1}\n"),
            PolicyFault::DuplicateKey(name("witness11.example")),
        ),
        (2, format!("witness a {w1}\nwitness a {w2}\n"), PolicyFault::DuplicateName(name("a"))),
        (1, format!("witness none {w1}\n"), PolicyFault::DuplicateName(name("none"))),
        (3, format!("{two}group a any b\n"), PolicyFault::DuplicateName(name("a"))),
        (3, format!("{two}group none any b\n"), PolicyFault::DuplicateName(name("none"))),
        (3, format!("{two}group g any g\n"), PolicyFault::UnknownName(name("g"))),
        (3, format!("{two}group g any none\n"), PolicyFault::UnknownName(name("none"))),
        (3, format!("{two}group g any h\ngroup h any a\n"), PolicyFault::UnknownName(name("h"))),
        (3, format!("{two}group g any a a\n"), PolicyFault::DuplicateMember(name("a"))),
        (4, format!("{two}group g any a\ngroup h any a b\n"), PolicyFault::DuplicateMember(name("a"))),
        (3, format!("{two}group g any\n"), group_words()),
        (3, format!("{two}group g\n"), group_words()),
        (3, format!("{two}group g 0 a b\n"), threshold("0")),
        (3, format!("{two}group g 3 a b\n"), threshold("3")),
        (3, format!("{two}group g 01 a b\n"), threshold("01")),
        (3, format!("{two}group g -1 a b\n"), threshold("-1")),
        (3, format!("{two}group g 99999999999999999999 a b\n"), threshold("99999999999999999999")),
        (3, format!("{two}group g Any a b\n"), threshold("Any")),
    ];
    for (line, text, fault) in cases {
        let error = Policy::parse(&text).unwrap_err();
        assert_eq!((error.line, error.fault), (line, fault), "for {text:?}");
    }
    let error = Policy::parse(b"witness caf\xe9 x\n").unwrap_err();
    assert_eq!((error.line, error.fault), (1, PolicyFault::NotUtf8), "a name that is no UTF-8");
    let later = "log example.com/log+00000000+BwECAw==\nquorum none\n";
    assert!(
        Policy::parse(later).unwrap_err().to_string().contains("0x07"),
        "an unsupported type of key is not named"
    );
}

#[test]
fn policies_have_limits() {
    let text = (0..=255u32).map(|at| format!("group g{at} any w{at}\n")).collect::<Vec<_>>().concat();
    let witness = |at: u32| {
        let mut seed = [3; 32];
        seed[..4].copy_from_slice(&at.to_be_bytes());
        let public = tabellion_tlog::SigningKey::from_seed(&seed).public();
        format!(
            "witness w{at} {}\n",
            VerifierKey::with_type("w", public, SignatureType::CosignatureV1).unwrap()
        )
    };
    let witnesses: String = (0..=255).map(witness).collect();
    let most = format!("{witnesses}{text}quorum g255\n");
    let policy = Policy::parse(&most).unwrap();
    assert!(policy.satisfied(&["w255"]) && !policy.satisfied(&["w254"]), "256 of each have to work");
    let more = Policy::parse(format!("{witnesses}{}quorum none\n", witness(256))).unwrap_err();
    assert_eq!((more.line, more.fault), (257, PolicyFault::TooMany), "endless witnesses were read");
    let long = Policy::parse("#".repeat(300_000)).unwrap_err();
    assert_eq!(long.fault, PolicyFault::TooLong(300_000), "an endless policy was read");
}

/// A checkpoint signed by the log and by these witnesses.
fn cosigned(log: u8, witnesses: &[u8]) -> SignedCheckpoint {
    let checkpoint =
        Checkpoint { origin: "example.com/log/acme".to_owned(), size: 3, root: leaf_hash(b"root") };
    let mut signed =
        SignedCheckpoint::parse(SignedCheckpoint::sign(&checkpoint, &key(log)).unwrap().as_bytes()).unwrap();
    for number in witnesses {
        let line =
            cosign(&signed.note.text, &format!("witness{number}.example"), u64::from(*number), &key(*number))
                .unwrap();
        signed.note.signatures.push(line);
    }
    SignedCheckpoint::parse(signed.note.to_string().as_bytes()).unwrap()
}

#[test]
fn a_checkpoint_needs_a_listed_log_and_the_quorum() {
    let policy = Policy::parse(spec_policy()).unwrap();
    let accepted = policy.accept(&cosigned(1, &[11, 13, 22, 99])).unwrap();
    let witnesses: Vec<_> =
        [("X1", 11), ("X3", 13), ("Y2", 22)].map(|(name, time)| (name.to_owned(), time)).into();
    assert_eq!(accepted.witnesses, witnesses, "witnesses or their times were lost, or a stranger counted");
    assert_eq!(accepted.logs, [log_key(1)], "the log that signed is not named");

    let few = policy.accept(&cosigned(1, &[11, 22]));
    assert!(
        matches!(few, Err(PolicyCheckError::Quorum { ref quorum, .. }) if quorum == "X-and-Y"),
        "too few passed: {few:?}"
    );
    let stranger = policy.accept(&cosigned(2, &[11, 13, 22]));
    assert!(
        matches!(stranger, Err(PolicyCheckError::Checkpoint(_))),
        "a log key that is not listed passed: {stranger:?}"
    );

    let mut forged = cosigned(1, &[11, 13, 22]);
    forged.note.signatures[2].signature[20] ^= 1;
    assert!(
        policy.accept(&forged).is_err(),
        "a forged cosignature by a known witness did not refuse the checkpoint"
    );

    let other_log = spec_policy()
        .replace(&log_key(1).to_string(), &VerifierKey::new("other", key(1).public()).unwrap().to_string());
    let other_log = Policy::parse(other_log).unwrap().accept(&cosigned(1, &[11, 13, 22]));
    assert_eq!(
        other_log,
        Err(PolicyCheckError::UnknownLog("example.com/log/acme".to_owned())),
        "another log's key spoke"
    );

    let nobody = Policy::parse(format!("log {}\nquorum none\n", log_key(1))).unwrap();
    assert!(nobody.accept(&cosigned(1, &[])).is_ok(), "quorum none needs no witness");
}

#[test]
fn a_report_says_who_cosigned_who_did_not_and_what_nobody_could_check() {
    let quantum = crate::cosignature::secret(3);
    let source = format!(
        "log {}\nwitness A {}\nwitness B {}\nwitness C {}\nwitness D {}\ngroup two 2 A B C\nquorum two\n",
        log_key(1),
        witness_key(11),
        crate::cosignature::witness(3),
        witness_key(13),
        witness_key(14),
    );
    let policy = Policy::parse(source).unwrap();
    let checkpoint = crate::cosignature::checkpoint();
    let note = SignedCheckpoint::sign(&checkpoint, &key(1)).unwrap();
    let plain = SignedCheckpoint::parse(note.as_bytes()).unwrap();
    let by = |number: u8, time| {
        cosign(&checkpoint.text(), witness_key(number).name(), time, &key(number)).unwrap()
    };

    let nobody = policy.report(&plain).unwrap();
    assert!(
        !nobody.met && nobody.seen.is_empty() && nobody.unchecked.is_empty(),
        "nobody cosigned: {nobody:?}"
    );
    assert_eq!(nobody.missing, ["A", "B", "C"], "D is no part of the quorum, the others are");
    assert_eq!(nobody.met_at(&policy), None, "a quorum that is not met has no time");

    let two = plain.with_signatures(&[
        by(11, 50),
        by(20, 1),
        cosign_ml_dsa(&checkpoint, "witness.example/w1", 70, &quantum).unwrap(),
    ]);
    let two = policy.report(&two).unwrap();
    assert!(two.met, "two of three are enough");
    assert_eq!(two.seen, [("A".to_owned(), 50), ("B".to_owned(), 70)], "either kind of cosignature counts");
    assert_eq!(two.met_at(&policy), Some(70), "the quorum was met when the second signed");
    assert_eq!(two.missing, ["C"], "who is missing");
    assert!(two.outside.is_empty(), "A and B are what the quorum rests on: {:?}", two.outside);

    let early = policy.report(&plain.with_signatures(&[by(14, 1), by(11, 50), by(13, 60)])).unwrap();
    assert_eq!(early.outside, ["D"], "nobody is told that D's time says nothing");
    assert_eq!(
        early.met_by(&policy),
        Some(("C".to_owned(), 60)),
        "a witness outside the quorum, or the first of two, dates the evidence alone"
    );
    let lone = policy.report(&plain.with_signatures(&[by(11, 1), by(14, 2)])).unwrap();
    assert_eq!(lone.met_by(&policy), None, "a quorum that is not met dates something");
    assert_eq!(two.unchecked, ["witness20.example"], "a stranger's line passed for checked");

    let mut wrong = by(13, 60);
    wrong.signature[20] ^= 1;
    assert!(
        policy.report(&plain.with_signatures(&[by(11, 50), wrong])).is_err(),
        "a false cosignature was passed over"
    );
}
