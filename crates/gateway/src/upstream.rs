//! Providers: which serves a model, how it is reached, and connections to it.

pub(crate) mod catalogue;
pub(crate) mod connect;
pub(crate) mod pool;
pub(crate) mod tls;
