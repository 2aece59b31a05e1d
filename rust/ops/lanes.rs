//! Lanes: the 1-d runs of a tensor along one axis, gathered where they are strided.

use crate::dtype::Scalar;
use crate::kernels::region::{
    share_if, IndexedParallelIterator, IntoParallelIterator, ParallelSlice, ParallelSliceMut,
};
use crate::kernels::strided::{array, array_mut, copy};
use crate::memory::room;
use ndarray::{ArrayViewD, ArrayViewMutD, Axis};

/// `(outer, n, inner)`: the sizes before, at and after an axis.
pub fn split(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (
        shape[..axis].iter().product(),
        shape[axis],
        shape[axis + 1..].iter().product(),
    )
}

/// Elements under which one thread does all lanes.
const PARALLEL_LEN: usize = 1 << 15;
/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 13;

/// As [`map_lanes`] with lanes of one length in and out, but `f` gets several contiguous lanes at once
/// where they lie one after the other.
pub fn map_rows<T: Scalar>(
    x: &[T],
    out: &mut [T],
    (outer, n, inner): (usize, usize, usize),
    f: impl Fn(&[T], &mut [T]) + Sync,
) {
    if inner != 1 || n == 0 {
        return map_lanes(x, out, (outer, n, inner), n, f);
    }
    let step = (TASK_LEN / n).max(1) * n;
    let tasks = x.par_chunks(step).zip(out.par_chunks_mut(step));
    share_if(outer * n >= PARALLEL_LEN, tasks, |(x, out)| f(x, out));
}

/// Lanes that are gathered together: as many lie in a line of the cache, or more.
const TOGETHER: usize = 16;

/// Calls `f(lane of x, lane of out)` for every lane along `axis`; both have the given lengths there
/// and agree on the other axes.
pub fn map_lanes<A: Scalar, B: Scalar>(
    x: &[A],
    out: &mut [B],
    (outer, n, inner): (usize, usize, usize),
    out_n: usize,
    f: impl Fn(&[A], &mut [B]) + Sync,
) {
    if outer * inner == 0 || n * out_n == 0 {
        return;
    }
    let worth_it = outer * n * inner >= PARALLEL_LEN;
    let lanes = (TASK_LEN / n).max(1);
    if inner == 1 {
        let tasks = x
            .par_chunks(lanes * n)
            .zip(out.par_chunks_mut(lanes * out_n));
        return share_if(worth_it, tasks, |(x, out)| {
            x.chunks(n)
                .zip(out.chunks_mut(out_n))
                .for_each(|(x, y)| f(x, y));
        });
    }
    let group = (TASK_LEN / (n * inner)).max(1);
    let lanes = lanes.max(TOGETHER);
    let x = array(x, &[outer, n, inner]);
    let out = array_mut(out, &[outer, out_n, inner]);
    let parts = cut((x, out), Axis(0), group).into_iter();
    let tasks: Vec<_> = parts.flat_map(|part| cut(part, Axis(2), lanes)).collect();
    share_if(worth_it, tasks.into_par_iter(), |(x, out)| {
        let mut lanes = room(A::default(), x.len());
        let mut results = room(B::default(), out.len());
        let (x, out) = (
            x.permuted_axes(&[0, 2, 1][..]),
            out.permuted_axes(&[0, 2, 1][..]),
        );
        let shape = x.shape().to_vec();
        copy(x, array_mut(&mut lanes, &shape));
        lanes
            .chunks(n)
            .zip(results.chunks_mut(out_n))
            .for_each(|(x, y)| f(x, y));
        let shape = out.shape().to_vec();
        copy(array(&results, &shape), out);
    });
}

type Part<'a, A, B> = (ArrayViewD<'a, A>, ArrayViewMutD<'a, B>);

/// Cuts both along an axis into parts of `size`, the last one perhaps smaller.
fn cut<'a, A, B>((mut x, mut out): Part<'a, A, B>, axis: Axis, size: usize) -> Vec<Part<'a, A, B>> {
    let mut parts = Vec::new();
    while x.len_of(axis) > size {
        let (first, rest) = x.split_at(axis, size);
        let (out_first, out_rest) = out.split_at(axis, size);
        parts.push((first, out_first));
        (x, out) = (rest, out_rest);
    }
    parts.push((x, out));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, Zip};

    /// Lanes summed up from the front, and their last and first elements, as ndarray reaches them.
    #[test]
    fn lanes_are_those_of_the_axis() {
        let shapes = [
            (1, 1, 1),
            (3, 5, 1),
            (2, 7, 3),
            (1, 300, 400),
            (5000, 3, 4),
            (2, 20000, 17),
        ];
        for (outer, n, inner) in shapes {
            let x = Array3::from_shape_fn((outer, n, inner), |(o, k, i)| {
                ((o * 31 + k * 7 + i) % 101) as f32
            });
            let x_slice = x.as_slice().unwrap();
            let mut sums = Array3::zeros((outer, n, inner));
            let to = sums.as_slice_mut().unwrap();
            map_lanes(x_slice, to, (outer, n, inner), n, |x, y| {
                let mut sum = 0.0;
                x.iter().zip(y).for_each(|(x, y)| {
                    sum += x;
                    *y = sum;
                });
            });
            let mut expected = x.clone();
            expected.accumulate_axis_inplace(Axis(1), |before, x| *x += before);
            assert_eq!(sums, expected);

            let mut ends = Array3::zeros((outer, 2, inner));
            let to = ends.as_slice_mut().unwrap();
            map_lanes(x_slice, to, (outer, n, inner), 2, |x, y| {
                y.copy_from_slice(&[x[n - 1], x[0]]);
            });
            Zip::from(ends.lanes(Axis(1)))
                .and(x.lanes(Axis(1)))
                .for_each(|ends, x| {
                    assert_eq!(ends.to_vec(), [x[n - 1], x[0]]);
                });
        }
    }
}
