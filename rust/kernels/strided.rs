//! Copies between a contiguous array and a strided view of another.

/// `out[i, j, ...] = x[origin + i*steps[0] + j*steps[1] + ...]`, `out` in C order of `shape`.
pub fn gather_strided<T: Copy>(
    x: &[T],
    origin: usize,
    steps: &[isize],
    shape: &[usize],
    out: &mut [T],
) {
    let mut at = 0;
    walk(origin as isize, steps, shape, &mut |from, step, n| {
        let row = &mut out[at..at + n];
        match step {
            0 => row.fill(x[from as usize]),
            1 => row.copy_from_slice(&x[from as usize..from as usize + n]),
            _ => (0..n).for_each(|i| row[i] = x[(from + i as isize * step) as usize]),
        }
        at += n;
    });
}

/// `out[origin + i*steps[0] + j*steps[1] + ...] = x[i, j, ...]`, `x` in C order of `shape`; the rest
/// of `out` stays.
pub fn scatter_strided<T: Copy>(
    x: &[T],
    origin: usize,
    steps: &[isize],
    shape: &[usize],
    out: &mut [T],
) {
    let mut at = 0;
    walk(origin as isize, steps, shape, &mut |to, step, n| {
        let row = &x[at..at + n];
        match step {
            1 => out[to as usize..to as usize + n].copy_from_slice(row),
            _ => (0..n).for_each(|i| out[(to + i as isize * step) as usize] = row[i]),
        }
        at += n;
    });
}

/// Calls `f(offset, step, n)` for each innermost run, in C order.
fn walk(offset: isize, steps: &[isize], shape: &[usize], f: &mut impl FnMut(isize, isize, usize)) {
    if shape.contains(&0) {
        return;
    }
    match (steps, shape) {
        ([], []) => f(offset, 1, 1),
        ([step], [n]) => f(offset, *step, *n),
        ([step, steps @ ..], [n, shape @ ..]) => {
            for i in 0..*n {
                walk(offset + i as isize * step, steps, shape, f);
            }
        }
        _ => unreachable!("steps and shape of one rank"),
    }
}
