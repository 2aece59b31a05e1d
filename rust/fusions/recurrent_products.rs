//! The gradient of `lstm`, `gru` or `simple_rnn` reads the products of states and weights that the forward
//! pass made, and does not make them again.
//!
//! Both passes make the same chains, so no bit changes. It costs the memory of the products.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, Value};
use crate::ops::gru::Gru;
use crate::ops::gru_grad::GruGrad;
use crate::ops::lstm::Lstm;
use crate::ops::lstm_grad::LstmGrad;
use crate::ops::recurrent::Own;
use crate::ops::simple_rnn::SimpleRnn;
use crate::ops::simple_rnn_grad::SimpleRnnGrad;
use crate::run::Prepared;
use crate::tensor::Spec;
use serde::Serialize;
use std::sync::Arc;

pub const FUSION: Fusion = Fusion {
    name: "recurrent_products",
    pattern,
    fuse,
};

/// The forward op and the op of its gradients.
#[derive(Clone, Debug, Serialize)]
enum Pair {
    Lstm(Lstm, LstmGrad),
    Gru(Gru, GruGrad),
    SimpleRnn(SimpleRnn, SimpleRnnGrad),
}

impl Pair {
    fn ops(&self) -> (&dyn Op, &dyn Op) {
        match self {
            Pair::Lstm(forward, grad) => (forward, grad),
            Pair::Gru(forward, grad) => (forward, grad),
            Pair::SimpleRnn(forward, grad) => (forward, grad),
        }
    }
}

/// The pair that a node is the gradient of, and how many of its inputs are the forward op's.
fn pair_of_grad(node: &Node) -> Option<(Pair, usize)> {
    if let Some(grad) = node.op::<LstmGrad>() {
        let steps = grad.steps.clone();
        let count = steps.count(Own::Carry);
        return Some((Pair::Lstm(Lstm { steps }, grad.clone()), count));
    }
    if let Some(grad) = node.op::<GruGrad>() {
        let steps = grad.steps.clone();
        let count = steps.count(Own::Bias);
        return Some((Pair::Gru(Gru { steps }, grad.clone()), count));
    }
    let grad = node.op::<SimpleRnnGrad>()?;
    let count = grad.0.steps.count(Own::Nothing);
    Some((Pair::SimpleRnn(grad.0.clone(), grad.clone()), count))
}

/// The node that made a value, where its op is this one.
fn made_by<T: Op + PartialEq>(graph: &Graph, value: Value, op: &T) -> Option<usize> {
    let (made, found) = graph.made_by::<T>(value)?;
    (found == op).then_some(made)
}

/// The node that made what the gradient is of, and both ops.
fn pair_of(graph: &Graph, node: &Node) -> Option<(usize, Pair)> {
    let (pair, count) = pair_of_grad(node)?;
    let states = node.inputs[count];
    let made = match &pair {
        Pair::Lstm(op, _) => made_by(graph, states, op),
        Pair::Gru(op, _) => made_by(graph, states, op),
        Pair::SimpleRnn(op, _) => made_by(graph, states, op),
    }?;
    let made_node = &graph.nodes[made];
    let mut results = made_node.outputs.iter().zip(&node.inputs[count..]);
    let same = made_node.inputs == node.inputs[..count] && results.all(|(made, read)| made == read);
    same.then_some((made, pair))
}

fn pattern(graph: &Graph, node: &Node) -> bool {
    pair_of(graph, node).is_some()
}

fn fuse(site: &mut Site) -> Result<Found> {
    let Some((made, pair)) = pair_of(site.graph, &site.node) else {
        return Ok(Found::Refused("the forward pass has gone".into()));
    };
    let outputs = site.replace(made, WithProducts(pair.clone()))?;
    let mut inputs = site.node.inputs.clone();
    inputs.extend(outputs.last());
    let op = Arc::new(OfProducts(pair));
    Ok(Found::Fused(site.graph.push_node(op, &inputs)?))
}

/// The forward op, with the products as one more result.
#[derive(Clone, Debug, Serialize)]
struct WithProducts(Pair);

impl Op for WithProducts {
    fn name(&self) -> &'static str {
        match self.0 {
            Pair::Lstm(..) => "lstm_with_products",
            Pair::Gru(..) => "gru_with_products",
            Pair::SimpleRnn(..) => "simple_rnn_with_products",
        }
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let mut outputs = self.0.ops().0.shape(inputs)?;
        outputs.push(inputs[0].clone());
        Ok(outputs)
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        self.0.ops().0.prepare(inputs, outputs)
    }
}

/// The op of gradients, with the products as its last input.
#[derive(Clone, Debug, Serialize)]
struct OfProducts(Pair);

impl Op for OfProducts {
    fn name(&self) -> &'static str {
        match self.0 {
            Pair::Lstm(..) => "lstm_grad_of_products",
            Pair::Gru(..) => "gru_grad_of_products",
            Pair::SimpleRnn(..) => "simple_rnn_grad_of_products",
        }
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        self.0.ops().1.shape(&inputs[..inputs.len() - 1])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        self.0.ops().1.prepare(inputs, outputs)
    }
}
