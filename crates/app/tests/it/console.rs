//! The console over real HTTP, on a real log in a directory of its own; a browser has its own tests in e2e/.

mod browser;
mod budgets;
mod clock;
mod content;
mod controls;
mod erasures;
mod forms;
mod guards;
mod keep;
mod masking;
mod names;
mod own_views;
mod past;
mod permission;
mod policy_replay;
mod providers;
mod registers;
mod session;
mod shown;
mod sources;
mod stops;
mod stops_of_callers;
mod traffic;
mod usage;
mod work;
mod writing;
