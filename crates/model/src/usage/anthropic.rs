//! Pages of Anthropic's `GET /v1/organizations/usage_report/messages`, grouped by model. It counts tokens and no requests.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::gathering::{Gathering, Page, Row, pages, utc};
use super::openai::apart;
use super::{UsageExport, UsageFault};

#[derive(Deserialize)]
struct Bucket {
    starting_at: String,
    ending_at: String,
    results: Vec<Counts>,
}

#[derive(Deserialize)]
struct Counts {
    uncached_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(default)]
    cache_creation: Option<CacheCreation>,
    output_tokens: u64,
    #[serde(default)]
    api_key_id: Option<String>,
    #[serde(default)]
    workspace_id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// Tokens that were put into the cache, by how long they stay. One of another name would be left out of the sum, so it is refused.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_5m_input_tokens: u64,
    #[serde(default)]
    ephemeral_1h_input_tokens: u64,
}

pub(super) fn read(text: &str) -> Result<UsageExport, UsageFault> {
    let mut gathering = Gathering::default();
    for (page_number, page) in pages::<Page<Bucket>>("anthropic_usage", text)?.into_iter().enumerate() {
        let has_more = page.has_more();
        for (number, bucket) in page.data.into_iter().enumerate() {
            let place = format!("page {}, /data/{number}", page_number + 1);
            let (from, until) = (utc(&place, &bucket.starting_at)?, utc(&place, &bucket.ending_at)?);
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
        let what = "the row names no model; ask for the export with group_by[]=model";
        return Err(UsageFault::new(format!("{place}/model"), what));
    };
    let made = counts.cache_creation.unwrap_or_default();
    let input = [
        counts.uncached_input_tokens,
        counts.cache_read_input_tokens,
        made.ephemeral_5m_input_tokens,
        made.ephemeral_1h_input_tokens,
    ];
    let apart = apart([counts.workspace_id.as_ref(), counts.api_key_id.as_ref(), Some(&model)], &counts.rest);
    Ok(Row {
        account: counts.workspace_id,
        key: counts.api_key_id,
        model,
        requests: None,
        input: input.into_iter().fold(0, u64::saturating_add),
        output: counts.output_tokens,
        apart,
    })
}
