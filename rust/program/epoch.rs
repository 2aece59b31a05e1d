//! The loop over batches: nothing of Python between two steps.

use super::arena::lock;
use super::compile::Program;
use super::step::{Batch, Rows};
use crate::error::{Error, Result};
use crate::tensor::DataMut;

/// Full batches of the data, one after the other.
pub struct Batches<'a> {
    pub feeds: Vec<Rows<'a>>,
    /// Row numbers to take; without it the rows in their order.
    pub order: Option<&'a [i64]>,
    /// Rows a batch.
    pub size: usize,
    /// Position of the first batch's first row.
    pub start: usize,
    /// Number of batches.
    pub count: usize,
}

impl Program {
    /// Runs every batch. `results` take the outputs' rows, batch after batch. `pause` is asked after
    /// each batch whether `report` is due, which gets the number of batches done, finds the cells
    /// unlocked, and says whether to go on. So does `interrupted` where a batch was given up, which
    /// begins again then. Returns the number of batches done.
    pub fn epoch(
        &self,
        batches: &Batches,
        results: &mut [DataMut],
        mut pause: impl FnMut() -> bool,
        mut report: impl FnMut(usize) -> bool,
        mut interrupted: impl FnMut() -> bool,
    ) -> Result<usize> {
        let mut arena = self.arenas.lend().map_err(|e| e.of_op("epoch"))?;
        let mut memory = Some(lock(&self.cells));
        let mut done = 0;
        while done < batches.count {
            let first = batches.start + done * batches.size;
            let batch = match batches.order {
                Some(order) => Batch::Order(&order[first..first + batches.size]),
                None => Batch::From(first),
            };
            let locked = memory.get_or_insert_with(|| lock(&self.cells));
            let parts = results
                .iter_mut()
                .zip(&self.outputs)
                .map(|(result, output)| {
                    let len = output.spec.len();
                    result.part(done * len, len)
                });
            match self.run(locked, &mut arena, &batches.feeds, batch, parts) {
                Err(Error::Interrupted) => {
                    memory = None;
                    if !interrupted() {
                        break;
                    }
                    continue;
                }
                other => other?,
            }
            done += 1;
            if pause() {
                memory = None;
                if !report(done) {
                    break;
                }
            }
        }
        Ok(done)
    }
}
