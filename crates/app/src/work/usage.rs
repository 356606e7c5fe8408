//! What providers say they counted: put on record, and held against the calls that went through the gateway (docs/unseen.md).
//!
//! Promises: an export is on record whole, with its digest, before anything is said of it; a comparison says of each number whether it is certain. Must never: call
//! something agreement of which too little is known, or show usage of the whole organisation to somebody whose reach ends before that.

mod comparing;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tabellion_model::body::UsageReported;
use tabellion_model::usage::{
    Amounts, Compared, DAY_US, MAX_USAGE_BYTES, Reason as Why, UsageAccount, UsageFormat, Verdict, read,
};
use tabellion_model::{Micros, RecordId};
use tabellion_tlog::{Hash, sha256};
use tabellion_views::query::{UsageComparisonRow, UsageReportRow};

use super::asking::{all, refer};
use super::forms::{DigestForm, IdForm, Line, Reference, Time, Word};
use super::writing::draft_of;
use super::{Actor, Desk, Given, Written};
use crate::permission::{Permission, Reach};
use crate::printable::visible;
use crate::refusal::{Code, Refusal};

/// Most lines of one comparison that are shown; those that matter most come first.
const MAX_LINES: usize = 5_000;
/// Most characters of a name that a refusal repeats: that of an upstream has fewer.
const MAX_NAMED: usize = 64;

/// Whose form an export has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "UsageFormat")]
pub enum FormatForm {
    /// Pages of `OpenAI`'s `/v1/organization/usage/completions`.
    OpenaiUsage,
    /// Pages of Anthropic's `/v1/organizations/usage_report/messages`.
    AnthropicUsage,
    /// A table in the columns of docs/unseen.md.
    Csv,
}

impl From<FormatForm> for UsageFormat {
    fn from(form: FormatForm) -> Self {
        match form {
            FormatForm::OpenaiUsage => Self::OpenaiUsage,
            FormatForm::AnthropicUsage => Self::AnthropicUsage,
            FormatForm::Csv => Self::Csv,
        }
    }
}

impl From<UsageFormat> for FormatForm {
    fn from(format: UsageFormat) -> Self {
        match format {
            UsageFormat::OpenaiUsage => Self::OpenaiUsage,
            UsageFormat::AnthropicUsage => Self::AnthropicUsage,
            UsageFormat::Csv => Self::Csv,
        }
    }
}

/// Which upstream calls with which account at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UsageAccount")]
pub struct AccountForm {
    /// The upstream, by its name in the configuration.
    pub upstream: Line,
    /// The project, workspace or key at the provider, by its id, that this upstream calls with; absent: all that no other upstream is given.
    #[serde(default)]
    pub account: Option<Line>,
}

/// An export to put on record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUsageReport {
    /// The provider.
    pub provider: Word,
    /// Whose form the export has.
    pub format: FormatForm,
    /// The export, as text.
    #[schemars(length(max = MAX_USAGE_BYTES))]
    pub content: String,
    /// The name of the file.
    #[serde(default)]
    pub name: Option<Line>,
    /// Which upstream calls with which account; absent: the upstream of the provider's name, with all of them.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub accounts: Vec<AccountForm>,
    /// Difference in tokens that is let pass as rounding, in thousandths of what was counted here. Requests are exact.
    #[serde(default)]
    #[schemars(range(max = 50))]
    pub tolerance_per_mille: u64,
}

impl From<UsageAccount> for ReportedAccount {
    fn from(UsageAccount { upstream, account }: UsageAccount) -> Self {
        Self { upstream, account }
    }
}

/// What a comparison came to when the export was put on record, or later, when calls had ended that had no end then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UsageReconciled")]
pub struct Reconciled {
    /// Days of models on which both counted the same; null: erased.
    pub agrees: Option<u64>,
    /// Those on which the provider counted more than can have come from here.
    pub more_there: Option<u64>,
    /// Those on which it counted less.
    pub more_here: Option<u64>,
    /// Those of which it cannot be said.
    pub not_comparable: Option<u64>,
    /// Accounts and models with traffic off the gateway.
    pub off_gateway: Option<u64>,
    /// Calls of that time that had no end: while there are any it is not certain, and it is compared again when they have ended. Null: not recorded, or erased.
    pub open: Option<u64>,
    /// When.
    pub at: Time,
    /// Its record.
    pub recorded: Reference,
}

/// An upstream that an export is held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UsageReportedAccount")]
pub struct ReportedAccount {
    /// The upstream.
    pub upstream: String,
    /// The account or key at the provider that it calls with; null: all that no other upstream is given.
    pub account: Option<String>,
}

/// An export on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// Its id: that of its record.
    #[schemars(with = "IdForm")]
    pub id: String,
    /// The provider.
    #[schemars(with = "Word")]
    pub provider: String,
    /// Whose form it has; null, as what follows: erased.
    pub format: Option<FormatForm>,
    /// Its first moment.
    pub from: Option<Time>,
    /// The first moment after it.
    pub until: Option<Time>,
    /// The name of the file.
    pub name: Option<String>,
    /// SHA-256 of the export.
    #[schemars(with = "Option<DigestForm>")]
    pub sha256: Option<String>,
    /// Its bytes.
    pub size_bytes: Option<u64>,
    /// Difference in tokens that is let pass.
    pub tolerance_per_mille: Option<u64>,
    /// Which upstreams it is held against, each with its account at the provider; null: erased.
    pub accounts: Option<Vec<ReportedAccount>>,
    /// Whether a later one of the same provider and window stands in its place.
    pub superseded: bool,
    /// Who put it on record.
    #[schemars(with = "IdForm")]
    pub by: String,
    /// When.
    pub at: Time,
    /// What it came to; null: it was not compared yet.
    pub reconciled: Option<Reconciled>,
    /// Its record.
    pub recorded: Reference,
}

/// Exports on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageReports {
    /// The newest first.
    pub reports: Vec<UsageReport>,
}

/// Requests and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UsageAmounts")]
pub struct AmountsForm {
    /// Requests.
    pub requests: u64,
    /// Tokens of prompts, those of a cache among them.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
}

impl From<Amounts> for AmountsForm {
    fn from(amounts: Amounts) -> Self {
        let Amounts { requests, input, output } = amounts;
        Self { requests, input_tokens: input, output_tokens: output }
    }
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageLine {
    /// The day, UTC; null: the whole window.
    pub day: Option<Time>,
    /// The account or key at the provider; null: that of upstreams for which none is named.
    pub account: Option<String>,
    /// The model, as the provider names it.
    pub model: String,
    /// What the provider counted.
    pub there: AmountsForm,
    /// What was counted here for certain.
    pub here: AmountsForm,
    /// What may come to that: calls under way, cut, refused there, about midnight, or whose content was erased, by the most that they can have taken.
    pub perhaps: AmountsForm,
    /// What the provider counted beyond both.
    pub beyond: AmountsForm,
    /// What it comes to.
    #[schemars(extend("enum" = ["agrees", "more_there", "more_here", "not_comparable"]))]
    pub verdict: &'static str,
    /// What to read that with: `before_log`, `partly_covered`, `not_counted`, `no_requests`, `not_in_export`, `unknown_account`.
    pub reasons: Vec<&'static str>,
}

/// An export, held against what is on record now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageComparison {
    /// The export.
    pub report: UsageReport,
    /// By account and model, over the whole window; traffic off the gateway first.
    pub totals: Vec<UsageLine>,
    /// By account, model and day; the same order.
    pub days: Vec<UsageLine>,
    /// How many there are, also when they are too many to be listed.
    pub days_in_all: u64,
}

impl Desk {
    /// From here on the desk knows which upstreams are configured. What was told first stands.
    pub fn know_upstreams(&self, names: Vec<String>) {
        drop(self.upstreams.set(names));
    }

    /// Puts an export on record and compares it.
    pub fn report_usage(
        &self,
        actor: &Actor,
        given: &Given,
        new: &NewUsageReport,
    ) -> Result<(UsageComparison, Written), Refusal> {
        let body = self.usage_body(new)?;
        self.check_upstreams(new, &body)?;
        // What cannot be compared is refused before it is on record.
        self.usage_lanes(&body)?;
        let written = self.once(actor, "report-usage", given, |earlier| {
            let supersedes = match earlier {
                Some(earlier) => earlier.text("supersedes").and_then(|id| RecordId::from_hex(&id)),
                None => self.newest_usage(&body)?,
            };
            let version = self.views.usage_version(&body.provider)?;
            let body = UsageReported { supersedes, ..body.clone() };
            let stream = format!("usage/{}", body.provider);
            let mut draft = draft_of(&body, stream, given.expected(earlier, version))?;
            // It may name people by their keys and projects, and can go without the other records of its month.
            draft.erasable_alone = true;
            Ok(vec![draft])
        })?;
        let row = self.usage_row(written.record_id)?;
        self.reconcile(&row)?;
        Ok((self.usage_comparison(actor, written.record_id)?, written))
    }

    /// Every export on record.
    pub fn usage_reports(&self, actor: &Actor) -> Result<UsageReports, Refusal> {
        check_reach(actor)?;
        let rows = all(|page| self.views.usage_reports(page))?;
        let mut seen = Vec::new();
        let mut reports = Vec::new();
        for row in &rows {
            let window = row.said.as_ref().map(|said| (row.provider.as_str(), said.from, said.until));
            let superseded = window.is_some_and(|window| seen.contains(&window));
            seen.extend(window);
            let comparison = self.views.usage_comparison(&row.record_id)?;
            reports.push(shown(row, superseded, comparison));
        }
        Ok(UsageReports { reports })
    }

    /// One export, held against what is on record now.
    pub fn usage_comparison(&self, actor: &Actor, report: RecordId) -> Result<UsageComparison, Refusal> {
        check_reach(actor)?;
        let row = self.usage_row(report)?;
        let superseded = match &row.said {
            Some(said) => self.newest_usage(said)?.is_some_and(|newest| newest != row.record_id),
            None => false,
        };
        let comparison = match &row.said {
            Some(said) => self.compared(said)?,
            None => tabellion_model::usage::Comparison::default(),
        };
        let days_in_all = comparison.days.len() as u64;
        Ok(UsageComparison {
            report: shown(&row, superseded, self.views.usage_comparison(&row.record_id)?),
            totals: lines(comparison.totals),
            days: lines(comparison.days),
            days_in_all,
        })
    }

    /// Refuses an upstream that nobody knows: everything in the export would be beyond its calls, since it has none.
    fn check_upstreams(&self, new: &NewUsageReport, body: &UsageReported) -> Result<(), Refusal> {
        let Some(configured) = self.upstreams.get() else { return Ok(()) };
        for (number, account) in body.accounts.iter().enumerate() {
            let name = account.upstream.as_str();
            if configured.iter().any(|known| known == name) || self.views.has_called(name)? {
                continue;
            }
            let place = if new.accounts.is_empty() {
                "/provider".to_owned()
            } else {
                format!("/accounts/{number}/upstream")
            };
            let known = if configured.is_empty() {
                "none is configured".to_owned()
            } else {
                format!("configured are {}", configured.join(", "))
            };
            let what = format!(
                "no upstream {} is configured, and no call went to one; {known}: name the upstream that calls this provider (--upstream, or accounts)",
                visible(name, MAX_NAMED)
            );
            return Err(Refusal::at(Code::Malformed, place, what));
        }
        Ok(())
    }

    pub(super) fn usage_row(&self, report: RecordId) -> Result<UsageReportRow, Refusal> {
        self.views.usage_report(&report)?.ok_or_else(|| Refusal::not_found("usage report"))
    }

    /// The newest export of the same provider and window.
    fn newest_usage(&self, of: &UsageReported) -> Result<Option<RecordId>, Refusal> {
        let rows = all(|page| self.views.usage_reports(page))?;
        let same = |row: &&UsageReportRow| {
            let window = row.said.as_ref().map(|said| (&said.provider, said.from, said.until));
            window == Some((&of.provider, of.from, of.until))
        };
        Ok(rows.iter().find(same).map(|row| row.record_id))
    }

    /// The record of an export, checked.
    fn usage_body(&self, new: &NewUsageReport) -> Result<UsageReported, Refusal> {
        let format = UsageFormat::from(new.format);
        let export = read(format, &new.content)
            .map_err(|fault| Refusal::at(Code::Malformed, "/content", fault.to_string()))?;
        let now = self.ledger.reader().now();
        if export.until() > now {
            let what = format!(
                "the last bucket ends at {}, which is not over: what is still counted cannot be compared; export up to the last full bucket",
                export.until()
            );
            return Err(Refusal::at(Code::Malformed, "/content", what));
        }
        Ok(UsageReported {
            provider: new.provider.as_str().to_owned(),
            format,
            from: export.from(),
            until: export.until(),
            covered: export.covered,
            buckets: export.buckets,
            accounts: accounts(new)?,
            tolerance_per_mille: new.tolerance_per_mille,
            cells: export.cells,
            name: new.name.as_ref().map(|name| name.as_str().to_owned()),
            sha256: Hash::to_hex(&sha256(new.content.as_bytes())),
            size: new.content.len() as u64,
            supersedes: None,
            content: new.content.clone(),
        })
    }
}

/// Usage is of the whole organisation.
fn check_reach(actor: &Actor) -> Result<(), Refusal> {
    if actor.reach(Permission::ReadSpend) == Reach::All {
        return Ok(());
    }
    let what = "what providers count is of the whole organisation; your role sees what systems spend that you answer for";
    Err(Refusal::new(Code::NotPermitted, what))
}

/// Each upstream stands once: its calls would else make up for two accounts.
fn accounts(new: &NewUsageReport) -> Result<Vec<UsageAccount>, Refusal> {
    if new.accounts.is_empty() {
        return Ok(vec![UsageAccount { upstream: new.provider.as_str().to_owned(), account: None }]);
    }
    let mut accounts: Vec<UsageAccount> = Vec::new();
    for (number, form) in new.accounts.iter().enumerate() {
        let upstream = form.upstream.as_str().to_owned();
        if accounts.iter().any(|known| known.upstream == upstream) {
            let what =
                "an upstream calls with one account; leave it out here, or report the accounts one by one";
            return Err(Refusal::at(Code::Malformed, format!("/accounts/{number}/upstream"), what));
        }
        let account = form.account.as_ref().map(|account| account.as_str().to_owned());
        accounts.push(UsageAccount { upstream, account });
    }
    Ok(accounts)
}

fn shown(row: &UsageReportRow, superseded: bool, comparison: Option<UsageComparisonRow>) -> UsageReport {
    let said = row.said.as_ref();
    UsageReport {
        id: row.record_id.to_hex(),
        provider: row.provider.clone(),
        format: said.map(|said| said.format.into()),
        from: said.map(|said| Time(said.from)),
        until: said.map(|said| Time(said.until)),
        name: said.and_then(|said| said.name.clone()),
        sha256: said.map(|said| said.sha256.clone()),
        size_bytes: said.map(|said| said.size),
        tolerance_per_mille: said.map(|said| said.tolerance_per_mille),
        accounts: said.map(|said| said.accounts.iter().cloned().map(ReportedAccount::from).collect()),
        superseded,
        by: row.by.to_hex(),
        at: Time(row.at),
        reconciled: comparison.map(|row| {
            let said = row.said.as_ref();
            Reconciled {
                agrees: said.map(|said| said.agrees),
                more_there: said.map(|said| said.more_there),
                more_here: said.map(|said| said.more_here),
                not_comparable: said.map(|said| said.not_comparable),
                off_gateway: said.map(|said| said.off_gateway),
                open: said.and_then(|said| said.open),
                at: Time(row.at),
                recorded: refer(row.entry, row.record_id),
            }
        }),
        recorded: refer(row.entry, row.record_id),
    }
}

/// Those that matter most first; within that by account, model and day.
fn lines(mut compared: Vec<Compared>) -> Vec<UsageLine> {
    let weight = |line: &Compared| match line.verdict {
        Verdict::MoreThere => 0,
        Verdict::NotComparable => 1,
        Verdict::MoreHere => 2,
        Verdict::Agrees => 3,
    };
    compared.sort_by_key(weight);
    compared.truncate(MAX_LINES);
    compared.into_iter().map(line).collect()
}

fn line(compared: Compared) -> UsageLine {
    UsageLine {
        day: compared.day.map(Time),
        account: compared.account,
        model: compared.model,
        there: compared.there.into(),
        here: compared.here.into(),
        perhaps: compared.perhaps.into(),
        beyond: compared.beyond.into(),
        verdict: verdict_word(compared.verdict),
        reasons: compared.reasons.into_iter().map(reason_word).collect(),
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "agrees",
        Verdict::MoreThere => "more_there",
        Verdict::MoreHere => "more_here",
        Verdict::NotComparable => "not_comparable",
    }
}

fn reason_word(reason: Why) -> &'static str {
    match reason {
        Why::BeforeLog => "before_log",
        Why::PartlyCovered => "partly_covered",
        Why::NotCounted => "not_counted",
        Why::NoRequests => "no_requests",
        Why::NotInExport => "not_in_export",
        Why::UnknownAccount => "unknown_account",
    }
}

/// Where the day of `at` begins, and where the one after that of the moment before `until`.
fn whole_days(at: Micros, until: Micros) -> (Micros, Micros) {
    (Micros(at.0 - at.0 % DAY_US), Micros(until.0.div_ceil(DAY_US) * DAY_US))
}
