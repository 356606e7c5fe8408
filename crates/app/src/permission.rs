//! Who may do what: one table of permissions by role, and one list of what an API key may.
//!
//! Promises: closed and total; a role or permission that is added has no rights until its place in the table says so. Must never: look at a
//! log, a request or a clock.

use tabellion_model::body::Role;

/// What a route asks of whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See the inventory of systems.
    ReadSystems,
    /// Enter a system into the inventory.
    RegisterSystems,
    /// Change a system, its stage and what is captured of it.
    ChangeSystems,
    /// See the API keys of a system; never their secrets.
    ReadKeys,
    /// Issue, rotate and revoke API keys.
    ChangeKeys,
    /// See policies and their history.
    ReadPolicies,
    /// Publish and withdraw policies.
    PublishPolicies,
    /// Try calls on the gateway without making any.
    TryCalls,
    /// Have calls that are tried answered by their providers, which costs money and is on no record.
    AskProviders,
    /// See prices.
    ReadPrices,
    /// Set, correct and withdraw prices.
    ChangePrices,
    /// See budgets and what was spent.
    ReadSpend,
    /// Set and end budgets.
    ChangeBudgets,
    /// Put on record what providers counted, and close findings.
    ReconcileUsage,
    /// See rules over numbers, and when they fired.
    ReadRules,
    /// Set and end rules over numbers.
    ChangeRules,
    /// See emergency stops and what they did.
    ReadStops,
    /// Order emergency stops.
    OrderStops,
    /// Lift emergency stops that somebody else ordered.
    LiftStops,
    /// Have guards tried with canaries.
    ProbeGuards,
    /// See openings of declared routes.
    ReadOpenings,
    /// Ask for openings of declared routes, and withdraw them.
    ChangeOpenings,
    /// Confirm openings that somebody else asked for.
    ConfirmOpenings,
    /// See calls and how they were decided.
    ReadCalls,
    /// See what was captured of prompts and answers.
    ReadCaptured,
    /// See what placeholders of a call stand for, where that is kept.
    UnmaskValues,
    /// See entries, receipts and proofs.
    ReadEntries,
    /// See content that is about a data subject.
    ReadPersonal,
    /// Record files and events.
    Record,
    /// Build evidence packages.
    BuildPackages,
    /// Ask for erasures.
    OrderErasures,
    /// See erasures that wait for a second person, confirm and decline them.
    DecideErasures,
    /// See people and their roles.
    ReadPeople,
    /// Add people, grant and revoke roles, hand out links.
    ChangePeople,
    /// See registers and their items.
    ReadRegisters,
    /// Open items of registers; a register may say that only some of these roles do.
    OpenRegisters,
    /// Write items of registers and put them before an approver.
    EditRegisters,
    /// Approve items of registers or give them back; each register says which of these roles may.
    DecideRegisters,
    /// Move items of registers from state to state; each step says which of these roles may.
    MoveRegisters,
    /// Remark on items of registers.
    NoteRegisters,
    /// See how clauses and controls stand, and the Statement of Applicability.
    ReadControls,
    /// Decide whether a control applies.
    DecideApplicability,
    /// Approve the Statement of Applicability.
    ApproveApplicability,
    /// Say whose signed statements are registered, and end that.
    ChangeIssuers,
    /// Say which logs hand in their checkpoints here, and under which keys.
    ChangeShards,
    /// See and close the own session.
    OwnSession,
}

/// How far a permission goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Not at all.
    Nothing,
    /// For the systems and items of registers that the person answers for, or the system that the key belongs to.
    Own,
    /// For everything in this log.
    All,
}

const NO: Reach = Reach::Nothing;
const OWN: Reach = Reach::Own;
const ALL: Reach = Reach::All;

/// Columns in the order of [`Role::ALL`].
type Row = [Reach; Role::ALL.len()];

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 46] = [
        Self::ReadSystems,
        Self::RegisterSystems,
        Self::ChangeSystems,
        Self::ReadKeys,
        Self::ChangeKeys,
        Self::ReadPolicies,
        Self::PublishPolicies,
        Self::TryCalls,
        Self::AskProviders,
        Self::ReadPrices,
        Self::ChangePrices,
        Self::ReadSpend,
        Self::ChangeBudgets,
        Self::ReconcileUsage,
        Self::ReadRules,
        Self::ChangeRules,
        Self::ReadStops,
        Self::OrderStops,
        Self::LiftStops,
        Self::ProbeGuards,
        Self::ReadOpenings,
        Self::ChangeOpenings,
        Self::ConfirmOpenings,
        Self::ReadCalls,
        Self::ReadCaptured,
        Self::UnmaskValues,
        Self::ReadEntries,
        Self::ReadPersonal,
        Self::Record,
        Self::BuildPackages,
        Self::OrderErasures,
        Self::DecideErasures,
        Self::ReadPeople,
        Self::ChangePeople,
        Self::ReadRegisters,
        Self::OpenRegisters,
        Self::EditRegisters,
        Self::DecideRegisters,
        Self::MoveRegisters,
        Self::NoteRegisters,
        Self::ReadControls,
        Self::DecideApplicability,
        Self::ApproveApplicability,
        Self::ChangeIssuers,
        Self::ChangeShards,
        Self::OwnSession,
    ];

    /// The table. Whoever runs the installation does not read content by that; whoever audits changes nothing of what others wrote: they ask, remark, and
    /// close what they asked.
    #[expect(clippy::match_same_arms, reason = "a table with one row for each permission")]
    const fn row(self) -> Row {
        match self {
            //                    administrator developer governance compliance owner approver auditor
            Self::ReadSystems => [ALL, ALL, ALL, ALL, ALL, ALL, ALL],
            Self::RegisterSystems => [ALL, OWN, ALL, ALL, OWN, NO, NO],
            Self::ChangeSystems => [ALL, OWN, ALL, ALL, OWN, NO, NO],
            Self::ReadKeys => [ALL, OWN, ALL, ALL, OWN, NO, ALL],
            Self::ChangeKeys => [ALL, OWN, NO, NO, OWN, NO, NO],
            Self::ReadPolicies => [ALL, ALL, ALL, ALL, ALL, ALL, ALL],
            Self::PublishPolicies => [ALL, NO, ALL, NO, NO, NO, NO],
            Self::TryCalls => [ALL, OWN, ALL, ALL, OWN, NO, NO],
            Self::AskProviders => [ALL, OWN, ALL, NO, NO, NO, NO],
            Self::ReadPrices => [ALL, ALL, ALL, ALL, ALL, ALL, ALL],
            Self::ChangePrices => [ALL, NO, ALL, NO, NO, NO, NO],
            Self::ReadSpend => [ALL, OWN, ALL, ALL, OWN, NO, ALL],
            Self::ChangeBudgets => [ALL, NO, ALL, NO, NO, NO, NO],
            Self::ReconcileUsage => [ALL, NO, ALL, ALL, NO, NO, NO],
            Self::ReadRules => [ALL, OWN, ALL, ALL, OWN, NO, ALL],
            Self::ChangeRules => [ALL, NO, ALL, NO, NO, NO, NO],
            Self::ReadStops => [ALL, ALL, ALL, ALL, ALL, ALL, ALL],
            Self::OrderStops => [ALL, OWN, ALL, ALL, OWN, NO, NO],
            Self::LiftStops => [ALL, NO, NO, ALL, NO, ALL, NO],
            Self::ProbeGuards => [ALL, NO, ALL, ALL, NO, NO, NO],
            Self::ReadOpenings => [ALL, ALL, ALL, ALL, ALL, ALL, ALL],
            Self::ChangeOpenings => [ALL, OWN, ALL, ALL, OWN, NO, NO],
            Self::ConfirmOpenings => [ALL, NO, NO, ALL, NO, ALL, NO],
            Self::ReadCalls => [ALL, OWN, ALL, ALL, OWN, NO, ALL],
            Self::ReadCaptured => [NO, OWN, NO, ALL, OWN, NO, ALL],
            Self::UnmaskValues => [NO, NO, NO, ALL, NO, NO, NO],
            Self::ReadEntries => [ALL, OWN, ALL, ALL, OWN, NO, ALL],
            Self::ReadPersonal => [NO, NO, NO, ALL, NO, NO, ALL],
            Self::Record => [ALL, OWN, ALL, ALL, OWN, NO, NO],
            Self::BuildPackages => [ALL, NO, NO, ALL, NO, NO, ALL],
            Self::OrderErasures => [ALL, NO, NO, ALL, NO, NO, NO],
            Self::DecideErasures => [ALL, NO, NO, ALL, NO, ALL, NO],
            Self::ReadPeople => [ALL, NO, ALL, ALL, NO, NO, ALL],
            Self::ChangePeople => [ALL, NO, NO, NO, NO, NO, NO],
            Self::ReadRegisters => [ALL, OWN, ALL, ALL, OWN, ALL, ALL],
            Self::OpenRegisters => [ALL, OWN, ALL, ALL, OWN, NO, ALL],
            Self::EditRegisters => [ALL, OWN, ALL, ALL, OWN, NO, NO],
            Self::DecideRegisters => [NO, NO, NO, ALL, NO, ALL, NO],
            Self::MoveRegisters => [ALL, OWN, ALL, ALL, OWN, ALL, ALL],
            Self::NoteRegisters => [ALL, OWN, ALL, ALL, OWN, ALL, ALL],
            Self::ReadControls => [ALL, ALL, ALL, ALL, ALL, ALL, ALL],
            Self::DecideApplicability => [ALL, NO, ALL, ALL, NO, NO, NO],
            Self::ApproveApplicability => [NO, NO, NO, ALL, NO, ALL, NO],
            Self::ChangeIssuers => [ALL, NO, NO, NO, NO, NO, NO],
            Self::ChangeShards => [ALL, NO, NO, NO, NO, NO, NO],
            Self::OwnSession => [ALL, ALL, ALL, ALL, ALL, ALL, ALL],
        }
    }

    /// The word in the OpenAPI document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadSystems => "read_systems",
            Self::RegisterSystems => "register_systems",
            Self::ChangeSystems => "change_systems",
            Self::ReadKeys => "read_keys",
            Self::ChangeKeys => "change_keys",
            Self::ReadPolicies => "read_policies",
            Self::PublishPolicies => "publish_policies",
            Self::TryCalls => "try_calls",
            Self::AskProviders => "ask_providers",
            Self::ReadPrices => "read_prices",
            Self::ChangePrices => "change_prices",
            Self::ReadSpend => "read_spend",
            Self::ChangeBudgets => "change_budgets",
            Self::ReconcileUsage => "reconcile_usage",
            Self::ReadRules => "read_rules",
            Self::ChangeRules => "change_rules",
            Self::ReadStops => "read_stops",
            Self::OrderStops => "order_stops",
            Self::LiftStops => "lift_stops",
            Self::ProbeGuards => "probe_guards",
            Self::ReadOpenings => "read_openings",
            Self::ChangeOpenings => "change_openings",
            Self::ConfirmOpenings => "confirm_openings",
            Self::ReadCalls => "read_calls",
            Self::ReadCaptured => "read_captured",
            Self::UnmaskValues => "unmask_values",
            Self::ReadEntries => "read_entries",
            Self::ReadPersonal => "read_personal",
            Self::Record => "record",
            Self::BuildPackages => "build_packages",
            Self::OrderErasures => "order_erasures",
            Self::DecideErasures => "decide_erasures",
            Self::ReadPeople => "read_people",
            Self::ChangePeople => "change_people",
            Self::ReadRegisters => "read_registers",
            Self::OpenRegisters => "open_registers",
            Self::EditRegisters => "edit_registers",
            Self::DecideRegisters => "decide_registers",
            Self::MoveRegisters => "move_registers",
            Self::NoteRegisters => "note_registers",
            Self::ReadControls => "read_controls",
            Self::DecideApplicability => "decide_applicability",
            Self::ApproveApplicability => "approve_applicability",
            Self::ChangeIssuers => "change_issuers",
            Self::ChangeShards => "change_shards",
            Self::OwnSession => "own_session",
        }
    }
}

/// How far `role` carries `permission`.
pub fn permitted(role: Role, permission: Permission) -> Reach {
    let column = Role::ALL.iter().position(|known| *known == role);
    column.and_then(|column| permission.row().get(column).copied()).unwrap_or(Reach::Nothing)
}

/// How far an API key carries `permission`: the runtime reads what it did, and records, for its own system alone.
pub fn permitted_key(permission: Permission) -> Reach {
    match permission {
        Permission::ReadSystems
        | Permission::ReadCalls
        | Permission::ReadCaptured
        | Permission::ReadEntries
        | Permission::Record => Reach::Own,
        _ => Reach::Nothing,
    }
}
