//! `out[n, y, x] = images[n, v, u]` with `u = (a0 x + a1 y + a2) / k`, `v = (b0 x + b1 y + b2) / k`,
//! `k = c0 x + c1 y + 1`: images under affine or projective maps, transforms (a0, a1, a2, b0, b1, b2,
//! c0, c1).
//!
//! `dimages = ` the op `warp_grad` of `dout`; none flows into the transforms. images (N, H, W, C),
//! transforms (N, 8). Between pixels the nearest one (halves away from zero) or the bilinear mean of
//! four counts; outside the image the fill rule gives each neighbour.

use super::check;
use super::named::{self, Named};
use super::resize::check_images;
use super::warp_grad::WarpGrad;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::float::Float;
use crate::kernels::warp::{warp, Fill, Method, Reading, Size};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warp {
    #[serde(with = "named")]
    pub method: Method,
    #[serde(with = "named")]
    pub fill: Fill,
    pub value: f64,
}

impl Named for Method {
    fn table() -> Vec<(&'static str, Self)> {
        vec![("nearest", Method::Nearest), ("bilinear", Method::Bilinear)]
    }
}

impl Named for Fill {
    fn table() -> Vec<(&'static str, Self)> {
        vec![
            ("constant", Fill::Constant),
            ("nearest", Fill::Nearest),
            ("reflect", Fill::Reflect),
            ("wrap", Fill::Wrap),
            ("mirror", Fill::Mirror),
        ]
    }
}

impl Warp {
    fn reading(&self) -> Reading {
        Reading {
            method: self.method,
            fill: self.fill,
        }
    }
}

/// The shape rule of images and transforms.
pub fn check_inputs(op: &str, name: &str, inputs: &[&Spec]) -> Result<Vec<Spec>> {
    let [images, transforms] = check::count(op, inputs)?;
    check::float(op, name, images)?;
    check::same_dtype(op, images, transforms)?;
    check_images(op, name, images)?;
    check::same_shape(op, &[images.shape[0], 8.into()], &transforms.shape)?;
    Ok(vec![images.clone()])
}

/// Height, width and channels of images.
pub fn size(images: &Spec) -> Size {
    Size {
        height: images.dims()[1],
        width: images.dims()[2],
        channels: images.dims()[3],
    }
}

impl Op for Warp {
    fn name(&self) -> &'static str {
        "warp"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        check_inputs(self.name(), "images", inputs)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let transforms = b.inputs[1];
        let op = WarpGrad {
            method: self.method,
            fill: self.fill,
        };
        Ok(vec![Some(b.graph.push(op, &[dout, transforms])?), None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let size = size(inputs[0]);
        let reading = self.reading();
        let value = self.value;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (images, transforms) = (io.inputs[0].slice(), io.inputs[1].slice());
            let value = <T as Float>::from_f64(value);
            warp(images, transforms, size, reading, value, io.outputs[0].slice::<T>());
            Ok(())
        })
        .into()))
    }
}
