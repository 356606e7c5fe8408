//! Many entries verified at once on the command line, and the signed result in somebody else's hands.

use super::support::{Notary, tabellion_verify};

// Requirement: R23.
#[test]
fn a_signed_run_over_many_entries_is_checked_offline_and_says_what_it_did_not_reach() {
    let notary = Notary::new();
    let recorded = notary.drafts(
        "{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n{\"type\":\"event.logged\",\"subjects\":[{\"subject\":\"c\",\"fields\":{\"name\":\"Ada\"}}]}\n",
    );
    let (first, second) = (recorded[0]["index"].to_string(), recorded[1]["index"].to_string());
    let (run, page) = (notary.beside_text("run.txt"), notary.beside_text("run.html"));
    let list = notary.file("ids.txt", format!("{second}\n\n0\n").as_bytes());
    let asked = ["log", "verify", &first, "--list", &list, "--out", &run, "--page", &page, "--json"];
    let found = notary.run(&asked).ends(0).json();
    assert_eq!(
        (&found["asked"], &found["reached"], &found["end"]),
        (&3.into(), &3.into(), &"completed".into())
    );
    assert_eq!(found["totals"]["signature"]["holds"], 3, "{found}");
    assert_eq!(found["totals"]["time"]["not_checked"], 3, "no clock outside the log vouches for it: {found}");
    let index = found["record"].to_string();
    let record = notary.run(&["log", "show", &index, "--json"]).ends(0).json();
    assert_eq!(
        record["units"][0]["fields"]["digest"], found["digest"],
        "the result is not on record: {record}"
    );
    let report = notary.verify(&run).ends(0);
    assert!(report.out.contains("verification run"), "{}", report.out);
    let beside = notary.dir();
    tabellion_verify(&beside, &[&run]).ends(3);
    let printed = std::fs::read_to_string(&page).expect("a page");
    assert!(printed.contains(found["digest"].as_str().expect("a digest")), "the page names no evidence");

    let partial = notary.beside_text("partial.txt");
    notary.run(&["log", "verify", &first, "999999", "--out", &partial]).ends(3);
    notary.verify(&partial).ends(3);
    notary.run(&["log", "verify", "seven", "--out", &partial]).refused(2, &["seven", "nothing was verified"]);
    let server = notary.serve();
    notary.run(&["log", "verify", &first, "--out", &notary.beside_text("served.txt")]).ends(0);
    server.stop().ends(0);
    let forged = "{\"type\":\"verification.run\",\"body\":{\"digest\":\"x\"}}\n";
    let file = notary.file("forged.jsonl", forged.as_bytes());
    notary.run(&["record", "--drafts", &file]).refused(2, &["verification.run"]);
    notary.is_sound();
}
