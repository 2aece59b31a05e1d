//! Convolution over one to three spatial axes, channels last: forward, gradient by input and
//! gradient by kernel, with strides, dilations, groups and padding. Nothing is unfolded: tiles read
//! the image where it lies.
//!
//! `y[n, o, c] = f(b[c] + sum over taps k and source channels s of x[n, o*stride + k*dilation -
//! before, s] * w[k, s, c])`, for each axis alike.
//!
//! **The same bits**: every element of y and dx is one chain of fused multiply-adds over the taps
//! that lie inside the image, in the order of the source's memory; every element of dw a few such
//! chains, cut by shape and added in order.

mod axis;
mod depthwise;
mod gather;
mod kernel_grad;
mod tiles;

#[cfg(test)]
mod tests;

pub use axis::Axis;
pub use kernel_grad::Lines;
pub use tiles::Element;

use super::epilogue::{Activation, BiasActivation};
use super::float::Float;
use super::gemm::{self, gemm, Mat, MatMut, NoEpilogue};
use super::isa::{dispatch, isa, Kernel};
use super::number::Number;
use super::piece::{tell, Follow, Nobody};
use super::region::{share, ParallelSliceMut};
use gather::{gather, packed_len, Job, Part};
use kernel_grad::{partial_kernels, KernelGrad};
use std::ops::Add;

/// Elements of a vector at the most, of any instruction set and dtype.
const MOST_LANES: usize = 16;

/// What the three passes share: the axes and the channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geometry {
    pub batch: usize,
    pub axes: [Axis; 3],
    pub groups: usize,
    /// Input channels of one group.
    pub depth: usize,
    /// Output channels of one group.
    pub width: usize,
}

/// What floats of a convolution can do.
pub trait Real: Element + gemm::Element + Float + Number + Add<Output = Self> {}
impl<T: Element + gemm::Element + Float + Number + Add<Output = T>> Real for T {}

impl Geometry {
    fn inputs(&self) -> [usize; 3] {
        self.axes.map(|a| a.input)
    }

    fn outputs(&self) -> [usize; 3] {
        self.axes.map(|a| a.output)
    }

    fn kernel(&self) -> [usize; 3] {
        self.axes.map(|a| a.kernel)
    }

    fn taps(&self) -> usize {
        self.kernel().iter().product()
    }

    /// Elements of x.
    pub fn input_len(&self) -> usize {
        self.batch * self.inputs().iter().product::<usize>() * self.groups * self.depth
    }

    /// Elements of y.
    pub fn output_len(&self) -> usize {
        self.batch * self.outputs().iter().product::<usize>() * self.groups * self.width
    }

    /// Elements of the kernel.
    pub fn kernel_len(&self) -> usize {
        self.taps() * self.depth * self.groups * self.width
    }

    /// Whether each position depends on its own alone: a matrix product.
    fn is_product(&self) -> bool {
        let single = |a: &Axis| a.kernel == 1 && a.stride == 1 && a.input == a.output;
        self.groups == 1 && self.axes.iter().all(single)
    }

    /// Whether every channel is convolved by itself.
    fn is_depthwise(&self) -> bool {
        self.depth == 1 && self.width == 1 && self.groups > 1
    }

    /// Whether the forward pass with this activation, and with the linear one the gradient by input,
    /// tell of their results piece by piece.
    pub fn has_pieces(&self, activation: Activation) -> bool {
        !self.is_product() && !self.is_depthwise() && in_tile(activation)
    }

    /// Whether the gradient by kernel takes lines that are made when it reads them.
    pub fn takes_lines(&self) -> bool {
        !self.is_depthwise()
    }

    /// Positions of a product.
    fn rows(&self) -> usize {
        self.batch * self.outputs().iter().product::<usize>()
    }

    /// Bytes that [`forward`] wants.
    pub fn forward_scratch<T>(&self) -> usize {
        let rows = self.taps() * self.depth;
        packed_len(self.groups, rows, self.width, MOST_LANES) * size_of::<T>()
    }

    /// Bytes that [`input_grad`] wants.
    pub fn input_grad_scratch<T>(&self) -> usize {
        let rows = self.taps() * self.width;
        packed_len(self.groups, rows, self.depth, MOST_LANES) * size_of::<T>()
    }

    /// Bytes that [`kernel_grad`] wants.
    pub fn kernel_grad_scratch<T>(&self) -> usize {
        let len = self.kernel_len();
        match self.is_depthwise() {
            true => depthwise::partial_kernels(self) * len * size_of::<T>(),
            false => partial_kernels(self.batch, &self.axes, len) * len * size_of::<T>(),
        }
    }
}

/// Whether tiles apply the activation; the others follow when all of y is there.
fn in_tile(activation: Activation) -> bool {
    matches!(activation, Activation::Linear | Activation::Relu)
}

/// Scratch bytes as elements.
fn elements<T: Element>(bytes: &mut [u8]) -> &mut [T] {
    // SAFETY: any bits make a float.
    unsafe { bytes.align_to_mut::<T>().1 }
}

/// `y = f(conv(x, w) + bias)`, told to `follow` piece by piece where [`Geometry::has_pieces`].
///
/// # Panics
/// A slice has not the length that the geometry says.
pub fn forward<T: Real>(
    g: &Geometry,
    x: &[T],
    w: &[T],
    (bias, activation): (Option<&[T]>, Activation),
    y: &mut [T],
    scratch: &mut [u8],
    follow: &dyn Follow,
) {
    assert!(x.len() == g.input_len() && w.len() == g.kernel_len() && y.len() == g.output_len());
    assert!(bias.is_none_or(|b| b.len() == g.groups * g.width));
    if y.is_empty() {
        return;
    }
    let relu = activation == Activation::Relu;
    if g.is_depthwise() {
        depthwise::forward(g, x, w, bias, relu, y);
    } else if let (true, Some(bias)) = (g.is_product(), bias) {
        let m = g.rows();
        let end = BiasActivation { bias, activation };
        gemm(
            Mat::row_major(x, m, g.depth),
            Mat::row_major(w, g.depth, g.width),
            MatMut::row_major(y, m, g.width),
            false,
            &end,
        );
        return tell(follow, y);
    } else {
        let job = Job {
            tiles: T::tiles(isa()),
            batch: g.batch,
            groups: g.groups,
            source: x,
            source_shape: g.inputs(),
            depth: g.depth,
            result: y.as_mut_ptr(),
            result_shape: g.outputs(),
            width: g.width,
            bias,
            relu,
        };
        let walks = [0, 1, 2].map(|a| g.axes[a].forward());
        let columns = g.groups * g.width;
        let steps = (g.width, columns, 1);
        let room = elements(scratch);
        let (part, _) = Part::pack(&job, walks, g.kernel(), g.depth * columns, steps, w, room);
        if in_tile(activation) {
            return gather(&job, &[part], follow);
        }
        gather(&job, &[part], &Nobody);
    }
    match activation {
        Activation::Linear | Activation::Relu => {}
        Activation::Sigmoid => in_blocks(
            y,
            #[inline(always)]
            |v: T| Float::sigmoid(v),
        ),
        Activation::Tanh => in_blocks(
            y,
            #[inline(always)]
            |v: T| Float::tanh(v),
        ),
    }
    tell(follow, y);
}

struct Apply<'a, T, F>(&'a mut [T], F);

impl<T: Copy, F: Fn(T) -> T> Kernel for Apply<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for v in self.0.iter_mut() {
            *v = (self.1)(*v);
        }
    }
}

/// `y = f(y)`.
fn in_blocks<T: Real>(y: &mut [T], f: impl Fn(T) -> T + Copy + Sync) {
    const BLOCK: usize = 1 << 13;
    share(y.par_chunks_mut(BLOCK), |y| dispatch(Apply(y, f)));
}

/// The gradient by x, of the shape of x, for `dout` of the shape of y; told to `follow` piece by piece
/// where [`Geometry::has_pieces`].
///
/// # Panics
/// A slice has not the length that the geometry says.
pub fn input_grad<T: Real>(
    g: &Geometry,
    dout: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut [u8],
    follow: &dyn Follow,
) {
    assert!(dout.len() == g.output_len() && w.len() == g.kernel_len() && dx.len() == g.input_len());
    if dx.is_empty() {
        return;
    }
    if g.is_depthwise() {
        depthwise::input_grad(g, dout, w, dx);
        return tell(follow, dx);
    }
    let columns = g.groups * g.width;
    if g.is_product() {
        let (m, w) = (g.rows(), Mat::row_major(w, g.depth, g.width).t());
        let to = MatMut::row_major(dx, m, g.depth);
        gemm(Mat::row_major(dout, m, g.width), w, to, false, &NoEpilogue);
        return tell(follow, dx);
    }
    let job = Job {
        tiles: T::tiles(isa()),
        batch: g.batch,
        groups: g.groups,
        source: dout,
        source_shape: g.outputs(),
        depth: g.width,
        result: dx.as_mut_ptr(),
        result_shape: g.inputs(),
        width: g.depth,
        bias: None,
        relu: false,
    };
    let mut room = elements(scratch);
    let mut parts = Vec::new();
    for d in 0..g.axes[0].stride {
        for h in 0..g.axes[1].stride {
            for w_phase in 0..g.axes[2].stride {
                let phases = [d, h, w_phase];
                let walks = [0, 1, 2].map(|a| g.axes[a].backward(phases[a]));
                let steps = (g.width, 1, columns);
                let tap = g.depth * columns;
                let (part, left) = Part::pack(&job, walks, g.kernel(), tap, steps, w, room);
                room = left;
                parts.push(part);
            }
        }
    }
    gather(&job, &parts, follow);
}

/// The gradient by w, for `dout` of the shape of y, stored unless [`Geometry::takes_lines`].
///
/// # Panics
/// A slice has not the length that the geometry says, or lines are not taken.
pub fn kernel_grad<T: Real>(
    g: &Geometry,
    x: &[T],
    dout: Lines<T>,
    dw: &mut [T],
    scratch: &mut [u8],
) {
    assert!(x.len() == g.input_len() && dw.len() == g.kernel_len());
    if let Lines::Stored(dout) = dout {
        assert_eq!(dout.len(), g.output_len());
    }
    if dw.is_empty() {
        return;
    }
    if g.is_depthwise() {
        let Lines::Stored(dout) = dout else {
            unreachable!("a depthwise convolution takes no lines");
        };
        return depthwise::kernel_grad(g, x, dout, dw, elements(scratch));
    }
    KernelGrad {
        tiles: T::tiles(isa()),
        batch: g.batch,
        axes: &g.axes,
        groups: g.groups,
        depth: g.depth,
        width: g.width,
        x,
        dout,
    }
    .run(dw, elements(scratch));
}
