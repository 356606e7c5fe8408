//! The schema that every rule is checked against, and the names in it that questions are built from.
//!
//! Promises: what a question holds is exactly what the schema says.

use std::sync::LazyLock;

use cedar_policy::{EntityTypeName, Schema, Validator};

/// The schema as people read it.
pub const SCHEMA: &str = include_str!("../schema/tabellion.cedarschema");

/// How many steps a rule may go from what it is given: `principal.name` is one, `context.key.owner.name` would be two. One, because a question
/// brings the call's own system, key and model and no others: `System::"…".stage` would always err.
pub(crate) const MAX_STEPS: u32 = 1;

/// Cedar's checker with our schema.
#[expect(
    clippy::expect_used,
    reason = "the schema is a constant of the program; the test of its golden file reads it"
)]
pub(crate) static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    // INVARIANT: SCHEMA is a schema.
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).expect("the built-in schema");
    Validator::new(schema)
});

/// Types of the schema's entities.
pub(crate) struct TypeNames {
    pub(crate) system: EntityTypeName,
    pub(crate) key: EntityTypeName,
    pub(crate) upstream: EntityTypeName,
    pub(crate) model: EntityTypeName,
    pub(crate) action: EntityTypeName,
}

/// The schema's type names, parsed once.
#[expect(clippy::expect_used, reason = "five constants; every decision in the tests reads them")]
pub(crate) static TYPES: LazyLock<TypeNames> = LazyLock::new(|| {
    // INVARIANT: these are identifiers.
    let name = |text: &str| text.parse().expect("a type name");
    TypeNames {
        system: name("System"),
        key: name("Key"),
        upstream: name("Upstream"),
        model: name("Model"),
        action: name("Action"),
    }
});
