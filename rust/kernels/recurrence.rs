//! Recurrent cells over the steps of sequences, forward and backward.
//!
//! Rows of a batch do not depend on each other: a task takes some rows through all steps, with the
//! recurrent weights in its cache, and waits for nobody. Every product is a chain of the matrix
//! product ([`super::gemm`]) that begins with what the inputs give, so neither the rows of a task nor
//! the instruction set change a bit.

mod gru;
mod lanes;
mod lstm;
mod simple;

pub use gru::Gru;
pub use lstm::Lstm;
pub use simple::Simple;

use super::float::Float;
use super::gemm::{self, gemm, Mat, MatMut, NoEpilogue};
use super::isa::{dispatch, Loop};
use super::region::{share_if, IntoParallelIterator};
use super::strided::{copy_matrix, matrix, matrix_mut};
use crate::dtype::Scalar;
use crate::memory::room;
use std::ops::Range;

/// Most rows that one task takes.
const ROWS: usize = 16;
/// Multiply-adds below which one thread does it all.
const SERIAL: usize = 1 << 18;

/// `f32` or `f64`, with all that the cells need of them.
pub trait Real: Float + gemm::Element + Scalar {}
impl<T: Float + gemm::Element + Scalar> Real for T {}

/// What one row does at one step. `#[inline(always)]`: it is compiled for the instruction set in use.
pub trait Cell<T>: Sync {
    /// Gates: `pre` and `x` are as many times as wide as the state.
    const GATES: usize;
    /// Whether the recurrent product continues what the inputs give; else the cell gets both.
    const ADDS: bool;

    /// From the products `pre`, `h` (before the step) and the carry `c`: both after the step.
    fn step(&self, x: &[T], pre: &[T], h: &mut [T], c: &mut [T]);

    /// Turns `dh` and `dc` by the states after the step into those before it, `dh` without what flows
    /// through `pre`; leaves the gradients by `pre` there, and by x in `dx` where it is another one.
    fn back(&self, at: Step<'_, T>, pre: &mut [T], dh: &mut [T], dc: &mut [T], dx: &mut [T]);
}

/// What a row has seen at a step.
pub struct Step<'a, T> {
    pub x: &'a [T],
    /// The state before the step.
    pub h: &'a [T],
    /// The carry before and after the step; empty where the cell has none.
    pub c: [&'a [T]; 2],
}

/// A layer's sequences. What a cell has not, or nobody gave, is empty.
pub struct Sequences<'a, T> {
    pub rows: usize,
    pub steps: usize,
    pub units: usize,
    /// Whether the last step comes first.
    pub reverse: bool,
    /// What the inputs give, (rows, steps, gates * units).
    pub x: &'a [T],
    /// (units, gates * units)
    pub weights: &'a [T],
    /// What the product with the weights begins with where the cell does not add it to x: (gates * units).
    pub bias: &'a [T],
    /// States before the first step, (rows, units), and carries.
    pub initial: [&'a [T]; 2],
    /// (rows, steps): at zeros the state stays.
    pub mask: &'a [u8],
}

/// What the backward pass reads besides: states and carries of all steps, and the gradients by them.
pub struct Seen<'a, T> {
    pub states: [&'a [T]; 2],
    pub dstates: [&'a [T]; 2],
    /// The products of all steps, if the forward pass kept them: else they are computed again.
    pub products: &'a [T],
}

/// What it makes: (rows, steps, gates * units) by x and by the products, (rows, units) by states and
/// carries before the first step.
pub struct Gradients<'a, T> {
    pub dx: &'a mut [T],
    /// Empty where it is `dx`.
    pub dpre: &'a mut [T],
    pub dinitial: [&'a mut [T]; 2],
}

/// Cuts a slice of `rows` rows into those of the tasks; of nothing it makes as many times nothing.
fn by_rows<T>(mut x: &mut [T], rows: usize, per: usize) -> Vec<&mut [T]> {
    let width = x.len() / rows;
    let mut parts = Vec::with_capacity(rows.div_ceil(per));
    for first in (0..rows).step_by(per) {
        let (part, rest) = x.split_at_mut(per.min(rows - first) * width);
        parts.push(part);
        x = rest;
    }
    parts
}

impl<T: Real> Sequences<'_, T> {
    /// Rows of a task: by shape alone, two tasks at least where there are two rows.
    fn per_task(&self) -> usize {
        let tasks = self.rows.div_ceil(ROWS).max(self.rows.min(2));
        self.rows.div_ceil(tasks)
    }

    fn worth_sharing(&self, width: usize) -> bool {
        self.rows * self.steps * self.units * width >= SERIAL
    }

    /// The position of step number `at`.
    fn position(&self, at: usize) -> usize {
        if self.reverse {
            self.steps - 1 - at
        } else {
            at
        }
    }

    fn is_seen(&self, row: usize, position: usize) -> bool {
        self.mask.is_empty() || self.mask[row * self.steps + position] != 0
    }

    fn x(&self, row: usize, position: usize, width: usize) -> &[T] {
        &self.x[(row * self.steps + position) * width..][..width]
    }

    /// Rows of (rows, units); none of what is not there.
    fn copy_of(&self, x: &[T], rows: &Range<usize>) -> Vec<T> {
        let part = x.get(rows.start * self.units..rows.end * self.units);
        part.unwrap_or(&[]).to_vec()
    }

    /// Rows of one step, put where they lie among all steps, if there is a place for them.
    fn leave(&self, rows: &[T], all: &mut [T], position: usize, width: usize) {
        let places = all.chunks_exact_mut(self.steps * width);
        for (row, all) in rows.chunks_exact(width).zip(places) {
            all[position * width..][..width].copy_from_slice(row);
        }
    }

    /// Rows of one step, taken from all steps.
    fn take(&self, all: &[T], rows: &Range<usize>, position: usize, to: &mut [T]) {
        let width = to.len() / rows.len();
        for (row, to) in rows.clone().zip(to.chunks_exact_mut(width.max(1))) {
            to.copy_from_slice(&all[(row * self.steps + position) * width..][..width]);
        }
    }

    /// The products of a step: what they begin with, and states `h` times weights.
    fn products<C: Cell<T>>(&self, rows: &Range<usize>, position: usize, h: &[T], pre: &mut [T]) {
        let width = C::GATES * self.units;
        for (row, pre) in rows.clone().zip(pre.chunks_exact_mut(width)) {
            match (C::ADDS, self.bias.is_empty()) {
                (true, _) => pre.copy_from_slice(self.x(row, position, width)),
                (false, true) => pre.fill(<T as Float>::ZERO),
                (false, false) => pre.copy_from_slice(self.bias),
            }
        }
        let h = Mat::row_major(h, rows.len(), self.units);
        let weights = Mat::row_major(self.weights, self.units, width);
        gemm(
            h,
            weights,
            MatMut::row_major(pre, rows.len(), width),
            true,
            &NoEpilogue,
        );
    }

    /// The states (and carries) after every step, (rows, steps, units), and the products of every step where
    /// there is room for them, (rows, steps, gates * units).
    pub fn forward<C: Cell<T>>(&self, cell: &C, states: [&mut [T]; 2], products: &mut [T]) {
        if self.rows * self.steps * self.units == 0 {
            return;
        }
        let per = self.per_task();
        let cut = |x| by_rows(x, self.rows, per).into_iter();
        let [h, c] = states.map(cut);
        let parts = h.zip(c).zip(cut(products));
        let tasks: Vec<_> = (0..self.rows).step_by(per).zip(parts).collect();
        let worth_it = self.worth_sharing(C::GATES * self.units);
        share_if(
            worth_it,
            tasks.into_par_iter(),
            |(first, ((h, c), products))| {
                self.forward_rows(cell, first..self.rows.min(first + per), [h, c], products);
            },
        );
    }

    fn forward_rows<C: Cell<T>>(
        &self,
        cell: &C,
        rows: Range<usize>,
        states: [&mut [T]; 2],
        products: &mut [T],
    ) {
        let (units, width) = (self.units, C::GATES * self.units);
        let [mut h, mut c] = self.initial.map(|x| self.copy_of(x, &rows));
        let [states, carries] = states;
        let mut pre = room(<T as Float>::ZERO, rows.len() * width);
        for at in 0..self.steps {
            let position = self.position(at);
            self.products::<C>(&rows, position, &h, &mut pre);
            self.leave(&pre, products, position, width);
            dispatch(Forward {
                cell,
                sequences: self,
                rows: &rows,
                position,
                pre: &pre,
                h: &mut h,
                c: &mut c,
            });
            self.leave(&h, states, position, units);
            self.leave(&c, carries, position, units);
        }
    }

    /// The gradients, from those by the states (and carries) after every step.
    pub fn backward<C: Cell<T>>(&self, cell: &C, seen: &Seen<'_, T>, out: Gradients<'_, T>) {
        let (units, width) = (self.units, C::GATES * self.units);
        if self.rows * self.steps * units == 0 {
            out.dinitial
                .into_iter()
                .for_each(|d| d.fill(<T as Float>::ZERO));
            return;
        }
        let mut turned = room(<T as Float>::ZERO, units * width);
        let by_columns = matrix(self.weights, units, width).reversed_axes();
        copy_matrix(by_columns, matrix_mut(&mut turned, width, units));
        let per = self.per_task();
        let cut = |x| by_rows(x, self.rows, per).into_iter();
        let [dh, dc] = out.dinitial;
        let parts = cut(out.dx).zip(cut(out.dpre)).zip(cut(dh).zip(cut(dc)));
        let tasks: Vec<_> = (0..self.rows).step_by(per).zip(parts).collect();
        let worth_it = self.worth_sharing(width);
        share_if(
            worth_it,
            tasks.into_par_iter(),
            |(first, ((dx, dpre), (dh, dc)))| {
                let rows = first..self.rows.min(first + per);
                let out = Gradients {
                    dx,
                    dpre,
                    dinitial: [dh, dc],
                };
                self.backward_rows(cell, rows, &turned, seen, out);
            },
        );
    }

    fn backward_rows<C: Cell<T>>(
        &self,
        cell: &C,
        rows: Range<usize>,
        turned: &[T],
        seen: &Seen<'_, T>,
        out: Gradients<'_, T>,
    ) {
        let (units, width) = (self.units, C::GATES * self.units);
        let [first_h, first_c] = self.initial.map(|x| self.copy_of(x, &rows));
        let (mut h, mut c) = (first_h.clone(), first_c.clone());
        let mut pre = room(<T as Float>::ZERO, rows.len() * width);
        let mut dx = room(<T as Float>::ZERO, if C::ADDS { 0 } else { pre.len() });
        let [dh, dc] = out.dinitial;
        dh.fill(<T as Float>::ZERO);
        dc.fill(<T as Float>::ZERO);
        for at in (0..self.steps).rev() {
            let position = self.position(at);
            let before = at.checked_sub(1).map(|at| self.position(at));
            let pairs = [(&mut h, &first_h), (&mut c, &first_c)];
            for ((now, first), all) in pairs.into_iter().zip(seen.states) {
                match before {
                    None => now.copy_from_slice(first),
                    Some(before) => self.take(all, &rows, before, now),
                }
            }
            match seen.products {
                [] => self.products::<C>(&rows, position, &h, &mut pre),
                all => self.take(all, &rows, position, &mut pre),
            }
            dispatch(Backward {
                cell,
                sequences: self,
                rows: &rows,
                position,
                seen,
                h: &h,
                c: &c,
                pre: &mut pre,
                dx: &mut dx,
                dh,
                dc,
            });
            let of_x = if C::ADDS { &pre } else { &dx };
            self.leave(of_x, out.dx, position, width);
            self.leave(&pre, out.dpre, position, width);
            let pre = Mat::row_major(&pre, rows.len(), width);
            let turned = Mat::row_major(turned, width, units);
            gemm(
                pre,
                turned,
                MatMut::row_major(dh, rows.len(), units),
                true,
                &NoEpilogue,
            );
        }
    }
}

struct Forward<'a, 's, T, C> {
    cell: &'a C,
    sequences: &'a Sequences<'s, T>,
    rows: &'a Range<usize>,
    position: usize,
    pre: &'a [T],
    h: &'a mut [T],
    c: &'a mut [T],
}

impl<T: Real, C: Cell<T>> Loop for Forward<'_, '_, T, C> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let s = self.sequences;
        let (units, width) = (s.units, C::GATES * s.units);
        for (i, row) in self.rows.clone().enumerate() {
            if s.is_seen(row, self.position) {
                let at = i * units..(i + 1) * units;
                let h = &mut self.h[at.clone()];
                let c = self.c.get_mut(at).unwrap_or_default();
                let pre = &self.pre[i * width..][..width];
                self.cell.step(s.x(row, self.position, width), pre, h, c);
            }
        }
    }
}

struct Backward<'a, 's, T, C> {
    cell: &'a C,
    sequences: &'a Sequences<'s, T>,
    rows: &'a Range<usize>,
    position: usize,
    seen: &'a Seen<'s, T>,
    h: &'a [T],
    c: &'a [T],
    pre: &'a mut [T],
    dx: &'a mut [T],
    dh: &'a mut [T],
    dc: &'a mut [T],
}

impl<T: Real, C: Cell<T>> Loop for Backward<'_, '_, T, C> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let s = self.sequences;
        let (units, width) = (s.units, C::GATES * s.units);
        for (i, row) in self.rows.clone().enumerate() {
            let (own, gates) = (i * units..(i + 1) * units, i * width..(i + 1) * width);
            let now = (row * s.steps + self.position) * units;
            let at = |x: &'_ [T]| -> Range<usize> {
                if x.is_empty() {
                    0..0
                } else {
                    now..now + units
                }
            };
            let dh = &mut self.dh[own.clone()];
            let dc = self.dc.get_mut(own.clone()).unwrap_or_default();
            for (d, more) in [
                (&mut *dh, self.seen.dstates[0]),
                (&mut *dc, self.seen.dstates[1]),
            ] {
                d.iter_mut()
                    .zip(&more[at(more)])
                    .for_each(|(d, m)| *d += *m);
            }
            let pre = &mut self.pre[gates.clone()];
            let dx = self.dx.get_mut(gates).unwrap_or_default();
            if !s.is_seen(row, self.position) {
                pre.fill(<T as Float>::ZERO);
                dx.fill(<T as Float>::ZERO);
                continue;
            }
            let carries = self.seen.states[1];
            let step = Step {
                x: s.x(row, self.position, width),
                h: &self.h[own.clone()],
                c: [self.c.get(own).unwrap_or_default(), &carries[at(carries)]],
            };
            self.cell.back(step, pre, dh, dc, dx);
        }
    }
}
