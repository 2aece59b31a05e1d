//! `y[n, o, c] = f(b[c] + sum over taps k and channels s of x[n, o*stride + k*dilation - before, s] *
//! w[k, s, c])`, over one to three spatial axes; x is zero outside itself; `f` one of linear, relu,
//! sigmoid, tanh.
//!
//! With `dz = dout * f'(y)`: dx is `conv_transpose` of dz, dw is `conv_kernel_grad` of x and dz, `db`
//! the sums of dz over all but the last axis. x (N, *S, C), w (*K, C / groups, M), b (M), y (N, *O, M).
//! Output group g reads input group g. (LeCun et al. 1989; Dumoulin & Visin 2016, arXiv 1603.07285.)

use super::build::Build;
use super::check;
use super::conv_kernel_grad::ConvKernelGrad;
use super::conv_transpose::ConvTranspose;
use super::dense::before_activation;
use super::reduce::Reduction;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Io, Op, Source, Value};
use crate::kernels::conv::{forward, Axis, Geometry};
use crate::kernels::epilogue::Activation;
use crate::kernels::piece::{Follow, Nobody};
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use std::sync::Arc;

/// The largest size along an axis: its products with another one do not overflow.
const LARGEST: usize = 1 << 31;

/// How windows lie on the image, along each spatial axis.
#[derive(Clone, Debug)]
pub struct Windows {
    pub strides: Vec<usize>,
    /// Zeros before and after, axis by axis.
    pub padding: Vec<(usize, usize)>,
    pub dilations: Vec<usize>,
    pub groups: usize,
}

impl Windows {
    pub fn read(op: &str, r: &mut Reader) -> Result<Self> {
        let windows = Windows {
            strides: r.sizes("strides")?,
            padding: r
                .sizes("padding")?
                .chunks(2)
                .map(|p| (p[0], p.get(1).copied().unwrap_or(0)))
                .collect(),
            dilations: r.sizes("dilations")?,
            groups: r.size("groups")?,
        };
        let axes = windows.strides.len();
        let expect = |fits: bool, expected: String, got: String| match fits {
            true => Ok(()),
            false => Err(Error::attribute(op, expected, got)),
        };
        let Windows {
            strides, dilations, ..
        } = &windows;
        expect(
            (1..=3).contains(&axes),
            "strides of 1 to 3 spatial axes".into(),
            format!("{strides:?}"),
        )?;
        expect(
            windows.padding.len() == axes && r.sizes("padding")?.len() == 2 * axes,
            format!("padding before and after {axes} axes"),
            format!("{:?}", r.sizes("padding")?),
        )?;
        expect(
            dilations.len() == axes,
            format!("dilations of {axes} axes"),
            format!("{dilations:?}"),
        )?;
        let sizes = strides.iter().chain(dilations);
        let paddings = windows.padding.iter().flat_map(|(a, b)| [a, b]);
        expect(
            sizes.chain(paddings).all(|n| *n <= LARGEST),
            format!("strides, padding and dilations up to {LARGEST}"),
            format!("{strides:?}, {:?}, {dilations:?}", windows.padding),
        )?;
        let positive = !strides.contains(&0) && !dilations.contains(&0) && windows.groups > 0;
        expect(
            positive,
            "strides, dilations and groups of 1 or more".into(),
            format!(
                "strides {strides:?}, dilations {dilations:?}, groups {}",
                windows.groups
            ),
        )?;
        Ok(windows)
    }

    pub fn rank(&self) -> usize {
        self.strides.len()
    }

    /// The convolution of images (N, *S, C) with kernels (*K, C / groups, M).
    pub fn geometry(&self, op: &str, x: &[usize], w: &[usize]) -> Result<Geometry> {
        let d = self.rank();
        let refuse = |expected: String, got: &[usize]| Err(Error::shape(op, expected, show(got)));
        if x.len() != d + 2 {
            return refuse(format!("images of rank {} (N, {d} axes, C)", d + 2), x);
        }
        if w.len() != d + 2 {
            return refuse(format!("a kernel of rank {} ({d} axes, C, M)", d + 2), w);
        }
        if let Some(side) = [x, w].into_iter().find(|s| s.iter().any(|n| *n > LARGEST)) {
            return refuse(format!("sizes up to {LARGEST}"), side);
        }
        let (channels, filters) = (x[d + 1], w[d + 1]);
        if Some(channels) != w[d].checked_mul(self.groups) {
            let expected = format!(
                "images of {} times {} channels for as many groups of a kernel of {}",
                self.groups,
                w[d],
                show(w)
            );
            return refuse(expected, x);
        }
        if filters % self.groups != 0 {
            let expected = format!("filters that {} groups divide", self.groups);
            return refuse(expected, w);
        }
        let mut axes = [Axis::ONE; 3];
        for i in 0..d {
            let (before, after) = self.padding[i];
            let extent = (w[i].max(1) - 1) * self.dilations[i] + 1;
            let room = (x[i + 1] + before + after).checked_sub(extent);
            let (Some(room), true) = (room, w[i] > 0) else {
                let expected = format!(
                    "a kernel of 1 to {} along spatial axis {i} of images {} with padding \
                     ({before}, {after})",
                    x[i + 1] + before + after,
                    show(x)
                );
                let got = format!("{} at dilation {}", w[i], self.dilations[i]);
                return Err(Error::shape(op, expected, got));
            };
            axes[3 - d + i] = Axis {
                input: x[i + 1],
                output: room / self.strides[i] + 1,
                kernel: w[i],
                stride: self.strides[i],
                dilation: self.dilations[i],
                before,
            };
        }
        let g = Geometry {
            batch: x[0],
            axes,
            groups: self.groups,
            depth: w[d],
            width: filters / self.groups,
        };
        let output = self.output(&g);
        for shape in [x, w, &output] {
            let bytes = shape.iter().try_fold(8usize, |n, size| n.checked_mul(*size));
            if bytes.is_none_or(|n| n > isize::MAX as usize) {
                return refuse("images and kernels that memory can hold".into(), shape);
            }
        }
        Ok(g)
    }

    /// The shape of the images that the convolution makes.
    pub fn output(&self, g: &Geometry) -> Vec<usize> {
        let sides = g.axes[3 - self.rank()..].iter().map(|a| a.output);
        let filters = g.groups * g.width;
        std::iter::once(g.batch).chain(sides).chain([filters]).collect()
    }
}

#[derive(Debug)]
pub struct Conv {
    pub windows: Windows,
    pub activation: Activation,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Conv {
        windows: Windows::read("conv", r)?,
        activation: r.one_of("activation", Activation::TABLE)?,
    }))
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let (x, w, b) = match inputs {
            [x, w] => (x, w, None),
            [x, w, b] => (x, w, Some(b)),
            _ => {
                let got = inputs.len().to_string();
                return Err(Error::shape(self.name(), "x, w and perhaps b", got));
            }
        };
        check::float(self.name(), "x", x)?;
        check::same_dtype(self.name(), x, w)?;
        let g = self.windows.geometry(self.name(), &x.shape, &w.shape)?;
        if let Some(b) = b {
            check::same_dtype(self.name(), x, b)?;
            check::same_shape(self.name(), &[g.groups * g.width], &b.shape)?;
        }
        Ok(vec![Spec::new(self.windows.output(&g), x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        self.forward_in_pieces(io, &Nobody)
    }

    fn forward_in_pieces(&self, io: &mut Io, follow: &dyn Follow) -> Result<()> {
        let (x, w) = (io.inputs[0], io.inputs[1]);
        let g = self.windows.geometry(self.name(), &x.spec.shape, &w.spec.shape)?;
        with_float!(x.spec.dtype, T => {
            let y = T::slice_mut(&mut io.outputs[0].data);
            let b = io.inputs.get(2).map(|b| b.slice::<T>());
            let end = (b, self.activation);
            forward::<T>(&g, x.slice(), w.slice(), end, y, io.scratch, follow);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, w, y) = (b.inputs[0], b.inputs[1], b.outputs[0]);
        let (sx, sw) = (b.spec(x).shape, b.spec(w).shape);
        let d = self.windows.rank();
        let g = &mut *b.graph;
        let dz = before_activation(g, self.activation, dout, y)?;
        let dx = match b.wanted[0] {
            false => None,
            true => {
                let op = ConvTranspose {
                    windows: self.windows.clone(),
                    sizes: sx[1..=d].to_vec(),
                };
                Some(g.push(op, &[dz, w])?)
            }
        };
        let dw = match b.wanted[1] {
            false => None,
            true => {
                let op = ConvKernelGrad {
                    windows: self.windows.clone(),
                    kernel: sw[..d].to_vec(),
                };
                Some(g.push(op, &[x, dz])?)
            }
        };
        let mut gradients = vec![dx, dw];
        if let Some(wanted) = b.wanted.get(2) {
            gradients.push(match wanted {
                false => None,
                true => Some(column_sums(g, dz)?),
            });
        }
        Ok(gradients)
    }

    fn has_pieces(&self, inputs: &[&Spec]) -> bool {
        let g = self.windows.geometry(self.name(), &inputs[0].shape, &inputs[1].shape);
        g.is_ok_and(|g| g.has_pieces(self.activation))
    }

    fn scratch(&self, inputs: &[&Spec]) -> usize {
        let g = self.windows.geometry(self.name(), &inputs[0].shape, &inputs[1].shape);
        with_float!(inputs[0].dtype, T => g.map_or(0, |g| g.forward_scratch::<T>()))
    }
}

/// The sums of x over all axes but the last, from the smallest value that has them.
fn column_sums(g: &mut Graph, x: Value) -> Result<Value> {
    if let Source::Node { node, output: 0 } = *g.source(x) {
        let node = &g.nodes[node];
        if let Some(input) = node.op.same_column_sums() {
            return column_sums(g, node.inputs[input]);
        }
    }
    let axes: Vec<usize> = (0..g.spec(x).rank() - 1).collect();
    g.reduce(Reduction::Sum, x, &axes, false)
}
