//! Runs a short program of element-wise instructions over a shape, block by block: every operand of
//! a block stays in the first-level cache, and memory is read and written once. Values can be summed
//! by column on the way, in the order of `columns`.

mod consume;
mod execute;
mod merge;
mod run;

pub use consume::OnTiles;

use super::columns::Cut;
use super::map::Instr;
use super::region::{share_if, IntoParallelIterator};
use crate::memory::ALIGN;
use crate::tensor::{strides, DType, Data, DataMut};
use execute::has_in_place;
use merge::merge;
use run::{Base, Run};

/// Elements a block, where its operands are few: each loop over a block costs a call.
const BLOCK: usize = 1024;
/// Registers and inputs that are few; blocks of more are half as long, to stay in the cache.
const FEW: usize = 8;
/// Blocks that an input has room for.
const ROOM: usize = 2;
/// Elements a task, a multiple of [`BLOCK`]; the cut depends on the shape alone.
const CHUNK: usize = 8192;
/// Instructions times elements under which one thread does it all.
const PARALLEL_WORK: usize = 1 << 16;

/// One instruction on earlier values; values are the inputs, then each step's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub instr: Instr,
    pub args: Vec<usize>,
    /// Dtype of the operands (of the second and third for `Select`).
    pub dtype: DType,
    /// Dtype of the result.
    pub out: DType,
}

/// Where a value of the block lives while the block runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Register(usize),
    Output(usize),
}

/// A straight-line program over one iteration shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    inputs: Vec<DType>,
    steps: Vec<Step>,
    outputs: Vec<usize>,
    /// Values whose columns are summed.
    sums: Vec<usize>,
    slots: Vec<Slot>,
    registers: usize,
}

/// How an input's elements map onto the iteration shape.
#[derive(Clone, Debug)]
enum Layout {
    /// Element for element.
    Full,
    /// One element for all.
    Scalar,
    /// Not iterated: read whole.
    Whole,
    /// A row of this length, repeated.
    Row(usize),
    /// By strides (0 where repeated) over the collapsed axes `(size, stride)`.
    Strided(Vec<(usize, usize)>),
}

/// One operand of a run: its elements, and the output it shares memory with.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    pub data: Data<'a>,
    pub in_place: Option<usize>,
}

/// What becomes of an input's elements in the memory of an output that overwrites them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sharing {
    /// None is shared: the input has memory of its own.
    Apart,
    /// Copied to a register before the block runs, since a step reads them after or while the
    /// output is written.
    Copied,
    /// Read where they are, by steps before the one that writes the output.
    ReadBefore,
    /// As `ReadBefore`, and then updated by the step `writer`, whose operand `arg` they are.
    Updated { writer: usize, arg: usize },
}

/// Room for the operands of most programs without allocating.
pub const USUAL: usize = 12;

/// A program bound to its shapes.
#[derive(Clone, Debug)]
pub struct Bound {
    program: Program,
    len: usize,
    layouts: Vec<Layout>,
    /// How the iteration shape is cut where columns are summed.
    cut: Option<Cut>,
}

impl Program {
    /// `outputs` are the values to store and `sums` those to sum by column, in order; every step's
    /// operands come before it.
    pub fn new(
        inputs: Vec<DType>,
        steps: Vec<Step>,
        mut outputs: Vec<usize>,
        mut sums: Vec<usize>,
    ) -> Self {
        let first = inputs.len();
        let steps = merge(first, steps, [&mut outputs, &mut sums]);
        let mut last = vec![0; steps.len()];
        for (at, step) in steps.iter().enumerate() {
            for &arg in &step.args {
                if arg >= first {
                    last[arg - first] = at;
                }
            }
        }
        let mut free: Vec<usize> = Vec::new();
        let mut registers = 0;
        let mut slots: Vec<Slot> = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            let slot = match outputs.iter().position(|&o| o == first + at) {
                Some(output) => Slot::Output(output),
                None => Slot::Register(free.pop().unwrap_or_else(|| {
                    registers += 1;
                    registers - 1
                })),
            };
            slots.push(slot);
            // A register is free again after the last step that reads it.
            for earlier in (0..at).filter(|e| last[*e] == at) {
                if let Slot::Register(r) = slots[earlier] {
                    if step.args.contains(&(first + earlier)) && !free.contains(&r) {
                        free.push(r);
                    }
                }
            }
        }
        Program {
            inputs,
            steps,
            outputs,
            sums,
            slots,
            registers,
        }
    }

    /// A program of one instruction.
    pub fn single(instr: Instr, inputs: Vec<DType>, dtype: DType, out: DType) -> Self {
        let args = (0..inputs.len()).collect();
        let at = inputs.len();
        Program::new(
            inputs,
            vec![Step {
                instr,
                args,
                dtype,
                out,
            }],
            vec![at],
            vec![],
        )
    }

    /// How the steps read an input that `output` overwrites.
    fn sharing(&self, input: usize, output: usize) -> Sharing {
        let reads = |step: &Step| step.args.iter().filter(|a| **a == input).count();
        let Some(writer) = self.slots.iter().position(|s| *s == Slot::Output(output)) else {
            return Sharing::Copied;
        };
        let step = &self.steps[writer];
        if self.steps[writer + 1..].iter().any(|s| reads(s) > 0) {
            return Sharing::Copied;
        }
        match (reads(step), step.args.iter().position(|a| *a == input)) {
            (0, _) => Sharing::ReadBefore,
            (1, Some(arg)) if has_in_place(step, arg) => Sharing::Updated { writer, arg },
            _ => Sharing::Copied,
        }
    }

    /// Bytes between registers: a block of the widest dtype, and a cache line so that they do not
    /// all fall into the same sets of the cache.
    fn spacing(&self) -> usize {
        let dtypes = self.inputs.iter().chain(self.steps.iter().map(|s| &s.out));
        self.block() * dtypes.map(|d| d.size()).max().unwrap_or(8) + ALIGN
    }

    /// Elements a block.
    fn block(&self) -> usize {
        match self.registers + self.inputs.len() <= FEW {
            true => BLOCK,
            false => BLOCK / 2,
        }
    }

    fn dtype(&self, value: usize) -> DType {
        match value.checked_sub(self.inputs.len()) {
            Some(step) => self.steps[step].out,
            None => self.inputs[value],
        }
    }

    /// The program over an iteration shape, with the shapes of its inputs.
    pub fn bind<'s>(self, shape: &[usize], inputs: impl IntoIterator<Item = &'s [usize]>) -> Bound {
        let layouts = inputs
            .into_iter()
            .enumerate()
            .map(|(i, from)| self.layout(i, shape, from))
            .collect();
        let len = shape.iter().product();
        let cut = match (shape.last(), self.sums.is_empty()) {
            (Some(n), false) => Some(Cut::of(len, *n)),
            _ => None,
        };
        Bound {
            program: self,
            len,
            layouts,
            cut,
        }
    }

    fn layout(&self, input: usize, shape: &[usize], from: &[usize]) -> Layout {
        let reads_whole = |step: &Step| {
            let mut args = step.args.iter().enumerate();
            args.any(|(i, arg)| *arg == input && step.instr.reads_whole(i))
        };
        let len: usize = from.iter().product();
        if self.steps.iter().any(reads_whole) {
            Layout::Whole
        } else if from == shape || len == shape.iter().product::<usize>() {
            Layout::Full
        } else if len == 1 {
            Layout::Scalar
        } else {
            match broadcast_axes(from, shape) {
                axes if matches!(axes[..], [(_, 0), (_, 1)]) => Layout::Row(len),
                axes => Layout::Strided(axes),
            }
        }
    }
}

impl Bound {
    /// Bytes of scratch memory that a run wants.
    pub fn scratch(&self) -> usize {
        let bytes = |value: &usize| self.partial_len() * self.program.dtype(*value).size();
        let parts = self.program.sums.iter();
        parts.map(|v| bytes(v).next_multiple_of(ALIGN)).sum()
    }

    fn partial_len(&self) -> usize {
        self.cut.map_or(0, |cut| cut.partial_len())
    }

    /// Computes every output: those stored, which have the iteration shape, then the columns' sums.
    pub fn run(&self, inputs: &[Operand], outputs: &mut [DataMut], scratch: &mut [u8]) {
        let (stored, summed) = outputs.split_at_mut(self.program.outputs.len());
        let run = Run::new(
            self,
            inputs,
            stored.iter_mut().map(Base::new).collect(),
            scratch,
        );
        let chunks = self.chunks();
        let worth_it = self.len * self.program.steps.len() >= PARALLEL_WORK;
        share_if(worth_it, (0..chunks).into_par_iter(), |chunk| {
            run.chunk(chunk)
        });
        run.finish(summed);
    }

    /// How many stored outputs come before the sums.
    pub fn stored(&self) -> usize {
        self.program.outputs.len()
    }

    /// Elements of a task.
    fn chunk(&self) -> usize {
        self.cut.map_or(CHUNK, |cut| cut.block())
    }

    fn chunks(&self) -> usize {
        self.len.div_ceil(self.chunk())
    }
}

/// The axes of `to` as `(size, stride in from)`, neighbours that step alike merged, size-1 dropped.
fn broadcast_axes(from: &[usize], to: &[usize]) -> Vec<(usize, usize)> {
    let lead = to.len() - from.len();
    let steps = strides(from);
    let mut axes: Vec<(usize, usize)> = Vec::new();
    for (axis, &size) in to.iter().enumerate() {
        if size == 1 {
            continue;
        }
        let stride = match axis.checked_sub(lead) {
            Some(a) if from[a] != 1 => steps[a],
            _ => 0,
        };
        match axes.last_mut() {
            Some((n, s)) if *s == stride * size => {
                *n *= size;
                *s = stride;
            }
            _ => axes.push((size, stride)),
        }
    }
    axes
}
