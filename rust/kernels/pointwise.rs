//! Runs a short program of element-wise instructions over a shape, block by block: every operand of
//! a block stays in the first-level cache, and memory is read and written once. Values can be summed
//! by column on the way, in the order of `columns`.

mod execute;
mod join;

use super::columns::{nothing, Cut};
use super::fold::Fold;
use super::map::Instr;
use super::threads::parallel_for;
use crate::memory::{Buffer, ALIGN};
use crate::tensor::{strides, DType, Data, DataMut, Element};
use crate::with_dtype;
use execute::{execute, execute_in_place, has_in_place, slice, slice_mut, Operands};
use join::join;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::ops::Range;

/// Elements a block.
const BLOCK: usize = 512;
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
    /// Not iterated: a seed.
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
        let steps = join(first, steps, [&mut outputs, &mut sums]);
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
        BLOCK * dtypes.map(|d| d.size()).max().unwrap_or(8) + ALIGN
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
        let is_seed = self
            .steps
            .iter()
            .any(|s| matches!(s.instr, Instr::Dropout { .. }) && s.args[1] == input);
        let len: usize = from.iter().product();
        if is_seed {
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
        let len = self.len;
        if len == 0 {
            return;
        }
        let (stored, summed) = outputs.split_at_mut(self.program.outputs.len());
        let bases: SmallVec<[Base; USUAL]> = stored.iter_mut().map(Base::new).collect();
        let partials = self.partials(scratch);
        let sharing: SmallVec<[Sharing; USUAL]> = inputs
            .iter()
            .enumerate()
            .map(|(i, input)| match input.in_place {
                Some(output) => self.program.sharing(i, output),
                None => Sharing::Apart,
            })
            .collect();
        let run = Run {
            bound: self,
            inputs,
            sharing: &sharing,
            outputs: &bases,
            partials: &partials,
        };
        let wanted = (self.program.registers + ROOM * inputs.len()) * self.program.spacing();
        let size = self.cut.map_or(CHUNK, |cut| cut.block());
        let task = |chunk: usize| {
            let start = chunk * size;
            let end = (start + size).min(len);
            SCRATCH.with_borrow_mut(|scratch| {
                if scratch.len() < wanted {
                    *scratch = Buffer::zeroed(wanted);
                }
                run.range(chunk, start..end, scratch.as_ptr());
            });
        };
        let chunks = len.div_ceil(size);
        if chunks == 1 || len * self.program.steps.len() < PARALLEL_WORK {
            (0..chunks).for_each(task);
        } else {
            parallel_for(chunks, &task);
        }
        let Some(cut) = self.cut else { return };
        for ((value, partial), out) in self.program.sums.iter().zip(&partials).zip(summed) {
            with_dtype!(self.program.dtype(*value), T => {
                // SAFETY: the partial results are in the scratch memory, and every task is done.
                let partial = unsafe { slice::<T>(partial.ptr, cut.partial_len()) };
                cut.finish(Fold::Sum, partial, T::slice_mut(out));
            });
        }
    }

    /// Where the partial sums of each value of `sums` are.
    fn partials(&self, scratch: &mut [u8]) -> SmallVec<[Base; USUAL]> {
        let mut ptr = scratch.as_mut_ptr();
        assert!(scratch.len() >= self.scratch());
        assert!(self.cut.is_none() || ptr.addr().is_multiple_of(ALIGN));
        let mut partials = SmallVec::new();
        for value in &self.program.sums {
            let size = self.program.dtype(*value).size();
            partials.push(Base { ptr, size });
            // SAFETY: the scratch memory has room for every value's (checked).
            ptr = unsafe { ptr.add((self.partial_len() * size).next_multiple_of(ALIGN)) };
        }
        partials
    }
}

/// A running program and its operands.
struct Run<'a> {
    bound: &'a Bound,
    inputs: &'a [Operand<'a>],
    sharing: &'a [Sharing],
    outputs: &'a [Base],
    partials: &'a [Base],
}

impl Run<'_> {
    /// The elements of one task.
    fn range(&self, chunk: usize, range: Range<usize>, scratch: *mut u8) {
        let program = &self.bound.program;
        let spacing = program.spacing();
        let register = |r: usize| {
            // SAFETY: the scratch buffer has room for every register and input.
            unsafe { scratch.add(r * spacing) }
        };
        let room = |input: usize| register(program.registers + ROOM * input);
        for input in 0..self.inputs.len() {
            self.prepare(input, range.len(), room(input));
        }
        for sum in 0..program.sums.len() {
            self.begin_sum(sum, chunk);
        }
        let mut places: SmallVec<[*const u8; USUAL]> = SmallVec::new();
        let mut at = range.start;
        while at < range.end {
            let n = BLOCK.min(range.end - at);
            places.clear();
            places.extend((0..self.inputs.len()).map(|i| self.load(i, at, n, room(i))));
            for (sum, value) in program.sums.iter().enumerate() {
                if let Some(place) = places.get(*value) {
                    self.add(sum, chunk, *place, at, n);
                }
            }
            let target = |slot: Slot| match slot {
                Slot::Register(r) => register(r),
                Slot::Output(o) => self.outputs[o].at(at),
            };
            for (index, (step, slot)) in program.steps.iter().zip(&program.slots).enumerate() {
                let mut args: Operands = [std::ptr::null(); 4];
                for (arg, value) in args.iter_mut().zip(&step.args) {
                    *arg = match value.checked_sub(self.inputs.len()) {
                        Some(earlier) => target(program.slots[earlier]),
                        None => places[*value],
                    };
                }
                let target = target(*slot);
                let updated = self.sharing.iter().find_map(|s| match s {
                    Sharing::Updated { writer, arg } if *writer == index => Some(*arg),
                    _ => None,
                });
                match updated {
                    // SAFETY: operand `arg` is the target, the other one is apart from it; both hold
                    // n elements of the step's dtype, which its result has too.
                    Some(arg) => unsafe { execute_in_place(step, arg, args[1 - arg], target, n) },
                    // SAFETY: every operand holds n elements of the step's dtype, the target n of its
                    // result's; the target is no operand: the in-place input of a step that is not
                    // `Updated` is not read by the step that overwrites it, or was copied to a
                    // register, and a register is reused only after its last reader.
                    None => unsafe { execute(step, args, target, n, at) },
                }
                let made = self.inputs.len() + index;
                for (sum, _) in program.sums.iter().enumerate().filter(|(_, v)| **v == made) {
                    self.add(sum, chunk, target, at, n);
                }
            }
            at += n;
        }
    }

    /// Fills the room of an input whose elements are the same for every block of a task of `len`.
    fn prepare(&self, input: usize, len: usize, room: *mut u8) {
        with_dtype!(self.bound.program.inputs[input], T => {
            match self.bound.layouts[input] {
                Layout::Scalar => {
                    // SAFETY: the room holds a block of any dtype and is this thread's.
                    let out = unsafe { slice_mut::<T>(room, BLOCK.min(len)) };
                    out.fill(T::slice(self.inputs[input].data)[0]);
                }
                Layout::Row(n) if n <= BLOCK => {
                    let row: &[T] = T::slice(self.inputs[input].data);
                    // SAFETY: as above; it holds ROOM blocks.
                    let out = unsafe { slice_mut::<T>(room, (n + BLOCK.min(len)).min(ROOM * BLOCK)) };
                    let mut done = n.min(out.len());
                    out[..done].copy_from_slice(&row[..done]);
                    while done < out.len() {
                        let more = done.min(out.len() - done);
                        out.copy_within(..more, done);
                        done += more;
                    }
                }
                _ => {}
            }
        });
    }

    /// Where the elements `at..at + n` of an input are, after copying them to its room if they do
    /// not lie side by side.
    fn load(&self, input: usize, at: usize, n: usize, room: *mut u8) -> *const u8 {
        let operand = &self.inputs[input];
        if let Some(output) = operand.in_place {
            let place = self.outputs[output].at(at);
            if self.sharing[input] != Sharing::Copied {
                return place;
            }
            let bytes = n * self.outputs[output].size;
            // SAFETY: the output's elements of this block are this thread's to read and have the
            // input's size; the room is this thread's.
            unsafe { std::ptr::copy_nonoverlapping(place, room, bytes) };
            return room;
        }
        with_dtype!(self.bound.program.inputs[input], T => {
            let x: &[T] = T::slice(operand.data);
            // SAFETY: the room holds a block and is this thread's.
            let block = || unsafe { slice_mut::<T>(room, n) };
            match &self.bound.layouts[input] {
                Layout::Full => x[at..at + n].as_ptr().cast(),
                Layout::Whole => x.as_ptr().cast(),
                Layout::Scalar => room,
                Layout::Row(len) if *len <= BLOCK => {
                    // SAFETY: the room holds the row over and over, n elements from any one on.
                    unsafe { room.add(at % len * size_of::<T>()) }
                }
                Layout::Row(len) => {
                    let from = at % len;
                    if from + n <= *len {
                        return x[from..].as_ptr().cast();
                    }
                    let (end, start) = block().split_at_mut(len - from);
                    end.copy_from_slice(&x[from..]);
                    start.copy_from_slice(&x[..start.len()]);
                    room
                }
                Layout::Strided(axes) => {
                    load_strided(x, axes, at, block());
                    room
                }
            }
        })
    }

    fn begin_sum(&self, sum: usize, chunk: usize) {
        with_dtype!(self.bound.program.dtype(self.bound.program.sums[sum]), T => {
            self.part::<T>(sum, chunk, |_, part| part.fill(nothing()));
        });
    }

    /// Adds `n` elements from the `start`-th on to the partial sums of a task.
    fn add(&self, sum: usize, chunk: usize, place: *const u8, start: usize, n: usize) {
        with_dtype!(self.bound.program.dtype(self.bound.program.sums[sum]), T => {
            // SAFETY: the value's elements of this block, which nothing writes meanwhile.
            let x = unsafe { slice::<T>(place, n) };
            self.part::<T>(sum, chunk, |cut, part| cut.add(chunk, part, start, x));
        });
    }

    /// Calls `f` with a task's partial sums.
    fn part<T: Element>(&self, sum: usize, chunk: usize, f: impl FnOnce(&Cut, &mut [T])) {
        if let Some(cut) = &self.bound.cut {
            let part = cut.part(chunk);
            // SAFETY: within the scratch memory; no other task has elements of this part.
            f(cut, unsafe {
                slice_mut::<T>(self.partials[sum].at(part.start), part.len())
            });
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<Buffer> = RefCell::new(Buffer::zeroed(0));
}

/// Base address of an output, or of partial sums, shared by threads that write disjoint blocks.
struct Base {
    ptr: *mut u8,
    size: usize,
}

// SAFETY: each block of an output is touched by one task.
unsafe impl Sync for Base {}

impl Base {
    fn new(data: &mut DataMut) -> Self {
        match data {
            DataMut::F32(s) => Base {
                ptr: s.as_mut_ptr().cast(),
                size: 4,
            },
            DataMut::F64(s) => Base {
                ptr: s.as_mut_ptr().cast(),
                size: 8,
            },
            DataMut::I32(s) => Base {
                ptr: s.as_mut_ptr().cast(),
                size: 4,
            },
            DataMut::I64(s) => Base {
                ptr: s.as_mut_ptr().cast(),
                size: 8,
            },
            DataMut::U8(s) => Base {
                ptr: s.as_mut_ptr(),
                size: 1,
            },
            DataMut::U32(s) => Base {
                ptr: s.as_mut_ptr().cast(),
                size: 4,
            },
        }
    }

    fn at(&self, element: usize) -> *mut u8 {
        // SAFETY: callers stay within the output's elements.
        unsafe { self.ptr.add(element * self.size) }
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

/// Fills `dst` with the elements `start..` of the broadcast view.
fn load_strided<T: Copy>(src: &[T], axes: &[(usize, usize)], start: usize, dst: &mut [T]) {
    let mut index = [0usize; 16];
    let mut rest = start;
    let mut offset = 0;
    for (axis, (size, stride)) in axes.iter().enumerate().rev() {
        index[axis] = rest % size;
        offset += index[axis] * stride;
        rest /= size;
    }
    let last = axes.len() - 1;
    let (size, stride) = axes[last];
    let mut done = 0;
    loop {
        let run = (size - index[last]).min(dst.len() - done);
        let out = &mut dst[done..done + run];
        match stride {
            0 => out.fill(src[offset]),
            1 => out.copy_from_slice(&src[offset..offset + run]),
            _ => (0..run).for_each(|i| out[i] = src[offset + i * stride]),
        }
        done += run;
        if done == dst.len() {
            return;
        }
        offset -= index[last] * stride;
        index[last] = 0;
        for axis in (0..last).rev() {
            let (size, stride) = axes[axis];
            index[axis] += 1;
            offset += stride;
            if index[axis] < size {
                break;
            }
            offset -= size * stride;
            index[axis] = 0;
        }
    }
}
