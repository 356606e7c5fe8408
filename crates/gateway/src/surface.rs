//! What each route's requests look like.

pub(crate) mod openai_chat;
pub(crate) mod openai_models;
