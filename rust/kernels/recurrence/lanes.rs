//! Blocks of neighbouring units in arrays of one length: loops over them are compiled into vectors, however
//! many slices they come from.

use super::Real;
use crate::kernels::float::Float;

/// Units of a block.
pub const LANES: usize = 16;

/// One number for each unit of a block.
pub type Lanes<T> = [T; LANES];

/// Units `at..at + n` of x; zeros behind them.
#[inline(always)]
pub fn load<T: Real>(x: &[T], at: usize, n: usize) -> Lanes<T> {
    let mut lanes = [<T as Float>::ZERO; LANES];
    lanes[..n].copy_from_slice(&x[at..at + n]);
    lanes
}

/// Leaves a block in units `at..at + n` of x.
#[inline(always)]
pub fn store<T: Real>(lanes: &Lanes<T>, x: &mut [T], at: usize, n: usize) {
    x[at..at + n].copy_from_slice(&lanes[..n]);
}

/// Work on blocks of units.
pub trait Blocks {
    /// Units `at..at + n`, at most [`LANES`]. `#[inline(always)]`.
    fn block(&mut self, at: usize, n: usize);
}

/// All of `units` units.
#[inline(always)]
pub fn by_blocks(units: usize, mut work: impl Blocks) {
    let whole = units / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        work.block(at, LANES);
    }
    if whole < units {
        work.block(whole, units - whole);
    }
}
