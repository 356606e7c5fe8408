//! Usage of providers with the program itself: one command puts an export on record and says what it comes to.

use std::fs;

use super::support::Notary;

/// Requirement: W27. What cannot be compared is said to be so, and a file that is no export leaves nothing.
#[test]
fn an_export_is_put_on_record_by_one_command() {
    let notary = Notary::new();
    let section = "[upstream.acme]\nbase_url = \"https://acme.example/v1\"\nmodels = [\"m\"]\n";
    let file = notary.dir().join("tabellion.toml");
    let made = fs::read_to_string(&file).expect("what init wrote");
    fs::write(&file, format!("{made}\n{section}")).expect("a configuration");
    let head = "start,end,account,key,model,requests,input_tokens,output_tokens";
    let table = notary.file("usage.csv", format!("{head}\n2026-01-01,2026-01-02,,,m,1,2,3\n").as_bytes());
    let broken = notary.file("broken.csv", format!("{head}\n2026-01-01,2026-01-02,,,m,1,2,-3\n").as_bytes());
    let import = |file: &str| notary.run(&["usage", "import", "--provider", "acme", "--format", "csv", file]);
    let refused = import(&broken).ends(2).err;
    assert!(refused.contains("line 2"), "nobody is told where: {refused}");
    let of = |kind: &str| notary.entries().iter().filter(|entry| entry["type"] == kind).count();
    assert_eq!(of("usage.reported"), 0, "a file that is no export is on record");
    let strange =
        notary.run(&["usage", "import", "--provider", "acmee", "--format", "csv", &table]).ends(2).err;
    assert!(strange.contains("acmee") && strange.contains("configured are acme"), "{strange}");
    assert_eq!(
        of("usage.reported"),
        0,
        "an upstream that nobody has made everything traffic off the gateway"
    );
    let said = import(&table).ends(0).out;
    assert!(
        said.contains("0 agree") && said.contains("1 not comparable"),
        "before the log nothing is certain: {said}"
    );
    assert_eq!((of("usage.reported"), of("usage.reconciled"), of("finding.opened")), (1, 1, 0));
    notary
        .run(&["usage", "import", "--provider", "acme", "--format", "csv", "--tolerance", "51", &table])
        .ends(2);
}
