//! The transpose of a matrix, in squares of vectors.

use super::micro::Element;
use crate::kernels::isa::isa;

/// `to[p * to_stride + i] = from[i * from_stride + p]` for `rows` and `columns`.
///
/// # Panics
/// An element of either lies outside.
pub fn transpose<T: Element>(
    from: &[T],
    from_stride: usize,
    [rows, columns]: [usize; 2],
    to: &mut [T],
    to_stride: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!((rows - 1) * from_stride + columns <= from.len());
    assert!((columns - 1) * to_stride + rows <= to.len());
    let kernels = T::kernels(isa());
    let [high, wide] = [rows, columns].map(|n| n / kernels.lanes * kernels.lanes);
    for i in (0..high).step_by(kernels.lanes) {
        // SAFETY: whole squares of the elements whose bounds are checked above; `isa` gives what this
        // machine has.
        unsafe {
            let (from, to) = (from.as_ptr().add(i * from_stride), to.as_mut_ptr().add(i));
            (kernels.transpose)(from, from_stride, kernels.lanes, wide, to, to_stride);
        }
    }
    for i in 0..rows {
        for p in if i < high { wide } else { 0 }..columns {
            to[p * to_stride + i] = from[i * from_stride + p];
        }
    }
}
