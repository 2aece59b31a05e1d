//! `y = (d * softmax(scale q k^T + bias)) v` over the keys, head by head, where the mask, and with `causal`
//! the query's place, let a key be seen.
//!
//! With `p` the softmax and `g = d * (dout v^T)`: `ds = p * (g - sum(p g))`, 0 where masked;
//! `dq = scale ds k`, `dk = scale ds^T q`, `dv = (d * p)^T dout`, `dbias = ds`: `attention_grad`.
//!
//! q (B, T, N, H), k (B, S, K, H), v (B, S, K, E), K dividing N: query head n reads head n K / N of k and v.
//! Then, as the attributes say, a bool mask and a float bias that broadcast to (B, N, T, S), and a seed for
//! `d`, which is 1 / (1 - rate) where a weight is kept, else 0: a function of the seed and of the
//! weight's number, so it is never stored. y (B, T, N, E). A row that is masked whole weighs all keys alike,
//! or none with `zero_masked`; no keys give 0. (Vaswani et al. 2017; grouped heads: Ainslie et al. 2023.)

use super::attention_grad::AttentionGrad;
use super::check;
use super::dropout::check_seed;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::attention::{attention, Element, Geometry, Operands};
use crate::ops::build::Build;
use crate::run::{Input, Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{self, show, DType, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

/// How the scores become weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Weighing {
    pub scale: f64,
    pub causal: bool,
    /// Whether a mask is given.
    pub mask: bool,
    /// Whether a bias is given.
    pub bias: bool,
    /// Share of the weights that are dropped; a seed is given unless it is 0.
    pub rate: f64,
    /// Whether a row that is masked whole has weights of 0, not equal ones.
    pub zero_masked: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attention {
    #[serde(flatten)]
    pub weighing: Weighing,
}

impl Weighing {
    pub fn dropped(&self) -> bool {
        self.rate > 0.0
    }

    /// Inputs of the forward op.
    pub fn inputs(&self) -> usize {
        3 + usize::from(self.mask) + usize::from(self.bias) + usize::from(self.dropped())
    }

    /// The mask's, the bias's and the seed's places among the inputs.
    pub fn places(&self) -> [Option<usize>; 3] {
        let mut next = 3;
        [self.mask, self.bias, self.dropped()].map(|given| {
            next += usize::from(given);
            given.then(|| next - 1)
        })
    }

    /// The shape of the result, and that of the scores.
    pub fn shapes(&self, op: &str, inputs: &[&Spec]) -> Result<(Vec<Size>, Vec<Size>)> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(Error::attribute(op, "0 <= rate < 1", self.rate.to_string()));
        }
        if !self.scale.is_finite() {
            let got = self.scale.to_string();
            return Err(Error::attribute(op, "a finite scale", got));
        }
        if inputs.len() != self.inputs() {
            let expected = format!("{} inputs", self.inputs());
            return Err(Error::shape(op, expected, inputs.len().to_string()));
        }
        let (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        check::float(op, "q", q)?;
        check::same_dtype(op, q, k)?;
        check::same_dtype(op, q, v)?;
        let refuse = |expected: &str| {
            let all = [q, k, v].map(|x| show(&x.shape));
            Err(Error::shape(op, expected, all.join(", ")))
        };
        let ranks = [q, k, v].map(Spec::rank);
        if ranks != [4; 3] {
            return refuse("q (B, T, N, H), k (B, S, K, H) and v (B, S, K, E)");
        }
        let (q, k, v) = (&q.shape, &k.shape, &v.shape);
        let batch = q[0].agreed(k[0]).and_then(|batch| batch.agreed(v[0]));
        let Some(batch) = batch.filter(|_| k[0].may_be(v[0])) else {
            return refuse("q, k and v of one batch size");
        };
        let Some(keys) = k[1].agreed(v[1]) else {
            return refuse("as many keys as values");
        };
        if !q[3].may_be(k[3]) {
            return refuse("q and k of one depth");
        }
        let Some(key_heads) = k[2].agreed(v[2]) else {
            return refuse("as many heads of k as of v");
        };
        if q[2].whole_div(key_heads).is_none() {
            return refuse("heads of q that are a multiple of those of k");
        }
        let scores = vec![batch, q[2], q[1], keys];
        let [mask, bias, seed] = self.places();
        for (name, place) in [("mask", mask), ("bias", bias)] {
            let Some(spec) = place.map(|place| inputs[place]) else {
                continue;
            };
            match name {
                "mask" => check::dtype(op, name, spec, DType::Bool)?,
                _ => check::same_dtype(op, inputs[0], spec)?,
            }
            let both = check::broadcast(op, &[&spec.shape, &scores]);
            if !both.is_ok_and(|both| check::agree(&both, &scores)) {
                let expected = format!("a {name} that broadcasts to {}", show(&scores));
                return Err(Error::shape(op, expected, show(&spec.shape)));
            }
        }
        if let Some(place) = seed {
            check_seed(op, inputs[place])?;
        }
        Ok((vec![batch, q[1], q[2], v[3]], scores))
    }

    pub fn geometry(&self, inputs: &[&Spec]) -> Geometry {
        let (q, k, v) = (inputs[0].dims(), inputs[1].dims(), inputs[2].dims());
        let scores = [q[0], q[2], q[1], k[1]];
        let [mask, bias, _] = self.places();
        let strides = |place: usize| broadcast_strides(inputs[place].dims(), &scores);
        Geometry {
            batch: q[0],
            queries: q[1],
            keys: k[1],
            heads: q[2],
            key_heads: k[2],
            depth: q[3],
            value_depth: v[3],
            scale: self.scale,
            causal: self.causal,
            mask: mask.map(strides),
            bias: bias.map(strides),
            rate: self.rate,
            zero_masked: self.zero_masked,
        }
    }

    /// What the kernels read.
    pub fn operands<'a, T: Element + tensor::Element>(
        &self,
        inputs: &[Input<'a>],
    ) -> Operands<'a, T> {
        let [mask, bias, seed] = self.places();
        let seed = seed.map_or(&[0, 0][..], |place| inputs[place].slice::<u32>());
        Operands {
            q: inputs[0].slice(),
            k: inputs[1].slice(),
            v: inputs[2].slice(),
            mask: mask.map_or(&[], |place| inputs[place].slice::<u8>()),
            bias: bias.map_or(&[], |place| inputs[place].slice()),
            seed: [seed[0], seed[1]],
        }
    }
}

/// Strides of a tensor along the axes of the scores, 0 where it broadcasts.
fn broadcast_strides(shape: &[usize], scores: &[usize; 4]) -> [usize; 4] {
    let own = tensor::strides(shape);
    let lead = scores.len() - shape.len();
    std::array::from_fn(|axis| match axis.checked_sub(lead) {
        Some(a) if shape[a] != 1 => own[a],
        _ => 0,
    })
}

impl Op for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let (result, _) = self.weighing.shapes(self.name(), inputs)?;
        Ok(vec![Spec::new(result, inputs[0].dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let [_, bias, _] = self.weighing.places();
        let bias_grad = bias.is_some_and(|place| b.wanted[place]);
        let op = AttentionGrad {
            weighing: self.weighing.clone(),
            bias_grad,
        };
        let inputs = [&b.inputs[..], &[dout]].concat();
        let grads = b.graph.push_node(std::sync::Arc::new(op), &inputs)?;
        let mut all = vec![None; b.inputs.len()];
        for (slot, grad) in all.iter_mut().zip(&grads[..3]) {
            *slot = Some(*grad);
        }
        if let Some(place) = bias.filter(|_| bias_grad) {
            let shape = b.spec(b.inputs[place]).shape;
            all[place] = Some(b.graph.sum_to(grads[3], &shape)?);
        }
        Ok(all)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (weighing, geometry) = (self.weighing.clone(), self.weighing.geometry(inputs));
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let operands = weighing.operands::<T>(io.inputs);
            attention(&geometry, &operands, io.outputs[0].slice());
            Ok(())
        })
        .into()))
    }
}
