//! `dq`, `dk`, `dv`, and with `bias_grad` the gradient by the scores, of `attention`, from its inputs and dout.
//!
//! With `p` the softmax, `d` the kept weights, `a = dout v^T`, `g = d * a`, `m = sum(p g)`:
//! `ds = p * (g - m)`, `dq = scale ds k`, `dk = scale ds^T q`, `dv = (d * p)^T dout`. Given `u`, `w`, `x` and `y`, the
//! gradients by these and by `ds`, all sums over a row's keys:
//! `z = scale (u k^T + q w^T) + y`, 0 where masked, flows into `ds`;
//! `e = p * (z - sum(p z))` into `g`, so `d * e` into `a`; and
//! `c = z * (g - m) - g sum(p z) + d * (dout x^T)` into `p`, so `r = p * (c - sum(p c))`, 0 where masked, into the scores.
//! By q `scale (r k + ds w)`, by k `scale (r^T q + ds^T u)`, by v `(d * e)^T dout`, by dout
//! `(d * e) v + (d * p) x`, by the bias `r`. This second pass keeps the scores of all heads.
//!
//! Shapes as `attention`'s; dout (B, T, N, E), the gradient by the scores (B, N, T, S).

use super::attention::Weighing;
use super::build::Build;
use super::check;
use super::dropout::Dropout;
use super::iota::Iota;
use super::matmul::Matmul;
use super::reduce::Reduction;
use super::softmax::Softmax;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::attention::{backward, Grads};
use crate::kernels::float::Float;
use crate::kernels::map::Compare;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, DType, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttentionGrad {
    #[serde(flatten)]
    pub weighing: Weighing,
    pub bias_grad: bool,
}

/// Products of heads, written in graph. Tensors are as the op has them, (B, T, N, H) like q or (B, S, K, H) like k;
/// matrices of scores are (B, N, T, S).
struct Heads<'g> {
    g: &'g mut Graph,
    scores: Vec<Size>,
    key_heads: Size,
}

impl Heads<'_> {
    fn group(&self) -> Size {
        self.scores[1].floor_div(self.key_heads)
    }

    /// (B, K, N / K, rows, cols)
    fn grouped(&mut self, x: Value) -> Result<Value> {
        let s = &self.g.spec(x).shape;
        let shape = [s[0], self.key_heads, self.group(), s[2], s[3]];
        self.g.reshape(x, &shape)
    }

    /// A tensor like q as (B, K, N / K, T, H).
    fn queries(&mut self, x: Value) -> Result<Value> {
        let turned = self.g.transpose(x, &[0, 2, 1, 3])?;
        self.grouped(turned)
    }

    /// A tensor like k as (B, K, 1, S, H).
    fn keys(&mut self, x: Value) -> Result<Value> {
        let turned = self.g.transpose(x, &[0, 2, 1, 3])?;
        let s = self.g.spec(turned).shape.clone();
        self.g.reshape(turned, &[s[0], s[1], Size::ONE, s[2], s[3]])
    }

    fn product(&mut self, a: Value, ta: bool, b: Value, tb: bool) -> Result<Value> {
        let op = Matmul {
            transpose_a: ta,
            transpose_b: tb,
        };
        self.g.push(op, &[a, b])
    }

    /// `a b^T` of a tensor like q and one like k.
    fn scores(&mut self, a: Value, b: Value) -> Result<Value> {
        let (a, b) = (self.queries(a)?, self.keys(b)?);
        let product = self.product(a, false, b, true)?;
        self.g.reshape(product, &self.scores.clone())
    }

    /// `s b` of scores and a tensor like k: like q.
    fn by_query(&mut self, s: Value, b: Value) -> Result<Value> {
        let (s, b) = (self.grouped(s)?, self.keys(b)?);
        let product = self.product(s, false, b, false)?;
        let depth = self.g.spec(product).shape[4];
        let shape = [self.scores[0], self.scores[1], self.scores[2], depth];
        let heads = self.g.reshape(product, &shape)?;
        self.g.transpose(heads, &[0, 2, 1, 3])
    }

    /// `s^T a` of scores and a tensor like q, summed over the heads that read one of k: like k.
    fn by_key(&mut self, s: Value, a: Value) -> Result<Value> {
        let (s, a) = (self.grouped(s)?, self.queries(a)?);
        let product = self.product(s, true, a, false)?;
        let heads = self.g.reduce(Reduction::Sum, product, &[2], false)?;
        self.g.transpose(heads, &[0, 2, 1, 3])
    }

    /// `p * (a - sum(p a))`
    fn centred(&mut self, p: Value, a: Value) -> Result<Value> {
        let sum = self.along(p, a)?;
        let rest = self.g.sub(a, sum)?;
        self.g.mul(p, rest)
    }

    /// `sum(p a)` over the keys, (B, N, T, 1).
    fn along(&mut self, p: Value, a: Value) -> Result<Value> {
        let product = self.g.mul(p, a)?;
        self.g.reduce(Reduction::Sum, product, &[3], true)
    }

    /// Which scores are kept, (T, S): those of keys up to the query's place.
    fn causal(&mut self) -> Result<Value> {
        let shape = self.scores[2..].to_vec();
        let place = |axis| Iota::new(shape.clone(), axis, DType::I32);
        let (row, col) = (self.g.push(place(0), &[])?, self.g.push(place(1), &[])?);
        self.g.compare(Compare::Ge, row, col)
    }
}

fn add(g: &mut Graph, a: Option<Value>, b: Option<Value>) -> Result<Option<Value>> {
    match (a, b) {
        (Some(a), Some(b)) => Ok(Some(g.add(a, b)?)),
        (one, None) | (None, one) => Ok(one),
    }
}

impl AttentionGrad {
    /// `x` where the mask and the place let a score count, else `other`.
    fn masked(&self, h: &mut Heads, inputs: &[Value], mut x: Value, other: f64) -> Result<Value> {
        let other = h.g.scalar(other, h.g.spec(x).dtype);
        if let Some(place) = self.weighing.places()[0] {
            x = h.g.select(inputs[place], x, other)?;
        }
        if self.weighing.causal {
            let seen = h.causal()?;
            x = h.g.select(seen, x, other)?;
        }
        Ok(x)
    }
}

impl Op for AttentionGrad {
    fn name(&self) -> &'static str {
        "attention_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let expected = self.weighing.inputs() + 1;
        let Some((dout, rest)) = inputs.split_last().filter(|_| inputs.len() == expected) else {
            let expected = format!("{expected} inputs");
            return Err(Error::shape(
                self.name(),
                expected,
                inputs.len().to_string(),
            ));
        };
        let (result, scores) = self.weighing.shapes(self.name(), rest)?;
        check::same_dtype(self.name(), rest[0], dout)?;
        if !check::agree(&result, &dout.shape) {
            let expected = format!("dout of {}", show(&result));
            return Err(Error::shape(self.name(), expected, show(&dout.shape)));
        }
        if self.bias_grad && !self.weighing.bias {
            return Err(Error::attribute(
                self.name(),
                "a bias for bias_grad",
                "none",
            ));
        }
        let mut all: Vec<Spec> = rest[..3].iter().map(|x| (*x).clone()).collect();
        if self.bias_grad {
            all.push(Spec::new(scores, dout.dtype));
        }
        Ok(all)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let inputs = b.inputs.clone();
        let specs: Vec<Spec> = inputs.iter().map(|v| b.spec(*v)).collect();
        let count = self.weighing.inputs();
        let specs: Vec<&Spec> = specs[..count].iter().collect();
        let (_, scores) = self.weighing.shapes(self.name(), &specs)?;
        let dtype = specs[0].dtype;
        let (q, k, v, dout) = (inputs[0], inputs[1], inputs[2], inputs[count]);
        let [_, bias, seed] = self.weighing.places();
        let scale = self.weighing.scale;
        let by = |i: usize| b.douts.get(i).copied().flatten();
        let (u, w, x, y) = (by(0), by(1), by(2), by(3));
        let h = &mut Heads {
            key_heads: specs[1].shape[2],
            g: &mut *b.graph,
            scores: scores.clone(),
        };

        // The weights, and what is dropped.
        let mut s = h.scores(q, k)?;
        s = h.g.scale(s, scale)?;
        if let Some(place) = bias {
            s = h.g.add(s, inputs[place])?;
        }
        let lowest = with_float!(dtype, T => -0.7 * Float::to_f64(<T as Float>::MAX));
        let s = self.masked(h, &inputs, s, lowest)?;
        let mut p = h.g.push(Softmax { axis: 3 }, &[s])?;
        if self.weighing.zero_masked {
            p = self.masked(h, &inputs, p, 0.0)?;
        }
        let kept = match seed {
            None => None,
            Some(place) => {
                let one = h.g.scalar(1.0, dtype);
                let ones = h.g.broadcast_to(one, &scores)?;
                let op = Dropout {
                    rate: self.weighing.rate,
                };
                Some(h.g.push(op, &[ones, inputs[place]])?)
            }
        };
        let keep = |g: &mut Graph, x: Value| kept.map_or(Ok(x), |kept| g.mul(kept, x));
        let a = h.scores(dout, v)?;
        let g = keep(h.g, a)?;
        let m = h.along(p, g)?;
        let rest = h.g.sub(g, m)?;
        let ds = h.g.mul(p, rest)?;
        let ds = self.masked(h, &inputs, ds, 0.0)?;

        // z flows into ds.
        let mut z = None;
        if let Some(u) = u {
            let part = h.scores(u, k)?;
            z = Some(h.g.scale(part, scale)?);
        }
        if let Some(w) = w {
            let part = h.scores(q, w)?;
            let part = h.g.scale(part, scale)?;
            z = add(h.g, z, Some(part))?;
        }
        z = add(h.g, z, y)?;

        let (mut by_p, mut by_a) = (None, None);
        if let Some(z) = z {
            let z = self.masked(h, &inputs, z, 0.0)?;
            let e = h.centred(p, z)?;
            by_a = Some(keep(h.g, e)?);
            let sum = h.along(p, z)?;
            let (one, other) = (h.g.mul(z, rest)?, h.g.mul(g, sum)?);
            by_p = Some(h.g.sub(one, other)?);
        }
        let mut by_dout = None;
        if let Some(x) = x {
            let part = h.scores(dout, x)?;
            let part = keep(h.g, part)?;
            by_p = add(h.g, by_p, Some(part))?;
            let weights = keep(h.g, p)?;
            by_dout = Some(h.by_query(weights, x)?);
        }
        let mut by_v = None;
        if let Some(by_a) = by_a {
            by_v = Some(h.by_key(by_a, dout)?);
            let part = h.by_query(by_a, v)?;
            by_dout = add(h.g, by_dout, Some(part))?;
        }
        let (mut by_q, mut by_k, mut by_bias) = (None, None, None);
        if let Some(by_p) = by_p {
            let r = h.centred(p, by_p)?;
            let r = self.masked(h, &inputs, r, 0.0)?;
            by_q = Some(h.by_query(r, k)?);
            by_k = Some(h.by_key(r, q)?);
            by_bias = Some(r);
        }
        if let Some(w) = w {
            let part = h.by_query(ds, w)?;
            by_q = add(h.g, by_q, Some(part))?;
        }
        if let Some(u) = u {
            let part = h.by_key(ds, u)?;
            by_k = add(h.g, by_k, Some(part))?;
        }
        let mut all = vec![None; inputs.len()];
        all[0] = by_q.map(|d| h.g.scale(d, scale)).transpose()?;
        all[1] = by_k.map(|d| h.g.scale(d, scale)).transpose()?;
        all[2] = by_v;
        all[count] = by_dout;
        if let (Some(place), Some(r)) = (bias, by_bias) {
            let shape = h.g.spec(inputs[place]).shape.clone();
            all[place] = Some(h.g.sum_to(r, &shape)?);
        }
        Ok(all)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let count = self.weighing.inputs();
        let geometry = self.weighing.geometry(&inputs[..count]);
        let weighing = self.weighing.clone();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let operands = weighing.operands::<T>(&io.inputs[..count]);
            let dout = io.inputs[count].slice();
            let mut outputs = io.outputs.iter_mut().map(|output| output.slice::<T>());
            let mut next = || outputs.next();
            if let (Some(q), Some(k), Some(v)) = (next(), next(), next()) {
                let scores = next();
                backward(&geometry, &operands, dout, Grads { q, k, v, scores });
            }
            Ok(())
        })
        .into()))
    }
}
