//! A running witness, plain HTTP, and logs small enough to be made by hand.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use tabellion_tlog::{
    AddCheckpoint, Checkpoint, Hash, Policy, SignedCheckpoint, SigningKey, VerifierKey, leaf_hash, node_hash,
};
use tempfile::TempDir;

use crate::support::{Notary, command, tabellion};

/// A witness's directory and, while it runs, its process.
pub(crate) struct Witness {
    scratch: TempDir,
    pub(crate) name: String,
    pub(crate) keys: Vec<VerifierKey>,
    child: Option<Child>,
    /// Where it listens; the same after a restart.
    pub(crate) address: String,
}

impl Witness {
    /// Makes a witness that watches the logs of these trust files, and starts it.
    pub(crate) fn start(name: &str, trust: &[&str]) -> Self {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let dir = scratch.path().join("witness").display().to_string();
        let shown = tabellion(&["witness", "init", "--dir", &dir, "--name", name]).ends(0).out;
        let keys = shown.lines().map(|line| line.parse().expect("a verifier key")).collect();
        for (number, text) in trust.iter().enumerate() {
            fs::write(format!("{dir}/logs/{number}.txt"), text).expect("a trust file can be put there");
        }
        let mut witness =
            Self { scratch, name: name.to_owned(), keys, child: None, address: "127.0.0.1:0".to_owned() };
        witness.run();
        witness
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.scratch.path().join("witness")
    }

    /// Starts the program and waits until it says where it listens.
    pub(crate) fn run(&mut self) {
        let mut child = command(&["witness", "--listen", &self.address, "--dir"])
            .arg(self.dir())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stderr.take().expect("its talk"))
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.unwrap_or_else(|| panic!("the witness did not start: {line}"));
        address.clone_into(&mut self.address);
        self.child = Some(child);
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// Sends an `add-checkpoint` request.
    pub(crate) fn add(&self, request: &str) -> Answer {
        http(&self.address, "POST", "/add-checkpoint", request)
    }

    /// Lines of a policy: its Ed25519 and its ML-DSA-44 key, as `NAME` and `NAME-pq`.
    pub(crate) fn lines(&self) -> String {
        let (name, url) = (&self.name, format!("http://{}", self.address));
        format!("witness {name} {} {url}\nwitness {name}-pq {} {url}\n", self.keys[0], self.keys[1])
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: String,
    pub(crate) body: String,
}

/// One request on a connection of its own.
pub(crate) fn http(address: &str, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // A server may answer before it has read all of a body that is too large.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let media = head.lines().find_map(|line| line.strip_prefix("content-type: "));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Answer { status, media_type: media.unwrap_or("").to_owned(), body: body.to_owned() }
}

/// A log in memory whose entries are all different from those of a log with another `taste`.
pub(crate) struct SmallLog {
    pub(crate) origin: String,
    pub(crate) key: SigningKey,
    pub(crate) leaves: Vec<Hash>,
}

impl SmallLog {
    pub(crate) fn new(origin: &str, seed: u8, size: u64, taste: &str) -> Self {
        let leaves = (0..size).map(|index| leaf_hash(format!("{taste} {index}").as_bytes())).collect();
        Self { origin: origin.to_owned(), key: SigningKey::from_seed(&[seed; 32]), leaves }
    }

    pub(crate) fn trust(&self) -> String {
        format!("log {}\nquorum none\n", VerifierKey::new(&self.origin, self.key.public()).expect("a key"))
    }

    pub(crate) fn checkpoint(&self, size: usize) -> SignedCheckpoint {
        let root = root(&self.leaves[..size]);
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: size as u64, root };
        let note = SignedCheckpoint::sign(&checkpoint, &self.key).expect("a checkpoint");
        SignedCheckpoint::parse(note.as_bytes()).expect("our own")
    }

    pub(crate) fn request(&self, old: usize, new: usize) -> AddCheckpoint {
        let proof =
            if old == 0 || old == new { Vec::new() } else { subproof(old, &self.leaves[..new], true) };
        AddCheckpoint { old_size: old as u64, proof, checkpoint: self.checkpoint(new) }
    }
}

/// MTH(D[n]) of RFC 6962.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}

/// SUBPROOF(m, D[n], b) of RFC 6962.
fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, sibling) = if old <= left.len() {
        (subproof(old, left, whole), root(right))
    } else {
        (subproof(old - left.len(), right, false), root(left))
    };
    path.push(sibling);
    path
}

/// Has the log of `notary` ask these witnesses; `rest`: groups and the quorum.
pub(crate) fn ask_for_witnesses(notary: &Notary, witnesses: &[&str], rest: &str) {
    fs::write(notary.dir().join("witnesses.txt"), format!("{}{rest}\n", witnesses.concat()))
        .expect("a policy");
    let path = notary.dir().join("tabellion.toml");
    let configuration = fs::read_to_string(&path).expect("a configuration");
    if !configuration.contains("\npolicy = ") {
        fs::write(&path, format!("{configuration}\n[witness]\npolicy = \"witnesses.txt\"\n"))
            .expect("written");
    }
}

/// The newest checkpoint of the log in `dir` that its witnesses cosigned.
pub(crate) fn cosigned(dir: &Path) -> Option<SignedCheckpoint> {
    SignedCheckpoint::parse(&fs::read(dir.join("log/cosigned")).ok()?).ok()
}

/// The policy in force, as a verifier would have it.
pub(crate) fn policy(notary: &Notary) -> Policy {
    Policy::parse(notary.run(&["key", "trust", "--witnessed"]).ends(0).out)
        .expect("a trust file with witnesses")
}
