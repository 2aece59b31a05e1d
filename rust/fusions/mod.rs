//! Fusions: patterns of nodes that other nodes compute faster. They are looked for after
//! differentiation, by `passes/rewrite.rs`, which alone counts readers.
//!
//! One fusion, one file: its pattern, its guard, what stands for it, and the op of its own that runs
//! it, if it has one. It gives the same bits as the nodes that it replaces, unless its file says why not.

mod adam_by_rows;
mod batch_norm_moments;
mod column_sums_of_pool;
mod ctc_loss_with_grad;
pub mod elementwise;
mod given_values;
mod kernel_grad_of_unpool;
mod pool_argmax;
mod recurrent_products;
mod relu_of_pool_grad;
mod scan_invariants;

use crate::error::Result;
use crate::graph::{Graph, Node, Op, Source, Value};

/// Every fusion, in the order in which they are tried; each sees the work of those before.
pub const FUSIONS: &[Fusion] = &[
    given_values::FUSION,
    scan_invariants::FUSION,
    relu_of_pool_grad::FUSION,
    column_sums_of_pool::FUSION,
    pool_argmax::FUSION,
    kernel_grad_of_unpool::FUSION,
    batch_norm_moments::FUSION,
    recurrent_products::FUSION,
    ctc_loss_with_grad::FUSION,
    adam_by_rows::FUSION,
];

/// A pattern, whose last node is looked at, and what stands for it.
pub struct Fusion {
    pub name: &'static str,
    /// Whether the node, last of its pattern, is there.
    pub pattern: fn(&Graph, &Node) -> bool,
    /// Pushes what stands for the node, unless the guard refuses.
    pub fuse: fn(&mut Site) -> Result<Found>,
}

/// A node that a pattern fits, in the graph that takes what stands for it.
pub struct Site<'s> {
    pub graph: &'s mut Graph,
    pub node: Node,
    /// How many nodes read each value of `graph`, the caller and the assignments counted too.
    pub readers: &'s dyn Fn(Value) -> usize,
    /// Nodes that were there and have another op now.
    pub replaced: Vec<usize>,
}

impl Site<'_> {
    /// Gives a node that is there another op, whose first outputs are those that it has; all of them.
    pub fn replace(&mut self, node: usize, op: impl Op) -> Result<Vec<Value>> {
        self.replaced.push(node);
        self.graph.replace(node, op)
    }
}

pub enum Found {
    /// The values that stand for the node's outputs.
    Fused(Vec<Value>),
    /// Why the guard refuses.
    Refused(String),
}

/// Whether the value is the number 0, alone.
fn is_zero(graph: &Graph, value: Value) -> bool {
    match graph.source(value) {
        Source::Constant(tensor) => {
            tensor.spec().shape.is_empty() && tensor.bytes().iter().all(|b| *b == 0)
        }
        _ => false,
    }
}
