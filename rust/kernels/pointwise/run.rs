//! The blocks of a running program.

use super::execute::{execute, execute_in_place, slice, slice_mut, Operands};
use super::{Bound, Layout, Operand, Sharing, Slot, ROOM, USUAL};
use crate::error::unwind;
use crate::kernels::columns::{nothing, Cut};
use crate::kernels::fold::Fold;
use crate::memory::{Buffer, ALIGN};
use crate::tensor::{DataMut, Element};
use crate::with_dtype;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::ops::Range;

/// A running program and its operands.
pub(super) struct Run<'a> {
    bound: &'a Bound,
    inputs: &'a [Operand<'a>],
    sharing: SmallVec<[Sharing; USUAL]>,
    outputs: SmallVec<[Base; USUAL]>,
    partials: SmallVec<[Base; USUAL]>,
}

impl<'a> Run<'a> {
    /// A run that writes the stored `outputs`, which live as long as it does, and sums up in `scratch`.
    pub fn new(
        bound: &'a Bound,
        inputs: &'a [Operand<'a>],
        outputs: SmallVec<[Base; USUAL]>,
        scratch: &'a mut [u8],
    ) -> Self {
        let sharing = |(i, input): (usize, &Operand)| match input.in_place {
            Some(output) => bound.program.sharing(i, output),
            None => Sharing::Apart,
        };
        Run {
            bound,
            inputs,
            sharing: inputs.iter().enumerate().map(sharing).collect(),
            outputs,
            partials: partials(bound, scratch),
        }
    }

    /// The same run with the first output elsewhere.
    pub fn with_first_output(&self, ptr: *mut u8) -> Self {
        let mut outputs = self.outputs.clone();
        outputs[0].ptr = ptr;
        Run {
            bound: self.bound,
            inputs: self.inputs,
            sharing: self.sharing.clone(),
            outputs,
            partials: self.partials.clone(),
        }
    }

    /// Computes one chunk.
    pub fn chunk(&self, chunk: usize) {
        let program = &self.bound.program;
        let wanted = (program.registers + ROOM * self.inputs.len()) * program.spacing();
        let start = chunk * self.bound.chunk();
        let end = (start + self.bound.chunk()).min(self.bound.len);
        SCRATCH.with_borrow_mut(|scratch| {
            if scratch.len() < wanted {
                *scratch = Buffer::zeroed(wanted).unwrap_or_else(|e| unwind(e));
            }
            self.range(chunk, start..end, scratch.as_ptr());
        });
    }

    /// Puts the chunks' sums together, when all chunks are done.
    pub fn finish(&self, summed: &mut [DataMut]) {
        let Some(cut) = self.bound.cut else { return };
        let sums = self.bound.program.sums.iter().zip(&self.partials);
        for ((value, partial), out) in sums.zip(summed) {
            with_dtype!(self.bound.program.dtype(*value), T => {
                let out = T::slice_mut(out);
                if self.bound.len == 0 {
                    out.fill(T::default());
                    continue;
                }
                // SAFETY: the partial results are in the scratch memory, and every task is done.
                let partial = unsafe { slice::<T>(partial.ptr, cut.partial_len()) };
                cut.finish(Fold::Sum, partial, out);
            });
        }
    }

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
            let n = program.block().min(range.end - at);
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
        let block = self.bound.program.block();
        with_dtype!(self.bound.program.inputs[input], T => {
            match self.bound.layouts[input] {
                Layout::Scalar => {
                    // SAFETY: the room holds a block of any dtype and is this thread's.
                    let out = unsafe { slice_mut::<T>(room, block.min(len)) };
                    out.fill(T::slice(self.inputs[input].data)[0]);
                }
                Layout::Row(n) if n <= block => {
                    let row: &[T] = T::slice(self.inputs[input].data);
                    // SAFETY: as above; it holds ROOM blocks.
                    let out = unsafe { slice_mut::<T>(room, (n + block.min(len)).min(ROOM * block)) };
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
                Layout::Row(len) if *len <= self.bound.program.block() => {
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

/// Where the partial sums of each value of `sums` are.
fn partials(bound: &Bound, scratch: &mut [u8]) -> SmallVec<[Base; USUAL]> {
    let mut ptr = scratch.as_mut_ptr();
    assert!(scratch.len() >= bound.scratch());
    assert!(bound.cut.is_none() || ptr.addr().is_multiple_of(ALIGN));
    let mut partials = SmallVec::new();
    for value in &bound.program.sums {
        let size = bound.program.dtype(*value).size();
        partials.push(Base { ptr, size });
        // SAFETY: the scratch memory has room for every value's (checked).
        ptr = unsafe { ptr.add((bound.partial_len() * size).next_multiple_of(ALIGN)) };
    }
    partials
}

thread_local! {
    static SCRATCH: RefCell<Buffer> = const { RefCell::new(Buffer::empty()) };
}

/// Base address of an output, or of partial sums, shared by threads that write disjoint blocks.
#[derive(Clone, Copy)]
pub(super) struct Base {
    ptr: *mut u8,
    size: usize,
}

// SAFETY: each block of an output is touched by one task.
unsafe impl Sync for Base {}

impl Base {
    /// Of an output of elements of `size` bytes, whose address is handed later.
    pub fn unknown(size: usize) -> Self {
        let ptr = std::ptr::null_mut();
        Base { ptr, size }
    }

    pub fn new(data: &mut DataMut) -> Self {
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
            DataMut::U64(s) => Base {
                ptr: s.as_mut_ptr().cast(),
                size: 8,
            },
        }
    }

    fn at(&self, element: usize) -> *mut u8 {
        // SAFETY: callers stay within the output's elements.
        unsafe { self.ptr.add(element * self.size) }
    }
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
