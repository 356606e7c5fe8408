//! Providers, and other services that calls wait for: which serves a model, how each is reached, and connections to it.

pub(crate) mod aws;
pub(crate) mod catalogue;
pub(crate) mod connect;
pub(crate) mod key;
pub(crate) mod pool;
pub(crate) mod reach;
pub(crate) mod tls;
pub(crate) mod told;
