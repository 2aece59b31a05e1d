//! `y[n, i, j, c] = sum over h, w of R[i, h] C[j, w] x[n, h, w, c]`: images at another size.
//!
//! `dx = ` the op `resize_grad` of `dout`. x (N, H, W, C), y (N, size[0], size[1], C); R and C hold the
//! weights of the method. `nearest` copies, and takes any dtype. (Keys 1981; Duchon 1979.)

use super::check;
use super::resize_grad::ResizeGrad;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::resize::{pick, resample, Method, Taps};
use crate::tensor::{show, Element, Spec};
use crate::{with_dtype, with_float};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Resize {
    pub size: [usize; 2],
    pub method: Method,
    pub antialias: bool,
}

const METHODS: &[(&str, Method)] = &[
    ("nearest", Method::Nearest),
    ("bilinear", Method::Bilinear),
    ("bicubic", Method::Bicubic),
    ("lanczos3", Method::Lanczos3),
    ("lanczos5", Method::Lanczos5),
];

/// The attributes, of which `op` reads the same.
pub fn read(op: &str, r: &mut Reader) -> Result<Resize> {
    let size = r.sizes("size")?;
    let size = <[usize; 2]>::try_from(&size[..])
        .ok()
        .filter(|size| !size.contains(&0))
        .ok_or_else(|| Error::attribute(op, "size: 2 ints of at least 1", show(&size)))?;
    Ok(Resize {
        size,
        method: r.one_of("method", METHODS)?,
        antialias: r.bool("antialias")?,
    })
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(read("resize", r)?))
}

/// Images (N, H, W, C) with at least one pixel each.
pub fn check_images(op: &str, name: &str, spec: &Spec) -> Result<()> {
    match spec.shape[..] {
        [_, h, w, _] if h > 0 && w > 0 => Ok(()),
        _ => Err(Error::shape(
            op,
            format!("{name} (N, H, W, C) with H and W of at least 1"),
            show(&spec.shape),
        )),
    }
}

impl Resize {
    /// The weights of rows and columns, for images of this shape.
    pub fn taps(&self, shape: &[usize]) -> [Taps<f64>; 2] {
        [0, 1].map(|a| Taps::new(self.method, self.antialias, shape[1 + a], self.size[a]))
    }
}

impl Op for Resize {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        if self.method != Method::Nearest {
            check::float(self.name(), "x", x)?;
        }
        check_images(self.name(), "x", x)?;
        let [height, width] = self.size;
        let shape = [x.shape[0], height, width, x.shape[3]];
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let spec = io.inputs[0].spec;
        let [rows, columns] = self.taps(&spec.shape);
        let channels = spec.shape[3];
        if self.method == Method::Nearest {
            with_dtype!(spec.dtype, T => {
                let out = T::slice_mut(&mut io.outputs[0].data);
                pick::<T, _>(io.inputs[0].slice(), channels, &rows, &columns, out);
            });
        } else {
            with_float!(spec.dtype, T => {
                let out = T::slice_mut(&mut io.outputs[0].data);
                let x: &[T] = io.inputs[0].slice();
                resample(x, channels, &rows.cast(), &columns.cast(), out);
            });
        }
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let x = b.spec(b.inputs[0]);
        let op = ResizeGrad(Resize {
            size: [x.shape[1], x.shape[2]],
            ..self.clone()
        });
        Ok(vec![Some(b.graph.push(op, &[dout])?)])
    }
}
