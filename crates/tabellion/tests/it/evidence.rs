//! What is handed out, and what somebody else finds out from it alone.

use std::fs;

use tabellion_model::zip::ZipArchive;
use tabellion_model::{Disclosure, Receipt, parse_jcs};
use tabellion_tlog::{CoseReceipt, Hash, Policy, TlogProof};

use super::support::{Notary, ORIGIN, tabellion, tabellion_verify};

/// Content about a person, with spaces: three letters alone turn up in base64 by chance.
const PERSON: &str = "Ada, who lives here";

fn with_evidence() -> (Notary, String, String) {
    let notary = Notary::new();
    let file = notary.file("card.json", b"{}");
    notary.record(&file, &["--with-content"]);
    notary.drafts("{\"type\":\"event.logged\",\"body\":{\"text\":\"x\"},\"subjects\":[{\"subject\":\"s\",\"fields\":{\"name\":\"Ada, who lives here\"}}]}\n");
    let package = notary.beside_text("p.zip");
    notary.run(&["export", "--out", &package, "--framework", "iso42001"]).ends(0);
    (notary, format!("{file}.receipt"), package)
}

/// Requirement: A18
#[test]
fn the_small_verifier_needs_the_file_and_the_trust_file_and_nothing_else() {
    let (notary, receipt, package) = with_evidence();
    let away = tempfile::tempdir().expect("an auditor's directory");
    for (name, path) in [("r.receipt", &receipt), ("p.zip", &package), ("trust.txt", &notary.trust())] {
        fs::copy(path, away.path().join(name)).expect("the file is handed over");
    }
    drop(notary); // the log is gone
    for path in ["r.receipt", "p.zip"] {
        tabellion_verify(away.path(), &[path, "--trust", "trust.txt"]).ends(0);
        tabellion_verify(away.path(), &[path]).ends(3);
        let json = tabellion_verify(away.path(), &[path, "--trust", "trust.txt", "--json"]).ends(0).json();
        assert_eq!(json["verdict"], "holds", "{json}");
        let other = tabellion(&["verify", &away.path().join(path).display().to_string()]).ends(3);
        assert!(other.out.contains("trust file"), "both programs must say what is missing: {}", other.out);
    }
    let left: Vec<_> = fs::read_dir(away.path()).expect("the directory").collect();
    assert_eq!(left.len(), 3, "a verifier must leave nothing behind: {left:?}");
}

/// Requirement: A19
#[test]
fn the_verdict_answers_three_questions_apart_and_says_what_each_rests_on() {
    let (notary, receipt, package) = with_evidence();
    for path in [&receipt, &package] {
        let json = tabellion(&["verify", path, "--trust", &notary.trust(), "--json"]).ends(0).json();
        let findings = json["findings"].as_array().expect("findings");
        let questions: Vec<_> =
            findings.iter().map(|finding| finding["question"].as_str().expect("text")).collect();
        assert_eq!(
            questions,
            ["existed at the time", "unaltered", "issued by whom"],
            "one verdict for three questions hides two"
        );
        for finding in findings {
            assert_eq!(finding["outcome"], "holds", "{finding}");
            assert!(
                !finding["rests_on"].as_str().expect("text").is_empty(),
                "an answer without a reason: {finding}"
            );
        }
        let alone = tabellion(&["verify", path, "--json"]).ends(3).json();
        let outcome = |n: usize| alone["findings"][n]["outcome"].as_str().expect("text").to_owned();
        assert_eq!(outcome(2), "undetermined", "who issued it cannot be known without a trust file");
        assert_eq!(outcome(1), "holds", "whether it is unaltered in itself can: {alone}");
    }
}

/// Requirement: A16
#[test]
fn any_changed_byte_of_a_package_or_receipt_is_noticed() {
    let (notary, receipt, package) = with_evidence();
    let policy = Policy::parse(fs::read(notary.trust()).expect("the trust file")).expect("a trust file");
    for (path, step) in [(&receipt, 1), (&package, 997)] {
        let bytes = fs::read(path).expect("evidence");
        for position in (0..bytes.len()).step_by(step) {
            for bit in [0x01, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[position] ^= bit;
                let code = tabellion_model::verify(&changed, Some(&policy)).exit_code();
                assert_ne!(
                    code, 0,
                    "byte {position} of {path} can be changed (bit {bit:#x}) without anybody noticing"
                );
            }
        }
        let changed = notary.file(
            "changed",
            &[&bytes[..bytes.len() / 2], &[bytes[bytes.len() / 2] ^ 1], &bytes[bytes.len() / 2 + 1..]]
                .concat(),
        );
        let ran = notary.verify(&changed);
        assert!([1, 2].contains(&ran.code), "the program let it pass: {}", ran.out);
        let cut = notary.file("cut", &bytes[..bytes.len() - 1]);
        notary.verify(&cut).ends(2);
    }
}

#[test]
fn a_package_of_a_size_has_the_same_bytes_each_time_and_discloses_what_was_allowed() {
    let (notary, _, _) = with_evidence();
    let size = notary.size();
    let export = |name: &str, options: &[&str]| {
        let out = notary.beside_text(name);
        notary.run(&[&["export", "--out", &out, "--json"], options].concat()).ends(0);
        out
    };
    let at = size.to_string();
    let (one, two) = (export("1.zip", &["--at", &at]), export("2.zip", &["--at", &at]));
    assert_eq!(
        fs::read(&one).expect("one"),
        fs::read(&two).expect("two"),
        "the same request must give the same bytes, or hashes of packages mean nothing"
    );
    let holds = |path: &str, text: &str| {
        fs::read(path).expect("a package").windows(text.len()).any(|part| part == text.as_bytes())
    };
    let encoded_ada = |path: &str| {
        let json = notary.verify(path).ends(0);
        drop(json);
        String::from_utf8_lossy(&fs::read(path).expect("a package")).contains(PERSON)
    };
    for (name, options) in [("business.zip", &[][..]), ("none.zip", &["--disclose", "none"])] {
        let path = export(name, options);
        assert!(!encoded_ada(&path), "{name} discloses a person nobody asked for");
    }
    let all = export("all.zip", &["--disclose", "all"]);
    notary.verify(&all).ends(0);
    assert!(holds(&all, PERSON), "the report must show what may be shown");
    let inside = (size - 1).to_string();
    notary
        .run(&["export", "--out", &notary.beside_text("x.zip"), "--at", &inside])
        .refused(1, &["no checkpoint of size", &inside]);
}

#[test]
fn a_request_that_cannot_be_met_leaves_no_file_and_no_record() {
    let (notary, _, _) = with_evidence();
    let size = notary.size();
    let out = notary.beside_text("never.zip");
    for (options, parts) in [
        (&["--from", "yesterday"][..], &["--from", "YYYY-MM-DD"][..]),
        (&["--from", "2030-01-01", "--to", "2020-01-01"], &["2030-01-01", "2020-01-01"]),
        (&["--from", "2001-01-01", "--to", "2001-02-01"], &["nothing was committed"]),
        (&["--framework", "x\ty"], &["label"]),
    ] {
        notary.run(&[&["export", "--out", &out], options].concat()).refused(2, parts);
    }
    let nowhere = notary.beside_text("no/such/dir/p.zip");
    notary.run(&["export", "--out", &nowhere]).refused(1, &["no/such/dir"]);
    assert!(
        !fs::exists(&out).expect("a look") && !fs::exists(format!("{out}.part")).expect("a look"),
        "half a package was left"
    );
    assert_eq!(notary.size(), size, "a package that was not made must not be on record");
}

#[test]
fn an_export_is_on_record_with_its_manifest() {
    let (notary, _, package) = with_evidence();
    let exported = notary
        .entries()
        .into_iter()
        .find(|entry| entry["type"] == "package.exported")
        .expect("the export is recorded");
    let shown = notary.run(&["log", "show", &exported["index"].to_string(), "--json"]).ends(0).json();
    let bytes = fs::read(&package).expect("the package");
    let archive = ZipArchive::parse(&bytes).expect("a package");
    let manifest = archive.get("manifest.json").map(|file| tabellion_tlog::sha256(file.content).to_hex());
    assert_eq!(
        shown["clear"]["manifest_sha256"].as_str().map(str::to_owned),
        manifest,
        "nobody could tell which package was handed out: {shown}"
    );
}

#[test]
fn one_entry_is_proved_in_four_forms_that_others_read() {
    let (notary, _, _) = with_evidence();
    let statement = notary
        .entries()
        .into_iter()
        .find(|e| e["type"] == "document.captured")
        .expect("a statement")["index"]
        .to_string();
    let record =
        notary.entries().into_iter().find(|e| e["type"] == "event.logged").expect("a record")["index"]
            .to_string();
    let prove = |index: &str, format: &str| {
        let out = notary.beside_text(&format!("{index}.{format}"));
        notary.run(&["log", "prove", index, "--format", format, "--out", &out]).ends(0);
        out
    };
    for index in [&statement, &record] {
        notary.verify(&prove(index, "receipt")).ends(0);
        let proof =
            TlogProof::parse(&fs::read(prove(index, "tlog-proof")).expect("a proof")).expect("a C2SP proof");
        let checkpoint = proof.signed_checkpoint().expect("its checkpoint");
        let leaf = notary.run(&["log", "show", index, "--json"]).ends(0).json()["leaf"]
            .as_str()
            .and_then(Hash::from_hex)
            .expect("a leaf");
        proof
            .verify_inclusion(&leaf, &checkpoint.checkpoint)
            .expect("a stranger's verifier must accept the proof");
        let policy = Policy::parse(fs::read(notary.trust()).expect("trust")).expect("trust");
        let key = policy
            .logs
            .iter()
            .find(|log| log.key.name() == ORIGIN)
            .expect("the log key is pinned")
            .key
            .ed25519()
            .expect("an Ed25519 key");
        let facts = CoseReceipt::verify(&fs::read(prove(index, "cose")).expect("a receipt"), &leaf, &key)
            .expect("the COSE Receipt verifies");
        assert_eq!(facts.index.to_string(), *index, "the receipt is of another entry");
    }
    notary.verify(&prove(&statement, "transparent")).ends(0);
    notary.run(&["log", "prove", &record, "--format", "transparent"]).refused(2, &["not a statement"]);
    notary.run(&["log", "prove", "99999"]).refused(1, &["99999"]);
    let out = notary.run(&["log", "prove", &record, "--format", "tlog-proof"]).ends(0).out;
    assert!(
        out.starts_with("c2sp.org/tlog-proof@v1\n"),
        "without --out the proof goes to standard output: {out}"
    );
}

#[test]
fn head_show_and_tail_agree() {
    let (notary, _, _) = with_evidence();
    let head = notary.run(&["log", "head", "--json"]).ends(0).json();
    let size = head["size"].as_u64().expect("a size");
    let signed =
        tabellion_tlog::SignedCheckpoint::parse(head["checkpoint"].as_str().expect("text").as_bytes())
            .expect("a checkpoint");
    assert_eq!(
        (signed.checkpoint.size, signed.checkpoint.root.to_hex().as_str()),
        (size, head["root"].as_str().expect("text")),
        "{head}"
    );
    let entries = notary.entries();
    assert_eq!(entries.len() as u64, size, "tail must show every entry when asked for enough");
    let last = notary.run(&["log", "tail", "-n", "1", "--json"]).ends(0).json_lines();
    assert_eq!(last.as_slice(), &entries[entries.len() - 1..], "the last line is the last entry");
    let genesis = notary.run(&["log", "show", "0"]).ends(0).out;
    assert!(
        genesis.contains("log.genesis") && genesis.contains(ORIGIN),
        "a person must recognise the genesis:\n{genesis}"
    );
    let leaf = |index: u64| {
        notary.run(&["log", "show", &index.to_string(), "--json"]).ends(0).json()["leaf"]
            .as_str()
            .and_then(Hash::from_hex)
    };
    let leaves: Vec<Hash> = (0..size).map(|index| leaf(index).expect("a leaf")).collect();
    assert_eq!(
        tabellion_tlog::root_of(leaves),
        signed.checkpoint.root,
        "what is shown is not what the checkpoint covers"
    );
}

#[test]
fn a_stranger_and_a_wrong_file_are_told_apart() {
    let (notary, receipt, package) = with_evidence();
    let other = Notary::with(&[]);
    let foreign = tabellion(&["verify", &package, "--trust", &other.trust()]).ends(3);
    assert!(foreign.out.contains("key"), "same name, other keys: {}", foreign.out);
    let text = notary.file("readme.txt", b"hello");
    notary.verify(&text).ends(2);
    notary.verify(&notary.beside_text("missing")).refused(2, &["missing"]);
    notary.verify(&notary.dir_text()).refused(2, &["directory"]);
    tabellion(&["verify", &receipt, "--trust", &text]).refused(2, &["readme.txt", "trust file"]);
    tabellion(&["verify", &receipt, "--trust", &receipt]).refused(2, &["trust file"]);
}

/// Requirement: A21
#[test]
fn a_package_and_its_verdict_say_what_they_do_not_show() {
    let (notary, _, package) = with_evidence();
    let json = tabellion(&["verify", &package, "--trust", &notary.trust(), "--json"]).ends(0).json();
    let scope = json["scope"].as_str().expect("a scope");
    assert!(
        scope.contains("not a certification body"),
        "the reader could take it for a certificate: {scope}"
    );
    let bytes = fs::read(&package).expect("the package");
    let archive = ZipArchive::parse(&bytes).expect("a package");
    let manifest = parse_jcs(archive.get("manifest.json").expect("a manifest").content).expect("canonical");
    assert_eq!(manifest["scope"].as_str(), Some(scope), "the signed scope and the shown one differ");
}

/// Requirement: B04
#[test]
fn any_subset_of_a_records_fields_can_be_shown_and_the_rest_of_the_proof_stays() {
    let notary = Notary::new();
    let draft = "{\"type\":\"loan.decided\",\"body\":{\"amount_cents\":120000,\"decision\":\"refused\"},\"subjects\":[{\"subject\":\"c\",\"fields\":{\"name\":\"Ada Lovelace\"}}]}\n";
    let index = notary.drafts(draft)[0]["index"].to_string();
    let all = ["amount_cents", "decision", "name"];
    for subset in 0..8 {
        let chosen: Vec<&str> = (0..3).filter(|bit| subset >> bit & 1 == 1).map(|bit| all[bit]).collect();
        let mut options: Vec<&str> = chosen.iter().flat_map(|name| ["--field", name]).collect();
        if chosen.is_empty() {
            options.push("--no-fields");
        }
        let out = notary.beside_text(&format!("{subset}.receipt"));
        notary.run(&[&["log", "prove", &index, "--out", &out][..], &options].concat()).ends(0);
        notary.verify(&out).ends(0);
        let receipt = Receipt::parse(&fs::read(&out).expect("a receipt")).expect("a receipt");
        let named: Vec<String> = receipt
            .disclosures
            .iter()
            .map(|text| Disclosure::parse(text).expect("a disclosure").name().to_owned())
            .collect();
        assert_eq!(named.len(), chosen.len(), "subset {subset} of a receipt shows something else: {named:?}");
        assert!(
            named.iter().all(|name| chosen.contains(&name.as_str())),
            "{named:?} is more than was chosen"
        );
        let jwt =
            notary.run(&[&["log", "prove", &index, "--format", "sd-jwt"][..], &options].concat()).ends(0).out;
        assert_eq!(
            jwt.trim_end().matches('~').count(),
            chosen.len() + 1,
            "subset {subset} shows something else"
        );
        for disclosure in jwt.trim_end().split('~').skip(1).filter(|part| !part.is_empty()) {
            use base64::Engine as _;
            let bytes =
                base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(disclosure).expect("base64url");
            let parts: serde_json::Value = serde_json::from_slice(&bytes).expect("a disclosure is JSON");
            assert!(chosen.contains(&parts[1].as_str().expect("a name")), "{parts} was withheld");
        }
    }
    notary.run(&["log", "prove", &index, "--field", "nmae"]).refused(2, &["nmae", "tabellion log show"]);
    notary.run(&["log", "prove", &index, "--format", "cose", "--no-fields"]).refused(2, &["--no-fields"]);
}

/// Requirement: P05. From the leaf over the path to the root and the keys behind it, with a program alone in an empty environment.
#[test]
fn each_step_of_a_proof_is_checked_alone_and_the_one_that_fails_is_named() {
    let notary = Notary::new();
    let file = notary.file("card.json", b"{\"title\":\"Model card\"}");
    for _ in 0..3 {
        notary.record(&notary.file("other.txt", b"x"), &[]);
    }
    notary.record(&file, &["--with-content"]);
    let good = fs::read_to_string(format!("{file}.receipt")).expect("a receipt");
    let trust = notary.trust();
    let judge = |text: &str| {
        let path = notary.file("step.receipt", text.as_bytes());
        let ran = tabellion_verify(&notary.beside(""), &[&path, "--trust", &trust, "--json"]);
        let report = ran.json();
        let checks = report["checks"].as_array().expect("checks").clone();
        let failed =
            checks.iter().find(|check| check["outcome"] == "broken" || check["outcome"] == "malformed");
        (ran.code, failed.map(|check| check["name"].as_str().expect("a name").to_owned()))
    };
    assert_eq!(judge(&good), (0, None), "a good proof does not pass alone");
    // The lines of a tlog-proof: magic, extra, index, path…, empty, checkpoint: origin, size, root, empty, signature.
    let lines: Vec<&str> = good.lines().collect();
    let place = |wanted: &str| lines.iter().position(|line| line.starts_with(wanted)).expect("the line");
    let blank = lines.iter().position(|line| line.is_empty()).expect("an empty line");
    let with = |at: usize, line: String| {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        changed[at] = line;
        changed.join("\n") + "\n"
    };
    let hash = |at: usize| {
        let first = lines[at].chars().next().expect("a hash");
        format!("{}{}", if first == 'A' { 'B' } else { 'A' }, &lines[at][1..])
    };
    let index: u64 =
        lines[place("index ")].strip_prefix("index ").expect("an index").parse().expect("a number");
    let root = blank + 3;
    for (what, text, named) in [
        ("the leaf's place", with(place("index "), format!("index {}", index ^ 1)), "inclusion"),
        ("a hash of the path", with(place("index ") + 1, hash(place("index ") + 1)), "inclusion"),
        ("the root", with(root, hash(root)), "inclusion"),
        ("the checkpoint's size", with(blank + 2, "9999".to_owned()), "inclusion"),
        ("the log's name", with(blank + 1, "log.example.org/log/other".to_owned()), "entry"),
    ] {
        let (code, failed) = judge(&text);
        assert_eq!((code, failed.as_deref()), (1, Some(named)), "{what} was changed and not named");
    }
    let extra = lines.iter().position(|line| line.starts_with("extra ")).expect("an extra line");
    assert_eq!(judge(&with(extra, "extra AAAA".to_owned())).0, 2, "a proof of no entry was judged");
    let signature = lines.len() - 1;
    let spoiled = {
        let line = lines[signature];
        let (head, tail) = line.split_at(line.len() - 8);
        let first = tail.chars().next().expect("a digit");
        format!("{head}{}{}", if first == 'A' { 'B' } else { 'A' }, &tail[1..])
    };
    assert_eq!(
        judge(&with(signature, spoiled)),
        (1, Some("checkpoint signature".to_owned())),
        "an unsigned root passes"
    );
    let foreign = Notary::new();
    let unknown =
        tabellion_verify(&notary.beside(""), &[&format!("{file}.receipt"), "--trust", &foreign.trust()]);
    assert_eq!(unknown.code, 3, "another's log is believed");
}

/// Requirement: A01, R17, R18. The record that is kept, and the file that the live system has now.
#[test]
fn a_file_that_was_altered_after_it_was_recorded_is_named_field_by_field() {
    let notary = Notary::new();
    let file = notary.file("assessment.json", br#"{"risk":{"tier":"high"},"owner":"Ada"}"#);
    notary.record(&file, &["--with-content"]);
    let receipt = format!("{file}.receipt");
    let index =
        notary.entries().iter().rposition(|entry| entry["type"] == "document.captured").expect("the record");
    let whole = notary.beside_text("whole.receipt");
    notary.run(&["log", "prove", &index.to_string(), "--out", &whole]).ends(0);
    let trust = notary.trust();
    let compare =
        |receipt: &str| tabellion(&["verify", receipt, "--trust", &trust, "--live", &file, "--json"]);
    let aspect = |report: &serde_json::Value| {
        let aspects = report["aspects"].as_array().expect("aspects").clone();
        aspects.into_iter().find(|one| one["aspect"] == "live source").expect("live source")["outcome"]
            .clone()
    };
    assert_eq!(aspect(&compare(&whole).ends(0).json()), "holds");
    let offline = tabellion(&["verify", &whole, "--trust", &trust, "--json"]).ends(0).json();
    assert_eq!(aspect(&offline), "not checked", "an auditor without the live system is told that it is fine");
    fs::write(&file, br#"{"risk":{"tier":"low"},"owner":"Ada"}"#).expect("the live system is edited");
    let report = compare(&whole).ends(1).json();
    let said = report["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .find(|one| one["name"] == "live source")
        .expect("it")["detail"]
        .clone();
    let said = said.as_str().expect("text");
    assert!(
        said.contains("/risk/tier: is \"low\", recorded was \"high\""),
        "which field was altered? {said}"
    );
    assert!(!said.contains("/owner"), "what was not altered is named: {said}");
    // The other surface: what is stored. The page says the same, for filing.
    let page = notary.beside_text("report.html");
    tabellion(&["verify", &whole, "--trust", &trust, "--live", &file, "--html", &page]).ends(1);
    let page = fs::read_to_string(page).expect("the page");
    assert!(
        page.contains("/risk/tier") && !page.contains("<script"),
        "the page does not say what was altered"
    );
    fs::write(&file, br#"{"risk":{"tier":"high"},"owner":"Ada"}"#).expect("the live system is as it was");
    let mut stored = fs::read(&whole).expect("the receipt");
    let place = stored.windows(6).position(|part| part == b"extra ").expect("the stored record") + 40;
    stored[place] ^= 1;
    fs::write(&whole, stored).expect("the stored record is edited");
    let code = compare(&whole).code;
    assert!([1, 2].contains(&code), "an edited record agrees with the live system: {code}");
    compare(&receipt);
}

/// Requirement: A17. Records, hashes and times in a ZIP with a readable report, and who had it: exported by whom, when and for whom, received by whom.
#[test]
fn every_holder_of_a_package_is_in_its_custody_log() {
    let notary = Notary::new();
    notary.record(&notary.file("card.json", b"{}"), &["--with-content"]);
    let package = notary.beside_text("evidence.zip");
    notary
        .run(&["export", "--out", &package, "--for", "Example Certification", "--framework", "iso42001"])
        .ends(0);
    let custody =
        |file: &str| notary.run(&["log", "custody", file, "--json"]).ends(0).json()["custody"].clone();
    let made = custody(&package);
    assert_eq!(made.as_array().map(Vec::len), Some(1), "{made}");
    assert_eq!(
        (&made[0]["event"], &made[0]["for"]),
        (&"exported".into(), &"Example Certification".into()),
        "{made}"
    );
    assert!(made[0]["who"].is_string() && made[0]["at"].is_string(), "who, and when? {made}");

    // The next holder signs that they have these very bytes, with a key of their own.
    let auditor = Notary::new();
    let signed = format!("{package}.cose");
    auditor
        .run(&["statement", "hash", &package, "--issuer", "auditor.example", "--subject", "received"])
        .ends(0);
    let key = notary.file("auditor.pem", super::statements::operator_pem(&auditor).as_bytes());
    notary.run(&["issuer", "add", "auditor.example", "--key", &key, "--note", "met in person"]).ends(0);
    notary.run(&["statement", "register", &signed]).ends(0);
    let both = custody(&package);
    assert_eq!(both.as_array().map(Vec::len), Some(2), "{both}");
    assert_eq!(
        (&both[1]["who"], &both[1]["says"]),
        (&"auditor.example".into(), &"received".into()),
        "{both}"
    );
    let text = notary.run(&["log", "custody", &package]).ends(0).out;
    assert!(
        text.contains("for Example Certification") && text.contains("auditor.example: received"),
        "{text}"
    );
    notary.verify(&package).ends(0);

    let other = notary.beside_text("other.zip");
    auditor.run(&["export", "--out", &other]).ends(0);
    notary.run(&["log", "custody", &other]).refused(3, &["knows nothing of the package"]);
    notary.run(&["log", "custody", &key]).refused(2, &["is no package"]);
}
