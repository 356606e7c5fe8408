//! Every route, one row each: method, path, who may use it, what its headers may say, name, summary, status, codes of its own, handler.
//!
//! The router and the OpenAPI document are both made from this table. To add a route, add its row; docs/api.md says what else.

use axum::http::Method;

use super::handlers::{
    budgets, calls, configuration, controls, enrichments, erasures, guards, invoices, issuers, keys, log,
    openings, operation, packs, people, playground, policies, probes, registers, rules, running, scitt,
    sessions, shards, sources, stops, systems, tiles, traffic, usage, verifications,
};
use super::route::Headers::{Change, Once, Plain};
use super::route::{Access, Columns, Route};
use crate::permission::Permission;
use crate::refusal::Code;

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;
const PUBLIC: Access = Access::Public;
const LOOPBACK: Access = Access::Loopback;

const READ_SYSTEMS: Access = Access::Needs(Permission::ReadSystems);
const REGISTER_SYSTEMS: Access = Access::Needs(Permission::RegisterSystems);
const CHANGE_SYSTEMS: Access = Access::Needs(Permission::ChangeSystems);
const READ_KEYS: Access = Access::Needs(Permission::ReadKeys);
const CHANGE_KEYS: Access = Access::Needs(Permission::ChangeKeys);
const READ_POLICIES: Access = Access::Needs(Permission::ReadPolicies);
const PUBLISH_POLICIES: Access = Access::Needs(Permission::PublishPolicies);
const TRY_CALLS: Access = Access::Needs(Permission::TryCalls);
const READ_PRICES: Access = Access::Needs(Permission::ReadPrices);
const CHANGE_PRICES: Access = Access::Needs(Permission::ChangePrices);
const READ_SPEND: Access = Access::Needs(Permission::ReadSpend);
const CHANGE_BUDGETS: Access = Access::Needs(Permission::ChangeBudgets);
const RECONCILE_USAGE: Access = Access::Needs(Permission::ReconcileUsage);
const READ_RULES: Access = Access::Needs(Permission::ReadRules);
const CHANGE_RULES: Access = Access::Needs(Permission::ChangeRules);
const READ_STOPS: Access = Access::Needs(Permission::ReadStops);
const ORDER_STOPS: Access = Access::Needs(Permission::OrderStops);
const READ_OPENINGS: Access = Access::Needs(Permission::ReadOpenings);
const CHANGE_OPENINGS: Access = Access::Needs(Permission::ChangeOpenings);
const CONFIRM_OPENINGS: Access = Access::Needs(Permission::ConfirmOpenings);
const LIFT_STOPS: Access = Access::Needs(Permission::LiftStops);
const PROBE_GUARDS: Access = Access::Needs(Permission::ProbeGuards);
const READ_CALLS: Access = Access::Needs(Permission::ReadCalls);
const READ_CAPTURED: Access = Access::Needs(Permission::ReadCaptured);
const UNMASK_VALUES: Access = Access::Needs(Permission::UnmaskValues);
const READ_ENTRIES: Access = Access::Needs(Permission::ReadEntries);
const READ_LOG: Access = Access::Log(Permission::ReadEntries);
const RECORD: Access = Access::Needs(Permission::Record);
const BUILD_PACKAGES: Access = Access::Needs(Permission::BuildPackages);
const ORDER_ERASURES: Access = Access::Needs(Permission::OrderErasures);
const DECIDE_ERASURES: Access = Access::Needs(Permission::DecideErasures);
const READ_PEOPLE: Access = Access::Needs(Permission::ReadPeople);
const CHANGE_PEOPLE: Access = Access::Needs(Permission::ChangePeople);
const READ_REGISTERS: Access = Access::Needs(Permission::ReadRegisters);
const OPEN_REGISTERS: Access = Access::Needs(Permission::OpenRegisters);
const EDIT_REGISTERS: Access = Access::Needs(Permission::EditRegisters);
const DECIDE_REGISTERS: Access = Access::Needs(Permission::DecideRegisters);
const MOVE_REGISTERS: Access = Access::Needs(Permission::MoveRegisters);
const NOTE_REGISTERS: Access = Access::Needs(Permission::NoteRegisters);
const READ_CONTROLS: Access = Access::Needs(Permission::ReadControls);
const DECIDE_APPLICABILITY: Access = Access::Needs(Permission::DecideApplicability);
const APPROVE_APPLICABILITY: Access = Access::Needs(Permission::ApproveApplicability);
const CHANGE_SHARDS: Access = Access::Needs(Permission::ChangeShards);
const CHANGE_ISSUERS: Access = Access::Needs(Permission::ChangeIssuers);
const OWN_SESSION: Access = Access::Needs(Permission::OwnSession);

/// A row without its handler.
#[expect(clippy::too_many_arguments, reason = "a row of the table has this many columns")]
fn row(
    method: Method,
    path: &'static str,
    access: Access,
    headers: super::route::Headers,
    name: &'static str,
    summary: &'static str,
    success: u16,
    codes: &'static [Code],
) -> Columns {
    Columns { method, path, access, headers, name, summary, success, codes }
}

/// The table.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a table: one line for each route")]
pub(super) fn routes() -> Vec<Route> {
    use Code::{
        AlreadySo, DigestMismatch, LastAdministrator, LinkUnusable, NoGateway, NotFound, NothingToExport, OwnAuthority, OwnerUnknown,
        PolicyFaulty, StageImpossible, SystemGone, TooLarge, UnknownReference, VersionRequired, CrossSite, Conflict, ViewBehind,
        AlgorithmUnsupported, ClaimsMissing, HeaderCritical, IdempotencyConflict, IdempotencyErased, IssuerUnknown, OnHold, PayloadMissing, SignatureWrong,
        StatementMalformed, NotPermitted, NotSignedIn, OwnLink, OwnWork, StateImpossible, NotWhatWasShown, StillObserved, ContentFaulty, Incomplete,
        SecondPersonNeeded, ShardAhead, ShardForked, ShardUnsigned, ReplayNeeded, ReplayOutdated,
        ContentErased, InForce, PackBelowPin, PackPublisherUnknown, PackTaken, PackTestsFail, PackUnsigned, PackWidens,
    };
    vec![
        row(GET, "/healthz", PUBLIC, Plain, "health", "Whether the process is up", 200, &[]).by(operation::health),
        row(GET, "/readyz", PUBLIC, Plain, "readiness", "Whether log, views and gateway do their work; 503 says which does not", 200, &[]).by(operation::readiness),
        row(GET, "/metrics", LOOPBACK, Plain, "metrics", "Numbers in the Prometheus text format, for this machine alone", 200, &[]).by(operation::metrics),
        row(GET, "/api/openapi.json", PUBLIC, Plain, "openapi", "This document", 200, &[]).by(operation::openapi),

        row(POST, "/api/v1/session", PUBLIC, Plain, "openSession", "Come in: a link's token for a session", 201, &[LinkUnusable, CrossSite, Conflict, ViewBehind, NotFound, NotSignedIn]).by(sessions::open),
        row(GET, "/api/v1/session", OWN_SESSION, Plain, "readSession", "Who is signed in, and what they may do", 200, &[]).by(sessions::read),
        row(DELETE, "/api/v1/session", OWN_SESSION, Plain, "closeSession", "Leave", 204, &[Conflict, ViewBehind]).by(sessions::close).taking_authority(),

        row(GET, "/api/v1/people", READ_PEOPLE, Plain, "listPeople", "Everybody", 200, &[]).by(people::list),
        row(POST, "/api/v1/people", CHANGE_PEOPLE, Once, "addPerson", "Add a person, with their first roles", 201, &[]).by(people::add),
        row(GET, "/api/v1/people/{person}", READ_PEOPLE, Plain, "readPerson", "One person", 200, &[NotFound]).by(people::read),
        row(POST, "/api/v1/people/{person}/roles", CHANGE_PEOPLE, Change, "grantRole", "Grant a role to somebody else", 200, &[NotFound, OwnAuthority, AlreadySo]).by(people::grant),
        row(POST, "/api/v1/people/{person}/roles/{role}/revoke", CHANGE_PEOPLE, Change, "revokeRole", "Take a role away", 200, &[NotFound, LastAdministrator, AlreadySo]).by(people::revoke).taking_authority(),
        row(POST, "/api/v1/people/{person}/links", CHANGE_PEOPLE, Once, "issueLink", "Hand out a link that lets the person in once", 201, &[NotFound]).by(people::link),
        row(GET, "/api/v1/people/{person}/sessions", OWN_SESSION, Plain, "listSessions", "A person's open sessions: one's own, or anybody's for whoever changes people", 200, &[NotFound, NotPermitted]).by(people::sessions),
        row(POST, "/api/v1/people/{person}/sessions/end", OWN_SESSION, Once, "endSessions", "End one session of a person, or all and the links not used yet", 200, &[NotFound, NotPermitted]).by(people::end_sessions).taking_authority(),

        row(GET, "/api/v1/systems", READ_SYSTEMS, Plain, "listSystems", "The systems within reach", 200, &[]).by(systems::list),
        row(POST, "/api/v1/systems", REGISTER_SYSTEMS, Once, "registerSystem", "Enter a system into the inventory", 201, &[NotFound]).by(systems::register),
        row(GET, "/api/v1/systems/{system}", READ_SYSTEMS, Plain, "readSystem", "One system", 200, &[NotFound]).by(systems::read),
        row(PUT, "/api/v1/systems/{system}", CHANGE_SYSTEMS, Change, "changeSystem", "Replace what is said of a system", 200, &[NotFound, VersionRequired, OwnerUnknown]).by(systems::change),
        row(POST, "/api/v1/systems/{system}/stage", CHANGE_SYSTEMS, Change, "changeStage", "Move a system to another stage", 200, &[NotFound, OwnerUnknown, StageImpossible]).by(systems::stage).taking_authority(),
        row(GET, "/api/v1/systems/{system}/capture", READ_SYSTEMS, Plain, "readCapture", "How much of a system's prompts and answers is kept, and what is lost by what is not", 200, &[NotFound]).by(systems::capturing),
        row(POST, "/api/v1/systems/{system}/capture", CHANGE_SYSTEMS, Change, "changeCapture", "Switch what is captured of a system", 200, &[NotFound, AlreadySo]).by(systems::capture),

        row(GET, "/api/v1/systems/{system}/keys", READ_KEYS, Plain, "listKeys", "A system's API keys, without their secrets", 200, &[NotFound]).by(keys::list),
        row(POST, "/api/v1/systems/{system}/keys", CHANGE_KEYS, Once, "issueKey", "Issue an API key; its secret is shown once", 201, &[NotFound, UnknownReference, StageImpossible, SystemGone]).by(keys::issue),
        row(GET, "/api/v1/keys/{key}", READ_KEYS, Plain, "readKey", "One API key", 200, &[NotFound]).by(keys::read),
        row(POST, "/api/v1/keys/{key}/rotate", CHANGE_KEYS, Change, "rotateKey", "Issue a key in place of this one, which works on for a while", 201, &[NotFound, UnknownReference, AlreadySo, StageImpossible, SystemGone]).by(keys::rotate),
        row(POST, "/api/v1/keys/{key}/revoke", CHANGE_KEYS, Change, "revokeKey", "End a key; answered when the views have passed it", 200, &[NotFound, AlreadySo, SystemGone]).by(keys::revoke).taking_authority(),

        row(GET, "/api/v1/policies", READ_POLICIES, Plain, "listPolicies", "All policies", 200, &[]).by(policies::list),
        row(POST, "/api/v1/policies/check", READ_POLICIES, Plain, "checkPolicy", "Try a text without publishing it", 200, &[PolicyFaulty]).by(policies::check),
        row(GET, "/api/v1/policies/{policy}", READ_POLICIES, Plain, "readPolicy", "One policy", 200, &[NotFound]).by(policies::read),
        row(PUT, "/api/v1/policies/{policy}", PUBLISH_POLICIES, Change, "publishPolicy", "Bring a text into force in place of the one before", 200, &[NotFound, PolicyFaulty, VersionRequired, StillObserved, SecondPersonNeeded, ReplayNeeded, ReplayOutdated]).by(policies::publish),
        row(POST, "/api/v1/policies/{policy}/replays", PUBLISH_POLICIES, Plain, "replayPolicy", "What a text, or the end of one, comes to on recorded decisions; changes nothing", 200, &[NotFound, PolicyFaulty, AlreadySo]).by(policies::replay),
        row(GET, "/api/v1/policies/{policy}/history", READ_POLICIES, Plain, "readPolicyHistory", "Every change of a policy", 200, &[NotFound]).by(policies::history),
        row(POST, "/api/v1/policies/{policy}/withdraw", PUBLISH_POLICIES, Change, "withdrawPolicy", "Take a policy out of force", 200, &[NotFound, AlreadySo, SecondPersonNeeded, ReplayNeeded, ReplayOutdated]).by(policies::withdraw).taking_authority(),
        row(GET, "/api/v1/policy-proposals", READ_POLICIES, Plain, "listPolicyProposals", "Changes of policies that wait for a second person", 200, &[]).by(policies::proposals),
        row(GET, "/api/v1/policies/{policy}/proposal", READ_POLICIES, Plain, "readPolicyProposal", "What was put forward last of a policy", 200, &[NotFound]).by(policies::proposal),
        row(PUT, "/api/v1/policies/{policy}/proposal", PUBLISH_POLICIES, Change, "proposePolicy", "Put a text, or the end of a policy, forward; nothing is in force by that", 200, &[NotFound, AlreadySo, PolicyFaulty, StillObserved, VersionRequired]).by(policies::propose),
        row(POST, "/api/v1/policies/{policy}/proposal/confirm", PUBLISH_POLICIES, Change, "confirmPolicy", "Have come about what somebody else put forward of a policy", 200, &[NotFound, AlreadySo, NotPermitted, NotWhatWasShown, OwnWork, OwnLink, StateImpossible, PolicyFaulty, StillObserved, ReplayNeeded, ReplayOutdated]).by(policies::confirm),

        row(POST, "/api/v1/policies/{policy}/proposal/withdraw", PUBLISH_POLICIES, Change, "withdrawPolicyProposal", "Take back what one put forward of a policy", 200, &[NotFound, AlreadySo, NotPermitted, NotWhatWasShown]).by(policies::take_back),

        row(GET, "/api/v1/configuration-changes", READ_POLICIES, Plain, "listConfigurationChanges", "What starts changed of guards, rules of masking and other safeguards of the configuration", 200, &[]).by(configuration::list),
        row(GET, "/api/v1/configuration-changes/{change}", READ_POLICIES, Plain, "readConfigurationChange", "One change of safeguards, rule by rule", 200, &[NotFound]).by(configuration::read),
        row(POST, "/api/v1/configuration-changes/{change}/explain", PUBLISH_POLICIES, Change, "explainConfigurationChange", "Say why safeguards were changed", 200, &[NotFound]).by(configuration::explain),

        row(GET, "/api/v1/policy-packs", READ_POLICIES, Plain, "listPolicyPacks", "All policy packs, also those that wait for a second person", 200, &[]).by(packs::list),
        row(POST, "/api/v1/policy-packs", PUBLISH_POLICIES, Once, "proposePolicyPack", "Put a signed policy pack forward; nothing of it is in force by that", 201, &[PolicyFaulty, UnknownReference, AlreadySo, StateImpossible, PackUnsigned, PackPublisherUnknown, PackBelowPin, PackTaken, PackTestsFail, PackWidens]).by(packs::propose),
        row(GET, "/api/v1/policy-packs/{pack}", READ_POLICIES, Plain, "readPolicyPack", "One policy pack, with what waits for a second person", 200, &[NotFound]).by(packs::read),
        row(GET, "/api/v1/policy-packs/{pack}/history", READ_POLICIES, Plain, "readPolicyPackHistory", "Every version of a policy pack that was in force", 200, &[NotFound]).by(packs::history),
        row(POST, "/api/v1/policy-packs/{pack}/replays", PUBLISH_POLICIES, Plain, "replayPolicyPack", "What that which was put forward of a pack comes to on recorded decisions; changes nothing", 200, &[NotFound, StateImpossible]).by(packs::replay),
        row(POST, "/api/v1/policy-packs/{pack}/load", PUBLISH_POLICIES, Change, "loadPolicyPack", "Have come into force what somebody else put forward of a pack", 200, &[NotFound, AlreadySo, NotPermitted, NotWhatWasShown, OwnWork, OwnLink, StateImpossible, PolicyFaulty, UnknownReference, PackUnsigned, PackPublisherUnknown, PackBelowPin, PackTaken, PackTestsFail, PackWidens, ReplayNeeded, ReplayOutdated]).by(packs::load),
        row(POST, "/api/v1/policy-packs/{pack}/go-back", PUBLISH_POLICIES, Once, "goBackPolicyPack", "Put forward that an earlier version of a pack comes into force again, and its pin is lowered", 201, &[NotFound, AlreadySo, StateImpossible, PolicyFaulty, UnknownReference, PackUnsigned, PackPublisherUnknown, PackBelowPin, PackTaken, PackTestsFail, PackWidens]).by(packs::go_back),
        row(POST, "/api/v1/policy-packs/{pack}/remove", PUBLISH_POLICIES, Once, "removePolicyPack", "Put forward that nothing of a pack is in force any more", 201, &[NotFound, AlreadySo]).by(packs::remove),
        row(GET, "/api/v1/pack-publishers", READ_POLICIES, Plain, "listPackPublishers", "Publishers whose policy packs may be loaded, and those that wait", 200, &[]).by(packs::publishers),
        row(POST, "/api/v1/pack-publishers", PUBLISH_POLICIES, Once, "proposePackPublisher", "Put a publisher of policy packs forward, with its key, layers and pins", 201, &[]).by(packs::propose_publisher),
        row(GET, "/api/v1/pack-publishers/{publisher}", READ_POLICIES, Plain, "readPackPublisher", "One publisher of policy packs", 200, &[NotFound]).by(packs::publisher),
        row(POST, "/api/v1/pack-publishers/{publisher}/trust", PUBLISH_POLICIES, Change, "trustPackPublisher", "Trust a publisher that somebody else put forward", 200, &[NotFound, AlreadySo, NotPermitted, NotWhatWasShown, OwnWork, OwnLink, StateImpossible]).by(packs::trust),
        row(POST, "/api/v1/pack-publishers/{publisher}/remove", PUBLISH_POLICIES, Change, "removePackPublisher", "Load nothing more of a publisher; what is in force stays", 200, &[NotFound, AlreadySo]).by(packs::remove_publisher).taking_authority(),

        row(POST, "/api/v1/playground/calls", TRY_CALLS, Plain, "tryCall", "What the gateway would do with a call, by the policies in force or by drafts, and where `ask` says so what its provider answers; nothing is recorded", 200, &[NotFound, NotPermitted, PolicyFaulty, Conflict]).by(playground::try_call),

        row(GET, "/api/v1/prices", READ_PRICES, Plain, "listPrices", "What models cost, also prices that were withdrawn", 200, &[]).by(budgets::prices),
        row(GET, "/api/v1/prices/{price}", READ_PRICES, Plain, "readPrice", "One price", 200, &[NotFound]).by(budgets::price),
        row(PUT, "/api/v1/prices/{price}", CHANGE_PRICES, Change, "setPrice", "Set a price, or correct it: calls that were rated by it are rated anew", 200, &[NotFound, VersionRequired, StateImpossible]).by(budgets::set_price),
        row(GET, "/api/v1/prices/{price}/history", READ_PRICES, Plain, "readPriceHistory", "Every change of a price", 200, &[NotFound]).by(budgets::price_history),
        row(POST, "/api/v1/prices/{price}/withdraw", CHANGE_PRICES, Change, "withdrawPrice", "Rate no further calls by a price; those that were stay so", 200, &[NotFound, AlreadySo]).by(budgets::withdraw_price),
        row(GET, "/api/v1/budgets", READ_SPEND, Plain, "listBudgets", "The budgets within reach, with what is used of them now", 200, &[]).by(budgets::budgets),
        row(GET, "/api/v1/budgets/{budget}", READ_SPEND, Plain, "readBudget", "One budget, with what is used of it now", 200, &[NotFound]).by(budgets::budget),
        row(PUT, "/api/v1/budgets/{budget}", CHANGE_BUDGETS, Change, "setBudget", "Set a budget in place of the version before", 200, &[NotFound, VersionRequired, StateImpossible, UnknownReference]).by(budgets::set_budget),
        row(GET, "/api/v1/budgets/{budget}/history", READ_SPEND, Plain, "readBudgetHistory", "Every change of a budget", 200, &[NotFound]).by(budgets::budget_history),
        row(POST, "/api/v1/budgets/{budget}/end", CHANGE_BUDGETS, Change, "endBudget", "End a budget: nothing of it holds any more", 200, &[NotFound, AlreadySo]).by(budgets::end_budget),
        row(GET, "/api/v1/spend", READ_SPEND, Plain, "readSpend", "What calls within reach took: tokens and money, counted and reserved, priced and unpriced apart", 200, &[]).by(budgets::spend),
        row(GET, "/api/v1/spend.csv", READ_SPEND, Plain, "exportSpend", "The same as a table for spreadsheets", 200, &[]).by(budgets::spend_csv),
        row(GET, "/api/v1/rules", READ_RULES, Plain, "listRules", "The rules over numbers within reach, with their numbers now", 200, &[]).by(rules::rules),
        row(GET, "/api/v1/rules/{rule}", READ_RULES, Plain, "readRule", "One rule, with its number now and when it fired and resolved", 200, &[NotFound]).by(rules::rule),
        row(PUT, "/api/v1/rules/{rule}", CHANGE_RULES, Change, "setRule", "Set a rule in place of the version before", 200, &[NotFound, VersionRequired, StateImpossible, UnknownReference]).by(rules::set_rule),
        row(GET, "/api/v1/rules/{rule}/history", READ_RULES, Plain, "readRuleHistory", "Every change of a rule", 200, &[NotFound]).by(rules::rule_history),
        row(POST, "/api/v1/rules/{rule}/end", CHANGE_RULES, Change, "endRule", "End a rule: it is looked at no more", 200, &[NotFound, AlreadySo]).by(rules::end_rule),
        row(GET, "/api/v1/invoices", READ_SPEND, Plain, "listInvoices", "Invoices of providers, each held against what calls took by the prices on record", 200, &[]).by(invoices::list),
        row(POST, "/api/v1/invoices", RECONCILE_USAGE, Once, "recordInvoice", "Put a provider's invoice on record and hold it against the calls", 201, &[NotFound]).by(invoices::record),
        row(GET, "/api/v1/invoices/{invoice}", READ_SPEND, Plain, "readInvoice", "One invoice, held against what is on record now", 200, &[NotFound]).by(invoices::read),
        row(GET, "/api/v1/usage-reports", READ_SPEND, Plain, "listUsageReports", "What providers said they counted, and what that came to beside our calls", 200, &[]).by(usage::reports),
        row(POST, "/api/v1/usage-reports", RECONCILE_USAGE, Once, "reportUsage", "Put a provider's usage export on record and hold it against the calls", 201, &[NotFound]).by(usage::report),
        row(GET, "/api/v1/usage-reports/{report}", READ_SPEND, Plain, "readUsageReport", "One export, held against what is on record now", 200, &[NotFound]).by(usage::comparison),
        row(GET, "/api/v1/findings", READ_REGISTERS, Plain, "listFindings", "What went past the gateway or is in no inventory", 200, &[]).by(usage::findings),
        row(GET, "/api/v1/findings/{finding}", READ_REGISTERS, Plain, "readFinding", "One finding", 200, &[NotFound]).by(usage::finding),
        row(POST, "/api/v1/findings/{finding}/close", RECONCILE_USAGE, Change, "closeFinding", "Close a finding, with the reason", 200, &[NotFound, AlreadySo]).by(usage::close),
        row(GET, "/api/v1/policies/{policy}/observation", READ_POLICIES, Plain, "readObservation", "What an observed text was tried on, and what it would have changed", 200, &[NotFound]).by(policies::observation),
        row(PUT, "/api/v1/policies/{policy}/observation", PUBLISH_POLICIES, Change, "observePolicy", "Try a text on calls beside what is in force, without deciding any", 200, &[PolicyFaulty, VersionRequired]).by(policies::observe),
        row(POST, "/api/v1/policies/{policy}/observation/enforce", PUBLISH_POLICIES, Change, "enforcePolicy", "Bring an observed text into force, as a second person", 200, &[NotFound, AlreadySo, NotPermitted, NotWhatWasShown, OwnWork, OwnLink, PolicyFaulty, StillObserved, ReplayNeeded, ReplayOutdated]).by(policies::enforce),
        row(POST, "/api/v1/policies/{policy}/observation/end", PUBLISH_POLICIES, Change, "endObservation", "Try a text no longer, without its coming into force", 200, &[NotFound, AlreadySo]).by(policies::drop_observation),

        row(GET, "/api/v1/providers", READ_POLICIES, Plain, "listProviders", "The providers of the running gateway, as they stand now", 200, &[]).by(running::providers),
        row(GET, "/api/v1/masking", READ_POLICIES, Plain, "readMasking", "The rules of masking, and what becomes of which class", 200, &[]).by(running::masking),
        row(GET, "/api/v1/masking/counts", READ_CALLS, Plain, "readMasked", "How many values of which class were replaced in requests, by day, of the newest calls within reach", 200, &[]).by(running::masked),
        row(POST, "/api/v1/masking/preview", PUBLISH_POLICIES, Plain, "previewMasking", "Show what the rules of masking make of a text; nothing of it is kept", 200, &[]).by(running::preview),
        row(GET, "/api/v1/stops", READ_STOPS, Plain, "listStops", "Every emergency stop, in force and lifted, with what it did", 200, &[]).by(stops::list),
        row(POST, "/api/v1/stops", ORDER_STOPS, Once, "orderStop", "Stop a scope at once: new calls are refused and running ones cut; answered when the gateway obeys it", 201, &[UnknownReference]).by(stops::order).taking_authority(),
        row(GET, "/api/v1/stops/{stop}", READ_STOPS, Plain, "readStop", "One stop, with its times and what it did", 200, &[NotFound]).by(stops::read),
        row(POST, "/api/v1/stops/{stop}/lift", LIFT_STOPS, Change, "liftStop", "Lift a stop that somebody else ordered", 200, &[NotFound, AlreadySo, OwnWork, OwnLink]).by(stops::lift),
        row(GET, "/api/v1/openings", READ_OPENINGS, Plain, "listOpenings", "Every opening of declared routes: asked for, open and over", 200, &[]).by(openings::list),
        row(POST, "/api/v1/openings", CHANGE_OPENINGS, Once, "requestOpening", "Ask that a class of declared routes be opened to a system until a day; nothing is open by that", 201, &[UnknownReference]).by(openings::request),
        row(GET, "/api/v1/openings/{opening}", READ_OPENINGS, Plain, "readOpening", "One opening", 200, &[NotFound]).by(openings::read),
        row(POST, "/api/v1/openings/{opening}/confirm", CONFIRM_OPENINGS, Change, "confirmOpening", "Open what somebody else asked for", 200, &[NotFound, AlreadySo, StateImpossible, OwnWork, OwnLink]).by(openings::confirm),
        row(POST, "/api/v1/openings/{opening}/withdraw", CHANGE_OPENINGS, Change, "withdrawOpening", "Close an opening at once, or take a request back", 200, &[NotFound, AlreadySo]).by(openings::withdraw).taking_authority(),

        row(GET, "/api/v1/probes", READ_POLICIES, Plain, "readProbes", "Whether guards stop what they must: proven, configured or bypassable, for each route and guard", 200, &[]).by(probes::read),
        row(POST, "/api/v1/probes/measurements", PROBE_GUARDS, Plain, "measureGuards", "Send the corpus of known-bad and benign inputs through every guard now, and say what came of it", 200, &[NoGateway]).by(probes::measure),
        row(POST, "/api/v1/probes", PROBE_GUARDS, Plain, "runProbes", "Send a canary to every guard now, and say what came of it", 200, &[NoGateway]).by(probes::run),

        row(GET, "/api/v1/registers", READ_REGISTERS, Plain, "listRegisters", "Every register: its form, states, steps, and who approves", 200, &[]).by(registers::registers),
        row(GET, "/api/v1/registers/{register}/items", READ_REGISTERS, Plain, "listRegisterItems", "The items within reach", 200, &[NotFound]).by(registers::list),
        row(POST, "/api/v1/registers/{register}/items", OPEN_REGISTERS, Once, "openRegisterItem", "Open an item with a first draft", 201, &[NotFound, AlreadySo, ContentFaulty, Incomplete, UnknownReference, SystemGone]).by(registers::open),
        row(GET, "/api/v1/registers/{register}/items/{item}", READ_REGISTERS, Plain, "readRegisterItem", "One item: content, digest, what is missing, who may do what now", 200, &[NotFound]).by(registers::read),
        row(PUT, "/api/v1/registers/{register}/items/{item}", EDIT_REGISTERS, Change, "saveRegisterItem", "Save a revision in place of the one before", 200, &[NotFound, VersionRequired, AlreadySo, StateImpossible, ContentFaulty, Incomplete, UnknownReference, SystemGone]).by(registers::save),
        row(POST, "/api/v1/registers/{register}/items/{item}/submission", EDIT_REGISTERS, Change, "submitRegisterItem", "Put the newest revision before an approver", 200, &[NotFound, AlreadySo, StateImpossible, NotWhatWasShown, Incomplete, SystemGone]).by(registers::submit),
        row(POST, "/api/v1/registers/{register}/items/{item}/decision", DECIDE_REGISTERS, Change, "decideRegisterItem", "Approve exactly the digest that was shown, or give it back", 200, &[NotFound, AlreadySo, StateImpossible, NotWhatWasShown, OwnWork, OwnLink, SystemGone]).by(registers::decide),
        row(POST, "/api/v1/registers/{register}/items/{item}/state", MOVE_REGISTERS, Change, "moveRegisterItem", "Move an item to another state", 200, &[NotFound, StateImpossible, Incomplete, OwnWork, OwnLink, SystemGone]).by(registers::step),
        row(POST, "/api/v1/registers/{register}/items/{item}/notes", NOTE_REGISTERS, Once, "noteRegisterItem", "Remark on an item", 201, &[NotFound, SystemGone]).by(registers::note),
        row(GET, "/api/v1/registers/{register}/items/{item}/history", READ_REGISTERS, Plain, "readRegisterHistory", "Every record about an item, with what each revision changed", 200, &[NotFound]).by(registers::history),
        row(GET, "/api/v1/inbox", READ_REGISTERS, Plain, "readInbox", "What waits for the one who asks: decisions, returned work, work and requests, new looks, reviews", 200, &[]).by(registers::inbox),
        row(GET, "/api/v1/inventory-gaps", READ_REGISTERS, Plain, "listInventoryGaps", "Models in traffic that the inventory does not name", 200, &[]).by(registers::gaps),
        row(GET, "/api/v1/inventory/unknown", READ_REGISTERS, Plain, "listUnknownCalled", "Models and routes in traffic, denied ones too, that no approved entry of the inventory knows", 200, &[]).by(usage::unknown),

        row(GET, "/api/v1/calls", READ_CALLS, Plain, "listCalls", "The calls within reach, newest first", 200, &[]).by(calls::list),
        row(GET, "/api/v1/calls/{call}", READ_CALLS, Plain, "readCall", "One call: decision, evidence, proof", 200, &[NotFound]).by(calls::read),
        row(GET, "/api/v1/calls/{call}/viewings", READ_CAPTURED, Plain, "listViewings", "Who asked to see what was captured of a call, when and why", 200, &[NotFound]).by(calls::viewings),
        row(POST, "/api/v1/calls/{call}/viewings", READ_CAPTURED, Once, "viewCaptured", "Say why you want to see what was captured of a call; from then on it is shown to you, for an hour", 201, &[NotFound, AlreadySo]).by(calls::view),
        row(GET, "/api/v1/calls/{call}/unmaskings", READ_CAPTURED, Plain, "listUnmaskings", "Who asked what placeholders of a call stand for, which, when and why", 200, &[NotFound]).by(calls::unmaskings),
        row(POST, "/api/v1/calls/{call}/unmask", UNMASK_VALUES, Once, "unmaskCall", "Say why you want to see what placeholders of a call stand for, and see it: once, where it was kept", 201, &[NotFound, AlreadySo, UnknownReference, ContentErased]).by(calls::unmask),
        row(GET, "/api/v1/traffic", READ_CALLS, Plain, "readTraffic", "The calls within reach in numbers: how they ended, by system, model and provider, and how long answers took", 200, &[]).by(traffic::sums),
        row(GET, "/api/v1/guards/outcomes", READ_CALLS, Plain, "readGuardOutcomes", "How many calls guards blocked, flagged, passed, could not look at or did not look at", 200, &[]).by(guards::outcomes),
        row(GET, "/api/v1/guards/outcomes.csv", READ_CALLS, Plain, "exportGuardOutcomes", "The same by guard, as a table for spreadsheets", 200, &[]).by(guards::outcomes_csv),
        row(GET, "/api/v1/enrichments", READ_CALLS, Plain, "readEnrichments", "What detectors said of calls that were over, in numbers: languages, moods, topics and whatever else is set up", 200, &[]).by(enrichments::sums),

        row(GET, "/api/v1/controls", READ_CONTROLS, Plain, "listControls", "How every clause and control of ISO/IEC 42001 stands, computed from evidence", 200, &[]).by(controls::list),
        row(GET, "/api/v1/controls/{control}", READ_CONTROLS, Plain, "readControl", "One clause or control: its status, why, and what would change it", 200, &[NotFound]).by(controls::read),
        row(GET, "/api/v1/soa", READ_CONTROLS, Plain, "readStatement", "The Statement of Applicability", 200, &[]).by(controls::statement),
        row(POST, "/api/v1/soa/approval", APPROVE_APPLICABILITY, Once, "approveStatement", "Approve the statement as it was shown, by a second person", 200, &[Incomplete, NotWhatWasShown, OwnWork, OwnLink]).by(controls::approve),
        row(GET, "/api/v1/soa/{control}", READ_CONTROLS, Plain, "readApplicability", "One control of the statement, and every decision on it", 200, &[NotFound]).by(controls::row),
        row(PUT, "/api/v1/soa/{control}", DECIDE_APPLICABILITY, Change, "decideApplicability", "Decide whether a control applies, with the reason", 200, &[NotFound, VersionRequired, Incomplete]).by(controls::decide),

        row(GET, "/api/v1/erasures", DECIDE_ERASURES, Plain, "listErasures", "Erasures that wait for a second person", 200, &[NotFound]).by(erasures::list),
        row(POST, "/api/v1/erasures", ORDER_ERASURES, Once, "requestErasure", "Ask for an erasure, or for a system's deletion; nothing is erased before a second person confirms it", 201, &[NotFound, OnHold, InForce, SystemGone]).by(erasures::request),
        row(POST, "/api/v1/erasures/{erasure}/decision", DECIDE_ERASURES, Plain, "decideErasure", "Confirm an erasure that somebody else asked for, which carries it out, or decline it", 200, &[NotFound, OwnWork, OwnLink, NotPermitted, OnHold, InForce, SystemGone, Conflict, ViewBehind, NotSignedIn]).by(erasures::decide),

        row(POST, "/api/v1/records", RECORD, Once, "record", "Record a file or an event, by its digest or whole", 201, &[UnknownReference, DigestMismatch, StageImpossible, SystemGone]).by(log::record).promptly(log::record_promptly),
        row(POST, "/api/v1/records/batch", RECORD, Once, "recordBatch", "Record up to 256 files and events together: all of them or none", 201, &[UnknownReference, DigestMismatch, StageImpossible, SystemGone]).by(log::records).promptly(log::records_promptly),
        row(GET, "/api/v1/sources", READ_ENTRIES, Plain, "listSources", "Applications that count what they send: complete up to which number, what is missing, who is silent", 200, &[]).by(sources::list),
        row(GET, "/api/v1/sources/{source}", READ_ENTRIES, Plain, "readSource", "One source, with every epoch", 200, &[NotFound]).by(sources::read),
        row(POST, "/api/v1/sources/{source}/deliveries", RECORD, Plain, "deliver", "Record what a source counted: up to 32 numbered records, losses, a heartbeat; repeating it records nothing twice", 201, &[NotFound, UnknownReference, DigestMismatch, StageImpossible, SystemGone, IdempotencyConflict, IdempotencyErased, NotPermitted, Conflict, ViewBehind]).by(sources::deliver),
        row(GET, "/api/v1/digests/{digest}", READ_ENTRIES, Plain, "findDigest", "Where records within reach speak of the content of a SHA-256: as the thing itself, as what it should be, or as what it was found to be", 200, &[NotFound]).by(log::digest),
        row(GET, "/api/v1/entries", READ_ENTRIES, Plain, "listEntries", "The log's entries within reach, newest first", 200, &[NotFound]).by(log::entries),
        row(GET, "/api/v1/entries/{index}", READ_ENTRIES, Plain, "readEntry", "One entry", 200, &[NotFound]).by(log::entry),
        row(GET, "/api/v1/entries/{index}/receipt", READ_ENTRIES, Plain, "readReceipt", "The receipt of an entry, as tabellion verify takes it", 200, &[NotFound]).by(log::receipt),
        row(GET, "/api/v1/entries/{index}/acknowledgement", READ_ENTRIES, Plain, "readAcknowledgement", "How far the evidence of an entry has come: durable, included, witnessed, anchored", 200, &[NotFound]).by(log::acknowledgement),
        row(GET, "/api/v1/entries/{index}/sd-jwt", READ_ENTRIES, Plain, "readSdJwt", "The record of an entry as an SD-JWT (RFC 9901) with the fields named, signed with the package key", 200, &[NotFound]).by(log::sd_jwt),
        row(GET, "/api/v1/entries/{index}/proof", READ_ENTRIES, Plain, "readProof", "The inclusion proof of an entry, C2SP tlog-proof", 200, &[NotFound]).by(log::proof),
        row(GET, "/api/v1/checkpoint", READ_ENTRIES, Plain, "readCheckpoint", "The newest signed checkpoint, C2SP tlog-checkpoint", 200, &[]).by(log::checkpoint),
        row(GET, "/log/{tenant}/checkpoint", READ_LOG, Plain, "readPublishedCheckpoint", "The checkpoint that was published last, C2SP tlog-tiles", 200, &[NotFound]).by(tiles::checkpoint),
        row(GET, "/log/{tenant}/tile/{*path}", READ_LOG, Plain, "readTile", "A tile of the log's tree, or a bundle of its entries, C2SP tlog-tiles", 200, &[NotFound]).by(tiles::tile),
        row(GET, "/api/v1/checkpoint/cosigned", READ_ENTRIES, Plain, "readCosignedCheckpoint", "The newest checkpoint that enough witnesses cosigned, with their signatures", 200, &[NotFound]).by(log::cosigned_checkpoint),
        row(GET, "/api/v1/entries/{index}/receipt/cosigned", READ_ENTRIES, Plain, "readCosignedReceipt", "The receipt of an entry under that checkpoint", 200, &[NotFound]).by(log::cosigned_receipt),
        row(GET, "/api/v1/entries/{index}/receipt/anchored", READ_ENTRIES, Plain, "readAnchoredReceipt", "The receipt of an entry under a checkpoint that anchors confirmed, with their evidence", 200, &[NotFound]).by(log::anchored_receipt),

        row(POST, "/api/v1/verifications", READ_ENTRIES, Once, "beginVerification", "Verify up to 50,000 entries against the newest checkpoint, as a job", 201, &[NotPermitted, IdempotencyConflict, NotFound]).by(verifications::begin),
        row(GET, "/api/v1/verifications/{verification}", READ_ENTRIES, Plain, "readVerification", "How a verification stands", 200, &[NotFound, NotPermitted]).by(verifications::read),
        row(POST, "/api/v1/verifications/{verification}/cancel", READ_ENTRIES, Plain, "cancelVerification", "End a verification; what was reached is signed as a cancelled run", 200, &[NotFound, NotPermitted]).by(verifications::cancel),
        row(GET, "/api/v1/verifications/{verification}/verdicts", READ_ENTRIES, Plain, "listVerdicts", "What was found, page by page, also while it runs", 200, &[NotFound, NotPermitted]).by(verifications::verdicts),
        row(GET, "/api/v1/verifications/{verification}/result", READ_ENTRIES, Plain, "readVerificationResult", "The signed result, as tabellion verify takes it", 200, &[NotFound, NotPermitted]).by(verifications::result),
        row(GET, "/api/v1/verifications/{verification}/page", READ_ENTRIES, Plain, "printVerification", "The result as a page to print", 200, &[NotFound, NotPermitted]).by(verifications::page),

        row(GET, "/api/v1/issuers", READ_ENTRIES, Plain, "listIssuers", "Whose signed statements are registered: every key, also those removed", 200, &[]).by(issuers::list),
        row(POST, "/api/v1/issuers", CHANGE_ISSUERS, Once, "addIssuer", "Register statements of an issuer under a key", 201, &[AlreadySo]).by(issuers::add),
        row(GET, "/api/v1/issuers/{issuer}", READ_ENTRIES, Plain, "readIssuer", "One key of an issuer", 200, &[NotFound]).by(issuers::read),
        row(POST, "/api/v1/issuers/{issuer}/remove", CHANGE_ISSUERS, Change, "removeIssuer", "Register nothing more under a key; what was stays", 200, &[NotFound, AlreadySo]).by(issuers::remove).taking_authority(),
        row(GET, "/api/v1/shards", READ_ENTRIES, Plain, "listShards", "Logs whose checkpoints this root log takes: newest size, when, conflicts", 200, &[]).by(shards::list),
        row(POST, "/api/v1/shards", CHANGE_SHARDS, Once, "registerShard", "Take a log's checkpoints from here on, or under other keys", 201, &[AlreadySo, UnknownReference]).by(shards::register),
        row(GET, "/api/v1/shards/{shard}", READ_ENTRIES, Plain, "readShard", "One shard", 200, &[NotFound]).by(shards::read),
        row(POST, "/api/v1/shards/{shard}/checkpoints", RECORD, Plain, "takeCheckpoint", "Record a shard's checkpoint with a proof that it continues the one before; the same again is answered with its first receipt", 200, &[NotFound, UnknownReference, StageImpossible, SystemGone, ShardUnsigned, ShardAhead, ShardForked, NotPermitted, Conflict, ViewBehind, IdempotencyConflict, IdempotencyErased]).by(shards::take),
        row(POST, "/scitt/entries", RECORD, Plain, "registerStatement", "Register a statement that somebody signed (SCITT SCRAPI); answered at once with its COSE Receipt", 201, &[StatementMalformed, AlgorithmUnsupported, PayloadMissing, HeaderCritical, ClaimsMissing, IssuerUnknown, SignatureWrong, NotFound, UnknownReference, StageImpossible, SystemGone, IdempotencyConflict, IdempotencyErased, Conflict, ViewBehind]).by(scitt::register).for_scitt(),
        row(GET, "/scitt/entries/{index}", READ_ENTRIES, Plain, "readCoseReceipt", "The COSE Receipt of any entry (RFC 9942, SCITT SCRAPI)", 200, &[NotFound]).by(scitt::receipt).for_scitt(),
        row(GET, "/scitt/entries/{index}/statement", READ_ENTRIES, Plain, "readTransparentStatement", "The transparent statement of an entry that is or registers a statement (RFC 9943)", 200, &[NotFound]).by(scitt::statement).for_scitt(),
        row(GET, "/.well-known/scitt-keys", PUBLIC, Plain, "listReceiptKeys", "The keys of COSE Receipts, a COSE Key Set (SCITT SCRAPI)", 200, &[]).by(scitt::keys).for_scitt(),
        row(GET, "/.well-known/scitt-keys/{kid}", PUBLIC, Plain, "readReceiptKey", "One key of COSE Receipts, a COSE Key", 200, &[NotFound]).by(scitt::key).for_scitt(),

        row(POST, "/api/v1/access", BUILD_PACKAGES, Plain, "giveAccess", "Download what is kept about one person, with a receipt for each record; takes read_personal and read_captured as well", 200, &[NotFound, TooLarge, Conflict, ViewBehind, NotPermitted]).by(log::access),
        row(POST, "/api/v1/packages", BUILD_PACKAGES, Plain, "buildPackage", "Build an evidence package and download it", 200, &[NothingToExport, UnknownReference, TooLarge, Conflict, ViewBehind, NotPermitted]).by(log::package),
    ]
}
