//! `y = f(x)` over `axes`, `f` one of sum, mean, max, min, prod, and any, all of bools.
//!
//! Sum: `dx = dout` repeated; mean: over the count; max, min: `dout` shared by the elements that
//! attain it; prod: `dout * (product of the others)`. Without axes nothing is reduced.

use super::build::Build;
use super::check;
use super::cumulate::Cumulate;
use super::lanes::map_lanes;
use super::named::{self, Named};
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::columns::fold_columns;
use crate::kernels::fold::{fold, Fold};
use crate::kernels::map::Compare;
use crate::kernels::number::Number;
use crate::kernels::strided::{array, array_mut, copy};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, DType, Element, Spec};
use crate::{with_dtype, with_float};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    Sum,
    Mean,
    Max,
    Min,
    Prod,
    Any,
    All,
}

impl Named for Reduction {
    fn table() -> Vec<(&'static str, Self)> {
        vec![
            ("sum", Reduction::Sum),
            ("mean", Reduction::Mean),
            ("max", Reduction::Max),
            ("min", Reduction::Min),
            ("prod", Reduction::Prod),
            ("any", Reduction::Any),
            ("all", Reduction::All),
        ]
    }
}

/// Columns at the most that are summed where they are computed: their sums stay in cache.
const WIDEST: usize = 1024;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reduce {
    #[serde(with = "named")]
    function: Reduction,
    axes: Vec<usize>,
    keepdims: bool,
}

impl Reduce {
    pub fn of(function: Reduction, axes: &[usize], keepdims: bool) -> Self {
        Reduce {
            function,
            axes: axes.to_vec(),
            keepdims,
        }
    }

    fn fold(&self) -> Fold {
        match self.function {
            Reduction::Sum | Reduction::Mean => Fold::Sum,
            Reduction::Prod => Fold::Prod,
            Reduction::Max | Reduction::Any => Fold::Max,
            Reduction::Min | Reduction::All => Fold::Min,
        }
    }

    /// Whether it sums over all axes of x but the last, and keeps none.
    pub fn is_column_sum(&self, x: &Spec) -> bool {
        self.function == Reduction::Sum
            && !self.keepdims
            && x.rank() == self.axes.len() + 1
            && !self.axes.contains(&self.axes.len())
    }

    /// Whether what computes x can sum its columns on the way: they are few, and one row or one column
    /// is folded otherwise.
    pub fn sums_columns(&self, x: &Spec) -> bool {
        let Some((n, lead)) = x.shape.split_last() else {
            return false;
        };
        let rows: Size = lead.iter().product();
        self.function == Reduction::Sum
            && lead.len() == self.axes.len()
            && !self.axes.contains(&lead.len())
            && rows.number().is_some_and(|rows| rows > 1)
            && n.number()
                .is_some_and(|n| (2..=WIDEST as isize).contains(&n))
    }

    /// The shape with every reduced axis of size 1.
    fn kept(&self, shape: &[Size]) -> Vec<Size> {
        let mut kept = shape.to_vec();
        self.axes.iter().for_each(|&a| kept[a] = Size::ONE);
        kept
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        "reduce"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        for (i, axis) in self.axes.iter().enumerate() {
            check::axis(self.name(), *axis, x)?;
            if self.axes[..i].contains(axis) {
                let got = show(&self.axes);
                return Err(Error::shape(self.name(), "each axis once", got));
            }
        }
        match self.function {
            Reduction::Any | Reduction::All => check::dtype(self.name(), "x", x, DType::Bool)?,
            Reduction::Mean => check::float(self.name(), "x", x)?,
            _ if x.dtype == DType::Bool => {
                return Err(Error::dtype(self.name(), "x of numbers", "bool"))
            }
            _ => {}
        }
        let empty = self.axes.iter().any(|&a| x.shape[a] == 0);
        if empty && matches!(self.function, Reduction::Max | Reduction::Min) {
            return Err(Error::shape(
                self.name(),
                "axes that are not empty for max and min",
                show(&x.shape),
            ));
        }
        let shape = match self.keepdims {
            true => self.kept(&x.shape),
            false => (0..x.rank())
                .filter(|a| !self.axes.contains(a))
                .map(|a| x.shape[a])
                .collect(),
        };
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        if matches!(self.function, Reduction::Any | Reduction::All) {
            return Ok(vec![None]);
        }
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.outputs[0]);
        let spec = b.spec(x);
        let kept = self.kept(&spec.shape);
        let g = &mut *b.graph;
        let dout = g.reshape(dout, &kept)?;
        let dx = match self.function {
            Reduction::Sum => g.broadcast_to(dout, &spec.shape)?,
            Reduction::Mean => {
                let count: Size = self.axes.iter().map(|&a| spec.shape[a]).product();
                let count = g.scalar(count.as_f64(), spec.dtype);
                let share = g.div(dout, count)?;
                g.broadcast_to(share, &spec.shape)?
            }
            Reduction::Max | Reduction::Min => {
                let y = g.reshape(y, &kept)?;
                let attains = g.compare(Compare::Eq, x, y)?;
                let ones = g.cast(attains, spec.dtype)?;
                let count = g.reduce(Reduction::Sum, ones, &self.axes, true)?;
                let share = g.div(dout, count)?;
                g.mul(ones, share)?
            }
            Reduction::Prod => {
                let others = self.product_of_others(g, x, &spec)?;
                g.mul(dout, others)?
            }
            Reduction::Any | Reduction::All => unreachable!("bools have no gradient"),
        };
        Ok(vec![Some(dx)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let plan = Plan::new(inputs[0].dims(), &self.axes);
        let (function, f) = (self.function, self.fold());
        let count: usize = self.axes.iter().map(|&a| inputs[0].dims()[a]).product();
        if function == Reduction::Mean {
            return Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
                let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
                plan.reduce(f, x, out);
                let n = <T as Number>::from_f64(count as f64);
                out.iter_mut().for_each(|y| *y /= n);
                Ok(())
            })
            .into()));
        }
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            match function {
                Reduction::Any if x.is_empty() => out.fill(T::ZERO),
                Reduction::All if x.is_empty() => out.fill(T::ONE),
                _ => plan.reduce(f, x, out),
            }
            Ok(())
        })
        .into()))
    }
}

impl Reduce {
    /// For each element the product of the others along the axes, right where some are zero: the
    /// products of all before and of all after.
    fn product_of_others(&self, g: &mut Graph, x: Value, spec: &Spec) -> Result<Value> {
        let rank = spec.rank();
        let mut order: Vec<usize> = (0..rank).filter(|a| !self.axes.contains(a)).collect();
        order.extend(&self.axes);
        let moved: Vec<Size> = order.iter().map(|&a| spec.shape[a]).collect();
        let n: Size = self.axes.iter().map(|&a| spec.shape[a]).product();
        let t = g.transpose(x, &order)?;
        let lanes = g.reshape(t, &[spec.size().floor_div(n.max(1)), n])?;
        let before = g.push(Cumulate::product(1, false), &[lanes])?;
        let after = g.push(Cumulate::product(1, true), &[lanes])?;
        let others = g.mul(before, after)?;
        let others = g.reshape(others, &moved)?;
        let mut inverse = vec![0; rank];
        order
            .iter()
            .enumerate()
            .for_each(|(to, &from)| inverse[from] = to);
        g.transpose(others, &inverse)
    }
}

/// Columns of fewer elements than this are folded beside the others, longer ones one after another.
const APART_LEN: usize = 1 << 16;

/// How a shape is folded over axes.
enum Plan {
    Copy,
    /// All of it.
    All,
    /// Runs of this length.
    Rows(usize),
    /// Columns of so many rows, one matrix after the other.
    Columns {
        m: usize,
        n: usize,
        apart: bool,
    },
    /// Runs of length `n`, which first have to be gathered: the axes of `shape` in this order.
    Gathered {
        shape: Vec<usize>,
        order: Vec<usize>,
        n: usize,
    },
}

impl Plan {
    fn new(shape: &[usize], axes: &[usize]) -> Plan {
        // Neighbouring axes of one kind act as one; size-1 axes as none.
        let mut groups: Vec<(usize, bool)> = Vec::new();
        for (axis, &size) in shape.iter().enumerate() {
            let reduced = axes.contains(&axis);
            match groups.last_mut() {
                _ if size == 1 => {}
                Some((n, kind)) if *kind == reduced => *n *= size,
                _ => groups.push((size, reduced)),
            }
        }
        match groups[..] {
            [] | [(_, false)] => Plan::Copy,
            [(_, true)] => Plan::All,
            [(_, false), (n, true)] => Plan::Rows(n),
            [(m, true), (n, false)] => Plan::Columns { m, n, apart: false },
            [(_, false), (m, true), (n, false)] => Plan::Columns {
                m,
                n,
                apart: (1..APART_LEN).contains(&(m * n)),
            },
            _ => {
                let mut order: Vec<usize> =
                    (0..shape.len()).filter(|a| !axes.contains(a)).collect();
                order.extend(axes);
                Plan::Gathered {
                    shape: shape.to_vec(),
                    order,
                    n: axes.iter().map(|&a| shape[a]).product(),
                }
            }
        }
    }

    /// Folds `x` into `out`.
    fn reduce<T: Number + Element>(&self, f: Fold, x: &[T], out: &mut [T]) {
        match *self {
            Plan::Copy => out.copy_from_slice(x),
            Plan::All => out[0] = fold_or_identity(f, x),
            Plan::Rows(n) => rows(f, x, n, out),
            Plan::Columns { m, n, apart: true } => {
                let lanes = (out.len() / n, m * n, 1);
                map_lanes(x, out, lanes, n, |x, out| fold_columns(f, x, n, out));
            }
            Plan::Columns { m, n, apart: false } => {
                for (at, out) in out.chunks_mut(n.max(1)).enumerate() {
                    fold_columns(f, &x[at * m * n..(at + 1) * m * n], n, out);
                }
            }
            Plan::Gathered {
                ref shape,
                ref order,
                n,
            } => {
                let mut lanes = room(T::default(), x.len());
                let moved = array(x, shape).permuted_axes(&order[..]);
                copy(moved.view(), array_mut(&mut lanes, moved.shape()));
                rows(f, &lanes, n, out);
            }
        }
    }
}

fn fold_or_identity<T: Number>(f: Fold, x: &[T]) -> T {
    match f.identity() {
        Some(identity) if x.is_empty() => identity,
        _ => fold(f, x),
    }
}

fn rows<T: Number + Element>(f: Fold, x: &[T], n: usize, out: &mut [T]) {
    if n == 0 {
        out.fill(f.identity().unwrap_or(T::ZERO));
        return;
    }
    let outer = out.len();
    map_lanes(x, out, (outer, n, 1), 1, |x, y| y[0] = fold(f, x));
}
