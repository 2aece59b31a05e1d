//! `y = a @ b` over the last two axes, `(..., m, k) @ (..., k, n)`; the axes before broadcast.
//!
//! `da = dout @ b^T`, `db = a^T @ dout`, summed over broadcast axes. `transpose_a`, `transpose_b` read
//! an operand with its last two axes exchanged; nothing is copied for it.

use super::build::Build;
use super::check;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::gemm::{gemm, Mat, MatMut, NoEpilogue};
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct Matmul {
    pub transpose_a: bool,
    pub transpose_b: bool,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Matmul {
        transpose_a: r.bool("transpose_a")?,
        transpose_b: r.bool("transpose_b")?,
    }))
}

/// Rows and columns of a matrix operand, as it is read.
fn sides(shape: &[usize], transpose: bool) -> (usize, usize) {
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
    (0..count)
        .map(|mut at| {
            let mut index = 0;
            for axis in (0..to.len()).rev() {
                let coordinate = at % to[axis];
                at /= to[axis];
                if let Some(a) = axis.checked_sub(lead).filter(|a| from[*a] != 1) {
                    index += coordinate * own[a];
                }
            }
            index
        })
        .collect()
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
        if k != kb {
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

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (sa, sb) = (&io.inputs[0].spec.shape, &io.inputs[1].spec.shape);
        let (m, k) = sides(sa, self.transpose_a);
        let (_, n) = sides(sb, self.transpose_b);
        let out_shape = &io.outputs[0].spec.shape;
        let batch = &out_shape[..out_shape.len() - 2];
        if batch.is_empty() {
            with_float!(io.outputs[0].spec.dtype, T => {
                let a = matrix(io.inputs[0].slice::<T>(), m, k, self.transpose_a);
                let b = matrix(io.inputs[1].slice::<T>(), k, n, self.transpose_b);
                let c = MatMut::row_major(T::slice_mut(&mut io.outputs[0].data), m, n);
                gemm(a, b, c, false, &NoEpilogue);
            });
            return Ok(());
        }
        let index_a = batch_index(&sa[..sa.len() - 2], batch);
        let index_b = batch_index(&sb[..sb.len() - 2], batch);
        with_float!(io.outputs[0].spec.dtype, T => {
            let (a, b) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            let out = T::slice_mut(&mut io.outputs[0].data);
            if m * n == 0 {
                return Ok(());
            }
            for (at, c) in out.chunks_mut(m * n).enumerate() {
                let a = matrix(&a[index_a[at] * m * k..][..m * k], m, k, self.transpose_a);
                let b = matrix(&b[index_b[at] * k * n..][..k * n], k, n, self.transpose_b);
                gemm(a, b, MatMut::row_major(c, m, n), false, &NoEpilogue);
            }
        });
        Ok(())
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
}

/// A stored matrix as the `rows x cols` one that it is read as.
pub fn matrix<T>(data: &[T], rows: usize, cols: usize, transposed: bool) -> Mat<'_, T> {
    if transposed {
        Mat::row_major(data, cols, rows).t()
    } else {
        Mat::row_major(data, rows, cols)
    }
}
