//! A program of pointwise ops as one op: what the fusion pass makes of chains of them.
//!
//! Only the compiler makes it, after differentiation, so it has no backward and no name outside.

use super::check;
use crate::error::Result;
use crate::graph::{Input, Io, Makes, Op};
use crate::kernels::map::Instr;
use crate::kernels::pointwise::{Bound, Operand, Program, USUAL};
use crate::tensor::{DType, DataMut, Spec};
use smallvec::SmallVec;

#[derive(Debug)]
pub struct Fused {
    pub program: Bound,
    pub shape: Vec<usize>,
    /// The values stored, which have the iteration shape, then the sums of columns.
    pub outputs: Vec<Spec>,
    /// Inputs that have the iteration shape and the dtype of some stored output: `(input, output)`.
    pub overwrites: Vec<(usize, usize)>,
}

impl Op for Fused {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        for input in inputs {
            if input.rank() <= self.shape.len() {
                check::broadcast(self.name(), &[&input.shape, &self.shape])?;
            }
        }
        Ok(self.outputs.clone())
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        run_program(&self.program, io);
        Ok(())
    }

    fn forward_following(&self, io: &mut Io, first: Makes) -> Result<()> {
        let operands: SmallVec<[Operand; USUAL]> = io.inputs.iter().map(operand).collect();
        let mut outputs: SmallVec<[DataMut; USUAL]> =
            io.outputs.iter_mut().map(|o| o.data.reborrow()).collect();
        let (stored, summed) = outputs.split_at_mut(self.program.stored() - 1);
        let follower = self.program.follow(&operands, stored, io.scratch);
        first(&follower)?;
        follower.finish(summed);
        Ok(())
    }

    fn scratch(&self, _inputs: &[&Spec]) -> usize {
        self.program.scratch()
    }

    fn in_place(&self, input: usize, output: usize) -> bool {
        self.overwrites.contains(&(input, output))
    }
}

/// Forward of a pointwise op that stands alone.
pub fn run_single(op: &dyn Op, io: &mut Io) -> Result<()> {
    let specs: Vec<&Spec> = io.inputs.iter().map(|i| i.spec).collect();
    let instr = op
        .pointwise(&specs)
        .expect("a pointwise op names its instruction");
    let program = single_program(instr, &specs, io.outputs[0].spec);
    let shapes = io.inputs.iter().map(|i| &i.spec.shape[..]);
    let program = program.bind(&io.outputs[0].spec.shape, shapes);
    run_program(&program, io);
    Ok(())
}

/// The one-instruction program of a pointwise op on these inputs.
fn single_program(instr: Instr, inputs: &[&Spec], out: &Spec) -> Program {
    let dtypes: Vec<DType> = inputs.iter().map(|s| s.dtype).collect();
    let dtype = operand_dtype(instr, &dtypes);
    Program::single(instr, dtypes, dtype, out.dtype)
}

/// The dtype that an instruction's loop runs in.
pub fn operand_dtype(instr: Instr, inputs: &[DType]) -> DType {
    match instr {
        Instr::Select => inputs[1],
        _ => inputs[0],
    }
}

fn operand<'a>(input: &Input<'a>) -> Operand<'a> {
    Operand {
        data: input.data,
        in_place: input.in_place,
    }
}

fn run_program(program: &Bound, io: &mut Io) {
    let operands: SmallVec<[Operand; USUAL]> = io.inputs.iter().map(operand).collect();
    let mut outputs: SmallVec<[DataMut; USUAL]> =
        io.outputs.iter_mut().map(|o| o.data.reborrow()).collect();
    program.run(&operands, &mut outputs, io.scratch);
}
