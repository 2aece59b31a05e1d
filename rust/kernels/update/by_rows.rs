//! A step of Adam on a table of which a gradient touches some rows: the gradient of the others is 0, and
//! none is ever stored.

use super::{Adam, Step, CHUNK, PARALLEL_LEN};
use crate::kernels::float::Float;
use crate::kernels::isa::{dispatch, Loop};
use crate::kernels::number::Number;
use crate::kernels::region::{share_if, IndexedParallelIterator, ParallelSliceMut};
use crate::memory::room;

/// The gradient of a table as rows that are added to its own.
#[derive(Clone, Copy, Debug)]
pub struct RowSums<'a, T> {
    /// Rows of the table, ascending; one often, where several are added to it.
    pub rows: &'a [i64],
    /// For each of them the place of what is added, in the order in which it is.
    pub places: &'a [i64],
    /// (places, width)
    pub x: &'a [T],
    pub width: usize,
}

/// Some rows of the table from `first` on.
struct Rows<'a, T> {
    w: &'a mut [T],
    m: &'a mut [T],
    v: &'a mut [T],
    first: usize,
    sums: RowSums<'a, T>,
    adam: Adam<T>,
}

/// Whether all are 0, and none -0. The first is looked at first: where it is not, memory is not waited for.
#[inline(always)]
fn are_zero<T: Float>(x: &[T]) -> bool {
    let is_zero = |x: T| x == T::ZERO && T::ONE.copysign(x) > T::ZERO;
    is_zero(x[0]) && x.iter().fold(true, |all, x| all & is_zero(*x))
}

impl<T: Float + Number> Loop for Rows<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Rows {
            w,
            m,
            v,
            first,
            sums,
            adam,
        } = self;
        let width = sums.width;
        let zeros = room(<T as Number>::ZERO, width);
        let mut sum = zeros.clone();
        let rests = adam.rests();
        let mut at = sums.rows.partition_point(|row| *row < first as i64);
        let states = w.chunks_mut(width).zip(m.chunks_mut(width));
        for (row, ((w, m), v)) in (first as i64..).zip(states.zip(v.chunks_mut(width))) {
            let is_touched = sums.rows.get(at) == Some(&row);
            if is_touched {
                sum.fill(<T as Number>::ZERO);
            } else if rests && are_zero(m) && are_zero(v) {
                continue;
            }
            while sums.rows.get(at) == Some(&row) {
                let x = &sums.x[sums.places[at] as usize * width..][..width];
                for (s, x) in sum.iter_mut().zip(x) {
                    *s += *x;
                }
                at += 1;
            }
            let g = if is_touched { &sum } else { &zeros };
            Step { w, m, v, g, adam }.run();
        }
    }
}

/// As [`super::adam`] for the gradient that `sums` add up to, in the same bits.
pub fn adam_by_rows<T: Float + Number>(
    w: &mut [T],
    m: &mut [T],
    v: &mut [T],
    sums: RowSums<T>,
    adam: Adam<T>,
) {
    let rows = (CHUNK / sums.width).max(1);
    let size = rows * sums.width;
    let is_large = w.len() >= PARALLEL_LEN;
    let states = w.par_chunks_mut(size).zip(m.par_chunks_mut(size));
    let tasks = states.zip(v.par_chunks_mut(size)).enumerate();
    share_if(is_large, tasks, |(chunk, ((w, m), v))| {
        dispatch(Rows {
            w,
            m,
            v,
            first: chunk * rows,
            sums,
            adam,
        });
    });
}
