//! Logs to export from: on a simulated disk, with time and randomness that repeat.

use std::sync::Arc;

use tabellion_app::{ExportError, ExportRequest, Exported, export, package_key_at};
use tabellion_ledger::disk::Disk;
use tabellion_ledger::keyring::{KeyAccess, KeyPair};
use tabellion_ledger::{Draft, ErasureTarget, Ledger, NewLog, OpenOptions, Reader};
use tabellion_model::package::verify_package;
use tabellion_model::zip::ZipArchive;
use tabellion_model::{DisclosurePolicy, Env, Manifest, Micros, Origin, Purpose, Report};
use tabellion_testkit::{ManualClock, SeededEntropy, SimDisk};
use tabellion_tlog::{Policy, VerifierKey};

/// The system that the sample records are about.
pub(crate) const SYSTEM: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
/// A subject with content of its own.
pub(crate) const SUBJECT: &str = "account 4711";

/// A log with everything that makes it repeat.
pub(crate) struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ledger: Ledger,
}

/// Midnight UTC.
pub(crate) fn day(text: &str) -> Micros {
    Micros::parse_date(text).expect("a date")
}

impl Log {
    /// An empty log, made on 2 March 2026.
    pub(crate) fn new() -> Self {
        Self::in_env(Env::Production)
    }

    pub(crate) fn in_env(env: Env) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
        let clock = Arc::new(ManualClock::at(day("2026-03-02")));
        let options = OpenOptions {
            background: false,
            segment_bytes: 1 << 20,
            ..OpenOptions::new(Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(11)))
        };
        let new = NewLog { origin: Origin::new("notary.example/log/acme").expect("an origin"), env };
        let ledger = Ledger::create(Arc::clone(&disk), &new, &options)
            .expect("a log can be made in an empty directory");
        Self { disk, clock, ledger }
    }

    /// A log with a month of small events: documents, approvals about a person, a hold, an erasure, a rotated key.
    pub(crate) fn sample() -> Self {
        let log = Self::new();
        for number in 0..5 {
            log.clock.set(Micros(day("2026-03-03").0 + number * 60_000_000));
            log.append(&[document(number), approval(number)]);
        }
        log.clock.set(day("2026-03-10"));
        log.ledger.rotate_key(Purpose::Writer).expect("the writer key can be rotated");
        log.clock.set(day("2026-03-12"));
        log.append(&[
            document(5),
            approval(5).about("account 12", "second_customer", "A. Nother"),
            document(6),
        ]);
        log.clock.set(day("2026-03-20"));
        log.ledger
            .place_hold(&ErasureTarget::Subject("account 12".to_owned()), "pending claim")
            .expect("a hold can be placed");
        log.erase();
        log.clock.set(day("2026-03-28"));
        log.append(&[document(7)]);
        log
    }

    pub(crate) fn append(&self, drafts: &[Draft]) {
        self.ledger.append_all(drafts).expect("sample records can be appended");
    }

    /// Erases [`SUBJECT`].
    pub(crate) fn erase(&self) {
        let target = ErasureTarget::Subject(SUBJECT.to_owned());
        self.ledger
            .erase(&target, "request of the data subject")
            .expect("a subject without a hold can be erased");
    }

    pub(crate) fn reader(&self) -> &Reader {
        self.ledger.reader()
    }

    /// The package key for a package of size `at`.
    pub(crate) fn package_key(&self, at: Option<u64>) -> KeyPair {
        let needed = package_key_at(self.reader(), at).expect("a package key is in force");
        KeyAccess::default().load(self.disk.as_ref(), Purpose::Package, &needed).expect("its file is here")
    }

    pub(crate) fn try_export(&self, request: &ExportRequest) -> Result<(Exported, Vec<u8>), ExportError> {
        let mut bytes = Vec::new();
        let exported = export(self.reader(), &self.package_key(request.at), request, &mut bytes)?;
        Ok((exported, bytes))
    }

    pub(crate) fn export(&self, request: &ExportRequest) -> (Exported, Vec<u8>) {
        self.try_export(request).expect("the log can be exported")
    }

    /// Everything under `disclosure`.
    pub(crate) fn export_all(&self, disclosure: DisclosurePolicy) -> (Exported, Vec<u8>) {
        self.export(&ExportRequest::everything(disclosure))
    }

    /// The lines of a trust file that pins this log's key and root.
    pub(crate) fn trust_lines(&self) -> [String; 2] {
        let keys = self.reader().keys();
        let origin = keys.origin().as_str();
        let log = keys.in_force(Purpose::Log, self.reader().size()).expect("a log key").public;
        let vkey =
            |name: &str, key| format!("log {}", VerifierKey::new(name, key).expect("a key with a name"));
        [vkey(origin, log), vkey(&format!("{origin}/root"), keys.root().public)]
    }

    /// A trust file that pins the root.
    pub(crate) fn trust(&self) -> Policy {
        let [_, root] = self.trust_lines();
        Policy::parse(format!("{root}\nquorum none\n")).expect("a trust file")
    }

    /// The verifier's report with the right trust file.
    pub(crate) fn verify(&self, package: &[u8]) -> Report {
        verify_package(package, Some(&self.trust()))
    }
}

/// A record without a data subject.
pub(crate) fn document(number: u64) -> Draft {
    let mut draft = Draft::new("document.captured")
        .with("name", format!("policy-{number}.pdf"))
        .with("sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
        .with("pages", 12 + number);
    draft.assurance = Some("observed".to_owned());
    draft.system = Some(SYSTEM.to_owned());
    draft
}

/// A record with a field about [`SUBJECT`].
pub(crate) fn approval(number: u64) -> Draft {
    Draft::new("approval.given").with("decision", "approved").about(
        SUBJECT,
        "customer",
        format!("Jane Doe, request {number}"),
    )
}

/// The content of one file of a package.
pub(crate) fn file<'a>(package: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let archive = ZipArchive::parse(package).expect("a package is a container");
    archive.files().iter().find(|file| file.name == name).map(|file| file.content)
}

/// The text of one file of a package.
pub(crate) fn text(package: &[u8], name: &str) -> String {
    String::from_utf8(file(package, name).expect("the file is in the package").to_vec()).expect("it is text")
}

pub(crate) fn manifest(package: &[u8]) -> Manifest {
    Manifest::parse(file(package, "manifest.json").expect("a manifest"))
        .expect("a manifest of the right form")
}

/// Names and contents of all files.
pub(crate) fn files(package: &[u8]) -> Vec<(String, Vec<u8>)> {
    let archive = ZipArchive::parse(package).expect("a package is a container");
    archive.files().iter().map(|file| (file.name.to_owned(), file.content.to_vec())).collect()
}
