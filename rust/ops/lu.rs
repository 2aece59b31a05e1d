//! `P x = L U` of x (..., m, n) by partial pivoting: L, whose diagonal is 1, below the diagonal and U above
//! in one matrix; `pivots` (..., min(m, n)), row `i` was exchanged with row `pivots[i]`; and `rows` (..., m),
//! row `i` of `P x` is row `rows[i]` of x. Both int32.
//!
//! With L and U made square by ones on the diagonal, `d(P x) = L^-T (b(L^T dL) + u(dU U^T)) U^-T`, where b
//! is what is below the diagonal and u the rest. (de Hoog, Anderssen & Lukas, "Differentiation of matrix
//! functionals using triangular factorization", 2011.)

use super::build::Build;
use super::check;
use super::concat::Concat;
use super::matrices::{batch, count, least, nth, sides, Matrices, Part};
use super::scatter_along::ScatterAlong;
use super::solve_triangular::SolveTriangular;
use crate::error::Result;
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::linalg::{each, factors, narrowed, widened};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{DType, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lu {}

/// Columns (axis 1 from the end) or rows (axis 2) of the identity matrix behind those of x, up to `size`.
fn filled(g: &mut Graph, x: Value, axis: usize, size: Size) -> Result<Value> {
    let spec = g.spec(x).clone();
    let at = spec.rank() - axis;
    let from = spec.shape[at];
    if !from.surely_below(size) {
        return Ok(x);
    }
    let one = g.identity(x, size)?;
    let rest = g.cut(one, axis, from, size)?;
    g.push(Concat { axis: at }, &[x, rest])
}

impl Op for Lu {
    fn name(&self) -> &'static str {
        "lu"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let (m, n) = sides(self.name(), "x", x)?;
        let lines = |size| Spec::new([&batch(x)[..], &[size]].concat(), DType::I32);
        Ok(vec![x.clone(), lines(least(m, n)), lines(m)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (dlu, lu, rows) = (b.dout(self.name())?, b.outputs[0], b.outputs[2]);
        let g = &mut *b.graph;
        let spec = g.spec(lu).clone();
        let (m, n) = sides(self.name(), "x", &spec)?;
        let (first_columns, first_rows) = (
            g.cut(lu, 1, Size::ZERO, least(m, n))?,
            g.cut(lu, 2, Size::ZERO, least(m, n))?,
        );
        let (left, right) = (
            filled(g, first_columns, 1, m)?,
            filled(g, first_rows, 2, n)?,
        );
        let one = g.identity(lu, m)?;
        let lower = g.part(left, Part::BelowDiagonal)?;
        let lower = g.add(lower, one)?;
        let upper = g.part(right, Part::Upper)?;
        let (dl, du) = (g.part(dlu, Part::BelowDiagonal)?, g.part(dlu, Part::Upper)?);
        let below = g.product((lower, true), (dl, false))?;
        let below = g.part(below, Part::BelowDiagonal)?;
        let above = g.product((du, false), (upper, true))?;
        let above = g.part(above, Part::Upper)?;
        let inner = g.add(below, above)?;
        let by_lower = SolveTriangular {
            lower: true,
            transpose: true,
            unit: true,
        };
        let inner = g.push(by_lower, &[left, inner])?;
        let inner = g.swapped(inner)?;
        let by_upper = SolveTriangular {
            lower: false,
            transpose: false,
            unit: false,
        };
        let turned = g.push(by_upper, &[right, inner])?;
        let turned = g.swapped(turned)?;
        let places = g.as_columns(rows)?;
        let places = g.broadcast_to(places, &spec.shape)?;
        let op = ScatterAlong {
            axis: spec.rank() - 2,
            size: m,
        };
        Ok(vec![Some(g.push(op, &[turned, places])?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let total = count(inputs[0]);
        let dims = inputs[0].dims();
        let (m, n) = (dims[dims.len() - 2], dims[dims.len() - 1]);
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let [out, pivots, rows] = &mut *io.outputs else {
                unreachable!("three outputs");
            };
            let (pivots, rows) = (pivots.slice::<i32>(), rows.slice::<i32>());
            let numbers = room((room(0, m.min(n)), room(0, m)), total);
            let mut numbers: Vec<(Vec<usize>, Vec<usize>)> = numbers;
            let parts = out.slice::<T>().chunks_mut((m * n).max(1));
            let mut parts = parts.map(Some).chain(std::iter::repeat_with(|| None));
            let tasks = numbers.iter_mut().enumerate().map(|(at, lines)| (at, parts.next().flatten(), lines));
            each(tasks.collect(), m * n * m.min(n) / 2, |(at, out, (pivots, rows))| {
                let mut a = widened(nth(x, at, m * n));
                factors::lu(&mut a, m, n, pivots);
                out.into_iter().for_each(|out: &mut [T]| narrowed(&a, out));
                (0..m).for_each(|i| rows[i] = i);
                pivots.iter().enumerate().for_each(|(i, pivot)| rows.swap(i, *pivot));
                true
            });
            let lines = numbers.iter();
            let all = lines.clone().flat_map(|(pivots, _)| pivots);
            pivots.iter_mut().zip(all).for_each(|(to, v)| *to = *v as i32);
            let all = lines.flat_map(|(_, rows)| rows);
            rows.iter_mut().zip(all).for_each(|(to, v)| *to = *v as i32);
            Ok(())
        })
        .into()))
    }
}
