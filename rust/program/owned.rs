//! The kernel of a graph that an op owns: a program of its own, which a step of another one runs.
//!
//! Such a graph reads no variables; its program has an arena of its own, and what it reads and writes is
//! lent to it, so that nothing is copied on the way in and out.

use super::arena::{lock, Operands};
use super::compile::Program;
use super::step::{Batch, Rows};
use crate::error::Result;
use crate::graph::{Graph, Value};
use crate::run::Kernel;

/// The kernel that reads the graph's inputs, in their order, and computes `outputs`.
pub fn owned_kernel(graph: &Graph, outputs: &[Value]) -> Result<Kernel> {
    let program = Program::compile(graph, outputs, false)?;
    let can_fail = program.steps.iter().any(|step| step.kernel.can_fail());
    let kernel = Kernel::new(move |io| {
        let mut feeds: Operands<Rows> = Operands::new();
        for input in io.inputs {
            feeds.push(Rows {
                data: input.data,
                width: input.spec.len(),
            });
        }
        let mut arena = program.arenas.lend()?;
        let mut cells = lock(&program.cells);
        let targets = io.outputs.iter_mut().map(|output| output.data.reborrow());
        program.run(&mut cells, &mut arena, &feeds, Batch::From(0), targets)
    });
    Ok(kernel.fallible(can_fail))
}
