//! Pages of `OpenAI`'s `GET /v1/organization/usage/completions`, grouped by model.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::gathering::{Gathering, Page, Row, pages, seconds};
use super::{UsageExport, UsageFault};

#[derive(Deserialize)]
struct Bucket {
    start_time: u64,
    end_time: u64,
    results: Vec<Counts>,
}

#[derive(Deserialize)]
struct Counts {
    /// Of text, those from the cache among them.
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    input_audio_tokens: u64,
    #[serde(default)]
    output_audio_tokens: u64,
    num_model_requests: u64,
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default)]
    api_key_id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    /// What else rows are told apart by, and numbers that are parts of those above.
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

pub(super) fn read(text: &str) -> Result<UsageExport, UsageFault> {
    let mut gathering = Gathering::default();
    for (page_number, page) in pages::<Page<Bucket>>("openai_usage", text)?.into_iter().enumerate() {
        let has_more = page.has_more();
        for (number, bucket) in page.data.into_iter().enumerate() {
            let place = format!("page {}, /data/{number}", page_number + 1);
            let (from, until) = (seconds(&place, bucket.start_time)?, seconds(&place, bucket.end_time)?);
            gathering.begin(&place, from, until)?;
            for (number, counts) in bucket.results.into_iter().enumerate() {
                let place = format!("{place}/results/{number}");
                let row = row(&place, counts)?;
                gathering.add(&place, row)?;
            }
        }
        gathering.end_page(page_number + 1, has_more);
    }
    gathering.done()
}

fn row(place: &str, counts: Counts) -> Result<Row, UsageFault> {
    let Some(model) = counts.model else {
        let what = "the row names no model; ask for the export with group_by=model";
        return Err(UsageFault::new(format!("{place}/model"), what));
    };
    let apart = apart([counts.project_id.as_ref(), counts.api_key_id.as_ref(), Some(&model)], &counts.rest);
    Ok(Row {
        account: counts.project_id,
        key: counts.api_key_id,
        model,
        requests: Some(counts.num_model_requests),
        input: counts.input_tokens.saturating_add(counts.input_audio_tokens),
        output: counts.output_tokens.saturating_add(counts.output_audio_tokens),
        apart,
    })
}

/// Rows are told apart by everything that is no number.
pub(super) fn apart(names: [Option<&String>; 3], rest: &BTreeMap<String, Value>) -> String {
    let rest: BTreeMap<&String, &Value> = rest.iter().filter(|(_, value)| !value.is_number()).collect();
    serde_json::to_string(&(names, rest)).unwrap_or_default()
}
