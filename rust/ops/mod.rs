//! The ops, one a file. This list is the only one: a new op adds its line here.

use crate::attrs::{Attrs, Reader};
use crate::error::{caught, Error, Result};
use crate::graph::{Input, Io, Op, Output};
use crate::memory::{keep, kept};
use crate::tensor::{Data, DataMut, Spec};
use std::sync::Arc;

pub mod build;
pub mod check;
pub mod followed;
pub mod fused;
pub mod lanes;

/// Makes an op of its attributes.
type New = fn(&mut Reader) -> Result<Arc<dyn Op>>;

/// An op's name, its constructor and the names in its table of functions.
pub struct Entry {
    pub name: &'static str,
    pub new: New,
    pub functions: fn() -> Vec<&'static str>,
}

macro_rules! ops {
    ($($name:ident $(: $functions:ident)?),* $(,)?) => {
        $(pub mod $name;)*
        /// Every op that the border can name.
        pub const REGISTRY: &[Entry] = &[$(
            Entry { name: stringify!($name), new: $name::new, functions: ops!(@ $name $($functions)?) }
        ),*];
    };
    (@ $name:ident) => { Vec::new };
    (@ $name:ident $functions:ident) => { $name::$functions };
}

ops! {
    unary: functions,
    binary: functions,
    select,
    cast,
    reduce: functions,
    arg_reduce: functions,
    matmul,
    dense,
    conv,
    conv_transpose,
    conv_kernel_grad,
    reshape,
    transpose,
    broadcast_to,
    concat,
    slice,
    slice_grad,
    gather,
    scatter_add,
    gather_along,
    scatter_along,
    one_hot,
    softmax,
    log_softmax,
    logsumexp,
    cross_entropy,
    binary_cross_entropy,
    cumulate: functions,
    sort,
    argsort,
    top_k,
    layer_norm,
    batch_norm,
    pool: functions,
    pool_grad: functions,
    adam,
    random: functions,
    dropout,
    iota,
    resize,
    resize_grad,
    warp,
    warp_grad,
    stop_gradient,
}

/// The op of this name with these attributes.
pub fn new(name: &str, attrs: &Attrs) -> Result<Arc<dyn Op>> {
    let entry = REGISTRY
        .iter()
        .find(|e| e.name == name)
        .ok_or_else(|| Error::attribute("ops", "the name of an op", name))?;
    let mut reader = Reader::new(entry.name, attrs);
    let op = (entry.new)(&mut reader)?;
    reader.finish()?;
    Ok(op)
}

/// Runs one op: the inputs with their specs, and where the outputs go.
pub fn apply<'a, 'b: 'a>(
    op: &dyn Op,
    inputs: &[(&Spec, Data)],
    outputs: impl Iterator<Item = (&'a Spec, &'a mut DataMut<'b>)>,
) -> Result<()> {
    let specs: Vec<&Spec> = inputs.iter().map(|(spec, _)| *spec).collect();
    let bytes = op.scratch(&specs);
    let mut scratch = kept(bytes).map_err(|e| e.of_op(op.name()))?;
    let views: Vec<Input> = inputs
        .iter()
        .map(|&(spec, data)| Input {
            spec,
            data,
            in_place: None,
        })
        .collect();
    let mut results: Vec<Output> = outputs
        .map(|(spec, data)| Output {
            spec,
            data: data.reborrow(),
        })
        .collect();
    // What is empty needs no computing, however many rows of nothing it has.
    if !results.is_empty() && results.iter().all(|output| output.spec.is_empty()) {
        return Ok(());
    }
    let mut io = Io {
        inputs: &views,
        outputs: &mut results,
        scratch: scratch.bytes_mut(bytes),
    };
    let done = caught(op.name(), || op.forward(&mut io));
    keep(scratch);
    done
}
