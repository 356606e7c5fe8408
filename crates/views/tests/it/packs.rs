//! Packs of policies: what is in force of them, what waits, and that nothing of one that cannot be read opens anything.

use tabellion_ledger::Draft;
use tabellion_model::RecordId;
use tabellion_model::body::{
    PackAct, PackLoaded, PackProposed, PackPublisherProposed, PackPublisherRemoved, PackPublisherSaid,
    PackPublisherTrusted, PackRemoved, PolicyLayer,
};
use tabellion_tlog::sha256;
use tabellion_views::query::PackSaid;

use crate::fixture::{Bench, credential, draft, on, organisation, system};

const BY: RecordId = RecordId::from_bytes([5; 16]);

fn loaded(name: &str, file: &str, version: u64) -> Draft {
    let body = PackLoaded {
        name: name.to_owned(),
        act: PackAct::Load,
        pack_version: version,
        version_text: "first".to_owned(),
        publisher: "vendor".to_owned(),
        layer: PolicyLayer::System,
        file: file.to_owned(),
        digest: sha256(file.as_bytes()).to_hex(),
        unit: None,
        systems: vec![system(1)],
        pin: version,
        proposed: BY,
        reason: "looked through".to_owned(),
        replay: None,
    };
    on(draft(&body), format!("policy-pack/{name}"))
}

fn proposed(name: &str) -> Draft {
    let body = PackProposed {
        name: name.to_owned(),
        act: PackAct::Remove,
        file: None,
        digest: None,
        unit: None,
        systems: Vec::new(),
        pin: 1,
        note: "no longer needed".to_owned(),
    };
    on(draft(&body), format!("policy-pack/{name}/proposed"))
}

fn removed(name: &str) -> (PackRemoved, Draft) {
    let (proposed, reason) = (BY, "done".to_owned());
    let body = PackRemoved { name: name.to_owned(), pin: 2, proposed, reason, replay: None };
    let removed = on(draft(&body), format!("policy-pack/{name}"));
    (body, removed)
}

fn put_forward() -> Draft {
    let put = PackPublisherProposed { said: said(), note: "their page".to_owned() };
    on(draft(&put), "pack-publisher/vendor/proposed".to_owned())
}

fn trusted() -> (PackPublisherTrusted, Draft) {
    let trusted = PackPublisherTrusted { said: said(), proposed: BY, reason: "compared".to_owned() };
    let record = on(draft(&trusted), "pack-publisher/vendor".to_owned());
    (trusted, record)
}

fn distrusted() -> Draft {
    let removed = PackPublisherRemoved { publisher: "vendor".to_owned(), reason: "lost".to_owned() };
    on(draft(&removed), "pack-publisher/vendor".to_owned())
}

/// One of the records of a pack or of its publisher, for random histories.
pub(crate) fn pack_step(name: u8, act: u8) -> Draft {
    let name = format!("pack-{name}");
    match act {
        0 => loaded(&name, "one file", 1),
        1 => loaded(&name, "another file", 2),
        2 => proposed(&name),
        3 => removed(&name).1,
        4 => put_forward(),
        5 => trusted().1,
        _ => distrusted(),
    }
}

fn said() -> PackPublisherSaid {
    let (publisher, key) = ("vendor".to_owned(), "vendor+00000000+AA==".to_owned());
    PackPublisherSaid { publisher, key, layers: vec![PolicyLayer::System], pins: Vec::new() }
}

/// Requirement: N18.
#[test]
fn packs_in_force_waiting_and_removed_follow_the_log() {
    let bench = Bench::new();
    organisation(&bench, system(1), credential(2), credential(3));
    let views = bench.views();
    let before = views.gate_now();
    bench.append(&loaded("own", "first file", 1));
    bench.append(&proposed("own"));
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert_eq!(
        (gate.packs[0].file.as_str(), gate.packs[0].systems.as_slice()),
        ("first file", &[system(1)][..])
    );
    assert!(gate.policy_generation > before.policy_generation, "rules of before the pack would stay in use");
    let waiting = views.pack_proposed("own").expect("an answer").expect("it waits");
    assert!(waiting.open && waiting.said.is_some(), "nobody could decide on it: {waiting:?}");
    bench.append(&loaded("own", "second file", 2));
    bench.catch_up(&views);
    assert_eq!(views.gate_now().packs[0].file, "second file", "the version before goes on");
    let waiting = views.pack_proposed("own").expect("an answer").expect("it was there");
    assert!(!waiting.open, "what was decided could be decided again");
    let (removed, record) = removed("own");
    bench.append(&record);
    bench.catch_up(&views);
    assert!(views.gate_now().packs.is_empty(), "a pack that was removed goes on");
    let row = views.pack("own").expect("an answer").expect("known");
    assert_eq!(row.said, PackSaid::Removed(Some(removed)), "its pin would be forgotten");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuilt view differs");
}

/// Requirement: N18.
#[test]
fn a_pack_that_cannot_be_read_denies_everything() {
    let bench = Bench::new();
    organisation(&bench, system(1), credential(2), credential(3));
    let pack = bench.append(&loaded("own", "a file", 1));
    bench.append(&loaded("other", "another file", 1));
    let views = bench.views();
    assert_eq!(views.gate_now().packs.len(), 2);
    bench.erase_record(&pack);
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert!(
        gate.policies.is_empty() && gate.packs.is_empty(),
        "what the erased pack forbade would be permitted"
    );
    let told = |line: &String| line.contains("own") && line.contains("denied");
    assert!(bench.notes.lock().unwrap().iter().any(told), "nobody would know why everything is denied");
    assert_eq!(views.pack("own").expect("an answer").expect("known").said, PackSaid::Erased);
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuilt view differs");
    bench.append(&loaded("own", "a file", 2));
    bench.catch_up(&views);
    let gate = views.gate_now();
    assert!(!gate.policies.is_empty() && gate.packs.len() == 2, "loading again must help");
}

/// Requirement: N18.
#[test]
fn a_publisher_is_trusted_until_it_is_removed() {
    let bench = Bench::new();
    let views = bench.views();
    bench.append(&put_forward());
    bench.catch_up(&views);
    assert_eq!(views.pack_publisher("vendor").expect("an answer"), None, "one person's word was enough");
    let (trusted, record) = trusted();
    bench.append(&record);
    bench.catch_up(&views);
    let row = views.pack_publisher("vendor").expect("an answer").expect("known");
    assert_eq!((row.said, row.removed), (Some(trusted), false));
    bench.append(&distrusted());
    bench.catch_up(&views);
    let row = views.pack_publisher("vendor").expect("an answer").expect("known");
    assert_eq!((row.said, row.removed), (None, true), "its packs could still be loaded");
    assert_eq!(views.digest().expect("a digest"), bench.rebuilt(), "a rebuilt view differs");
}
