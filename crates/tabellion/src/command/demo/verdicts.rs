//! The end of the story: somebody else checks the package, with the trust file, without it, and after a byte was changed.

use std::path::Path;

use tabellion_model::{Outcome, Report, verify};

use crate::failure::{Exit, Failure};
use crate::{files, terminal, trust};

/// Packages of the demo are a few MiB.
const MAX_PACKAGE_BYTES: u64 = 1 << 30;

/// Verifies three times and says what each shows; fails when one is not as it must be.
pub(super) fn show(package: &Path, trust: &Path) -> Result<(), Failure> {
    let bytes = files::read_limited(package, MAX_PACKAGE_BYTES, "package")?;
    let policy = trust::read(trust)?;
    terminal::data("7. Somebody else checks the package\n")?;

    let stranger = verify(&bytes, None);
    told("without a trust file", &stranger, "everything is consistent, but nothing says whose log this is")?;
    expect(&stranger, &[3])?;

    let auditor = verify(&bytes, Some(&policy));
    told("with the trust file", &auditor, "every required check holds")?;
    for finding in &auditor.findings {
        terminal::data(&format!(
            "      {:<20} {:<6} {}\n",
            finding.question,
            finding.outcome.as_str(),
            terminal::printable(&finding.answer)
        ))?;
    }
    expect(&auditor, &[0])?;

    let mut changed = bytes;
    let middle = changed.len() / 2;
    if let Some(byte) = changed.get_mut(middle) {
        *byte ^= 1;
    }
    let forged = verify(&changed, Some(&policy));
    let found =
        forged.checks.iter().find(|check| matches!(check.outcome, Outcome::Broken | Outcome::Malformed));
    let found = found
        .map(|check| format!("{}: {}", check.name, terminal::printable(&check.detail)))
        .unwrap_or_default();
    told(&format!("with byte {middle} changed"), &forged, &found)?;
    expect(&forged, &[1, 2])
}

fn told(how: &str, report: &Report, what: &str) -> Result<(), Failure> {
    terminal::data(&format!(
        "   {how:<26} exit {}  {:<13} {what}\n",
        report.exit_code(),
        report.verdict().as_str()
    ))
}

fn expect(report: &Report, codes: &[u8]) -> Result<(), Failure> {
    if codes.contains(&report.exit_code()) {
        return Ok(());
    }
    terminal::data(&report.to_text())?;
    Err(Failure::told(Exit::Failed))
}
