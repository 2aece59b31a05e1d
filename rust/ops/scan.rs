//! `c_{t+1}, y_t = body(c_t, x_t, w)` for every step t: the last carries, and all y stacked.
//!
//! `dc_t, dx_t, dw_t = body'(dc_{t+1}, dy_t)` from the last step to the first, `dw = sum over t of dw_t`: a scan
//! itself ([`super::scan_backward`]). Inputs, in order: the carries before the first step, sequences (T, ...) of
//! which a step reads its row, and what every step reads. `reverse` begins with the last row. The body's
//! inputs are the same, of one step; its outputs the next carries, then y. (Werbos, Backpropagation through
//! time, 1990.)
//!
//! The body is compiled once, to a program of its own, and run T times. Ops cannot make programs: who
//! prepares them hands a compiler over ([`Op::prepare_with`]).

use super::body::{Body, Built};
use super::scan_backward;
use crate::error::{Error, Result};
use crate::graph::{Backward, Compile, Op, Value};
use crate::kernels::interrupt;
use crate::memory::{keep, kept, Buffer};
use crate::run::{Input, Io, Kernel, Output, Prepared};
use crate::size::Size;
use crate::tensor::{show, Data, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    pub body: Body,
    /// How many of the inputs are carries.
    pub carries: usize,
    /// How many after them are sequences.
    pub sequences: usize,
    /// The number of steps.
    pub length: Size,
    pub reverse: bool,
}

impl Scan {
    /// The body for inputs of these specs.
    pub fn built(&self, inputs: &[&Spec]) -> Result<Built> {
        let of_step = |(at, spec): (usize, &&Spec)| match at.checked_sub(self.carries) {
            Some(sequence) if sequence < self.sequences => Spec::new(&spec.shape[1..], spec.dtype),
            _ => (*spec).clone(),
        };
        let specs: Vec<Spec> = inputs.iter().enumerate().map(of_step).collect();
        self.body.build(&specs)
    }

    fn check_counts(&self, inputs: &[&Spec]) -> Result<()> {
        let (name, body) = (self.name(), &self.body);
        if inputs.len() != body.inputs {
            let expected = format!("{} inputs", body.inputs);
            return Err(Error::shape(name, expected, inputs.len().to_string()));
        }
        let first = self.carries.saturating_add(self.sequences);
        if first > body.inputs || self.carries > body.outputs.len() || body.outputs.is_empty() {
            let expected = format!(
                "a body of {first} inputs and {} outputs at least",
                self.carries.max(1)
            );
            let got = format!("{} and {}", body.inputs, body.outputs.len());
            return Err(Error::attribute(name, expected, got));
        }
        Ok(())
    }

    /// The number of steps, which all sequences have.
    fn steps(&self, sequences: &[&Spec]) -> Result<Size> {
        let mut steps = self.length;
        for x in sequences {
            let agreed = x.shape.first().and_then(|rows| steps.agreed(*rows));
            steps = agreed.ok_or_else(|| {
                let expected = format!("sequences of {} steps", self.length);
                Error::shape(self.name(), expected, show(&x.shape))
            })?;
        }
        Ok(steps)
    }
}

impl Op for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        self.check_counts(inputs)?;
        let steps = self.steps(&inputs[self.carries..][..self.sequences])?;
        let body = self.built(inputs)?;
        let made = body.outputs.iter().map(|v| body.graph.spec(*v));
        let mut outputs = Vec::new();
        for (at, spec) in made.enumerate() {
            if at >= self.carries {
                let shape = [&[steps], &spec.shape[..]].concat();
                outputs.push(Spec::new(shape, spec.dtype));
            } else if spec.may_be(inputs[at]) {
                outputs.push(inputs[at].clone());
            } else {
                let expected = format!("carry {at} of {} after a step", inputs[at]);
                return Err(Error::shape(self.name(), expected, spec.to_string()));
            }
        }
        Ok(outputs)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        scan_backward::backward(self, b)
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Err(Error::attribute(
            self.name(),
            "a compiler of its body",
            "none",
        ))
    }

    fn prepare_with(
        &self,
        inputs: &[&Spec],
        _outputs: &[&Spec],
        compile: &Compile,
    ) -> Result<Prepared> {
        let body = self.built(inputs)?;
        let specs = |values: &[Value]| values.iter().map(|v| body.graph.spec(*v).clone()).collect();
        let kernel = compile(&body.graph, &body.outputs)?;
        let can_fail = kernel.can_fail();
        let sequences = &inputs[self.carries..][..self.sequences];
        let run = Loop {
            inputs: specs(&body.inputs),
            outputs: specs(&body.outputs),
            carries: self.carries,
            sequences: self.sequences,
            steps: self.steps(sequences)?.get(),
            reverse: self.reverse,
            body: kernel,
        };
        let kernel = Kernel::new(move |io| run.run(io));
        Ok(kernel.fallible(can_fail).into())
    }
}

/// A body as a kernel, and how often it runs.
struct Loop {
    body: Kernel,
    /// What the body reads and makes.
    inputs: Vec<Spec>,
    outputs: Vec<Spec>,
    carries: usize,
    sequences: usize,
    steps: usize,
    reverse: bool,
}

impl Loop {
    fn run(&self, io: &mut Io) -> Result<()> {
        let (finals, stacks) = io.outputs.split_at_mut(self.carries);
        if self.steps == 0 {
            finals.iter_mut().zip(io.inputs).for_each(copy);
            return Ok(());
        }
        // Steps write the carries by turns here and into the results, the last one into the results.
        let mut spare: SmallVec<[Buffer; 8]> = SmallVec::new();
        for carry in &self.outputs[..self.carries] {
            spare.push(kept(carry.bytes())?);
        }
        let mut done = Ok(());
        for step in 0..self.steps {
            interrupt::check();
            done = self.step(step, io.inputs, finals, stacks, &mut spare);
            if done.is_err() {
                break;
            }
        }
        spare.into_iter().for_each(keep);
        done
    }

    fn step(
        &self,
        step: usize,
        given: &[Input],
        finals: &mut [Output],
        stacks: &mut [Output],
        spare: &mut [Buffer],
    ) -> Result<()> {
        let row = match self.reverse {
            true => self.steps - 1 - step,
            false => step,
        };
        let to_finals = (self.steps - 1 - step).is_multiple_of(2);
        let mut inputs: SmallVec<[Input; 16]> = SmallVec::new();
        let mut outputs: SmallVec<[Output; 16]> = SmallVec::new();
        let carries = self.outputs.iter().zip(given).zip(finals).zip(spare);
        for (((spec, given), last), spare) in carries {
            let (dtype, len) = (spec.dtype, spec.len());
            let (before, data) = match to_finals {
                true => (spare.data(dtype, 0, len), last.data.reborrow()),
                false => (last.data.view(), spare.data_mut(dtype, 0, len)),
            };
            let before = if step == 0 { given.data } else { before };
            inputs.push(of_step(spec, before));
            outputs.push(Output { spec, data });
        }
        let given = self.inputs.iter().zip(given).enumerate();
        for (at, (spec, given)) in given.skip(self.carries) {
            let data = match at < self.carries + self.sequences {
                true => given.data.part(row * spec.len(), spec.len()),
                false => Some(given.data),
            };
            inputs.push(of_step(
                spec,
                data.expect("a sequence has a row for each step"),
            ));
        }
        for (spec, stack) in self.outputs[self.carries..].iter().zip(stacks) {
            let data = stack.data.part(row * spec.len(), spec.len());
            outputs.push(Output { spec, data });
        }
        self.body.run(&mut Io {
            inputs: &inputs,
            outputs: &mut outputs,
            scratch: &mut [],
            is_passed_on: false,
            repacked: None,
        })
    }
}

fn of_step<'a>(spec: &'a Spec, data: Data<'a>) -> Input<'a> {
    Input {
        spec,
        data,
        in_place: None,
    }
}

fn copy((to, from): (&mut Output, &Input)) {
    with_dtype!(from.spec.dtype, T => {
        to.slice::<T>().copy_from_slice(from.slice());
    });
}
