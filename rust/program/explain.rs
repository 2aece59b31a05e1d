//! What a program runs, and why it is so.

use super::arena::Operand;
use super::Program;
use serde::Serialize;

/// One task of a program, or a pattern that could not be fused, which runs nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The op, or several of a chain.
    pub op: String,
    /// Path of the layer that it belongs to.
    pub layer: String,
    /// Shapes of what it reads.
    pub inputs: Vec<Vec<usize>>,
    /// Shapes of what it makes.
    pub outputs: Vec<Vec<usize>>,
    /// The fusions that made it.
    pub fusions: Vec<&'static str>,
    /// The fusions that came near, each with the reason why not.
    pub misses: Vec<String>,
    /// Seconds that it took in all runs that the clock timed.
    pub seconds: f64,
}

impl Program {
    /// Every task, in order, then the patterns that could not be fused.
    pub fn explain(&self) -> Vec<Explanation> {
        let shapes = |operands: &[Operand]| -> Vec<Vec<usize>> {
            operands.iter().map(|o| o.spec.dims().to_vec()).collect()
        };
        let tasks = self.steps.iter().enumerate().map(|(at, step)| Explanation {
            op: step.name.clone(),
            layer: step.layer.to_string(),
            inputs: shapes(&step.inputs),
            outputs: shapes(&step.outputs),
            fusions: step.fusions.clone(),
            misses: step.misses.clone(),
            seconds: self.clock.seconds(at),
        });
        let misses = self.misses.iter().map(|miss| Explanation {
            op: miss.op.to_string(),
            layer: miss.layer.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            fusions: Vec::new(),
            misses: vec![format!("{}: {}", miss.fusion, miss.why)],
            seconds: 0.0,
        });
        tasks.chain(misses).collect()
    }
}
