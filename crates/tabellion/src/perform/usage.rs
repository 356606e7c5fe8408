//! Requests about providers' usage, which go the way of the control plane.

use serde_json::json;
use tabellion_app::work::usage::{NewUsageReport, UsageComparison, UsageLine};
use tabellion_app::work::{Actor, Desk, Given};

use super::people::{refusal, rejected, unavailable};
use crate::held::Held;
use crate::request::{Answer, Refusal, Request, Response, UsageImport, UsageOutcome};

/// Carries out `request` when it is about usage.
pub(super) fn perform(held: &Held, request: &Request) -> Option<Response> {
    let Request::ReportUsage { import } = request else { return None };
    let done = match held.desk() {
        Ok(desk) => report(&desk, import),
        Err(failure) => Err(unavailable(failure.to_string())),
    };
    Some(done.map_or_else(Response::Refused, |outcome| Response::Done(Answer::Usage { outcome })))
}

fn report(desk: &Desk, import: &UsageImport) -> Result<UsageOutcome, Refusal> {
    let accounts = import.accounts.iter();
    let accounts: Vec<_> =
        accounts.map(|(upstream, account)| json!({ "account": account, "upstream": upstream })).collect();
    let new: NewUsageReport = serde_json::from_value(json!({
        "accounts": accounts, "content": import.content, "format": import.format, "name": import.name,
        "provider": import.provider, "tolerance_per_mille": import.tolerance_per_mille,
    }))
    .map_err(|error| rejected(format!("the export cannot be put on record: {error}")))?;
    let (comparison, written) =
        desk.report_usage(&Actor::Operator, &Given::default(), &new).map_err(refusal)?;
    Ok(outcome(&comparison, written.index))
}

fn outcome(comparison: &UsageComparison, index: u64) -> UsageOutcome {
    let of = |verdict: &'static str| comparison.days.iter().filter(move |day| day.verdict == verdict);
    UsageOutcome {
        report: comparison.report.id.clone(),
        index,
        agrees: of("agrees").count() as u64,
        more_here: of("more_here").count() as u64,
        not_comparable: of("not_comparable").count() as u64,
        more_there: of("more_there").map(words).collect(),
        open: comparison.report.reconciled.as_ref().and_then(|said| said.open).unwrap_or(0),
    }
}

fn words(line: &UsageLine) -> String {
    let day = line.day.map(|day| day.0.to_string()).unwrap_or_default();
    let day = day.get(..10).unwrap_or_default();
    let account = line.account.as_deref().map(|account| format!(" of {account}")).unwrap_or_default();
    // A number would be a claim that none went past.
    let requests = if line.reasons.contains(&"no_requests") {
        "requests not counted there".to_owned()
    } else {
        format!("{} requests", line.beyond.requests)
    };
    format!(
        "{day} {}{account}: {requests}, {} tokens in and {} out beyond what went through the gateway",
        line.model, line.beyond.input_tokens, line.beyond.output_tokens
    )
}
