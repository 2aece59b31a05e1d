//! `y`, as it is given, where `y = body(x)`; the gradient computes the body again.
//!
//! `dx = body'(x, dy)`, where the body runs on values of their own ([`super::identity`]), so that nothing of its
//! first run is kept for it. Inputs, in order: y, then x, which are the body's. Nothing flows to y. Once a graph
//! has been differentiated the node is no more needed (`fusions/given_values.rs`). (Griewank, Achieving
//! logarithmic growth of temporal and spatial complexity in reverse automatic differentiation, 1992; Chen et al.,
//! Training deep nets with sublinear memory cost, 2016.)

use super::body::Body;
use super::custom_gradient::{first_inputs, values_and_read};
use super::identity::Identity;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::run::Prepared;
use crate::tensor::Spec;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remat {
    pub body: Body,
    /// Tells nodes apart: two that have another tag share no second run.
    pub tag: u64,
}

impl Op for Remat {
    fn name(&self) -> &'static str {
        "remat"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        Ok(values_and_read(self.name(), &self.body, inputs)?.0)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let count = b.outputs.len();
        let mut own = Vec::new();
        for x in &b.inputs[count..] {
            own.push(b.graph.push(Identity { tag: self.tag }, &[*x])?);
        }
        let made = self.body.push(b.graph, &own)?;
        let douts = b.douts.iter().zip(made);
        let seeds: Vec<(Value, Value)> = douts.filter_map(|(d, y)| Some((y, (*d)?))).collect();
        // A value that is read twice gets all of its gradient at once.
        let is_first = |at: &usize| !own[..*at].contains(&own[*at]);
        let wanted = (0..own.len()).filter(|at| b.wanted[count + at]);
        let places: Vec<usize> = wanted.filter(is_first).collect();
        let wrt: Vec<Value> = places.iter().map(|at| own[*at]).collect();
        let found = (b.pullback)(b.graph, &seeds, &wrt)?;
        let mut gradients = vec![None; b.inputs.len()];
        for (at, gradient) in places.into_iter().zip(found) {
            gradients[count + at] = gradient;
        }
        Ok(gradients)
    }

    fn prepare(&self, _inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        Ok(first_inputs(outputs.len()).into())
    }
}
