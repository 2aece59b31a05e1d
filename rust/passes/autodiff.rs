//! Reverse-mode differentiation: pushes the gradient of a scalar into the same graph.
//!
//! Nodes are walked backwards in the order in which they run; each op pushes its own backward; the
//! gradients that reach one value are added in that order. (Linnainmaa 1970; Rumelhart, Hinton &
//! Williams 1986.)

use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Value};
use crate::ops::build::Build;
use crate::tensor::show;

/// `d loss / d w` for each `w`; zeros where the loss does not depend on `w`.
pub fn gradients(graph: &mut Graph, loss: Value, wrt: &[Value]) -> Result<Vec<Value>> {
    let spec = graph.spec(loss).clone();
    if !spec.shape.is_empty() {
        return Err(Error::shape(
            "gradients",
            "a scalar loss of shape ()",
            show(&spec.shape),
        ));
    }
    if !spec.dtype.is_float() {
        return Err(Error::dtype("gradients", "a float loss", spec.dtype.name()));
    }
    for w in wrt {
        if !graph.spec(*w).dtype.is_float() {
            let got = graph.spec(*w).dtype.name();
            return Err(Error::dtype("gradients", "float variables", got));
        }
    }

    let one = graph.scalar(1.0, spec.dtype);
    let found = pullback(graph, &[(loss, one)], wrt)?;
    wrt.iter()
        .zip(found)
        .map(|(w, gradient)| gradient.map_or_else(|| graph.zeros_like(*w), Ok))
        .collect()
}

/// The gradients by `wrt` of the sum over `(value, weights)` in `seeds` of `value * weights`; `None` where
/// nothing depends on one.
pub fn pullback(
    graph: &mut Graph,
    seeds: &[(Value, Value)],
    wrt: &[Value],
) -> Result<Vec<Option<Value>>> {
    pullback_around(graph, seeds, wrt, &[])
}

/// As [`pullback`], where `fixed` values do not depend on any other.
pub fn pullback_around(
    graph: &mut Graph,
    seeds: &[(Value, Value)],
    wrt: &[Value],
    fixed: &[Value],
) -> Result<Vec<Option<Value>>> {
    let count = graph.nodes.len();
    let mut moves = vec![false; graph.len()];
    for w in wrt {
        moves[w.0] = true;
    }
    let mut stays = vec![false; graph.len()];
    for v in fixed {
        stays[v.0] = true;
    }
    for node in &graph.nodes {
        if node.inputs.iter().any(|v| moves[v.0]) {
            for out in &node.outputs {
                moves[out.0] |= graph.spec(*out).dtype.is_float() && !stays[out.0];
            }
        }
    }

    let was_gradient = graph.set_gradient(true);
    let mut gradient: Vec<Option<Value>> = vec![None; graph.len()];
    for (value, weights) in seeds {
        gradient[value.0] = Some(match gradient[value.0] {
            None => *weights,
            Some(sum) => graph.add(sum, *weights)?,
        });
    }
    for at in (0..count).rev() {
        let node = graph.nodes[at].clone();
        let dout = |v: &Value| gradient[v.0].filter(|_| !stays.get(v.0).is_some_and(|is| *is));
        let douts: Vec<Option<Value>> = node.outputs.iter().map(dout).collect();
        let wanted: Vec<bool> = node.inputs.iter().map(|v| moves[v.0]).collect();
        if douts.iter().all(Option::is_none) || !wanted.contains(&true) {
            continue;
        }
        graph.set_layer(&node.layer);
        let mut b = Backward {
            graph,
            inputs: node.inputs.clone(),
            outputs: node.outputs.clone(),
            douts,
            wanted: wanted.clone(),
            pullback,
        };
        let dins = node
            .op
            .backward(&mut b)
            .map_err(|e| e.in_layer(&node.layer))?;
        for ((input, din), wanted) in node.inputs.iter().zip(dins).zip(wanted) {
            let Some(din) = din.filter(|_| wanted) else {
                continue;
            };
            debug_assert_eq!(graph.spec(din), graph.spec(*input), "{:?}", node.op);
            gradient[input.0] = Some(match gradient[input.0] {
                None => din,
                Some(sum) => graph.add(sum, din)?,
            });
        }
    }
    graph.set_layer("");
    graph.set_gradient(was_gradient);
    Ok(wrt.iter().map(|w| gradient[w.0]).collect())
}
