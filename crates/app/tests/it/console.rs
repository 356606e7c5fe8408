//! The console over real HTTP, on a real log in a directory of its own; a browser has its own tests in e2e/.

mod browser;
mod forms;
mod past;
mod permission;
mod session;
mod shown;
