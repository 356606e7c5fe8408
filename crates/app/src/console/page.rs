//! What makes each page. A page reads its query, asks the desk, and puts blocks together; it decides nothing.

pub(crate) mod calls;
pub(crate) mod difference;
pub(crate) mod entry;
pub(crate) mod home;
pub(crate) mod inbox;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod login;
pub(crate) mod packages;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod refusals;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod story;
pub(crate) mod system;
pub(crate) mod systems;
