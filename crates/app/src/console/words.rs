//! Words, numbers and times as people read them.
//!
//! Must never: name a state by colour alone; every tone has a word beside it.

use tabellion_model::body::Role;
use tabellion_model::{Env, Micros};

pub(crate) use crate::report::words::{count, counted, moment};

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
/// A day, in microseconds.
pub(crate) const DAY: u64 = 24 * HOUR;
/// Characters kept at both ends of an id that is shortened in its middle.
const ENDS: usize = 6;

/// How a state looks: always beside its word and with a shape of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Needs a look.
    Fair,
    /// Refused, failed, broken.
    Bad,
    /// Not there, over, unknown.
    Quiet,
}

impl Tone {
    /// Its class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }
}

/// What happened to `at`, seen from `now`: `3 h ago`, `in 2 days`.
pub(crate) fn relative(at: Micros, now: Micros) -> String {
    let (span, past) = if at.0 <= now.0 { (now.0 - at.0, true) } else { (at.0 - now.0, false) };
    let said = match span {
        0..10_000_000 => return "now".to_owned(),
        _ if span < MINUTE => format!("{} s", span / SECOND),
        _ if span < HOUR => format!("{} min", span / MINUTE),
        _ if span < DAY => format!("{} h", span / HOUR),
        _ if span < 60 * DAY => counted(span / DAY, "day", "days"),
        _ => counted(span / (30 * DAY), "month", "months"),
    };
    if past { format!("{said} ago") } else { format!("in {said}") }
}

/// A day by whose end something is due, seen from `now`: `due today`, `due in 3 days`, `2 days overdue`. Days are those of UTC.
pub(crate) fn due(day: Micros, now: Micros) -> String {
    let (due, today) = (day.0 / DAY, now.0 / DAY);
    match due.cmp(&today) {
        std::cmp::Ordering::Equal => "due today".to_owned(),
        std::cmp::Ordering::Greater => format!("due in {}", counted(due - today, "day", "days")),
        std::cmp::Ordering::Less => format!("{} overdue", counted(today - due, "day", "days")),
    }
}

/// A time as an attribute and a form take it: RFC 3339.
pub(crate) fn machine_time(at: Micros) -> String {
    at.to_string()
}

/// The day of a time, `2026-01-31`.
pub(crate) fn day(at: Micros) -> String {
    at.to_string().chars().take(10).collect()
}

/// An id or hash, shortened in its middle.
pub(crate) fn short(id: &str) -> String {
    let length = id.chars().count();
    if length <= 2 * ENDS + 1 {
        return id.to_owned();
    }
    let head: String = id.chars().take(ENDS).collect();
    let tail: String = id.chars().skip(length - ENDS).collect();
    format!("{head}…{tail}")
}

/// A duration as people read it.
pub(crate) fn duration(us: u64) -> String {
    match us {
        0..1000 => format!("{us} µs"),
        1000..1_000_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        _ => format!("{}.{} s", us / SECOND, us % SECOND / 100_000),
    }
}

/// A size as people read it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => counted(bytes, "byte", "bytes"),
        1024..1_048_576 => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// A role as people call it.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Administrator => "Administrator",
        Role::Developer => "Developer",
        Role::GovernanceEngineer => "Governance engineer",
        Role::ComplianceOfficer => "Compliance officer",
        Role::BusinessOwner => "Business owner",
        Role::Approver => "Approver",
        Role::Auditor => "Auditor",
    }
}

/// What a role is for, for whoever hands it out.
pub(crate) fn role_purpose(role: Role) -> &'static str {
    match role {
        Role::Administrator => "runs the installation; lets people in",
        Role::Developer => "builds with the gateway; own systems and keys",
        Role::GovernanceEngineer => "writes policies",
        Role::ComplianceOfficer => "keeps the management system; hands out evidence",
        Role::BusinessOwner => "answers for systems",
        Role::Approver => "decides on what is put before them",
        Role::Auditor => "reads everything, changes nothing",
    }
}

/// An environment as people call it.
pub(crate) fn environment(env: Env) -> &'static str {
    match env {
        Env::Production => "Production",
        Env::Sandbox => "Sandbox",
        Env::Development => "Development",
    }
}

/// Where a call stands, as people say it, and how that looks.
pub(crate) fn call_state(state: &str) -> (&'static str, Tone) {
    match state {
        "open" => ("Open", Tone::Fair),
        "answered" => ("Answered", Tone::Good),
        "refused" => ("Refused by provider", Tone::Fair),
        "failed" => ("Failed", Tone::Bad),
        "abandoned" => ("Abandoned by client", Tone::Fair),
        "cut" => ("Cut off", Tone::Bad),
        "broken" => ("End unknown", Tone::Bad),
        "denied" => ("Denied", Tone::Bad),
        _ => ("Erased", Tone::Quiet),
    }
}

/// A stage of a system, and how that looks.
pub(crate) fn stage(stage: &str) -> (&'static str, Tone) {
    match stage {
        "draft" => ("Draft", Tone::Fair),
        "live" => ("Live", Tone::Good),
        "paused" => ("Paused", Tone::Fair),
        _ => ("Retired", Tone::Quiet),
    }
}

/// What a change did, by its record's type.
pub(crate) fn change(record_type: &str) -> &str {
    match record_type {
        "document.captured"
        | "technical_document.captured"
        | "impact_assessment.captured"
        | "audit_report.captured"
        | "event_log.captured" => "put a file on record",
        "system.registered" => "described the system",
        "system.stage_changed" => "moved the system to another stage",
        "credential.issued" => "issued an API key",
        "credential.revoked" => "ended an API key",
        "policy.published" => "published a policy",
        "policy.withdrawn" => "withdrew a policy",
        "price.set" => "set a price",
        "price.withdrawn" => "withdrew a price",
        "budget.set" => "set a budget",
        "budget.ended" => "ended a budget",
        "stop.ordered" => "ordered an emergency stop",
        "stop.lifted" => "lifted an emergency stop",
        "stop.refused" => "was refused the lifting of an emergency stop",
        "budget.crossed" => "a share of a budget was passed",
        "budget.alert_resolved" => "an alert of a budget is over",
        "policy.observed" => "put a policy under observation",
        "policy.observation_ended" => "ended a policy's observation",
        "policy.proposed" => "put a change of a policy forward",
        "policy.proposal_withdrawn" => "took back a change of a policy",
        "policy.refused" => "tried to bring their own policy into force",
        "person.added" => "added a person",
        "role.granted" => "granted a role",
        "role.revoked" => "took a role away",
        "link.issued" => "handed out a link",
        "session.opened" => "signed in",
        "session.closed" => "signed out",
        "register.saved" => "saved a revision",
        "register.submitted" => "put an item before an approver",
        "register.decided" => "decided on an item",
        "register.moved" => "moved an item to another state",
        "register.refresh_opened" => "asked for a new look",
        "register.noted" => "commented on an item",
        "register.refused" => "was refused a decision on own work",
        "soa.decided" => "decided whether a control applies",
        "soa.approved" => "approved the Statement of Applicability",
        "soa.refused" => "was refused the approval of an own statement",
        "view.saved" => "kept a view of a list",
        "view.removed" => "removed a view of a list",
        "issuer.added" => "added an issuer of statements",
        "issuer.removed" => "removed an issuer of statements",
        "statement.registered" => "registered a statement",
        "call.authorised" => "let a call through",
        "call.denied" => "denied a call",
        "call.completed" => "ended a call",
        "call.broken" => "found a call open",
        "package.exported" => "built a package",
        "envelope.imported" => "put evidence that others signed on record",
        "source.heartbeat" => "gave a sign of life with its counts",
        "source.key_set" => "put a key on record that a source signs with",
        "gap.declared" => "declared numbers of its count lost",
        "gap.found" => "found numbers of a source missing",
        "gap.filled" => "received the missing numbers of a source",
        "witness.conflict_found" => "found that a witness knows another tree of this log",
        "witness.conflict_lifted" => "let the log record again",
        other => content_change(other),
    }
}

/// The same of content: who saw it, and what became of it.
fn content_change(record_type: &str) -> &str {
    match record_type {
        "access.given" => "gave somebody what is kept about them",
        "content.viewed" => "asked to see a prompt and answer",
        "masking.unmasked" => "asked to see what placeholders stand for",
        "erasure.requested" => "asked for an erasure",
        "erasure.confirmed" => "confirmed an erasure",
        "erasure.declined" => "declined an erasure",
        "erasure.rule_set" => "laid down that erasures take two people",
        "retention.rules_set" => "laid down how long content is kept",
        "retention.clock_doubted" => "let nothing expire, because the clock is in doubt",
        "retention.clock_confirmed" => "said that the clock is right",
        "erasure.ordered" => "ordered an erasure",
        "erasure.done" => "erased content",
        other => usage_change(other),
    }
}

/// The same of what providers counted, and what was found by it.
fn usage_change(record_type: &str) -> &str {
    match record_type {
        "usage.reported" => "put on record what a provider counted",
        "usage.reconciled" => "held what a provider counted against the calls",
        "finding.opened" => "found what the gateway or the inventory does not know",
        "finding.closed" => "closed a finding",
        "invoice.recorded" => "put an invoice of a provider on record",
        "configuration.changed" => "started under other safeguards",
        "configuration.explained" => "said why safeguards were changed",
        other => opening_change(other),
    }
}

/// The same of what opens declared routes.
fn opening_change(record_type: &str) -> &str {
    match record_type {
        "opening.requested" => "asked for an opening of declared routes",
        "opening.confirmed" => "opened declared routes to a system",
        "opening.withdrawn" => "closed declared routes to a system",
        "opening.refused" => "was refused the confirmation of an opening",
        "file.kept" => "a batch's file was masked and put at its provider",
        "object.kept" => "a file or batch at a provider became the system's",
        "batch.settled" => "learned what a batch took",
        other => guard_change(other),
    }
}

/// The same of how guards are tried.
fn guard_change(record_type: &str) -> &str {
    match record_type {
        "call.enriched" => "said what a call's texts are like",
        "call.assessed" => "guards looked at a call that was over",
        "guard.probed" => "tried whether guards stop what they must",
        "guard.measured" => "measured how much guards find of what they must",
        other => rule_change(other),
    }
}

/// The same of rules over numbers.
fn rule_change(record_type: &str) -> &str {
    match record_type {
        "rule.set" => "set a rule over a number",
        "rule.ended" => "ended a rule over a number",
        "rule.fired" => "a rule's number went beyond its threshold",
        "rule.resolved" => "a rule's number came back from beyond its threshold",
        other => pack_change(other),
    }
}

/// The same of packs of policies and who publishes them.
fn pack_change(record_type: &str) -> &str {
    match record_type {
        "pack_publisher.proposed" => "put a publisher of packs forward",
        "pack_publisher.trusted" => "trusted a publisher of packs",
        "pack_publisher.removed" => "ended the trust in a publisher of packs",
        "policy_pack.proposed" => "put a pack of policies forward",
        "policy_pack.loaded" => "loaded a pack of policies",
        "policy_pack.removed" => "took a pack of policies out of force",
        "policy_pack.refused" => "was refused a pack of policies",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sizes_and_ids_read_as_people_say_them() {
        let now = Micros(400 * DAY);
        let at = |before: u64| relative(Micros(now.0 - before), now);
        let said: Vec<String> =
            [0, 30 * SECOND, 5 * MINUTE, 3 * HOUR, DAY, 40 * DAY, 90 * DAY].map(at).into();
        assert_eq!(
            said,
            ["now", "30 s ago", "5 min ago", "3 h ago", "1 day ago", "40 days ago", "3 months ago"]
        );
        assert_eq!(relative(Micros(now.0 + 2 * DAY), now), "in 2 days", "an expiry would read as past");
        let due = |days: u64| due(Micros(days * DAY), Micros(400 * DAY + 19 * HOUR));
        assert_eq!(
            [due(400), due(401), due(403), due(399), due(398)],
            ["due today", "due in 1 day", "due in 3 days", "1 day overdue", "2 days overdue"],
            "a day that is not over would read as missed, or one that is as still to come"
        );
        assert_eq!(short("0123456789abcdef0123"), "012345…ef0123", "two ids would look alike");
        assert_eq!(
            (duration(900), duration(12_345), duration(1_500_000)),
            ("900 µs".into(), "12.3 ms".into(), "1.5 s".into())
        );
        assert_eq!(
            (size(1), size(2048), size(3 << 20)),
            ("1 byte".into(), "2.0 KiB".into(), "3.0 MiB".into())
        );
    }
}
