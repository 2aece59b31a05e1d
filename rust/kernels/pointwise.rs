//! Runs a short program of element-wise instructions over a shape, block by block: every operand of
//! a block stays in the first-level cache, and memory is read and written once.

mod execute;

use super::map::Instr;
use super::threads::parallel_for;
use crate::memory::Buffer;
use crate::tensor::{strides, DType, Data, DataMut, Element};
use crate::with_dtype;
use execute::{execute, execute_in_place, has_in_place, slice, slice_mut};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::ops::Range;

/// Elements a block.
const BLOCK: usize = 512;
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
}

impl Program {
    /// `outputs` are the values to store, in order; every step's operands come before it.
    pub fn new(inputs: Vec<DType>, steps: Vec<Step>, outputs: Vec<usize>) -> Self {
        let first = inputs.len();
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

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The program over an iteration shape, with the shapes of its inputs.
    pub fn bind<'s>(self, shape: &[usize], inputs: impl IntoIterator<Item = &'s [usize]>) -> Bound {
        let layouts = inputs
            .into_iter()
            .enumerate()
            .map(|(i, from)| self.layout(i, shape, from))
            .collect();
        Bound {
            program: self,
            len: shape.iter().product(),
            layouts,
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
            Layout::Strided(broadcast_axes(from, shape))
        }
    }
}

impl Bound {
    /// Computes every output. Outputs have the iteration shape.
    pub fn run(&self, inputs: &[Operand], outputs: &mut [DataMut]) {
        let len = self.len;
        if len == 0 {
            return;
        }
        let bases: SmallVec<[Base; USUAL]> = outputs.iter_mut().map(Base::new).collect();
        let sharing: SmallVec<[Sharing; USUAL]> = inputs
            .iter()
            .enumerate()
            .map(|(i, input)| match input.in_place {
                Some(output) => self.program.sharing(i, output),
                None => Sharing::Apart,
            })
            .collect();
        let wanted = (self.program.registers + inputs.len()) * BLOCK * 8;
        let task = |chunk: usize| {
            let start = chunk * CHUNK;
            let end = (start + CHUNK).min(len);
            SCRATCH.with_borrow_mut(|scratch| {
                if scratch.len() < wanted {
                    *scratch = Buffer::zeroed(wanted);
                }
                self.run_range(start..end, inputs, &sharing, &bases, scratch.as_ptr());
            });
        };
        let chunks = len.div_ceil(CHUNK);
        if chunks == 1 || len * self.program.steps.len() < PARALLEL_WORK {
            (0..chunks).for_each(task);
        } else {
            parallel_for(chunks, &task);
        }
    }

    fn run_range(
        &self,
        range: Range<usize>,
        inputs: &[Operand],
        sharing: &[Sharing],
        outputs: &[Base],
        scratch: *mut u8,
    ) {
        let Range { start, end } = range;
        let (program, layouts) = (&self.program, &self.layouts);
        let register = |r: usize| {
            // SAFETY: the scratch buffer has room for every register and input.
            unsafe { scratch.add(r * BLOCK * 8) }
        };
        for (i, layout) in layouts.iter().enumerate() {
            if matches!(layout, Layout::Scalar) {
                with_dtype!(program.inputs[i], T => {
                    let value = T::slice(inputs[i].data)[0];
                    let width = BLOCK.min(end - start);
                    // SAFETY: register `registers + i` holds a block of any dtype and is this thread's.
                    let out = unsafe { slice_mut::<T>(register(program.registers + i), width) };
                    out.fill(value);
                });
            }
        }
        let mut at = start;
        while at < end {
            let n = BLOCK.min(end - at);
            for (i, layout) in layouts.iter().enumerate() {
                let target = register(program.registers + i);
                match (layout, inputs[i].in_place) {
                    (_, Some(output)) if sharing[i] == Sharing::Copied => {
                        with_dtype!(program.inputs[i], T => {
                            // SAFETY: the output's elements of this block are this thread's to
                            // read; the register is its own.
                            let (src, dst) = unsafe {
                                (slice::<T>(outputs[output].at(at), n), slice_mut::<T>(target, n))
                            };
                            dst.copy_from_slice(src);
                        })
                    }
                    (Layout::Strided(axes), None) => with_dtype!(program.inputs[i], T => {
                        // SAFETY: the register holds a block and is this thread's.
                        let dst = unsafe { slice_mut::<T>(target, n) };
                        load_strided(T::slice(inputs[i].data), axes, at, dst);
                    }),
                    _ => {}
                }
            }
            let locate = |value: usize| -> *const u8 {
                if value >= program.inputs.len() {
                    return match program.slots[value - program.inputs.len()] {
                        Slot::Register(r) => register(r),
                        Slot::Output(o) => outputs[o].at(at),
                    };
                }
                match layouts[value] {
                    _ if matches!(
                        sharing[value],
                        Sharing::ReadBefore | Sharing::Updated { .. }
                    ) =>
                    {
                        inputs[value]
                            .in_place
                            .map_or(std::ptr::null(), |o| outputs[o].at(at))
                    }
                    Layout::Full if inputs[value].in_place.is_none() => {
                        with_dtype!(program.inputs[value], T => {
                            T::slice(inputs[value].data)[at..].as_ptr().cast()
                        })
                    }
                    Layout::Whole => with_dtype!(program.inputs[value], T => {
                        T::slice(inputs[value].data).as_ptr().cast()
                    }),
                    _ => register(program.registers + value),
                }
            };
            for (index, (step, slot)) in program.steps.iter().zip(&program.slots).enumerate() {
                let target = match slot {
                    Slot::Register(r) => register(*r),
                    Slot::Output(o) => outputs[*o].at(at),
                };
                let mut args = [std::ptr::null(); 3];
                for (arg, value) in args.iter_mut().zip(&step.args) {
                    *arg = locate(*value);
                }
                let updated = sharing.iter().find_map(|s| match s {
                    Sharing::Updated { writer, arg } if *writer == index => Some(*arg),
                    _ => None,
                });
                if let Some(arg) = updated {
                    // SAFETY: operand `arg` is the target, the other one is apart from it; both hold
                    // n elements of the step's dtype, which its result has too.
                    unsafe { execute_in_place(step, arg, args[1 - arg], target, n) };
                    continue;
                }
                // SAFETY: every operand holds n elements of the step's dtype, the target n of its
                // result's; the target is no operand: the in-place input of a step that is not
                // `Updated` is not read by the step that overwrites it, or was copied to a register,
                // and a register is reused only after its last reader.
                unsafe { execute(step, args, target, n, at) };
            }
            at += n;
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<Buffer> = RefCell::new(Buffer::zeroed(0));
}

/// Base address of an output, shared by threads that write disjoint blocks.
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
