//! Passes over graphs. They ask the ops; they know no list of ops.

pub mod autodiff;
pub mod fuse;
pub mod lower;
pub mod plan;
