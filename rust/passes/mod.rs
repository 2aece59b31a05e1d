//! What becomes of a graph: its gradients, its fusions, its tasks and their memory.

pub mod autodiff;
pub mod plan;
pub mod rewrite;
pub mod tasks;
