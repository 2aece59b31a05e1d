//! The memory of a program while it runs, handed to ops as typed views.
//!
//! The plan proves what the borrow checker cannot see: within one step no output overlaps another
//! operand, but for inputs marked in place, whose view is left empty.

use crate::graph::{Cell, Input, Output};
use crate::memory::{data_at, data_mut_at, Buffer};
use crate::tensor::{Spec, Tensor};
use smallvec::SmallVec;
use std::sync::{Arc, RwLockReadGuard, RwLockWriteGuard};

/// Address and spec of one operand of a step. Valid while the program's arena, its constants and
/// its cells live, which the program owns.
#[derive(Debug)]
pub struct Operand {
    ptr: *mut u8,
    pub spec: Spec,
    pub in_place: Option<usize>,
}

// SAFETY: an address only; it is followed inside `Views`, under the program's lock and its cells'.
unsafe impl Send for Operand {}
// SAFETY: as above.
unsafe impl Sync for Operand {}

impl Operand {
    pub fn in_arena(arena: &Buffer, offset: usize, spec: Spec) -> Self {
        assert!(offset + spec.bytes() <= arena.len());
        // SAFETY: within the buffer, checked.
        let ptr = unsafe { arena.as_ptr().add(offset) };
        Operand {
            ptr,
            spec,
            in_place: None,
        }
    }

    /// The cell's elements; a cell's tensor is written in place, never replaced.
    pub fn in_cell(cell: &Arc<Cell>, spec: Spec) -> Self {
        let guard = cell.tensor.read().unwrap_or_else(|e| e.into_inner());
        assert_eq!(spec.bytes(), cell.spec.bytes());
        Operand {
            ptr: guard.as_ptr(),
            spec,
            in_place: None,
        }
    }

    pub fn in_tensor(tensor: &Tensor, spec: Spec) -> Self {
        assert_eq!(spec.bytes(), tensor.spec().bytes());
        Operand {
            ptr: tensor.as_ptr(),
            spec,
            in_place: None,
        }
    }

    pub fn overwritten_by(mut self, output: Option<usize>) -> Self {
        self.in_place = output;
        self
    }
}

/// The views of one step, without allocating for most.
pub type Operands<T> = SmallVec<[T; 8]>;

/// Holds what makes operands readable and writable: the cells' locks.
pub struct Locked<'a> {
    _reads: Vec<RwLockReadGuard<'a, Tensor>>,
    _writes: Vec<RwLockWriteGuard<'a, Tensor>>,
}

/// Locks cells in the order of their ids, which every program does, so that none waits in a ring.
pub fn lock(cells: &[(Arc<Cell>, bool)]) -> Locked<'_> {
    let mut out = Locked {
        _reads: Vec::with_capacity(cells.len()),
        _writes: Vec::with_capacity(cells.len()),
    };
    for (cell, assigned) in cells {
        if *assigned {
            out._writes
                .push(cell.tensor.write().unwrap_or_else(|e| e.into_inner()));
        } else {
            out._reads
                .push(cell.tensor.read().unwrap_or_else(|e| e.into_inner()));
        }
    }
    out
}

impl Locked<'_> {
    /// The operand as an input.
    pub fn input<'s>(&'s self, operand: &'s Operand) -> Input<'s> {
        let len = if operand.in_place.is_some() {
            0
        } else {
            operand.spec.len()
        };
        Input {
            spec: &operand.spec,
            // SAFETY: the memory lives as long as the program, is aligned for every dtype, and is
            // written by no output of this step, or the view is empty.
            data: unsafe { data_at(operand.ptr, operand.spec.dtype, 0, len) },
            in_place: operand.in_place,
        }
    }

    /// The operand as an output.
    pub fn output<'s>(&'s mut self, operand: &'s Operand) -> Output<'s> {
        // SAFETY: as `outputs`, for one operand.
        unsafe { output(operand) }
    }

    /// The inputs, outputs and scratch memory of one step.
    pub fn step<'s>(
        &'s mut self,
        inputs: &'s [Operand],
        outputs: &'s [Operand],
        scratch: &'s Operand,
    ) -> (Operands<Input<'s>>, Operands<Output<'s>>, &'s mut [u8]) {
        let views = inputs.iter().map(|i| self.input(i)).collect();
        // SAFETY: the plan gives the outputs and the scratch memory of one step ranges of their own,
        // and none to inputs that are not marked in place.
        let results = outputs.iter().map(|o| unsafe { output(o) }).collect();
        // SAFETY: as above; bytes are readable whatever they hold.
        let scratch = unsafe { std::slice::from_raw_parts_mut(scratch.ptr, scratch.spec.len()) };
        (views, results, scratch)
    }

    /// Copies bytes between operands of one size.
    pub fn copy(&mut self, from: &Operand, to: &Operand) {
        assert_eq!(from.spec.bytes(), to.spec.bytes());
        // SAFETY: both valid for their size; `copy` allows overlap.
        unsafe { std::ptr::copy(from.ptr, to.ptr, from.spec.bytes()) }
    }
}

/// # Safety
/// Nothing else reads or writes the operand while the view lives.
unsafe fn output(operand: &Operand) -> Output<'_> {
    Output {
        spec: &operand.spec,
        // SAFETY: the caller's promise.
        data: unsafe { data_mut_at(operand.ptr, operand.spec.dtype, 0, operand.spec.len()) },
    }
}
