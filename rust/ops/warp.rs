//! `out[n, y, x] = images[n, v, u]` with `u = (a0 x + a1 y + a2) / k`, `v = (b0 x + b1 y + b2) / k`,
//! `k = c0 x + c1 y + 1`: images under affine or projective maps, transforms (a0, a1, a2, b0, b1, b2,
//! c0, c1).
//!
//! `dimages = ` the op `warp_grad` of `dout`; none flows into the transforms. images (N, H, W, C),
//! transforms (N, 8). Between pixels the nearest one (halves away from zero) or the bilinear mean of
//! four counts; outside the image the fill rule gives each neighbour.

use super::check;
use super::resize::check_images;
use super::warp_grad::WarpGrad;
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::float::Float;
use crate::kernels::warp::{warp, Fill, Method, Reading, Size};
use crate::tensor::{Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct Warp {
    pub reading: Reading,
    pub value: f64,
}

const METHODS: &[(&str, Method)] = &[
    ("nearest", Method::Nearest),
    ("bilinear", Method::Bilinear),
];

const FILLS: &[(&str, Fill)] = &[
    ("constant", Fill::Constant),
    ("nearest", Fill::Nearest),
    ("reflect", Fill::Reflect),
    ("wrap", Fill::Wrap),
    ("mirror", Fill::Mirror),
];

/// The attributes `method` and `fill`.
pub fn read(r: &mut Reader) -> Result<Reading> {
    Ok(Reading {
        method: r.one_of("method", METHODS)?,
        fill: r.one_of("fill", FILLS)?,
    })
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Warp {
        reading: read(r)?,
        value: r.float("value")?,
    }))
}

/// The shape rule of images and transforms.
pub fn check_inputs(op: &str, name: &str, inputs: &[&Spec]) -> Result<Vec<Spec>> {
    let [images, transforms] = check::count(op, inputs)?;
    check::float(op, name, images)?;
    check::same_dtype(op, images, transforms)?;
    check_images(op, name, images)?;
    check::same_shape(op, &[images.shape[0], 8], &transforms.shape)?;
    Ok(vec![images.clone()])
}

/// Height, width and channels of images.
pub fn size(images: &Spec) -> Size {
    Size {
        height: images.shape[1],
        width: images.shape[2],
        channels: images.shape[3],
    }
}

impl Op for Warp {
    fn name(&self) -> &'static str {
        "warp"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        check_inputs(self.name(), "images", inputs)
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let spec = io.inputs[0].spec;
        with_float!(spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            let (images, transforms) = (io.inputs[0].slice(), io.inputs[1].slice());
            let value = <T as Float>::from_f64(self.value);
            warp(images, transforms, size(spec), self.reading, value, out);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let transforms = b.inputs[1];
        let op = WarpGrad {
            reading: self.reading,
        };
        Ok(vec![Some(b.graph.push(op, &[dout, transforms])?), None])
    }
}
