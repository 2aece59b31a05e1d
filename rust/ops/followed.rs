//! Two ops, of which the second goes on with the first one's result piece by piece, while the piece is
//! in the cache: what the fusion pass makes of them.
//!
//! Only the compiler makes it, after differentiation, so it has no backward and no name outside.

use crate::error::Result;
use crate::graph::{Input, Io, Op};
use crate::kernels::pointwise::USUAL;
use crate::memory::ALIGN;
use crate::tensor::{Element, Spec};
use crate::with_dtype;
use smallvec::SmallVec;
use std::sync::Arc;

/// Inputs are those of `first`, then those of `then` but the one that `first` makes. Output 0 is what
/// `first` makes, or what `then` writes over it; the others are those of `then`.
#[derive(Debug)]
pub struct Followed {
    pub first: Arc<dyn Op>,
    /// How many inputs `first` has.
    pub count: usize,
    pub then: Arc<dyn Op>,
    /// The input of `then` that `first` makes.
    pub input: usize,
    pub outputs: Vec<Spec>,
}

impl Followed {
    fn first_scratch(&self, inputs: &[&Spec]) -> usize {
        let bytes = self.first.scratch(&inputs[..self.count]);
        bytes.next_multiple_of(ALIGN)
    }
}

impl Op for Followed {
    fn name(&self) -> &'static str {
        self.first.name()
    }

    fn shape(&self, _inputs: &[&Spec]) -> Result<Vec<Spec>> {
        Ok(self.outputs.clone())
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let specs: SmallVec<[&Spec; USUAL]> = io.inputs.iter().map(|i| i.spec).collect();
        let (scratch, then_scratch) = io.scratch.split_at_mut(self.first_scratch(&specs));
        let (inputs, others) = io.inputs.split_at(self.count);
        let (made, outputs) = io.outputs.split_at_mut(1);
        let mut then_inputs: SmallVec<[Input; USUAL]> = others.iter().copied().collect();
        then_inputs.insert(
            self.input,
            Input {
                spec: made[0].spec,
                data: with_dtype!(self.outputs[0].dtype, T => T::wrap(&[])),
                in_place: Some(0),
            },
        );
        let mut then = Io {
            inputs: &then_inputs,
            outputs,
            scratch: then_scratch,
        };
        self.then.forward_following(&mut then, &mut |follow| {
            let mut first = Io {
                inputs,
                outputs: made,
                scratch,
            };
            self.first.forward_in_pieces(&mut first, follow)
        })
    }

    fn scratch(&self, inputs: &[&Spec]) -> usize {
        let mut then: Vec<&Spec> = inputs[self.count..].to_vec();
        then.insert(self.input, &self.outputs[0]);
        self.first_scratch(inputs) + self.then.scratch(&then)
    }

    fn can_fail(&self) -> bool {
        self.first.can_fail() || self.then.can_fail()
    }
}
