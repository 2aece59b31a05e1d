//! Kernels of element-wise programs: what a chain of element-wise ops, or one of them alone, runs as.

use super::{Input, Kernel};
use crate::kernels::map::Instr;
use crate::kernels::pointwise::{Bound, Operand, Program, USUAL};
use crate::tensor::{DType, DataMut, Spec};
use smallvec::SmallVec;
use std::sync::Arc;

/// The kernel of a program, whose outputs are the values stored, then the sums of columns; `over` are
/// the inputs that outputs may overwrite.
pub fn program(program: Bound, over: Vec<(usize, usize)>) -> Kernel {
    let scratch = program.scratch();
    let program = Arc::new(program);
    let same = program.clone();
    let kernel = Kernel::new(move |io| {
        let operands: SmallVec<[Operand; USUAL]> = io.inputs.iter().map(operand).collect();
        let mut outputs: SmallVec<[DataMut; USUAL]> =
            io.outputs.iter_mut().map(|o| o.data.reborrow()).collect();
        program.run(&operands, &mut outputs, io.scratch);
        Ok(())
    });
    let kernel = kernel.consumer(move |io, produce| {
        let operands: SmallVec<[Operand; USUAL]> = io.inputs.iter().map(operand).collect();
        let mut outputs: SmallVec<[DataMut; USUAL]> =
            io.outputs.iter_mut().map(|o| o.data.reborrow()).collect();
        let (stored, summed) = outputs.split_at_mut(same.stored() - 1);
        let consumer = same.consume(&operands, stored, io.scratch);
        produce(&consumer)?;
        consumer.finish(summed);
        Ok(())
    });
    kernel.with_scratch(scratch).over(over)
}

/// The kernel of one instruction.
pub fn single(instr: Instr, inputs: &[&Spec], out: &Spec) -> Kernel {
    let dtypes: Vec<DType> = inputs.iter().map(|s| s.dtype).collect();
    let dtype = operand_dtype(instr, &dtypes);
    let single = Program::single(instr, dtypes, dtype, out.dtype);
    program(
        single.bind(out.dims(), inputs.iter().map(|s| s.dims())),
        Vec::new(),
    )
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
