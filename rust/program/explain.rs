//! What a program runs, and why it is so.

use super::arena::Operand;
use super::Program;
use crate::passes::tasks::Part;
use serde::Serialize;

/// One task of a program, or a pattern that could not be fused, which runs nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The op, or several of a chain.
    pub op: String,
    /// Path of the layer that it belongs to.
    pub layer: String,
    /// Whether it belongs to a derivative.
    pub is_gradient: bool,
    /// The ops that it does the work of, each with its attributes.
    pub parts: Vec<Part>,
    /// Shapes of what it reads.
    pub inputs: Vec<Vec<usize>>,
    /// Shapes of what it makes.
    pub outputs: Vec<Vec<usize>>,
    /// Bytes of both.
    pub bytes: usize,
    /// The fusions that made it.
    pub fusions: Vec<&'static str>,
    /// The fusions that came near, each with the reason why not.
    pub misses: Vec<String>,
}

impl Program {
    /// Every task, in order, then the patterns that could not be fused.
    pub fn explain(&self) -> Vec<Explanation> {
        let shapes = |operands: &[Operand]| -> Vec<Vec<usize>> {
            operands.iter().map(|o| o.spec.dims().to_vec()).collect()
        };
        let tasks = self.steps.iter().map(|step| Explanation {
            op: step.name.clone(),
            layer: step.layer.to_string(),
            is_gradient: step.is_gradient,
            parts: step.parts.clone(),
            inputs: shapes(&step.inputs),
            outputs: shapes(&step.outputs),
            bytes: step.bytes(),
            fusions: step.fusions.clone(),
            misses: step.misses.clone(),
        });
        let misses = self.misses.iter().map(|miss| Explanation {
            op: miss.op.to_string(),
            layer: miss.layer.clone(),
            is_gradient: false,
            parts: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            bytes: 0,
            fusions: Vec::new(),
            misses: vec![format!("{}: {}", miss.fusion, miss.why)],
        });
        tasks.chain(misses).collect()
    }
}
