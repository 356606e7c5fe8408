//! Every page, one row each: method, path, who may open it, what it can say of the past, where it stands in the navigation, and what makes it.
//!
//! To add a page, add its row, and its item to the navigation; docs/console.md has the steps.

use super::answer::Answered;
use super::page::{
    applicability, applicability_approval, applicability_row, budget_form, budgets, calls, configuration,
    control, controls, costs, decision, entry, erasures, guards, home, inbox, invoices, item, item_form,
    item_work, keep, keys, ledger, login, masking, openings, pack, pack_publishers, packages, packs, people,
    person_sessions, playground, policies, policy_proposal, providers, registers, rule_form, rules,
    saved_views, search, settings, sources, stops, story, system, systems, traffic, unmask, usage,
};
use super::visit::Visit;
use crate::api::Access;
use crate::permission::Permission;

/// What a page takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// It is read.
    Get,
    /// A form is sent to it.
    Post,
}

impl Method {
    /// As HTTP has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What a page can say of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// What was so then, by itself, from the log's prefix: of a log of any length.
    Prefix,
    /// What was so then, from the views of then: of what people changed, in a log of any length; calls aside.
    Changes,
    /// What was so then, from the views of then, which are folded from the whole log: of one that is not too long.
    Everything,
    /// Only what is so now: as of an earlier moment it says that, and shows nothing.
    Present,
}

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    None,
    Home,
    Inbox,
    Traffic,
    Calls,
    Systems,
    Keys,
    Providers,
    Stops,
    Openings,
    Usage,
    Budgets,
    Costs,
    Invoices,
    Guards,
    Policies,
    Packs,
    Rules,
    Playground,
    Masking,
    People,
    Registers,
    Applicability,
    Controls,
    Packages,
    Ledger,
    Erasures,
    Sources,
    Records,
    Configuration,
    Settings,
}

/// A page.
pub(crate) struct Page {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) history: History,
    pub(crate) area: Area,
    /// Its name in the numbers.
    pub(crate) name: &'static str,
    pub(crate) handler: fn(&Visit<'_>) -> Answered,
}

/// An item of the navigation.
pub(crate) struct Item {
    pub(crate) label: &'static str,
    pub(crate) path: &'static str,
    pub(crate) permission: Permission,
    pub(crate) area: Area,
}

const fn item(label: &'static str, path: &'static str, permission: Permission, area: Area) -> Item {
    Item { label, path, permission, area }
}

/// The navigation by groups.
pub(crate) const NAVIGATION: &[(&str, &[Item])] = &[
    (
        "",
        &[
            item("Home", "/", Permission::OwnSession, Area::Home),
            item("Inbox", "/inbox", Permission::OwnSession, Area::Inbox),
        ],
    ),
    (
        "Traffic",
        &[
            item("Traffic", "/traffic", Permission::ReadCalls, Area::Traffic),
            item("Calls", "/calls", Permission::ReadCalls, Area::Calls),
            item("Systems", "/systems", Permission::ReadSystems, Area::Systems),
            item("API keys", "/keys", Permission::ReadKeys, Area::Keys),
            item("Providers", "/providers", Permission::ReadPolicies, Area::Providers),
            item("Budgets", "/budgets", Permission::ReadSpend, Area::Budgets),
            item("Costs", "/costs", Permission::ReadSpend, Area::Costs),
            item("Invoices", "/invoices", Permission::ReadSpend, Area::Invoices),
            item("Emergency stops", "/stops", Permission::ReadStops, Area::Stops),
            item("Openings", "/openings", Permission::ReadOpenings, Area::Openings),
            item("Usage", "/usage", Permission::ReadSpend, Area::Usage),
            item("Guards", "/guards", Permission::ReadPolicies, Area::Guards),
        ],
    ),
    (
        "Governance",
        &[
            item("Registers", "/registers", Permission::ReadRegisters, Area::Registers),
            item("Statement of Applicability", "/soa", Permission::ReadControls, Area::Applicability),
            item("Policies", "/policies", Permission::ReadPolicies, Area::Policies),
            item("Packs", "/packs", Permission::ReadPolicies, Area::Packs),
            item("Metric rules", "/rules", Permission::ReadRules, Area::Rules),
            item("Playground", "/playground", Permission::TryCalls, Area::Playground),
            item("Masking", "/masking", Permission::ReadPolicies, Area::Masking),
            item("People and roles", "/people", Permission::ReadPeople, Area::People),
        ],
    ),
    (
        "Assurance",
        &[
            item("Controls", "/controls", Permission::ReadControls, Area::Controls),
            item("Packages", "/packages", Permission::BuildPackages, Area::Packages),
        ],
    ),
    (
        "Ledger",
        &[
            item("Explorer", "/ledger", Permission::ReadEntries, Area::Ledger),
            item("Sources", "/sources", Permission::ReadEntries, Area::Sources),
            item("Keep a file", "/records/new", Permission::Record, Area::Records),
            item("Erasures", "/erasures", Permission::DecideErasures, Area::Erasures),
        ],
    ),
    (
        "Settings",
        &[
            item("This installation", "/settings", Permission::ReadPolicies, Area::Settings),
            item(
                "Changes of safeguards",
                "/configuration-changes",
                Permission::ReadPolicies,
                Area::Configuration,
            ),
        ],
    ),
];

const PUBLIC: Access = Access::Public;
const SIGNED_IN: Access = Access::Needs(Permission::OwnSession);
const READ_CALLS: Access = Access::Needs(Permission::ReadCalls);
const UNMASK_VALUES: Access = Access::Needs(Permission::UnmaskValues);
const READ_CAPTURED: Access = Access::Needs(Permission::ReadCaptured);
const READ_SYSTEMS: Access = Access::Needs(Permission::ReadSystems);
const REGISTER_SYSTEMS: Access = Access::Needs(Permission::RegisterSystems);
const CHANGE_SYSTEMS: Access = Access::Needs(Permission::ChangeSystems);
const READ_KEYS: Access = Access::Needs(Permission::ReadKeys);
const CHANGE_KEYS: Access = Access::Needs(Permission::ChangeKeys);
const READ_SPEND: Access = Access::Needs(Permission::ReadSpend);
const CHANGE_BUDGETS: Access = Access::Needs(Permission::ChangeBudgets);
const READ_RULES: Access = Access::Needs(Permission::ReadRules);
const CHANGE_RULES: Access = Access::Needs(Permission::ChangeRules);
const READ_STOPS: Access = Access::Needs(Permission::ReadStops);
const ORDER_STOPS: Access = Access::Needs(Permission::OrderStops);
const LIFT_STOPS: Access = Access::Needs(Permission::LiftStops);
const READ_OPENINGS: Access = Access::Needs(Permission::ReadOpenings);
const CHANGE_OPENINGS: Access = Access::Needs(Permission::ChangeOpenings);
const CONFIRM_OPENINGS: Access = Access::Needs(Permission::ConfirmOpenings);
const RECONCILE_USAGE: Access = Access::Needs(Permission::ReconcileUsage);
const PROBE_GUARDS: Access = Access::Needs(Permission::ProbeGuards);
const READ_POLICIES: Access = Access::Needs(Permission::ReadPolicies);
const PUBLISH_POLICIES: Access = Access::Needs(Permission::PublishPolicies);
const TRY_CALLS: Access = Access::Needs(Permission::TryCalls);
const READ_PEOPLE: Access = Access::Needs(Permission::ReadPeople);
const CHANGE_PEOPLE: Access = Access::Needs(Permission::ChangePeople);
const BUILD_PACKAGES: Access = Access::Needs(Permission::BuildPackages);
const READ_REGISTERS: Access = Access::Needs(Permission::ReadRegisters);
const OPEN_REGISTERS: Access = Access::Needs(Permission::OpenRegisters);
const EDIT_REGISTERS: Access = Access::Needs(Permission::EditRegisters);
const DECIDE_REGISTERS: Access = Access::Needs(Permission::DecideRegisters);
const MOVE_REGISTERS: Access = Access::Needs(Permission::MoveRegisters);
const NOTE_REGISTERS: Access = Access::Needs(Permission::NoteRegisters);
const READ_CONTROLS: Access = Access::Needs(Permission::ReadControls);
const DECIDE_APPLICABILITY: Access = Access::Needs(Permission::DecideApplicability);
const APPROVE_APPLICABILITY: Access = Access::Needs(Permission::ApproveApplicability);
const RECORD: Access = Access::Needs(Permission::Record);
const ORDER_ERASURES: Access = Access::Needs(Permission::OrderErasures);
const DECIDE_ERASURES: Access = Access::Needs(Permission::DecideErasures);
const READ_ENTRIES: Access = Access::Needs(Permission::ReadEntries);

const fn get(
    path: &'static str,
    access: Access,
    history: History,
    area: Area,
    name: &'static str,
    handler: fn(&Visit<'_>) -> Answered,
) -> Page {
    Page { method: Method::Get, path, access, history, area, name, handler }
}

const fn post(
    path: &'static str,
    access: Access,
    area: Area,
    name: &'static str,
    handler: fn(&Visit<'_>) -> Answered,
) -> Page {
    Page { method: Method::Post, path, access, history: Present, area, name, handler }
}

use History::{Changes, Everything, Prefix, Present};

/// The table.
#[rustfmt::skip]
pub(crate) const PAGES: &[Page] = &[
    get("/login", PUBLIC, Present, Area::None, "page.login", login::form),
    post("/login", PUBLIC, Area::None, "page.login.use", login::come_in),
    post("/logout", SIGNED_IN, Area::None, "page.logout", login::leave),
    post("/theme", PUBLIC, Area::None, "page.theme", login::theme),

    get("/", SIGNED_IN, Everything, Area::Home, "page.home", home::show),
    get("/inbox", SIGNED_IN, Present, Area::Inbox, "page.inbox", inbox::show),
    get("/search", SIGNED_IN, Present, Area::None, "page.search", search::show),

    post("/views", SIGNED_IN, Area::None, "page.view.save", saved_views::save),
    post("/views/{view}/remove", SIGNED_IN, Area::None, "page.view.remove", saved_views::remove),

    get("/traffic", READ_CALLS, Everything, Area::Traffic, "page.traffic", traffic::show),

    get("/calls", READ_CALLS, Prefix, Area::Calls, "page.calls", calls::list),
    get("/calls/{call}", READ_CALLS, Prefix, Area::Calls, "page.call", calls::show),

    post("/calls/{call}/content", READ_CAPTURED, Area::Calls, "page.call.content", story::view),
    post("/calls/{call}/unmask", UNMASK_VALUES, Area::Calls, "page.call.unmask", unmask::unmask),

    get("/systems", READ_SYSTEMS, Changes, Area::Systems, "page.systems", systems::list),
    get("/systems/new", REGISTER_SYSTEMS, Present, Area::Systems, "page.system.new", systems::new),
    post("/systems/new", REGISTER_SYSTEMS, Area::Systems, "page.system.register", systems::register),
    get("/systems/{system}", READ_SYSTEMS, Changes, Area::Systems, "page.system", system::show),
    get("/systems/{system}/edit", CHANGE_SYSTEMS, Present, Area::Systems, "page.system.edit", systems::edit),
    post("/systems/{system}/edit", CHANGE_SYSTEMS, Area::Systems, "page.system.change", systems::change),
    post("/systems/{system}/stage", CHANGE_SYSTEMS, Area::Systems, "page.system.stage", system::stage),
    post("/systems/{system}/capture", CHANGE_SYSTEMS, Area::Systems, "page.system.capture", system::capture),

    get("/keys", READ_KEYS, Prefix, Area::Keys, "page.keys", keys::list),
    get("/keys/new", CHANGE_KEYS, Present, Area::Keys, "page.key.new", keys::new),
    post("/keys/new", CHANGE_KEYS, Area::Keys, "page.key.issue", keys::issue),
    get("/keys/{key}", READ_KEYS, Changes, Area::Keys, "page.key", keys::show),
    post("/keys/{key}/rotate", CHANGE_KEYS, Area::Keys, "page.key.rotate", keys::rotate),
    post("/keys/{key}/revoke", CHANGE_KEYS, Area::Keys, "page.key.revoke", keys::revoke),

    get("/providers", READ_POLICIES, Present, Area::Providers, "page.providers", providers::show),

    get("/budgets", READ_SPEND, Everything, Area::Budgets, "page.budgets", budgets::list),
    get("/budgets/new", CHANGE_BUDGETS, Present, Area::Budgets, "page.budget.new", budget_form::new),
    post("/budgets/new", CHANGE_BUDGETS, Area::Budgets, "page.budget.first", budget_form::create),
    get("/budgets/{budget}", READ_SPEND, Everything, Area::Budgets, "page.budget", budgets::show),
    post("/budgets/{budget}", CHANGE_BUDGETS, Area::Budgets, "page.budget.set", budget_form::set),
    post("/budgets/{budget}/end", CHANGE_BUDGETS, Area::Budgets, "page.budget.end", budget_form::end),
    get("/costs", READ_SPEND, Everything, Area::Costs, "page.costs", costs::show),

    get("/invoices", READ_SPEND, Present, Area::Invoices, "page.invoices", invoices::list),
    post("/invoices", RECONCILE_USAGE, Area::Invoices, "page.invoice.record", invoices::record),

    get("/rules", READ_RULES, Everything, Area::Rules, "page.rules", rules::list),
    get("/rules/new", CHANGE_RULES, Present, Area::Rules, "page.rule.new", rule_form::new),
    post("/rules/new", CHANGE_RULES, Area::Rules, "page.rule.first", rule_form::create),
    get("/rules/{rule}", READ_RULES, Everything, Area::Rules, "page.rule", rules::show),
    post("/rules/{rule}", CHANGE_RULES, Area::Rules, "page.rule.set", rule_form::set),
    post("/rules/{rule}/end", CHANGE_RULES, Area::Rules, "page.rule.end", rule_form::end),

    get("/stops", READ_STOPS, Everything, Area::Stops, "page.stops", stops::list),
    post("/stops", ORDER_STOPS, Area::Stops, "page.stop.order", stops::order),
    get("/stops/{stop}", READ_STOPS, Everything, Area::Stops, "page.stop", stops::show),
    post("/stops/{stop}/lift", LIFT_STOPS, Area::Stops, "page.stop.lift", stops::lift),

    get("/openings", READ_OPENINGS, Everything, Area::Openings, "page.openings", openings::list),
    post("/openings", CHANGE_OPENINGS, Area::Openings, "page.opening.request", openings::request),
    get("/openings/{opening}", READ_OPENINGS, Everything, Area::Openings, "page.opening", openings::show),
    post("/openings/{opening}/confirm", CONFIRM_OPENINGS, Area::Openings, "page.opening.confirm", openings::confirm),
    post("/openings/{opening}/withdraw", CHANGE_OPENINGS, Area::Openings, "page.opening.withdraw", openings::withdraw),

    get("/usage", READ_SPEND, Present, Area::Usage, "page.usage", usage::list),
    get("/usage/{report}", READ_SPEND, Present, Area::Usage, "page.usage.report", usage::show),
    get("/usage/findings/{finding}", READ_REGISTERS, Present, Area::Usage, "page.finding", usage::finding),
    post("/usage/findings/{finding}/close", RECONCILE_USAGE, Area::Usage, "page.finding.close", usage::close),
    get("/guards", READ_POLICIES, Present, Area::Guards, "page.guards", guards::list),
    post("/guards", PROBE_GUARDS, Area::Guards, "page.guards.probe", guards::run),

    get("/configuration-changes", READ_POLICIES, Present, Area::Configuration, "page.configuration", configuration::list),
    get("/configuration-changes/{change}", READ_POLICIES, Present, Area::Configuration, "page.configuration.change", configuration::show),
    post("/configuration-changes/{change}/explain", PUBLISH_POLICIES, Area::Configuration, "page.configuration.explain", configuration::explain),

    get("/policies", READ_POLICIES, Prefix, Area::Policies, "page.policies", policies::list),
    get("/policies/new", PUBLISH_POLICIES, Present, Area::Policies, "page.policy.new", policies::new),
    post("/policies/new", PUBLISH_POLICIES, Area::Policies, "page.policy.first", policies::publish_first),
    get("/policies/{policy}", READ_POLICIES, Prefix, Area::Policies, "page.policy", policies::show),
    get("/policies/{policy}/edit", PUBLISH_POLICIES, Present, Area::Policies, "page.policy.edit", policies::edit),
    post("/policies/{policy}/edit", PUBLISH_POLICIES, Area::Policies, "page.policy.publish", policies::publish),
    post("/policies/{policy}/withdraw", PUBLISH_POLICIES, Area::Policies, "page.policy.withdraw", policies::withdraw),
    get("/policies/{policy}/proposal", READ_POLICIES, Present, Area::Policies, "page.policy.proposal", policy_proposal::show),
    post("/policies/{policy}/proposal", PUBLISH_POLICIES, Area::Policies, "page.policy.confirm", policy_proposal::confirm),
    post("/policies/{policy}/proposal/withdraw", PUBLISH_POLICIES, Area::Policies, "page.policy.proposal.withdraw", policy_proposal::take_back),

    get("/packs", READ_POLICIES, Present, Area::Packs, "page.packs", packs::list),
    post("/packs", PUBLISH_POLICIES, Area::Packs, "page.pack.propose", packs::propose),
    get("/packs/{pack}", READ_POLICIES, Present, Area::Packs, "page.pack", pack::show),
    post("/packs/{pack}/load", PUBLISH_POLICIES, Area::Packs, "page.pack.load", pack::load),
    post("/packs/{pack}/go-back", PUBLISH_POLICIES, Area::Packs, "page.pack.go_back", pack::go_back),
    post("/packs/{pack}/remove", PUBLISH_POLICIES, Area::Packs, "page.pack.remove", pack::remove),
    get("/pack-publishers", READ_POLICIES, Present, Area::Packs, "page.publishers", packs::list),
    post("/pack-publishers", PUBLISH_POLICIES, Area::Packs, "page.publisher.propose", pack_publishers::propose),
    get("/pack-publishers/{publisher}", READ_POLICIES, Present, Area::Packs, "page.publisher", pack_publishers::show),
    post("/pack-publishers/{publisher}/trust", PUBLISH_POLICIES, Area::Packs, "page.publisher.trust", pack_publishers::trust),
    post("/pack-publishers/{publisher}/remove", PUBLISH_POLICIES, Area::Packs, "page.publisher.remove", pack_publishers::remove),

    get("/playground", TRY_CALLS, Present, Area::Playground, "page.playground", playground::show),
    post("/playground", TRY_CALLS, Area::Playground, "page.playground.try", playground::try_it),

    get("/masking", READ_POLICIES, Present, Area::Masking, "page.masking", masking::show),
    post("/masking", PUBLISH_POLICIES, Area::Masking, "page.masking.try", masking::try_it),

    get("/people", READ_PEOPLE, Changes, Area::People, "page.people", people::list),
    get("/people/new", CHANGE_PEOPLE, Present, Area::People, "page.person.new", people::new),
    post("/people/new", CHANGE_PEOPLE, Area::People, "page.person.add", people::add),
    get("/people/{person}", SIGNED_IN, Changes, Area::People, "page.person", people::show),
    post("/people/{person}/roles", CHANGE_PEOPLE, Area::People, "page.person.grant", people::grant),
    post("/people/{person}/revoke", CHANGE_PEOPLE, Area::People, "page.person.revoke", people::revoke),
    post("/people/{person}/sessions/end", SIGNED_IN, Area::People, "page.person.sessions.end", person_sessions::end),
    post("/people/{person}/links", CHANGE_PEOPLE, Area::People, "page.person.link", people::link),

    get("/registers", READ_REGISTERS, Everything, Area::Registers, "page.registers", registers::list),
    get("/registers/{register}", READ_REGISTERS, Everything, Area::Registers, "page.register", registers::items),
    get("/registers/{register}/new", OPEN_REGISTERS, Present, Area::Registers, "page.item.new", item_form::new),
    post("/registers/{register}/new", OPEN_REGISTERS, Area::Registers, "page.item.open", item_form::open),
    get("/registers/{register}/{item}", READ_REGISTERS, Changes, Area::Registers, "page.item", item::show),
    get("/registers/{register}/{item}/history", READ_REGISTERS, Changes, Area::Registers, "page.item.history", item::history),
    get("/registers/{register}/{item}/edit", EDIT_REGISTERS, Present, Area::Registers, "page.item.edit", item_form::edit),
    post("/registers/{register}/{item}/edit", EDIT_REGISTERS, Area::Registers, "page.item.save", item_form::save),
    post("/registers/{register}/{item}/submit", EDIT_REGISTERS, Area::Registers, "page.item.submit", item::submit),
    get("/registers/{register}/{item}/decide", DECIDE_REGISTERS, Present, Area::Registers, "page.item.decision", decision::show),
    post("/registers/{register}/{item}/decide", DECIDE_REGISTERS, Area::Registers, "page.item.decide", decision::decide),
    post("/registers/{register}/{item}/state", MOVE_REGISTERS, Area::Registers, "page.item.state", item::state),
    post("/registers/{register}/{item}/notes", NOTE_REGISTERS, Area::Registers, "page.item.note", item_work::note),

    get("/soa", READ_CONTROLS, Everything, Area::Applicability, "page.soa", applicability::show),
    get("/soa/approve", APPROVE_APPLICABILITY, Present, Area::Applicability, "page.soa.approval", applicability_approval::approval),
    post("/soa/approve", APPROVE_APPLICABILITY, Area::Applicability, "page.soa.approve", applicability_approval::approve),
    get("/soa/several", DECIDE_APPLICABILITY, Present, Area::Applicability, "page.soa.several", applicability_row::several),
    post("/soa/several", DECIDE_APPLICABILITY, Area::Applicability, "page.soa.several.decide", applicability_row::decide_several),
    get("/soa/{control}", READ_CONTROLS, Everything, Area::Applicability, "page.soa.row", applicability_row::row),
    post("/soa/{control}", DECIDE_APPLICABILITY, Area::Applicability, "page.soa.decide", applicability_row::decide),

    get("/controls", READ_CONTROLS, Everything, Area::Controls, "page.controls", controls::list),
    get("/controls/{control}", READ_CONTROLS, Everything, Area::Controls, "page.control", control::show),

    get("/packages", BUILD_PACKAGES, Present, Area::Packages, "page.packages", packages::form),
    post("/packages", BUILD_PACKAGES, Area::Packages, "page.package.build", packages::build),
    post("/packages/download", BUILD_PACKAGES, Area::Packages, "page.package.download", packages::download),

    get("/ledger", READ_ENTRIES, Prefix, Area::Ledger, "page.ledger", ledger::explorer),
    get("/ledger/{index}", READ_ENTRIES, Prefix, Area::Ledger, "page.entry", entry::show),
    get("/ledger/{index}/file", READ_ENTRIES, Present, Area::Ledger, "page.entry.file", entry::file),

    get("/sources", READ_ENTRIES, Present, Area::Sources, "page.sources", sources::list),
    get("/sources/{source}", READ_ENTRIES, Present, Area::Sources, "page.source", sources::show),

    get("/records/new", RECORD, Present, Area::Records, "page.record.new", keep::form),
    post("/records/new", RECORD, Area::Records, "page.record.keep", keep::record),

    get("/erasures", DECIDE_ERASURES, Present, Area::Erasures, "page.erasures", erasures::list),
    post("/erasures", ORDER_ERASURES, Area::Erasures, "page.erasure.request", erasures::request),
    post("/erasures/access", BUILD_PACKAGES, Area::Erasures, "page.erasure.access", erasures::access),
    get("/erasures/{erasure}", DECIDE_ERASURES, Present, Area::Erasures, "page.erasure", erasures::show),
    post("/erasures/{erasure}", DECIDE_ERASURES, Area::Erasures, "page.erasure.decide", erasures::decide),

    get("/settings", READ_POLICIES, Present, Area::Settings, "page.settings", settings::show),
    get("/settings/trust.txt", READ_POLICIES, Present, Area::Settings, "page.trust", settings::trust),
];
