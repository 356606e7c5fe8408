//! What guards find, however it is written and however it comes.

mod finds;
mod pieces;
