//! The gateway on a real log, over real sockets, in front of a provider that does what the test says.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it must be"
)]

mod answers;
mod anthropic_files;
mod bad_bytes;
mod bad_input;
mod budgets;
mod budgets_of_callers;
mod certificates;
mod charges;
mod circuit;
mod client;
mod denials;
mod disk;
mod echoed_key;
mod endings;
mod enrichments;
mod erased_calls;
mod fallback;
mod fixture;
mod grpc_guards;
mod grpc_server;
mod guard_edit_rules;
mod guard_editor;
mod guard_edits;
mod guard_matrix;
mod guard_mends;
mod guard_splits;
mod guards;
mod guards_after;
mod guards_after_batches;
mod guards_of_amounts;
mod identity;
mod identity_standing;
mod inputs;
mod kept_names;
mod kept_urls;
mod masked_answers;
mod masking;
mod masking_rules;
mod masking_urls;
mod measured;
mod message_batch_costs;
mod message_batches;
mod names;
mod noise;
mod offers;
mod opaque;
mod opaque_batches;
mod opaque_costs;
mod opaque_lines;
mod opaque_mends;
mod opaque_own;
mod outside_guards;
mod packs;
mod passthrough;
mod playground;
mod presidio;
mod presidio_pace;
mod probes;
mod probes_kept;
mod probes_limits;
mod probes_translated;
mod probes_written;
mod pseudonyms;
mod realtime;
mod references;
mod rego;
mod release;
mod salted;
mod schema_guards;
mod schema_mends;
mod signed;
mod standing;
mod stop;
mod stops;
mod stops_of_callers;
mod streams;
mod surfaces;
mod terms;
mod tls;
mod translation;
