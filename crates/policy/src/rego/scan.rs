//! What is wrong with a policy before anybody calls: functions that are not there, that call themselves or make as much memory as they are told to, names that the
//! input never has.
//!
//! Promises: the first fault in the text, with its place. Works on the engine's own reading of the text, so that nothing can be read in two ways.

use std::collections::{BTreeMap, BTreeSet};

use regex::RegexBuilder;
use serde_json::{Map, Value};

use crate::fault::{FaultKind, Place, PolicyFault};
use crate::rego::chain::{self, MAX_CHAIN, Uses};
use crate::rego::input::{CONTENT, never_there};

/// Functions of the language that are offered: each a function of its arguments, whose result is about as large as they are.
const FUNCTIONS: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "bits.and",
    "bits.negate",
    "bits.or",
    "bits.rsh",
    "bits.xor",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "indexof",
    "indexof_n",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.filter",
    "json.is_valid",
    "json.marshal",
    "json.remove",
    "json.unmarshal",
    "lower",
    "max",
    "min",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.subset",
    "object.union",
    "object.union_n",
    "product",
    "regex.find_n",
    "regex.is_valid",
    "regex.match",
    "regex.replace",
    "regex.split",
    "replace",
    "round",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.count",
    "strings.replace_n",
    "strings.reverse",
    "substring",
    "sum",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "units.parse",
    "units.parse_bytes",
    "upper",
];
/// Functions that take a pattern, and as which of their arguments.
const PATTERNS: &[(&str, usize)] =
    &[("regex.find_n", 0), ("regex.match", 0), ("regex.replace", 1), ("regex.split", 0)];
/// Largest pattern when it is made ready, in bytes: the engine takes no larger ones.
const MAX_PATTERN_BYTES: usize = 100 << 10;
/// Members of the input that are known only where the prompt was read.
const OF_A_PROMPT: [&str; 5] = [CONTENT, "masked", "passed", "refers_to", "tools"];
/// Most digits of a width in a format: more would fill the memory with blanks.
const MAX_WIDTH_DIGITS: usize = 3;

/// What a policy may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Anything.
    Anything,
    /// The facts of a call.
    Facts,
    /// The texts of its prompt as well.
    Content,
}

/// What is known of a policy.
pub(super) struct Scanned {
    /// Its package, below `data`.
    pub(super) package: String,
    /// Whether it asks for what is known only where the prompt was read.
    pub(super) reads_prompt: bool,
    functions: BTreeMap<String, Function>,
}

/// A function that the policy defines.
struct Function {
    place: Place,
    calls: BTreeSet<String>,
}

/// One look at a policy.
struct Scan<'a> {
    package: &'a str,
    functions: &'a BTreeSet<String>,
    told: Told,
    faults: Vec<PolicyFault>,
    calls: BTreeSet<String>,
    /// Names that stand in it.
    names: BTreeSet<String>,
    reads_prompt: bool,
}

/// Reads what the engine made of one text, as JSON.
pub(super) fn scan(tree: &str, told: Told) -> Result<Scanned, PolicyFault> {
    let unread = || {
        let what = "its rules could not be looked through";
        PolicyFault::new(FaultKind::Limit, START, what, "nest expressions less deeply")
    };
    let tree: Value = serde_json::from_str(tree).map_err(|_| unread())?;
    let module = tree.pointer("/0/ast").ok_or_else(unread)?;
    let package = module.pointer("/package/refr").and_then(path_of).ok_or_else(unread)?.join(".");
    let rules = module.get("rules").and_then(Value::as_array).ok_or_else(unread)?;
    check_imports(module)?;
    let defined: Vec<(&Value, Option<(String, Place)>)> =
        rules.iter().map(|rule| (rule, function_of(rule))).collect();
    let names: BTreeSet<String> =
        defined.iter().filter_map(|(_, function)| Some(function.as_ref()?.0.clone())).collect();
    let mut functions: BTreeMap<String, Function> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut uses = Uses::new();
    let mut reads_prompt = false;
    for (rule, function) in defined {
        let mut scan = Scan {
            package: &package,
            functions: &names,
            told,
            faults: Vec::new(),
            calls: BTreeSet::new(),
            names: BTreeSet::new(),
            reads_prompt: false,
        };
        scan.walk(rule);
        faults.append(&mut scan.faults);
        reads_prompt |= scan.reads_prompt;
        if let Some(name) = name_of(rule) {
            uses.entry(name).or_default().append(&mut scan.names);
        }
        if let Some((name, place)) = function {
            let known = functions.entry(name).or_insert(Function { place, calls: BTreeSet::new() });
            known.calls.append(&mut scan.calls);
        }
    }
    faults.sort_by_key(|fault| fault.place);
    if let Some(first) = faults.into_iter().next() {
        return Err(first);
    }
    let scanned = Scanned { package, reads_prompt, functions };
    scanned.check_cycles()?;
    if let Some(name) = chain::too_long(&uses) {
        let what = format!("more than {MAX_CHAIN} rules and functions stand one upon the other below {name}");
        return Err(PolicyFault::new(FaultKind::Limit, START, what, "say it with fewer of them"));
    }
    Ok(scanned)
}

/// Where a fault is that belongs to the whole text.
pub(super) const START: Place = Place { line: 1, column: 1 };

impl Scanned {
    /// No function comes back to itself: the engine would follow it until the stack ends.
    fn check_cycles(&self) -> Result<(), PolicyFault> {
        for (name, function) in &self.functions {
            let mut seen: BTreeSet<&str> = BTreeSet::new();
            let mut waiting: Vec<&str> = function.calls.iter().map(String::as_str).collect();
            while let Some(called) = waiting.pop() {
                if called == name {
                    let what = format!("the function {name} calls itself");
                    let advice = "say it with some, every or a comprehension; nothing in Rego may be defined by itself";
                    return Err(PolicyFault::new(FaultKind::Unsupported, function.place, what, advice));
                }
                if seen.insert(called) {
                    let further = self.functions.get(called).into_iter().flat_map(|function| &function.calls);
                    waiting.extend(further.map(String::as_str));
                }
            }
        }
        Ok(())
    }
}

impl Scan<'_> {
    fn walk(&mut self, node: &Value) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(members) => {
                if let Some(call) = members.get("Call").and_then(Value::as_object) {
                    self.call(call);
                }
                if members.contains_key("RefDot") || members.contains_key("RefBrack") {
                    if let Some(path) = path_of(node) {
                        return self.reference(node, &path);
                    }
                } else if let Some(name) = node.pointer("/Var/value").and_then(Value::as_str) {
                    // The whole input, or a member of it that is not written out.
                    self.reads_prompt |= name == "input";
                    self.names.insert(name.to_owned());
                }
                members.values().for_each(|member| self.walk(member));
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Map<String, Value>) {
        let function = call.get("fcn").unwrap_or(&Value::Null);
        let place = place_in(function);
        let Some(path) = path_of(function) else {
            let what = "what is called here is no function's name";
            return self.fault(FaultKind::Syntax, place, what, "call a function by its name");
        };
        let written = path.join(".");
        let own = written.strip_prefix("data.").and_then(|path| path.strip_prefix(self.package));
        let name = own.and_then(|path| path.strip_prefix('.')).unwrap_or(&written);
        if self.functions.contains(name) {
            self.calls.insert(name.to_owned());
        } else if !FUNCTIONS.contains(&name) && name != "print" {
            let what = format!("there is no function {written} here");
            let advice = "docs/rego.md lists those that are offered; none reads a clock, a file or the network, draws lots or makes as much as it is told to";
            self.fault(FaultKind::Unsupported, place, what, advice);
        } else if name == "sprintf" && !is_narrow(call) {
            let what = "the format of sprintf is no plain text, or sets a width of more than three digits";
            self.fault(FaultKind::Limit, place, what, "write the format out, with narrow columns");
        } else if let Some((_, at)) = PATTERNS.iter().find(|(known, _)| *known == name)
            && self.told != Told::Anything
            && let Some((what, advice)) = pattern_fault(call, *at)
        {
            self.fault(FaultKind::Limit, place, what, advice);
        }
    }

    /// A path that is written out: of a rule, or below `input`.
    fn reference(&mut self, node: &Value, path: &[String]) {
        let Some((root, path)) = path.split_first() else { return };
        let below = path.join(".");
        let own = below.strip_prefix(self.package).and_then(|below| below.strip_prefix('.'));
        let rule = own.filter(|_| root == "data").and_then(|own| own.split('.').next()).unwrap_or(root);
        self.names.insert(rule.to_owned());
        if root != "input" {
            return;
        }
        self.reads_prompt |= path.first().is_some_and(|first| OF_A_PROMPT.contains(&first.as_str()));
        if self.told == Told::Anything {
            return;
        }
        let place = place_in(node);
        if let Some(why) = never_there(path) {
            let what = format!("input.{} is never there", path.join("."));
            self.fault(FaultKind::Schema, place, what, why);
        } else if self.told == Told::Facts && path.first().is_some_and(|first| first == CONTENT) {
            let advice = "set content = true in the guard's section, or leave it out";
            self.fault(FaultKind::Schema, place, "input.content is not given to this policy", advice);
        }
    }

    fn fault(&mut self, kind: FaultKind, place: Place, what: impl Into<String>, advice: impl Into<String>) {
        self.faults.push(PolicyFault::new(kind, place, what, advice));
    }
}

/// Nothing but the language's own words may be brought in: there is one file, and a second name of the input would hide its members.
fn check_imports(module: &Value) -> Result<(), PolicyFault> {
    for import in module.get("imports").and_then(Value::as_array).into_iter().flatten() {
        let path = import.get("refr").and_then(path_of).unwrap_or_default().join(".");
        if path != "rego.v1" && !path.starts_with("future.keywords") {
            let what = format!("import {path} brings in what is not there");
            let advice = "import rego.v1 alone; write input and data out";
            return Err(PolicyFault::new(FaultKind::Unsupported, place_of(import.get("span")), what, advice));
        }
    }
    Ok(())
}

/// Whether the format is written out and fills nothing up.
fn is_narrow(call: &Map<String, Value>) -> bool {
    let format = call.get("params").and_then(|params| params.get(0));
    let text = format.and_then(|format| {
        let text = format.get("String").or_else(|| format.get("RawString"))?;
        text.get("value")?.as_str()
    });
    text.is_some_and(|text| {
        text.split(|character: char| !character.is_numeric())
            .all(|digits| digits.len() <= MAX_WIDTH_DIGITS && digits.is_ascii())
    })
}

/// Why a call's pattern cannot be taken, and what to do.
fn pattern_fault(call: &Map<String, Value>, at: usize) -> Option<(String, &'static str)> {
    let pattern = call.get("params").and_then(|params| params.get(at));
    let text = pattern.and_then(|pattern| pattern.get("String").or_else(|| pattern.get("RawString")));
    let Some(text) = text.and_then(|text| text.get("value")?.as_str()) else {
        let what = "the pattern of a regular expression is not written out";
        return Some((what.to_owned(), "write it out: one that is made anew for each call holds calls up"));
    };
    let error = RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build().err()?;
    let what = match error {
        regex::Error::CompiledTooBig(_) => {
            "the pattern of a regular expression is too large when it is made ready"
        }
        _ => "a regular expression cannot be read",
    };
    Some((
        what.to_owned(),
        "shorten it; (?-u:…) keeps classes such as \\w to ASCII, which are a hundredth of the size",
    ))
}

/// The first name of what a rule defines.
fn name_of(rule: &Value) -> Option<String> {
    let head = rule.pointer("/Spec/head").and_then(Value::as_object).and_then(|head| head.values().next());
    let refr = head.or_else(|| rule.get("Default"))?.get("refr")?;
    path_of(refr)?.into_iter().next()
}

/// The function that a rule defines.
fn function_of(rule: &Value) -> Option<(String, Place)> {
    let head = rule.pointer("/Spec/head/Func");
    let default =
        || rule.get("Default").filter(|rule| rule.get("args").and_then(|args| args.get(0)).is_some());
    let name = head.or_else(default)?.get("refr")?;
    Some((path_of(name)?.join("."), place_in(name)))
}

/// The names of a path that is written out: `input.model["name"]`.
fn path_of(node: &Value) -> Option<Vec<String>> {
    if let Some(name) = node.pointer("/Var/value") {
        return Some(vec![name.as_str()?.to_owned()]);
    }
    let (of, name) = if let Some(dotted) = node.get("RefDot") {
        (dotted.get("refr")?, dotted.pointer("/field/1")?)
    } else {
        let bracketed = node.get("RefBrack")?;
        let index = bracketed.get("index")?;
        (
            bracketed.get("refr")?,
            index.pointer("/String/value").or_else(|| index.pointer("/RawString/value"))?,
        )
    };
    let mut path = path_of(of)?;
    path.push(name.as_str()?.to_owned());
    Some(path)
}

/// Where a name begins.
fn place_in(node: &Value) -> Place {
    let root = ["RefDot", "RefBrack"].into_iter().find_map(|kind| node.get(kind)?.get("refr"));
    match root {
        Some(root) => place_in(root),
        None => place_of(node.as_object().and_then(|members| members.values().next()?.get("span"))),
    }
}

fn place_of(span: Option<&Value>) -> Place {
    let number = |name| span.and_then(|span| span.get(name)?.as_u64()).and_then(|n| usize::try_from(n).ok());
    Place { line: number("line").unwrap_or(1), column: number("col").unwrap_or(1) }
}
