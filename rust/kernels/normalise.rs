//! Normalisation of rows.

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::number::Number;
use super::region::{share_if, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use super::softmax::fold_row;

/// Elements under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 15;
/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 13;

#[inline(always)]
fn sum<T: Float + Number>(x: &[T]) -> T {
    fold_row(x, <T as Number>::ZERO, |a, b| a + b)
}

/// `out = x - mean`, and `1 / sqrt(variance + epsilon)` of the row.
#[inline(always)]
fn centre<T: Float + Number>(x: &[T], epsilon: T, out: &mut [T]) -> T {
    let n = <T as Number>::from_f64(x.len() as f64);
    let mean = sum(x) / n;
    for (o, v) in out.iter_mut().zip(x) {
        *o = *v - mean;
    }
    let square = |acc: T, v: T| v.mul_add(v, acc);
    // Lanes are combined by the same function, so squares are summed apart.
    let mut lanes = [<T as Number>::ZERO; 16];
    let whole = out.len() / 16 * 16;
    for block in out[..whole].chunks_exact(16) {
        for (lane, v) in lanes.iter_mut().zip(block) {
            *lane = square(*lane, *v);
        }
    }
    let mut total = sum(&lanes);
    for v in &out[whole..] {
        total = square(total, *v);
    }
    (total / n + epsilon).sqrt().reciprocal()
}

struct Forward<'a, T> {
    x: &'a [T],
    gamma: &'a [T],
    beta: &'a [T],
    epsilon: T,
    out: &'a mut [T],
}

impl<T: Float + Number> Loop for Forward<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.gamma.len();
        for (x, out) in self.x.chunks_exact(n).zip(self.out.chunks_exact_mut(n)) {
            let scale = centre(x, self.epsilon, out);
            for ((o, gamma), beta) in out.iter_mut().zip(self.gamma).zip(self.beta) {
                *o = (*o * scale).mul_add(*gamma, *beta);
            }
        }
    }
}

/// `out = gamma * (x - mean) / sqrt(variance + epsilon) + beta` by rows of `gamma`'s length.
pub fn layer_norm<T: Float + Number>(x: &[T], gamma: &[T], beta: &[T], epsilon: T, out: &mut [T]) {
    if !gamma.is_empty() {
        let step = step(gamma.len());
        let worth_it = x.len() >= PARALLEL_LEN;
        let tasks = x.par_chunks(step).zip(out.par_chunks_mut(step));
        share_if(worth_it, tasks, |(x, out)| {
            dispatch(Forward {
                x,
                gamma,
                beta,
                epsilon,
                out,
            });
        });
    }
}

struct Grad<'a, T> {
    x: &'a [T],
    gamma: &'a [T],
    dout: &'a [T],
    epsilon: T,
    dx: &'a mut [T],
    dh: &'a mut [T],
}

impl<T: Float + Number> Loop for Grad<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.gamma.len();
        let count = <T as Number>::from_f64(n as f64);
        let results = self.dx.chunks_exact_mut(n).zip(self.dh.chunks_exact_mut(n));
        let inputs = self.x.chunks_exact(n).zip(self.dout.chunks_exact(n));
        for ((x, dout), (dx, h)) in inputs.zip(results) {
            let scale = centre(x, self.epsilon, h);
            for i in 0..n {
                h[i] *= scale;
                dx[i] = dout[i] * self.gamma[i];
            }
            let mean_g = sum(dx) / count;
            for i in 0..n {
                dx[i] *= h[i];
            }
            let mean_gh = sum(dx) / count;
            for i in 0..n {
                let g = dout[i] * self.gamma[i];
                dx[i] = ((g - mean_g) - h[i] * mean_gh) * scale;
                h[i] = dout[i] * h[i];
            }
        }
    }
}

/// `dx = (g - mean(g) - h mean(g h)) / sqrt(variance + epsilon)` with `g = dout * gamma`, and
/// `dh = dout * h`.
pub fn layer_norm_grad<T: Float + Number>(
    x: &[T],
    gamma: &[T],
    dout: &[T],
    epsilon: T,
    dx: &mut [T],
    dh: &mut [T],
) {
    if !gamma.is_empty() {
        let step = step(gamma.len());
        let worth_it = x.len() >= PARALLEL_LEN;
        let sides = dx.par_chunks_mut(step).zip(dh.par_chunks_mut(step));
        let tasks = x.par_chunks(step).zip(dout.par_chunks(step)).zip(sides);
        share_if(worth_it, tasks, |((x, dout), (dx, dh))| {
            dispatch(Grad {
                x,
                gamma,
                dout,
                epsilon,
                dx,
                dh,
            });
        });
    }
}

/// Elements of a task: whole rows of `n`.
fn step(n: usize) -> usize {
    (TASK_LEN / n).max(1) * n
}
