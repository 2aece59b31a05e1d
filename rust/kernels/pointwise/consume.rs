//! A program that goes on with the tiles of an input while somebody else still makes the others.

use super::run::{Base, Run};
use super::{Bound, Layout, Operand, USUAL};
use crate::kernels::isa::ask_for;
use crate::kernels::tile::{Chunks, Consumer};
use crate::tensor::{DataMut, Element};
use crate::with_dtype;
use smallvec::SmallVec;
use std::ops::Range;

/// A run whose chunks begin when the last of their elements has come. The input that comes lies in
/// the memory of the first output.
pub struct OnTiles<'a> {
    run: Run<'a>,
    chunks: Chunks,
    /// The other inputs that are read element for element.
    streams: SmallVec<[Stream; USUAL]>,
}

/// Where an input begins, and the bytes of an element.
struct Stream(*const u8, usize);

// SAFETY: an address only, which is never followed.
unsafe impl Sync for Stream {}

impl Bound {
    /// A run that follows the input in the memory of the first output; `outputs` are the others that
    /// are stored.
    pub fn consume<'a>(
        &'a self,
        inputs: &'a [Operand<'a>],
        outputs: &mut [DataMut<'a>],
        scratch: &'a mut [u8],
    ) -> OnTiles<'a> {
        let coming = Base::unknown(self.program.dtype(self.program.outputs[0]).size());
        let bases = [coming]
            .into_iter()
            .chain(outputs.iter_mut().map(Base::new));
        let streams = inputs.iter().enumerate().filter_map(|(i, input)| {
            let dtype = self.program.inputs[i];
            let start = with_dtype!(dtype, T => T::slice(input.data).as_ptr().cast());
            let apart = input.in_place.is_none() && matches!(self.layouts[i], Layout::Full);
            apart.then_some(Stream(start, dtype.size()))
        });
        OnTiles {
            streams: streams.collect(),
            run: Run::new(self, inputs, bases.collect(), scratch),
            chunks: Chunks::new(self.len, self.chunk()),
        }
    }
}

impl OnTiles<'_> {
    /// Gives the sums of columns, after all elements have come.
    pub fn finish(self, summed: &mut [DataMut]) {
        self.chunks.finish();
        self.run.finish(summed);
    }
}

impl Consumer for OnTiles<'_> {
    fn reads(&self) -> usize {
        self.streams.iter().map(|Stream(_, size)| size).sum()
    }

    fn prefetch(&self, range: Range<usize>) {
        for Stream(start, size) in &self.streams {
            ask_for(start.wrapping_add(range.start * size), range.len() * size);
        }
    }

    unsafe fn take(&self, base: *mut u8, range: Range<usize>) {
        self.chunks
            .ready(range, |chunk| self.run.with_first_output(base).chunk(chunk));
    }
}
