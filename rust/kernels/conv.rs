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
use super::isa::{dispatch, isa, Loop};
use super::number::Number;
use super::region::{share, ParallelSliceMut};
use super::tile::{hand_over, Consumer, NoConsumer};
use gather::{packed_len, Job};
use kernel_grad::{partial_kernels, KernelGrad};
use std::ops::Add;

/// Results up to so many positions are soon made, measured by what it takes to pack the kernel.
const FEW_POSITIONS: usize = 4096;

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
    /// hand their results over tile by tile.
    pub fn makes_tiles(&self, activation: Activation) -> bool {
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

    /// Bytes that [`Forward`] wants.
    pub fn forward_scratch<T>(&self) -> usize {
        let rows = self.taps() * self.depth;
        packed_len(self.groups, rows, self.width, MOST_LANES) * size_of::<T>()
    }

    /// Bytes that [`InputGrad`] wants.
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

/// Whether tiles apply the activation; the others come when all of y is there.
fn in_tile(activation: Activation) -> bool {
    matches!(activation, Activation::Linear | Activation::Relu)
}

/// Scratch bytes as elements.
fn elements<T: Element>(bytes: &mut [u8]) -> &mut [T] {
    // SAFETY: any bits make a float.
    unsafe { bytes.align_to_mut::<T>().1 }
}

/// A kernel, and perhaps what [`Forward::pack`] or [`InputGrad::pack`] has made of it.
#[derive(Clone, Copy)]
pub struct Weights<'a, T> {
    pub plain: &'a [T],
    pub packed: Option<&'a [u8]>,
}

impl<'a, T> From<&'a [T]> for Weights<'a, T> {
    fn from(plain: &'a [T]) -> Self {
        Weights {
            plain,
            packed: None,
        }
    }
}

/// What tells how kernels are packed: the lanes of the vectors, and the geometry but for the images.
fn packing_key<T: Real>(pass: &str, g: &Geometry) -> String {
    let axes = g
        .axes
        .map(|a| (a.kernel, a.stride, a.before % a.stride, a.dilation));
    let lanes = T::tiles(isa()).lanes;
    let size = size_of::<T>();
    format!(
        "{pass} {axes:?} {} {} {} {size} {lanes}",
        g.groups, g.depth, g.width
    )
}

fn read_elements<T: Element>(bytes: &[u8]) -> &[T] {
    // SAFETY: any bits make a float.
    unsafe { bytes.align_to::<T>().1 }
}

/// How a pass that gathers is done.
#[derive(Debug)]
enum Way {
    /// A matrix product.
    Product,
    Depthwise(depthwise::Plan),
    Tiles(gather::Plan),
}

/// The images on one side of a convolution.
struct Side {
    sizes: [usize; 3],
    /// Channels of one group.
    channels: usize,
    /// Elements of the kernel from one of them to the next.
    step: usize,
}

/// What a convolution reads and what it makes.
fn sides(g: &Geometry) -> (Side, Side) {
    let read = Side {
        sizes: g.inputs(),
        channels: g.depth,
        step: g.groups * g.width,
    };
    let made = Side {
        sizes: g.outputs(),
        channels: g.width,
        step: 1,
    };
    (read, made)
}

impl Way {
    /// The way from `source` to `result`, whose positions the `walks` take.
    fn new(
        g: &Geometry,
        source: Side,
        result: Side,
        walks: Vec<[axis::Walk; 3]>,
        is_product: bool,
    ) -> Way {
        if g.is_depthwise() {
            return Way::Depthwise(depthwise::Plan::new(g, result.sizes, source.sizes, walks));
        }
        if is_product {
            return Way::Product;
        }
        let shapes = gather::Shapes {
            batch: g.batch,
            groups: g.groups,
            source: source.sizes,
            depth: source.channels,
            result: result.sizes,
            width: result.channels,
        };
        let layout = gather::Layout {
            shape: g.kernel(),
            tap: g.depth * g.groups * g.width,
            group: g.width,
            row: source.step,
            column: result.step,
        };
        Way::Tiles(gather::Plan::new(shapes, layout, walks))
    }
}

impl Way {
    fn pack<T: Real>(&self, w: &[T], packed: &mut [u8]) {
        if let Way::Tiles(plan) = self {
            plan.pack(T::tiles(isa()).lanes, w, elements(packed));
        }
    }
}

/// The forward pass of one geometry, ready to run.
#[derive(Debug)]
pub struct Forward {
    g: Geometry,
    way: Way,
}

/// The gradient by input of one geometry, ready to run.
#[derive(Debug)]
pub struct InputGrad {
    g: Geometry,
    way: Way,
}

impl Forward {
    /// `biased` says whether a bias comes: without one, a matrix product runs as tiles.
    pub fn new(g: Geometry, biased: bool) -> Forward {
        let walks = vec![[0, 1, 2].map(|a| g.axes[a].forward())];
        let (images, filters) = sides(&g);
        let way = Way::new(&g, images, filters, walks, g.is_product() && biased);
        Forward { g, way }
    }

    /// Bytes and name of the packed kernel, where packing takes a good part of a run.
    pub fn packing<T: Real>(&self) -> Option<(usize, String)> {
        let few = self.g.rows() <= FEW_POSITIONS && matches!(self.way, Way::Tiles(_));
        few.then(|| {
            (
                self.g.forward_scratch::<T>(),
                packing_key::<T>("forward", &self.g),
            )
        })
    }

    /// Packs a kernel into so many bytes.
    pub fn pack<T: Real>(&self, w: &[T], packed: &mut [u8]) {
        self.way.pack(w, packed);
    }

    /// `y = f(conv(x, w) + bias)`, handed to `consumer` tile by tile where [`Geometry::makes_tiles`].
    ///
    /// # Panics
    /// A slice has not the length that the geometry says, or the bias is not as announced.
    pub fn run<T: Real>(
        &self,
        x: &[T],
        weights: Weights<T>,
        (bias, activation): (Option<&[T]>, Activation),
        y: &mut [T],
        scratch: &mut [u8],
        consumer: &dyn Consumer,
    ) {
        let (g, w) = (&self.g, weights.plain);
        assert!(x.len() == g.input_len() && w.len() == g.kernel_len() && y.len() == g.output_len());
        assert!(bias.is_none_or(|b| b.len() == g.groups * g.width));
        if y.is_empty() {
            return;
        }
        let relu = activation == Activation::Relu;
        match &self.way {
            Way::Depthwise(plan) => plan.run(x, w, bias, relu, y),
            Way::Product => {
                let bias = bias.expect("the bias that was announced");
                let m = g.rows();
                gemm(
                    Mat::row_major(x, m, g.depth),
                    Mat::row_major(w, g.depth, g.width),
                    MatMut::row_major(y, m, g.width),
                    false,
                    &BiasActivation { bias, activation },
                );
                return hand_over(consumer, y);
            }
            Way::Tiles(plan) => {
                let job = Job {
                    tiles: T::tiles(isa()),
                    source: x,
                    result: y.as_mut_ptr(),
                    bias,
                    relu,
                };
                if in_tile(activation) {
                    return plan.run(&job, weights, scratch, consumer);
                }
                plan.run(&job, weights, scratch, &NoConsumer);
            }
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
        hand_over(consumer, y);
    }
}

impl InputGrad {
    pub fn new(g: Geometry) -> InputGrad {
        // The phases of each axis, the last one fastest.
        let mut walks = Vec::new();
        for d in 0..g.axes[0].stride {
            for h in 0..g.axes[1].stride {
                for w in 0..g.axes[2].stride {
                    let phases = [d, h, w];
                    walks.push([0, 1, 2].map(|a| g.axes[a].backward(phases[a])));
                }
            }
        }
        let (images, filters) = sides(&g);
        let way = Way::new(&g, filters, images, walks, g.is_product());
        InputGrad { g, way }
    }

    /// As [`Forward::packing`].
    pub fn packing<T: Real>(&self) -> Option<(usize, String)> {
        let images = self.g.batch * self.g.inputs().iter().product::<usize>();
        let few = images <= FEW_POSITIONS && matches!(self.way, Way::Tiles(_));
        few.then(|| {
            (
                self.g.input_grad_scratch::<T>(),
                packing_key::<T>("by input", &self.g),
            )
        })
    }

    /// As [`Forward::pack`].
    pub fn pack<T: Real>(&self, w: &[T], packed: &mut [u8]) {
        self.way.pack(w, packed);
    }

    /// The gradient by x, of the shape of x, for `dout` of the shape of y; handed to `consumer` tile by
    /// tile where [`Geometry::makes_tiles`].
    ///
    /// # Panics
    /// A slice has not the length that the geometry says.
    pub fn run<T: Real>(
        &self,
        dout: &[T],
        weights: Weights<T>,
        dx: &mut [T],
        scratch: &mut [u8],
        consumer: &dyn Consumer,
    ) {
        let (g, w) = (&self.g, weights.plain);
        assert!(dout.len() == g.output_len() && dx.len() == g.input_len());
        assert_eq!(w.len(), g.kernel_len());
        if dx.is_empty() {
            return;
        }
        match &self.way {
            Way::Depthwise(plan) => plan.run(dout, w, None, false, dx),
            Way::Product => {
                let (m, w) = (g.rows(), Mat::row_major(w, g.depth, g.width).t());
                let to = MatMut::row_major(dx, m, g.depth);
                gemm(Mat::row_major(dout, m, g.width), w, to, false, &NoEpilogue);
            }
            Way::Tiles(plan) => {
                let job = Job {
                    tiles: T::tiles(isa()),
                    source: dout,
                    result: dx.as_mut_ptr(),
                    bias: None,
                    relu: false,
                };
                return plan.run(&job, weights, scratch, consumer);
            }
        }
        hand_over(consumer, dx);
    }
}

struct Apply<'a, T, F>(&'a mut [T], F);

impl<T: Copy, F: Fn(T) -> T> Loop for Apply<'_, T, F> {
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
