//! The gradient of `lstm`, `gru` or `simple_rnn` reads the products of states and weights that the forward
//! pass made, and does not make them again.
//!
//! Both passes make the same chains, so no bit changes. It costs the memory of the products.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Op};
use crate::ops::gru::Gru;
use crate::ops::gru_grad::GruGrad;
use crate::ops::lstm::Lstm;
use crate::ops::lstm_grad::LstmGrad;
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

/// The node that made what the gradient is of, and both ops.
fn pair_of(graph: &Graph, node: &Node) -> Option<(usize, Pair)> {
    let count = |own: usize, masked: bool| 3 + own + usize::from(masked);
    let (states, pair) = if let Some(grad) = node.op::<LstmGrad>() {
        let op = Lstm {
            steps: grad.steps.clone(),
        };
        (count(1, op.steps.masked), Pair::Lstm(op, grad.clone()))
    } else if let Some(grad) = node.op::<GruGrad>() {
        let op = Gru {
            steps: grad.steps.clone(),
        };
        (count(1, op.steps.masked), Pair::Gru(op, grad.clone()))
    } else {
        let grad = node.op::<SimpleRnnGrad>()?;
        let count = count(0, grad.0.steps.masked);
        (count, Pair::SimpleRnn(grad.0.clone(), grad.clone()))
    };
    let value = node.inputs[states];
    let made = match &pair {
        Pair::Lstm(op, _) => {
            graph
                .made_by::<Lstm>(value)
                .filter(|(_, made)| *made == op)?
                .0
        }
        Pair::Gru(op, _) => {
            graph
                .made_by::<Gru>(value)
                .filter(|(_, made)| *made == op)?
                .0
        }
        Pair::SimpleRnn(op, _) => {
            let made = graph.made_by::<SimpleRnn>(value);
            made.filter(|(_, made)| *made == op)?.0
        }
    };
    let results = graph.nodes[made].outputs.iter().zip(&node.inputs[states..]);
    let same = graph.nodes[made].inputs == node.inputs[..states];
    (same && results.into_iter().all(|(made, read)| made == read)).then_some((made, pair))
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
