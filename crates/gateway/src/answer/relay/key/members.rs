//! The strings of an event's data, by what a reader of several events would put together.
//!
//! Promises: a string has each name under which some reader gathers it, and the numbers that its interface gives to what it belongs to, outermost first; what a name means is nobody's
//! question here. Must never: hold more of an event than is named here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::vec::IntoIter;

use tabellion_mask::json::{Limits, Path, RawString, Scalar, Step, Visitor, walk};

use crate::answer::parts::small;
use crate::surface::Surface;

/// Steps of a way that are told apart: `choices[].delta.tool_calls[].function.name` has seven.
const MAX_STEPS: usize = 8;
/// The same where names at the top have their texts at once. What is further down, such as the schemas of tools, is one text.
const FEW_STEPS: usize = 4;
/// Characters of a name that are told apart. Those of interfaces are shorter: `response.code_interpreter_call_code.delta` has 41.
const MAX_NAME_CHARS: usize = 64;
/// Most strings of an event. One of 1 MiB that tells of each token which others there could have been has some twenty thousand.
pub(super) const MAX_STRINGS: usize = 1 << 16;
/// Members by which interfaces number their items and blocks, at the top of an event: first what is in the answer, then what is in that.
const OF_RESPONSES: [&[&str]; 2] = [&["output_index"], &["content_index", "summary_index"]];
const OF_MESSAGES: [&[&str]; 1] = [&["index"]];
/// What pieces of a response are called, and what they are pieces of: the item or part at its beginning has that member, and a library puts them behind it.
const PIECES: [(&str, &str); 8] = [
    ("output_text", "text"),
    ("reasoning_text", "text"),
    ("reasoning_summary_text", "text"),
    ("refusal", "refusal"),
    ("function_call_arguments", "arguments"),
    ("mcp_call_arguments", "arguments"),
    ("custom_tool_call_input", "input"),
    ("code_interpreter_call_code", "code"),
];

/// A string of an event.
pub(super) struct Member<'b> {
    /// What it is called: readers that differ in what they put together have different names for it.
    pub(super) names: Vec<String>,
    /// Numbers of what it belongs to: choice and call, block, or item and part.
    pub(super) numbers: Vec<usize>,
    pub(super) value: Cow<'b, str>,
}

/// Nobody can tell what its strings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Reads the strings of `json`, the data of an event of `surface`, from the first on that `wants` says yes to.
pub(super) fn read<'b>(
    surface: Surface,
    json: &'b [u8],
    limits: &Limits,
    wants: impl FnMut(&[u8]) -> bool,
) -> Result<Members<'b>, Unreadable> {
    let ways = Ways {
        surface,
        elements: BTreeMap::new(),
        at_top: [None; 2],
        kind: String::new(),
        item: String::new(),
    };
    let mut reader = Reader { ways, wants, found: Vec::new(), strings: 0 };
    walk(json, limits, &mut reader).map_err(|_| Unreadable)?;
    let Reader { ways, found, strings, .. } = reader;
    if strings > MAX_STRINGS {
        return Err(Unreadable);
    }
    Ok(Members { ways, found: found.into_iter() })
}

/// The strings of an event, in their order.
pub(super) struct Members<'b> {
    ways: Ways,
    found: IntoIter<Found<'b>>,
}

impl<'b> Iterator for Members<'b> {
    type Item = Member<'b>;

    fn next(&mut self) -> Option<Member<'b>> {
        let (steps, value) = self.found.next()?;
        let (names, numbers) = (self.ways.names(&steps), self.ways.numbers(&steps));
        Some(Member { names, numbers, value })
    }
}

/// A string, with the way to it.
type Found<'b> = (Vec<Step<'b>>, Cow<'b, str>);

/// Collects by place; numbers and kinds may stand behind what they are of.
struct Reader<'b, W> {
    ways: Ways,
    wants: W,
    found: Vec<Found<'b>>,
    /// How many there are, of which none is kept above the limit.
    strings: usize,
}

/// What tells the strings of an event apart.
struct Ways {
    surface: Surface,
    /// The `index` of elements of arrays, by the way to them.
    elements: BTreeMap<String, usize>,
    at_top: [Option<usize>; 2],
    /// What the event is, and whose, by its own words.
    kind: String,
    item: String,
}

impl Ways {
    fn numbers(&self, steps: &[Step<'_>]) -> Vec<usize> {
        let mut numbers: Vec<usize> = self.at_top.into_iter().flatten().collect();
        let mut way = String::new();
        for step in steps {
            put(&mut way, step);
            if matches!(step, Step::Index(_))
                && let Some(number) = self.elements.get(&way)
            {
                numbers.push(*number);
            }
        }
        numbers
    }

    fn names(&self, steps: &[Step<'_>]) -> Vec<String> {
        let mut names = vec![named(steps)];
        match self.surface {
            Surface::OpenAiResponses => {
                if let [Step::Name(delta)] = steps
                    && delta == "delta"
                {
                    let piece =
                        self.kind.strip_prefix("response.").and_then(|kind| kind.strip_suffix(".delta"));
                    let of = PIECES.into_iter().find(|(name, _)| Some(*name) == piece);
                    names.push(format!("of kind {}", self.kind));
                    names.push(format!("of item {}", self.item));
                    names.push(format!("of {}", of.map_or("text", |(_, of)| of)));
                } else if let Some(Step::Name(last)) = steps.last()
                    && PIECES.iter().any(|(_, of)| last == of)
                {
                    names.push(format!("of {last}"));
                }
            }
            Surface::AnthropicMessages | Surface::AnthropicCountTokens => {
                let is_around = |step: &&Step<'_>| match step {
                    Step::Name(name) => {
                        matches!(name.as_ref(), "message" | "content" | "content_block" | "delta")
                    }
                    Step::Index(_) => true,
                };
                let around = steps.iter().take_while(is_around).count();
                names.push(format!("of {}", named(steps.get(around..).unwrap_or_default())));
            }
            Surface::OpenAiChat | Surface::OpenAiEmbeddings => {}
        }
        names
    }

    fn number(&mut self, steps: &[Step<'_>], number: &str) {
        let of_top: &[&[&str]] = match self.surface {
            Surface::OpenAiResponses => &OF_RESPONSES,
            Surface::AnthropicMessages | Surface::AnthropicCountTokens => &OF_MESSAGES,
            Surface::OpenAiChat | Surface::OpenAiEmbeddings => &[],
        };
        match steps {
            [Step::Name(name)] => {
                for (at, names) in self.at_top.iter_mut().zip(of_top) {
                    if names.contains(&name.as_ref()) {
                        *at = small(number);
                    }
                }
            }
            [way @ .., Step::Index(_), Step::Name(name)] if name == "index" && way.len() < MAX_STEPS => {
                let mut element = String::new();
                steps.iter().take(way.len() + 1).for_each(|step| put(&mut element, &short(step)));
                if let Some(number) = small(number) {
                    self.elements.insert(element, number);
                }
            }
            _ => {}
        }
    }
}

impl<'b, W: FnMut(&[u8]) -> bool> Reader<'b, W> {
    fn string(&mut self, steps: &[Step<'b>], string: RawString<'b>) {
        let value = string.value();
        // A response that is shown whole is no piece of one.
        let is_response = self.ways.surface == Surface::OpenAiResponses
            && matches!(steps, [Step::Name(first), ..] if first == "response");
        if value.is_empty() || is_response {
            return;
        }
        match steps {
            [Step::Name(name)] if name == "type" => self.ways.kind = shortened(&value),
            [Step::Name(name)] if name == "item_id" => self.ways.item = shortened(&value),
            _ => {}
        }
        if self.found.is_empty() && !(self.wants)(value.as_bytes()) {
            return;
        }
        self.strings += 1;
        if self.strings > MAX_STRINGS {
            return;
        }
        let most = if self.ways.surface == Surface::OpenAiChat { MAX_STEPS } else { FEW_STEPS };
        let mut kept: Vec<Step<'b>> = steps.iter().take(most).map(short).collect();
        if steps.len() > most {
            // So that nothing that goes on further is taken for what ends here.
            kept.push(Step::Name(Cow::Borrowed("")));
        }
        self.found.push((kept, value));
    }
}

impl<'b, W: FnMut(&[u8]) -> bool> Visitor<'b> for Reader<'b, W> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, _: Range<usize>) {
        match scalar {
            Scalar::String(string) => self.string(path.steps(), string),
            Scalar::Number(number) => self.ways.number(path.steps(), number),
            Scalar::Null | Scalar::Bool(_) => {}
        }
    }
}

/// A step with as much of its name as is told apart.
fn short<'b>(step: &Step<'b>) -> Step<'b> {
    match step {
        Step::Name(name) if name.len() > MAX_NAME_CHARS => Step::Name(Cow::Owned(shortened(name))),
        step => step.clone(),
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

/// A way as a name in which the places of elements do not matter.
fn named(steps: &[Step<'_>]) -> String {
    let mut name = String::new();
    for step in steps {
        match step {
            Step::Index(_) => put(&mut name, &Step::Index(0)),
            Step::Name(_) => put(&mut name, step),
        }
    }
    name
}

/// Writes a step behind those before; no two ways are written alike, whatever their names are.
fn put(way: &mut String, step: &Step<'_>) {
    // Writing to a string cannot fail.
    let _ = match step {
        Step::Name(name) => write!(way, "{}:{name}", name.len()),
        Step::Index(place) => write!(way, "#{place};"),
    };
}
