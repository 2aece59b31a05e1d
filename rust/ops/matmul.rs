//! `y = a @ b` over the last two axes, `(..., m, k) @ (..., k, n)`; the axes before broadcast.
//!
//! `da = dout @ b^T`, `db = a^T @ dout`, summed over broadcast axes. `transpose_a`, `transpose_b` read
//! an operand with its last two axes exchanged; nothing is copied for it.

use super::build::Build;
use super::check;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::gemm::{gemm, Mat, MatMut, NoEpilogue};
use crate::memory::reserve;
use crate::run::{Kernel, Prepared};
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matmul {
    pub transpose_a: bool,
    pub transpose_b: bool,
}

/// Rows and columns of a matrix operand, as it is read.
fn sides<N: Copy>(shape: &[N], transpose: bool) -> (N, N) {
    let (rows, cols) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    if transpose {
        (cols, rows)
    } else {
        (rows, cols)
    }
}

/// For each batch element of `to`, the number of its matrix in an operand with batch axes `from`.
fn batch_index(from: &[usize], to: &[usize]) -> Vec<usize> {
    let own = crate::tensor::strides(from);
    let lead = to.len() - from.len();
    let count: usize = to.iter().product();
    let mut all = Vec::new();
    reserve(&mut all, count);
    all.extend((0..count).map(|mut at| {
        let mut index = 0;
        for axis in (0..to.len()).rev() {
            let coordinate = at % to[axis];
            at /= to[axis];
            if let Some(a) = axis.checked_sub(lead).filter(|a| from[*a] != 1) {
                index += coordinate * own[a];
            }
        }
        index
    }));
    all
}

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [a, b] = check::count(self.name(), inputs)?;
        check::float(self.name(), "a", a)?;
        check::same_dtype(self.name(), a, b)?;
        if a.rank() < 2 || b.rank() < 2 {
            return Err(Error::shape(
                self.name(),
                "matrices (..., m, k) and (..., k, n)",
                format!("{} and {}", show(&a.shape), show(&b.shape)),
            ));
        }
        let (m, k) = sides(&a.shape, self.transpose_a);
        let (kb, n) = sides(&b.shape, self.transpose_b);
        if !k.may_be(kb) {
            return Err(Error::shape(
                self.name(),
                format!("b with {k} rows for a of {}", show(&a.shape)),
                show(&b.shape),
            ));
        }
        let (batch_a, batch_b) = (&a.shape[..a.rank() - 2], &b.shape[..b.rank() - 2]);
        let mut shape = check::broadcast(self.name(), &[batch_a, batch_b])?;
        shape.extend([m, n]);
        Ok(vec![Spec::new(shape, a.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, w) = (b.inputs[0], b.inputs[1]);
        let (sx, sw) = (b.spec(x).shape, b.spec(w).shape);
        let product = |g: &mut crate::graph::Graph, a, ta, b, tb| {
            let op = Matmul {
                transpose_a: ta,
                transpose_b: tb,
            };
            g.push(op, &[a, b])
        };
        let (ta, tb) = (self.transpose_a, self.transpose_b);
        let g = &mut *b.graph;
        let dx = match (b.wanted[0], ta) {
            (false, _) => None,
            (true, false) => Some(product(g, dout, false, w, !tb)?),
            (true, true) => Some(product(g, w, tb, dout, true)?),
        };
        let dw = match (b.wanted[1], tb) {
            (false, _) => None,
            (true, false) => Some(product(g, x, !ta, dout, false)?),
            (true, true) => Some(product(g, dout, true, x, ta)?),
        };
        let dx = dx.map(|d| g.sum_to(d, &sx)).transpose()?;
        let dw = dw.map(|d| g.sum_to(d, &sw)).transpose()?;
        Ok(vec![dx, dw])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let (sa, sb) = (inputs[0].dims(), inputs[1].dims());
        let (ta, tb) = (self.transpose_a, self.transpose_b);
        let (m, k) = sides(sa, ta);
        let (_, n) = sides(sb, tb);
        let batch = &outputs[0].dims()[..outputs[0].rank() - 2];
        let index_a = batch_index(&sa[..sa.len() - 2], batch);
        let index_b = batch_index(&sb[..sb.len() - 2], batch);
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (a, b) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            for (at, c) in io.outputs[0].slice().chunks_mut((m * n).max(1)).enumerate() {
                let a = matrix(&a[index_a[at] * m * k..][..m * k], m, k, ta);
                let b = matrix(&b[index_b[at] * k * n..][..k * n], k, n, tb);
                gemm(a, b, MatMut::row_major(c, m, n), false, &NoEpilogue);
            }
            Ok(())
        })
        .into()))
    }
}

/// A stored matrix as the `rows x cols` one that it is read as.
pub fn matrix<T>(data: &[T], rows: usize, cols: usize, transposed: bool) -> Mat<'_, T> {
    if transposed {
        Mat::row_major(data, cols, rows).t()
    } else {
        Mat::row_major(data, rows, cols)
    }
}
