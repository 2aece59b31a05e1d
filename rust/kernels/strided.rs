//! Copies between arrays of any strides, cut into tiles by shape.

use super::region::{share_if, IntoParallelIterator};
use ndarray::{ArrayView2, ArrayViewD, ArrayViewMut2, ArrayViewMutD, Axis, IxDyn};

/// Elements under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 16;
/// Elements of a task, at most.
const TASK_LEN: usize = 1 << 15;
/// Elements of which both arrays stay in the first-level cache, however they lie.
const SMALL_LEN: usize = 1 << 12;
/// Side of a tile.
const SIDE: usize = 32;
/// Elements between two of the last axis from which on a line of the cache holds one of them.
const FAR: usize = 16;

/// A slice, in C order, as an array of this shape.
///
/// # Panics
/// The slice has not as many elements.
pub fn array<'a, T>(x: &'a [T], shape: &[usize]) -> ArrayViewD<'a, T> {
    ArrayViewD::from_shape(IxDyn(shape), x).expect("as many elements as the shape has")
}

/// As [`array`], to be written.
///
/// # Panics
/// The slice has not as many elements.
pub fn array_mut<'a, T>(x: &'a mut [T], shape: &[usize]) -> ArrayViewMutD<'a, T> {
    ArrayViewMutD::from_shape(IxDyn(shape), x).expect("as many elements as the shape has")
}

/// A slice as a matrix.
///
/// # Panics
/// The slice has not as many elements.
pub fn matrix<T>(x: &[T], rows: usize, columns: usize) -> ArrayView2<'_, T> {
    ArrayView2::from_shape((rows, columns), x).expect("rows of so many elements")
}

/// As [`matrix`], to be written.
///
/// # Panics
/// The slice has not as many elements.
pub fn matrix_mut<T>(x: &mut [T], rows: usize, columns: usize) -> ArrayViewMut2<'_, T> {
    ArrayViewMut2::from_shape((rows, columns), x).expect("rows of so many elements")
}

/// `to = from`.
///
/// # Panics
/// The shapes differ.
pub fn copy<'a, T: Copy + Default + Send + Sync>(
    from: ArrayViewD<'a, T>,
    mut to: ArrayViewMutD<'a, T>,
) {
    assert_eq!(from.shape(), to.shape());
    if from.len() <= SMALL_LEN {
        return to.assign(&from);
    }
    let worth_it = from.len() >= PARALLEL_LEN;
    let (from, to) = merge(in_order_of_result(from, to));
    let (last, across) = (to.ndim() - 1, nearest(&from));
    let mut tasks = Vec::new();
    cut((from, to), across.unwrap_or(last), &mut tasks);
    share_if(worth_it, tasks.into_par_iter(), |(from, to)| match across {
        Some(across) => copy_planes(from, to, across),
        None => copy_rows(from, to),
    });
}

/// As [`copy`], of matrices whose rows lie in one piece each.
pub fn copy_matrix<'a, T: Copy + Default + Send + Sync>(
    from: ArrayView2<'a, T>,
    to: ArrayViewMut2<'a, T>,
) {
    assert_eq!(from.dim(), to.dim());
    match from.len() < PARALLEL_LEN {
        true => copy_lines(from, to),
        false => copy(from.into_dyn(), to.into_dyn()),
    }
}

type Pair<'a, T> = (ArrayViewD<'a, T>, ArrayViewMutD<'a, T>);

/// Without axes of one element, and those of the result in the order in which its elements lie.
fn in_order_of_result<'a, T>(
    mut from: ArrayViewD<'a, T>,
    mut to: ArrayViewMutD<'a, T>,
) -> Pair<'a, T> {
    for axis in (0..to.ndim()).rev().map(Axis) {
        if to.len_of(axis) == 1 {
            (from, to) = (from.remove_axis(axis), to.remove_axis(axis));
        }
    }
    let mut order: Vec<usize> = (0..to.ndim()).collect();
    order.sort_by_key(|axis| std::cmp::Reverse(to.strides()[*axis].unsigned_abs()));
    (from.permuted_axes(&order[..]), to.permuted_axes(&order[..]))
}

/// Makes one axis of neighbours that step alike in both.
fn merge<T>((mut from, mut to): Pair<T>) -> Pair<T> {
    for axis in (1..to.ndim()).rev() {
        let alike = |shape: &[usize], strides: &[isize]| {
            strides[axis - 1] == strides[axis] * shape[axis] as isize
        };
        if alike(from.shape(), from.strides()) && alike(to.shape(), to.strides()) {
            let (take, into) = (Axis(axis - 1), Axis(axis));
            from.merge_axes(take, into);
            to.merge_axes(take, into);
            (from, to) = (from.remove_axis(take), to.remove_axis(take));
        }
    }
    (from, to)
}

/// The axis along which the elements of `from` lie nearest, where that is not the last one and it pays to
/// copy tiles of both.
fn nearest<T>(from: &ArrayViewD<T>) -> Option<usize> {
    let step = |axis: usize| from.strides()[axis].unsigned_abs();
    let last = from.ndim() - 1;
    let near = |axis: &usize| (1..FAR).contains(&step(*axis)) && from.shape()[*axis] >= FAR / 2;
    let others = (0..last).filter(|_| step(last) >= FAR);
    others.filter(near).min_by_key(|axis| step(*axis))
}

/// Halves the arrays until they are tasks: along the other axes first, then the longer of the last and
/// `across`.
fn cut<'a, T>((from, to): Pair<'a, T>, across: usize, tasks: &mut Vec<Pair<'a, T>>) {
    if to.len() <= TASK_LEN {
        return tasks.push((from, to));
    }
    let shape = to.shape();
    let last = shape.len() - 1;
    let longer = if shape[across] > shape[last] {
        across
    } else {
        last
    };
    let mut others = (0..last).filter(|axis| *axis != across && shape[*axis] > 1);
    let axis = others.next().unwrap_or(longer);
    let half = match shape[axis] / 2 {
        half if half > SIDE => half.next_multiple_of(SIDE),
        half => half,
    };
    let (from, from_rest) = from.split_at(Axis(axis), half);
    let (to, to_rest) = to.split_at(Axis(axis), half);
    cut((from, to), across, tasks);
    cut((from_rest, to_rest), across, tasks);
}

/// Copies along the last axis.
fn copy_rows<T: Copy>(mut from: ArrayViewD<T>, mut to: ArrayViewMutD<T>) {
    let last = to.ndim() - 1;
    if to.shape()[last] < FAR || from.strides()[last] != 1 || to.strides()[last] != 1 {
        return to.assign(&from);
    }
    if to.ndim() > 2 {
        let planes = from.outer_iter().zip(to.outer_iter_mut());
        return planes.for_each(|(from, to)| copy_rows(from, to));
    }
    if to.ndim() == 1 {
        (from, to) = (from.insert_axis(Axis(0)), to.insert_axis(Axis(0)));
    }
    let (from, to) = plane(from, to);
    copy_lines(from, to);
}

fn copy_lines<T: Copy>(from: ArrayView2<T>, mut to: ArrayViewMut2<T>) {
    for (from, mut to) in from.rows().into_iter().zip(to.rows_mut()) {
        match (from.to_slice(), to.as_slice_mut()) {
            (Some(from), Some(to)) => to.copy_from_slice(from),
            _ => to.assign(&from),
        }
    }
}

/// Copies planes of the last axis and `across`, tile by tile.
fn copy_planes<T: Copy + Default>(from: ArrayViewD<T>, mut to: ArrayViewMutD<T>, across: usize) {
    if to.ndim() > 2 {
        let other = Axis(usize::from(across == 0));
        let across = across - usize::from(across > 0);
        let planes = from.axis_iter(other).zip(to.axis_iter_mut(other));
        return planes.for_each(|(from, to)| copy_planes(from, to, across));
    }
    let (from, mut to) = plane(from, to);
    let mut tile = [T::default(); SIDE * SIDE];
    let width = to.ncols().min(SIDE);
    let height = SIDE * SIDE / width;
    let bands = from.axis_chunks_iter(Axis(0), height);
    for (from, mut to) in bands.zip(to.axis_chunks_iter_mut(Axis(0), height)) {
        let tiles = from.axis_chunks_iter(Axis(1), width);
        for (from, to) in tiles.zip(to.axis_chunks_iter_mut(Axis(1), width)) {
            copy_tile(from, to, &mut tile);
        }
    }
}

fn plane<'a, T>(
    from: ArrayViewD<'a, T>,
    to: ArrayViewMutD<'a, T>,
) -> (ArrayView2<'a, T>, ArrayViewMut2<'a, T>) {
    let two = "two axes";
    let from = from.into_dimensionality().expect(two);
    (from, to.into_dimensionality().expect(two))
}

/// Copies by way of `tile`, so that a line of the cache is read or written once: lines of both arrays
/// may lie a power of two apart and drive each other out.
fn copy_tile<T: Copy>(from: ArrayView2<T>, mut to: ArrayViewMut2<T>, tile: &mut [T]) {
    let height = to.nrows();
    for (column, line) in from.columns().into_iter().zip(tile.chunks_mut(height)) {
        match column.to_slice() {
            Some(column) => line.copy_from_slice(column),
            None => line.iter_mut().zip(column).for_each(|(t, x)| *t = *x),
        }
    }
    for (at, row) in to.rows_mut().into_iter().enumerate() {
        let line = tile[at..].iter().step_by(height);
        row.into_iter().zip(line).for_each(|(y, t)| *y = *t);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, ArrayD, Slice};

    fn numbered(shape: &[usize]) -> ArrayD<f32> {
        let n = shape.iter().product();
        let numbers = Array::from_iter((0..n).map(|i| i as f32));
        numbers.into_shape_with_order(shape).unwrap()
    }

    /// [`copy`] beside ndarray's own assignment, into a view of a larger array.
    fn check(
        from: ArrayViewD<f32>,
        room: &[usize],
        view: impl Fn(ArrayViewMutD<f32>) -> ArrayViewMutD<f32>,
    ) {
        let (mut got, mut expected) = (ArrayD::zeros(room), ArrayD::zeros(room));
        copy(from.view(), view(got.view_mut()));
        view(expected.view_mut()).assign(&from);
        assert_eq!(got, expected, "{:?} by {:?}", from.shape(), from.strides());
    }

    #[test]
    fn any_order_of_axes() {
        for shape in [
            &[70, 3, 5][..],
            &[1, 1, 1],
            &[3, 64, 97],
            &[129, 1, 300],
            &[40, 0, 3],
        ] {
            let x = numbered(shape);
            for axes in [
                [0, 1, 2],
                [0, 2, 1],
                [1, 0, 2],
                [1, 2, 0],
                [2, 0, 1],
                [2, 1, 0],
            ] {
                let from = x.view().permuted_axes(&axes[..]);
                let room = from.shape().to_vec();
                check(from, &room, |to| to);
            }
        }
        let x = numbered(&[300, 257]);
        check(x.t().into_dyn(), &[257, 300], |to| to);
        check(numbered(&[]).view(), &[], |to| to);
    }

    #[test]
    fn steps_repeated_elements_and_parts_of_a_result() {
        let x = numbered(&[90, 31, 40]);
        for step in [1, 2, -1, -3] {
            for axis in (0..3).map(Axis) {
                let mut part = x.view();
                part.slice_axis_inplace(axis, Slice::new(1, Some(-2), step));
                let room = part.shape().to_vec();
                check(part.view(), &room, |to| to);
                let full = x.shape();
                check(part.view(), full, |mut to| {
                    to.slice_axis_inplace(axis, Slice::new(1, Some(-2), step));
                    to
                });
                let turned = part.permuted_axes(&[2, 0, 1][..]);
                let room = turned.shape().to_vec();
                check(turned, &room, |to| to);
            }
        }
        let row = numbered(&[31, 1]);
        check(
            row.broadcast(&[90, 31, 40][..]).unwrap(),
            &[90, 31, 40],
            |to| to,
        );
        let column = numbered(&[40]);
        check(
            column.broadcast(&[900, 40][..]).unwrap(),
            &[900, 40],
            |to| to,
        );
    }
}
