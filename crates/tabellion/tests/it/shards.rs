//! Two logs under a root log, over HTTP between real servers.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use tabellion_model::registry::shard_name;
use tabellion_model::{Entry, Origin, Receipt};

use super::control::{self, session};
use super::support::{Notary, Server, copy_dir, tabellion, wait_until};

const ROOT: &str = "root.example.org/log/all";
const ACME: &str = "log.example.org/log/acme";
const BETA: &str = "log.example.org/log/beta";

/// A served root log with its administrator.
struct Root {
    notary: Notary,
    server: Option<Server>,
    /// Where it is served.
    address: String,
    token: String,
}

impl Root {
    fn new() -> Self {
        let notary = Notary::of(ROOT);
        let server = notary.serve();
        let address = control::address(&server);
        let added = notary.run(&["person", "add", "Ada", "--role", "administrator", "--json"]).ends(0).json();
        let (_, opened) = session(&address, added["url"].as_str().unwrap());
        Self { token: text(&opened["token"]), notary, server: Some(server), address }
    }

    fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        control::ask(&self.address, method, path, token, body)
    }

    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(&self.token, method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// Registers a log as a shard; gives the token that its server hands in with.
    fn register(&self, shard: &Notary, name: &str) -> String {
        let system = self.done("POST", "/api/v1/systems", &json!({"name": name, "purposes": ["log"]}));
        let system = text(&system["result"]["id"]);
        let stage = json!({"stage": "live", "reason": "a tenant begins"});
        self.done("POST", &format!("/api/v1/systems/{system}/stage"), &stage);
        let key = self.done("POST", &format!("/api/v1/systems/{system}/keys"), &json!({"name": "server"}));
        let trust = fs::read_to_string(shard.trust()).unwrap();
        let new = json!({"trust": trust, "system": system, "note": "handed over in person"});
        let made = self.done("POST", "/api/v1/shards", &new);
        assert_eq!(made["result"]["size"], 0, "a shard begins with what nobody handed in: {made}");
        text(&key["result"]["secret"])
    }

    fn shard(&self, origin: &str) -> Value {
        let (status, shard) = self.ask(&self.token, "GET", &path_of(origin), &Value::Null);
        assert_eq!(status, 200, "{shard}");
        shard
    }

    fn hand_in(&self, token: &str, origin: &str, body: &Value) -> (u16, Value) {
        self.ask(token, "POST", &format!("{}/checkpoints", path_of(origin)), body)
    }

    fn stop(&mut self) {
        self.server.take().unwrap().stop().ends(0);
    }

    /// Starts it again where it was.
    fn again(&mut self) {
        self.server = Some(self.notary.serve());
        self.address = control::address(self.server.as_ref().unwrap());
    }

    fn of_type(&self, name: &str) -> usize {
        self.notary.entries().iter().filter(|entry| entry["type"] == name).count()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn path_of(origin: &str) -> String {
    format!("/api/v1/shards/{}", shard_name(&Origin::new(origin).unwrap()))
}

/// Configures a log to hand its checkpoints to the root log.
fn configure(shard: &Notary, root: &Root, token: &str) {
    let token = shard.private_file("root.token", format!("{token}\n").as_bytes());
    let section = format!(
        "\n[anchor.root]\nkind = \"root-log\"\nurl = \"http://{}\"\ntoken_file = \"{token}\"\nroot_file = \"{}\"\n",
        root.address,
        root.notary.trust()
    );
    let file = shard.dir().join("tabellion.toml");
    let mut open = fs::OpenOptions::new().append(true).open(file).unwrap();
    open.write_all(section.as_bytes()).unwrap();
}

fn record(shard: &Notary, word: &str) {
    shard.record(&shard.file(&format!("{word}.txt"), word.as_bytes()), &[]);
}

fn checkpoint(shard: &Notary) -> String {
    text(&shard.run(&["log", "head", "--json"]).ends(0).json()["checkpoint"])
}

fn coverage(shard: &Notary) -> Value {
    shard.run(&["anchor", "status", "--json"]).ends(0).json()["anchors"][0].clone()
}

fn covers(shard: &Notary, size: u64) -> bool {
    coverage(shard)["size"].as_u64().is_some_and(|covered| covered >= size)
}

/// A trust file for readers who know the shard and the root log.
fn trust_of_both(shard: &Notary) -> String {
    let lines = shard.run(&["anchor", "trust"]).ends(0).out;
    assert!(lines.contains("#! root-log root.example.org/log/all+"), "the root log is not named: {lines}");
    let own = fs::read_to_string(shard.trust()).unwrap();
    shard.file("both.txt", format!("{own}\n{lines}").as_bytes())
}

/// Requirement: P04, B01, B02. Two tenants' logs, each with its own origin and keys, under one root log.
#[test]
fn two_shards_hand_their_checkpoints_in_and_a_reader_believes_the_root_log_s_clock() {
    let root = Root::new();
    let (acme, beta) = (Notary::of(ACME), Notary::of(BETA));
    for (shard, name) in [(&acme, "Acme"), (&beta, "Beta")] {
        let token = root.register(shard, name);
        configure(shard, &root, &token);
    }
    let servers = [acme.serve(), beta.serve()];
    for word in ["one", "two"] {
        for shard in [&acme, &beta] {
            record(shard, word);
            let size = shard.size();
            wait_until("the root log to cover the shard", || covers(shard, size));
        }
    }
    drop(servers.map(|server| server.stop().ends(0)));
    for (shard, origin) in [(&acme, ACME), (&beta, BETA)] {
        let known = root.shard(origin);
        assert_eq!((&known["origin"], &known["conflicts"]), (&json!(origin), &json!(0)), "{known}");
        assert!(known["checkpoints"].as_u64() >= Some(2), "each growth is handed in: {known}");
        // The evidence is a receipt of the root log, of exactly this shard's checkpoint.
        let jobs = shard.run(&["anchor", "list", "--json"]).ends(0).json_lines();
        let job = jobs.iter().rfind(|job| job["state"] == "confirmed").unwrap();
        let file = shard.dir().join(text(&job["evidence"]));
        tabellion(&["verify", &file.display().to_string(), "--trust", &root.notary.trust()]).ends(0);
        let receipt = Receipt::parse(&fs::read(&file).unwrap()).unwrap();
        let entry = Entry::parse(&receipt.entry).unwrap();
        let clear = entry.header().unwrap().clear.clone().unwrap();
        assert_eq!((&clear["origin"], &clear["size"]), (&json!(origin), &job["size"]), "{clear:?}");
        // A reader who names the root log has its time, one who does not has none and is told.
        let proof = shard.beside_text("anchored.receipt");
        shard.run(&["log", "prove", "1", "--anchored", "--out", &proof]).ends(0);
        let report =
            tabellion(&["verify", &proof, "--trust", &trust_of_both(shard), "--json"]).ends(0).json();
        assert_eq!(report["facts"]["levels"], json!(["included", "anchored"]), "{report}");
        let report = tabellion(&["verify", &proof, "--trust", &shard.trust(), "--json"]).ends(0).json();
        assert_eq!(report["facts"]["levels"], json!(["included"]), "{report}");
    }
    // One tenant's evidence is none for the other.
    let swapped = beta.beside_text("swapped.receipt");
    let other = Receipt::parse(&fs::read(beta.beside("anchored.receipt")).unwrap()).unwrap();
    let mut own = Receipt::parse(&fs::read(acme.beside("anchored.receipt")).unwrap()).unwrap();
    own.anchors = other.anchors;
    fs::write(&swapped, own.to_bytes().unwrap()).unwrap();
    let report = tabellion(&["verify", &swapped, "--trust", &trust_of_both(&acme), "--json"]).ends(1).json();
    let anchors =
        report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "anchors").unwrap();
    assert!(text(&anchors["detail"]).contains("is not of this checkpoint"), "{anchors}");
    acme.is_sound();
    root.notary.is_sound();
    // An auditor with both logs at hand computes every root that the root log has.
    let dirs = [acme.dir_text(), beta.dir_text()];
    let listed =
        root.notary.run(&["log", "shards", "--json", "--shard", &dirs[0], "--shard", &dirs[1]]).ends(0);
    for shard in listed.json()["shards"].as_array().unwrap() {
        assert_eq!((&shard["compared"], &shard["unchecked"]), (&shard["checkpoints"], &json!(0)), "{shard}");
    }
}

/// Requirement: B02, W22. The root log answers for itself alone; a shard goes on without it and catches up.
#[test]
fn a_root_log_that_is_down_stops_nothing_and_is_caught_up_with() {
    let mut root = Root::new();
    let acme = Notary::of(ACME);
    let token = root.register(&acme, "Acme");
    root.stop();
    configure(&acme, &root, &token);
    let server = acme.serve();
    for word in ["one", "two", "three"] {
        record(&acme, word);
    }
    wait_until("the fault to be seen", || coverage(&acme)["error"]["code"] == "unavailable");
    let waiting = coverage(&acme);
    assert_eq!(waiting["size"], 0, "nothing is confirmed by a root log that is down: {waiting}");
    assert!(waiting["open"].as_u64() > Some(0), "the checkpoint waits: {waiting}");
    server.stop().ends(0);
    root.again();
    let file = acme.dir().join("tabellion.toml");
    let old = fs::read_to_string(&file).unwrap();
    let section = old.find("[anchor.root]").unwrap();
    fs::write(&file, &old[..section]).unwrap();
    configure(&acme, &root, &token);
    let server = acme.serve();
    let size = acme.size();
    wait_until("the root log to cover the shard", || covers(&acme, size));
    server.stop().ends(0);
    acme.is_sound();
}

/// Requirement: B02, A16. What contradicts a shard's earlier checkpoint is refused, is on record with the shard's own signature, and stops nobody else.
#[test]
fn a_shard_s_rollback_and_fork_are_refused_and_on_record() {
    let root = Root::new();
    let (acme, beta) = (Notary::of(ACME), Notary::of(BETA));
    let token = root.register(&acme, "Acme");
    let other = root.register(&beta, "Beta");
    record(&acme, "one");
    let early = checkpoint(&acme);
    let copy = acme.beside("fork");
    copy_dir(&acme.dir(), &copy);
    record(&acme, "two");
    let new = checkpoint(&acme);
    let first = json!({"checkpoint": new, "old_size": 0, "consistency": []});
    let (status, answer) = root.hand_in(&token, ACME, &first);
    assert_eq!(status, 200, "{answer}");
    let (status, again) = root.hand_in(&token, ACME, &first);
    assert_eq!((status, &again["receipt"]), (200, &answer["receipt"]), "the same again has the same receipt");
    // A request that was long on its way: what it shows was true when it left, and it says so.
    let late = json!({"checkpoint": early, "old_size": 0, "consistency": []});
    let (status, refused) = root.hand_in(&token, ACME, &late);
    assert_eq!((status, &refused["code"]), (409, &json!("shard_ahead")), "{refused}");
    assert_eq!(root.of_type("shard.conflict_found"), 0, "the network's delay is held against the shard");
    // Behind: a smaller checkpoint that the shard signed, by one who knows what was taken.
    let newest = root.shard(ACME)["size"].clone();
    let behind = json!({"checkpoint": early, "old_size": newest, "consistency": []});
    for _ in 0..2 {
        let (status, refused) = root.hand_in(&token, ACME, &behind);
        assert_eq!((status, &refused["code"]), (409, &json!("shard_ahead")), "{refused}");
    }
    // A second history of the same length, under the shard's own key.
    let fork = fork_of(&copy, &acme);
    assert_ne!(fork, new, "the histories differ");
    for _ in 0..2 {
        let forked = json!({"checkpoint": fork, "old_size": 0, "consistency": []});
        let (status, refused) = root.hand_in(&token, ACME, &forked);
        assert_eq!((status, &refused["code"]), (422, &json!("shard_forked")), "{refused}");
    }
    let known = root.shard(ACME);
    let kinds: Vec<_> = known["newest_conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (text(&one["kind"]), one["proved"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [("forked".to_owned(), true), ("rolled_back".to_owned(), false)],
        "each is on record once: {known}"
    );
    // The other shard is taken all the same.
    record(&beta, "one");
    let body = json!({"checkpoint": checkpoint(&beta), "old_size": 0, "consistency": []});
    let (status, answer) = root.hand_in(&other, BETA, &body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(root.of_type("shard.conflict_found"), 2);
    assert_eq!(root.of_type("shard.checkpoint_recorded"), 2);
    let listed = root.notary.run(&["log", "shards"]).ends(1);
    assert!(
        listed.out.contains("forked") && listed.out.contains("proved by its own signatures"),
        "{}",
        listed.out
    );
    let forked = copy.display().to_string();
    let listed = root.notary.run(&["log", "shards", "--shard", &forked]).ends(1);
    assert!(
        listed.out.contains("has another root for its first"),
        "the fork passes for the log: {}",
        listed.out
    );
    root.notary.is_sound();
}

/// Requirement: B02. A shard's server that was put back to an earlier state is found out by what it hands in itself, and says so.
#[test]
fn a_shard_that_is_put_back_finds_out_from_its_root_log() {
    let root = Root::new();
    let acme = Notary::of(ACME);
    let token = root.register(&acme, "Acme");
    configure(&acme, &root, &token);
    record(&acme, "one");
    let copy = acme.beside("copy");
    copy_dir(&acme.dir(), &copy);
    let server = acme.serve();
    for word in ["two", "three", "four", "five", "six", "seven"] {
        record(&acme, word);
    }
    let size = acme.size();
    wait_until("the root log to cover the shard", || covers(&acme, size));
    server.stop().ends(0);
    fs::remove_dir_all(acme.dir()).unwrap();
    fs::rename(&copy, acme.dir()).unwrap();
    let server = acme.serve();
    // It begins anew with an epoch of its own, so that it is smaller than what was taken, or has another root at a size that was.
    let told = || coverage(&acme)["error"]["code"].as_str().map(str::to_owned);
    wait_until("the rollback to be told", || {
        told().is_some_and(|code| ["rolled_back", "forked"].contains(&code.as_str()))
    });
    let code = told();
    assert_eq!(coverage(&acme)["size"], 0, "what was put back is covered by nothing");
    server.stop().ends(0);
    let known = root.shard(ACME);
    assert_eq!(known["newest_conflicts"][0]["kind"].as_str(), code.as_deref(), "{known}");
}

/// Requirement: B02. A root log that was put back is contradicted by its own receipts: its shards say so, and hand in nothing that would hide it.
#[test]
fn a_root_log_that_is_put_back_is_found_out_by_its_shards() {
    let mut root = Root::new();
    let acme = Notary::of(ACME);
    let token = root.register(&acme, "Acme");
    root.stop();
    let copy = root.notary.beside("copy");
    copy_dir(&root.notary.dir(), &copy);
    root.again();
    configure(&acme, &root, &token);
    record(&acme, "one");
    let vouched = acme.size();
    acme.run(&["anchor", "now"]).ends(0);
    assert_eq!(coverage(&acme)["size"], vouched, "the root log takes the shard's checkpoint");
    root.stop();
    fs::remove_dir_all(root.notary.dir()).unwrap();
    fs::rename(&copy, root.notary.dir()).unwrap();
    root.again();
    let file = acme.dir().join("tabellion.toml");
    let old = fs::read_to_string(&file).unwrap();
    fs::write(&file, &old[..old.find("[anchor.root]").unwrap()]).unwrap();
    configure(&acme, &root, &token);
    let server = acme.serve();
    record(&acme, "two");
    wait_until("the shard to say so", || coverage(&acme)["error"]["code"] == "root_put_back");
    let told = coverage(&acme);
    assert_eq!(told["size"], vouched, "the receipt that contradicts the root log is kept: {told}");
    assert!(
        told["error"]["text"].as_str().unwrap().contains(&format!("signed for {vouched} before")),
        "{told}"
    );
    server.stop().ends(0);
    assert_eq!(root.shard(ACME)["size"], 0, "what was lost is handed in again as if nothing had happened");
    acme.is_sound();
}

/// Requirement: B02, A16. What a shard hands out now is held against what its root log has, and who was not asked is not taken for one that agrees.
#[test]
fn a_root_log_is_held_against_what_its_shards_hand_out_now() {
    let root = Root::new();
    let (acme, beta) = (Notary::of(ACME), Notary::of(BETA));
    let token = root.register(&acme, "Acme");
    root.register(&beta, "Beta");
    record(&acme, "one");
    let copy = acme.beside("fork");
    copy_dir(&acme.dir(), &copy);
    for word in ["two", "three", "four"] {
        record(&acme, word);
    }
    let added = acme.run(&["person", "add", "Eve", "--role", "administrator", "--json"]).ends(0).json();
    let body = json!({"checkpoint": checkpoint(&acme), "old_size": 0, "consistency": []});
    let (status, answer) = root.hand_in(&token, ACME, &body);
    assert_eq!(status, 200, "{answer}");
    record(&acme, "five");
    let server = acme.serve();
    let address = control::address(&server);
    let (_, opened) = session(&address, added["url"].as_str().unwrap());
    let reader = acme.private_file("reader.token", format!("{}\n", text(&opened["token"])).as_bytes());
    let line = format!("{ACME} http://{address}/log/acme {reader}\n");
    let addresses = root.notary.file("addresses.txt", format!("# where they are\n\n{line}").as_bytes());
    let listed = root.notary.run(&["log", "shards", "--live", &addresses, "--json"]).ends(3).json();
    let of = |origin: &str| {
        let shards = listed["shards"].as_array().unwrap();
        shards.iter().find(|shard| shard["origin"] == origin).unwrap()["live"].clone()
    };
    assert_eq!(of(ACME)["outcome"], "holds", "a shard that grew contradicts its root log: {listed}");
    assert!(of(ACME)["size"].as_u64() > body_size(&body), "it was not asked: {listed}");
    assert_eq!(of(BETA)["outcome"], "not checked", "who was not asked agrees: {listed}");
    let told = root.notary.run(&["log", "shards", "--live", &addresses]).ends(3).out;
    assert!(told.contains("NOT CHECKED: not asked: no address"), "{told}");
    // Nobody who may not read the log, and another log at that address.
    for (line, why) in [
        (format!("{ACME} http://{address}/log/acme\n"), "token"),
        (format!("{BETA} http://{address}/log/acme {reader}\n"), "nothing of it is recorded"),
        (format!("{ACME} http://127.0.0.1:1/log/acme {reader}\n"), "cannot be reached"),
    ] {
        let addresses = root.notary.file("other.txt", line.as_bytes());
        let told = root.notary.run(&["log", "shards", "--live", &addresses]).ends(3).out;
        assert!(told.contains(why), "{line}: {told}");
    }
    server.stop().ends(0);
    // A copy that was put back, went on otherwise and is smaller, under the same keys.
    fs::remove_dir_all(acme.dir()).unwrap();
    fs::rename(&copy, acme.dir()).unwrap();
    let added = acme.run(&["person", "add", "Mallory", "--role", "administrator", "--json"]).ends(0).json();
    let server = acme.serve();
    let address = control::address(&server);
    let (_, opened) = session(&address, added["url"].as_str().unwrap());
    let reader = acme.private_file("mallory.token", format!("{}\n", text(&opened["token"])).as_bytes());
    let line = format!("{ACME} http://{address}/log/acme {reader}\n");
    let addresses = root.notary.file("back.txt", line.as_bytes());
    let told = root.notary.run(&["log", "shards", "--live", &addresses]).ends(1).out;
    let is_named = told.contains("put back to an earlier state") || told.contains("does not continue");
    assert!(told.contains("contradiction: ") && is_named, "a log that was put back passes: {told}");
    server.stop().ends(0);
    let bad = root.notary.file("bad.txt", b"log.example.org/log/nobody http://127.0.0.1:1/\n");
    root.notary
        .run(&["log", "shards", "--live", &bad])
        .refused(2, &["log.example.org/log/nobody", "no shard"]);
}

/// Entries of the tree of a checkpoint in a request.
fn body_size(body: &Value) -> Option<u64> {
    text(&body["checkpoint"]).lines().nth(1)?.parse().ok()
}

/// The head of a copy of the log that went on otherwise, at the size of the log itself.
fn fork_of(copy: &Path, log: &Notary) -> String {
    let dir = copy.display().to_string();
    let file = log.file("other.txt", b"something else");
    tabellion(&["record", &file, "--dir", &dir]).ends(0);
    text(&tabellion(&["log", "head", "--dir", &dir, "--json"]).ends(0).json()["checkpoint"])
}

/// Requirement: B02. Who may hand in what, in which form.
#[test]
fn what_is_not_the_shard_s_own_is_refused_with_a_code() {
    let root = Root::new();
    let (acme, beta) = (Notary::of(ACME), Notary::of(BETA));
    let token = root.register(&acme, "Acme");
    let other = root.register(&beta, "Beta");
    record(&acme, "one");
    let good = json!({"checkpoint": checkpoint(&acme), "old_size": 0, "consistency": []});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let cases = [
        ("another shard's key", other.as_str(), ACME, good.clone(), 404, "not_found"),
        ("nobody's key", "sk-nobody", ACME, good.clone(), 401, "not_signed_in"),
        ("another shard's origin", &other, BETA, good.clone(), 403, "shard_unsigned"),
        (
            "a signature of nobody known",
            &token,
            ACME,
            with("checkpoint", resigned(&good)),
            403,
            "shard_unsigned",
        ),
        ("a proof from elsewhere", &token, ACME, with("old_size", json!(1)), 409, "shard_ahead"),
        ("no hash", &token, ACME, with("consistency", json!(["x"])), 400, "malformed"),
        (
            "a proof from nothing",
            &token,
            ACME,
            with("consistency", json!(["00".repeat(32)])),
            422,
            "shard_forked",
        ),
        ("no checkpoint", &token, ACME, with("checkpoint", json!("hello\n")), 400, "malformed"),
        (
            "more bytes than any checkpoint",
            &token,
            ACME,
            with("checkpoint", json!("x".repeat(600 << 10))),
            400,
            "malformed",
        ),
        (
            "a key record that is none",
            &token,
            ACME,
            with("key_records", json!(["aGVsbG8="])),
            400,
            "malformed",
        ),
    ];
    for (what, token, origin, body, status, code) in cases {
        let (got, answer) = root.hand_in(token, origin, &body);
        assert_eq!((got, &answer["code"]), (status, &json!(code)), "{what}: {answer}");
    }
    assert_eq!(root.of_type("shard.checkpoint_recorded"), 0, "something was taken that is not the shard's");
    let (status, answer) = root.hand_in(&token, ACME, &good);
    assert_eq!(status, 200, "and the shard's own is taken: {answer}");
    // Nobody but an administrator says whose checkpoints are taken, and a log is no shard of itself.
    let trust = fs::read_to_string(root.notary.trust()).unwrap();
    let own = json!({"trust": trust, "system": "00".repeat(16), "note": "itself"});
    let (status, refused) = root.ask(&root.token, "POST", "/api/v1/shards", &own);
    assert_eq!(status, 400, "{refused}");
    let (status, refused) = root.ask(&token, "POST", "/api/v1/shards", &own);
    assert_eq!(status, 403, "{refused}");
}

/// The checkpoint with a signature that its key did not make.
fn resigned(good: &Value) -> Value {
    let text = text(&good["checkpoint"]);
    let (body, line) = text.rsplit_once(' ').unwrap();
    let flipped: String = line
        .chars()
        .enumerate()
        .map(|(place, c)| if place == 20 { if c == 'A' { 'B' } else { 'A' } } else { c })
        .collect();
    json!(format!("{body} {flipped}"))
}

/// Requirement: A14, B02. A shard's log key is replaced by its own record, which both keys and its root signed.
#[test]
fn a_shard_that_rotates_its_log_key_is_followed() {
    let root = Root::new();
    let acme = Notary::of(ACME);
    let token = root.register(&acme, "Acme");
    configure(&acme, &root, &token);
    let server = acme.serve();
    record(&acme, "one");
    let size = acme.size();
    wait_until("the root log to cover the shard", || covers(&acme, size));
    let before = root.shard(ACME);
    let keys = acme.run(&["key", "list", "--json"]).ends(0).json();
    let keys = keys.as_array().or_else(|| keys["keys"].as_array()).unwrap().clone();
    let log = keys.iter().find(|key| key["purpose"] == "log").unwrap();
    acme.run(&["key", "rotate", &text(&log["key_id"])]).ends(0);
    record(&acme, "two");
    let size = acme.size();
    wait_until("the root log to cover the shard", || covers(&acme, size));
    server.stop().ends(0);
    let after = root.shard(ACME);
    assert_ne!(before["key"], after["key"], "the root log did not follow: {after}");
    assert_eq!(root.of_type("shard.key_rotated"), 1);
    // Its trust file has the earlier key as well, and can be handed in all the same.
    let trust = fs::read_to_string(acme.trust()).unwrap();
    assert_eq!(
        trust.matches(&format!("log {ACME}+")).count(),
        2,
        "both keys sign what readers hold: {trust}"
    );
    let anew = json!({"trust": trust, "system": after["system"], "note": "the same again"});
    let (status, known) = root.ask(&root.token, "POST", "/api/v1/shards", &anew);
    assert_eq!(
        (status, &known["code"]),
        (409, &json!("already_so")),
        "the key in force is the newest one: {known}"
    );
    let proof = acme.beside_text("anchored.receipt");
    let last =
        acme.entries().iter().rfind(|entry| entry["type"] == "document.captured").unwrap()["index"].clone();
    acme.run(&["log", "prove", &last.to_string(), "--anchored", "--out", &proof]).ends(0);
    let report = tabellion(&["verify", &proof, "--trust", &trust_of_both(&acme), "--json"]).ends(0).json();
    assert_eq!(report["facts"]["levels"], json!(["included", "anchored"]), "{report}");
}
