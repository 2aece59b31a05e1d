//! One instruction on one block: the loops of `map` on typed slices, apart or in place.

use super::Step;
use crate::kernels::map::{self, Binary, Instr};
use crate::kernels::merged;
use crate::kernels::narrow;
use crate::kernels::rng;
use crate::memory::ALIGN;
use crate::tensor::{DType, Element};
use crate::{with_dtype, with_float};

/// # Safety
/// `n` elements of `T` at `ptr`, which nothing writes while the slice lives.
pub unsafe fn slice<'a, T: Element>(ptr: *const u8, n: usize) -> &'a [T] {
    debug_assert!(ptr.cast::<T>().is_aligned() && ALIGN >= 8);
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(ptr.cast(), n) }
}

/// # Safety
/// `n` elements of `T` at `ptr`, the caller's alone while the slice lives.
pub unsafe fn slice_mut<'a, T: Element>(ptr: *mut u8, n: usize) -> &'a mut [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(ptr.cast(), n) }
}

/// Where the operands of a step are; null beyond them.
pub type Operands = [*const u8; 4];

/// # Safety
/// Operands hold `n` elements of `step.dtype` (bool for `Select`'s condition and `Logical`), the
/// target `n` of `step.out`, and the target overlaps no operand.
pub unsafe fn execute(step: &Step, args: Operands, target: *mut u8, n: usize, start: usize) {
    // SAFETY: the caller's promise, for every slice below.
    unsafe {
        match step.instr {
            Instr::Unary(f) => match step.dtype {
                DType::F32 => map::unary_float::<f32>(f, slice(args[0], n), slice_mut(target, n)),
                DType::F64 => map::unary_float::<f64>(f, slice(args[0], n), slice_mut(target, n)),
                other => with_dtype!(other, T => {
                    map::unary_int::<T>(f, slice(args[0], n), slice_mut(target, n))
                }),
            },
            Instr::Test(f) => with_float!(step.dtype, T => {
                map::test::<T>(f, slice(args[0], n), slice_mut(target, n))
            }),
            Instr::Binary(map::Binary::Atan2) => with_float!(step.dtype, T => {
                map::atan2::<T>(slice(args[0], n), slice(args[1], n), slice_mut(target, n))
            }),
            Instr::Binary(Binary::Pow) if step.dtype.is_float() => with_float!(step.dtype, T => {
                map::power::<T>(slice(args[0], n), slice(args[1], n), slice_mut(target, n))
            }),
            Instr::Binary(f) => with_dtype!(step.dtype, T => {
                map::binary::<T>(f, slice(args[0], n), slice(args[1], n), slice_mut(target, n))
            }),
            Instr::Compare(f) => with_dtype!(step.dtype, T => {
                map::compare::<T>(f, slice(args[0], n), slice(args[1], n), slice_mut(target, n))
            }),
            Instr::Logical(f) => {
                let second = if step.args.len() == 1 {
                    args[0]
                } else {
                    args[1]
                };
                map::logical(f, slice(args[0], n), slice(second, n), slice_mut(target, n))
            }
            Instr::Select => with_dtype!(step.dtype, T => {
                map::select::<T>(
                    slice(args[0], n),
                    slice(args[1], n),
                    slice(args[2], n),
                    slice_mut(target, n),
                )
            }),
            Instr::Cast(DType::Bool) => with_dtype!(step.dtype, T => {
                map::to_bool::<T>(slice(args[0], n), slice_mut(target, n))
            }),
            Instr::Cast(to) => with_dtype!(step.dtype, A => {
                with_dtype!(to, B => map::cast::<A, B>(slice(args[0], n), slice_mut(target, n)))
            }),
            Instr::Narrow(format) => match step.dtype {
                DType::F32 => {
                    narrow::floats::<f32>(format, slice(args[0], n), slice_mut(target, n))
                }
                DType::F64 => {
                    narrow::floats::<f64>(format, slice(args[0], n), slice_mut(target, n))
                }
                _ => narrow::integers(format, slice(args[0], n), slice_mut(target, n)),
            },
            Instr::Pair(f, then) => with_float!(step.dtype, T => {
                let third = if step.args.len() == 2 { args[0] } else { args[2] };
                let operands = [args[0], args[1], third].map(|arg| slice::<T>(arg, n));
                merged::pair(f, then, operands, slice_mut(target, n))
            }),
            Instr::Choose(f) => with_float!(step.dtype, T => {
                merged::choose(f, args.map(|arg| slice::<T>(arg, n)), slice_mut(target, n))
            }),
            Instr::Dropout { rate } => {
                let seed: &[u32] = slice(args[1], 2);
                with_float!(step.dtype, T => rng::dropout::<T>(
                    slice(args[0], n),
                    slice_mut(target, n),
                    [seed[0], seed[1]],
                    start as u64,
                    rate,
                ))
            }
        }
    }
}

/// Whether [`execute_in_place`] can do the step over its operand `arg`.
pub fn has_in_place(step: &Step, arg: usize) -> bool {
    let known = matches!(
        step.instr,
        Instr::Binary(Binary::Add | Binary::Sub | Binary::Mul)
    );
    known && step.dtype.is_float() && arg < 2
}

/// Writes the result over the operand `arg`.
///
/// # Safety
/// [`has_in_place`] holds; `target` and `other` hold `n` elements of `step.dtype` and do not overlap.
pub unsafe fn execute_in_place(
    step: &Step,
    arg: usize,
    other: *const u8,
    target: *mut u8,
    n: usize,
) {
    let Instr::Binary(f) = step.instr else {
        unreachable!("{:?} has no form in place", step.instr)
    };
    with_float!(step.dtype, T => {
        // SAFETY: the caller's promise.
        let (target, other) = unsafe { (slice_mut::<T>(target, n), slice::<T>(other, n)) };
        match (f, arg) {
            (Binary::Sub, 0) => map::update(target, other, #[inline(always)] |x: T, y: T| x - y),
            (Binary::Sub, _) => map::update(target, other, #[inline(always)] |y: T, x: T| x - y),
            (Binary::Mul, _) => map::update(target, other, #[inline(always)] |x: T, y: T| x * y),
            _ => map::update(target, other, #[inline(always)] |x: T, y: T| x + y),
        }
    })
}
