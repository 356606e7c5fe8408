//! Keywords of draft 2020-12: which hold schemas, which are read, and which are not taken.

/// What a keyword holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// One schema, for the value itself.
    Here,
    /// A list of them.
    HereList,
    /// A table of them.
    HereTable,
    /// One schema, for what is in the value.
    Within,
    /// A list of them, by index.
    WithinList,
    /// A table of them: by name, or by pattern of names.
    WithinTable,
    /// A table of schemas that only references lead to.
    Apart,
    /// The place of another schema.
    Reference,
    /// What a value is compared with.
    Compared,
    /// A limit, a name, a pattern.
    Plain,
    /// Nothing that a text has to satisfy.
    Told,
}

/// The keywords that are read.
pub(super) const KEYWORDS: [(&str, Holds); 52] = [
    ("$ref", Holds::Reference),
    ("allOf", Holds::HereList),
    ("anyOf", Holds::HereList),
    ("oneOf", Holds::HereList),
    ("not", Holds::Here),
    ("if", Holds::Here),
    ("then", Holds::Here),
    ("else", Holds::Here),
    ("dependentSchemas", Holds::HereTable),
    ("properties", Holds::WithinTable),
    ("patternProperties", Holds::WithinTable),
    ("additionalProperties", Holds::Within),
    ("propertyNames", Holds::Within),
    ("items", Holds::Within),
    ("contains", Holds::Within),
    ("prefixItems", Holds::WithinList),
    ("$defs", Holds::Apart),
    ("definitions", Holds::Apart),
    ("enum", Holds::Compared),
    ("const", Holds::Compared),
    ("type", Holds::Plain),
    ("multipleOf", Holds::Plain),
    ("maximum", Holds::Plain),
    ("exclusiveMaximum", Holds::Plain),
    ("minimum", Holds::Plain),
    ("exclusiveMinimum", Holds::Plain),
    ("maxLength", Holds::Plain),
    ("minLength", Holds::Plain),
    ("pattern", Holds::Plain),
    ("maxItems", Holds::Plain),
    ("minItems", Holds::Plain),
    ("uniqueItems", Holds::Plain),
    ("maxContains", Holds::Plain),
    ("minContains", Holds::Plain),
    ("maxProperties", Holds::Plain),
    ("minProperties", Holds::Plain),
    ("required", Holds::Plain),
    ("dependentRequired", Holds::Plain),
    ("$schema", Holds::Told),
    ("$id", Holds::Told),
    ("$comment", Holds::Told),
    ("title", Holds::Told),
    ("description", Holds::Told),
    ("default", Holds::Told),
    ("examples", Holds::Told),
    ("deprecated", Holds::Told),
    ("readOnly", Holds::Told),
    ("writeOnly", Holds::Told),
    ("format", Holds::Told),
    ("contentEncoding", Holds::Told),
    ("contentMediaType", Holds::Told),
    ("contentSchema", Holds::Told),
];

/// Keywords that are not taken: what they need cannot be bounded, they lead out of the schema, or they mean something else in other drafts.
pub(super) const NOT_TAKEN: [&str; 12] = [
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$recursiveAnchor",
    "$anchor",
    "$vocabulary",
    "unevaluatedProperties",
    "unevaluatedItems",
    "additionalItems",
    "dependencies",
    "id",
    "nullable",
];

/// Keywords that are taken at the top of a schema alone.
pub(super) const AT_THE_TOP: [&str; 2] = ["$id", "$schema"];

/// Beginnings and ends of the drafts that are read, all as 2020-12: in what is taken of them they agree.
pub(super) const DRAFTS: [&str; 3] = [
    "json-schema.org/draft/2020-12/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft-07/schema",
];

/// What the keyword of this name holds; `None`: it is none, and nothing that a text has to satisfy.
pub(super) fn holds(name: &str) -> Option<Holds> {
    KEYWORDS.iter().find(|(keyword, _)| *keyword == name).map(|(_, holds)| *holds)
}

/// Whether `word` is a keyword of the draft, and so nobody's own word.
pub fn is_keyword(word: &str) -> bool {
    holds(word).is_some()
}
