//! Configuration through the program: unknown keys, contradictions, variables.

use std::fs;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::support::{Notary, Server, command, tabellion};

fn configure(notary: &Notary, text: &str) {
    fs::write(notary.dir().join("tabellion.toml"), text).expect("the configuration can be written");
}

fn with_variable(notary: &Notary, name: &str, value: &str, args: &[&str]) -> (i32, String) {
    let output = command(args)
        .args(["--dir", &notary.dir_text()])
        .env(name, value)
        .output()
        .expect("the program starts");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn unknown_keys_are_refused_with_their_place_and_the_nearest_known_key() {
    let notary = Notary::new();
    configure(&notary, "[log]\ntennant = \"acme\"\n");
    notary.run(&["log", "head"]).refused(2, &["tabellion.toml", "tennant", "did you mean tenant"]);
    notary.run(&["serve"]).refused(2, &["tennant"]);
    configure(&notary, "[lgo]\n");
    notary.run(&["log", "head"]).refused(2, &["[lgo]", "did you mean [log]"]);
    for (text, section) in [
        ("[gateway.limits]\nbody_bytes = 1000\n", "[limits]"),
        ("[[gateway.upstreams]]\nname = \"a\"\n", "[upstream.NAME]"),
        ("[gateway]\nnames = \"people\"\n", "person, location and organisation"),
    ] {
        configure(&notary, text);
        notary.run(&["serve"]).refused(2, &["tabellion.toml", section]);
    }
    configure(&notary, "");
    let (code, said) = with_variable(&notary, "TABELLION_LOG__TENNANT", "x", &["log", "head"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("TABELLION_LOG__TENNANT") && said.contains("tenant"), "{said}");
    let (code, said) = with_variable(&notary, "TABELLION_DIR", "x", &["log", "head"]);
    assert!(
        code == 2 && said.contains("TABELLION_DIR"),
        "a variable that does nothing must not look as if it did: {said}"
    );
}

#[test]
fn a_lost_configuration_is_not_replaced_by_defaults_in_silence() {
    let notary = Notary::new();
    let file = notary.dir().join("tabellion.toml");
    let text = fs::read_to_string(&file).expect("init writes a configuration");
    fs::remove_file(&file).expect("it can be lost");
    notary.run(&["serve"]).refused(1, &["tabellion.toml is missing", "--config", "touch"]);
    let found = notary.run(&["doctor"]).ends(1);
    assert!(found.out.contains("tabellion.toml is missing"), "nobody would find out why: {}", found.out);
    notary.run(&["log", "head"]).ends(0);
    let size = notary.size();
    let paper = notary.file("a.txt", b"a");
    notary.run(&["record", &paper]).refused(1, &["tabellion.toml is missing", "--config"]);
    notary.run(&["erase", "--subject", "c", "--reason", "r"]).refused(1, &["tabellion.toml is missing"]);
    assert_eq!(notary.size(), size, "something was recorded under rules that nobody knows");
    let elsewhere = notary.file("other.toml", text.as_bytes());
    notary.run(&["doctor", "--config", &elsewhere]).ends(0);
    configure(&notary, "");
    notary.serve().stop().ends(0);
}

#[test]
fn a_log_of_another_name_or_environment_is_refused() {
    let notary = Notary::new();
    configure(&notary, "[log]\nhost = \"log.example.org\"\ntenant = \"other\"\n");
    notary
        .run(&["log", "head"])
        .refused(1, &["log.example.org/log/acme", "log.example.org/log/other", "fixed"]);
    let file = notary.file("a.txt", b"1");
    notary.run(&["record", &file]).refused(1, &["log/other"]);
    configure(&notary, "[log]\nenv = \"sandbox\"\n");
    notary.run(&["record", &file]).refused(1, &["production", "sandbox"]);
    let (code, _) = with_variable(&notary, "TABELLION_LOG__ENV", "production", &["log", "head"]);
    assert_eq!(code, 0, "a variable overrides the file");
}

#[test]
fn init_writes_a_configuration_that_it_reads_itself_and_agrees_with_one_that_is_there() {
    let notary = Notary::with(&["--env", "development"]);
    let text = fs::read_to_string(notary.dir().join("tabellion.toml")).expect("init writes a configuration");
    for line in ["host = \"log.example.org\"", "tenant = \"acme\"", "env = \"development\""] {
        assert!(text.contains(line), "the configuration does not say {line}:\n{text}");
    }
    notary.run(&["log", "head"]).ends(0);

    let dir = notary.beside("second");
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("tabellion.toml"), "[log]\nhost = \"a.example\"\ntenant = \"b\"\nenv = \"sandbox\"\n")
        .expect("a configuration");
    let dir = dir.display().to_string();
    tabellion(&["init", "--dir", &dir, "--origin", "a.example/log/c"])
        .refused(2, &["a.example/log/c", "a.example/log/b"]);
    let made = tabellion(&["init", "--dir", &dir]).ends(0);
    assert!(
        made.out.contains("a.example/log/b") && made.out.contains("sandbox"),
        "the configuration that was there must apply: {}",
        made.out
    );
}

#[test]
fn what_an_export_discloses_can_be_configured() {
    let notary = Notary::new();
    notary.drafts("{\"type\":\"event.logged\",\"body\":{\"n\":1}}\n");
    configure(&notary, "[export]\ndisclose = \"none\"\n");
    let out = notary.beside_text("p.zip");
    let json = notary.run(&["export", "--out", &out, "--json"]).ends(0).json();
    assert_eq!(json["units"]["shown"], 0, "more was disclosed than is configured: {json}");
    notary.run(&["export", "--out", &out]).refused(2, &["p.zip", "exists"]);
    let out = notary.beside_text("q.zip");
    let json = notary.run(&["export", "--out", &out, "--json", "--disclose", "business"]).ends(0).json();
    assert_eq!(json["units"]["shown"], 1, "the command line must prevail: {json}");
    let elsewhere = notary.file("other.toml", b"[export]\ndisclose = \"all\"\n");
    notary.run(&["log", "head", "--config", &elsewhere]).ends(0);
    notary.run(&["log", "head", "--config", "no/such.toml"]).refused(1, &["no/such.toml"]);
}

/// The settings of each `config.loaded`, oldest first.
fn loaded(notary: &Notary) -> Vec<Value> {
    let entries = notary.entries().into_iter().filter(|entry| entry["type"] == "config.loaded");
    let shown = entries.map(|entry| {
        let shown = notary.run(&["log", "show", &entry["index"].to_string(), "--json"]).ends(0).json();
        assert!(shown.get("clear").is_none_or(Value::is_null), "settings are not for everybody: {shown}");
        let fields = &shown["units"][0]["fields"];
        let settings = fields["settings"].as_str().expect("its settings are disclosed to their owner");
        let digest = fields["digest"].as_str().expect("a digest");
        assert_eq!(digest, hex::encode(Sha256::digest(settings)), "the digest is of something else");
        assert_eq!(fields["version"], env!("CARGO_PKG_VERSION"), "which program took them");
        serde_json::from_str(settings).expect("settings are JSON")
    });
    shown.collect()
}

#[test]
fn every_start_records_the_settings_that_it_serves_under_and_no_secret() {
    let notary = Notary::new();
    let key = notary.file("provider.key", b"sk-in-a-file\n");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&key, private).expect("permissions can be set");
    let provider = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nnames = \"location, person\"\n[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\nkey_file = {key:?}\nmodels = [\"small\"]\n"
    );
    configure(&notary, &format!("[retention]\nstandard = 84\n[limits]\nbody_bytes = 1000\n{provider}"));
    notary.serve().stop().ends(0);
    let far = |key: &str| {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n[upstream.far]\nbase_url = \"https://far.example/v1\"\nmodels = [\"*\"]\n{key}\n"
        )
    };
    configure(&notary, &far("key_env = \"FAR_KEY\""));
    // A start that is refused for its settings has served under none: FAR_KEY is not set.
    notary.run(&["serve"]).ends(1);
    assert_eq!(loaded(&notary).len(), 1, "settings are on record under which nobody served");
    configure(&notary, &far(&format!("key_file = {key:?}")));
    notary.serve().stop().ends(0);
    let taken = loaded(&notary);
    assert_eq!(taken.len(), 2, "each start is one record: {taken:?}");
    let (first, second) = (&taken[0], &taken[1]);
    assert_eq!(first["limits"]["body_bytes"], 1000, "a limit that was set");
    assert_eq!(first["limits"]["depth"], 64, "a limit that was not");
    assert_eq!(first["retention"]["standard"], 84, "how long content is kept");
    assert_eq!(first["log"]["tenant"], "acme", "whose log it is");
    assert_eq!(first["export"]["disclose"], "business", "what packages show when nobody says");
    assert_eq!(first["upstream"]["local"]["key_file"], Value::from(key), "where the key is");
    assert_eq!(first["gateway"]["listen"], "127.0.0.1:0", "where calls come in");
    assert_eq!(
        first["gateway"]["names"],
        serde_json::json!(["person", "location"]),
        "which names are masked, where somebody says"
    );
    assert_eq!(second["upstream"]["far"]["base_url"], "https://far.example/v1", "where calls go");
    assert_eq!(second["upstream"]["local"], Value::Null, "a provider that is configured no more");
    assert_eq!(second["limits"]["body_bytes"], 10 << 20, "the default came back");
    let all = format!("{taken:?}");
    assert!(!all.contains("sk-in-a-file"), "a provider's key is on record: {all}");
}

#[test]
fn the_doctor_refuses_what_serve_would_refuse() {
    let notary = Notary::new();
    let upstream = |lines: &str| format!("[upstream.local]\nbase_url = \"http://127.0.0.1:9/v1\"\n{lines}");
    for (text, told) in [
        (upstream("models = []\n"), "serves no model"),
        (upstream("models = [\"*\"]\nkey_env = \"TABELLION_TEST_UNSET\"\n"), "TABELLION_TEST_UNSET"),
        ("[upstream.local]\nbase_url = \"127.0.0.1:9\"\nmodels = [\"*\"]\n".to_owned(), "base_url"),
        ("[console]\npublic_url = \"https://example.org/notary\"\n".to_owned(), "has a path"),
    ] {
        configure(&notary, &text);
        let found = notary.run(&["doctor"]).ends(1).out;
        assert!(found.contains("TO DO  configuration") && found.contains(told), "{text}\n{found}");
    }
    configure(&notary, &upstream("models = [\"*\"]\n"));
    notary.run(&["doctor"]).ends(0);
    // Where the tests listen is set by variables, which come before the file.
    let (code, _) = with_variable(&notary, "TABELLION_CONSOLE__LISTEN", "0.0.0.0:8077", &["doctor"]);
    assert_eq!(code, 1, "sessions would cross the network in plain text without a word");
}

/// Requirement: P13. A start under another guard is on record rule by rule, with the account and the reason; without one the operator is told, and can say it later.
#[test]
fn a_start_under_another_guard_is_on_record_with_what_changed_and_why() {
    let notary = Notary::new();
    let guard = |words: &str| {
        format!(
            "[gateway]\nlisten = \"127.0.0.1:0\"\n[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\nmodels = [\"small\"]\n[guard.arms]\nkind = \"words\"\nwords = [{words}]\n"
        )
    };
    let changed = || notary.entries().iter().filter(|entry| entry["type"] == "configuration.changed").count();
    configure(&notary, &guard("\"gun\", \"bomb\""));
    notary.serve().stop().ends(0);
    notary.serve().stop().ends(0);
    assert_eq!(changed(), 1, "each start is a change, or the first is none");
    configure(&notary, &guard("\"gun\""));
    let server = notary.serve();
    let told = server.said.clone();
    server.stop().ends(0);
    assert!(
        told.contains("say why with tabellion configuration explain"),
        "the operator hears nothing: {told}"
    );
    assert_eq!(changed(), 2);
    let listed = notary.run(&["configuration", "list"]).ends(0).out;
    assert!(
        listed.contains("no reason was given")
            && listed.contains("changed guard.arms")
            && listed.contains("words: [\"bomb\"] -> nothing"),
        "{listed}"
    );
    let all = notary.run(&["configuration", "list", "--json"]).ends(0).json();
    let newest = &all["changes"][0];
    assert_eq!((&newest["unexplained"], &all["changes"][1]["first"]), (&true.into(), &true.into()), "{all}");
    assert!(newest["account"].as_str().is_some_and(|account| !account.is_empty()), "nobody ran it: {newest}");
    let id = newest["id"].as_str().expect("an id");
    let said = notary.run(&["configuration", "explain", id, "--reason", "it hit recipes"]).ends(0).out;
    assert!(said.contains("it hit recipes"), "{said}");
    notary.run(&["configuration", "explain", &"0".repeat(32), "--reason", "r"]).refused(1, &["there is no"]);
    configure(&notary, &guard("\"gun\", \"knife\""));
    let server = Server::start_with(&notary.dir(), &["--reason", "knives too"]);
    let told = server.said.clone();
    server.stop().ends(0);
    assert!(!told.contains("say why"), "who said it is asked for it: {told}");
    let all = notary.run(&["configuration", "list", "--json"]).ends(0).json();
    assert_eq!(all["changes"][0]["reason"], "knives too", "{all}");
    notary.run(&["serve", "--reason", " "]).refused(2, &["--reason takes"]);
}

/// A gateway with one guard over these words, with `more` before it.
fn guarded(words: &str, more: &str) -> String {
    format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\n[upstream.local]\nbase_url = \"http://127.0.0.1:1/v1\"\nmodels = [\"small\"]\n{more}[guard.arms]\nkind = \"words\"\nwords = [{words}]\n"
    )
}

/// Requirement: P13. A start that is refused, by its gateway, its anchors or a port that is taken, has changed no safeguard, and the next one is compared with what
/// served; a reason is not dropped without a word where nothing differs.
#[test]
fn a_start_that_is_refused_is_on_record_as_no_change() {
    let notary = Notary::new();
    let strong = guarded("\"gun\", \"bomb\"", "");
    configure(&notary, &strong);
    notary.serve().stop().ends(0);
    let size = notary.size();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let port = taken.local_addr().expect("it is bound");
    let anchor = "[anchor.chain]\nkind = \"evm\"\n";
    for refused in [guarded("\"gun\"", "key_env = \"TABELLION_TEST_UNSET\"\n"), guarded("\"gun\"", anchor)] {
        configure(&notary, &refused);
        assert_ne!(notary.run(&["serve"]).code, 0, "it starts: {refused}");
    }
    configure(&notary, &guarded("\"gun\"", ""));
    let (code, said) = with_variable(&notary, "TABELLION_CONSOLE__LISTEN", &port.to_string(), &["serve"]);
    assert!(code == 1 && said.contains("cannot listen on"), "{said}");
    let (code, said) = with_variable(&notary, "TABELLION_GATEWAY__LISTEN", &port.to_string(), &["serve"]);
    assert!(code == 1 && said.contains("cannot listen on"), "{said}");
    let of_safeguards =
        |entry: &&Value| entry["type"] == "configuration.changed" || entry["type"] == "config.loaded";
    let entries = notary.entries();
    let later = entries.iter().filter(|entry| entry["index"].as_u64() >= Some(size));
    let found: Vec<&Value> = later.filter(of_safeguards).collect();
    assert!(
        found.is_empty(),
        "a start that served nobody is on record as one that changed a guard: {found:?}"
    );
    configure(&notary, &strong);
    let server = Server::start_with(&notary.dir(), &["--reason", "back again"]);
    let told = server.said.clone();
    server.stop().ends(0);
    assert!(told.contains("--reason is not on record"), "what somebody said is dropped in silence: {told}");
    let listed = notary.run(&["configuration", "list", "--json"]).ends(0).json();
    assert_eq!(listed["changes"].as_array().map(Vec::len), Some(1), "{listed}");
}

/// Requirement: P13. A change whose record is erased is not one without a reason: nobody knows.
#[test]
fn an_erased_change_is_not_listed_as_one_without_a_reason() {
    let notary = Notary::new();
    configure(&notary, &guarded("\"gun\"", ""));
    notary.serve().stop().ends(0);
    configure(&notary, &guarded("\"knife\"", ""));
    Server::start_with(&notary.dir(), &["--reason", "as decided"]).stop().ends(0);
    let all = notary.run(&["configuration", "list", "--json"]).ends(0).json();
    let entry = all["changes"][0]["recorded"]["index"].as_u64().expect("an entry").to_string();
    notary.run(&["erase", "--record", &entry, "--reason", "a name stood in it"]).ends(0);
    let listed = notary.run(&["configuration", "list"]).ends(0).out;
    let newest = listed.lines().next().unwrap_or_default();
    assert!(newest.ends_with("erased") && !listed.contains("no reason was given"), "{listed}");
}

/// Requirement: N16. What the operator puts forward at the command line waits for a person, is listed, and is taken back there.
#[test]
fn a_policy_is_put_forward_listed_and_taken_back_at_the_command_line() {
    let notary = Notary::new();
    configure(&notary, "[policies]\ntwo_people = true\n");
    let text = notary.file("base.cedar", b"@id(\"all\") permit (principal, action, resource);");
    let put = notary.run(&["policy", "propose", "base", "--text", &text, "--note", "the first"]).ends(0);
    assert!(put.out.contains("waits: a text is to come into force") && put.err.contains("second person"));
    let listed = notary.run(&["policy", "proposals", "--json"]).ends(0).json();
    let proposed = listed["proposals"][0]["proposed"].as_str().expect("a record").to_owned();
    let replay = notary.run(&["policy", "replay", "base"]).ends(0).out;
    assert!(replay.contains("of 0 recorded decisions"), "{replay}");
    notary.run(&["policy", "confirm", "base", &proposed, "--reason", "r"]).refused(1, &["second person"]);
    notary.run(&["policy", "propose", "base", "--ends", "--note", "n"]).ends(1);
    notary
        .run(&["policy", "propose", "base", "--text", &text, "--note", "again"])
        .refused(1, &["something else waits"]);
    // Whoever replaces what waits has seen it, as whoever takes it back has.
    let narrow = notary.file("narrow.cedar", b"@id(\"none\") forbid (principal, action, resource);");
    let replacing = ["policy", "propose", "base", "--text", &narrow, "--note", "narrower", "--replace"];
    let with = |proposed: &str| notary.run(&[&replacing[..], &[proposed]].concat());
    with(&"0".repeat(32)).refused(1, &["something else waits by now"]);
    let still = notary.run(&["policy", "proposals", "--json"]).ends(0).json();
    assert_eq!(
        still["proposals"][0]["proposed"],
        Value::from(proposed.as_str()),
        "another's work is gone unread"
    );
    with(&proposed).ends(0);
    let listed = notary.run(&["policy", "proposals", "--json"]).ends(0).json();
    let proposed = listed["proposals"][0]["proposed"].as_str().expect("a record").to_owned();
    assert_eq!(listed["proposals"][0]["note"], "narrower", "{listed}");
    let back = notary.run(&["policy", "take-back", "base", &proposed, "--reason", "not yet"]).ends(0).out;
    assert!(back.contains("taken back"), "{back}");
    assert!(notary.run(&["policy", "proposals"]).ends(0).err.contains("nothing waits"));
    with(&proposed).refused(1, &["nothing waits under this name"]);
    notary.run(&["policy", "propose", "Base", "--text", &text, "--note", "n"]).refused(2, &["lower-case"]);
}
