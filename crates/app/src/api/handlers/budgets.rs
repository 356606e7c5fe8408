//! `/api/v1/budgets`, `/api/v1/prices` and `/api/v1/spend`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answered, Changed, changed};
use crate::api::route::{Asked, Csv, Input, Json, Nothing, Reply};
use crate::refusal::Refusal;
use crate::work::budgets::{Budget, BudgetHistory, Budgets, NewBudget};
use crate::work::forms::{Reason, Word};
use crate::work::prices::{NewPrice, Price, PriceHistory, Prices};
use crate::work::spend::{Spend, SpendQuery};

/// A budget's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfBudget {
    /// The budget's name.
    budget: Word,
}

/// A price's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfPrice {
    /// The price's name.
    price: Word,
}

pub(in crate::api) fn budgets(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Budgets> {
    Ok(Reply::of(Json(asked.desk.budgets(asked.actor()?)?)))
}

pub(in crate::api) fn budget(
    asked: &Asked<'_>,
    input: &Input<OfBudget, Nothing, Nothing>,
) -> Answered<Budget> {
    let budget = asked.desk.budget(asked.actor()?, input.path.budget.as_str())?;
    let version = budget.version;
    Ok(Reply::of(Json(budget)).version(version))
}

pub(in crate::api) fn budget_history(
    asked: &Asked<'_>,
    input: &Input<OfBudget, Nothing, Nothing>,
) -> Answered<BudgetHistory> {
    Ok(Reply::of(Json(asked.desk.budget_history(asked.actor()?, input.path.budget.as_str())?)))
}

pub(in crate::api) fn set_budget(
    asked: &Asked<'_>,
    input: &Input<OfBudget, Nothing, NewBudget>,
) -> Answered<Changed<Budget>> {
    let name = input.path.budget.as_str();
    let done = asked.desk.set_budget(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn end_budget(
    asked: &Asked<'_>,
    input: &Input<OfBudget, Nothing, Reason>,
) -> Answered<Changed<Budget>> {
    let name = input.path.budget.as_str();
    let done = asked.desk.end_budget(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn prices(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Prices> {
    Ok(Reply::of(Json(asked.desk.prices()?)))
}

pub(in crate::api) fn price(asked: &Asked<'_>, input: &Input<OfPrice, Nothing, Nothing>) -> Answered<Price> {
    let price = asked.desk.price(input.path.price.as_str())?;
    let version = price.version;
    Ok(Reply::of(Json(price)).version(version))
}

pub(in crate::api) fn price_history(
    asked: &Asked<'_>,
    input: &Input<OfPrice, Nothing, Nothing>,
) -> Answered<PriceHistory> {
    Ok(Reply::of(Json(asked.desk.price_history(input.path.price.as_str())?)))
}

pub(in crate::api) fn set_price(
    asked: &Asked<'_>,
    input: &Input<OfPrice, Nothing, NewPrice>,
) -> Answered<Changed<Price>> {
    let name = input.path.price.as_str();
    let done = asked.desk.set_price(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn withdraw_price(
    asked: &Asked<'_>,
    input: &Input<OfPrice, Nothing, Reason>,
) -> Answered<Changed<Price>> {
    let name = input.path.price.as_str();
    let done = asked.desk.withdraw_price(asked.actor()?, &asked.given, name, &input.body)?;
    let version = done.0.version;
    Ok(changed(done, version))
}

pub(in crate::api) fn spend(
    asked: &Asked<'_>,
    input: &Input<Nothing, SpendQuery, Nothing>,
) -> Answered<Spend> {
    Ok(Reply::of(Json(asked.desk.spend(asked.actor()?, &input.query)?)))
}

pub(in crate::api) fn spend_csv(
    asked: &Asked<'_>,
    input: &Input<Nothing, SpendQuery, Nothing>,
) -> Result<Reply<Csv>, Refusal> {
    Ok(Reply::of(Csv(asked.desk.spend_csv(asked.actor()?, &input.query)?.into_bytes())))
}
