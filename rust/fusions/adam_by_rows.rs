//! A step of Adam whose gradient is rows added to zeros, that of a table by the rows which were read of it:
//! the zeros are neither stored nor read, and rows that no gradient has ever touched are left as they are.
//!
//! The rows are brought into the order of the table before any weight changes, each row's in their own
//! order, so that no bit changes.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Op, Value};
use crate::kernels::update::by_rows::{adam_by_rows, RowSums};
use crate::memory::room;
use crate::ops::adam::{start, Adam};
use crate::ops::gather::positions;
use crate::ops::scatter_add::ScatterAdd;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{DType, Spec};
use crate::with_float;
use serde::Serialize;
use std::sync::Arc;

pub const FUSION: Fusion = Fusion {
    name: "adam_by_rows",
    pattern,
    fuse,
};

/// Elements of a row under which all are better updated in one go.
const NARROW: usize = 8;

/// The rows that make the gradient, and their numbers.
fn rows_of(graph: &Graph, node: &Node) -> Option<(Value, Value)> {
    node.op::<Adam>()?;
    let (made, sums) = graph.made_by::<ScatterAdd>(node.inputs[1])?;
    let inputs = &graph.nodes[made].inputs;
    (sums.axis == 0).then_some((inputs[0], inputs[1]))
}

fn pattern(graph: &Graph, node: &Node) -> bool {
    rows_of(graph, node).is_some()
}

fn fuse(site: &mut Site) -> Result<Found> {
    let (Some((x, numbers)), Some(adam)) =
        (rows_of(site.graph, &site.node), site.node.op::<Adam>())
    else {
        return Ok(Found::Refused("the sum has gone".into()));
    };
    let [w, g, m, v, alpha] = site.node.inputs[..] else {
        unreachable!("adam has five inputs");
    };
    if (site.readers)(g) > 1 {
        return Ok(Found::Refused("the gradient is read elsewhere".into()));
    }
    let table = site.graph.spec(w).dims();
    if table[1..].iter().product::<usize>() < NARROW {
        return Ok(Found::Refused("the rows are narrow".into()));
    }
    let op = AdamByRows(adam.clone());
    let size = site.graph.spec(w).shape[0];
    let order = RowOrder { size };
    let order = site.graph.push_node(Arc::new(order), &[numbers])?;
    let inputs = [w, x, order[0], order[1], m, v, alpha];
    Ok(Found::Fused(site.graph.push_node(Arc::new(op), &inputs)?))
}

/// Of numbers of rows of a table: the numbers in ascending order, and the place of each; equal ones in the
/// order of their places. Both int64. Negative numbers count from the end; one outside is a `DataError`.
#[derive(Clone, Debug, Serialize)]
struct RowOrder {
    size: Size,
}

impl Op for RowOrder {
    fn name(&self) -> &'static str {
        "row_order"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let order = Spec::new([inputs[0].size()], DType::I64);
        Ok(vec![order.clone(), order])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let size = self.size.get();
        let kernel = Kernel::new(move |io| {
            let [rows, places] = io.outputs else {
                unreachable!("row_order has two outputs");
            };
            let (rows, places) = (rows.slice::<i64>(), places.slice::<i64>());
            let mut order = room((0, 0), rows.len());
            let found = positions("scatter_add", &io.inputs[0], size);
            for ((place, slot), row) in order.iter_mut().enumerate().zip(found) {
                *slot = (row? as i64, place as i64);
            }
            order.sort_unstable();
            for (at, (row, place)) in order.into_iter().enumerate() {
                (rows[at], places[at]) = (row, place);
            }
            Ok(())
        });
        Ok(kernel.fallible(true).into())
    }
}

/// `adam` on w, m and v for the gradient that rows of x add up to, in the order of [`RowOrder`]. Inputs w,
/// x, both outputs of the order, m, v, alpha; outputs as those of `adam`.
#[derive(Clone, Debug, Serialize)]
struct AdamByRows(Adam);

/// The input that each output starts from.
const FROM: [usize; 3] = [0, 4, 5];

impl Op for AdamByRows {
    fn name(&self) -> &'static str {
        "adam_by_rows"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        Ok(vec![inputs[0].clone(); 3])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let op = self.0.clone();
        let width: usize = inputs[0].dims()[1..].iter().product();
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            start::<T>(io, FROM);
            let [w, m, v] = io.outputs else {
                unreachable!("adam has three outputs");
            };
            let sums = RowSums::<T> {
                x: io.inputs[1].slice(),
                rows: io.inputs[2].slice(),
                places: io.inputs[3].slice(),
                width,
            };
            let constants = op.constants(io.inputs[6].slice::<T>()[0]);
            adam_by_rows(w.slice(), m.slice(), v.slice(), sums, constants);
            Ok(())
        }));
        let over = FROM.into_iter().zip(0..);
        Ok(kernel.over(over).into())
    }
}
