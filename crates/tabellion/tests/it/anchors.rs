//! Anchors as an operator meets them: real programs, a real time-stamp authority, stand-ins for what no machine here can run.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::support::{Notary, command, tabellion, wait_until};

/// A script of `scripts/peers` that listens; ended with the test.
struct Peer {
    child: Child,
    url: String,
}

impl Peer {
    fn start(script: &str, args: &[&Path]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/peers").join(script);
        let mut child =
            Command::new("python3").arg("-B").arg(path).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://"), "{script} did not start: {url:?}");
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Authorities made by openssl, beside the log.
fn authorities(notary: &Notary) -> std::path::PathBuf {
    let dir = notary.beside("tsa");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/peers/tsa.sh");
    let made = Command::new("bash").arg(script).arg(&dir).output().unwrap();
    assert!(made.status.success(), "tsa.sh: {}", String::from_utf8_lossy(&made.stderr));
    dir
}

fn configure(notary: &Notary, section: &str) {
    let file = notary.dir().join("tabellion.toml");
    let mut open = fs::OpenOptions::new().append(true).open(file).unwrap();
    writeln!(open, "\n{section}").unwrap();
}

/// A log with an authority configured as `stamps`.
fn stamped(more: &str) -> (Notary, Peer, std::path::PathBuf) {
    let notary = Notary::new();
    let dir = authorities(&notary);
    let peer = Peer::start("tsa.py", &[&dir]);
    let root = dir.join("ca.pem");
    configure(
        &notary,
        &format!(
            "[anchor.stamps]\nkind = \"rfc3161\"\nurl = \"{}\"\nroot_file = \"{}\"\n{more}",
            peer.url,
            root.display()
        ),
    );
    (notary, peer, dir)
}

fn jobs(notary: &Notary) -> Vec<Value> {
    notary.run(&["anchor", "list", "--json"]).ends(0).json_lines()
}

fn coverage(notary: &Notary) -> Value {
    notary.run(&["anchor", "status", "--json"]).ends(0).json()["anchors"][0].clone()
}

/// Requirement: P04
#[test]
fn a_checkpoint_is_stamped_and_openssl_accepts_what_is_kept() {
    let (notary, _peer, dir) = stamped("");
    let file = notary.file("note.txt", b"hello");
    notary.record(&file, &[]);
    let size = notary.size();
    notary.run(&["anchor", "now"]).ends(0);
    let job = jobs(&notary).remove(0);
    assert_eq!(job["state"], "confirmed", "the stamp was not taken: {job}");
    assert_eq!(job["size"], size, "another checkpoint was stamped");
    let text = fs::read_to_string(notary.dir().join(format!("anchors/stamps.{size:020}.json"))).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    let checkpoint = kept["checkpoint"].as_str().unwrap();
    let body = checkpoint.lines().take(3).collect::<Vec<_>>().join("\n") + "\n";
    let body = notary.file("body", body.as_bytes());
    let verified = Command::new("openssl")
        .args(["ts", "-verify", "-data", &body, "-CAfile"])
        .arg(dir.join("ca.pem"))
        .arg("-in")
        .arg(notary.dir().join(job["evidence"].as_str().unwrap()))
        .output()
        .unwrap();
    assert!(
        verified.status.success(),
        "openssl refuses the stamp: {}",
        String::from_utf8_lossy(&verified.stderr)
    );
    let entries = notary.entries();
    let recorded = entries.iter().filter(|entry| entry["type"] == "anchor.confirmed").count();
    assert_eq!(recorded, 1, "the log does not say once that it was anchored");
    assert_eq!(
        job["record"].as_u64().map(|index| index >= size),
        Some(true),
        "the record is not after the checkpoint"
    );
    notary.run(&["anchor", "now"]).ends(0);
    notary.is_sound();
}

/// Requirement: W22
#[test]
fn answers_that_cannot_be_used_are_refused_named_and_asked_for_again() {
    let (notary, _peer, dir) = stamped("");
    let other = tabellion(&["anchor", "status", "--dir", &notary.dir_text()]).ends(0);
    assert!(
        other.out.contains("nothing confirmed yet"),
        "an anchor that never answered looks fine: {}",
        other.out
    );
    for (mode, code) in [("html", "content_type"), ("rubbish", "malformed"), ("busy", "unavailable")] {
        fs::write(dir.join("mode"), mode).unwrap();
        notary.record(&notary.file(&format!("{mode}.txt"), mode.as_bytes()), &[]);
        notary.run(&["anchor", "now", "--wait", "0"]).ends(1);
        let job = jobs(&notary).pop().unwrap();
        assert_eq!((&job["state"], &job["error"]["code"]), (&"queued".into(), &code.into()), "{mode}: {job}");
    }
    assert_eq!(coverage(&notary)["size"], 0, "something is called anchored that nobody stamped");
    // An appended record waits for none of this.
    notary.record(&notary.file("more.txt", b"more"), &[]);
    fs::remove_file(dir.join("mode")).unwrap();
    notary.run(&["anchor", "now"]).ends(0);
    fs::write(dir.join("mode"), "stale").unwrap();
    notary.record(&notary.file("stale.txt", b"stale"), &[]);
    notary.run(&["anchor", "now", "--wait", "0"]).ends(1);
    let job = jobs(&notary).pop().unwrap();
    assert_eq!(job["error"]["code"], "imprint", "an answer to another query was taken: {job}");
}

/// Requirement: V20
#[test]
fn coverage_falls_while_the_authority_is_away_and_is_whole_again_with_nothing_lost() {
    let (notary, peer, dir) = stamped("");
    let recorded = |name: &str| notary.record(&notary.file(name, name.as_bytes()), &[])["index"].clone();
    let mut all = vec![recorded("before.txt")];
    notary.run(&["anchor", "now"]).ends(0);
    let whole = coverage(&notary);
    assert_eq!(
        (&whole["covered_permille"], &whole["waiting_seconds"]),
        (&1000.into(), &Value::Null),
        "{whole}"
    );
    let url = peer.url.clone();
    drop(peer);
    all.extend((0..20).map(|number| recorded(&format!("{number}.txt"))));
    notary.run(&["anchor", "now", "--wait", "0"]).ends(1);
    let fallen = coverage(&notary);
    let share = fallen["covered_permille"].as_u64().unwrap();
    assert!(share < 500, "the log grew tenfold and the share under an anchor did not fall: {fallen}");
    assert!(fallen["waiting_seconds"].is_u64(), "nobody is told since when something waits: {fallen}");
    assert_eq!(fallen["error"]["code"], "unavailable", "{fallen}");
    let text = notary.run(&["anchor", "status"]).ends(0).out;
    assert!(text.contains(&format!("{}.{} %", share / 10, share % 10)) && text.contains("waiting"), "{text}");

    let again = Peer::start("tsa.py", &[&dir]);
    let file = notary.dir().join("tabellion.toml");
    let config = fs::read_to_string(&file).unwrap().replace(&url, &again.url);
    fs::write(&file, config).unwrap();
    notary.run(&["anchor", "now"]).ends(0);
    let whole = coverage(&notary);
    assert_eq!((&whole["covered_permille"], &whole["open"]), (&1000.into(), &0.into()), "{whole}");
    assert!(jobs(&notary).iter().all(|job| job["state"] == "confirmed"), "a job was given up");
    // Every record of the time without an authority is under its evidence now, and a receipt shows that to others.
    let mut trust = fs::read_to_string(notary.trust()).unwrap();
    trust += &notary.run(&["anchor", "trust"]).ends(0).out;
    let trust = notary.file("with-anchors.txt", trust.as_bytes());
    for index in all {
        let receipt = notary.beside_text("anchored.receipt");
        notary.run(&["log", "prove", &index.to_string(), "--anchored", "--out", &receipt]).ends(0);
        let report = tabellion(&["verify", &receipt, "--trust", &trust, "--json"]).ends(0).json();
        assert_eq!(
            report["facts"]["levels"],
            serde_json::json!(["included", "anchored"]),
            "entry {index}: {report}"
        );
    }
    notary.is_sound();
}

/// Requirement: W22
#[test]
fn a_server_anchors_on_its_own_goes_on_after_a_crash_and_does_not_anchor_its_own_anchoring() {
    let (notary, _peer, dir) = stamped("");
    fs::write(dir.join("mode"), "busy").unwrap();
    let mut server = notary.serve();
    wait_until("the first attempt", || {
        jobs(&notary).first().is_some_and(|job| job["error"]["code"] == "unavailable")
    });
    notary.record(&notary.file("a.txt", b"a"), &[]);
    server.kill();
    fs::remove_file(dir.join("mode")).unwrap();
    let server = notary.serve();
    wait_until("the job of before the crash", || {
        jobs(&notary).first().is_some_and(|job| job["state"] == "confirmed" && !job["record"].is_null())
    });
    let control = server.said.lines().find_map(|line| line.split("http://").nth(1)).unwrap();
    let address = control.split(',').next().unwrap().to_owned();
    wait_until("the numbers", || {
        metrics(&address).lines().any(|line| {
            line.strip_prefix("tabellion_anchor_size{anchor=\"stamps\"} ")
                .is_some_and(|size| size.parse::<u64>().unwrap() > 0)
        })
    });
    // What was recorded after the checkpoint waits for the next one, and the share says so.
    let share = "tabellion_anchor_covered_ratio{anchor=\"stamps\"} 0.";
    let text = metrics(&address);
    assert!(text.lines().any(|line| line.starts_with(share)), "nobody is told what is not covered:\n{text}");
    server.stop().ends(0);
    let count = jobs(&notary).len();
    assert_eq!(count, 1, "the record of an anchor calls for the next anchor");
}

fn metrics(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// Requirement: V20. A checkpoint that waits longer than the configuration allows is an alarm in the numbers, on the console, in the output and in `status`;
/// it ends when the anchor is back.
#[test]
fn what_waits_too_long_for_an_anchor_raises_an_alarm_that_ends_with_it() {
    let (notary, _peer, dir) = stamped("overdue_minutes = 90\n");
    fs::write(dir.join("mode"), "busy").unwrap();
    notary.run(&["anchor", "now", "--wait", "0"]).ends(1);
    assert_eq!(coverage(&notary)["overdue"], false, "an alarm before its time");
    // As if it had waited for two hours.
    let file = fs::read_dir(notary.dir().join("anchors")).unwrap().map(|file| file.unwrap().path());
    let file = file.filter(|path| path.extension().is_some_and(|ending| ending == "json")).last().unwrap();
    let mut job: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    job["created_at"] = (job["created_at"].as_u64().unwrap() - 2 * 3_600_000_000).into();
    job["next_at"] = 0.into();
    let attempts = job["attempts"].as_u64().unwrap();
    fs::write(&file, serde_json::to_vec(&job).unwrap()).unwrap();

    let server = notary.serve();
    let control = server.said.lines().find_map(|line| line.split("http://").nth(1)).unwrap();
    let address = control.split(',').next().unwrap().to_owned();
    // Asking costs a line of the server's talk, which nobody reads before its end: a command in between leaves room for the last of them.
    let overdue = |value: u8| {
        coverage(&notary);
        let line = format!("tabellion_anchor_overdue{{anchor=\"stamps\"}} {value}");
        metrics(&address).lines().any(|one| one == line)
    };
    wait_until("the alarm", || overdue(1));
    // The numbers are made when they are asked for; the server says it when it has asked the authority in vain.
    wait_until("an attempt", || jobs(&notary)[0]["attempts"].as_u64() > Some(attempts));
    assert_eq!(coverage(&notary)["overdue"], true);
    let text = notary.run(&["anchor", "status"]).ends(0).out;
    assert!(text.contains("overdue: owed since"), "{text}");
    fs::remove_file(dir.join("mode")).unwrap();
    wait_until("the end of the alarm", || overdue(0));
    let said = server.stop().ends(0);
    let said = format!("{}{}", said.out, said.err);
    for line in ["anchor \"stamps\" is overdue", "anchor \"stamps\" is no longer overdue"] {
        assert!(said.contains(line), "the operator is not told {line:?}: {said}");
    }
    assert_eq!(jobs(&notary)[0]["state"], "confirmed", "an anchor was given up");
}

/// Requirement: R20. An authority that cannot be reached and one whose stamps nobody trusts are passed over; which one served is kept.
#[test]
fn the_next_authority_is_asked_where_one_is_down_or_lies() {
    let (notary, peer, _dir) = stamped("");
    let impostor_dir = notary.beside("impostor");
    fs::create_dir(&impostor_dir).unwrap();
    // Stamps nothing: its answers are of the right type, and rubbish.
    fs::write(impostor_dir.join("mode"), "rubbish").unwrap();
    let liar = Peer::start("tsa.py", &[&impostor_dir]);
    let file = notary.dir().join("tabellion.toml");
    let config = fs::read_to_string(&file).unwrap();
    let url = peer.url.clone();
    let [down, lies, good] = ["http://127.0.0.1:9/tsr", liar.url.as_str(), url.as_str()];
    let several = format!("url = \"{down}\"\nmore_urls = [\"{lies}\", \"{good}\"]");
    fs::write(&file, config.replace(&format!("url = \"{good}\""), &several)).unwrap();
    notary.run(&["anchor", "now"]).ends(0);
    let job = jobs(&notary).pop().unwrap();
    assert_eq!(
        (&job["state"], &job["served_by"]),
        (&"confirmed".into(), &serde_json::json!([good])),
        "{job}"
    );
    let passed: Vec<_> =
        job["passed_over"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert_eq!(passed, ["unavailable", "malformed"], "faults that were passed over are hidden: {job}");
    let text = notary.run(&["anchor", "list"]).ends(0).out;
    assert!(text.contains(&format!("by {good}")) && text.contains(lies), "{text}");

    drop(peer);
    notary.record(&notary.file("more.txt", b"more"), &[]);
    notary.run(&["anchor", "now", "--wait", "0"]).ends(1);
    let job = jobs(&notary).pop().unwrap();
    let said = job["error"]["text"].as_str().unwrap();
    assert!([down, lies, good].iter().all(|url| said.contains(url)), "one fault of three is told: {job}");
    assert_eq!(job["state"], "queued", "an anchor that nobody gave is called done");
}

#[test]
fn a_calendar_promises_first_and_confirms_later() {
    let notary = Notary::new();
    let dir = notary.beside("calendar");
    fs::create_dir(&dir).unwrap();
    let peer = Peer::start("ots_calendar.py", &[&dir]);
    configure(
        &notary,
        &format!(
            "[anchor.calendar]\nkind = \"opentimestamps\"\nurl = \"{}\"\nask_again_seconds = 0\n",
            peer.url
        ),
    );
    fs::write(dir.join("mode"), "rubbish").unwrap();
    notary.run(&["anchor", "now", "--wait", "0"]).ends(1);
    assert_eq!(jobs(&notary)[0]["error"]["code"], "malformed", "rubbish was taken for a promise");
    fs::remove_file(dir.join("mode")).unwrap();
    notary.record(&notary.file("a.txt", b"a"), &[]);
    notary.run(&["anchor", "now"]).ends(0);
    assert_eq!(jobs(&notary)[1]["state"], "pending", "a promise is called a confirmation");
    fs::write(dir.join("block"), "").unwrap();
    let server = notary.serve();
    wait_until("the confirmation", || jobs(&notary)[1]["state"] == "confirmed");
    server.stop().ends(0);
    let job = jobs(&notary).remove(1);
    assert!(
        job["checked"].as_str().unwrap().contains("not checked here"),
        "a block that nobody looked at is called checked: {job}"
    );
}

/// Requirement: A15, R21
#[test]
fn arweave_goes_from_upload_to_read_back_and_keys_are_never_replaced() {
    let notary = Notary::new();
    let dir = notary.beside("arweave");
    fs::create_dir(&dir).unwrap();
    let peer = Peer::start("arweave_stand_in.py", &[&dir]);
    let key = notary.beside_text("anchor.key");
    configure(
        &notary,
        &format!(
            "[anchor.arweave]\nkind = \"arweave\"\nurl = \"{0}/tx/solana\"\ngateway_url = \"{0}\"\nkey_file = \"{key}\"\nask_again_seconds = 0\n",
            peer.url
        ),
    );
    notary.run(&["anchor", "now"]).refused(2, &["anchor.key", "key_file"]);
    assert!(!Path::new(&key).exists(), "a wrong path made a new key");
    tabellion(&["anchor", "key", "--out", &key]).ends(0);
    let secret = fs::read(&key).unwrap();
    tabellion(&["anchor", "key", "--out", &key]).refused(2, &["never replaced"]);
    assert_eq!(fs::read(&key).unwrap(), secret, "a key that anchors were signed with is gone");
    for (mode, code) in [("rubbish", "malformed"), ("other", "id")] {
        fs::write(dir.join("mode"), mode).unwrap();
        notary.run(&["anchor", "now", "--wait", "0"]).ends(1);
        assert_eq!(jobs(&notary).pop().unwrap()["error"]["code"], code, "{mode} was taken for an upload");
        notary.record(&notary.file(&format!("{mode}.txt"), mode.as_bytes()), &[]);
    }
    fs::remove_file(dir.join("mode")).unwrap();
    notary.run(&["anchor", "now"]).ends(0);
    assert_eq!(jobs(&notary).pop().unwrap()["state"], "pending", "an upload is called published");
    fs::write(dir.join("published"), "").unwrap();
    let server = notary.serve();
    wait_until("the read-back", || jobs(&notary).pop().unwrap()["state"] == "confirmed");
    server.stop().ends(0);
}

#[test]
fn an_anchor_that_lacks_something_is_refused_with_its_name() {
    for (section, parts) in [
        ("[anchor.x]\nurl = \"http://127.0.0.1:1\"\n", &["anchor.x", "kind"][..]),
        ("[anchor.x]\nkind = \"rfc3161\"\nurl = \"http://127.0.0.1:1\"\n", &["anchor.x", "root_file"]),
        ("[anchor.x]\nkind = \"rfc3162\"\n", &["rfc3161"]),
        (
            "[anchor.x]\nkind = \"opentimestamps\"\nurl = \"http://127.0.0.1:1\"\nmore_gateway_urls = [\"http://127.0.0.1:2\"]\n",
            &["anchor.x", "more_gateway_urls", "opentimestamps"],
        ),
        ("[anchor.x]\nmore_urls = [\"https://a\", \"https://b?key=secret\"]\n", &["host and path"]),
        ("[anchor.x]\nurll = \"x\"\n", &["did you mean url"]),
        ("[anchor.X]\nkind = \"evm\"\n", &["a-z"]),
        ("[anchor]\nx = \"y\"\n", &["[anchor.NAME]"]),
        ("[anchor.x]\nkind = \"evm\"\nurl = \"http://127.0.0.1:1?key=secret\"\n", &["host and path"]),
    ] {
        let notary = Notary::new();
        configure(&notary, section);
        notary.run(&["anchor", "now"]).refused(2, parts);
    }
}

#[test]
fn what_a_stamp_could_never_be_checked_by_is_refused_before_anything_waits_for_it() {
    for (line, parts) in [
        ("policy = \"abc\"\n", &["anchor.stamps", "policy", "abc"][..]),
        ("root_file = \"ROOT\"\n", &["anchor.stamps", "root_file", "no certificate"]),
    ] {
        let notary = Notary::new();
        let dir = authorities(&notary);
        let good = dir.join("ca.pem").display().to_string();
        let wrong = notary.beside_text("wrong.pem");
        fs::write(&wrong, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        let root = if line.contains("ROOT") { String::new() } else { format!("root_file = \"{good}\"\n") };
        let section = "[anchor.stamps]\nkind = \"rfc3161\"\nurl = \"http://127.0.0.1:1\"\n";
        configure(&notary, &format!("{section}{root}{}", line.replace("ROOT", &wrong)));
        notary.run(&["anchor", "now"]).refused(2, parts);
        let served = notary.run(&["serve"]).ends(2).err;
        assert!(parts.iter().all(|part| served.contains(part)), "the start says nothing of it: {served}");
        let doctor = notary.run(&["doctor"]).ends(1).out;
        assert!(
            doctor.lines().any(|line| line.starts_with("TO DO  anchors")),
            "doctor finds nothing to do about an anchor that can never confirm: {doctor}"
        );
    }
}

/// Requirement: W22
#[test]
fn an_authority_that_stalls_keeps_nobody_from_the_log() {
    let (notary, _peer, dir) = stamped("");
    fs::write(dir.join("mode"), "busy").unwrap();
    let dir_text = notary.dir_text();
    let mut asking = command(&["anchor", "now", "--wait", "600", "--dir", &dir_text]).spawn().unwrap();
    wait_until("the first attempt", || {
        jobs(&notary).first().is_some_and(|job| job["error"]["code"] == "unavailable")
    });
    notary.record(&notary.file("a.txt", b"a"), &[]);
    let server = notary.serve();
    fs::remove_file(dir.join("mode")).unwrap();
    assert!(asking.wait().unwrap().success(), "what was asked for before the server started was lost");
    wait_until("the record", || jobs(&notary).first().is_some_and(|job| !job["record"].is_null()));
    server.stop().ends(0);
    let entries = notary.entries();
    let recorded = entries.iter().filter(|entry| entry["type"] == "anchor.confirmed").count();
    assert_eq!(recorded, 1, "two processes asked, and both recorded it");
    notary.is_sound();
}
