//! The ops, one a file. This list is the only one: a new op adds a module and an entry here.

use crate::error::{caught, Error, Result};
use crate::graph::{prepare, Compile, Op};
use crate::memory::{keep, kept};
use crate::run::{Input, Io, Output};
use crate::tensor::{Data, DataMut, Spec};
use named::names;
use serde::de::DeserializeOwned;
use std::sync::Arc;

pub mod adam;
pub mod arg_reduce;
pub mod argsort;
pub mod attention;
pub mod attention_grad;
pub mod batch_norm;
pub mod binary;
pub mod binary_cross_entropy;
pub mod bitcast;
pub mod body;
pub mod broadcast_to;
pub mod build;
pub mod cast;
pub mod check;
pub mod cholesky;
pub mod cofactors;
pub mod concat;
pub mod conv;
pub mod conv_kernel_grad;
pub mod conv_transpose;
pub mod cross_entropy;
pub mod cross_entropy_grad;
pub mod ctc_beam_search;
pub mod ctc_loss;
pub mod ctc_loss_grad;
pub mod cumulate;
pub mod custom_gradient;
pub mod dense;
pub mod determinant;
pub mod dropout;
pub mod eigh;
pub mod fft;
pub mod frame;
pub mod gather;
pub mod gather_along;
pub mod gru;
pub mod gru_grad;
pub mod identity;
pub mod iota;
pub mod irfft;
pub mod lanes;
pub mod layer_norm;
pub mod layer_norm_grad;
pub mod linear_recurrence;
pub mod log_softmax;
pub mod logsumexp;
pub mod lstm;
pub mod lstm_grad;
pub mod lu;
pub mod matmul;
pub mod matrices;
pub mod named;
pub mod narrow;
pub mod numpy_function;
pub mod one_hot;
pub mod overlap_add;
pub mod pinv;
pub mod pool;
pub mod pool_grad;
pub mod pool_pick;
pub mod qr;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod remat;
pub mod reshape;
pub mod resize;
pub mod resize_grad;
pub mod rfft;
pub mod scan;
pub mod scan_backward;
pub mod scatter_add;
pub mod scatter_along;
pub mod select;
pub mod simple_rnn;
pub mod simple_rnn_grad;
pub mod slice;
pub mod slice_grad;
pub mod softmax;
pub mod solve;
pub mod solve_triangular;
pub mod sort;
pub mod stop_gradient;
pub mod svd;
pub mod top_k;
pub mod transpose;
pub mod unary;
pub mod warp;
pub mod warp_grad;

type Attributes<'d, 'de> = &'d mut dyn erased_serde::Deserializer<'de>;
type Read = fn(Attributes) -> std::result::Result<Arc<dyn Op>, erased_serde::Error>;

/// An op's name, how it is read, and the names in its table of functions.
pub struct Entry {
    pub name: &'static str,
    pub read: Read,
    pub functions: fn() -> Vec<&'static str>,
}

const fn op<T: Op + DeserializeOwned>(name: &'static str) -> Entry {
    of_functions::<T>(name, Vec::new)
}

const fn of_functions<T: Op + DeserializeOwned>(
    name: &'static str,
    functions: fn() -> Vec<&'static str>,
) -> Entry {
    Entry {
        name,
        read: |attributes| Ok(Arc::new(erased_serde::deserialize::<T>(attributes)?)),
        functions,
    }
}

/// Every op that the border can name.
pub const REGISTRY: &[Entry] = &[
    of_functions::<unary::Unary>("unary", names::<unary::Function>),
    of_functions::<binary::Binary>("binary", names::<binary::Function>),
    op::<select::Select>("select"),
    op::<cast::Cast>("cast"),
    op::<narrow::Narrow>("narrow"),
    op::<bitcast::Bitcast>("bitcast"),
    of_functions::<reduce::Reduce>("reduce", names::<reduce::Reduction>),
    of_functions::<arg_reduce::ArgReduce>("arg_reduce", names::<arg_reduce::Extreme>),
    op::<matmul::Matmul>("matmul"),
    op::<dense::Dense>("dense"),
    op::<conv::Conv>("conv"),
    op::<conv_transpose::ConvTranspose>("conv_transpose"),
    op::<conv_kernel_grad::ConvKernelGrad>("conv_kernel_grad"),
    op::<reshape::Reshape>("reshape"),
    op::<transpose::Transpose>("transpose"),
    op::<broadcast_to::BroadcastTo>("broadcast_to"),
    op::<concat::Concat>("concat"),
    op::<slice::Slice>("slice"),
    op::<slice_grad::SliceGrad>("slice_grad"),
    op::<gather::Gather>("gather"),
    op::<scatter_add::ScatterAdd>("scatter_add"),
    op::<gather_along::GatherAlong>("gather_along"),
    op::<scatter_along::ScatterAlong>("scatter_along"),
    op::<one_hot::OneHot>("one_hot"),
    op::<softmax::Softmax>("softmax"),
    op::<log_softmax::LogSoftmax>("log_softmax"),
    op::<logsumexp::Logsumexp>("logsumexp"),
    op::<cross_entropy::CrossEntropy>("cross_entropy"),
    op::<cross_entropy_grad::CrossEntropyGrad>("cross_entropy_grad"),
    op::<binary_cross_entropy::BinaryCrossEntropy>("binary_cross_entropy"),
    op::<ctc_loss::CtcLoss>("ctc_loss"),
    op::<ctc_loss_grad::CtcLossGrad>("ctc_loss_grad"),
    op::<ctc_beam_search::CtcBeamSearch>("ctc_beam_search"),
    of_functions::<cumulate::Cumulate>("cumulate", names::<cumulate::Function>),
    op::<linear_recurrence::LinearRecurrence>("linear_recurrence"),
    op::<scan::Scan>("scan"),
    op::<lstm::Lstm>("lstm"),
    op::<lstm_grad::LstmGrad>("lstm_grad"),
    op::<gru::Gru>("gru"),
    op::<gru_grad::GruGrad>("gru_grad"),
    op::<simple_rnn::SimpleRnn>("simple_rnn"),
    op::<simple_rnn_grad::SimpleRnnGrad>("simple_rnn_grad"),
    op::<fft::Fft>("fft"),
    op::<rfft::Rfft>("rfft"),
    op::<irfft::Irfft>("irfft"),
    op::<frame::Frame>("frame"),
    op::<overlap_add::OverlapAdd>("overlap_add"),
    op::<sort::Sort>("sort"),
    op::<argsort::Argsort>("argsort"),
    op::<top_k::TopK>("top_k"),
    op::<cholesky::Cholesky>("cholesky"),
    op::<lu::Lu>("lu"),
    op::<qr::Qr>("qr"),
    op::<svd::Svd>("svd"),
    op::<eigh::Eigh>("eigh"),
    op::<solve::Solve>("solve"),
    op::<solve_triangular::SolveTriangular>("solve_triangular"),
    op::<pinv::Pinv>("pinv"),
    op::<determinant::Determinant>("determinant"),
    op::<cofactors::Cofactors>("cofactors"),
    op::<layer_norm::LayerNorm>("layer_norm"),
    op::<layer_norm_grad::LayerNormGrad>("layer_norm_grad"),
    op::<batch_norm::BatchNorm>("batch_norm"),
    of_functions::<pool::Pool>("pool", names::<crate::kernels::pool::Pooling>),
    of_functions::<pool_grad::PoolGrad>("pool_grad", names::<crate::kernels::pool::Pooling>),
    op::<pool_pick::PoolPick>("pool_pick"),
    op::<attention::Attention>("attention"),
    op::<attention_grad::AttentionGrad>("attention_grad"),
    op::<adam::Adam>("adam"),
    of_functions::<random::Random>("random", names::<random::Distribution>),
    op::<dropout::Dropout>("dropout"),
    op::<iota::Iota>("iota"),
    op::<resize::Resize>("resize"),
    op::<resize_grad::ResizeGrad>("resize_grad"),
    op::<warp::Warp>("warp"),
    op::<warp_grad::WarpGrad>("warp_grad"),
    op::<stop_gradient::StopGradient>("stop_gradient"),
    op::<identity::Identity>("identity"),
    op::<custom_gradient::CustomGradient>("custom_gradient"),
    op::<remat::Remat>("remat"),
    op::<numpy_function::NumpyFunction>("numpy_function"),
];

/// The entry of this name.
pub fn entry(name: &str) -> Result<&'static Entry> {
    let entry = REGISTRY.iter().find(|e| e.name == name);
    entry.ok_or_else(|| Error::attribute("ops", "the name of an op", name))
}

/// Runs one op: the inputs with their specs, where the outputs go, and how graphs that it owns become
/// kernels.
pub fn apply<'a, 'b: 'a>(
    op: &dyn Op,
    inputs: &[(&Spec, Data)],
    outputs: impl Iterator<Item = (&'a Spec, &'a mut DataMut<'b>)>,
    compile: &Compile,
) -> Result<()> {
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
    let read: Vec<&Spec> = inputs.iter().map(|(spec, _)| *spec).collect();
    let made: Vec<&Spec> = results.iter().map(|output| output.spec).collect();
    let kernel = prepare(op, &read, &made, compile)?.into_kernel(&read, &made);
    let mut scratch = kept(kernel.scratch()).map_err(|e| e.of_op(op.name()))?;
    let mut io = Io {
        inputs: &views,
        outputs: &mut results,
        scratch: scratch.bytes_mut(kernel.scratch()),
        is_passed_on: false,
        repacked: None,
    };
    let done = caught(op.name(), || kernel.run(&mut io));
    keep(scratch);
    done
}
