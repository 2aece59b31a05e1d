//! How an op runs: what it reads and writes, and the kernel that it is made into, once, for the shapes
//! that it runs on.

mod chain;
pub mod elementwise;

pub use chain::chain;

use crate::error::{Error, Result};
use crate::kernels::map::Instr;
use crate::kernels::tile::{self, Consumer, NoConsumer};
use crate::tensor::{Data, DataMut, Element, Spec};
use crate::with_dtype;
use std::fmt;

/// What a kernel reads and writes.
pub struct Io<'a, 'b> {
    pub inputs: &'a [Input<'b>],
    pub outputs: &'a mut [Output<'b>],
    /// As many bytes as [`Kernel::scratch`] says, cache-line aligned, not cleared.
    pub scratch: &'a mut [u8],
    /// Whether nobody reads output 0 after a chain of two kernels: the first need not store it.
    pub is_passed_on: bool,
    /// What [`Kernel::repacking`] has made of its input, where that was kept.
    pub repacked: Option<&'a [u8]>,
}

/// Another order of an input's elements, which can be kept as long as the input stays the same.
pub struct Repacking {
    pub input: usize,
    pub bytes: usize,
    /// The same key, the same bytes of the same elements.
    pub key: String,
    pub make: Box<Repack>,
}

/// One input of a running kernel.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub spec: &'a Spec,
    pub data: Data<'a>,
    /// The output that holds this input's elements, when the kernel runs in place; `data` is empty
    /// then.
    pub in_place: Option<usize>,
}

/// One output of a running kernel.
pub struct Output<'a> {
    pub spec: &'a Spec,
    pub data: DataMut<'a>,
}

impl<'a> Input<'a> {
    pub fn slice<T: Element>(&self) -> &'a [T] {
        T::slice(self.data)
    }
}

impl Output<'_> {
    pub fn slice<T: Element>(&mut self) -> &mut [T] {
        T::slice_mut(&mut self.data)
    }
}

/// Makes a result, and hands its tiles over.
pub type Produce<'a> = tile::Produce<'a, Error>;

type Repack = dyn Fn(&Input, &mut [u8]) + Send + Sync;
type Run = dyn Fn(&mut Io) -> Result<()> + Send + Sync;
type RunInTiles = dyn Fn(&mut Io, &dyn Consumer) -> Result<()> + Send + Sync;
type RunOnTiles = dyn Fn(&mut Io, Produce) -> Result<()> + Send + Sync;

enum How {
    Whole(Box<Run>),
    InTiles(Box<RunInTiles>),
}

/// An op made ready for inputs of given shapes: all that follows from the shapes has been computed.
pub struct Kernel {
    how: How,
    on_tiles: Option<Box<RunOnTiles>>,
    scratch: usize,
    in_place: Vec<(usize, usize)>,
    can_fail: bool,
    repacking: Option<Repacking>,
}

impl Kernel {
    /// Computes the outputs by `run`. An error leaves them unspecified.
    pub fn new(run: impl Fn(&mut Io) -> Result<()> + Send + Sync + 'static) -> Self {
        Kernel::of(How::Whole(Box::new(run)))
    }

    /// As [`Kernel::new`]; where `in_tiles`, `run` hands the elements of output 0 over tile by tile, as
    /// they are made.
    pub fn producer(
        in_tiles: bool,
        run: impl Fn(&mut Io, &dyn Consumer) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        match in_tiles {
            true => Kernel::of(How::InTiles(Box::new(run))),
            false => Kernel::new(move |io| run(io, &NoConsumer)),
        }
    }

    fn of(how: How) -> Self {
        Kernel {
            how,
            on_tiles: None,
            scratch: 0,
            in_place: Vec::new(),
            can_fail: false,
            repacking: None,
        }
    }

    /// A second way to run, `run`: while somebody makes the input whose data is missing, tile by tile.
    pub fn consumer(
        mut self,
        run: impl Fn(&mut Io, Produce) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.on_tiles = Some(Box::new(run));
        self
    }

    /// Bytes of memory that it works in.
    pub fn with_scratch(mut self, bytes: usize) -> Self {
        self.scratch = bytes;
        self
    }

    /// The pairs `(input, output)` where it may write the output over the elements of the input.
    pub fn over(mut self, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        self.in_place.extend(pairs);
        self
    }

    /// It can refuse its inputs' values: then it runs before any weight changes.
    pub fn fallible(mut self, can_fail: bool) -> Self {
        self.can_fail = can_fail;
        self
    }

    /// It can read an input in another order; where that is not at hand, it makes it in its scratch memory.
    pub fn repacks(mut self, repacking: Option<Repacking>) -> Self {
        self.repacking = repacking;
        self
    }

    pub fn repacking(&self) -> Option<&Repacking> {
        self.repacking.as_ref()
    }

    pub fn run(&self, io: &mut Io) -> Result<()> {
        match &self.how {
            How::Whole(run) => run(io),
            How::InTiles(run) => run(io, &NoConsumer),
        }
    }

    /// As `run`, handing output 0 over tile by tile. Only where [`Kernel::produces`].
    pub fn run_in_tiles(&self, io: &mut Io, consumer: &dyn Consumer) -> Result<()> {
        match &self.how {
            How::Whole(_) => unreachable!("the kernel makes no tiles"),
            How::InTiles(run) => run(io, consumer),
        }
    }

    /// As `run`, while `produce` makes the input whose data is missing. Only where
    /// [`Kernel::consumes`].
    pub fn run_on_tiles(&self, io: &mut Io, produce: Produce) -> Result<()> {
        match &self.on_tiles {
            None => unreachable!("the kernel takes no tiles"),
            Some(run) => run(io, produce),
        }
    }

    pub fn produces(&self) -> bool {
        matches!(self.how, How::InTiles(_))
    }

    pub fn consumes(&self) -> bool {
        self.on_tiles.is_some()
    }

    pub fn scratch(&self) -> usize {
        self.scratch
    }

    pub fn in_place(&self, input: usize, output: usize) -> bool {
        self.in_place.contains(&(input, output))
    }

    pub fn can_fail(&self) -> bool {
        self.can_fail
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel")
            .field("produces", &self.produces())
            .field("consumes", &self.consumes())
            .field("scratch", &self.scratch)
            .field("in_place", &self.in_place)
            .finish_non_exhaustive()
    }
}

/// What running an op on inputs of given shapes comes to.
#[derive(Debug)]
pub enum Prepared {
    /// Nothing: output 0 is the elements of input 0 under another shape.
    View,
    /// One instruction an element, which the compiler joins with its neighbours.
    Elementwise(Instr),
    Kernel(Kernel),
}

impl Prepared {
    /// The kernel that does it, whatever stands around it.
    pub fn into_kernel(self, inputs: &[&Spec], outputs: &[&Spec]) -> Kernel {
        match self {
            Prepared::View => Kernel::new(copy),
            Prepared::Elementwise(instr) => elementwise::single(instr, inputs, outputs[0]),
            Prepared::Kernel(kernel) => kernel,
        }
    }
}

fn copy(io: &mut Io) -> Result<()> {
    with_dtype!(io.inputs[0].spec.dtype, T => {
        io.outputs[0].slice::<T>().copy_from_slice(io.inputs[0].slice());
    });
    Ok(())
}

impl From<Kernel> for Prepared {
    fn from(kernel: Kernel) -> Self {
        Prepared::Kernel(kernel)
    }
}
