//! What clients' libraries of one provider expect to be told, and how.

pub(crate) mod openai;
pub(crate) mod sent_on;
