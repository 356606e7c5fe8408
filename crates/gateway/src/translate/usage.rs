//! Token counts: a chat's prompt counts every token of it, a message's only those that were neither put into the provider's cache nor taken from it.

use crate::translate::tree::{Node, Object};

/// As far as they were said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Every token of the prompt.
    prompt: Option<u64>,
    cached: u64,
    cache_write: u64,
    completion: Option<u64>,
}

impl Counts {
    /// What a message says, in one event or whole. `None`: what no count of tokens can be.
    pub(crate) fn of_message(usage: Option<&Node<'_>>) -> Option<Self> {
        let Some(usage) = usage else { return Some(Self::default()) };
        let count = |name: &str| usage.get(name).map(Node::count);
        let [read, cached, cache_write, completion] =
            ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"]
                .map(count);
        let said = |count: Option<Option<u64>>| count.map_or(Some(None), |count| count.map(Some));
        let (read, cached, cache_write) =
            (said(read)?, said(cached)?.unwrap_or(0), said(cache_write)?.unwrap_or(0));
        let prompt = match read {
            Some(read) => Some(read.checked_add(cached)?.checked_add(cache_write)?),
            None => None,
        };
        Some(Self { prompt, cached, cache_write, completion: said(completion)? })
    }

    /// What a chat says.
    pub(crate) fn of_chat(usage: Option<&Node<'_>>) -> Option<Self> {
        let Some(usage) = usage else { return Some(Self::default()) };
        let said = |node: Option<&Node<'_>>| node.map_or(Some(None), |node| node.count().map(Some));
        let details = usage.get("prompt_tokens_details");
        let of_prompt = |name: &str| said(details.and_then(|details| details.get(name)));
        let prompt = said(usage.get("prompt_tokens"))?;
        let (cached, cache_write) =
            (of_prompt("cached_tokens")?.unwrap_or(0), of_prompt("cache_write_tokens")?.unwrap_or(0));
        // More of a prompt than there is of it cannot be cached.
        let rest = prompt.unwrap_or(u64::MAX).checked_sub(cached)?.checked_sub(cache_write);
        rest?;
        // A message has no total: what a chat counts there alone, as what the model thought, is of the answer.
        let total = usage.get("total_tokens").and_then(Node::count).unwrap_or(0);
        let completion = said(usage.get("completion_tokens"))?;
        let completion =
            completion.map(|completion| completion.max(total.saturating_sub(prompt.unwrap_or(total))));
        Some(Self { prompt, cached, cache_write, completion })
    }

    /// These beside those before: the largest are the whole, since later ones have what came until then.
    pub(crate) fn merge(&mut self, newer: Self) {
        if newer.prompt.is_some() && newer.prompt >= self.prompt {
            (self.prompt, self.cached, self.cache_write) = (newer.prompt, newer.cached, newer.cache_write);
        }
        self.completion = self.completion.max(newer.completion);
    }

    /// As a chat says them; `None`: they were not all counted, and nothing is made up.
    pub(crate) fn as_chat(self) -> Option<String> {
        let (prompt, completion) = (self.prompt?, self.completion?);
        let total = prompt.checked_add(completion)?;
        let mut details = Object::new().count("cached_tokens", self.cached);
        if self.cache_write > 0 {
            details = details.count("cache_write_tokens", self.cache_write);
        }
        let usage = Object::new()
            .count("prompt_tokens", prompt)
            .count("completion_tokens", completion)
            .count("total_tokens", total);
        Some(usage.raw("prompt_tokens_details", &details.end()).end())
    }

    /// As a message says them: what was not counted is `null`, and nothing is made up.
    pub(crate) fn as_message(self) -> String {
        let read =
            self.prompt.map(|prompt| prompt.saturating_sub(self.cached).saturating_sub(self.cache_write));
        let said = |count: Option<u64>| count.map_or_else(|| "null".to_owned(), |count| count.to_string());
        let of_cache = |count: u64| said(self.prompt.map(|_| count));
        Object::new()
            .raw("input_tokens", &said(read))
            .raw("cache_creation_input_tokens", &of_cache(self.cache_write))
            .raw("cache_read_input_tokens", &of_cache(self.cached))
            .raw("output_tokens", &said(self.completion))
            .end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tabellion_mask::json::Limits;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_the_same_on_both_sides(read in 0..1_000_000_u64, cached in 0..1_000_u64, write in 0..1_000_u64, out in any::<u32>()) {
            let usage = format!(r#"{{"input_tokens":{read},"cache_read_input_tokens":{cached},"cache_creation_input_tokens":{write},"output_tokens":{out}}}"#);
            let limits = Limits::default();
            let counts = Counts::of_message(Some(&Node::parse(usage.as_bytes(), &limits).expect("JSON"))).expect("counts");
            let chat = counts.as_chat().expect("all counted");
            let back = Counts::of_chat(Some(&Node::parse(chat.as_bytes(), &limits).expect("JSON"))).expect("counts");
            prop_assert_eq!(back, counts, "a call would be charged otherwise on the other side");
            let message = back.as_message();
            prop_assert_eq!(Counts::of_message(Some(&Node::parse(message.as_bytes(), &limits).expect("JSON"))), Some(counts));
        }
    }

    /// Requirement: N22, N23.
    #[test]
    fn what_stands_in_the_total_alone_is_of_the_answer() {
        let usage = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":515}"#;
        let usage = Node::parse(usage.as_bytes(), &Limits::default()).expect("JSON");
        let counts = Counts::of_chat(Some(&usage)).expect("counts");
        assert!(counts.as_message().contains("\"output_tokens\":505"), "{}", counts.as_message());
    }

    #[test]
    fn what_was_not_counted_is_not_made_up() {
        let none = Counts::default();
        assert_eq!(none.as_chat(), None, "a budget would be charged nothing");
        assert!(none.as_message().contains("\"output_tokens\":null"), "the same: {}", none.as_message());
        for wrong in
            [r#"{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":2}}"#, r#"{"prompt_tokens":-1}"#]
        {
            let wrong = Node::parse(wrong.as_bytes(), &Limits::default()).expect("JSON");
            assert_eq!(Counts::of_chat(Some(&wrong)), None, "no such count exists: {}", wrong.raw);
        }
    }
}
