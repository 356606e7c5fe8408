//! `/api/v1/invoices`.

use schemars::JsonSchema;
use serde::Deserialize;
use tabellion_model::RecordId;

use super::Answered;
use crate::api::route::{Asked, Input, Json, Nothing, Reply};
use crate::work::forms::IdForm;
use crate::work::invoices::{Invoice, Invoices, NewInvoice};

/// An invoice's path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct OfInvoice {
    /// The record of the invoice.
    #[schemars(with = "IdForm")]
    invoice: RecordId,
}

pub(in crate::api) fn list(asked: &Asked<'_>, _: &Input<Nothing, Nothing, Nothing>) -> Answered<Invoices> {
    Ok(Reply::of(Json(asked.desk.invoices(asked.actor()?)?)))
}

pub(in crate::api) fn record(
    asked: &Asked<'_>,
    input: &Input<Nothing, Nothing, NewInvoice>,
) -> Answered<Invoice> {
    let (invoice, written) = asked.desk.record_invoice(asked.actor()?, &asked.given, &input.body)?;
    let location = format!("/api/v1/invoices/{}", invoice.id);
    Ok(Reply::of(Json(invoice)).written(written).header("location", location))
}

pub(in crate::api) fn read(
    asked: &Asked<'_>,
    input: &Input<OfInvoice, Nothing, Nothing>,
) -> Answered<Invoice> {
    Ok(Reply::of(Json(asked.desk.invoice(asked.actor()?, input.path.invoice)?)))
}
