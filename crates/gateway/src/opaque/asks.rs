//! What the requests of a batch's file ask for, as far as it is decided again when the batch is begun.
//!
//! Promises: requests that rules could tell apart by surface, model or tools are told apart; a file that has more kinds of them than a record holds is refused.
//! Must never: forget a kind of request.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_model::body::{FileModel, FileSizes, FileTokens};

use crate::budget::batch;

/// Most kinds of requests of one file, each a surface, a model and a list of tools: each is decided again when the batch is begun, and stands in the record of the file.
const MAX_ASKED: usize = 64;
/// Most bytes of names of tools over all kinds: the record of a file has them, and so has the gateway's memory for as long as a batch may be begun of it.
const MAX_TOOL_BYTES: usize = 16 << 10;

/// One request.
pub(super) struct Asking<'a> {
    pub(super) surface: &'static str,
    pub(super) model: &'a str,
    pub(super) tools: &'a [String],
    /// What it may take.
    pub(super) tokens: FileTokens,
}

/// The kinds of requests of a file so far, each with its sizes and with what they may take.
#[derive(Default)]
pub(super) struct FileAsks {
    kinds: BTreeMap<(&'static str, String, Vec<String>), (FileSizes, FileTokens)>,
    tool_bytes: usize,
}

impl FileAsks {
    /// One more request, of so many bytes.
    pub(super) fn take(&mut self, asking: &Asking<'_>, bytes: u64) -> Result<(), String> {
        let Asking { surface, model, tools, tokens } = *asking;
        // Rules are asked of them as a set.
        let tools: BTreeSet<&String> = tools.iter().collect();
        let tools: Vec<String> = tools.into_iter().cloned().collect();
        let added = tools.iter().map(String::len).sum::<usize>();
        let kind = (surface, model.to_owned(), tools);
        if let Some((sizes, taken)) = self.kinds.get_mut(&kind) {
            (sizes.least, sizes.most) = (sizes.least.min(bytes), sizes.most.max(bytes));
            *taken = batch::together(*taken, tokens);
            return Ok(());
        }
        self.tool_bytes += added;
        if self.kinds.len() == MAX_ASKED || self.tool_bytes > MAX_TOOL_BYTES {
            return Err(format!(
                "the file asks for more than {MAX_ASKED} models and lists of tools, or names of tools are more than {MAX_TOOL_BYTES} bytes; send several"
            ));
        }
        self.kinds.insert(kind, (FileSizes { least: bytes, most: bytes }, tokens));
        Ok(())
    }

    /// As the record of the file has them.
    pub(super) fn into_models(self) -> Vec<FileModel> {
        let kinds = self.kinds.into_iter();
        kinds
            .map(|((surface, model, tools), (bytes, tokens))| FileModel {
                surface: surface.to_owned(),
                model,
                tools,
                bytes: Some(bytes),
                tokens: Some(tokens),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking<'a>(model: &'a str, tools: &'a [String]) -> Asking<'a> {
        let tokens = FileTokens { requests: 1, input: 5, ..FileTokens::default() };
        Asking { surface: "openai.chat_completions", model, tools, tokens }
    }

    /// Requirement: N22. Requests with other tools are other requests, and of the same ones the smallest and the largest are known.
    #[test]
    fn what_rules_tell_apart_is_told_apart() {
        let tools = ["search".to_owned()];
        let mut asks = FileAsks::default();
        for (tools, bytes) in [(&[][..], 30), (&tools[..], 90), (&[][..], 10), (&tools[..], 70)] {
            asks.take(&asking("small", tools), bytes).expect("room");
        }
        let models = asks.into_models();
        let sizes: Vec<_> = models.iter().map(|kind| (kind.tools.len(), kind.bytes)).collect();
        let of = |least, most| Some(FileSizes { least, most });
        assert_eq!(sizes, [(0, of(10, 30)), (1, of(70, 90))], "a request would be decided as another");
        let taken: Vec<_> = models.iter().filter_map(|kind| kind.tokens).collect();
        let both = FileTokens { requests: 2, input: 10, ..FileTokens::default() };
        assert_eq!(taken, [both, both], "a request would be reserved as none, or with others");
    }

    /// Requirement: N22.
    #[test]
    fn a_file_of_too_many_kinds_is_refused() {
        let mut asks = FileAsks::default();
        let long = ["x".repeat(MAX_TOOL_BYTES + 1)];
        assert!(
            asks.take(&asking("small", &long), 1).is_err(),
            "a record would hold as much as a caller likes"
        );
        let mut asks = FileAsks::default();
        for number in 0..MAX_ASKED {
            asks.take(&asking(&format!("m-{number}"), &[]), 1).expect("room");
        }
        asks.take(&asking("m-0", &[]), 2).expect("a kind that is known needs no room");
        assert!(asks.take(&asking("m-64", &[]), 1).is_err());
    }
}
