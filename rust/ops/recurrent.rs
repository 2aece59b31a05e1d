//! What the recurrent ops share: their inputs, shape rules, and the gradient of their weights.
//!
//! Inputs, in order: what the inputs of the layer give, x (N, T, G H) for G gates; the recurrent weights
//! (H, G H); the state before the first step (N, H); what the cell has of its own; the mask (N, T), bools.
//! An op of gradients reads after them the states after every step (N, T, H), the carries if there are some,
//! and the gradients by both.

use super::build::Build;
use super::check;
use super::concat::Concat;
use super::matmul::Matmul;
use super::slice::Slice;
use crate::error::{Error, Result};
use crate::graph::{Graph, Value};
use crate::kernels::recurrence::{Seen, Sequences};
use crate::run::{Input, Output};
use crate::size::Size;
use crate::tensor::{show, DType, Element, Spec};
use serde::{Deserialize, Serialize};

/// How the steps of a sequence are gone through.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Steps {
    /// From the last to the first.
    pub reverse: bool,
    /// Whether there is a mask: where it is false, the state stays.
    pub masked: bool,
}

/// Where the products of all steps go: to output `number`, if a fusion keeps them.
pub fn kept<'a, T: Element>(outputs: &'a mut [Output], number: usize) -> &'a mut [T] {
    outputs.get_mut(number).map_or(&mut [], Output::slice)
}

/// What a cell has of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Own {
    Nothing,
    /// A second state, (N, H).
    Carry,
    /// What the recurrent product begins with, (G H).
    Bias,
}

impl Steps {
    /// How many inputs there are.
    pub fn count(&self, own: Own) -> usize {
        3 + usize::from(own != Own::Nothing) + usize::from(self.masked)
    }

    fn mask(&self, own: Own) -> Option<usize> {
        self.masked.then_some(3 + usize::from(own != Own::Nothing))
    }

    /// The states (and carries) after every step.
    pub fn shape(&self, op: &str, gates: usize, own: Own, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let count = self.count(own);
        if inputs.len() != count {
            let got = inputs.len().to_string();
            return Err(Error::shape(op, format!("{count} inputs"), got));
        }
        let (x, weights, initial) = (inputs[0], inputs[1], inputs[2]);
        check::float(op, "x", x)?;
        if weights.rank() != 2 || !weights.shape[1].may_be(weights.shape[0] * gates) {
            let expected = format!("recurrent weights (units, {gates} units)");
            return Err(Error::shape(op, expected, show(&weights.shape)));
        }
        let (units, width) = (weights.shape[0], weights.shape[1]);
        let [batch, steps, wide] = x.shape[..] else {
            let expected = format!("x (batch, steps, {width})");
            return Err(Error::shape(op, expected, show(&x.shape)));
        };
        check::same_shape(op, &[batch, steps, width], &[batch, steps, wide])?;
        check::same_shape(op, &[batch, units], &initial.shape)?;
        let mut floats = vec![weights, initial];
        if own != Own::Nothing {
            floats.push(inputs[3]);
        }
        match own {
            Own::Nothing => {}
            Own::Carry => check::same_shape(op, &[batch, units], &inputs[3].shape)?,
            Own::Bias => check::same_shape(op, &[width], &inputs[3].shape)?,
        }
        if let Some(mask) = self.mask(own) {
            check::dtype(op, "mask", inputs[mask], DType::Bool)?;
            check::same_shape(op, &[batch, steps], &inputs[mask].shape)?;
        }
        for other in floats {
            check::same_dtype(op, x, other)?;
        }
        let states = Spec::new([batch, steps, units], x.dtype);
        Ok(match own {
            Own::Carry => vec![states.clone(), states],
            _ => vec![states],
        })
    }

    /// The gradients by x, by the products where they are others (the cell's bias is of its own), by the
    /// state before the first step, and by the carry.
    pub fn gradients(
        &self,
        op: &str,
        gates: usize,
        own: Own,
        inputs: &[&Spec],
        by_carries: bool,
    ) -> Result<Vec<Spec>> {
        let count = self.count(own);
        let carries = usize::from(own == Own::Carry);
        let all = count + 2 + carries + usize::from(by_carries);
        if inputs.len() != all {
            let got = inputs.len().to_string();
            return Err(Error::shape(op, format!("{all} inputs"), got));
        }
        let states = self.shape(op, gates, own, &inputs[..count])?;
        for other in &inputs[count..] {
            check::same_dtype(op, inputs[0], other)?;
            check::same_shape(op, &states[0].shape, &other.shape)?;
        }
        let mut out = vec![inputs[0].clone()];
        if own == Own::Bias {
            out.push(inputs[0].clone());
        }
        out.push(inputs[2].clone());
        if own == Own::Carry {
            out.push(inputs[3].clone());
        }
        Ok(out)
    }

    /// The inputs as the kernels read them.
    pub fn sequences<'a, T: Element>(&self, own: Own, inputs: &[Input<'a>]) -> Sequences<'a, T> {
        let x = inputs[0].spec.dims();
        let third = |wanted: Own| match own == wanted {
            true => inputs[3].slice(),
            false => &[],
        };
        Sequences {
            rows: x[0],
            steps: x[1],
            units: inputs[1].spec.dims()[0],
            reverse: self.reverse,
            x: inputs[0].slice(),
            weights: inputs[1].slice(),
            bias: third(Own::Bias),
            initial: [inputs[2].slice(), third(Own::Carry)],
            mask: self.mask(own).map_or(&[], |at| inputs[at].slice()),
        }
    }

    /// What an op of gradients reads besides.
    pub fn seen<'a, T: Element>(
        &self,
        own: Own,
        inputs: &[Input<'a>],
        by_carries: bool,
    ) -> Seen<'a, T> {
        let mut more = inputs[self.count(own)..].iter();
        let mut next = |is_there: bool| match is_there {
            true => more.next().map_or(&[][..], |input| input.slice()),
            false => &[],
        };
        let states = [next(true), next(own == Own::Carry)];
        Seen {
            states,
            dstates: [next(true), next(by_carries)],
            // What follows, where a fusion keeps them.
            products: next(true),
        }
    }

    /// `dw = sum over rows and steps of (state before the step)^T dpre`.
    pub fn by_weights(
        &self,
        g: &mut Graph,
        inputs: &[Value],
        states: Value,
        dpre: Value,
    ) -> Result<Value> {
        let shape = g.spec(states).shape.clone();
        let [batch, steps, units] = shape[..] else {
            unreachable!("states have three axes");
        };
        let weights = g.spec(inputs[1]).clone();
        if steps == 0 {
            let zero = g.scalar(0.0, weights.dtype);
            return g.broadcast_to(zero, &weights.shape);
        }
        let from = Size::of(usize::from(self.reverse));
        let kept = g.push(Slice::range(&shape, 1, from, from + steps - 1), &[states])?;
        let first = g.reshape(inputs[2], &[batch, Size::ONE, units])?;
        let order = match self.reverse {
            true => [kept, first],
            false => [first, kept],
        };
        let before = g.push(Concat { axis: 1 }, &order)?;
        let before = g.reshape(before, &[batch * steps, units])?;
        let dpre = g.reshape(dpre, &[batch * steps, weights.shape[1]])?;
        let op = Matmul {
            transpose_a: true,
            transpose_b: false,
        };
        g.push(op, &[before, dpre])
    }
}
