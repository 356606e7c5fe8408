//! The verifier of a verification run: is this what the log's own key signed, and what did it find?
//!
//! Believes nothing that the run says about itself. What the run found is shown as what its signer says: the entries are not in the file.

use tabellion_tlog::{Policy, SignedCheckpoint, VerifierKey};

use super::{RunEnd, SignedRun, VerificationRun, parse_signed};
use crate::directory::ROOT;
use crate::entry::Entry;
use crate::id::KeyId;
use crate::key::KeyChain;
use crate::registry::Purpose;
use crate::trust::{Claim, judge_issuer, witnessed};
use crate::verdict::{
    AspectChecks, AspectStanding, CheckPlan, EXISTED, Finding, ISSUED, Outcome, Report, Subject, UNALTERED,
    aspects_of,
};
use crate::verify::Reader;

const FORM: &str = "form";
const KEYS: &str = "keys";
const ISSUER: &str = "issuer";
const CHECKPOINT: &str = "checkpoint signature";
const SIGNATURE: &str = "run signature";
const VERDICTS: &str = "verdicts";

/// What a run shows and what it does not (requirement A21).
const SCOPE: &str = "This verification run shows what the holder of the log's package key says it found when it verified the listed entries against \
the checkpoint. It does not hold the entries, so it does not show by itself that they verify, that what they say is true, or that a management system \
conforms to any standard; a package or receipts of them do the former. Tabellion is not a certification body.";

const CHECKS: [CheckPlan; 6] = [
    CheckPlan {
        name: FORM,
        proves: "The file has the one form of a verification run, and its totals are those of its verdicts.",
        does_not_prove: "Who wrote it: anybody can write one.",
    },
    CheckPlan {
        name: KEYS,
        proves: "The key records stand in the checkpoint's tree and follow from the log's first entry.",
        does_not_prove: "That no key record was left out at the end: a package holds what shows that.",
    },
    CheckPlan {
        name: ISSUER,
        proves: "The trust file names a key that vouches for this log, and the witnesses it asks for cosigned the checkpoint.",
        does_not_prove: "That the trust file is right: it is as good as the way it reached you.",
    },
    CheckPlan {
        name: CHECKPOINT,
        proves: "The log key signed the tree that the run was made against.",
        does_not_prove: "When: a checkpoint carries no outside time.",
    },
    CheckPlan {
        name: SIGNATURE,
        proves: "The package key in force signed exactly these verdicts, what was asked for, what was left out and why.",
        does_not_prove: "That the verdicts are right: the file does not hold the entries.",
    },
    CheckPlan {
        name: VERDICTS,
        proves: "The run reached everything that was asked for, found every signature and place right, and found nothing broken.",
        does_not_prove: "Anything that it did not check: times and content that are `not checked` are counted apart.",
    },
];

const ASPECT_CHECKS: AspectChecks<'static> = AspectChecks {
    signature: &[FORM, KEYS, ISSUER, CHECKPOINT, SIGNATURE],
    inclusion: &[FORM, KEYS, ISSUER, CHECKPOINT, VERDICTS],
    time: &[ISSUER, CHECKPOINT],
};

/// Verifies a verification run. `trust` says whom the reader believes; without it nothing can be more than consistent.
pub fn verify_run(bytes: &[u8], trust: Option<&Policy>) -> Report {
    verify_run_for(bytes, &Reader { trust, ..Reader::default() })
}

/// The same for a reader who also says which keys they know.
pub(crate) fn verify_run_for(bytes: &[u8], reader: &Reader<'_>) -> Report {
    let mut report = Report::planned(Subject::VerificationRun, &CHECKS, SCOPE);
    match parse_signed(bytes) {
        Err(error) => report.set(FORM, Outcome::Malformed, error.to_string()),
        Ok(signed) => check(&mut report, &signed, reader.trust),
    }
    report.judge_keys(reader.keys);
    report.findings = findings(&report);
    report.aspects = aspects_of(&report, &ASPECT_CHECKS);
    report
}

fn check(report: &mut Report, signed: &SignedRun<'_>, trust: Option<&Policy>) {
    let run = &signed.run;
    let checkpoint = match SignedCheckpoint::parse(run.checkpoint.as_bytes()) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return report.set(FORM, Outcome::Malformed, format!("checkpoint: {error}")),
    };
    facts(report, run, checkpoint.checkpoint.size);
    report.set(FORM, Outcome::Holds, format!("a run over {} entries of {}", run.verdicts.len(), run.log));
    check_verdicts(report, run, checkpoint.checkpoint.size);
    let chain = match chain(run, &checkpoint) {
        Ok(chain) => chain,
        Err(problem) => return report.set(KEYS, Outcome::Broken, problem),
    };
    report.set(KEYS, Outcome::Holds, format!("{} key records", run.keys.len()));
    let size = checkpoint.checkpoint.size;
    let log_key = chain.in_force(Purpose::Log, size).map(|key| key.public);
    let claim = Claim {
        origin: &run.log,
        root: Some(&chain.root().public),
        log_key: log_key.as_ref(),
        checkpoint: Some(&checkpoint),
    };
    let (outcome, detail) = judge_issuer(trust, &claim);
    report.set(ISSUER, outcome, detail);
    report.witnessed = witnessed(trust, &checkpoint).filter(|_| outcome == Outcome::Holds);
    report.uses.add(chain.root().key_id, ROOT, report.subject.as_str(), None);
    let by_log = log_key.ok_or_else(|| format!("no log key is in force at size {size}")).and_then(|key| {
        let name = VerifierKey::new(run.log.as_str(), key).map_err(|error| error.to_string())?;
        checkpoint.verify_with(&name).map_err(|error| error.to_string())?;
        report.uses.add(KeyId::of(&key), Purpose::Log.as_str(), CHECKPOINT, Some(run.ended_at));
        Ok(format!("signed by the log key, {size} entries"))
    });
    settle(report, CHECKPOINT, by_log);
    let package = chain.in_force(Purpose::Package, size);
    let by_package =
        package.ok_or_else(|| format!("no package key is in force at size {size}")).and_then(|key| {
            signed.signature.verify(&key.public, Some(signed.signed)).map_err(|error| error.to_string())?;
            report.uses.add(key.key_id, Purpose::Package.as_str(), SIGNATURE, Some(run.ended_at));
            Ok("signed by the package key in force".to_owned())
        });
    settle(report, SIGNATURE, by_package);
}

fn settle(report: &mut Report, name: &'static str, result: Result<String, String>) {
    match result {
        Ok(text) => report.set(name, Outcome::Holds, text),
        Err(problem) => report.set(name, Outcome::Broken, problem),
    }
}

/// The key chain that the records give, each of which has to stand in the checkpoint's tree.
fn chain(run: &VerificationRun, checkpoint: &SignedCheckpoint) -> Result<KeyChain, String> {
    let checkpoint = &checkpoint.checkpoint;
    if checkpoint.origin != run.log.as_str() {
        return Err(format!("the checkpoint is of {}, the run of {}", checkpoint.origin, run.log));
    }
    for placed in &run.keys {
        placed
            .verify(checkpoint.size, &checkpoint.root)
            .map_err(|error| format!("entry {}: {error}", placed.index))?;
    }
    let mut records = run.keys.iter();
    let genesis =
        records.next().filter(|first| first.index == 0).ok_or("entry 0, the genesis, is not here")?;
    let mut chain = KeyChain::genesis(&genesis.entry).map_err(|error| format!("entry 0: {error}"))?;
    for placed in records {
        let at = placed.index;
        let Ok(Entry::Statement(statement)) = Entry::parse(&placed.entry) else {
            return Err(format!("entry {at} is no key record"));
        };
        chain.apply(at, &statement).map_err(|error| format!("entry {at}: {error}"))?;
    }
    if *chain.origin() != run.log || chain.env() != run.env {
        return Err(format!(
            "the genesis is of {} ({}), the run says otherwise",
            chain.origin(),
            chain.env()
        ));
    }
    Ok(chain)
}

fn check_verdicts(report: &mut Report, run: &VerificationRun, size: u64) {
    if let Some(beyond) =
        run.verdicts.iter().find(|verdict| verdict.entry.is_some_and(|(index, _)| index >= size))
    {
        let text = format!("{} is said to stand beyond the checkpoint's {size} entries", beyond.asked);
        return report.set(VERDICTS, Outcome::Broken, text);
    }
    let is_broken = |verdict: &&super::RunVerdict| {
        verdict.standings().iter().any(|(_, one)| *one == AspectStanding::Broken)
    };
    let broken = run.verdicts.iter().filter(is_broken).count();
    if let Some(first) = run.verdicts.iter().find(is_broken) {
        let text =
            format!("{broken} entries are broken, the first of them {}: {}", first.asked, first.detail);
        return report.set(VERDICTS, Outcome::Broken, text);
    }
    let open = |verdict: &&super::RunVerdict| {
        verdict.signature != AspectStanding::Holds || verdict.inclusion != AspectStanding::Holds
    };
    let open = run.verdicts.iter().filter(open).count();
    let (reached, asked) = (run.verdicts.len() as u64, run.asked);
    if run.end == RunEnd::Cancelled || run.truncated() || open > 0 || reached == 0 {
        let text = format!(
            "{reached} of {asked} were reached ({}), and of {open} of these signature or place were not checked; nothing is broken",
            if run.truncated() { "more were asked for than a run takes" } else { run.end.as_str() }
        );
        return report.set(VERDICTS, Outcome::Undetermined, text);
    }
    report.set(
        VERDICTS,
        Outcome::Holds,
        format!("all {reached} entries: signature and place hold, nothing is broken"),
    );
}

fn facts(report: &mut Report, run: &VerificationRun, size: u64) {
    report.fact("log", run.log.as_str());
    report.fact("env", run.env.as_str());
    report.fact("size", size);
    report.fact("asked", run.asked);
    report.fact("reached", run.verdicts.len() as u64);
    report.fact("end", run.end.as_str());
    report.fact("truncated", run.truncated());
    report.fact("ended_at (the log's own clock)", run.ended_at.to_string());
    report.fact("totals", run.totals());
    report.fact("software (not verified)", run.software.as_str());
}

fn findings(report: &Report) -> Vec<Finding> {
    let issued = report.outcome_of(&[ISSUER, CHECKPOINT, SIGNATURE]);
    let unaltered = report.outcome_of(&[FORM, KEYS, ISSUER, CHECKPOINT, SIGNATURE]);
    let rests = "the package key of the log, as the trust file vouches for it";
    vec![
        Finding {
            question: EXISTED,
            outcome: Outcome::Undetermined,
            answer: "A run says when by the log's own clock; receipts and packages of the entries say more."
                .to_owned(),
            rests_on: "the log's clock alone".to_owned(),
        },
        Finding {
            question: UNALTERED,
            outcome: unaltered,
            answer: "These are the verdicts that were signed, as far as the checks below hold.".to_owned(),
            rests_on: rests.to_owned(),
        },
        Finding {
            question: ISSUED,
            outcome: issued,
            answer: "Whoever held the log's package key says so.".to_owned(),
            rests_on: rests.to_owned(),
        },
    ]
}
