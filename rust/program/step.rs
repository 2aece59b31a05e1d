//! One run of a program: feed, compute, assign.

use super::arena::{Arena, Locked, Memory, Operands};
use super::compile::{Program, Step};
use super::kept::Held;
use crate::error::{caught, Error, Result};
use crate::kernels::{interrupt, map};
use crate::run::Io;
use crate::tensor::{DType, Data, DataMut, Element, Tensor};
use crate::with_dtype;
use std::ops::Range;

/// Elements to feed, of any dtype, in rows: the batch takes the rows of `order`, or those from
/// `start` on.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub data: Data<'a>,
    /// Elements a row.
    pub width: usize,
}

impl<'a> Rows<'a> {
    /// A tensor as rows along its first axis.
    pub fn of(tensor: &'a Tensor) -> Self {
        Rows {
            data: tensor.data(),
            width: tensor.spec().dims().iter().skip(1).product(),
        }
    }

    /// The `len` elements of the batch, where they lie one after the other.
    fn lying(&self, batch: Batch, len: usize) -> Option<Data<'a>> {
        match batch {
            Batch::From(start) => self.data.part(start * self.width, len),
            Batch::Order(_) => None,
        }
    }
}

/// Which rows of the data make the batch.
#[derive(Clone, Copy)]
pub enum Batch<'a> {
    /// `count` rows from this one on.
    From(usize),
    /// These rows.
    Order(&'a [i64]),
}

impl Program {
    /// Runs once. `feeds` in the order of the graph's inputs; the outputs go to `results`, in order,
    /// as many as there are. Feeds that lie as they are needed are read where they are, and outputs
    /// are computed where they go. On an error no cell has changed; [`Error::Interrupted`] where the
    /// caller gives up ([`interrupt`]).
    pub fn run<'r>(
        &self,
        cells: &'r mut Locked,
        arena: &'r mut Arena,
        feeds: &[Rows<'r>],
        batch: Batch,
        results: impl Iterator<Item = DataMut<'r>>,
    ) -> Result<()> {
        if feeds.len() != self.feeds.len() {
            return Err(Error::shape(
                "run",
                format!("{} inputs", self.feeds.len()),
                feeds.len().to_string(),
            ));
        }
        assert!(arena.is_of(&self.arenas));
        let mut memory = cells.run(arena);
        for (rows, (name, operand)) in feeds.iter().zip(&self.feeds) {
            if !memory.lend_feed(operand, rows.lying(batch, operand.spec.len())) {
                let mut out = memory.output(operand);
                gather_rows(rows, batch, operand.spec.dtype, &mut out.data)
                    .map_err(|e| e.in_layer(&format!("input {name}")))?;
            }
        }
        let copied: Operands<_> = self
            .outputs
            .iter()
            .zip(results)
            .filter_map(|(operand, target)| Some((operand, memory.lend_result(operand, target)?)))
            .collect();
        let (first, rest) = (0..self.commit, self.commit..self.steps.len());
        match self.is_small() {
            true => interrupt::unwatched(|| self.run_steps(&mut memory, first))?,
            false => self.run_steps(&mut memory, first)?,
        }
        interrupt::unwatched(|| self.run_steps(&mut memory, rest))?;
        for (operand, mut target) in copied {
            with_dtype!(operand.spec.dtype, T => {
                T::slice_mut(&mut target).copy_from_slice(T::slice(memory.input(operand).data));
            });
        }
        for (from, to) in self.saves.iter().chain(&self.copies) {
            memory.copy(from, to);
        }
        Ok(())
    }

    fn run_steps(&self, memory: &mut Memory, range: Range<usize>) -> Result<()> {
        let is_timed = self.clock.is_on();
        for at in range {
            let step = &self.steps[at];
            match is_timed {
                true => self.clock.time(at, || run_step(memory, step))?,
                false => run_step(memory, step)?,
            }
        }
        Ok(())
    }
}

fn run_step(memory: &mut Memory, step: &Step) -> Result<()> {
    let (inputs, mut outputs, scratch) = memory.step(&step.inputs, &step.outputs, &step.scratch);
    let held = step.kept.as_ref().and_then(|kept| {
        let repacking = step.kernel.repacking()?;
        kept.get(repacking, &inputs[repacking.input])
    });
    let mut io = Io {
        inputs: &inputs,
        outputs: &mut outputs,
        scratch,
        is_passed_on: step.is_passed_on,
        repacked: held.as_ref().map(Held::bytes),
    };
    let run = || {
        interrupt::check();
        step.kernel.run(&mut io)
    };
    caught(&step.name, run).map_err(|e| e.in_layer(&step.layer))
}

/// Copies rows into a feed, converting the dtype.
fn gather_rows(rows: &Rows, batch: Batch, to: DType, out: &mut DataMut) -> Result<()> {
    let width = rows.width;
    macro_rules! from {
        ($x:expr, $a:ty) => {
            with_dtype!(to, B => {
                let out = B::slice_mut(out);
                let convert = |x: &[$a], out: &mut [B]| match to {
                    DType::Bool => {
                        map::to_bool(x, <u8 as Element>::slice_mut(&mut bytes_of(out)))
                    }
                    _ => map::cast::<$a, B>(x, out),
                };
                let available = if width == 0 { usize::MAX } else { $x.len() / width };
                match batch {
                    Batch::From(start) => {
                        let end = start * width + out.len();
                        let Some(x) = $x.get(start * width..end) else {
                            return Err(Error::shape(
                                "run",
                                format!("{end} elements"),
                                $x.len().to_string(),
                            ));
                        };
                        convert(x, out);
                    }
                    Batch::Order(order) => {
                        if order.len() * width != out.len() {
                            return Err(Error::shape(
                                "run",
                                format!("{} elements a batch", out.len()),
                                (order.len() * width).to_string(),
                            ));
                        }
                        for (row, out) in order.iter().zip(out.chunks_mut(width.max(1))) {
                            let row = usize::try_from(*row).ok().filter(|r| *r < available);
                            let Some(row) = row else {
                                return Err(Error::data(
                                    "run",
                                    format!("row numbers below {available}"),
                                    format!("{order:?}"),
                                ));
                            };
                            convert(&$x[row * width..(row + 1) * width], out);
                        }
                    }
                }
            })
        };
    }
    match rows.data {
        Data::F32(x) => from!(x, f32),
        Data::F64(x) => from!(x, f64),
        Data::I32(x) => from!(x, i32),
        Data::I64(x) => from!(x, i64),
        Data::U8(x) => from!(x, u8),
        Data::U32(x) => from!(x, u32),
        Data::U64(x) => from!(x, u64),
    }
    Ok(())
}

/// A slice of `u8` under its enum; only called where the target dtype is bool.
fn bytes_of<B: Element>(out: &mut [B]) -> DataMut<'_> {
    B::wrap_mut(out)
}
