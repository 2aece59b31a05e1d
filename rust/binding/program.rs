//! `Program`: runs compiled graphs on arrays with the GIL released.

use super::array::{Array, ArrayMut, Fed};
use super::callback::expect_outside;
use super::calls::{ctrl_c, detached};
use super::cell::PyCell;
use super::results::filled_here;
use crate::error::{caught, Error};
use crate::graph::Cell;
use crate::kernels::finite::all_finite_data;
use crate::kernels::interrupt::{watched, TICK};
use crate::program::arena::{lock, try_lock, Locked};
use crate::program::epoch::Batches;
use crate::program::step::Batch;
use crate::program::Program;
use crate::tensor::{show, DType, DataMut, Spec};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBool;
use pythonize::pythonize;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

#[pyclass(name = "Program", module = "chainrule._core", frozen)]
pub struct PyProgram {
    pub program: Program,
}

/// Elements that are looked at without releasing the GIL.
const FEW: usize = 1 << 14;

/// Where errors of a run lie.
const RUN: &str = "run";

/// The cells of a brief program that nobody else holds.
fn brief_lock(program: &Program) -> Option<Locked<'_>> {
    match program.is_brief {
        true => try_lock(&program.cells),
        false => None,
    }
}

/// Refuses feeds whose shapes differ; of batches only the rows' shapes are compared.
fn check_feeds(
    program: &Program,
    specs: impl ExactSizeIterator<Item = Spec>,
    whole: bool,
) -> Result<(), Error> {
    if specs.len() != program.feeds.len() {
        let (expected, got) = (program.feeds.len(), specs.len());
        return Err(Error::shape(
            "run",
            format!("{expected} inputs"),
            got.to_string(),
        ));
    }
    for (spec, (name, operand)) in specs.zip(&program.feeds) {
        let (got, expected) = (&spec.shape, &operand.spec.shape);
        let fits = match whole {
            true => got == expected,
            false => !got.is_empty() && !expected.is_empty() && got[1..] == expected[1..],
        };
        if !fits {
            return Err(Error::shape(
                &format!("input '{name}'"),
                show(expected),
                show(got),
            ));
        }
    }
    Ok(())
}

impl PyProgram {
    /// Refuses a run that might wait for variables that the run around a callback holds.
    fn expect_outside_callbacks(&self, place: &str) -> PyResult<()> {
        match self.program.cells.is_empty() {
            true => Ok(()),
            false => expect_outside(place),
        }
    }
}

#[pymethods]
impl PyProgram {
    /// Runs once on arrays of the inputs' shapes; gives new arrays. With `sound`, gives None instead where
    /// a feed holds NaN or infinity.
    #[pyo3(signature = (feeds, sound=false))]
    fn run<'py>(
        &self,
        py: Python<'py>,
        feeds: Vec<Bound<'py, PyAny>>,
        sound: bool,
    ) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
        let program = &self.program;
        self.expect_outside_callbacks(RUN)?;
        let fed = feeds
            .iter()
            .map(Fed::new)
            .collect::<PyResult<SmallVec<[_; 4]>>>()?;
        check_feeds(program, fed.iter().map(Fed::spec), true)?;
        let rows = fed
            .iter()
            .map(Fed::rows)
            .collect::<PyResult<SmallVec<[_; 4]>>>()?;
        if sound {
            let few = rows.iter().map(|r| r.data.len()).sum::<usize>() <= FEW;
            let finite = || rows.iter().all(|r| all_finite_data(r.data));
            if !(if few { finite() } else { py.detach(finite) }) {
                return Ok(None);
            }
        }
        let specs = program.outputs.iter().map(|o| &o.spec);
        let made = filled_here(py, RUN, specs, |targets| {
            let mut run = |cells: &mut Locked| {
                let mut arena = program.arenas.lend().map_err(|e| e.of_op(RUN))?;
                let targets = targets.iter_mut().map(DataMut::reborrow);
                program.run(cells, &mut arena, &rows, Batch::From(0), targets)
            };
            // Others get the GIL sooner when it is over than by taking it now; but whoever holds the
            // cells may want it.
            if let Some(mut cells) = brief_lock(program) {
                return Ok(caught(RUN, || run(&mut cells))?);
            }
            detached(py, RUN, || run(&mut lock(&program.cells)))
        })?;
        Ok(Some(made))
    }

    /// Runs `count` batches of `size` rows: rows `order[start], order[start + 1], ...` of the feeds,
    /// or their rows from `start` on. Output rows go to `results`, batch after batch. `tick`, if any,
    /// is called with the number of batches done, after every batch where `every` is set, else about
    /// twenty times a second, and ends the loop by returning False. Signals are seen at the same
    /// pace. Returns the batches done.
    #[pyo3(signature = (feeds, order, size, start, count, results, tick=None, every=false))]
    #[allow(clippy::too_many_arguments)]
    fn epoch<'py>(
        &self,
        py: Python<'py>,
        feeds: Vec<Bound<'py, PyAny>>,
        order: Option<Bound<'py, PyArray1<i64>>>,
        size: usize,
        start: usize,
        count: usize,
        results: Vec<Bound<'py, PyAny>>,
        tick: Option<Py<PyAny>>,
        every: bool,
    ) -> PyResult<usize> {
        self.expect_outside_callbacks("epoch")?;
        let arrays = feeds.iter().map(Array::new).collect::<PyResult<Vec<_>>>()?;
        let specs: Vec<Spec> = arrays.iter().map(Array::spec).collect();
        let rows = arrays
            .iter()
            .map(|a| a.rows("epoch"))
            .collect::<PyResult<Vec<_>>>()?;
        let order = order.map(|o| o.readonly());
        let order = match &order {
            Some(o) => Some(o.as_slice().map_err(|_| {
                PyErr::from(Error::data(
                    "order",
                    "a C-contiguous array",
                    "a strided one",
                ))
            })?),
            None => None,
        };
        let end = size.saturating_mul(count).saturating_add(start);
        let available = match order {
            Some(order) => order.len(),
            None => specs
                .iter()
                .map(|s| s.dims().first().copied().unwrap_or(0))
                .min()
                .unwrap_or(end),
        };
        if end > available {
            return Err(Error::shape("epoch", format!("{end} rows"), available.to_string()).into());
        }
        let mut targets = results
            .iter()
            .map(ArrayMut::new)
            .collect::<PyResult<Vec<_>>>()?;
        let mut targets = targets
            .iter_mut()
            .map(ArrayMut::data_mut)
            .collect::<PyResult<Vec<DataMut>>>()?;
        // Batches begin again when they were given up, so the whole is not called again.
        py.detach(|| {
            let program = &self.program;
            check_feeds(program, specs.into_iter(), false)?;
            check_results(program, &targets, count)?;
            let batches = Batches {
                feeds: rows,
                order,
                size,
                start,
                count,
            };
            let mut last = Instant::now();
            let stopped = RefCell::new(Ok(()));
            let goes_on = |asked: PyResult<bool>| {
                asked.unwrap_or_else(|error| {
                    *stopped.borrow_mut() = Err(error);
                    false
                })
            };
            let signals = |py: Python<'_>| py.check_signals().map(|()| true);
            let due = || {
                let now = every || last.elapsed() >= TICK;
                if now {
                    last = Instant::now();
                }
                now
            };
            let report = |done| {
                goes_on(Python::attach(|py| match &tick {
                    Some(tick) => {
                        signals(py)?;
                        let no = PyBool::new(py, false);
                        Ok(!tick.call1(py, (done,))?.bind(py).is(no))
                    }
                    None => signals(py),
                }))
            };
            let interrupted = || goes_on(Python::attach(signals));
            let epoch = || program.epoch(&batches, &mut targets, due, report, interrupted);
            let done = watched(ctrl_c, || caught("epoch", epoch))?;
            stopped.into_inner().map(|()| done)
        })
    }

    /// Bytes of memory that one run works in; they are kept for the next.
    #[getter]
    fn arena_bytes(&self) -> usize {
        self.program.arenas.bytes()
    }

    /// Name and shape of what to feed, in order.
    #[getter]
    fn feeds(&self) -> Vec<(&str, &[usize])> {
        let feeds = self.program.feeds.iter();
        feeds.map(|(n, o)| (&n[..], o.spec.dims())).collect()
    }

    /// The cells that a run assigns.
    fn assigned(&self) -> Vec<PyCell> {
        let cells = self.program.cells.iter().filter(|(_, assigned)| *assigned);
        let cell = |(cell, _): &(Arc<Cell>, bool)| PyCell { cell: cell.clone() };
        cells.map(cell).collect()
    }

    /// Starts to time each task of the runs that follow, from nothing, or stops it.
    fn time_tasks(&self, is_on: bool) {
        self.program.clock.set(is_on);
    }

    /// Seconds that each task took in all runs that were timed, in the order of `explain`.
    fn task_seconds(&self) -> Vec<f64> {
        let tasks = 0..self.program.steps.len();
        tasks.map(|at| self.program.clock.seconds(at)).collect()
    }

    /// What a run executes, one dictionary a task, and the patterns that could not be fused.
    fn explain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize(py, &self.program.explain())?)
    }
}

/// Refuses results that are too short for the batches.
fn check_results(program: &Program, results: &[DataMut], count: usize) -> Result<(), Error> {
    if results.is_empty() {
        return Ok(());
    }
    if results.len() != program.outputs.len() {
        let (expected, got) = (program.outputs.len(), results.len());
        return Err(Error::shape(
            "epoch",
            format!("{expected} results"),
            got.to_string(),
        ));
    }
    for (result, output) in results.iter().zip(&program.outputs) {
        let (len, dtype) = match result {
            DataMut::F32(s) => (s.len(), DType::F32),
            DataMut::F64(s) => (s.len(), DType::F64),
            DataMut::I32(s) => (s.len(), DType::I32),
            DataMut::I64(s) => (s.len(), DType::I64),
            DataMut::U8(s) => (s.len(), DType::U8),
            DataMut::U32(s) => (s.len(), DType::U32),
            DataMut::U64(s) => (s.len(), DType::U64),
        };
        let stored = match output.spec.dtype {
            DType::Bool => DType::U8,
            other => other,
        };
        if dtype != stored || len < output.spec.len() * count {
            return Err(Error::shape(
                "epoch",
                format!("results of {} {stored}", output.spec.len() * count),
                format!("{len} {dtype}"),
            ));
        }
    }
    Ok(())
}
