//! Erasure, holds, retention and the deletion of a system: content goes, proofs stay.

use std::fs;

use serde_json::json;

use super::support::{Notary, command, tabellion, tabellion_with};
use super::vault::account;

const SYSTEM: &str = "00112233445566778899aabbccddeeff";

/// Requirement: P48. What is kept about somebody comes as a file that they check with the program for auditors; after their erasure it holds nothing and says so.
#[test]
fn a_person_is_given_what_is_kept_about_them() {
    let notary = Notary::new();
    let recorded = notary.drafts(
        "{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"customer-7\",\"fields\":{\"name\":\"Ada\"}},{\"subject\":\"customer-8\",\"fields\":{\"guarantor\":\"Bruno\"}}]}\n",
    );
    let ask = |subject: &str, out: &str| {
        notary.run(&["access", "--subject", subject, "--reason", "her letter", "--out", out, "--json"])
    };
    let out = notary.beside_text("access.zip");
    ask("nobody", &out).refused(1, &["nothing is kept"]);
    notary
        .run(&["access", "--subject", "customer-7", "--reason", " ", "--out", &out])
        .refused(2, &["reason"]);
    assert!(fs::metadata(&out).is_err(), "a file that is not on record");
    let made = ask("customer-7", &out).ends(0).json();
    assert_eq!((&made["records"], &made["erased"]), (&1.into(), &0.into()), "{made}");
    ask("customer-7", &out).refused(2, &[]);
    let bytes = fs::read(&out).expect("the file");
    assert!(!String::from_utf8_lossy(&bytes).contains("Bruno"), "somebody else is in it");
    let archive = tabellion_model::zip::ZipArchive::parse(&bytes).expect("a ZIP file");
    let receipts = archive.files().iter().filter(|member| member.name.starts_with("receipts/"));
    let receipts: Vec<Vec<u8>> = receipts.map(|member| member.content.to_vec()).collect();
    assert_eq!(receipts.len(), 1, "a record without a receipt");
    let receipt = notary.file("of-ada.receipt", &receipts[0]);
    notary.verify(&receipt).ends(0);
    let shown = notary.run(&["log", "show", &made["entry"].to_string(), "--json"]).ends(0).json();
    assert_eq!(shown["type"], "access.given", "it is not on record: {shown}");

    notary.run(&["erase", "--subject", "customer-7", "--reason", "asked for"]).ends(0);
    let after = ask("customer-7", &notary.beside_text("after.zip")).ends(0).json();
    assert_eq!(after["records"], 0, "erased content is handed out: {after}");
    assert_eq!(after["erased"], 2, "the record, and the one of the first file, were erased: {after}");
    assert!(recorded[0]["index"].is_u64());
}

/// Requirement: P48. An address is found in its usual writings and a person of the console by their name; which names were looked for is said, and which found something.
#[test]
fn a_person_is_found_by_the_names_that_are_usual_for_them() {
    let notary = Notary::new();
    notary.drafts(
        "{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"Alice@Example.org\",\"fields\":{\"letter\":\"hers\"}}]}\n",
    );
    let ask = |subject: &str, out: &str| {
        let out = notary.beside_text(out);
        notary.run(&["access", "--subject", subject, "--reason", "her letter", "--out", &out, "--json"])
    };
    let made = ask("alice@example.org", "alice.zip").ends(0).json();
    assert_eq!((&made["records"], &made["found_by"]), (&1.into(), &json!(["Alice@Example.org"])), "{made}");
    assert!(
        made["not_found_by"].as_array().is_some_and(|names| names.contains(&json!("alice@example.org"))),
        "nobody sees what was looked for: {made}"
    );
    let archive = fs::read(notary.beside("alice.zip")).expect("the file");
    let archive = tabellion_model::zip::ZipArchive::parse(&archive).expect("a ZIP file");
    let about = archive.files().iter().find(|member| member.name == "about.json").expect("about.json");
    assert!(String::from_utf8_lossy(about.content).contains("\"looked_for\""), "the file does not say it");

    let add = |name: &str| {
        let added = notary.run(&["person", "add", name, "--role", "developer", "--json"]).ends(0).json();
        added["person"].as_str().expect("an id").to_owned()
    };
    let ada = add("Ada Lovelace");
    let made = ask("ada lovelace", "ada.zip").ends(0).json();
    assert_eq!(made["found_by"], json!([ada]), "a person of the console is missed: {made}");
    add("Ada Lovelace");
    ask("ada lovelace", "two.zip").refused(1, &["2 people", &ada]);
    // A customer of that name is given their own, and nothing of those who work here.
    let theirs = notary.file("loan.txt", b"a loan");
    notary.record(&theirs, &["--with-content", "--subject", "Ada Lovelace"]);
    let made = ask("Ada Lovelace", "customer.zip").ends(0).json();
    assert_eq!((&made["found_by"], &made["records"]), (&json!(["Ada Lovelace"]), &json!(1)), "{made}");
    // What was given of Alice is under the name that found it, so an erasure of her takes that too.
    notary.run(&["erase", "--subject", "alice@example.org", "--reason", "asked for"]).ends(0);
    assert_eq!(ask("Alice@Example.org", "after.zip").ends(0).json()["records"], 0);
}

/// Requirement: P46. The operator's word about the clock has a reason, and is on record.
#[test]
fn the_operator_says_that_the_clock_is_right() {
    let notary = Notary::new();
    notary.run(&["retain", "--clock-is-right", " "]).refused(2, &["reason"]);
    let said = notary.run(&["retain", "--clock-is-right", "compared with NTP", "--json"]).ends(0).json();
    let shown = notary.run(&["log", "show", &said["entry"].to_string(), "--json"]).ends(0).json();
    assert_eq!(shown["type"], "retention.clock_confirmed", "it is not on record: {shown}");
    assert!(shown.to_string().contains(&account()), "nobody sees who said it: {shown}");
}

/// Requirement: P48
#[test]
fn erasing_a_subject_takes_their_content_everywhere_and_leaves_every_proof() {
    let notary = Notary::new();
    let file = notary.file("letter.txt", b"dear customer");
    let signed = notary.record(&file, &["--subject", "customer-7", "--with-content"])["index"].to_string();
    let other = notary.drafts(
        "{\"type\":\"event.logged\",\"body\":{\"text\":\"business\"},\"subjects\":[{\"subject\":\"customer-7\",\"fields\":{\"name\":\"Ada\"}}]}\n\
         {\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"customer-8\",\"fields\":{\"name\":\"Bruno\"}}]}\n",
    );
    let (about, unrelated) = (other[0]["index"].to_string(), other[1]["index"].to_string());
    let before = fs::read(format!("{file}.receipt")).expect("a receipt from before");
    let old_package = notary.beside_text("before.zip");
    notary.run(&["export", "--out", &old_package, "--disclose", "all"]).ends(0);

    let done = notary
        .run(&["erase", "--subject", "customer-7", "--reason", "asked to be forgotten", "--json"])
        .ends(0)
        .json();
    assert_eq!(done["erasures"][0]["units"], 2, "both records about the person must be found: {done}");

    let content = |index: &str, unit: usize| {
        notary.run(&["log", "show", index, "--json"]).ends(0).json()["units"][unit].clone()
    };
    assert_eq!(
        content(&signed, 0)["content"],
        "erased",
        "a signed statement's content about a person survived their erasure"
    );
    let units = [content(&about, 0), content(&about, 1)];
    assert_eq!(units.iter().filter(|unit| unit["content"] == "erased").count(), 1, "{units:?}");
    assert_eq!(
        units.iter().filter(|unit| unit["fields"]["text"] == "business").count(),
        1,
        "what is not about the person stays: {units:?}"
    );
    assert_eq!(content(&unrelated, 0)["fields"]["name"], "Bruno", "somebody else's content went too");

    for (name, bytes) in
        [("kept.receipt", before), ("package.zip", fs::read(&old_package).expect("the old package"))]
    {
        let path = notary.file(name, &bytes);
        notary.verify(&path).ends(0);
    }
    let receipt = notary.beside_text("new.receipt");
    notary.run(&["log", "prove", &signed, "--out", &receipt]).ends(0);
    notary.verify(&receipt).ends(0);
    let package = notary.beside_text("after.zip");
    let exported = notary.run(&["export", "--out", &package, "--disclose", "all", "--json"]).ends(0).json();
    assert_eq!(
        exported["units"]["erased"], 2,
        "erased content must be accounted for as erased, not as missing: {exported}"
    );
    notary.verify(&package).ends(0);
    notary.is_sound();

    notary
        .run(&["erase", "--subject", "customer-7", "--reason", "again"])
        .refused(1, &["not_found", "nothing to erase"]);
    let planted = ["Ada", "ZGVhciBjdXN0b21lcg"];
    for path in walk(&notary.dir()) {
        let bytes = fs::read(&path).expect("a file of the directory");
        for text in planted {
            assert!(
                !bytes.windows(text.len()).any(|part| part == text.as_bytes()),
                "{} holds content in clear",
                path.display()
            );
        }
    }
}

/// Every file below `dir`.
pub(super) fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for name in fs::read_dir(dir).expect("a directory") {
        let path = name.expect("a name").path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

/// Requirement: P48
#[test]
fn a_legal_hold_blocks_erasure_until_it_is_released() {
    let notary = Notary::new();
    notary.drafts(
        "{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"c\",\"fields\":{\"name\":\"Ada\"}}]}\n",
    );
    let placed = notary.run(&["hold", "place", "--subject", "c", "--reason", "court order"]).ends(0);
    let hold = placed.out.split_whitespace().nth(1).expect("the hold's id").to_owned();
    notary.run(&["erase", "--subject", "c", "--reason", "r"]).refused(1, &["on_hold", &hold]);
    let listed = notary.run(&["hold", "list"]).ends(0).out;
    for part in [hold.as_str(), "about a data subject", "court order", "placed 2"] {
        assert!(listed.contains(part), "the operator must see what holds, since when and why: {listed}");
    }
    notary.run(&["hold", "release", &hold, "--reason", "lifted"]).ends(0);
    notary.run(&["erase", "--subject", "c", "--reason", "r"]).ends(0);
    notary.run(&["hold", "release", &hold, "--reason", "again"]).refused(1, &["not_found"]);
    notary.is_sound();
}

#[test]
fn one_record_is_erased_alone_only_when_it_can_be() {
    let notary = Notary::new();
    let file = notary.file("a.txt", b"x");
    let alone = notary.record(&file, &[])["index"].to_string();
    notary.run(&["erase", "--record", &alone, "--reason", "r"]).ends(0);
    let shared = notary.drafts("{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n")[0]["index"].to_string();
    notary
        .run(&["erase", "--record", &shared, "--reason", "r"])
        .refused(2, &["shares its key", "erasable_alone"]);
    notary.run(&["erase", "--record", "999999", "--reason", "r"]).refused(1, &["999999"]);
}

/// Requirement: P47
#[test]
fn a_system_under_deletion_takes_no_records_and_its_content_goes_when_the_grace_is_over() {
    let notary = Notary::with(&["--env", "sandbox"]);
    let draft = format!("{{\"type\":\"event.logged\",\"system\":\"{SYSTEM}\",\"body\":{{\"n\":1}}}}\n");
    let index = notary.drafts(&draft)[0]["index"].to_string();
    notary.run(&["system", "delete", SYSTEM, "--reason", "retired"]).ends(0);
    let file = notary.file("more.jsonl", draft.as_bytes());
    notary.run(&["record", "--drafts", &file]).refused(1, &["system_gone", "cancel"]);
    let none = notary.run(&["system", "purge-due"]).ends(0);
    assert!(none.err.contains("no deletion is due"), "within the hour of grace nothing may go: {}", none.err);

    notary.run(&["system", "cancel", SYSTEM, "--reason", "mistake"]).ends(0);
    notary.drafts(&draft);
    notary.run(&["system", "delete", SYSTEM, "--grace-hours", "0", "--reason", "retired"]).ends(0);
    let purged = notary.run(&["system", "purge-due", "--json"]).ends(0).json();
    assert_eq!(purged["erasures"][0]["system"], SYSTEM, "{purged}");
    let shown = notary.run(&["log", "show", &index, "--json"]).ends(0).json();
    assert_eq!(shown["units"][0]["content"], "erased", "content of a deleted system is still readable");
    notary.run(&["system", "cancel", SYSTEM, "--reason", "too late"]).refused(1, &["not_found"]);
    notary.run(&["record", "--drafts", &file]).refused(1, &["system_gone"]);
    assert!(
        notary.run(&["system", "list"]).ends(0).out.contains("content is gone"),
        "the operator must see what is gone"
    );
    notary.is_sound();
}

#[test]
fn retention_keeps_what_is_young_and_asks_for_a_rule() {
    let notary = Notary::new();
    let (dir, by_two) = (notary.dir_text(), [("TABELLION_ERASURE__SECOND_PERSON", "production")]);
    let alone = ["retain", "--class", "standard", "--keep-months", "0", "--dir", &dir, "--due"];
    tabellion_with(&by_two, &alone[..7]).refused(1, &["two people", "Nothing was destroyed"]);
    let own = [("TABELLION_ERASURE__SECOND_PERSON", "production"), ("TABELLION_RETENTION__STANDARD", "0")];
    tabellion_with(&own, &["retain", "--dir", &dir]).refused(1, &["two people", "Nothing was destroyed"]);
    tabellion_with(&by_two, &alone).ends(0);
    let notary = Notary::new();
    let index = notary.drafts("{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n")[0]["index"].to_string();
    notary.run(&["retain"]).refused(2, &["[retention]", "--class"]);
    let ran = notary.run(&["retain", "--class", "standard", "--keep-months", "0"]).ends(0);
    assert!(
        ran.err.contains("nothing is older"),
        "this month's content is younger than any rule: {}",
        ran.err
    );
    let shown = notary.run(&["log", "show", &index, "--json"]).ends(0).json();
    assert_eq!(shown["units"][0]["content"], "shown", "content went too early");
    notary.run(&["retain", "--class", "evidence", "--keep-months", "0"]).refused(2, &["evidence"]);
    tabellion(&["retain", "--class", "Standard", "--keep-months", "0", "--dir", &notary.dir_text()])
        .refused(2, &["class"]);
}

/// Requirement: P48
#[test]
fn that_it_takes_two_people_is_on_record_and_no_configuration_takes_it_back() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| scratch.path().join(name).display().to_string();
    let (plain, configured, file) = (path("plain"), path("configured"), path("elsewhere.toml"));
    fs::write(&file, "[export]\ndisclose = \"none\"\n")
        .expect("a configuration that says nothing of erasures");
    for init in [vec!["init", "--dir", &plain], vec!["init", "--dir", &configured, "--config", &file]] {
        let mut made = command(&init);
        let made = made.env_remove("TABELLION_ERASURE__SECOND_PERSON").output().expect("the program starts");
        assert!(made.status.success(), "no log was made: {}", String::from_utf8_lossy(&made.stderr));
    }
    for dir in [&plain, &configured] {
        let draft = path("draft.jsonl");
        let about =
            "{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"c\",\"fields\":{\"name\":\"Ada\"}}]}\n";
        fs::write(&draft, about).expect("a draft");
        tabellion(&["record", "--drafts", &draft, "--dir", dir, "--config", &file]).ends(0);
        let erase = ["erase", "--subject", "c", "--reason", "alone", "--dir", dir];
        // Every command of these tests says `never` by its variable; here two more ways to say it.
        tabellion(&[&erase[..], &["--config", "/dev/null"]].concat()).ends(3);
        fs::write(format!("{dir}/tabellion.toml"), "[erasure]\nsecond_person = \"never\"\n").expect("edited");
        tabellion(&erase).ends(3);
        let entries = tabellion(&["log", "tail", "-n", "100", "--dir", dir, "--json"]).ends(0).json_lines();
        let rules = entries.iter().filter(|entry| entry["type"] == "erasure.rule_set").count();
        assert_eq!(rules, 1, "the rule is not on record, or again at every start: {entries:?}");
        tabellion(&["fsck", dir]).ends(0);
        let package = path("package.zip");
        tabellion(&["export", "--out", &package, "--dir", dir]).ends(0);
        tabellion(&["verify", &package, "--trust", &format!("{dir}/trust.txt")]).ends(0);
        fs::remove_file(&package).expect("the package goes");
    }
}

/// Requirement: P48
#[test]
fn in_production_the_operator_asks_for_an_erasure_and_cannot_confirm_it() {
    let notary = Notary::new();
    notary.drafts(
        "{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"c\",\"fields\":{\"name\":\"Ada\"}}]}\n",
    );
    let dir = notary.dir_text();
    // As `init` writes it down for a log of this environment.
    let config = fs::read_to_string(notary.dir().join("tabellion.toml")).expect("the configuration");
    assert!(
        config.contains("[erasure]\nsecond_person = \"production\"\n"),
        "one person could erase:\n{config}"
    );
    let by_two = [("TABELLION_ERASURE__SECOND_PERSON", "production")];
    let erase = ["erase", "--subject", "c", "--reason", "asked to be forgotten", "--json", "--dir", &dir];
    let asked = tabellion_with(&by_two, &erase).ends(3).json();
    let request = asked["requested"]["request"].as_str().expect("the request's id").to_owned();
    let listed = notary.run(&["erase", "pending"]).ends(0);
    assert!(listed.out.contains(&request) && listed.out.contains("subject c"), "{}", listed.out);
    notary
        .run(&["erase", "confirm", &request, "--reason", "fine"])
        .refused(1, &["second_person", "somebody else"]);
    notary.run(&["erase", "decline", &request, "--reason", "a mistake"]).ends(0);
    assert_eq!(notary.run(&["erase", "pending"]).ends(0).out, "", "it waits although it was declined");
    notary.run(&["erase", "confirm", &request, "--reason", "fine"]).refused(1, &["not_found"]);
    // Nor does a deletion without grace go round it.
    let draft = format!("{{\"type\":\"event.logged\",\"system\":\"{SYSTEM}\",\"body\":{{\"n\":1}}}}\n");
    let index = notary.drafts(&draft)[0]["index"].to_string();
    let delete = ["system", "delete", SYSTEM, "--grace-hours", "0", "--reason", "r", "--dir", &dir];
    let asked = tabellion_with(&by_two, &delete).ends(3);
    assert!(asked.out.contains("a second person"), "{}", asked.out);
    let purged = tabellion_with(&by_two, &["system", "purge-due", "--dir", &dir]).ends(0);
    assert!(purged.err.contains("no deletion is due"), "{}", purged.err);
    let listed = notary.run(&["erase", "pending"]).ends(0).out;
    assert!(listed.contains(&format!("system {SYSTEM}, deleted 0 hours after")), "{listed}");
    let request = listed.split_whitespace().next().expect("an id").to_owned();
    notary.run(&["erase", "confirm", &request, "--reason", "fine"]).refused(1, &["second_person"]);
    let shown = notary.run(&["log", "show", &index, "--json"]).ends(0).json();
    assert_eq!(shown["units"][0]["content"], "shown", "the operator alone deleted a system's content");
    let sandbox = Notary::with(&["--env", "sandbox"]);
    sandbox.drafts(
        "{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"c\",\"fields\":{\"name\":\"A\"}}]}\n",
    );
    let dir = sandbox.dir_text();
    tabellion_with(&by_two, &["erase", "--subject", "c", "--reason", "r", "--dir", &dir]).ends(0);
    notary.is_sound();
}

/// Requirement: P46
#[test]
fn retain_by_class_keeps_the_configured_floor_and_what_a_rule_for_one_system_is_about() {
    let notary = Notary::with(&["--env", "sandbox"]);
    let claims = format!(
        "[retention.claims]\nmonths = 12\nfloor = \"ai-act-provider-logs\"\n[retention.of-one]\nclass = \"claims\"\nsystem = \"{SYSTEM}\"\nmonths = 120\n"
    );
    fs::write(notary.dir().join("tabellion.toml"), claims).expect("a configuration");
    let below = ["retain", "--class", "claims", "--keep-months", "5"];
    notary.run(&below).refused(2, &["claims", "floor is 6", "Art. 19(1)", "nothing was erased"]);
    let floor = ["retain", "--class", "claims", "--keep-months", "6", "--json"];
    assert_eq!(notary.run(&floor).ends(0).json()["rules"], json!([]), "the floor itself is taken");
    let doctor = notary.run(&["doctor"]).ends(0).out;
    assert!(doctor.contains("nothing to erase by rule"), "{doctor}");
}

/// Requirement: P46
#[test]
fn the_rules_of_a_server_are_on_record_once_for_each_time_they_change() {
    let notary = Notary::with(&["--env", "sandbox"]);
    let serve = |text: &str| {
        fs::write(notary.dir().join("tabellion.toml"), text).expect("a configuration");
        // However soon it ends, its first look over what is due is over by then.
        notary.serve().stop().ends(0);
        notary.entries().iter().filter(|entry| entry["type"] == "retention.rules_set").count()
    };
    assert_eq!(serve(""), 0, "where nothing expires there is nothing to say");
    assert_eq!(serve("[retention]\nstandard = 84\n"), 1, "the rules are not on record");
    assert_eq!(serve("[retention]\nstandard = 84\n"), 1, "a restart counts the time of grace anew");
    assert_eq!(serve("[retention]\nstandard = 1\n"), 2, "a shorter period is not on record");
    let by_hand = "[retention]\nstandard = 1\n[erasure]\nwhen_due = \"by-hand\"\n";
    assert_eq!(serve(by_hand), 3, "going back to daily would need no time of grace");
    for (hours, told) in [("23", "from 24 to"), ("x", "number of hours")] {
        let text = format!("[erasure]\nrule_grace_hours = {hours:?}\n");
        fs::write(notary.dir().join("tabellion.toml"), text).expect("a configuration");
        notary.run(&["log", "head"]).refused(2, &["rule_grace_hours", told]);
    }
    fs::write(notary.dir().join("tabellion.toml"), by_hand).expect("a configuration");
    notary.is_sound();
}

// Requirement: W12, R29, P46.
#[test]
fn a_rule_below_its_floor_is_refused_at_start_and_by_the_doctor_and_a_list_erases_nothing() {
    let notary = Notary::new();
    let index = notary
        .drafts("{\"type\":\"event.logged\",\"body\":{\"n\":1},\"retention\":\"governance\"}\n")[0]["index"]
        .to_string();
    let dir = notary.dir_text();
    let below = [("TABELLION_RETENTION__GOVERNANCE", "12")];
    let floor = &["governance", "floor is 36", "nothing was erased"];
    tabellion_with(&below, &["serve", "--dir", &dir]).refused(2, floor);
    tabellion_with(&below, &["retain", "--dir", &dir]).refused(2, floor);
    notary.run(&["retain", "--class", "governance", "--keep-months", "35"]).refused(2, floor);
    let doctor = tabellion_with(&below, &["doctor", "--dir", &dir]).ends(1);
    assert!(doctor.out.contains("TO DO  retention"), "the doctor passes it over: {}", doctor.out);
    tabellion_with(&[("TABELLION_RETENTION__EVIDENCE", "1200")], &["retain", "--dir", &dir])
        .refused(2, &["evidence", "never expires"]);
    let kept = [("TABELLION_RETENTION__GOVERNANCE", "36")];
    let due = tabellion_with(&kept, &["retain", "--due", "--json", "--dir", &dir]).ends(0).json();
    assert_eq!(due["rules"], json!([]), "this month's content is not due: {due}");
    let shown = notary.run(&["log", "show", &index, "--json"]).ends(0).json();
    assert_eq!(shown["units"][0]["content"], "shown", "content went too early");
    let classes = notary.run(&["retain", "--classes"]).ends(0).out;
    assert!(
        classes.contains("ai-act-provider-logs: 6 months") && classes.contains("Art. 19(1)"),
        "{classes}"
    );
}
