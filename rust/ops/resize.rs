//! `y[n, i, j, c] = sum over h, w of R[i, h] C[j, w] x[n, h, w, c]`: images at another size.
//!
//! `dx = ` the op `resize_grad` of `dout`. x (N, H, W, C), y (N, size[0], size[1], C); R and C hold the
//! weights of the method. `nearest` copies, and takes any dtype. (Keys 1981; Duchon 1979.)

use super::check;
use super::named::{self, Named};
use super::resize_grad::ResizeGrad;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::resize::{pick, resample, Method, Taps};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::{with_dtype, with_float};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resize {
    pub size: [Size; 2],
    #[serde(with = "named")]
    pub method: Method,
    pub antialias: bool,
}

impl Named for Method {
    fn table() -> Vec<(&'static str, Self)> {
        vec![
            ("nearest", Method::Nearest),
            ("bilinear", Method::Bilinear),
            ("bicubic", Method::Bicubic),
            ("lanczos3", Method::Lanczos3),
            ("lanczos5", Method::Lanczos5),
        ]
    }
}

/// Images (N, H, W, C) with at least one pixel each.
pub fn check_images(op: &str, name: &str, spec: &Spec) -> Result<()> {
    match spec.shape[..] {
        [_, h, w, _] if h != 0 && w != 0 => Ok(()),
        _ => Err(Error::shape(
            op,
            format!("{name} (N, H, W, C) with H and W of at least 1"),
            show(&spec.shape),
        )),
    }
}

impl Resize {
    /// Refuses sizes of nothing, for `op`, which has the same attributes.
    pub fn check(&self, op: &str) -> Result<()> {
        match self.size.contains(&Size::ZERO) {
            false => Ok(()),
            true => {
                let got = show(&self.size);
                Err(Error::attribute(op, "size: 2 ints of at least 1", got))
            }
        }
    }

    /// The weights of rows and columns, for images of this shape.
    pub fn taps(&self, shape: &[usize]) -> [Taps<f64>; 2] {
        [0, 1].map(|a| {
            Taps::new(
                self.method,
                self.antialias,
                shape[1 + a],
                self.size[a].get(),
            )
        })
    }
}

impl Op for Resize {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        self.check(self.name())?;
        if self.method != Method::Nearest {
            check::float(self.name(), "x", x)?;
        }
        check_images(self.name(), "x", x)?;
        let [height, width] = self.size;
        let shape = [x.shape[0], height, width, x.shape[3]];
        Ok(vec![Spec::new(shape, x.dtype)])
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

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let [rows, columns] = self.taps(inputs[0].dims());
        let channels = inputs[0].dims()[3];
        if self.method == Method::Nearest {
            return Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
                let (x, out) = (io.inputs[0].slice(), io.outputs[0].slice());
                pick::<T, _>(x, channels, &rows, &columns, out);
                Ok(())
            })
            .into()));
        }
        Ok(resampled(inputs[0], rows, columns).into())
    }
}

/// The kernel of images x whose rows and columns are resampled by these weights.
pub fn resampled(x: &Spec, rows: Taps<f64>, columns: Taps<f64>) -> Kernel {
    let channels = x.dims()[3];
    with_float!(x.dtype, T => {
        let (rows, columns) = (rows.cast(), columns.cast());
        Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice(), io.outputs[0].slice());
            resample::<T>(x, channels, &rows, &columns, out);
            Ok(())
        })
    })
}
