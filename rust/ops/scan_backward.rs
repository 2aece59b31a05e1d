//! The backward pass of `scan`: a scan that goes the other way, over the gradients of the body.
//!
//! Its carries are the gradients by the carries, and the sums of the gradients by what every step reads; so
//! these are added from the last step to the first. What its body needs of a step's forward pass is stacked:
//! the forward node gives it as more outputs. What follows from that without a cost ([`is_cheap`]), or
//! from what every step reads alone, is computed again.

use super::body::{follow_from, is_cheap, Body, Built};
use super::build::Build;
use super::scan::Scan;
use crate::error::Result;
use crate::graph::{Backward, Graph, Source, Value};
use crate::tensor::Spec;
use std::sync::Arc;

/// Inputs of the backward scan: the body's value, and the value outside that it begins with, that it is a
/// row of, or that it is.
#[derive(Default)]
struct Inputs {
    carries: Vec<(Value, Value)>,
    sequences: Vec<(Value, Value)>,
    constants: Vec<(Value, Value)>,
}

/// See the head of this file.
pub fn backward(scan: &Scan, b: &mut Backward) -> Result<Vec<Option<Value>>> {
    let specs: Vec<Spec> = b.inputs.iter().map(|v| b.spec(*v)).collect();
    let Built {
        graph: mut body,
        inputs,
        outputs,
    } = scan.built(&specs.iter().collect::<Vec<_>>())?;
    let (carries, sequences) = (scan.carries, scan.sequences);
    let first_constant = carries + sequences;
    let steady = follow_from(&body, &inputs[first_constant..]);
    let is_float = |g: &Graph, v: Value| g.spec(v).dtype.is_float();

    let mut given = Inputs::default();
    let mut seeds = Vec::new();
    let mut dys = Vec::new();
    for (at, output) in outputs.iter().enumerate() {
        let outside = match b.douts[at] {
            Some(dout) => dout,
            None if at < carries && is_float(&body, *output) => {
                b.graph.zeros_like(b.outputs[at])?
            }
            None => continue,
        };
        let spec = body.spec(*output).clone();
        let dout = body.input("", spec)?;
        seeds.push((*output, dout));
        match at < carries {
            true => given.carries.push((dout, outside)),
            false => dys.push((dout, outside)),
        }
    }
    // Each input that gets a gradient, by its number.
    let wrt: Vec<usize> = (0..inputs.len())
        .filter(|at| is_float(&body, inputs[*at]) && (*at < carries || b.wanted[*at]))
        .collect();
    let values: Vec<Value> = wrt.iter().map(|at| inputs[*at]).collect();
    let found = (b.pullback)(&mut body, &seeds, &values)?;

    // The outputs of the backward body, those of sequences last; and the inputs that they are for.
    let (mut made, mut rows) = (Vec::new(), Vec::new());
    for (at, gradient) in wrt.into_iter().zip(found) {
        match gradient {
            None if at < carries => made.push((at, body.zeros_like(inputs[at])?)),
            None => {}
            Some(gradient) if at < carries => made.push((at, gradient)),
            Some(gradient) if at < first_constant => rows.push((at, gradient)),
            Some(gradient) => {
                let spec = body.spec(gradient).clone();
                let sum = body.input("", spec)?;
                given.carries.push((sum, b.graph.zeros_like(b.inputs[at])?));
                made.push((at, body.add(sum, gradient)?));
            }
        }
    }
    made.append(&mut rows);
    let wanted: Vec<Value> = made.iter().map(|(_, value)| *value).collect();

    // What of the forward pass the backward body reads.
    let mut stacked: Vec<Value> = Vec::new();
    for value in read_of_forward(&body, &steady, &wanted) {
        match inputs.iter().position(|v| *v == value) {
            Some(at) if at >= first_constant => given.constants.push((value, b.inputs[at])),
            Some(at) if at >= carries => given.sequences.push((value, b.inputs[at])),
            _ => stacked.push(value),
        }
    }
    let all = stack(scan, b, &body, &inputs, &outputs, &stacked)?;
    given.sequences.extend(stacked.into_iter().zip(all));
    given.sequences.append(&mut dys);

    let number = (given.carries.len(), given.sequences.len());
    let (inside, outside): (Vec<Value>, Vec<Value>) =
        [given.carries, given.sequences, given.constants]
            .into_iter()
            .flatten()
            .unzip();
    let back = Scan {
        body: Body::of(&body, &inside, &wanted)?,
        carries: number.0,
        sequences: number.1,
        length: scan.length,
        reverse: !scan.reverse,
    };
    let mut gradients = vec![None; b.inputs.len()];
    if wanted.is_empty() {
        return Ok(gradients);
    }
    let results = b.graph.push_node(Arc::new(back), &outside)?;
    for ((at, _), result) in made.into_iter().zip(results) {
        gradients[at] = Some(result);
    }
    Ok(gradients)
}

/// The stacks of these values of the body, one row a step: outputs of the forward node, which gets more of
/// them where it has no such yet.
fn stack(
    scan: &Scan,
    b: &mut Backward,
    body: &Graph,
    inputs: &[Value],
    outputs: &[Value],
    values: &[Value],
) -> Result<Vec<Value>> {
    let Source::Node { node, .. } = *b.graph.source(b.outputs[0]) else {
        unreachable!("an output is made by a node");
    };
    let mut made = outputs.to_vec();
    let places: Vec<usize> = values
        .iter()
        .map(|value| {
            let known = made[scan.carries..].iter().position(|v| v == value);
            known.map_or_else(
                || {
                    made.push(*value);
                    made.len() - 1
                },
                |at| scan.carries + at,
            )
        })
        .collect();
    let all = match made.len() > outputs.len() {
        true => {
            let more = Scan {
                body: Body::of(body, inputs, &made)?,
                ..scan.clone()
            };
            b.graph.replace(node, more)?
        }
        false => b.outputs.clone(),
    };
    Ok(places.into_iter().map(|at| all[at]).collect())
}

/// The values of a body's forward pass that have to be given to what computes `wanted`, in their order. They
/// come before those of the gradients; `steady` says which of them are the same at every step.
fn read_of_forward(body: &Graph, steady: &[bool], wanted: &[Value]) -> Vec<Value> {
    let mut seen = vec![false; body.len()];
    let mut read = Vec::new();
    let mut open = wanted.to_vec();
    while let Some(value) = open.pop() {
        if std::mem::replace(&mut seen[value.0], true) {
            continue;
        }
        let is_forward = value.0 < steady.len();
        match body.source(value) {
            Source::Node { node, .. } => {
                let node = &body.nodes[*node];
                match is_forward && !steady[value.0] && !is_cheap(node) {
                    true => read.push(value),
                    false => open.extend(&node.inputs),
                }
            }
            Source::Constant(_) => {}
            Source::Input { .. } | Source::Read(_) => read.extend(is_forward.then_some(value)),
        }
    }
    read.sort_unstable();
    read
}
