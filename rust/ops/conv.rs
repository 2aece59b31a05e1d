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
use super::named;
use super::reduce::Reduction;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::conv::{Axis, Forward, Geometry, Weights};
use crate::kernels::epilogue::Activation;
use crate::kernels::tile::Consumer;
use crate::run::{Io, Kernel, Prepared, Repacking};
use crate::size::Size;
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The largest size along an axis: its products with another one do not overflow.
const LARGEST: usize = 1 << 31;

/// How windows lie on the image, along each spatial axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Windows {
    pub strides: Vec<usize>,
    /// Zeros before and after the first axis, the second, ...
    pub padding: Vec<Size>,
    pub dilations: Vec<usize>,
    pub groups: usize,
}

impl Windows {
    fn check(&self, op: &str) -> Result<()> {
        let expect = |fits: bool, expected: String, got: String| match fits {
            true => Ok(()),
            false => Err(Error::attribute(op, expected, got)),
        };
        let Windows {
            strides,
            padding,
            dilations,
            groups,
        } = self;
        let axes = strides.len();
        expect(
            (1..=3).contains(&axes),
            "strides of 1 to 3 spatial axes".into(),
            format!("{strides:?}"),
        )?;
        expect(
            padding.len() == 2 * axes,
            format!("padding before and after {axes} axes"),
            format!("{padding:?}"),
        )?;
        expect(
            dilations.len() == axes,
            format!("dilations of {axes} axes"),
            format!("{dilations:?}"),
        )?;
        let small = strides.iter().chain(dilations).all(|n| *n <= LARGEST);
        let largest = Size::of(LARGEST);
        expect(
            small && !padding.iter().any(|n| largest.surely_below(*n)),
            format!("strides, padding and dilations up to {LARGEST}"),
            format!("{strides:?}, {padding:?}, {dilations:?}"),
        )?;
        expect(
            !strides.contains(&0) && !dilations.contains(&0) && *groups > 0,
            "strides, dilations and groups of 1 or more".into(),
            format!("strides {strides:?}, dilations {dilations:?}, groups {groups}"),
        )
    }

    pub fn rank(&self) -> usize {
        self.strides.len()
    }

    /// The shape of the images that a convolution of images (N, *S, C) with kernels (*K, C / groups, M)
    /// makes.
    pub fn output(&self, op: &str, x: &[Size], w: &[Size]) -> Result<Vec<Size>> {
        self.check(op)?;
        let d = self.rank();
        let refuse = |expected: String, got: &[Size]| Err(Error::shape(op, expected, show(got)));
        if x.len() != d + 2 {
            return refuse(format!("images of rank {} (N, {d} axes, C)", d + 2), x);
        }
        if w.len() != d + 2 {
            return refuse(format!("a kernel of rank {} ({d} axes, C, M)", d + 2), w);
        }
        let largest = Size::of(LARGEST);
        if let Some(side) = [x, w]
            .into_iter()
            .find(|s| s.iter().any(|n| largest.surely_below(*n)))
        {
            return refuse(format!("sizes up to {LARGEST}"), side);
        }
        let (channels, filters) = (x[d + 1], w[d + 1]);
        if !channels.may_be(w[d] * self.groups) {
            let expected = format!(
                "images of {} times {} channels for as many groups of a kernel of {}",
                self.groups,
                w[d],
                show(w)
            );
            return refuse(expected, x);
        }
        if filters.whole_div(self.groups).is_none() {
            let expected = format!("filters that {} groups divide", self.groups);
            return refuse(expected, w);
        }
        let mut output = vec![x[0]];
        for i in 0..d {
            let (before, after) = (self.padding[2 * i], self.padding[2 * i + 1]);
            let padded = x[i + 1] + before + after;
            let room = padded - (w[i] - 1) * self.dilations[i] - 1;
            if w[i] == 0 || room.surely_below(0) {
                let expected = format!(
                    "a kernel of 1 to {padded} along spatial axis {i} of images {} with padding \
                     ({before}, {after})",
                    show(x)
                );
                let got = format!("{} at dilation {}", w[i], self.dilations[i]);
                return Err(Error::shape(op, expected, got));
            }
            output.push(room.floor_div(self.strides[i]) + 1);
        }
        output.push(filters);
        for shape in [x, w, &output] {
            let known = shape.iter().filter_map(|size| size.number());
            let bytes = known.fold(8usize, |n, size| n.saturating_mul(size as usize));
            if bytes > isize::MAX as usize {
                return refuse("images and kernels that memory can hold".into(), shape);
            }
        }
        Ok(output)
    }

    /// The same convolution of known sizes, as its kernel sees it.
    pub fn geometry(&self, op: &str, x: &[Size], w: &[Size]) -> Result<Geometry> {
        let output = self.output(op, x, w)?;
        let d = self.rank();
        let mut axes = [Axis::ONE; 3];
        for i in 0..d {
            axes[3 - d + i] = Axis {
                input: x[i + 1].get(),
                output: output[i + 1].get(),
                kernel: w[i].get(),
                stride: self.strides[i],
                dilation: self.dilations[i],
                before: self.padding[2 * i].get(),
            };
        }
        Ok(Geometry {
            batch: x[0].get(),
            axes,
            groups: self.groups,
            depth: w[d].get(),
            width: w[d + 1].get() / self.groups,
        })
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    #[serde(flatten)]
    pub windows: Windows,
    #[serde(with = "named")]
    pub activation: Activation,
}

/// Input 1 in the order in which tiles read it.
pub fn repacking<T: Element>(
    packing: Option<(usize, String)>,
    pack: impl Fn(&[T], &mut [u8]) + Send + Sync + 'static,
) -> Option<Repacking> {
    let (bytes, key) = packing?;
    Some(Repacking {
        input: 1,
        bytes,
        key,
        make: Box::new(move |w, packed| pack(w.slice(), packed)),
    })
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
        let output = self.windows.output(self.name(), &x.shape, &w.shape)?;
        if let Some(b) = b {
            check::same_dtype(self.name(), x, b)?;
            check::same_shape(self.name(), &w.shape[w.rank() - 1..], &b.shape)?;
        }
        Ok(vec![Spec::new(output, x.dtype)])
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
                true => Some(g.reduce(Reduction::Sum, dz, &(0..=d).collect::<Vec<_>>(), false)?),
            });
        }
        Ok(gradients)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let g = self
            .windows
            .geometry(self.name(), &inputs[0].shape, &inputs[1].shape)?;
        let (activation, biased) = (self.activation, inputs.len() == 3);
        Ok(with_float!(inputs[0].dtype, T => {
            let scratch = g.forward_scratch::<T>();
            let in_tiles = g.makes_tiles(activation);
            let forward = Arc::new(Forward::new(g, biased));
            let same = forward.clone();
            let repacking = repacking(forward.packing::<T>(), move |w, to| same.pack::<T>(w, to));
            let run = move |io: &mut Io, consumer: &dyn Consumer| {
                let (x, plain) = (io.inputs[0].slice(), io.inputs[1].slice());
                let w = Weights {
                    plain,
                    packed: io.repacked,
                };
                let end = (io.inputs.get(2).map(|b| b.slice()), activation);
                forward.run::<T>(x, w, end, io.outputs[0].slice(), io.scratch, consumer);
                Ok(())
            };
            let kernel = Kernel::producer(in_tiles, run).with_scratch(scratch);
            kernel.repacks(repacking).into()
        }))
    }
}
