//! The loop over batches: nothing of Python between two steps.

use super::compile::Program;
use super::step::{Batch, Rows};
use crate::error::Result;
use crate::tensor::{Data, DataMut, Element};

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
    /// Runs every batch. `results` take the outputs' rows, batch after batch. `after` is called with
    /// the number of batches done and says whether to go on; returns that number.
    pub fn epoch(
        &mut self,
        batches: &Batches,
        results: &mut [DataMut],
        mut after: impl FnMut(usize) -> bool,
    ) -> Result<usize> {
        for done in 0..batches.count {
            let first = batches.start + done * batches.size;
            let batch = match batches.order {
                Some(order) => Batch::Order(&order[first..first + batches.size]),
                None => Batch::From(first),
            };
            self.run(&batches.feeds, batch, |outputs| {
                for ((_, data), result) in outputs.iter().zip(results.iter_mut()) {
                    store(*data, result, done);
                }
            })?;
            if !after(done + 1) {
                return Ok(done + 1);
            }
        }
        Ok(batches.count)
    }
}

/// Puts the `at`-th batch of an output in its place.
fn store(data: Data, result: &mut DataMut, at: usize) {
    macro_rules! put {
        ($x:expr, $t:ty) => {{
            let n = $x.len();
            <$t as Element>::slice_mut(result)[at * n..(at + 1) * n].copy_from_slice($x);
        }};
    }
    match data {
        Data::F32(x) => put!(x, f32),
        Data::F64(x) => put!(x, f64),
        Data::I32(x) => put!(x, i32),
        Data::I64(x) => put!(x, i64),
        Data::U8(x) => put!(x, u8),
        Data::U32(x) => put!(x, u32),
    }
}
