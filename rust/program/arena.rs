//! The memory of a program while it runs, handed to ops as typed views.
//!
//! The plan proves what the borrow checker cannot see: within one step no output overlaps another
//! operand, but for inputs marked in place, whose view is left empty.
//!
//! A run may be lent the caller's memory for feeds and outputs, which are then read and computed
//! where they are. What is lent stands in for the arena's memory of all the values that share it.

use crate::graph::Cell;
use crate::memory::{data_at, data_mut_at, Buffer};
use crate::run::{Input, Output};
use crate::tensor::{Data, DataMut, Element, Spec, Tensor};
use crate::with_dtype;
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::sync::{Arc, RwLockReadGuard, RwLockWriteGuard};

/// Memory that the caller may lend to one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lent {
    /// The elements of this feed, to read.
    Feed(usize),
    /// Where this output goes.
    Result(usize),
}

/// Address and spec of one operand of a step. Valid while the program's arena, its constants and
/// its cells live, which the program owns.
#[derive(Debug)]
pub struct Operand {
    ptr: *mut u8,
    pub spec: Spec,
    pub in_place: Option<usize>,
    /// What stands in for `ptr` where a run is lent it.
    pub lent: Option<Lent>,
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
            lent: None,
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
            lent: None,
        }
    }

    pub fn in_tensor(tensor: &Tensor, spec: Spec) -> Self {
        assert_eq!(spec.bytes(), tensor.spec().bytes());
        Operand {
            ptr: tensor.as_ptr(),
            spec,
            in_place: None,
            lent: None,
        }
    }

    pub fn or_lent(mut self, lent: Option<Lent>) -> Self {
        self.lent = lent;
        self
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
    /// The memory of one run.
    pub fn run(&mut self) -> Memory<'_> {
        Memory {
            feeds: SmallVec::new(),
            results: SmallVec::new(),
            _borrowed: PhantomData,
        }
    }
}

/// The memory of one run: the cells are locked, and what is lent stays borrowed.
pub struct Memory<'r> {
    /// What is lent for each feed, null for nothing.
    feeds: SmallVec<[*mut u8; 4]>,
    /// The same for each output.
    results: SmallVec<[*mut u8; 4]>,
    _borrowed: PhantomData<&'r mut u8>,
}

impl<'r> Memory<'r> {
    /// Lends the next feed its elements. Says whether they can be read where they are: they are
    /// as many as the operand's, and of its dtype; bools are taken only from bools, so never.
    pub fn lend_feed(&mut self, operand: &Operand, data: Option<Data<'r>>) -> bool {
        let spec = &operand.spec;
        let fits = |data: &Data| data.dtype() == spec.dtype && data.len() == spec.len();
        let data = data.filter(fits);
        self.feeds.push(match data {
            Some(data) => with_dtype!(spec.dtype, T => T::slice(data).as_ptr().cast_mut().cast()),
            None => std::ptr::null_mut(),
        });
        data.is_some()
    }

    /// Lends the next output its place, or gives it back where the output has a place of its own:
    /// a cell, a constant, a feed, or another output.
    pub fn lend_result(
        &mut self,
        operand: &Operand,
        mut target: DataMut<'r>,
    ) -> Option<DataMut<'r>> {
        let at = self.results.len();
        let spec = &operand.spec;
        let lent = operand.lent == Some(Lent::Result(at));
        let address = with_dtype!(spec.dtype, T => {
            let target = T::slice_mut(&mut target);
            assert_eq!(target.len(), spec.len());
            target.as_mut_ptr().cast()
        });
        self.results.push(match lent {
            true => address,
            false => std::ptr::null_mut(),
        });
        (!lent).then_some(target)
    }

    #[inline]
    fn address(&self, operand: &Operand) -> *mut u8 {
        let lent = match operand.lent {
            None => return operand.ptr,
            Some(Lent::Feed(at)) => self.feeds.get(at),
            Some(Lent::Result(at)) => self.results.get(at),
        };
        match lent {
            Some(lent) if !lent.is_null() => *lent,
            _ => operand.ptr,
        }
    }

    /// The operand as an input.
    pub fn input<'s>(&'s self, operand: &'s Operand) -> Input<'s> {
        let len = if operand.in_place.is_some() {
            0
        } else {
            operand.spec.len()
        };
        let address = self.address(operand);
        Input {
            spec: &operand.spec,
            // SAFETY: the memory lives as long as the program or is borrowed for the run, is aligned
            // for its dtype, and is written by no output of this step, or the view is empty.
            data: unsafe { data_at(address, operand.spec.dtype, 0, len) },
            in_place: operand.in_place,
        }
    }

    /// The operand as an output.
    pub fn output<'s>(&'s mut self, operand: &'s Operand) -> Output<'s> {
        // SAFETY: as `step`, for one operand.
        unsafe { self.written(operand) }
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
        let results = outputs.iter().map(|o| unsafe { self.written(o) }).collect();
        // SAFETY: as above; bytes are readable whatever they hold.
        let scratch = unsafe { std::slice::from_raw_parts_mut(scratch.ptr, scratch.spec.len()) };
        (views, results, scratch)
    }

    /// Copies bytes between operands of one size.
    pub fn copy(&mut self, from: &Operand, to: &Operand) {
        assert_eq!(from.spec.bytes(), to.spec.bytes());
        let (from, bytes) = (self.address(from), from.spec.bytes());
        // SAFETY: both valid for their size; `copy` allows overlap.
        unsafe { std::ptr::copy(from, self.address(to), bytes) }
    }

    /// # Safety
    /// Nothing else reads or writes the operand while the view lives.
    unsafe fn written<'s>(&self, operand: &'s Operand) -> Output<'s> {
        let address = self.address(operand);
        // A feed that is lent is only read: the plan writes nothing over feeds.
        debug_assert!(!matches!(operand.lent, Some(Lent::Feed(_))) || address == operand.ptr);
        Output {
            spec: &operand.spec,
            // SAFETY: the caller's promise; what is lent is borrowed for the run.
            data: unsafe { data_mut_at(address, operand.spec.dtype, 0, operand.spec.len()) },
        }
    }
}
