//! The console: pages for people, over the same rules as the API (`docs/console.md`).
//!
//! Promises: every page declares who may open it; what a role may not see is not drawn; everything works without JavaScript but the check of
//! a proof in the browser; nothing is loaded from anywhere else. Must never: decide anything, which is for [`crate::work`]; show the present
//! where the past was asked for; put text of others into markup.

mod answer;
mod assets;
mod block;
mod body;
mod cell;
mod chart;
pub(crate) mod csv;
mod form;
mod gauge;
mod link;
mod looks;
mod moment;
mod money;
mod names;
mod own_views;
mod page;
mod pages;
mod pairs;
mod past;
mod serve;
mod shell;
mod table;
mod visit;
mod words;

use crate::api::Access;

pub(crate) use serve::{mount, nowhere};

/// Method, path and access of every page.
pub fn pages() -> Vec<(&'static str, &'static str, Access)> {
    pages::PAGES.iter().map(|page| (page.method.word(), page.path, page.access)).collect()
}
