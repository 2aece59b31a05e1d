//! Merges steps whose result only the next one reads, so that one loop does both.

use super::Step;
use crate::kernels::map::{Binary, Instr, Unary};
use crate::kernels::merged::Then;

/// The steps, some of them merged, of a program with `first` inputs; `kept` are the values that are
/// stored or summed, which go on under their new numbers.
pub fn merge(first: usize, steps: Vec<Step>, kept: [&mut [usize]; 2]) -> Vec<Step> {
    let mut reads = vec![0; first + steps.len()];
    for arg in steps.iter().flat_map(|s| &s.args) {
        reads[*arg] += 1;
    }
    for value in kept.iter().flat_map(|values| values.iter()) {
        reads[*value] += 2;
    }
    // None where a later step does the work.
    let mut merged: Vec<Option<Step>> = Vec::with_capacity(steps.len());
    for step in steps {
        let together = step.args.iter().enumerate().find_map(|(position, &arg)| {
            let earlier = merged.get(arg.checked_sub(first)?)?.as_ref()?;
            let both = both(earlier, &step, position).filter(|_| reads[arg] == 1)?;
            Some((arg - first, both))
        });
        let step = match together {
            Some((earlier, both)) => {
                merged[earlier] = None;
                both
            }
            None => step,
        };
        merged.push(Some(step));
    }
    let mut number: Vec<usize> = (0..first).collect();
    let mut next = first;
    for step in &merged {
        number.push(next);
        next += step.is_some() as usize;
    }
    for value in kept.into_iter().flatten() {
        *value = number[*value];
    }
    let mut steps: Vec<Step> = merged.into_iter().flatten().collect();
    for arg in steps.iter_mut().flat_map(|s| &mut s.args) {
        *arg = number[*arg];
    }
    steps
}

/// The step that does what `earlier` and then `step` do, which reads its result at `position`.
fn both(earlier: &Step, step: &Step, position: usize) -> Option<Step> {
    if !earlier.dtype.is_float() || earlier.dtype != step.dtype {
        return None;
    }
    let mut args = earlier.args.clone();
    let instr = match (earlier.instr, step.instr) {
        (
            Instr::Binary(f @ (Binary::Add | Binary::Sub | Binary::Mul)),
            Instr::Unary(Unary::Relu),
        ) => Instr::Pair(f, Then::Relu),
        (Instr::Binary(f @ (Binary::Add | Binary::Sub | Binary::Mul)), Instr::Binary(g)) => {
            let then = match (g, position) {
                (Binary::Add, _) => Then::Add,
                (Binary::Mul, _) => Then::Mul,
                (Binary::Sub, 0) => Then::Sub,
                (Binary::Sub, _) => Then::From,
                _ => return None,
            };
            args.push(step.args[1 - position]);
            Instr::Pair(f, then)
        }
        (Instr::Compare(f), Instr::Select) if position == 0 => {
            args.extend(&step.args[1..]);
            Instr::Choose(f)
        }
        _ => return None,
    };
    Some(Step {
        instr,
        args,
        dtype: step.dtype,
        out: step.out,
    })
}
