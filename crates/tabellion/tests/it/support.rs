//! A notary in a temporary directory, driven through the built programs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The origin of every log here.
pub(crate) const ORIGIN: &str = "log.example.org/log/acme";

/// What a program said and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It ended with `code`; else the whole story.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit status\n-- stdout\n{}\n-- stderr\n{}", self.out, self.err);
        self
    }

    /// It was refused with `code`, in one or two lines that hold every part.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, parts: &[&str]) -> Self {
        let ran = self.ends(code);
        for part in parts {
            assert!(ran.err.contains(part), "the refusal does not say {part:?}:\n{}", ran.err);
        }
        let lines = ran.err.lines().filter(|line| !line.is_empty()).count();
        assert!(lines <= 2, "a refusal has one or two lines, this has {lines}:\n{}", ran.err);
        assert!(ran.err.starts_with("tabellion: "), "a refusal says who refuses: {}", ran.err);
        ran
    }

    /// Its output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not JSON ({error}):\n{}", self.out))
    }

    /// Its output as JSON lines.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

/// A command of `tabellion` without variables of the outside that would change what it does.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tabellion"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TABELLION_"))
    {
        command.env_remove(name);
    }
    // Servers of different tests run side by side.
    command.env("TABELLION_CONSOLE__LISTEN", "127.0.0.1:0");
    // Most tests are about what an erasure does, and not about who may have one.
    command.env("TABELLION_ERASURE__SECOND_PERSON", "never");
    // Records of canaries come when they like, and most tests count records.
    command.env("TABELLION_PROBES__EVERY_MINUTES", "off");
    command.env("TABELLION_PROBES__CORPUS_DAYS", "off");
    command.env_remove("COLUMNS").stdin(Stdio::null()).args(args);
    command
}

/// Runs `tabellion` with further variables.
pub(crate) fn tabellion_with(variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut command = command(args);
    command.envs(variables.iter().copied());
    Ran::of(&command.output().expect("the program starts"))
}

/// Runs `tabellion`.
pub(crate) fn tabellion(args: &[&str]) -> Ran {
    Ran::of(&command(args).output().expect("the program starts"))
}

/// Runs `tabellion-verify` in `cwd` with no variables at all.
pub(crate) fn tabellion_verify(cwd: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tabellion-verify"));
    Ran::of(&command.current_dir(cwd).env_clear().args(args).output().expect("the program starts"))
}

/// A log in a directory that goes away with it.
pub(crate) struct Notary {
    scratch: TempDir,
}

impl Notary {
    /// Makes a log.
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// Makes a log with more options of `init`.
    pub(crate) fn with(options: &[&str]) -> Self {
        Self::made(ORIGIN, options)
    }

    /// Makes a log of another name.
    pub(crate) fn of(origin: &str) -> Self {
        Self::made(origin, &[])
    }

    fn made(origin: &str, options: &[&str]) -> Self {
        let notary = Self { scratch: tempfile::tempdir().expect("a temporary directory") };
        let dir = notary.dir_text();
        let mut args = vec!["init", "--dir", &dir, "--origin", origin];
        args.extend(options);
        tabellion(&args).ends(0);
        notary
    }

    /// Makes a log whose key files are encrypted under `passphrase`, which lies in a file that the configuration names.
    pub(crate) fn encrypted(passphrase: &str) -> Self {
        let notary = Self { scratch: tempfile::tempdir().expect("a temporary directory") };
        let file = notary.private_file("passphrase", passphrase.as_bytes());
        let mut init = command(&["init", "--dir", &notary.dir_text(), "--origin", ORIGIN, "--encrypt-keys"]);
        init.env("TABELLION_KEYS__PASSPHRASE_FILE", file);
        Ran::of(&init.output().expect("the program starts")).ends(0);
        notary
    }

    /// Writes a file beside the data directory that its owner alone may read.
    pub(crate) fn private_file(&self, name: &str, content: &[u8]) -> String {
        let path = self.file(name, content);
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, private).expect("permissions can be set");
        path
    }

    /// The data directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.scratch.path().join("notary")
    }

    /// The same as text.
    pub(crate) fn dir_text(&self) -> String {
        self.dir().display().to_string()
    }

    /// A path beside the data directory.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The same as text.
    pub(crate) fn beside_text(&self, name: &str) -> String {
        self.beside(name).display().to_string()
    }

    /// Writes a file beside the data directory.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        fs::write(self.beside(name), content).expect("a file can be written");
        self.beside_text(name)
    }

    /// The trust file's path.
    pub(crate) fn trust(&self) -> String {
        self.dir().join("trust.txt").display().to_string()
    }

    /// Runs `tabellion … --dir DIR`.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let dir = self.dir_text();
        tabellion(&[args, &["--dir", &dir]].concat())
    }

    /// Records a file and gives its entry.
    pub(crate) fn record(&self, file: &str, options: &[&str]) -> Value {
        let ran = self.run(&[&["record", file, "--json"], options].concat()).ends(0);
        ran.json_lines().pop().expect("one line per file")
    }

    /// Records drafts, one JSON object per line, and gives what was printed of each.
    pub(crate) fn drafts(&self, lines: &str) -> Vec<Value> {
        let file = self.file("drafts.jsonl", lines.as_bytes());
        self.run(&["record", "--drafts", &file, "--json"]).ends(0).json_lines()
    }

    /// Verifies with the log's trust file.
    pub(crate) fn verify(&self, path: &str) -> Ran {
        tabellion(&["verify", path, "--trust", &self.trust()])
    }

    /// Size of the log.
    pub(crate) fn size(&self) -> u64 {
        self.run(&["log", "head", "--json"]).ends(0).json()["size"].as_u64().expect("a size")
    }

    /// Everything that `log tail` knows, oldest first.
    pub(crate) fn entries(&self) -> Vec<Value> {
        self.run(&["log", "tail", "-n", "1000000", "--json"]).ends(0).json_lines()
    }

    /// Nothing is wrong with the directory.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        let ran = tabellion(&["fsck", &self.dir_text()]);
        assert_eq!(ran.code, 0, "the directory must be sound:\n{}{}", ran.out, ran.err);
    }

    /// Starts a server and waits until it says that it serves.
    pub(crate) fn serve(&self) -> Server {
        Server::start(&self.dir())
    }
}

/// A running `tabellion serve`.
pub(crate) struct Server {
    child: Child,
    talk: BufReader<std::process::ChildStderr>,
    /// What it said until it served.
    pub(crate) said: String,
}

impl Server {
    /// Starts a server on `dir` and waits until it serves.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[])
    }

    /// The same with more of a command line.
    pub(crate) fn start_with(dir: &Path, more: &[&str]) -> Self {
        let mut server = Self::launch_with(dir, more);
        while !server.said.contains("serving the log") {
            let count = server.talk.read_line(&mut server.said).expect("its talk can be read");
            assert!(count > 0, "the server ended instead of serving:\n{}", server.said);
        }
        server
    }

    /// Starts a server and does not wait.
    pub(crate) fn launch(dir: &Path) -> Self {
        Self::launch_with(dir, &[])
    }

    fn launch_with(dir: &Path, more: &[&str]) -> Self {
        let mut command = command(&["serve", "--dir"]);
        let mut child = command
            .arg(dir)
            .args(more)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let talk = BufReader::new(child.stderr.take().expect("its talk is piped"));
        Self { child, talk, said: String::new() }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it by SIGKILL, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end by SIGTERM, and gives what it said from now on and how it ended.
    pub(crate) fn stop(mut self) -> Ran {
        self.terminate();
        self.wait()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.id()).expect("a process id")).expect("a process id");
        kill_process(pid, Signal::TERM).expect("the signal is sent");
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state can be asked").is_some()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Ran {
        let mut err = String::new();
        while self.talk.read_line(&mut err).expect("its talk can be read") > 0 {}
        let status = self.child.wait().expect("it ends");
        Ran { code: status.code().unwrap_or(-1), out: String::new(), err }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended in most tests; a failing one must not leave a process behind.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Copies a directory with everything in it.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp runs");
    assert!(copied.success(), "the directory could not be copied");
}

/// Waits until `done` or panics: a condition with a limit instead of a sleep.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !done() {
        assert!(std::time::Instant::now() < limit, "waited 30 s for {what}");
        thread::yield_now();
    }
}
